import type { Threshold } from './resolved.ts'

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Forms of the amounts below, for the JSON Schema. */
export const DURATION_PATTERN = '^[0-9]+(ms|s|m|h|d)$'
export const RATE_PATTERN = '^[0-9]+/[0-9]*(ms|s|m|h|d)$'
export const THRESHOLD_PATTERN = '^([0-9]+|[0-9]+(\\.[0-9]+)?%)$'

/** Milliseconds of `500ms`, `10s`, `5m`, `2h`, `1d`; undefined for any other form, and for nothing at all (`0s`). */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text)
  if (match === null) return undefined
  const duration = Number(match[1]) * (UNITS[match[2] as string] as number)
  return duration > 0 ? duration : undefined
}

/** `100/10s`: at most 100 requests in any 10 seconds; `5/s` is short for `5/1s`. Undefined for any other form. */
export function parseRate(text: string): { readonly requests: number; readonly perMs: number } | undefined {
  const match = /^(\d{1,9})\/(\d*[a-z]+)$/.exec(text)
  if (match === null) return undefined
  const [, amount, time] = match as unknown as [string, string, string]
  const perMs = parseDuration(/^\d/.test(time) ? time : `1${time}`)
  const requests = Number(amount)
  return perMs === undefined || requests < 1 ? undefined : { requests, perMs }
}

/** A number of records (`500` or `"500"`) or a share of them (`5%`, `0.5%`, at most `100%`); undefined otherwise. */
export function parseThreshold(value: string | number): Threshold | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? { count: value } : undefined
  if (/^\d{1,15}$/.test(value)) return { count: Number(value) }
  const match = /^(\d{1,3}(?:\.\d{1,9})?)%$/.exec(value)
  if (match === null) return undefined
  const percent = Number(match[1])
  return percent <= 100 ? { percent } : undefined
}

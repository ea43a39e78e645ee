import * as z from 'zod'
import type { Rate } from '../core/request-gate.ts'

const TIMES: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const SIZES: Readonly<Record<string, number>> = { B: 1, kB: 1000, KB: 1000, KiB: 1024, MB: 1_000_000, MiB: 1_048_576 }

/** `10s` as milliseconds. */
export const duration = z.string().transform((text, context) => {
  const milliseconds = parseTime(text)
  if (milliseconds !== undefined) return milliseconds
  context.addIssue({ code: 'custom', message: 'expected a duration such as 500ms, 10s or 5m' })
  return z.NEVER
})

/** `500kB` as bytes; a bare number is bytes. */
export const byteSize = z.union([z.int().min(1), z.string()]).transform((written, context) => {
  const match = /^(\d{1,9})\s?(B|kB|KB|KiB|MB|MiB)?$/.exec(String(written))
  const bytes = match === null ? 0 : Number(match[1]) * (SIZES[match[2] ?? 'B'] as number)
  if (bytes > 0) return bytes
  context.addIssue({ code: 'custom', message: 'expected a size such as 500kB or 1MB' })
  return z.NEVER
})

/** `100/10s`: at most 100 requests in any 10 seconds. */
export const rate = z.string().transform((text, context): Rate => {
  const match = /^(\d{1,9})\/(\d*)(ms|s|m|h|d)$/.exec(text)
  const perMs = match === null ? undefined : parseTime(`${match[2] === '' ? '1' : match[2]}${match[3]}`)
  const requests = Number(match?.[1] ?? 0)
  if (perMs !== undefined && requests > 0) return { requests, perMs }
  context.addIssue({ code: 'custom', message: 'expected a rate such as 100/10s' })
  return z.NEVER
})

function parseTime(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text)
  const time = match === null ? 0 : Number(match[1]) * (TIMES[match[2] as string] as number)
  return time > 0 ? time : undefined
}

import type { FaultPlan } from './simulator-faults.ts'

/** What every simulator can be told. Times are milliseconds. */
export interface SimulatorOptions {
  /** On 127.0.0.1. Default: one that is free. */
  readonly port?: number
  /** Of everything that is drawn: the order of results, latencies, faults. Default 1. */
  readonly seed?: number
  /** A plan, or its short form, as `reset:after:0.05,status-503:before:0.02`. */
  readonly faults?: FaultPlan | string
  /** How long requests take, by a log-normal distribution. Default: no longer than they do. */
  readonly latency?: { readonly p50: number; readonly p99: number }
  /** Connections beyond it are closed as soon as they are made. */
  readonly max_connections?: number
  /** How many entries of the journal are kept at least. Default 500,000. */
  readonly journal?: number
}

/** An option that a simulator cannot do anything with. The message is for whoever wrote it. */
export class SimulatorOptionsError extends Error {
  override readonly name = 'SimulatorOptionsError'
}

/** Answers what is wrong with a value; undefined if nothing is. */
export type OptionCheck = (value: unknown) => string | undefined

export const isBoolean: OptionCheck = (value) => (typeof value === 'boolean' ? undefined : 'has to be true or false')
export const isText: OptionCheck = (value) => (typeof value === 'string' ? undefined : 'has to be a text')
export const isObject: OptionCheck = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'has to be an object'
export const isList: OptionCheck = (value) => (Array.isArray(value) ? undefined : 'has to be a list')

export function isWholeNumber(from: number, to = Number.MAX_SAFE_INTEGER): OptionCheck {
  const range = to === Number.MAX_SAFE_INTEGER ? `${from} or more` : `from ${from} to ${to}`
  return (value) =>
    Number.isSafeInteger(value) && (value as number) >= from && (value as number) <= to
      ? undefined
      : `has to be a whole number, ${range}`
}

export function isOneOf(...allowed: readonly string[]): OptionCheck {
  return (value) => (allowed.includes(value as string) ? undefined : `has to be one of ${allowed.join(', ')}`)
}

const isLatency: OptionCheck = (value) => {
  const { p50, p99 } = (value ?? {}) as { p50?: unknown; p99?: unknown }
  const right = typeof p50 === 'number' && typeof p99 === 'number' && p50 > 0 && p99 >= p50
  return right ? undefined : 'has to be { p50, p99 } in milliseconds, above 0, p99 not below p50'
}

const COMMON: Readonly<Record<keyof SimulatorOptions, OptionCheck>> = {
  port: isWholeNumber(0, 65_535),
  seed: isWholeNumber(0),
  faults: () => undefined,
  latency: isLatency,
  max_connections: isWholeNumber(1),
  journal: isWholeNumber(1),
}

/** Throws a {@link SimulatorOptionsError} for the first option that is not known or not right. */
export function checkOptions(options: object, own: Readonly<Record<string, OptionCheck>>): void {
  const checks: Readonly<Record<string, OptionCheck>> = { ...COMMON, ...own }
  for (const [name, value] of Object.entries(options)) {
    const known = Object.hasOwn(checks, name)
    const problem = known ? checks[name]?.(value) : `is not known; there are ${Object.keys(checks).join(', ')}`
    if (value !== undefined && problem !== undefined) throw new SimulatorOptionsError(`option ${name} ${problem}`)
  }
}

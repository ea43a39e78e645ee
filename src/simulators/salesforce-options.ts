import type { SalesforceObject } from './salesforce-model.ts'
import {
  isBoolean,
  isList,
  isOneOf,
  isText,
  isWholeNumber,
  type OptionCheck,
  SimulatorOptionsError,
} from './simulator-options.ts'

/** An external client app. */
export interface SalesforceClient {
  readonly id: string
  /** For client credentials and refresh tokens. */
  readonly secret?: string
  /** PEM, for JWT bearer: the key that its assertions are checked with. */
  readonly public_key?: string
  /** The user whose JWT assertions are taken. Default `integration@example.com`. */
  readonly username?: string
  /** Default `['api', 'refresh_token']`; without `api` its tokens do nothing. */
  readonly scopes?: readonly string[]
  /** The number of the org that its tokens say they are of; the records are the same. Default 1. */
  readonly organization?: number
}

/** Jobs that fail in the middle. */
interface FailingJobs {
  /** Internal batches that are processed before. */
  readonly after_batches: number
  /** Default 1. */
  readonly times?: number
}

/** Times are milliseconds of the simulator's clock. */
export interface SalesforceOptions {
  /** Default: one, `simulator` with the secret `simulator-secret`. */
  readonly clients?: readonly SalesforceClient[]
  /** Default `['simulator-refresh-token']`. */
  readonly refresh_tokens?: readonly string[]
  /** What `aud` of an assertion may be. Default: the login and test hosts, and the simulator's URL. */
  readonly audiences?: readonly string[]
  /** How long a token is good. Default 2 hours. */
  readonly session_ms?: number
  /** Objects and fields besides the built-in ones. */
  readonly objects?: readonly SalesforceObject[]
  /** Requests in 24 hours. Default 100,000. */
  readonly daily_limit?: number
  /** How long a job waits before it is begun. Default 50. */
  readonly queue_ms?: number
  /** How long a group of parallel internal batches takes. Default 20. */
  readonly batch_ms?: number
  /** Rows of an internal batch. Default 10,000. */
  readonly batch_size?: number
  /** Internal batches that are processed at a time. Default 5. */
  readonly parallel_batches?: number
  /** The share of rows that fail with UNABLE_TO_LOCK_ROW, of those with a parent that a parallel batch has too. Default 0. */
  readonly lock_rate?: number
  /** The share of any rows that do, because somebody else holds theirs. Default 0. */
  readonly row_lock_rate?: number
  /** The next `times` jobs (default 1) with more than `after_batches` internal batches fail after so many. Default: none does. */
  readonly fail_jobs?: FailingJobs
  /** Whether the user may hard delete. Default false. */
  readonly hard_delete?: boolean
  /** Of an upload, after base64. Default 150,000,000. */
  readonly upload_limit?: number
  /** Rows of a page of results. Default 50,000. */
  readonly results_page?: number
  /** The answer where a result file has no rows: a header, or status 204. Default `header`. */
  readonly empty_results?: 'header' | 'no_content'
  /** How long jobs are kept. Default 7 days. */
  readonly retention_ms?: number
}

const isRate: OptionCheck = (value) =>
  typeof value === 'number' && value >= 0 && value <= 1 ? undefined : 'has to be a share from 0 to 1'

const isFailing: OptionCheck = (value) => {
  const { after_batches: after, times = 1 } = (value ?? {}) as { after_batches?: unknown; times?: unknown }
  const right = isWholeNumber(0)(after) === undefined && isWholeNumber(0)(times) === undefined
  return right ? undefined : 'has to be { after_batches, times }, whole numbers'
}

const isObjects: OptionCheck = (value) => {
  const right = Array.isArray(value) && value.every((object) => isText(object?.name) === undefined)
  return right ? undefined : 'has to be a list of objects with a name'
}

const isClients: OptionCheck = (value) => {
  const isClient = (client: { id?: unknown; organization?: unknown } | undefined) =>
    isText(client?.id) === undefined && isWholeNumber(1, 1000)(client?.organization ?? 1) === undefined
  const right = Array.isArray(value) && value.every(isClient)
  return right ? undefined : 'has to be a list of clients with an id; an organization is a number from 1 to 1000'
}

/** What can be changed while the simulator runs (`POST /__settings`). */
const SETTINGS: Readonly<Record<string, OptionCheck>> = {
  queue_ms: isWholeNumber(0),
  batch_ms: isWholeNumber(0),
  batch_size: isWholeNumber(1),
  parallel_batches: isWholeNumber(1),
  lock_rate: isRate,
  row_lock_rate: isRate,
  fail_jobs: isFailing,
  hard_delete: isBoolean,
  results_page: isWholeNumber(1),
  empty_results: isOneOf('header', 'no_content'),
}

export const SALESFORCE_OPTIONS: Readonly<Record<string, OptionCheck>> = {
  ...SETTINGS,
  clients: isClients,
  refresh_tokens: isList,
  audiences: isList,
  session_ms: isWholeNumber(1),
  objects: isObjects,
  daily_limit: isWholeNumber(1),
  upload_limit: isWholeNumber(1),
  retention_ms: isWholeNumber(1),
}

/** The options with their defaults; some of them change while the simulator runs. */
export type SalesforceSettings = {
  -readonly [Name in keyof SalesforceOptions]-?: Name extends 'fail_jobs' | 'audiences'
    ? SalesforceOptions[Name] | undefined
    : NonNullable<SalesforceOptions[Name]>
}

export function salesforceSettings(options: SalesforceOptions): SalesforceSettings {
  return {
    clients: options.clients ?? [{ id: 'simulator', secret: 'simulator-secret' }],
    refresh_tokens: options.refresh_tokens ?? ['simulator-refresh-token'],
    audiences: options.audiences,
    session_ms: options.session_ms ?? 2 * 3_600_000,
    objects: options.objects ?? [],
    daily_limit: options.daily_limit ?? 100_000,
    queue_ms: options.queue_ms ?? 50,
    batch_ms: options.batch_ms ?? 20,
    batch_size: options.batch_size ?? 10_000,
    parallel_batches: options.parallel_batches ?? 5,
    lock_rate: options.lock_rate ?? 0,
    row_lock_rate: options.row_lock_rate ?? 0,
    fail_jobs: options.fail_jobs,
    hard_delete: options.hard_delete ?? false,
    upload_limit: options.upload_limit ?? 150_000_000,
    results_page: options.results_page ?? 50_000,
    empty_results: options.empty_results ?? 'header',
    retention_ms: options.retention_ms ?? 7 * 86_400_000,
  }
}

/** Throws a {@link SimulatorOptionsError} for what cannot be changed. */
export function changeSettings(settings: SalesforceSettings, changes: object): void {
  for (const [name, value] of Object.entries(changes)) {
    const check = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined
    const problem = check === undefined ? `is none of ${Object.keys(SETTINGS).join(', ')}` : check(value)
    if (problem !== undefined) throw new SimulatorOptionsError(`setting ${name} ${problem}`)
  }
  Object.assign(settings, changes)
}

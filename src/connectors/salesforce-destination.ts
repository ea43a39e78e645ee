import { setMaxListeners } from 'node:events'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ChangeBatch } from '../core/change.ts'
import {
  type Destination,
  type DestinationContext,
  defineDestination,
  type KeyList,
  type ObjectRequest,
} from '../core/destination.ts'
import { RetryableError } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'
import { SYNC_MODE_NAMES } from '../core/sync-mode.ts'
import { settleEarlierJobs } from './salesforce-earlier-jobs.ts'
import { GatheredWrites } from './salesforce-gathered.ts'
import { listMatches } from './salesforce-key-list.ts'
import { SalesforceLoader } from './salesforce-loader.ts'
import { matchIdentity } from './salesforce-match.ts'
import { SalesforceObject } from './salesforce-object.ts'
import { instanceUrl, loginUrl, type SalesforceOptions, salesforceOptions } from './salesforce-options.ts'
import { readOrganization, UNKNOWN_ORGANIZATION } from './salesforce-organization.ts'
import { PendingWrite } from './salesforce-pending.ts'
import { openSession } from './salesforce-session.ts'
import { openTokens, type SalesforceTokens } from './salesforce-tokens.ts'
import { openWebClient, type WebClient } from './web-client.ts'

/** Rows of a batch, and batches that may be gathered into one job: a million rows. */
const BATCH_ROWS = 2_000
const GATHERED_BATCHES = 500

/** Without a byte of an answer that has begun, at most. */
const SILENCE_MS = 30_000

/** Standard and custom objects of a Salesforce org, by sObject Collections and Bulk API 2.0. */
export const salesforceDestination = defineDestination<SalesforceOptions>({
  type: 'salesforce',
  schemes: [],
  options: salesforceOptions,
  object: (_name, options) => ({
    syncModes: SYNC_MODE_NAMES,
    limits: {
      rows: BATCH_ROWS,
      bytes: 2 * 1024 * 1024,
      inFlight: options.load === 'collections' ? 4 : GATHERED_BATCHES,
    },
    shared: true,
    lists: 'paged',
    match: 'any',
    deletesAs: ['delete'],
    creates: false,
    links: true,
    insertsAgain: 'once',
  }),
  identity: (options) => `salesforce:${hostOf(options)}`,
  pacing: (options) => ({ credential: `${hostOf(options)} ${options.client_id ?? ''}`, rates: [] }),
  async open(options, object, context) {
    const { gate } = context
    const timeout = options.timeout * 1000
    const client = await openWebClient({
      baseUrl: loginUrl(options),
      gate,
      onRequest: context.onRequest,
      connectMs: Math.min(timeout, 10_000),
      headersMs: timeout,
      bodyMs: Math.min(timeout, SILENCE_MS),
      totalMs: timeout,
    })
    return new SalesforceDestination(options, object, context, client)
  },
})

/** Whose org it is: a URL by which it is logged in to is as good as its own. */
function hostOf(options: SalesforceOptions): string {
  const instance = instanceUrl(options)
  const { host } = new URL(instance ?? loginUrl(options))
  return instance === undefined && options.username !== undefined ? `${host} ${options.username}` : host
}

class SalesforceDestination implements Destination {
  readonly #client: WebClient
  readonly #context: DestinationContext
  readonly #object: SalesforceObject
  readonly #loader: SalesforceLoader
  readonly #jobs: ConstructorParameters<typeof SalesforceLoader>[1]
  readonly #bytesOfJob: number
  readonly #straight: boolean
  readonly #closed = new AbortController()
  readonly #tokens: SalesforceTokens
  #organization: string | undefined
  #end: { readonly of: AbortSignal; readonly ends: AbortSignal } | undefined
  /** What waits for `flush`, by operation and fields. */
  readonly #gathered = new Map<string, { writes: PendingWrite[]; bytes: number }>()
  #answering = 0
  #isFlushed = false

  constructor(options: SalesforceOptions, object: ObjectRequest, context: DestinationContext, client: WebClient) {
    const { gate: _, clock, notes } = context
    this.#client = client
    this.#context = context
    this.#bytesOfJob = options.job_bytes
    this.#straight = options.load === 'collections'
    this.#tokens = openTokens(options, client, clock)
    const session = openSession({
      client,
      tokens: this.#tokens,
      version: options.version,
      apiBudget: options.api_budget,
      allowDuplicates: options.allow_duplicates,
      now: () => clock.now(),
    })
    this.#object = new SalesforceObject(object, session)
    this.#jobs = { session, clock, notes, hardDelete: options.hard_delete }
    this.#loader = new SalesforceLoader(this.#object, this.#jobs, { load: options.load, jobBytes: options.job_bytes })
  }

  async check(signal = this.#closed.signal): Promise<readonly string[]> {
    const ends = AbortSignal.any([this.#closed.signal, signal])
    const notes = await this.#object.check(ends)
    this.#organization ??= await readOrganization(this.#tokens, this.#jobs.session, ends)
    return this.#organization === undefined ? [...notes, UNKNOWN_ORGANIZATION] : notes
  }

  account(): string | undefined {
    return this.#organization
  }

  /** Ends the jobs of runs that were killed. Makes nothing. */
  async prepare(signal = this.#closed.signal): Promise<void> {
    const ends = AbortSignal.any([this.#closed.signal, signal])
    this.#loader.finished = await settleEarlierJobs(this.#jobs, this.#context.notes, ends)
  }

  async write(batch: ChangeBatch, signal: AbortSignal): Promise<readonly Outcome[]> {
    signal.throwIfAborted()
    const write = new PendingWrite(batch, this.#endOf(signal))
    const kind = JSON.stringify([batch.operation, ...batch.fields.map(({ name }) => name)])
    const lane = this.#gathered.get(kind) ?? { writes: [], bytes: 0 }
    this.#gathered.set(kind, lane)
    lane.writes.push(write)
    lane.bytes += batch.ends[batch.count - 1] ?? 0
    if (this.#straight || lane.bytes >= this.#bytesOfJob) this.#send(kind)
    return write.answered
  }

  flush(): void {
    if (this.#isFlushed) return
    this.#isFlushed = true
    // Batches whose job has failed come back by the hundreds, each with a flush of its own.
    setImmediate(() => this.#sendFlushed())
  }

  identity(values: readonly (string | null)[]): string {
    const match = this.#object.knownMatch
    const [value] = values
    return match === undefined || value == null ? JSON.stringify(values) : matchIdentity(match, value)
  }

  list(signal: AbortSignal): KeyList {
    return listMatches(this.#jobs, this.#object.request.name, () => this.#object.match(signal), signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new RetryableError('the connection to Salesforce was closed'))
    this.#loader.finished = undefined
    await this.#client[Symbol.asyncDispose]()
  }

  /** One signal for all batches of a run, so that a job of hundreds of them listens to one. */
  #endOf(signal: AbortSignal): AbortSignal {
    if (this.#end?.of === signal) return this.#end.ends
    const ends = AbortSignal.any([signal, this.#closed.signal])
    // Each batch that is gathered listens.
    setMaxListeners(0, ends)
    this.#end = { of: signal, ends }
    return ends
  }

  /** Each batch that is answered makes room for one more: those that come meanwhile go together. */
  async #answer(give: () => Promise<void>): Promise<void> {
    this.#answering++
    try {
      await give()
      // The last of them makes room, too.
      await nextTurn()
    } finally {
      this.#answering--
      this.#sendFlushed()
    }
  }

  #sendFlushed(): void {
    if (!this.#isFlushed || this.#answering > 0) return
    this.#isFlushed = false
    for (const kind of [...this.#gathered.keys()]) this.#send(kind)
  }

  #send(kind: string): void {
    const lane = this.#gathered.get(kind)
    this.#gathered.delete(kind)
    const [first, ...others] = lane?.writes.filter((write) => !write.settled) ?? []
    if (first === undefined) return
    void this.#loader.load(new GatheredWrites([first, ...others], (give) => this.#answer(give)))
  }
}

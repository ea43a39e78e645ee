import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { asConfig, pickSync } from './config/pick-sync.ts'
import { expectsProof, withProof } from './config/prove-end.ts'
import type { Config, SyncConfig } from './config/resolved.ts'
import type { ConfigInput } from './config/schema.ts'
import { secretsOf } from './config/secrets.ts'
import { type Clock, systemClock } from './core/clock.ts'
import { FatalError, messageOf } from './core/errors.ts'
import type { Report } from './core/report.ts'
import { Tally } from './core/tally.ts'
import { fingerprintsOf, seedOf, whyAllChanged } from './engine/fingerprints.ts'
import { keyNamer, linkedRecords } from './engine/linked-records.ts'
import { listDestination } from './engine/list-destination.ts'
import { splitsOf } from './engine/model-splits.ts'
import { type Ends, identityOf, openEnds } from './engine/open-ends.ts'
import { inKeyOrder } from './engine/order-model.ts'
import { planNotes } from './engine/plan-notes.ts'
import { partOf } from './engine/run-part.ts'
import { reportOf } from './engine/run-report.ts'
import type { Progress, SyncOptions } from './engine/sync-options.ts'
import { acceptAll, forgetful } from './pipeline/dry-run.ts'
import { overheard, seenRequests } from './pipeline/exchange.ts'
import type { RunVariables } from './pipeline/field-value.ts'
import type { Allowances } from './pipeline/guards.ts'
import { resendOverwritten } from './pipeline/overwritten.ts'
import { describePart, partOfModel, type RowPart } from './pipeline/part-of-model.ts'
import { patiently } from './pipeline/retry.ts'
import { compileMapping, type RowMapping } from './pipeline/row-mapping.ts'
import { runPipeline } from './pipeline/run-pipeline.ts'
import { KeyIndexFile } from './state/key-index-file.ts'
import { KeySpoolFile } from './state/key-spool-file.ts'
import { openRunHistory, type RunHistory } from './state/run-history.ts'
import { indexPath } from './state/state-folder.ts'

const PROGRESS_MS = 200

/**
 * Runs one sync once and tells what happened. Rows, destinations and configurations never make it throw: that is
 * all in the report. It throws TypeError only where it is called wrongly.
 */
export async function sync(config: Config | ConfigInput, options: SyncOptions = {}): Promise<Report> {
  const { clock = systemClock, limit, keys } = options
  if (limit !== undefined && (keys !== undefined || !Number.isSafeInteger(limit) || limit < 0)) {
    throw new TypeError('limit is a whole number of rows, and not given together with keys')
  }
  const started = clock.now()
  const startedAt = new Date(started).toISOString()
  const runId = `${startedAt.replace(/[-:]|\.\d+/g, '')}-${randomBytes(4).toString('hex')}`
  const run = new Run(clock, { runId, startedAt, syncName: options.sync ?? '' }, options)
  return run.execute(config)
}

/** One execution of one sync. */
class Run {
  readonly #clock: Clock
  readonly #options: SyncOptions
  readonly #began: number
  readonly #tally: Tally
  readonly #seen = seenRequests()
  readonly #signal: AbortSignal
  #variables: RunVariables
  #sync: SyncConfig | undefined
  #history: RunHistory | undefined
  #phase: Progress['phase'] = 'connecting'
  #readingSince: number | undefined
  /** Rows that wait for the end of their model. */
  #sorted = 0

  constructor(clock: Clock, variables: RunVariables, options: SyncOptions) {
    this.#clock = clock
    this.#options = options
    this.#variables = variables
    this.#began = clock.monotonic()
    this.#signal = options.signal ?? new AbortController().signal
    this.#tally = new Tally((issue) => {
      this.#history?.issue(variables.runId, issue)
      options.onIssue?.(issue)
    })
  }

  async execute(input: Config | ConfigInput): Promise<Report> {
    const progress = setInterval(() => this.#progress(), PROGRESS_MS)
    let error: unknown
    try {
      const config = asConfig(input)
      const picked = pickSync(config, this.#options.sync)
      this.#variables = { ...this.#variables, syncName: picked.name }
      this.#sync = withProof(picked, this.#options)
      await this.#run(config, this.#sync)
    } catch (thrown) {
      error = thrown
    } finally {
      clearInterval(progress)
    }
    const report = this.#report(error)
    this.#close(report)
    this.#phase = 'done'
    this.#progress()
    return report
  }

  /** What was delivered stays delivered, and the report true, where the history cannot be written. */
  #close(report: Report): void {
    try {
      try {
        this.#history?.finish(report)
      } finally {
        this.#history?.[Symbol.dispose]()
      }
    } catch (error) {
      this.#options.onNote?.(`this run is missing from the run history: ${messageOf(error)}`)
    }
  }

  async #run(config: Config, sync: SyncConfig): Promise<void> {
    const { dryRun = false } = this.#options
    this.#signal.throwIfAborted()
    const index = await KeyIndexFile.open(indexPath(config.state, sync.name), sync.name, { keep: !dryRun })
    const spool = new KeySpoolFile(config.state, sync.name)
    try {
      if (!dryRun) {
        this.#history = await openRunHistory(config.state, { secrets: secretsOf(config) })
        const { runId, startedAt } = this.#variables
        this.#history.start({ runId, sync: sync.name, mode: sync.mode, dryRun, startedAt })
      }
      const { onExchange } = this.#options
      const requests = onExchange && { onRequest: this.#seen.onRequest }
      const lending = { ...this.#options, ...requests, tally: this.#tally, notes: index.notes }
      await using ends = await openEnds(config, sync, lending, this.#variables)
      await this.#between(ends, sync, index, spool)
    } finally {
      spool.close()
      index.close()
    }
  }

  async #between(ends: Ends, sync: SyncConfig, index: KeyIndexFile, spool: KeySpoolFile): Promise<void> {
    const { dryRun = false, onNote } = this.#options
    const { resolved } = ends
    const part = partOf(this.#options, resolved)
    for (const note of ends.notes) onNote?.(note)
    index.bind(identityOf(ends))
    if (dryRun || index.isNew) for (const note of planNotes(resolved, sync.mode)) onNote?.(note)
    const prepare = () => patiently('get ready', () => ends.destination.prepare(this.#signal), this.#options)
    const created = !dryRun && (await prepare()) === 'created'
    // A dry run creates nothing, so only a list can tell that the object is missing.
    const unsure = dryRun && sync.destination.create && ends.declaration.lists === 'cheap' && resolved.matchIsKey
    await this.#list(ends, index, { created, unsure })
    const fingerprints = fingerprintsOf(resolved.mappingDigest, sync.source.read.digest)
    if (ends.declaration.links === true) resendOverwritten(index, index.links)
    const note = whyAllChanged(index.mapping, fingerprints)
    if (note !== undefined) onNote?.(note)
    await this.#requireRows(ends, sync.guards.minRows)
    const known = index.mapping === fingerprints && this.#options.full !== true
    await this.#diff(ends, sync, index, spool, { part, rows: known ? 'changed' : 'all' })
    // After a partial run other rows still have their fingerprints of the mapping before.
    if (!dryRun && part === undefined) index.note({ mapping: fingerprints })
  }

  /** Learns which keys the destination holds, where the sync wants to know. */
  async #list(ends: Ends, index: KeyIndexFile, object: { created: boolean; unsure: boolean }): Promise<void> {
    const { resolved } = ends
    const first = index.isNew
    const age = this.#clock.now() - (index.listedAt ?? 0)
    const stale = resolved.refresh === 'always' || (typeof resolved.refresh === 'number' && age >= resolved.refresh)
    if (first ? resolved.bootstrap === 'list' : stale || object.created || object.unsure) {
      this.#phase = 'listing'
      const sync = this.#variables.syncName
      const own = { sync, signal: this.#signal, clock: this.#clock, created: object.created }
      const counts = await listDestination(ends, index, own)
      if (first && counts.listed > 0) this.#options.onNote?.(`the destination already holds ${counts.listed} records`)
    }
    index.note({ bootstrapped: true })
  }

  async #requireRows(ends: Ends, minRows: number | undefined): Promise<void> {
    if (minRows === undefined) return
    const { enough, rows } = await ends.source.hasAtLeast(minRows)
    if (enough) return
    const message = `the model has ${rows} rows, fewer than guards.min_rows (${minRows}); nothing was sent`
    this.#tally.guards.push({ guard: 'min_rows', held: 0, limit: String(minRows), message })
    throw new FatalError('min_rows', message)
  }

  async #diff(
    ends: Ends,
    sync: SyncConfig,
    index: KeyIndexFile,
    spool: KeySpoolFile,
    { part, rows }: { readonly part: RowPart | undefined; readonly rows: 'all' | 'changed' },
  ): Promise<void> {
    const { resolved, declaration, source } = ends
    const { dryRun, onChange, onExchange, onNote, observe, full, allowDeletes, allowEmpty, allowDeletesWithInvalid } =
      this.#options
    const seed = seedOf(index.seed, resolved.mappingDigest)
    const sent = await source.read({
      key: sync.key,
      columns: resolved.columns.map((column) => column.name),
      signal: this.#signal,
      splits: splitsOf(index, resolved.keyColumns),
      ...(sync.source.read.digest ? { digest: { seed, rows } } : {}),
      ...(part === undefined ? {} : { part: 'keys' in part ? { keys: part.keys.texts } : part }),
    })
    for (const note of sent.notes ?? []) onNote?.(note)
    const whole = inKeyOrder(sent, {
      sync: sync.name,
      state: dirname(index.path),
      observe,
      onRows: (rows) => this.#sorting(rows),
      onSorted: () => this.#reading(),
    })
    const reading = part === undefined ? whole : partOfModel(whole, part)
    const destination =
      onExchange === undefined ? ends.destination : overheard(ends.destination, onExchange, this.#seen)
    const mapping: RowMapping = compileMapping({
      layout: reading.whole?.layout ?? reading.layout,
      match: resolved.match,
      fields: resolved.fields,
      deletesAs: sync.deletes.as,
      variables: this.#variables,
    })
    this.#reading()
    const allow: Allowances = { deletes: allowDeletes, empty: allowEmpty, deletesWithInvalid: allowDeletesWithInvalid }
    await runPipeline({
      reading,
      destination: dryRun
        ? acceptAll(ends.destination, keyNamer(ends, index), mapping.deleteFields, onChange ?? (() => {}))
        : destination,
      index: dryRun ? forgetful(index) : (observe?.('index', index) ?? index),
      mapping,
      mode: sync.mode,
      scope: resolved.scope,
      deletesAs: sync.deletes.as,
      limits: {
        rows: Math.min(sync.batch.size ?? declaration.limits.rows, declaration.limits.rows),
        bytes: declaration.limits.bytes,
        inFlight: Math.min(sync.batch.concurrency ?? declaration.limits.inFlight, declaration.limits.inFlight),
      },
      ...ends.sending,
      records: linkedRecords(ends, index),
      maxDeletes: sync.guards.maxDeletes,
      maxRejected: sync.guards.maxRejected,
      allow,
      listed: index.listedAt !== undefined,
      resend: full ?? false,
      partial: part === undefined ? undefined : describePart(part),
      expectsProof: expectsProof(sync),
      keyNames: sync.key,
      seed,
      spool,
      tally: this.#tally,
      clock: this.#clock,
      signal: this.#signal,
      observe,
    })
    if (part !== undefined && 'keys' in part) {
      for (const key of part.keys.unmet()) onNote?.(`the model has no row with key ${key}`)
    }
  }

  #report(error: unknown): Report {
    return reportOf(this.#tally, {
      variables: this.#variables,
      sync: this.#sync,
      dryRun: this.#options.dryRun ?? false,
      durationMs: this.#clock.monotonic() - this.#began,
      cancelled: error !== undefined && this.#signal.aborted,
      error,
    })
  }

  #sorting(rows: number): void {
    this.#phase = 'sorting'
    this.#sorted = rows
  }

  #reading(): void {
    this.#phase = 'reading'
    this.#readingSince = this.#clock.monotonic()
  }

  #progress(): void {
    const { requests, inFlight } = this.#tally
    const counts = { ...this.#tally.counts }
    // Rows are counted behind the sort; until then these are the ones that count for whoever waits.
    if (this.#phase === 'sorting') counts.read = this.#sorted
    const seconds = (this.#clock.monotonic() - (this.#readingSince ?? this.#clock.monotonic())) / 1000
    const rowsPerSecond = seconds > 0 ? Math.round(counts.read / seconds) : 0
    this.#options.onProgress?.({
      sync: this.#sync?.name ?? '',
      phase: this.#phase,
      counts,
      requests: { ...requests },
      rowsPerSecond,
      inFlight,
    })
  }
}

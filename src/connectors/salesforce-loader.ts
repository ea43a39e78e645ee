import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Outcome } from '../core/outcome.ts'
import { type BulkContext, type JobRows, loadByJob } from './salesforce-bulk-load.ts'
import { COLLECTION_ROWS, type CollectionRow, sendCollection } from './salesforce-collections.ts'
import { csvHeader, csvRow, rowDigest } from './salesforce-csv-rows.ts'
import type { SalesforceField } from './salesforce-fields.ts'
import type { FinishedRows } from './salesforce-finished-rows.ts'
import type { GatheredWrites } from './salesforce-gathered.ts'
import type { SalesforceObject } from './salesforce-object.ts'
import { RowPlaces } from './salesforce-row-places.ts'
import { type Cells, cellsOf, type RowForm, rowForm, rowKey, type Way } from './salesforce-rows.ts'
import { TextSpool } from './salesforce-spool.ts'
import type { Misfit } from './salesforce-value-formats.ts'
import { COLLECTIONS_UP_TO, RowWays } from './salesforce-ways.ts'

/** Jobs at the same time: each has a file on the disk, is looked at, and in the end is read. */
const MOST_JOBS = 8

export interface LoaderOptions {
  readonly load: 'auto' | 'collections' | 'bulk'
  readonly jobBytes: number
}

/** A row that can be sent. */
interface SendableRow {
  readonly row: number
  /** The batch that it is of. */
  readonly number: number
  readonly id: string | undefined
  readonly cells: Cells
}

/** Sends gathered changes of one operation and the same fields: finds out what each needs, then by calls or by jobs. */
export class SalesforceLoader {
  readonly #object: SalesforceObject
  readonly #context: BulkContext
  readonly #options: LoaderOptions
  readonly #running = new Set<Promise<void>>()
  #finished: FinishedRows | undefined

  constructor(object: SalesforceObject, context: BulkContext, options: LoaderOptions) {
    this.#object = object
    this.#context = context
    this.#options = options
  }

  /** Rows that need not be sent, because jobs of an earlier run have written them. */
  set finished(finished: FinishedRows | undefined) {
    this.#finished?.[Symbol.dispose]()
    this.#finished = finished
  }

  /** Answers every batch, or gives it up, and disposes of them. Never throws. */
  async load(writes: GatheredWrites): Promise<void> {
    using gathered = writes
    let failure: { readonly error: unknown } | undefined
    try {
      const fields = await this.#object.fields(gathered.fields, gathered.signal)
      await Promise.all(await this.#begin(gathered, fields))
    } catch (error) {
      failure = { error }
    }
    // Every row is answered by now: one that is not would be waited for without end.
    failure ??= { error: new Error('a change was sent to Salesforce and never answered') }
    await gathered.settle(undefined, failure)
  }

  /** What is under way when every row is with a call, or in the file of its job. */
  async #begin(gathered: GatheredWrites, fields: readonly SalesforceField[]): Promise<Promise<void>[]> {
    using ways = await RowWays.find(this.#object, this.#context, gathered, fields)
    const begun: Promise<void>[] = []
    try {
      for (const way of ways.counts.keys()) {
        const form = rowForm(way, this.#object.request.name, this.#object.matchName, fields)
        const rows = () => this.#rowsOf(gathered, ways, form)
        if (this.#goesByJob(way, ways.counts.get(way) ?? 0)) await this.#writeJobs(gathered, form, rows(), begun)
        else await this.#callCollections(gathered, form, rows(), begun)
      }
      return begun
    } catch (error) {
      await Promise.all(begun)
      throw error
    }
  }

  #goesByJob(way: Way, rows: number): boolean {
    const { load } = this.#options
    if (load === 'bulk' || (way === 'delete' && this.#context.hardDelete)) return true
    return load === 'auto' && rows > COLLECTIONS_UP_TO
  }

  /** The rows that go one way, a batch at a time. What cannot be sent, or was sent by an earlier run, is answered. */
  async *#rowsOf(gathered: GatheredWrites, ways: RowWays, form: RowForm): AsyncGenerator<SendableRow[]> {
    const header = csvHeader(form)
    for (const { batch, first, number } of gathered.batches()) {
      const rows: SendableRow[] = []
      const { ids } = batch
      for (let index = 0; index < batch.count; index++) {
        const row = first + index
        if (!ways.goes(row, form.way)) continue
        const values = batch.values(index)
        const cells = cellsOf(form, values)
        if ('misfit' in cells) {
          gathered.answer(row, unsendable(cells))
          continue
        }
        const id = ways.idOf(row, ids?.[index], values)
        const finished = this.#finishedOutcome(form, header, id, cells)
        if (finished === undefined) rows.push({ row, number, id, cells })
        else gathered.answer(row, finished)
      }
      yield rows
      await nextTurn()
    }
  }

  async #callCollections(
    gathered: GatheredWrites,
    form: RowForm,
    batches: AsyncIterable<readonly SendableRow[]>,
    begun: Promise<void>[],
  ): Promise<void> {
    const { session } = this.#context
    let some: CollectionRow[] = []
    const send = () => {
      if (some.length > 0) begun.push(awaited(sendCollection(session, form, gathered, some)))
      some = []
    }
    session.checkBudget()
    for await (const rows of batches) {
      for (const row of rows) {
        some.push(row)
        if (some.length === COLLECTION_ROWS) send()
      }
    }
    send()
  }

  /** Writes jobs to disk, one after the other, and loads each while the next ones are written. */
  async #writeJobs(
    gathered: GatheredWrites,
    form: RowForm,
    batches: AsyncIterable<readonly SendableRow[]>,
    begun: Promise<void>[],
  ): Promise<void> {
    const header = csvHeader(form)
    let job: JobRows | undefined
    try {
      for await (const rows of batches) {
        for (const { row, number, id, cells } of rows) {
          const line = csvRow(form, id, cells)
          if (typeof line !== 'string') {
            gathered.answer(row, unsendable(line))
            continue
          }
          const key = rowKey(form, id, cells)
          // Rows are told apart by it in the results, so a second one has to wait for the next job.
          const isFull = job !== undefined && job.spool.length + Buffer.byteLength(line) > this.#options.jobBytes
          if (job !== undefined && (isFull || job.places.find(key) !== undefined)) {
            begun.push(awaited(this.#loading(job)))
            job = undefined
          }
          if (job === undefined) {
            await this.#room()
            job = newJob(gathered, form, header)
          }
          job.spool.append(line)
          job.places.add(key, row)
          job.numbers.add(number)
        }
      }
    } catch (error) {
      job?.spool[Symbol.dispose]()
      throw error
    }
    if (job !== undefined) begun.push(awaited(this.#loading(job)))
  }

  #loading(job: JobRows): Promise<void> {
    const loading = loadByJob(this.#context, job).finally(() => {
      job.spool[Symbol.dispose]()
      this.#running.delete(loading)
    })
    this.#running.add(loading)
    return loading
  }

  async #room(): Promise<void> {
    while (this.#running.size >= MOST_JOBS) await Promise.race(this.#running)
  }

  /** What a job of an earlier run has made of a row, if it is the same. */
  #finishedOutcome(form: RowForm, header: string, id: string | undefined, cells: Cells): Outcome | undefined {
    const line = this.#finished === undefined ? undefined : csvRow(form, id, cells)
    const found = typeof line === 'string' ? this.#finished?.find(rowDigest(form, header, line)) : undefined
    if (found === undefined) return undefined
    const { way } = form
    return {
      status: 'done',
      ...(found.id !== '' && way !== 'delete' && { id: found.id }),
      ...((way === 'upsert' || way === 'insert') && { created: found.created || way === 'insert' }),
    }
  }
}

/** Marks what is waited for later: that it fails before is nobody's surprise. */
function awaited(work: Promise<void>): Promise<void> {
  work.catch(() => {})
  return work
}

function newJob(gathered: GatheredWrites, form: RowForm, header: string): JobRows {
  const spool = new TextSpool()
  spool.append(header)
  return { form, spool, gathered, places: new RowPlaces(), numbers: new Set() }
}

function unsendable({ code, misfit, field }: Misfit & { readonly field: string }): Outcome {
  return { status: 'rejected', code, message: `${field} ${misfit}` }
}

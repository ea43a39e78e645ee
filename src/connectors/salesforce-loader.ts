import type { ChangeBatch } from '../core/change.ts'
import type { Outcome } from '../core/outcome.ts'
import { DONE, NOT_FOUND } from '../core/outcome.ts'
import { SYNC_MODES } from '../core/sync-mode.ts'
import { type BulkContext, loadByJob } from './salesforce-bulk-load.ts'
import { COLLECTION_ROWS, type CollectionRow, sendCollection } from './salesforce-collections.ts'
import { csvHeader, csvRow, rowDigest } from './salesforce-csv-rows.ts'
import type { SalesforceField } from './salesforce-fields.ts'
import type { FinishedRows } from './salesforce-finished-rows.ts'
import { AllIds, type FoundIds, lookUp } from './salesforce-lookup.ts'
import type { SalesforceObject } from './salesforce-object.ts'
import { failAll, type PendingRow, signalOf } from './salesforce-pending.ts'
import { type Cells, cellsOf, type RowForm, rowForm, rowKey, type Way } from './salesforce-rows.ts'
import { JobSpool } from './salesforce-spool.ts'
import type { Misfit } from './salesforce-value-formats.ts'

/** Up to so many changes of one kind go by calls of 200; the vendor's own threshold for jobs [D]. */
const COLLECTIONS_UP_TO = 2_000

export interface LoaderOptions {
  readonly load: 'auto' | 'collections' | 'bulk'
  readonly jobBytes: number
}

/** Sends gathered changes of one operation and the same fields: finds out what each needs, then by calls or by jobs. */
export class SalesforceLoader {
  readonly #object: SalesforceObject
  readonly #context: BulkContext
  readonly #options: LoaderOptions
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

  /** Answers every row, or gives up its batch. Never throws. */
  async load(rows: readonly PendingRow[]): Promise<void> {
    const [first] = rows
    if (first === undefined) return
    try {
      const signal = signalOf(rows)
      const { batch } = first.write
      const fields = await this.#object.fields(batch.fields, signal)
      const ways = await this.#waysOf(rows, batch, fields, signal)
      const sending = [...ways].map(([way, some]) => this.#send(way, fields, some))
      await Promise.all(sending)
      // Every row is answered by now: one that is not would be waited for without end.
      failAll(rows, new Error('a change was sent to Salesforce and never answered'))
    } catch (error) {
      failAll(rows, error)
    }
  }

  /** What each row needs: what is known to be there is changed by its Id, what has to be looked up is. */
  async #waysOf(
    rows: readonly PendingRow[],
    batch: ChangeBatch,
    fields: readonly SalesforceField[],
    signal: AbortSignal,
  ): Promise<Map<Way, PendingRow[]>> {
    const ways = new Map<Way, PendingRow[]>()
    const go = (way: Way, row: PendingRow) => {
      const some = ways.get(way)
      if (some === undefined) ways.set(way, [row])
      else some.push(row)
    }
    const { operation } = batch
    const insertOnly = fields.some(({ field }) => field.on === 'insert')
    const unknown: PendingRow[] = []
    for (const row of rows) {
      if (row.write.settled) continue
      if (operation === 'insert') go('insert', row)
      else if (operation === 'upsert' && !insertOnly) go('upsert', row)
      else if (operation === 'update' && row.id !== undefined) go('update', row)
      else if (operation === 'delete' && row.id !== undefined) go('delete', row)
      else if (operation === 'update' && !insertOnly && this.#creates(batch)) go('upsert', row)
      else unknown.push(row)
    }
    if (unknown.length === 0) return ways
    const find = await this.#findIds(unknown, signal)
    for (const row of unknown) {
      const { write, index } = row
      if (write.settled) continue
      const [value] = write.batch.values(index)
      const ids = value == null ? [] : find(value)
      if (value == null) write.answer(index, missingMatch(this.#object.matchName))
      else if (ids.length > 1) write.answer(index, severalRecords(this.#object.matchName, ids))
      else if (ids.length === 1) go(operation === 'delete' ? 'delete' : 'update', { ...row, id: ids[0] })
      else if (operation === 'upsert') go('upsert', row)
      else write.answer(index, operation === 'delete' ? DONE : NOT_FOUND)
    }
    return ways
  }

  /** Whether an update of a record that is not there makes it: never one that stands for a delete. */
  #creates({ fields }: ChangeBatch): boolean {
    const { mode, fields: mapped } = this.#object.request
    const isRow = fields.length === mapped.length && fields.every(({ name }, at) => name === mapped[at]?.name)
    return SYNC_MODES[mode].insert && isRow
  }

  async #findIds(rows: readonly PendingRow[], signal: AbortSignal): Promise<FoundIds> {
    const { request } = this.#object
    if (this.#object.matchName === 'Id') return (value) => [value]
    const match = await this.#object.match(signal)
    this.#context.session.checkBudget()
    if (rows.length <= COLLECTIONS_UP_TO) {
      const values = rows.flatMap(({ write, index }) => write.batch.values(index)[0] ?? [])
      return await lookUp(this.#context, request.name, match, values, signal)
    }
    using all = await AllIds.read(this.#context, request.name, match, signal)
    const found = new Map<string, readonly string[]>()
    for (const { write, index } of rows) {
      const value = write.batch.values(index)[0]
      if (value != null) found.set(value, all.find(value))
    }
    return (value) => found.get(value) ?? []
  }

  async #send(way: Way, fields: readonly SalesforceField[], rows: readonly PendingRow[]): Promise<void> {
    try {
      const { name } = this.#object.request
      const form = rowForm(way, name, this.#object.matchName, fields)
      const { load } = this.#options
      const bulk =
        load === 'bulk' ||
        (load === 'auto' && rows.length > COLLECTIONS_UP_TO) ||
        (way === 'delete' && this.#context.hardDelete)
      await (bulk ? this.#sendJobs(form, rows) : this.#sendCollections(form, rows))
    } catch (error) {
      failAll(rows, error)
    }
  }

  async #sendCollections(form: RowForm, rows: readonly PendingRow[]): Promise<void> {
    const { session } = this.#context
    const header = csvHeader(form)
    const calls: Promise<void>[] = []
    let some: CollectionRow[] = []
    const send = () => {
      if (some.length > 0) calls.push(sendCollection(session, form, some))
      some = []
    }
    session.checkBudget()
    for (const row of rows) {
      if (row.write.settled) continue
      const cells = this.#cells(form, row)
      if (cells === undefined) continue
      const line = this.#finished === undefined ? undefined : csvRow(form, row.id, cells)
      if (typeof line === 'string' && this.#isFinished(form, header, line, row)) continue
      some.push({ row, id: row.id, cells })
      if (some.length === COLLECTION_ROWS) send()
    }
    send()
    await Promise.all(calls)
  }

  /** Writes jobs to disk, one after the other, and loads each while the next is written. */
  async #sendJobs(form: RowForm, rows: readonly PendingRow[]): Promise<void> {
    const header = csvHeader(form)
    const jobs: Promise<void>[] = []
    let spool: JobSpool | undefined
    let some = new Map<string, PendingRow>()
    const load = () => {
      if (spool === undefined) return
      const job = { form, spool, rows: some }
      jobs.push(loadByJob(this.#context, job).finally(() => job.spool[Symbol.dispose]()))
      spool = undefined
      some = new Map()
    }
    for (const row of rows) {
      if (row.write.settled) continue
      const cells = this.#cells(form, row)
      if (cells === undefined) continue
      const line = csvRow(form, row.id, cells)
      if (typeof line !== 'string') {
        row.write.answer(row.index, unsendable(line))
        continue
      }
      if (this.#isFinished(form, header, line, row)) continue
      const key = rowKey(form, row.id, cells)
      // Rows are told apart by it in the results, so a second one has to wait for the next job.
      if (some.has(key) || (spool !== undefined && spool.length + Buffer.byteLength(line) > this.#options.jobBytes))
        load()
      if (spool === undefined) {
        spool = new JobSpool()
        spool.append(header)
      }
      spool.append(line)
      some.set(key, row)
    }
    load()
    await Promise.all(jobs)
  }

  #cells(form: RowForm, { write, index }: PendingRow): Cells | undefined {
    const cells = cellsOf(form, write.batch.values(index))
    if (!('misfit' in cells)) return cells
    write.answer(index, unsendable(cells))
    return undefined
  }

  #isFinished(form: RowForm, header: string, line: string, { write, index }: PendingRow): boolean {
    const found = this.#finished?.find(rowDigest(form, header, line))
    if (found === undefined) return false
    const { way } = form
    write.answer(index, {
      status: 'done',
      ...(found.id !== '' && way !== 'delete' && { id: found.id }),
      ...((way === 'upsert' || way === 'insert') && { created: found.created || way === 'insert' }),
    })
    return true
  }
}

function unsendable({ code, misfit, field }: Misfit & { readonly field: string }): Outcome {
  return { status: 'rejected', code, message: `${field} ${misfit}` }
}

function missingMatch(field: string): Outcome {
  return { status: 'rejected', code: 'missing_match', message: `${field} finds the record and is null` }
}

function severalRecords(field: string, ids: readonly string[]): Outcome {
  const some = ids.slice(0, 5).join(', ')
  const message = `${ids.length} records have this ${field} (${some}): merge them, or mark the field unique in Salesforce`
  const code = 'DUPLICATE_EXTERNAL_ID'
  return { status: 'rejected', code, message }
}

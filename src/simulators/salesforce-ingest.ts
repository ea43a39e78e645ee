import { CsvError, csvCells, csvRows, rowText } from './salesforce-csv.ts'
import { errorLine, type RowError, rowError } from './salesforce-errors.ts'
import { type CsvColumns, csvColumns } from './salesforce-ingest-columns.ts'
import { CHANGED, CREATED, FAILED, type IngestJob, type IngestPlan } from './salesforce-ingest-job.ts'
import type { FieldValue } from './salesforce-model.ts'
import type { SalesforceSettings } from './salesforce-options.ts'
import { isWritten, lockError, type RowContext, type RowResult, repeated } from './salesforce-rows.ts'
import { indexKey } from './salesforce-store.ts'
import { isRowError } from './salesforce-values.ts'
import type { SalesforceWorld } from './salesforce-world.ts'

/** Reads the header and finds the rows. A header that is not right fails the job before any row. */
export function begin(world: SalesforceWorld, job: IngestJob, time: number): void {
  job.state = 'InProgress'
  job.modifiedAt = time
  try {
    const rows = csvRows(job.data, job.form)
    const count = Math.max(0, rows.count - 1)
    const nothing = {
      rows,
      batchSize: 1,
      outcomes: new Uint8Array(count),
      ids: [],
      errors: new Map(),
      next: 0,
      failed: 0,
    }
    // Rows of a job that fails here are unprocessed: they are there to be listed.
    const header = rows.count === 0 ? '' : rowText(job.data, rows, 0)
    job.plan = { ...nothing, columns: { ...NO_COLUMNS, header } }
    if (rows.count === 0 && job.data.length > 0) throw new CsvError('InvalidBatch : The header row is missing')
    const columns = rows.count === 0 ? NO_COLUMNS : csvColumns(header, { ...world, ...job })
    job.plan = { ...nothing, columns, batchSize: world.settings.batch_size }
    job.failAfter = drawFailure(world.settings, job.plan)
    if (job.failAfter === 0) throw new CsvError(BATCH_FAILED)
  } catch (error) {
    fail(job, error, time)
  }
}

const BATCH_FAILED = 'InternalServerError : Batch failed: its processing was retried 20 times without success'

/** After how many internal batches the job fails; undefined if it does not. */
function drawFailure(settings: SalesforceSettings, { outcomes, batchSize }: IngestPlan): number | undefined {
  const { after_batches: after = 0, times = 1 } = settings.fail_jobs ?? { times: 0 }
  if (times === 0 || outcomes.length <= after * batchSize) return undefined
  settings.fail_jobs = { after_batches: after, times: times - 1 }
  return after
}

const NO_COLUMNS: CsvColumns = {
  header: '',
  count: 0,
  idAt: -1,
  keyAt: -1,
  fields: [],
  cells: [],
  key: undefined,
}

function fail(job: IngestJob, error: unknown, time: number): void {
  if (!(error instanceof CsvError)) throw error
  job.state = 'Failed'
  job.errorMessage = error.message
  job.modifiedAt = time
}

/** A row that was read. */
interface ReadRow {
  readonly row: number
  readonly id: string
  readonly key: FieldValue
  /** What may be named once in a batch: the id, or the value that the upsert matches by. */
  readonly name: string | undefined
  readonly values: readonly (FieldValue | undefined)[]
  readonly error: RowError | undefined
}

interface Batch {
  readonly job: IngestJob
  readonly plan: IngestPlan
  readonly rows: readonly ReadRow[]
}

/** Processes one internal batch of each of these jobs, as many times as it is in the list, all at the same time. */
export function processTogether(world: SalesforceWorld, jobs: readonly IngestJob[], time: number): void {
  const batches: Batch[] = []
  for (const job of jobs) {
    const { plan } = job
    if (plan === undefined || job.state !== 'InProgress') continue
    try {
      batches.push({ job, plan, rows: readBatch(job, plan) })
    } catch (error) {
      fail(job, error, time)
    }
  }
  const shared = world.settings.lock_rate > 0 ? sharedParents(batches) : undefined
  for (const batch of batches) commit(world, batch, time, shared)
  for (const { job, plan } of batches) {
    if (job.state !== 'InProgress') continue
    job.modifiedAt = time
    if (plan.next >= plan.outcomes.length) job.state = 'JobComplete'
    else if (job.failAfter !== undefined && plan.next >= job.failAfter * plan.batchSize) {
      job.state = 'Failed'
      job.errorMessage = BATCH_FAILED
    }
  }
}

function readBatch(job: IngestJob, plan: IngestPlan): ReadRow[] {
  const { columns, outcomes } = plan
  const end = Math.min(outcomes.length, plan.next + plan.batchSize)
  const read: ReadRow[] = []
  for (let row = plan.next; row < end; row++) {
    const cells = csvCells(rowText(job.data, plan.rows, row + 1), job.form.delimiter)
    if (cells.length !== columns.count) {
      throw new CsvError(
        `InvalidBatch : Row ${row + 1} has ${cells.length} fields, and the header has ${columns.count}`,
      )
    }
    read.push(readRow(row, cells, job, columns))
  }
  plan.next = end
  return read
}

function readRow(row: number, cells: readonly string[], { operation }: IngestJob, columns: CsvColumns): ReadRow {
  const values: (FieldValue | undefined)[] = []
  let error: RowError | undefined
  for (const { at, read } of columns.cells) {
    const text = cells[at] as string
    if (text === '') values.push(undefined)
    else if (text === '#N/A') values.push(null)
    else {
      const value = read(text)
      if (isRowError(value)) error ??= value
      values.push(isRowError(value) ? undefined : value)
    }
  }
  const key = columns.keyAt < 0 ? null : (values[columns.keyAt] ?? null)
  const id = columns.idAt < 0 ? '' : (cells[columns.idAt] as string)
  const byId = operation === 'update' || operation === 'upsert'
  const name =
    columns.key === undefined ? (byId ? id.slice(0, 15) : '') : key === null ? '' : indexKey(columns.key, key)
  return { row, id, key, name: name === '' ? undefined : name, values, error }
}

/** The records that more than one of these batches needs to lock: their own, and the parents of lookups. */
function sharedParents(batches: readonly Batch[]): ReadonlySet<string> {
  const seenIn = new Map<string, Batch>()
  const shared = new Set<string>()
  for (const batch of batches) {
    for (const row of batch.rows) {
      for (const id of locksOf(batch, row)) {
        const other = seenIn.get(id)
        if (other === undefined) seenIn.set(id, batch)
        else if (other !== batch) shared.add(id)
      }
    }
  }
  return shared
}

function locksOf({ plan }: Batch, { id, values }: ReadRow): string[] {
  const ids = id === '' ? [] : [id.slice(0, 15)]
  for (const [at, { type, referenceTo }] of plan.columns.fields.entries()) {
    const value = values[at]
    if (type === 'reference' && referenceTo?.[0] !== 'User' && typeof value === 'string') ids.push(value.slice(0, 15))
  }
  return ids
}

function commit(world: SalesforceWorld, batch: Batch, time: number, shared: ReadonlySet<string> | undefined): void {
  const { job, plan, rows } = batch
  const { key, keyAt } = plan.columns
  const { request = null, allowSave = false } = job.closed ?? {}
  const context: RowContext = { request, time, allowSave }
  const twice = repeated(rows.map(({ name }) => name))
  for (const row of rows) {
    const locked = shared === undefined ? undefined : locksOf(batch, row).find((id) => shared.has(id))
    let result: RowResult
    if (row.error !== undefined) result = row.error
    else if (row.name !== undefined && twice.has(row.name)) result = duplicate(row, key?.name)
    else if (keyAt >= 0 && row.id !== '') {
      result = rowError('INVALID_FIELD', 'The Id field should not be specified in the sobject data.', 'Id')
    } else if (locked !== undefined && world.random.next() < world.settings.lock_rate) result = lockError(locked)
    else result = write(world, batch, row, context)
    record(plan, row, result)
  }
}

function duplicate({ id, key }: ReadRow, name: string | undefined): RowError {
  return name === undefined
    ? rowError('DUPLICATE_VALUE', `Duplicate id specified: ${id}`, 'Id')
    : rowError('DUPLICATE_VALUE', `Duplicate external id specified: ${key}`, name)
}

function write({ writer }: SalesforceWorld, { job, plan }: Batch, row: ReadRow, context: RowContext): RowResult {
  const { store, operation } = job
  const { fields, key } = plan.columns
  const set = { fields, values: row.values }
  if (operation === 'delete' || operation === 'hardDelete') {
    return writer.remove(store, row.id, operation === 'hardDelete', context)
  }
  if (operation === 'update' || (operation === 'upsert' && key === undefined && row.id !== '')) {
    return writer.update(store, row.id, set, context)
  }
  return key === undefined ? writer.create(store, set, context) : writer.upsert(store, key, row.key, set, context)
}

function record(plan: IngestPlan, { row, id }: ReadRow, result: RowResult): void {
  if (isWritten(result)) {
    plan.outcomes[row] = result.created ? CREATED : CHANGED
    plan.ids[row] = result.id
    return
  }
  plan.outcomes[row] = FAILED
  plan.ids[row] = id
  plan.errors.set(row, errorLine(result))
  plan.failed++
}

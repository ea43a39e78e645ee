import type { CsvForm, CsvRows } from './salesforce-csv.ts'
import type { CsvColumns } from './salesforce-ingest-columns.ts'
import type { Field } from './salesforce-model.ts'
import type { ObjectStore } from './salesforce-store.ts'
import type { SeededRandom } from './simulator-random.ts'

export const INGEST_OPERATIONS = ['insert', 'update', 'upsert', 'delete', 'hardDelete'] as const
export type IngestOperation = (typeof INGEST_OPERATIONS)[number]
export type JobState = 'Open' | 'UploadComplete' | 'InProgress' | 'JobComplete' | 'Failed' | 'Aborted'

/** What became of a row. */
const UNPROCESSED = 0
export const CHANGED = 1
export const CREATED = 2
export const FAILED = 3

/** An ingest job of Bulk API 2.0. */
export interface IngestJob {
  readonly id: string
  readonly operation: IngestOperation
  readonly store: ObjectStore
  /** What an upsert matches by: an external id field, or the id. */
  readonly key: Field | undefined
  readonly form: CsvForm & { readonly delimiterName: string; readonly lineEndingName: string }
  readonly apiVersion: number
  readonly createdAt: number
  /** Whether the request that created it overrules duplicate rules. */
  readonly allowSave: boolean
  modifiedAt: number
  state: JobState
  /** How often data was put. */
  uploads: number
  data: Buffer
  /** When it was closed, by which request, and whether one of the two overrules duplicate rules. */
  closed: { readonly at: number; readonly request: number; readonly allowSave: boolean } | undefined
  /** Known when it was begun. */
  plan: IngestPlan | undefined
  errorMessage: string | undefined
  /** It fails after so many internal batches. */
  failAfter: number | undefined
}

export interface IngestPlan {
  /** Row 0 is the header. */
  readonly rows: CsvRows
  readonly columns: CsvColumns
  readonly batchSize: number
  /** By row, the header left out: what became of it, and the id of its record. */
  readonly outcomes: Uint8Array
  readonly ids: string[]
  readonly errors: Map<number, string>
  /** The first row of the next internal batch, the header left out. */
  next: number
  failed: number
}

export function ended({ state }: IngestJob): boolean {
  return state === 'JobComplete' || state === 'Failed' || state === 'Aborted'
}

export type ResultFile = 'successfulResults' | 'failedResults' | 'unprocessedrecords'

/** The rows of a result file, in an order of their own. */
export function resultRows({ plan }: IngestJob, file: ResultFile, random: SeededRandom): Uint32Array {
  const outcomes = plan?.outcomes ?? new Uint8Array(0)
  const rows: number[] = []
  for (let row = 0; row < outcomes.length; row++) {
    const outcome = outcomes[row]
    const belongs =
      file === 'failedResults'
        ? outcome === FAILED
        : file === 'unprocessedrecords'
          ? outcome === UNPROCESSED
          : outcome === CHANGED || outcome === CREATED
    if (belongs) rows.push(row)
  }
  return Uint32Array.from(random.shuffle(rows))
}

import { FatalError, RetryableError } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'
import type { DestinationNotes } from '../core/record-links.ts'
import { resultsMissing } from './salesforce-collections.ts'
import { csvColumns } from './salesforce-csv-rows.ts'
import type { GatheredWrites } from './salesforce-gathered.ts'
import {
  closeJob,
  createJob,
  type JobContext,
  type JobState,
  RESULT_FILES,
  type ResultFile,
  readResults,
  uploadRows,
  waitForJob,
} from './salesforce-job.ts'
import { forgetJob, noteJob } from './salesforce-job-notes.ts'
import { longRecordId } from './salesforce-record-id.ts'
import type { ResultRow } from './salesforce-result-file.ts'
import { parseRowError, refusedOutcome } from './salesforce-row-errors.ts'
import type { RowPlaces } from './salesforce-row-places.ts'
import type { RowForm } from './salesforce-rows.ts'
import type { TextSpool } from './salesforce-spool.ts'

export interface BulkContext extends JobContext {
  readonly notes: DestinationNotes
  readonly hardDelete: boolean
}

/** The rows of one job: their CSV, and which row is which by what is unique among them. */
export interface JobRows {
  readonly form: RowForm
  readonly spool: TextSpool
  readonly places: RowPlaces
  readonly gathered: GatheredWrites
  /** The batches that they are of. */
  readonly numbers: Set<number>
}

/** A job that failed for what is the same for every row [D: Bulk API 2.0 errors]. */
const SYSTEMIC = /^(InvalidBatch|InvalidJob|InvalidUser|ClientInputError|FeatureNotEnabled|ExceededQuota)\b/

/** Loads rows by one job, and answers them; where that fails, gives up their batches. Never throws. */
export async function loadByJob(context: BulkContext, job: JobRows): Promise<void> {
  const { gathered, places, numbers } = job
  let failure: { readonly error: unknown } | undefined
  try {
    const { signal } = gathered
    const id = await start(context, job, signal)
    const ended = await waitForJob(context, id, signal)
    if (ended === undefined) throw resultsMissing(0, places.size)
    await reconcile(context, job, ended, signal)
    forgetJob(context.notes, id)
  } catch (error) {
    failure = { error }
  }
  gathered.confirm(places.rows())
  await gathered.settle(numbers, failure)
}

/** Makes a job, notes it down, uploads its rows and lets it begin. */
async function start(context: BulkContext, { form, spool }: JobRows, signal: AbortSignal): Promise<string> {
  const { session, notes, hardDelete } = context
  session.checkBudget()
  const { id } = await createJob(context, form, hardDelete, signal)
  const columns = csvColumns(form)
  noteJob(notes, id, 'open', form, columns)
  try {
    await uploadRows(context, id, spool, signal)
  } catch (error) {
    // It was not closed, so nothing of it is done, and nothing will be.
    if (error instanceof RetryableError) await giveUp(context, id, signal)
    throw error
  }
  noteJob(notes, id, 'closed', form, columns)
  await closeJob(context, id, signal)
  return id
}

/** An open job is aborted now if that can be done, or else by the next run. */
async function giveUp(context: BulkContext, id: string, signal: AbortSignal): Promise<void> {
  try {
    await context.session.json(
      { method: 'PATCH', path: `jobs/ingest/${id}`, body: '{"state":"Aborted"}', refused: 'undefined' },
      signal,
    )
    forgetJob(context.notes, id)
  } catch (error) {
    if (!(error instanceof RetryableError)) throw error
  }
}

/**
 * Reads all three result files: together they have every row that was sent, once. Where they do not, they are read once
 * more, because a file that was cut off between two rows looks whole.
 */
async function reconcile(
  context: BulkContext,
  { form, places, gathered }: JobRows,
  ended: JobState,
  signal: AbortSignal,
): Promise<void> {
  const key = form.way === 'update' || form.way === 'delete' ? 'Id' : form.match
  let strangers = 0
  let answered = 0
  const each = (file: ResultFile) => (result: ResultRow) => {
    const known = key === 'Id' ? longRecordId(result.cell(key)) : undefined
    const row = places.find(known ?? result.cell(key))
    if (row === undefined) strangers++
    else if (gathered.note(row, outcomeOf(form, known, file, result, ended))) answered++
  }
  for (let reading = 1; reading <= 2 && answered < places.size; reading++) {
    for (const file of RESULT_FILES) await readResults(context, ended.id, { file, key }, each(file), signal)
  }
  if (strangers > 0) {
    // Whatever these files are of, it is not this job alone.
    gathered.forget(places.rows())
    throw resultsMissing(0, places.size)
  }
  if (answered === places.size) return
  // What was answered is known all the same; the batches that lack an answer are given up.
  throw ended.state === 'Aborted' ? aborted(ended) : resultsMissing(answered, places.size)
}

function outcomeOf(
  form: RowForm,
  known: string | undefined,
  file: ResultFile,
  result: ResultRow,
  job: JobState,
): Outcome {
  if (file === 'failedResults') return refusedOutcome(parseRowError(result.error), form)
  if (file === 'unprocessedrecords') return unprocessed(job)
  const id = result.id === '' ? known : longRecordId(result.id)
  return {
    status: 'done',
    ...(id === undefined || form.way === 'delete' ? {} : { id }),
    ...(form.way === 'upsert' && { created: result.created }),
    ...(form.way === 'insert' && { created: true }),
  }
}

/** What becomes of rows that a job did not come to. */
function unprocessed(job: JobState): Outcome {
  const { id, state, errorMessage } = job
  const reason = errorMessage || `the job ended as ${state}`
  if (SYSTEMIC.test(reason)) {
    throw new FatalError(
      'salesforce_refused',
      `Salesforce refused job ${id} as a whole: ${reason}; correct destination.object and fields, or grant this user what it names`,
    )
  }
  if (state === 'Aborted') throw aborted(job)
  return { status: 'deferred', code: 'unprocessed', message: reason }
}

function aborted({ id }: JobState): FatalError {
  const message = `somebody aborted job ${id} in Salesforce; run again when its rows may be sent again`
  return new FatalError('job_aborted', message)
}

import { FatalError } from '../core/errors.ts'
import type { DestinationNotes } from '../core/record-links.ts'
import { csvLineOf, rowDigest } from './salesforce-csv-rows.ts'
import { FinishedRows } from './salesforce-finished-rows.ts'
import { abortJob, findJob, type JobContext, type JobState, readResults, waitForJob } from './salesforce-job.ts'
import { forgetJob, type JobNote, notedJobs } from './salesforce-job-notes.ts'

/** How long a run waits for a job of an earlier one before it ends it, and then for its end. In milliseconds. */
const PATIENCE_MS = 10 * 60_000
const ABORT_PATIENCE_MS = 2 * 60_000

/**
 * Ends what runs that were killed have left: jobs that were never closed are aborted, closed ones are waited for, so that
 * nothing of them can land behind what this run sends. Answers the rows they have written; undefined where there are
 * none. Throws FatalError `job_unfinished` where a job does not end.
 */
export async function settleEarlierJobs(
  context: JobContext,
  notes: DestinationNotes,
  signal: AbortSignal,
): Promise<FinishedRows | undefined> {
  const jobs = notedJobs(notes)
  if (jobs.size === 0) return undefined
  const finished = await FinishedRows.open()
  try {
    for (const [id, note] of jobs) {
      const ended = await endOf(context, id, signal)
      if (ended !== undefined && note !== undefined) await readFinished(context, ended, note, finished, signal)
    }
  } catch (error) {
    finished[Symbol.dispose]()
    throw error
  }
  // Only now: what is not read yet must be found again. What is read and then lost is only sent again.
  for (const id of jobs.keys()) forgetJob(notes, id)
  return finished
}

/** The job when it has ended; undefined where there is nothing to read of it. */
async function endOf(context: JobContext, id: string, signal: AbortSignal): Promise<JobState | undefined> {
  const job = await findJob(context, id, signal)
  if (job === undefined) return undefined
  if (job.state === 'Open') {
    await abortJob(context, id, signal)
    const aborted = await findJob(context, id, signal)
    if (aborted === undefined || aborted.state === 'Aborted') return undefined
  }
  const ended = await waitForJob(context, id, signal, PATIENCE_MS)
  if (ended !== undefined || (await findJob(context, id, signal)) === undefined) return ended
  await abortJob(context, id, signal)
  const aborted = await waitForJob(context, id, signal, ABORT_PATIENCE_MS)
  if (aborted !== undefined || (await findJob(context, id, signal)) === undefined) return aborted
  const message = `job ${id} of an earlier run has not ended and cannot be aborted: look at it in Setup, Bulk Data Load Jobs; run again when it has ended`
  throw new FatalError('job_unfinished', message)
}

async function readFinished(
  context: JobContext,
  { id, numberRecordsProcessed }: JobState,
  note: JobNote,
  finished: FinishedRows,
  signal: AbortSignal,
): Promise<void> {
  if (numberRecordsProcessed === 0) return
  const header = csvLineOf(note.columns)
  await readResults(
    context,
    id,
    { file: 'successfulResults', key: note.columns[0] ?? 'Id' },
    (row) => {
      const line = csvLineOf(note.columns.map((column) => row.cell(column)))
      finished.add(rowDigest(note, header, line), { id: row.id, created: row.created })
    },
    signal,
  )
}

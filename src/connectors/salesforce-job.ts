import * as z from 'zod'
import type { Clock } from '../core/clock.ts'
import { FatalError, messageOf, RetryableError } from '../core/errors.ts'
import { type ResultRow, readResultFile } from './salesforce-result-file.ts'
import type { RowForm } from './salesforce-rows.ts'
import { readAs, type SalesforceSession } from './salesforce-session.ts'
import type { TextSpool } from './salesforce-spool.ts'

/** A job of Bulk API 2.0, from its making to its results. Every call names the job, so it may be asked twice. */

const jobState = z.object({
  id: z.string(),
  state: z.string(),
  contentUrl: z.string().nullish(),
  numberRecordsProcessed: z.number().default(0),
  errorMessage: z.string().nullish(),
})

export type JobState = z.infer<typeof jobState>

const FINAL = new Set(['JobComplete', 'Failed', 'Aborted'])

/** Waits between looks at a job, in milliseconds: each look is a call of the day's allowance. */
const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 30_000
const GROWTH = 1.5

/** Attempts of a call that only asks, or that says the same again. */
const ATTEMPTS = 8
/** Asked to wait for longer than this, a run ends: as the engine has it. */
const LONGEST_ASKED_MS = 10 * 60_000

/** A job of which nothing has moved for so long is given up. */
const STUCK_MS = 4 * 60 * 60_000

export const RESULT_FILES = ['successfulResults', 'failedResults', 'unprocessedrecords'] as const

export type ResultFile = (typeof RESULT_FILES)[number]

/** What jobs need: the way to Salesforce, and time. */
export interface JobContext {
  readonly session: SalesforceSession
  readonly clock: Clock
}

export async function createJob(
  { session }: JobContext,
  form: RowForm,
  hard: boolean,
  signal: AbortSignal,
): Promise<JobState> {
  const { way, object, match } = form
  const body = JSON.stringify({
    object,
    operation: way === 'delete' && hard ? 'hardDelete' : way,
    ...(way === 'upsert' && { externalIdFieldName: match }),
    contentType: 'CSV',
    lineEnding: 'LF',
    columnDelimiter: 'COMMA',
  })
  return readAs(jobState, await session.json({ method: 'POST', path: 'jobs/ingest', body }, signal), 'a job')
}

/** Once only for each job: where it fails, the job is not to be used. */
export async function uploadRows(
  { session }: JobContext,
  id: string,
  spool: TextSpool,
  signal: AbortSignal,
): Promise<void> {
  const content = { length: spool.length, chunks: () => spool.chunks() }
  await session.json({ method: 'PUT', path: `jobs/ingest/${id}/batches`, content }, signal)
}

/** Lets the job begin. Where the answer is lost, the job itself says whether it did. */
export async function closeJob(context: JobContext, id: string, signal: AbortSignal): Promise<void> {
  await patiently(context, signal, async () => {
    if (await setState(context, id, 'UploadComplete', signal)) return
    const job = await findJob(context, id, signal)
    if (job !== undefined && job.state !== 'Open') return
    throw new FatalError(
      'job_unfinished',
      `job ${id} cannot be closed: look at it in Setup, Bulk Data Load Jobs, and run again`,
    )
  })
}

/** Ends a job that has not begun or not ended, where it can be ended. What it has done stays done. */
export async function abortJob(context: JobContext, id: string, signal: AbortSignal): Promise<void> {
  await patiently(context, signal, () => setState(context, id, 'Aborted', signal))
}

/** Whether it was taken. */
async function setState({ session }: JobContext, id: string, state: string, signal: AbortSignal): Promise<boolean> {
  const body = JSON.stringify({ state })
  const reply = await session.json({ method: 'PATCH', path: `jobs/ingest/${id}`, body, refused: 'undefined' }, signal)
  return reply !== undefined
}

/** The job as it is; undefined where Salesforce knows of none: it is kept for seven days [D]. */
export async function findJob({ session }: JobContext, id: string, signal: AbortSignal): Promise<JobState | undefined> {
  const found = await session.json({ method: 'GET', path: `jobs/ingest/${id}`, refused: 'undefined' }, signal)
  return found === undefined ? undefined : readAs(jobState, found, 'a job')
}

/** Waits until a job has ended; undefined where it has not within `forMs`, or is gone. */
export async function waitForJob(
  context: JobContext,
  id: string,
  signal: AbortSignal,
  forMs = Number.POSITIVE_INFINITY,
): Promise<JobState | undefined> {
  const { clock } = context
  const begun = clock.monotonic()
  let moved = begun
  let seen = ''
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * GROWTH, LONGEST_WAIT_MS)) {
    const job = await patiently(context, signal, () => findJob(context, id, signal))
    if (job === undefined || FINAL.has(job.state)) return job
    const now = clock.monotonic()
    const stand = `${job.state} ${job.numberRecordsProcessed}`
    if (stand !== seen) moved = now
    seen = stand
    if (now - begun > forMs) return undefined
    if (now - moved > STUCK_MS) {
      const message = `job ${id} has not moved for ${STUCK_MS / 3_600_000} hours (${job.state}): look at it in Setup, Bulk Data Load Jobs; run again when it has ended`
      throw new FatalError('job_unfinished', message)
    }
    await clock.sleep(wait, signal)
  }
}

/** Reads a result file to its end, page by page; a page that breaks off is read again, so a row may come twice. `key`: the column that tells rows apart. */
export async function readResults(
  context: JobContext,
  id: string,
  { file, key }: { readonly file: ResultFile; readonly key: string },
  each: (row: ResultRow) => void,
  signal: AbortSignal,
): Promise<void> {
  let locator: string | undefined
  do {
    const query = locator === undefined ? '' : `?${new URLSearchParams({ locator })}`
    const path = `jobs/ingest/${id}/${file}${query}`
    locator = await patiently(context, signal, async () => {
      const { status, header, body } = await context.session.download(path, signal)
      try {
        for await (const row of readResultFile(body, { column: key, mayBeEmpty: status === 204 })) each(row)
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof FatalError || error instanceof RetryableError) throw error
        throw new RetryableError(`a result file of job ${id} broke off (${messageOf(error)})`, { cause: error })
      }
      const next = header('sforce-locator')
      return next === undefined || next === 'null' ? undefined : next
    })
  } while (locator !== undefined)
}

/**
 * Asks again where there was no answer. Only for what a job that runs depends upon: its rows must not be sent again as
 * long as nobody knows what became of them.
 */
async function patiently<Result>(
  { clock }: JobContext,
  signal: AbortSignal,
  ask: () => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof RetryableError) || signal.aborted) throw error
      const { retryAfterMs = 0 } = error
      if (attempt === ATTEMPTS || retryAfterMs > LONGEST_ASKED_MS) {
        const message = `Salesforce does not say what became of a job (${error.message}); run again: its results are read then`
        throw new FatalError('job_unfinished', message, { cause: error })
      }
      const wait = Math.min(1_000 * 2 ** (attempt - 1), LONGEST_WAIT_MS)
      await clock.sleep(Math.max(wait, retryAfterMs), signal)
    }
  }
}

import * as z from 'zod'
import type { Clock } from '../core/clock.ts'
import { FatalError, RetryableError } from '../core/errors.ts'
import { type ResultRow, readResultFile } from './salesforce-result-file.ts'
import { readAs, type SalesforceSession } from './salesforce-session.ts'

const queryJob = z.object({
  id: z.string(),
  state: z.string(),
  numberRecordsProcessed: z.number().nullish(),
  errorMessage: z.string().nullish(),
})

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 15_000
const GROWTH = 1.5

/**
 * The rows of a query, by a job of Bulk API 2.0 and page by page [D]. Ends only when as many came as the job says it has:
 * throws RetryableError otherwise, also in the middle.
 */
export async function* bulkQuery(
  { session, clock }: { readonly session: SalesforceSession; readonly clock: Clock },
  { query, column }: { readonly query: string; readonly column: string },
  signal: AbortSignal,
): AsyncGenerator<ResultRow> {
  session.checkBudget()
  const body = JSON.stringify({ operation: 'query', query, columnDelimiter: 'COMMA', lineEnding: 'LF' })
  const { id } = readAs(queryJob, await session.json({ method: 'POST', path: 'jobs/query', body }, signal), 'a job')
  let expected: number | null | undefined
  for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * GROWTH, LONGEST_WAIT_MS)) {
    const job = readAs(queryJob, await session.json({ method: 'GET', path: `jobs/query/${id}` }, signal), 'a job')
    expected = job.numberRecordsProcessed
    if (job.state === 'JobComplete') break
    if (job.state === 'Failed' || job.state === 'Aborted') {
      const message = `the query job ${id} ended as ${job.state} (${job.errorMessage ?? 'no reason given'}): correct what it says, and run again`
      throw new FatalError('list_failed', message)
    }
    await clock.sleep(wait, signal)
  }
  let rows = 0
  for (let locator: string | undefined = ''; locator !== undefined; ) {
    const page = locator === '' ? '' : `?${new URLSearchParams({ locator })}`
    const { status, header, body: file } = await session.download(`jobs/query/${id}/results${page}`, signal)
    try {
      for await (const row of readResultFile(file, { column, mayBeEmpty: status === 204 })) {
        rows++
        yield row
      }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof FatalError || error instanceof RetryableError) throw error
      throw new RetryableError(`the results of query job ${id} broke off`, { cause: error })
    }
    const next = header('sforce-locator')
    locator = next === undefined || next === 'null' ? undefined : next
  }
  if (rows === expected) return
  throw new RetryableError(`query job ${id} has ${expected ?? 'an unknown number of'} rows, and ${rows} came`)
}

import { RestError } from './salesforce-errors.ts'
import { INTEGRATION_USER_ID } from './salesforce-objects.ts'
import type { SalesforceSettings } from './salesforce-options.ts'
import { timeText } from './salesforce-values.ts'
import type { SimulatorReply, SimulatorRequest } from './simulator-request.ts'

/** What ingest and query jobs answer alike. */
interface JobHead {
  readonly id: string
  readonly operation: string
  readonly object: string
  readonly state: string
  readonly createdAt: number
  readonly modifiedAt: number
  readonly apiVersion: number
  readonly delimiterName: string
  readonly lineEndingName: string
}

export function jobBody(job: JobHead): Record<string, unknown> {
  return {
    id: job.id,
    operation: job.operation,
    object: job.object,
    createdById: INTEGRATION_USER_ID,
    createdDate: timeText(job.createdAt),
    systemModstamp: timeText(job.modifiedAt),
    state: job.state,
    concurrencyMode: 'Parallel',
    contentType: 'CSV',
    apiVersion: job.apiVersion,
    lineEnding: job.lineEndingName,
    columnDelimiter: job.delimiterName,
  }
}

export function wrongState(message: string): RestError {
  return new RestError(400, 'INVALIDJOBSTATE', message)
}

export function invalidJob(message: string): RestError {
  return new RestError(400, 'INVALIDJOB', message)
}

/** A page of CSV: rows `from` on of `total`, and where the next page begins. */
export function csvPage(
  { query }: SimulatorRequest,
  settings: SalesforceSettings,
  total: number,
  lineEnding: string,
  page: { readonly header: string; readonly row: (at: number) => string },
): SimulatorReply {
  const locator = query.get('locator')
  const from = locator === null ? 0 : Number(Buffer.from(locator, 'base64url').toString('latin1').replace(/^at:/, ''))
  const asked = Number(query.get('maxRecords') ?? settings.results_page)
  if (!(from >= 0 && from <= total) || !(asked >= 1)) {
    throw new RestError(400, 'INVALID_QUERY_LOCATOR', 'invalid query locator')
  }
  const to = Math.min(total, from + Math.min(asked, settings.results_page))
  const next = to < total ? Buffer.from(`at:${to}`).toString('base64url') : 'null'
  const lines = [page.header]
  for (let at = from; at < to; at++) lines.push(page.row(at))
  const headers = {
    'content-type': 'text/csv;charset=UTF-8',
    'sforce-locator': next,
    'sforce-numberofrecords': String(to - from),
  }
  return { status: 200, headers, body: lines.join(lineEnding) + lineEnding }
}

/** `GET /jobs/…`: 1,000 jobs a page. */
export function jobPage<Job>(
  request: SimulatorRequest,
  jobs: readonly Job[],
  body: (job: Job) => unknown,
): SimulatorReply {
  const from = Number(request.query.get('queryLocator') ?? 0)
  const to = Math.min(jobs.length, from + 1000)
  const done = to >= jobs.length
  const nextRecordsUrl = done ? null : `${request.path}?queryLocator=${to}`
  return { status: 200, body: { done, nextRecordsUrl, records: jobs.slice(from, to).map(body) } }
}

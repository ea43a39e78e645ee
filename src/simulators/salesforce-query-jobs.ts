import { DELIMITERS, LINE_ENDINGS, quotedCell } from './salesforce-csv.ts'
import { notFound, RestError } from './salesforce-errors.ts'
import { fullId, recordId } from './salesforce-id.ts'
import type { JobState } from './salesforce-ingest-job.ts'
import { csvPage, invalidJob, jobBody, jobPage, wrongState } from './salesforce-job-reply.ts'
import type { SalesforceJobs } from './salesforce-jobs.ts'
import { type QueryResult, runQuery } from './salesforce-query.ts'
import { type SalesforceWorld, versionOf } from './salesforce-world.ts'
import { jsonBody, type SimulatorReply, type SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

/** A query job of Bulk API 2.0. */
export interface QueryJob {
  readonly id: string
  readonly operation: 'query' | 'queryAll'
  readonly soql: string
  readonly object: string
  readonly delimiterName: string
  readonly lineEndingName: string
  readonly apiVersion: number
  readonly createdAt: number
  modifiedAt: number
  state: JobState
  /** What it found when it ran. */
  result: QueryResult | undefined
  /** Runs it if it has waited long enough by `now`. */
  finish(world: SalesforceWorld, now: number, queueMs: number): void
}

export function queryJobRoutes(world: SalesforceWorld, jobs: SalesforceJobs): SimulatorRoute[] {
  const path = '/services/data/:version/jobs/query'
  const one = ({ params }: SimulatorRequest): QueryJob => {
    const id = params['id'] as string
    const job = jobs.query.get(fullId(id) ?? id)
    if (job === undefined) throw notFound()
    return job
  }
  return [
    { method: 'POST', path, handle: (request) => create(world, jobs, request) },
    { method: 'GET', path, handle: (request) => jobPage(request, [...jobs.query.values()], fullInfo) },
    { method: 'GET', path: `${path}/:id`, handle: (request) => ({ status: 200, body: fullInfo(one(request)) }) },
    { method: 'PATCH', path: `${path}/:id`, handle: (request) => abort(one(request), request) },
    { method: 'GET', path: `${path}/:id/results`, handle: (request) => results(world, one(request), request) },
    {
      method: 'DELETE',
      path: `${path}/:id`,
      handle: (request) => {
        const { id, state } = one(request)
        if (state === 'UploadComplete') throw wrongState(`Deleting a Job in state ${state} not allowed`)
        jobs.query.delete(id)
        return { status: 204 }
      },
    },
  ]
}

function create(world: SalesforceWorld, jobs: SalesforceJobs, request: SimulatorRequest): SimulatorReply {
  const body = jsonBody(request) as Record<string, unknown> | undefined
  if (body === undefined) throw new RestError(400, 'JSON_PARSER_ERROR', 'Unexpected character or end of the body')
  const { operation, query, contentType = 'CSV', columnDelimiter = 'COMMA', lineEnding = 'LF' } = body
  if (operation !== 'query' && operation !== 'queryAll') throw invalidJob('InvalidJob : Unable to parse Job')
  if (contentType !== 'CSV' || !(String(columnDelimiter) in DELIMITERS) || !(String(lineEnding) in LINE_ENDINGS)) {
    throw invalidJob('InvalidJob : Unable to parse Job')
  }
  // Asked once before it is queued, so that a query that makes no sense is refused here.
  const asked = runQuery(world.records, `${query}`, false)
  if (asked.query.fields === undefined || asked.query.offset > 0) {
    throw new RestError(400, 'API_ERROR', 'COUNT() and OFFSET are not supported by bulk queries')
  }
  const time = Math.floor(world.clock.now())
  const job: QueryJob = {
    id: recordId('750', jobs.nextNumber()),
    operation,
    soql: String(query),
    object: asked.store.model.name,
    delimiterName: String(columnDelimiter),
    lineEndingName: String(lineEnding),
    apiVersion: versionOf(request),
    createdAt: time,
    modifiedAt: time,
    state: 'UploadComplete',
    result: undefined,
    finish({ records }, now, queueMs) {
      if (job.state !== 'UploadComplete' || job.createdAt + queueMs > now) return
      job.result = runQuery(records, job.soql, job.operation === 'queryAll')
      job.state = 'JobComplete'
      job.modifiedAt = now
    },
  }
  jobs.query.set(job.id, job)
  return { status: 200, body: jobBody(job) }
}

function abort(job: QueryJob, request: SimulatorRequest): SimulatorReply {
  const state = (jsonBody(request) as { state?: unknown } | undefined)?.state
  if (state !== 'Aborted') throw wrongState(`Job state ${state} not allowed: it can be Aborted`)
  if (job.state !== 'UploadComplete') throw wrongState('Aborting already Completed Job not allowed')
  job.state = 'Aborted'
  return { status: 200, body: jobBody(job) }
}

function fullInfo(job: QueryJob): Record<string, unknown> {
  return {
    ...jobBody(job),
    jobType: 'V2Query',
    numberRecordsProcessed: job.result?.rows.length ?? 0,
    retries: 0,
    totalProcessingTime: job.modifiedAt - job.createdAt,
    isPkChunkingSupported: false,
  }
}

function results({ settings }: SalesforceWorld, job: QueryJob, request: SimulatorRequest): SimulatorReply {
  const { result } = job
  if (result === undefined) throw wrongState(`Results of a job in state ${job.state} not allowed`)
  const { columns, rows } = result
  const delimiter = DELIMITERS[job.delimiterName] as string
  const line = (cells: string[]) => cells.map(quotedCell).join(delimiter)
  return csvPage(request, settings, rows.length, LINE_ENDINGS[job.lineEndingName] as string, {
    header: line(columns.map(({ name }) => name)),
    row: (at) => line(columns.map(({ read }) => String(read(rows[at] as (typeof rows)[number]) ?? ''))),
  })
}

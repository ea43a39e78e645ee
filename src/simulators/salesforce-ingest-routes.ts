import { DELIMITERS, LINE_ENDINGS, quotedCell, rowText } from './salesforce-csv.ts'
import { notFound, RestError } from './salesforce-errors.ts'
import { fullId, recordId } from './salesforce-id.ts'
import { begin } from './salesforce-ingest.ts'
import {
  CREATED,
  ended,
  FAILED,
  INGEST_OPERATIONS,
  type IngestJob,
  type IngestOperation,
  type IngestPlan,
  type ResultFile,
  resultRows,
} from './salesforce-ingest-job.ts'
import { csvPage, invalidJob, jobBody, jobPage, wrongState } from './salesforce-job-reply.ts'
import type { SalesforceJobs } from './salesforce-jobs.ts'
import type { Field } from './salesforce-model.ts'
import type { ObjectStore } from './salesforce-store.ts'
import { rowContext, type SalesforceWorld, versionOf } from './salesforce-world.ts'
import { jsonBody, type SimulatorReply, type SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

/** Bulk API 2.0, ingest. */
export function ingestRoutes(world: SalesforceWorld, jobs: SalesforceJobs): SimulatorRoute[] {
  const path = '/services/data/:version/jobs/ingest'
  const one = (request: SimulatorRequest): IngestJob => {
    const id = request.params['id'] as string
    const job = jobs.ingest.get(fullId(id) ?? id)
    if (job === undefined) throw notFound()
    return job
  }
  const results = (file: ResultFile): SimulatorRoute => ({
    method: 'GET',
    path: `${path}/:id/${file}`,
    handle: (request) => resultFile(world, one(request), file, request),
  })
  return [
    { method: 'POST', path, handle: (request) => create(world, jobs, request) },
    {
      method: 'GET',
      path,
      handle: (request) =>
        jobPage(request, world.random.fork(`jobs/${jobs.ingest.size}`).shuffle([...jobs.ingest.values()]), info),
    },
    { method: 'GET', path: `${path}/:id`, handle: (request) => ({ status: 200, body: fullInfo(one(request)) }) },
    { method: 'PUT', path: `${path}/:id/batches`, handle: (request) => upload(world, one(request), request) },
    { method: 'PATCH', path: `${path}/:id`, handle: (request) => changeState(world, one(request), request) },
    { method: 'DELETE', path: `${path}/:id`, handle: (request) => remove(jobs, one(request)) },
    results('successfulResults'),
    results('failedResults'),
    results('unprocessedrecords'),
  ]
}

function create(world: SalesforceWorld, jobs: SalesforceJobs, request: SimulatorRequest): SimulatorReply {
  const body = jsonBody(request) as Record<string, unknown> | undefined
  if (body === undefined) throw new RestError(400, 'JSON_PARSER_ERROR', 'Unexpected character or end of the body')
  const { object, operation, contentType = 'CSV', externalIdFieldName } = body
  const { lineEnding: lineEndingName = 'LF', columnDelimiter: delimiterName = 'COMMA' } = body
  const store = world.records.of(String(object))
  if (store === undefined) {
    throw new RestError(400, 'INVALIDENTITY', `InvalidEntity : Entity '${object}' is not supported by the Bulk API.`)
  }
  if (!INGEST_OPERATIONS.includes(operation as IngestOperation)) throw invalidJob(`InvalidJob : Unable to parse Job`)
  if (contentType !== 'CSV') throw invalidJob(`InvalidJob : ContentType ${contentType} is not supported`)
  const lineEnding = LINE_ENDINGS[String(lineEndingName)]
  const delimiter = DELIMITERS[String(delimiterName)]
  if (lineEnding === undefined || delimiter === undefined) throw invalidJob('InvalidJob : Unable to parse Job')
  if (operation === 'hardDelete' && !world.settings.hard_delete) {
    const message =
      'hardDelete operation requires special user profile permission, please contact your system administrator'
    throw new RestError(400, 'FEATURENOTENABLED', `FeatureNotEnabled : ${message}`)
  }
  const time = Math.floor(world.clock.now())
  const job: IngestJob = {
    id: recordId('750', jobs.nextNumber()),
    operation: operation as IngestOperation,
    store,
    key: operation === 'upsert' ? upsertKey(store, externalIdFieldName) : undefined,
    form: { lineEnding, delimiter, lineEndingName: String(lineEndingName), delimiterName: String(delimiterName) },
    apiVersion: versionOf(request),
    createdAt: time,
    modifiedAt: time,
    allowSave: rowContext(world, request).allowSave,
    state: 'Open',
    uploads: 0,
    data: Buffer.alloc(0),
    closed: undefined,
    plan: undefined,
    errorMessage: undefined,
    failAfter: undefined,
  }
  jobs.ingest.set(job.id, job)
  const contentUrl = `services/data/${request.params['version']}/jobs/ingest/${job.id}/batches`
  return { status: 200, body: { ...info(job), contentUrl } }
}

function upsertKey({ model }: ObjectStore, name: unknown): Field {
  const field = typeof name === 'string' ? model.byName.get(name) : undefined
  if (field !== undefined && (field.name === 'Id' || field.externalId === true || field.idLookup === true)) return field
  throw invalidJob(
    name === undefined
      ? 'InvalidJob : Upsert operation requires an externalIdFieldName'
      : `InvalidJob : Field name provided, ${name} does not match an External ID, Salesforce Id, or indexed field for ${model.name}`,
  )
}

/** Base64 makes it a third larger. */
function upload({ settings }: SalesforceWorld, job: IngestJob, request: SimulatorRequest): SimulatorReply {
  if (job.state !== 'Open') throw wrongState(`Uploading data to a job in state ${job.state} not allowed`)
  if (Math.ceil(request.body.length / 3) * 4 > settings.upload_limit) {
    const message = `The data is larger than the maximum of ${settings.upload_limit} bytes after base64`
    throw new RestError(400, 'CLIENTINPUTERROR', `ClientInputError : ${message}`)
  }
  job.uploads++
  job.data = request.body
  return { status: 201 }
}

function changeState(world: SalesforceWorld, job: IngestJob, request: SimulatorRequest): SimulatorReply {
  const state = (jsonBody(request) as { state?: unknown } | undefined)?.state
  const time = Math.floor(world.clock.now())
  if (state === 'Aborted') {
    if (ended(job))
      throw wrongState(`Aborting already ${job.state === 'JobComplete' ? 'Completed' : job.state} Job not allowed`)
    // What was put and not processed is listed as unprocessed.
    if (job.plan === undefined) begin({ ...world, settings: { ...world.settings, fail_jobs: undefined } }, job, time)
    job.state = 'Aborted'
    job.errorMessage = undefined
  } else if (state === 'UploadComplete') {
    if (job.state !== 'Open') throw wrongState(`Closing a Job in state ${job.state} not allowed`)
    if (job.uploads > 1) {
      const advice =
        "please 'Close' / 'Abort' / 'Delete' the current Job then create a new Job and make sure you only do 'PUT' once on a given Job."
      throw invalidJob(`Found multiple contents for job: <${job.id}>, ${advice}`)
    }
    job.state = 'UploadComplete'
    job.closed = { at: time, request: request.n, allowSave: job.allowSave || rowContext(world, request).allowSave }
  } else throw wrongState(`Job state ${state} not allowed: it can be UploadComplete or Aborted`)
  job.modifiedAt = time
  return { status: 200, body: info(job) }
}

function remove(jobs: SalesforceJobs, job: IngestJob): SimulatorReply {
  if (job.state === 'InProgress' || job.state === 'Open')
    throw wrongState(`Deleting a Job in state ${job.state} not allowed`)
  jobs.ingest.delete(job.id)
  return { status: 204 }
}

function info(job: IngestJob): Record<string, unknown> {
  const { form, store, key } = job
  const body = jobBody({ ...job, ...form, object: store.model.name })
  return { ...body, jobType: 'V2Ingest', ...(key === undefined ? {} : { externalIdFieldName: key.name }) }
}

function fullInfo(job: IngestJob): Record<string, unknown> {
  const { plan, closed, errorMessage } = job
  const time = closed === undefined ? 0 : job.modifiedAt - closed.at
  return {
    ...info(job),
    retries: 0,
    totalProcessingTime: time,
    apiActiveProcessingTime: time,
    apexProcessingTime: 0,
    numberRecordsProcessed: plan?.next ?? 0,
    numberRecordsFailed: plan?.failed ?? 0,
    ...(errorMessage === undefined ? {} : { errorMessage }),
  }
}

function resultFile(
  world: SalesforceWorld,
  job: IngestJob,
  file: ResultFile,
  request: SimulatorRequest,
): SimulatorReply {
  if (!ended(job)) throw wrongState(`Job results of a job in state ${job.state} not allowed`)
  const { settings, random } = world
  const rows = resultRows(job, file, random.fork(`${job.id}/${file}`))
  if (rows.length === 0 && settings.empty_results === 'no_content') return { status: 204 }
  const { delimiter, lineEnding } = job.form
  const plan = job.plan as IngestPlan
  const columns = COLUMNS[file].map((name) => `"${name}"${delimiter}`).join('')
  return csvPage(request, settings, rows.length, lineEnding, {
    header: columns + (plan?.columns.header ?? ''),
    row(at) {
      const row = rows[at] as number
      const text = rowText(job.data, plan.rows, row + 1)
      if (file === 'unprocessedrecords') return text
      const id = plan.ids[row] ?? ''
      const failed = plan.outcomes[row] === FAILED
      const second = failed ? quotedCell(plan.errors.get(row) ?? '') : `"${plan.outcomes[row] === CREATED}"`
      return `${failed ? quotedCell(id) : `"${id}"`}${delimiter}${second}${delimiter}${text}`
    },
  })
}

const COLUMNS: Readonly<Record<ResultFile, readonly string[]>> = {
  successfulResults: ['sf__Id', 'sf__Created'],
  failedResults: ['sf__Id', 'sf__Error'],
  unprocessedrecords: [],
}

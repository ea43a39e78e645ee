import assert from 'node:assert/strict'
import { SALESFORCE_JOB_BEHAVIOURS } from '../../src/simulators/salesforce-job-behaviours.ts'
import type { SalesforceOptions } from '../../src/simulators/salesforce-options.ts'
import { codeOf, type JobForm, type Org, people, withOrg } from './salesforce-org.ts'
import { behaviourTests } from './simulator-behaviour.ts'

const behaviour = behaviourTests(SALESFORCE_JOB_BEHAVIOURS)

function on(id: string, work: (org: Org) => Promise<void>, options: SalesforceOptions = {}): void {
  behaviour(id, () => withOrg(options, work))
}

const UPSERT: JobForm = { operation: 'upsert', externalIdFieldName: 'External_Id__c' }
const state = async (org: Org, path: string) => (await org.ask('GET', path)).body.state
const close = (org: Org, path: string) => org.ask('PATCH', path, { state: 'UploadComplete' })
const abort = (org: Org, path: string) => org.ask('PATCH', path, { state: 'Aborted' })

/** A job with data that is not closed yet. */
async function filled(org: Org, csv = people(1), form: JobForm = {}): Promise<string> {
  const path = `/jobs/ingest/${(await org.createJob(form)).body.id}`
  assert.equal((await org.put(path, csv)).status, 201)
  return path
}

on('job.create', async (org) => {
  const { status, body } = await org.createJob(UPSERT)
  assert.equal(status, 200)
  assert.match(body.id, /^750\w{15}$/)
  const shown = [
    body.state,
    body.object,
    body.operation,
    body.externalIdFieldName,
    body.lineEnding,
    body.columnDelimiter,
  ]
  assert.deepEqual(shown, ['Open', 'Contact', 'upsert', 'External_Id__c', 'LF', 'COMMA'])
  assert.equal(body.contentUrl, `services/data/v66.0/jobs/ingest/${body.id}/batches`)
  const info = (await org.ask('GET', `/jobs/ingest/${body.id}`)).body
  assert.deepEqual([info.jobType, info.numberRecordsProcessed, info.apiVersion], ['V2Ingest', 0, 66])
})

on('job.create-refused', async (org) => {
  const refusal = async (form: object) => codeOf(await org.createJob(form))
  assert.deepEqual(await refusal({ object: 'Nothing' }), [400, 'INVALIDENTITY'])
  assert.deepEqual(await refusal({ operation: 'merge' }), [400, 'INVALIDJOB'])
  assert.deepEqual(await refusal({ operation: 'upsert' }), [400, 'INVALIDJOB'])
  assert.deepEqual(await refusal({ lineEnding: 'CR' }), [400, 'INVALIDJOB'])
  const { body } = await org.createJob({ operation: 'upsert', externalIdFieldName: 'Title' })
  assert.equal(
    body[0].message,
    'InvalidJob : Field name provided, Title does not match an External ID, Salesforce Id, or indexed field for Contact',
  )
})

on(
  'job.states',
  async (org) => {
    const path = await filled(org, people(25))
    assert.equal(await state(org, path), 'Open')
    assert.equal((await close(org, path)).body.state, 'UploadComplete')
    assert.equal(await state(org, path), 'UploadComplete')
    await org.door('/__clock', { ms: 60_000 })
    assert.equal(await state(org, path), 'InProgress')
    await org.door('/__clock', { ms: 60_000 })
    assert.equal(await state(org, path), 'InProgress')
    await org.door('/__clock', { ms: 60_000 })
    const { body } = await org.ask('GET', path)
    assert.deepEqual([body.state, body.numberRecordsProcessed, body.numberRecordsFailed], ['InProgress', 20, 0])
    await org.door('/__clock', { ms: 60_000 })
    assert.equal(await state(org, path), 'JobComplete')
    assert.equal((await org.records('Contact')).length, 25)
  },
  { queue_ms: 60_000, batch_ms: 60_000, batch_size: 10, parallel_batches: 1 },
)

on('job.wrong-state', async (org) => {
  const { path } = await org.runJob({}, people(1))
  const late = await abort(org, path)
  assert.deepEqual(late.body, [{ message: 'Aborting already Completed Job not allowed', errorCode: 'INVALIDJOBSTATE' }])
  assert.deepEqual(codeOf(await close(org, path)), [400, 'INVALIDJOBSTATE'])
  assert.deepEqual(codeOf(await org.put(path, people(1))), [400, 'INVALIDJOBSTATE'])
  assert.deepEqual(codeOf(await org.ask('PATCH', path, { state: 'JobComplete' })), [400, 'INVALIDJOBSTATE'])
  const aborted = await filled(org)
  assert.equal((await abort(org, aborted)).body.state, 'Aborted')
  assert.deepEqual(codeOf(await close(org, aborted)), [400, 'INVALIDJOBSTATE'])
  assert.deepEqual(codeOf(await abort(org, aborted)), [400, 'INVALIDJOBSTATE'])
})

on('job.second-upload', async (org) => {
  const path = await filled(org)
  assert.equal((await org.put(path, people(1, 1))).status, 201)
  const { status, body } = await close(org, path)
  assert.deepEqual([status, body[0].errorCode], [400, 'INVALIDJOB'])
  assert.match(body[0].message, /^Found multiple contents for job: <750\w{15}>/)
  assert.equal((await abort(org, path)).status, 200)
  assert.deepEqual(await org.records('Contact'), [])
})

on(
  'job.upload-size',
  async (org) => {
    const path = `/jobs/ingest/${(await org.createJob({})).body.id}`
    assert.deepEqual(codeOf(await org.put(path, 'x'.repeat(751))), [400, 'CLIENTINPUTERROR'])
    assert.equal((await org.put(path, 'x'.repeat(750))).status, 201)
  },
  { upload_limit: 1000 },
)

on('job.list', async (org) => {
  const made: string[] = []
  for (let count = 0; count < 20; count++) made.push((await org.createJob({})).body.id)
  const { body } = await org.ask('GET', '/jobs/ingest?jobType=V2Ingest')
  const listed = body.records.map(({ id }: { id: string }) => id)
  assert.deepEqual([body.done, body.nextRecordsUrl], [true, null])
  assert.deepEqual([...listed].sort(), [...made].sort())
  assert.notDeepEqual(listed, made)
})

on(
  'job.abort',
  async (org) => {
    const path = await filled(org, people(30))
    await close(org, path)
    await org.door('/__clock', { ms: 60_000 + 60_000 })
    assert.equal(await state(org, path), 'InProgress')
    assert.equal((await abort(org, path)).body.state, 'Aborted')
    await org.door('/__clock', { ms: 600_000 })
    const { body } = await org.ask('GET', path)
    assert.deepEqual([body.state, body.numberRecordsProcessed], ['Aborted', 10])
    assert.equal((await org.results(path, 'successfulResults')).length, 11)
    assert.equal((await org.results(path, 'unprocessedrecords')).length, 21)
    assert.equal((await org.records('Contact')).length, 10)
    const waiting = await filled(org, people(3, 30))
    await close(org, waiting)
    await abort(org, waiting)
    const rest = await org.results(waiting, 'unprocessedrecords')
    assert.deepEqual(rest.sort(), ['External_Id__c,LastName', 'k30,L30', 'k31,L31', 'k32,L32'])
  },
  { queue_ms: 60_000, batch_ms: 60_000, batch_size: 10, parallel_batches: 1 },
)

on('job.delete', async (org) => {
  const open = await filled(org)
  assert.deepEqual(codeOf(await org.ask('DELETE', open)), [400, 'INVALIDJOBSTATE'])
  const { path } = await org.runJob({}, people(1))
  assert.equal((await org.ask('DELETE', path)).status, 204)
  for (const gone of [path, `${path}/successfulResults`]) {
    assert.deepEqual(codeOf(await org.ask('GET', gone)), [404, 'NOT_FOUND'])
  }
})

on('job.retention', async (org) => {
  const { path } = await org.runJob({}, people(1))
  const later = async (ms: number) => {
    await org.door('/__clock', { ms })
    const authorization = `Bearer ${await org.signIn()}`
    return org.ask('GET', path, undefined, { authorization })
  }
  assert.equal((await later(7 * 86_400_000 - 60_000)).status, 200)
  assert.deepEqual(codeOf(await later(60_000)), [404, 'NOT_FOUND'])
})

on(
  'job.batches',
  async (org) => {
    const path = await filled(org, people(100))
    await close(org, path)
    const counts: number[] = []
    for (let round = 0; round < 4; round++) {
      await org.door('/__clock', { ms: 60_000 })
      const { body } = await org.ask('GET', path)
      counts.push(body.numberRecordsProcessed)
    }
    assert.deepEqual(counts, [40, 80, 100, 100])
  },
  { queue_ms: 0, batch_ms: 60_000, batch_size: 20, parallel_batches: 2 },
)

on(
  'job.fails',
  async (org) => {
    const job = await org.runJob(UPSERT, people(25).replace('k3,L3', 'k3,#N/A'))
    assert.deepEqual([job.info.state, job.info.numberRecordsProcessed, job.info.numberRecordsFailed], ['Failed', 20, 1])
    assert.match(job.info.errorMessage, /^InternalServerError : /)
    assert.deepEqual([job.successful.length, job.failed.length, job.unprocessed.length], [20, 2, 6])
    assert.equal(job.unprocessed[0], 'External_Id__c,LastName')
    assert.deepEqual(job.unprocessed.slice(1).sort(), ['k20,L20', 'k21,L21', 'k22,L22', 'k23,L23', 'k24,L24'])
    assert.equal((await org.records('Contact')).length, 19)
    const again = await org.runJob(UPSERT, people(25, 20))
    assert.equal(again.info.state, 'JobComplete')
    await org.door('/__settings', { fail_jobs: { after_batches: 0 } })
    const none = await org.runJob(UPSERT, people(5))
    assert.deepEqual([none.info.state, none.info.numberRecordsProcessed, none.unprocessed.length], ['Failed', 0, 6])
    // A job that is aborted is not the next one that fails.
    await org.door('/__settings', { fail_jobs: { after_batches: 0 } })
    await org.ask('PATCH', await filled(org), { state: 'Aborted' })
    assert.equal((await org.runJob(UPSERT, people(5))).info.state, 'Failed')
    await org.door('/__settings', { fail_jobs: { after_batches: 1 } })
    const small = await org.runJob(UPSERT, people(10))
    const large = await org.runJob(UPSERT, people(11))
    assert.deepEqual([small.info.state, large.info.state], ['JobComplete', 'Failed'])
  },
  { batch_size: 10, fail_jobs: { after_batches: 2 } },
)

on('job.no-data', async (org) => {
  const path = `/jobs/ingest/${(await org.createJob({})).body.id}`
  await close(org, path)
  await org.door('/__clock', { ms: 1000 })
  const { body } = await org.ask('GET', path)
  assert.deepEqual([body.state, body.numberRecordsProcessed], ['JobComplete', 0])
})

on('job.session', async (org) => {
  const path = await filled(org)
  await close(org, path)
  await org.door('/__revoke', {})
  assert.deepEqual(codeOf(await org.ask('GET', path)), [401, 'INVALID_SESSION_ID'])
  await org.door('/__clock', { ms: 1000 })
  const headers = { authorization: `Bearer ${await org.signIn()}` }
  assert.equal((await org.ask('GET', path, undefined, headers)).body.state, 'JobComplete')
})

on(
  'job.commit',
  async (org) => {
    const path = await filled(org, people(7))
    assert.equal((await org.records('Contact')).length, 0)
    const { body } = await close(org, path)
    await org.door('/__clock', { ms: 60_000 })
    assert.equal((await org.records('Contact')).length, 7)
    const { writes, requests } = await org.door('/__journal')
    const patch = requests.find(({ method }: { method: string }) => method === 'PATCH')
    assert.deepEqual(
      writes.map(({ request }: { request: number }) => request),
      Array(7).fill(patch.n),
    )
    assert.equal(body.state, 'UploadComplete')
  },
  { batch_size: 2, parallel_batches: 1 },
)

on('result.files', async (org) => {
  const csv = 'LastName,External_Id__c\nA,a\n"B, ""Bee""",b\n#N/A,c\n'
  const job = await org.runJob(UPSERT, csv)
  const ids = Object.fromEntries((await org.records('Contact')).map(({ Id, External_Id__c: key }) => [key, Id]))
  assert.deepEqual(job.successful[0], '"sf__Id","sf__Created",LastName,External_Id__c')
  assert.deepEqual(
    job.successful.slice(1).sort(),
    [`"${ids['a']}","true",A,a`, `"${ids['b']}","true","B, ""Bee""",b`].sort(),
  )
  assert.equal(job.failed[0], '"sf__Id","sf__Error",LastName,External_Id__c')
  assert.deepEqual(job.failed.slice(1), [
    '"","REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",#N/A,c',
  ])
  assert.deepEqual(job.unprocessed, ['LastName,External_Id__c'])
})

on('result.order', async (org) => {
  const { successful } = await org.runJob({}, people(50))
  const sent = people(50).trim().split('\n').slice(1)
  const answered = successful.slice(1).map((line) => line.split(',').slice(2).join(','))
  assert.notDeepEqual(answered, sent)
  assert.deepEqual(answered.sort(), sent.sort())
})

on('result.error', async (org) => {
  const { failed } = await org.runJob({}, 'LastName,Email,External_Id__c\nA,bad,1\nB,b@x.com,2\nC,c@x.com,2\n')
  const errors = failed.slice(1).map((line) => line.split(',')[1])
  assert.ok(errors.includes('"INVALID_EMAIL_ADDRESS:Email: invalid email address: bad:Email --"'), errors.join())
  assert.match(
    errors.join(),
    /"DUPLICATE_VALUE:duplicate value found: External_Id__c duplicates value on record with id: 003\w{15}:--"/,
  )
})

on(
  'result.paging',
  async (org) => {
    const { path } = await org.runJob({}, people(25))
    const lines: string[] = []
    const sizes: (string | null)[] = []
    let locator = ''
    while (locator !== 'null') {
      const query = locator === '' ? '' : `?locator=${locator}`
      const { headers, body } = await org.ask('GET', `${path}/successfulResults${query}`)
      lines.push(...body.trim().split('\n').slice(1))
      sizes.push(headers.get('sforce-numberofrecords'))
      locator = headers.get('sforce-locator') as string
    }
    assert.deepEqual(sizes, ['10', '10', '5'])
    assert.equal(new Set(lines).size, 25)
    const small = await org.ask('GET', `${path}/successfulResults?maxRecords=2`)
    assert.equal(small.body.trim().split('\n').length, 3)
    assert.equal((await org.ask('GET', `${path}/successfulResults?locator=xx`)).status, 400)
  },
  { results_page: 10 },
)

on('result.empty', async (org) => {
  const { failed, path } = await org.runJob({}, people(1))
  assert.deepEqual(failed, ['"sf__Id","sf__Error",External_Id__c,LastName'])
  await org.door('/__settings', { empty_results: 'no_content' })
  const { status, body } = await org.ask('GET', `${path}/failedResults`)
  assert.deepEqual([status, body], [204, ''])
})

on('result.early', async (org) => {
  const path = await filled(org)
  assert.deepEqual(codeOf(await org.ask('GET', `${path}/successfulResults`)), [400, 'INVALIDJOBSTATE'])
})

const startQuery = (org: Org, query: string, form = {}) =>
  org.ask('POST', '/jobs/query', { operation: 'query', query, ...form })

on(
  'query-job.results',
  async (org) => {
    await org.runJob({}, 'LastName,FirstName,HasOptedOutOfEmail\n"A ""1""",,true\nB,x,false\nC,y,false\n')
    const { status, body } = await startQuery(
      org,
      'SELECT LastName, FirstName, HasOptedOutOfEmail FROM Contact ORDER BY LastName',
    )
    assert.deepEqual([status, body.state, body.object, body.operation], [200, 'UploadComplete', 'Contact', 'query'])
    const path = `/jobs/query/${body.id}`
    assert.deepEqual(codeOf(await org.ask('GET', `${path}/results`)), [400, 'INVALIDJOBSTATE'])
    await org.door('/__clock', { ms: 1000 })
    const info = (await org.ask('GET', path)).body
    assert.deepEqual([info.state, info.numberRecordsProcessed, info.jobType], ['JobComplete', 3, 'V2Query'])
    const first = await org.ask('GET', `${path}/results?maxRecords=2`)
    assert.equal(first.body, '"LastName","FirstName","HasOptedOutOfEmail"\n"A ""1""","","true"\n"B","x","false"\n')
    assert.equal(first.headers.get('sforce-numberofrecords'), '2')
    const second = await org.ask('GET', `${path}/results?maxRecords=2&locator=${first.headers.get('sforce-locator')}`)
    assert.equal(second.body, '"LastName","FirstName","HasOptedOutOfEmail"\n"C","y","false"\n')
    assert.equal(second.headers.get('sforce-locator'), 'null')
  },
  { queue_ms: 1000 },
)

on('query-job.refused', async (org) => {
  assert.deepEqual(codeOf(await startQuery(org, 'SELECT')), [400, 'MALFORMED_QUERY'])
  assert.deepEqual(codeOf(await startQuery(org, 'SELECT Nothing__c FROM Contact')), [400, 'INVALID_FIELD'])
  assert.deepEqual(codeOf(await startQuery(org, 'SELECT COUNT() FROM Contact')), [400, 'API_ERROR'])
  assert.deepEqual(codeOf(await startQuery(org, 'SELECT Id FROM Contact LIMIT 1 OFFSET 1')), [400, 'API_ERROR'])
  assert.deepEqual(codeOf(await startQuery(org, 'SELECT Id FROM Contact', { contentType: 'JSON' })), [
    400,
    'INVALIDJOB',
  ])
})

on('query-job.snapshot', async (org) => {
  await org.runJob(UPSERT, people(2))
  const { body } = await startQuery(org, 'SELECT LastName FROM Contact ORDER BY LastName')
  await org.door('/__clock', { ms: 1000 })
  await org.ask('GET', '/limits')
  await org.runJob(UPSERT, 'External_Id__c,LastName\nk0,Changed\nk9,New\n')
  const results = await org.ask('GET', `/jobs/query/${body.id}/results`)
  assert.equal(results.body, '"LastName"\n"L0"\n"L1"\n')
})

on('query-job.all', async (org) => {
  await org.runJob({}, people(2))
  const [{ Id }] = await org.records('Contact')
  await org.ask('DELETE', `/sobjects/Contact/${Id}`)
  const counts: number[] = []
  for (const operation of ['query', 'queryAll']) {
    const { body } = await startQuery(org, 'SELECT Id FROM Contact', { operation })
    await org.door('/__clock', { ms: 1000 })
    counts.push((await org.ask('GET', `/jobs/query/${body.id}`)).body.numberRecordsProcessed)
  }
  assert.deepEqual(counts, [1, 2])
})

on(
  'query-job.life',
  async (org) => {
    const start = async () => `/jobs/query/${(await startQuery(org, 'SELECT Id FROM Contact')).body.id}`
    const [waiting, done] = [await start(), await start()]
    assert.equal((await abort(org, waiting)).body.state, 'Aborted')
    await org.door('/__clock', { ms: 60_000 })
    assert.deepEqual(codeOf(await abort(org, done)), [400, 'INVALIDJOBSTATE'])
    assert.equal((await org.ask('GET', '/jobs/query')).body.records.length, 2)
    for (const path of [waiting, done]) assert.equal((await org.ask('DELETE', path)).status, 204)
    assert.equal((await org.ask('GET', done)).status, 404)
  },
  { queue_ms: 60_000 },
)

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchRefusedError, RetryableError, UnansweredError } from '../../src/core/errors.ts'
import { fatal, openHttp, statuses } from '../support/http-connection.ts'
import { httpSimulator } from '../support/http-simulator.ts'

const simulator = await httpSimulator({ max_records: 20, max_bytes: 3000 })
const base_url = `${simulator.url}/v1`
const error = { code: '/error/code', message: '/error/message' }

const rows = (count: number, name = (n: number) => `name ${n}`) =>
  Array.from({ length: count }, (_, n) => ({ id: String(n), name: name(n) }))

function batch(response: object, extra: object = {}) {
  return {
    method: 'POST',
    path: '/people/batch',
    mode: 'batch',
    batch: { max_records: 20 },
    body: { operation: 'upsert', records: { $each: { key: '$key', ref: '$row', set: '$record' } } },
    response,
    ...extra,
  }
}
const results = {
  items: '/results',
  match: { by: 'index', path: '/index' },
  ok: { path: '/error', exists: false },
  error,
}
const open = (upsert: object) => openHttp({ base_url, objects: { people: { upsert } } })
const put = (response: object) => ({ method: 'PUT', path: '/people/{id}', body: '$record', response })

test('takes each outcome out of the reply to a batch, with what was sent for the row and what came back', async () => {
  await simulator.reset()
  await using http = await open(batch({ rows: results }))
  const outcomes = await http.write(
    'upsert',
    rows(4, (n) => (n === 2 ? '!refuse this' : `name ${n}`)),
  )
  assert.deepEqual(statuses(outcomes), ['done', 'done', 'rejected invalid_value', 'done'])
  const [, , refused] = outcomes
  assert.ok(refused?.status === 'rejected')
  assert.equal(refused.message, 'name may not be that')
  assert.equal(
    refused.request,
    `POST ${base_url}/people/batch\n\n{"key":2,"ref":"2","set":{"id":2,"name":"!refuse this"}}`,
  )
  assert.match(String(refused.response), /^\{"index":2,.*"code":"invalid_value"/)
  assert.equal((await simulator.records('people')).length, 3)
})

test('takes a row that the reply does not mention for unknown, and sends it again alone', async () => {
  await using http = await open(batch({ rows: results }, { query: { omit: 3 } }))
  const outcomes = await http.write('upsert', rows(5))
  assert.deepEqual(statuses(outcomes), ['done', 'done', 'deferred not_mentioned', 'done', 'done'])
})

test('does not take silence for an answer where nothing is mentioned, or where a second time does harm', async () => {
  await using http = await open(batch({ rows: results }, { query: { omit: 1 } }))
  await assert.rejects(http.write('upsert', rows(3)), UnansweredError)
  const insert = batch({ rows: results }, { query: { omit: 3 } })
  await using inserting = await openHttp({ base_url, objects: { people: { insert } } }, { mode: 'insert-only' })
  await assert.rejects(inserting.write('insert', rows(5)), UnansweredError)
})

test('takes the word of the configuration for rows that are not mentioned: landed, or rejected', async () => {
  const onlyErrors = { items: '/errors', match: { by: 'index', path: '/index' }, ok: 'never', error }
  const query = { reply: 'errors' }
  await using http = await open(batch({ rows: onlyErrors, missing: 'ok' }, { query }))
  const names = (n: number) => (n === 1 ? '!refuse this' : `name ${n}`)
  assert.deepEqual(statuses(await http.write('upsert', rows(3, names))), ['done', 'rejected invalid_value', 'done'])
  assert.deepEqual(statuses(await http.write('upsert', rows(2))), ['done', 'done'])
  await using strict = await open(batch({ rows: results, missing: 'rejected' }, { query: { omit: 2 } }))
  assert.deepEqual(statuses(await strict.write('upsert', rows(2))), ['done', 'rejected not_mentioned'])
})

test('does not guess which row an item is about that matches none', async () => {
  const lost = { items: '/errors', match: { by: 'index', path: '/place' }, ok: 'never', error }
  await using http = await open(batch({ rows: lost, missing: 'ok' }, { query: { reply: 'errors' } }))
  await assert.rejects(
    http.write(
      'upsert',
      rows(3, () => '!refuse this'),
    ),
    UnansweredError,
  )
})

test('reads several lists of one reply, and believes the refusal where a row is in both', async () => {
  const listed = [
    { items: '/results', match: { by: 'index', path: '/index' }, ok: 'always' },
    { items: '/results', match: { by: 'index', path: '/index' }, ok: { path: '/error', exists: false }, error },
  ]
  await using http = await open(batch({ rows: listed }))
  const outcomes = await http.write(
    'upsert',
    rows(2, (n) => (n === 0 ? '!refuse this' : 'x')),
  )
  assert.deepEqual(statuses(outcomes), ['rejected invalid_value', 'done'])
})

test('defers rows with an error code that passes', async () => {
  await simulator.reset()
  await using http = await open(batch({ rows: { ...results, retryable: ['locked'] } }))
  const names = (n: number) => (n === 1 ? '!lock' : `name ${n}`)
  assert.deepEqual(statuses(await http.write('upsert', rows(2, names))), ['done', 'deferred locked'])
  assert.deepEqual(statuses(await http.write('upsert', rows(2, names))), ['done', 'done'])
})

test('bisects a batch that is refused, rejects it whole, or stops, as it is told', async () => {
  const bulk = (on_batch_reject?: string) =>
    batch(
      { all_or_nothing: true, error, ...(on_batch_reject !== undefined && { on_batch_reject }) },
      { path: '/people/bulk' },
    )
  const bad = rows(3, (n) => (n === 1 ? '!refuse this' : 'fine'))
  await using bisecting = await open(bulk())
  await assert.rejects(bisecting.write('upsert', bad), (thrown: unknown) => {
    assert.ok(thrown instanceof BatchRefusedError)
    assert.deepEqual([thrown.code, thrown.message], ['invalid_value', 'name may not be that'])
    return true
  })
  assert.deepEqual(statuses(await bisecting.write('upsert', bad.slice(1, 2))), ['rejected invalid_value'])
  await using rejecting = await open(bulk('reject_all'))
  assert.deepEqual(statuses(await rejecting.write('upsert', bad)), new Array(3).fill('rejected invalid_value'))
  await using stopping = await open(bulk('stop'))
  await assert.rejects(stopping.write('upsert', bad), fatal('request_refused', /name may not be that/))
})

test('has a batch halved that the service finds too large, and never sends one that is larger than it may be', async () => {
  await simulator.reset()
  const long = rows(10, () => 'x'.repeat(500))
  await using http = await open(batch({ rows: results }, { idempotent: false }))
  await assert.rejects(http.write('upsert', long), (thrown: unknown) => {
    return thrown instanceof BatchRefusedError && thrown.code === 'request_too_large'
  })
  await using limited = await open(batch({ rows: results }, { batch: { max_records: 20, max_bytes: '2500B' } }))
  assert.deepEqual(statuses(await limited.write('upsert', long)), new Array(10).fill('done'))
  const refused = await limited.write(
    'upsert',
    rows(1, () => 'x'.repeat(3000)),
  )
  assert.deepEqual(statuses(refused), ['rejected request_too_large'])
  const posts = (await simulator.requests()).filter(({ status }) => status === 200)
  assert.ok(posts.length >= 3, `${posts.length} requests`)
})

test('tells what the status of a single request means', async () => {
  await simulator.reset()
  const answered = async (status: number, response: object = {}) => {
    await simulator.door('faults', { rules: [{ fault: `status-${status}` }] })
    try {
      await using http = await open(put({ error, ...response }))
      return statuses(await http.write('upsert', rows(1)))[0]
    } finally {
      await simulator.door('faults', { rules: [] })
    }
  }
  assert.equal(await answered(200), 'done')
  assert.equal(await answered(400), 'rejected status_400')
  assert.equal(await answered(404), 'rejected status_404')
  assert.equal(await answered(409, { treat_as_success: [409] }), 'done')
  assert.equal(await answered(501, { permanent: [501, '4xx'] }), 'rejected status_501')
  await assert.rejects(answered(401), fatal('authentication_failed', /correct the credentials in `auth`/))
  await assert.rejects(answered(403), fatal('permission_denied', /rights/))
  await assert.rejects(answered(405), fatal('no_such_path', /path and method/))
  await assert.rejects(answered(402, { stop: [402] }), fatal('request_refused'))
  await assert.rejects(
    answered(202, { success: { status: [200] } }),
    fatal('unexpected_status', /status 202.*add it to/),
  )
  for (const status of [408, 425, 429]) {
    await assert.rejects(
      answered(status),
      (thrown) => thrown instanceof RetryableError && !(thrown instanceof UnansweredError),
    )
  }
  for (const status of [500, 502, 503, 504]) await assert.rejects(answered(status), UnansweredError)
  assert.equal(await answered(422, { retryable: [500] }), 'rejected status_422')
  await assert.rejects(answered(409, { retryable: [409] }), RetryableError)
})

test('stops where the path of a batch is not there, instead of bisecting it row by row', async () => {
  await using http = await open(batch({ rows: results }, { path: '/people/batch/none/such' }))
  await assert.rejects(http.write('upsert', rows(3)), fatal('no_such_path', /correct base_url/))
})

test('takes a delete of what is not there for done, and an update for not found, where the status says so', async () => {
  await simulator.reset()
  const people = {
    upsert: put({}),
    update: { method: 'PATCH', path: '/people/{id}', body: '$record', response: { not_found: [404] } },
    delete: { method: 'DELETE', path: '/people/{id}' },
  }
  await using http = await openHttp({ base_url, objects: { people } }, { mode: 'mirror' })
  assert.deepEqual(statuses(await http.write('update', rows(1))), ['not_found'])
  assert.deepEqual(statuses(await http.write('delete', rows(1))), ['done'])
})

test('wants the body of a success to say what it has to', async () => {
  await simulator.reset()
  const matching = (body_matches: object) => open(put({ success: { body_matches }, record_id: '/id', created: [201] }))
  await using http = await matching({ path: '/status', in: ['created', 'updated'] })
  assert.deepEqual(await http.write('upsert', rows(1)), [{ status: 'done', id: '1001', created: true }])
  assert.deepEqual(await http.write('upsert', rows(1)), [{ status: 'done', id: '1001', created: false }])
  await using other = await matching({ path: '/status', equals: 'merged' })
  assert.deepEqual(statuses(await other.write('upsert', rows(1))), ['rejected http_200'])
})

test('takes no page in HTML and no half a reply for a success', async () => {
  for (const fault of ['html-200', 'truncate', 'cut', 'empty']) {
    await simulator.door('faults', { rules: [{ fault, when: 'after' }] })
    await using http = await open(put({ record_id: '/id' }))
    await assert.rejects(http.write('upsert', rows(1)), UnansweredError, fault)
  }
  await simulator.door('faults', { rules: [{ fault: 'html-200' }] })
  await using careless = await open(put({ body: 'ignore' }))
  assert.deepEqual(statuses(await careless.write('upsert', rows(1))), ['done'])
  await simulator.door('faults', { rules: [] })
})

test('keeps ids of 19 digits as they are', async () => {
  const { readJson, atPointer } = await import('../../src/connectors/http-json.ts')
  const read = readJson('{"a~b":[{"id":9223372036854775807,"n":12,"s":"1234567890123456 \\"x"}]}')
  assert.equal(atPointer(read?.value, '/a~0b/0/id'), '9223372036854775807')
  assert.deepEqual(atPointer(read?.value, '/a~0b/0/n'), 12)
  assert.equal(atPointer(read?.value, '/a~0b/0/s'), '1234567890123456 "x')
  assert.equal(readJson('{"id":9223372036854775807'), undefined)
  assert.equal(readJson('{"id":12345678901234567-1}'), undefined)
})

test('sends many single deletes for one batch, and loses no answer when one of them fails', async () => {
  await simulator.reset()
  const people = { upsert: batch({ rows: results }), delete: { method: 'DELETE', path: '/people/{id}' } }
  await using http = await openHttp({ base_url, objects: { people } }, { mode: 'mirror' })
  await http.write('upsert', rows(5))
  await simulator.door('faults', { rules: [{ fault: 'status-503', match: { method: 'DELETE' }, skip: 2, times: 1 }] })
  const outcomes = await http.write('delete', rows(5))
  assert.deepEqual(statuses(outcomes), ['done', 'done', ...new Array(3).fill('deferred not_sent')])
  assert.equal((await simulator.records('people')).length, 3)
})

test('asks to wait for as long as the service does, in whichever header and form', async () => {
  const { askedToWaitMs } = await import('../../src/connectors/http-retry-after.ts')
  const now = Date.UTC(2024, 1, 29, 12)
  const names = ['Retry-After', 'X-RateLimit-Reset']
  const wait = (headers: Record<string, string>) => askedToWaitMs(headers, names, now)
  assert.equal(wait({ 'retry-after': '7' }), 7000)
  assert.equal(wait({ 'retry-after': 'Thu, 29 Feb 2024 12:00:30 GMT' }), 30_000)
  assert.equal(wait({ 'retry-after': 'soon', 'x-ratelimit-reset': String(now / 1000 + 12) }), 12_000)
  assert.equal(wait({ 'x-ratelimit-reset': String(now + 1500) }), 1500)
  assert.equal(wait({ 'retry-after': 'Thu, 29 Feb 2024 11:00:00 GMT' }), 0)
  assert.equal(wait({ 'x-other': '7' }), undefined)
})

test('tells the gate and the engine how long a limit holds', async () => {
  for (const retry_after of ['seconds', 'date', 'epoch'] as const) {
    const limited = await httpSimulator({ limits: [{ requests: 1, ms: 5000 }], retry_after })
    await using http = await openHttp({ base_url: `${limited.url}/v1`, objects: { people: { upsert: put({}) } } })
    await http.write('upsert', rows(1))
    await assert.rejects(http.write('upsert', rows(1)), (thrown: unknown) => {
      assert.ok(thrown instanceof RetryableError)
      const wait = thrown.retryAfterMs ?? 0
      assert.ok(wait > 2000 && wait <= 6000, `${retry_after}: ${wait} ms`)
      return true
    })
    assert.equal(http.context.requests, 2)
    const blocked = http.context.seen.at(-1)?.blockedMs ?? 0
    assert.ok(blocked > 2000 && blocked <= 6000, `${blocked} ms`)
  }
})

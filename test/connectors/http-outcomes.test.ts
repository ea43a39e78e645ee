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
  assert.deepEqual(statuses(outcomes), ['done', 'done', 'unknown not_mentioned', 'done', 'done'])
})

test('does not take silence for an answer, and keeps the answers that there are where a second time does harm', async () => {
  await using http = await open(batch({ rows: results }, { query: { omit: 1 } }))
  await assert.rejects(http.write('upsert', rows(3)), UnansweredError)
  const insert = batch({ rows: results }, { query: { omit: 3 } })
  await using inserting = await openHttp({ base_url, objects: { people: { insert } } }, { mode: 'insert-only' })
  const outcomes = await inserting.write('insert', rows(5))
  assert.deepEqual(statuses(outcomes), ['done', 'done', 'unknown not_mentioned', 'done', 'done'])
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

test('goes by the place in a list only where the list is as long as the batch', async () => {
  await simulator.reset()
  const byPlace = { ...results, match: { by: 'index' } }
  await using http = await open(batch({ rows: byPlace }))
  assert.deepEqual(statuses(await http.write('upsert', rows(3))), ['done', 'done', 'done'])
  // The second result is left out, so that the third has its place.
  await using shorter = await open(batch({ rows: byPlace }, { query: { omit: 2 } }))
  await assert.rejects(shorter.write('upsert', rows(3)), UnansweredError)
})

test('does not guess which of two rows an item is about that could be about both', async () => {
  await simulator.reset()
  const byKey = { ...results, match: { by: 'key', path: '/key', ignore_case: true } }
  const fields = { id: 'text', name: 'text' } as const
  await using http = await openHttp({ base_url, objects: { people: { upsert: batch({ rows: byKey }) } } }, { fields })
  const people = ['A', 'a', 'b'].map((id) => ({ id, name: id === 'a' ? '!refuse' : 'fine' }))
  assert.deepEqual(statuses(await http.write('upsert', people)), [
    'unknown not_mentioned',
    'unknown not_mentioned',
    'done',
  ])
})

test('asks for one row after the other where a batch is answered with a status for one of them', async () => {
  const operation = (response: object) => batch({ all_or_nothing: true, ...response })
  const people = {
    insert: operation({ exists: [409] }),
    upsert: operation({}),
    update: operation({ not_found: [404] }),
    delete: { ...operation({ not_found: [404] }), body: { records: { $each: { key: '$key' } } } },
  }
  await using http = await openHttp({ base_url, objects: { people } }, { mode: 'mirror' })
  const cases = [
    ['insert', 409, 'exists', 'exists'],
    ['update', 404, 'not_found', 'not_found'],
    ['delete', 404, 'not_found', 'done'],
  ] as const
  for (const [name, status, code, alone] of cases) {
    await simulator.door('faults', { rules: [{ fault: `status-${status}` }] })
    await assert.rejects(
      http.write(name, rows(3)),
      (thrown: unknown) => thrown instanceof BatchRefusedError && thrown.code === code,
      name,
    )
    assert.deepEqual(statuses(await http.write(name, rows(1))), [alone])
  }
  await simulator.door('faults', { rules: [] })
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

test('sends what is not to be sent twice in one request, or not at all', async () => {
  await simulator.reset()
  const insert = batch({ rows: results }, { batch: { max_records: 20, max_bytes: '2500B' } })
  await using http = await openHttp({ base_url, objects: { people: { insert } } }, { mode: 'insert-only' })
  const long = rows(10, () => 'x'.repeat(500))
  await assert.rejects(http.write('insert', long), (thrown: unknown) => {
    return thrown instanceof BatchRefusedError && thrown.code === 'request_too_large'
  })
  assert.deepEqual(await simulator.requests(), [])
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
  // A limit is nobody's fault, whatever else may be tried again.
  await assert.rejects(answered(429, { retryable: [409] }), RetryableError)
  assert.equal(await answered(429, { permanent: [429] }), 'rejected status_429')
  assert.equal(await answered(404, { not_found: [404] }), 'rejected status_404')
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
  const texts = ['x'.repeat(9_000_000), '"\\'.repeat(1_000_000), '\\', '\\"', '1234567890123456789']
  for (const text of texts) {
    const { value } = readJson(`{"a":${JSON.stringify(text)},"id":-9223372036854775807,"b":""}`) ?? {}
    assert.deepEqual([atPointer(value, '/id'), atPointer(value, '/a') === text], ['-9223372036854775807', true])
  }
  assert.equal(readJson('{"id":9223372036854775807'), undefined)
  assert.equal(readJson('{"id":12345678901234567-1}'), undefined)
})

test('shows the first words of a refusal, however much of it there is', async () => {
  const { verdictOf } = await import('../../src/connectors/http-verdict.ts')
  const { READ } = await import('../../src/connectors/http-lookup.ts')
  const said = (text: string) => {
    const reply = { status: 422, headers: {}, text, what: 'PUT https://x.test/' }
    const verdict = verdictOf(reply, { name: 'update', operation: READ, retryAfter: [], now: 0 })
    return 'message' in verdict ? verdict.message : verdict.kind
  }
  assert.equal(said('<p>no such <b>thing</b></p>'), 'no such thing')
  assert.equal(said('{"why":\n "not"}'), '{"why": "not"}')
  assert.equal(said(''), 'status 422')
  for (const part of ['<', '<script>', 'x', '{"a":']) assert.ok(said(part.repeat(1_000_000)).length <= 1001, part)
})

test('sends many single deletes for one batch, and loses no answer when one of them fails', async () => {
  await simulator.reset()
  const people = { upsert: batch({ rows: results }), delete: { method: 'DELETE', path: '/people/{id}' } }
  await using http = await openHttp({ base_url, objects: { people } }, { mode: 'mirror' })
  await http.write('upsert', rows(5))
  await simulator.door('faults', { rules: [{ fault: 'status-503', match: { method: 'DELETE' }, skip: 2, times: 1 }] })
  const outcomes = await http.write('delete', rows(5))
  assert.deepEqual(statuses(outcomes), ['done', 'done', 'unknown not_sent', 'deferred not_sent', 'deferred not_sent'])
  assert.equal((await simulator.records('people')).length, 3)
})

test('asks to wait for as long as the service does, in whichever header and form', async () => {
  const { askedToWaitMs } = await import('../../src/connectors/http-retry-after.ts')
  const now = Date.UTC(2024, 1, 29, 12)
  const names = ['Retry-After', 'X-RateLimit-Reset']
  const wait = (headers: Record<string, string>, status = 429) => askedToWaitMs({ status, headers }, names, now)
  assert.equal(wait({ 'retry-after': '7' }), 7000)
  assert.equal(wait({ 'retry-after': 'Thu, 29 Feb 2024 12:00:30 GMT' }), 30_000)
  assert.equal(wait({ 'retry-after': 'soon', 'x-ratelimit-reset': String(now / 1000 + 12) }), 12_000)
  assert.equal(wait({ 'x-ratelimit-reset': String(now + 1500) }), 1500)
  assert.equal(wait({ 'retry-after': 'Thu, 29 Feb 2024 11:00:00 GMT' }), 0)
  assert.equal(wait({ 'x-other': '7' }), undefined)
  // When a limit begins anew says nothing of a server that failed.
  assert.equal(wait({ 'x-ratelimit-reset': String(now / 1000 + 3000) }, 503), undefined)
  assert.equal(wait({ 'x-ratelimit-reset': '3000', 'retry-after': '7' }, 503), 7000)
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

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { HTTP_REST_BEHAVIOURS } from '../../src/simulators/http-rest-behaviours.ts'
import { behaviourTests, type SimulatorAtHand, withSimulator } from './simulator-behaviour.ts'

const on = behaviourTests(HTTP_REST_BEHAVIOURS)
const withHttp = (
  work: (simulator: SimulatorAtHand) => Promise<void>,
  options: Parameters<typeof withSimulator<'http'>>[1] = {},
) => withSimulator('http', options, work)

const ANN = { id: 1, name: 'Ann' }
/** Id, key and fields of every record. */
const kept = async ({ door }: SimulatorAtHand, object = 'people') =>
  (await door(`/__records/${object}`)).map(({ id, key, fields }: Record<string, unknown>) => [id, key, fields])

on('rest.insert', () =>
  withHttp(async (http) => {
    const made = await http.ask('POST', '/v1/people', ANN)
    assert.deepEqual([made.status, made.body], [201, { status: 'created', id: '1001' }])
    const again = await http.ask('POST', '/v1/people', { ...ANN, name: 'Other' })
    assert.deepEqual([again.status, again.body.error.code], [409, 'exists'])
    assert.deepEqual(await kept(http), [['1001', '1', { id: '1', name: '"Ann"' }]])
    const { writes } = await http.door('/__journal')
    assert.deepEqual(
      writes.map(({ object, id, change, request }: Record<string, unknown>) => [object, id, change, request]),
      [['people', '1001', 'created', 1]],
    )
  }),
)

on('rest.upsert', () =>
  withHttp(async (http) => {
    assert.equal((await http.ask('PUT', '/v1/people/1', ANN)).status, 201)
    assert.equal((await http.ask('PUT', '/v1/people/1', { plan: 'pro' })).status, 200)
    assert.equal((await http.ask('PUT', '/v1/people/1', { plan: 'pro' })).status, 200)
    assert.deepEqual(await kept(http), [['1001', '1', { id: '1', name: '"Ann"', plan: '"pro"' }]])
  }),
)

on('rest.update', () =>
  withHttp(async (http) => {
    assert.equal((await http.ask('PATCH', '/v1/people/1', ANN)).status, 404)
    await http.ask('PUT', '/v1/people/1', ANN)
    assert.equal((await http.ask('PATCH', '/v1/people/1', { name: null })).status, 200)
    assert.deepEqual(await kept(http), [['1001', '1', { id: '1', name: 'null' }]])
  }),
)

on('rest.delete', () =>
  withHttp(async (http) => {
    await http.ask('PUT', '/v1/people/a%2Fb', ANN)
    assert.equal((await http.ask('DELETE', '/v1/people/a%2Fb')).status, 200)
    assert.equal((await http.ask('DELETE', '/v1/people/a%2Fb')).status, 404)
    assert.deepEqual(await kept(http), [])
  }),
)

on('rest.by-id', () =>
  withHttp(async (http) => {
    await http.ask('PUT', '/v1/people/1', ANN)
    assert.equal((await http.ask('PATCH', '/v1/people/ids/1001', { id: 2 })).status, 200)
    assert.deepEqual(await kept(http), [['1001', '2', { id: '2', name: '"Ann"' }]])
    assert.equal((await http.ask('PATCH', '/v1/people/ids/1', {})).status, 404)
    await http.ask('PUT', '/v1/people/3', { id: 3 })
    assert.equal((await http.ask('PATCH', '/v1/people/ids/1001', { id: 3 })).status, 409)
    assert.equal((await kept(http)).length, 2)
    assert.equal((await http.ask('DELETE', '/v1/people/ids/1001')).status, 200)
    assert.deepEqual(await kept(http), [['1002', '3', { id: '3' }]])
  }),
)

on('rest.append', () =>
  withHttp(async (http) => {
    for (let n = 0; n < 2; n++) assert.equal((await http.ask('POST', '/v1/events/append', ANN)).status, 201)
    assert.equal((await kept(http, 'events')).length, 2)
  }),
)

on('rest.search', () =>
  withHttp(
    async (http) => {
      await http.ask('PUT', '/v1/people/ann', { id: 'ann' })
      await http.ask('PUT', '/v1/people/anna', { id: 'anna' })
      const found = async () => (await http.ask('GET', '/v1/people/search?id=ann')).body.found.length
      assert.equal(await found(), 0)
      await http.door('/__clock', { ms: 5000 })
      assert.equal(await found(), 2)
    },
    { search_lag_ms: 5000 },
  ),
)

on('rest.values', () =>
  withHttp(async (http) => {
    const text = '{"id":9007199254740993,"d":1.10,"e":1e5,"n":null,"t":true,"j":{"a":[1.0,"}"]},"s":"x\\"\\u00e9"}'
    await http.ask('POST', '/v1/people', text)
    const [[, key, fields]] = await kept(http)
    assert.equal(key, '9007199254740993')
    assert.deepEqual(fields, {
      id: '9007199254740993',
      d: '1.10',
      e: '1e5',
      n: 'null',
      t: 'true',
      j: '{"a":[1.0,"}"]}',
      s: '"x\\"\\u00e9"',
    })
  }),
)

on('rest.refused', () =>
  withHttp(async (http) => {
    const reply = await http.ask('PUT', '/v1/people/1', { name: '!refuse me' })
    assert.deepEqual(
      [reply.status, reply.body.error],
      [422, { code: 'invalid_value', message: 'name may not be that' }],
    )
    assert.deepEqual(await kept(http), [])
  }),
)

on('rest.locked', () =>
  withHttp(async (http) => {
    const send = async () => (await http.ask('PUT', '/v1/people/1', { name: '!lock' })).status
    assert.deepEqual([await send(), await send()], [423, 201])
  }),
)

on('rest.keys', () =>
  withHttp(
    async (http) => {
      await http.ask('POST', '/v1/pairs', { tenant: 'a', id: 1 })
      assert.equal((await http.ask('POST', '/v1/pairs', { tenant: 'a' })).body.error.code, 'missing_key')
      assert.deepEqual(await kept(http, 'pairs'), [['1001', '["a","1"]', { tenant: '"a"', id: '1' }]])
    },
    { keys: { pairs: ['tenant', 'id'] } },
  ),
)

async function five(http: SimulatorAtHand): Promise<void> {
  for (let id = 1; id <= 5; id++) await http.ask('PUT', `/v1/people/${id}`, { id })
}
const idsOf = ({ body }: { body: { items: { id: number }[] } }) => body.items.map(({ id }) => id)

on('page.ways', () =>
  withHttp(async (http) => {
    await five(http)
    const first = await http.ask('GET', '/v1/people?limit=2')
    assert.deepEqual([idsOf(first), first.body.next, first.body.total], [[1, 2], 'c2', 5])
    assert.deepEqual(idsOf(await http.ask('GET', '/v1/people?limit=2&after=c2')), [3, 4])
    assert.deepEqual(idsOf(await http.ask('GET', first.body.next_url)), [3, 4])
    assert.deepEqual(idsOf(await http.ask('GET', '/v1/people?limit=2&page=3')), [5])
    assert.deepEqual(idsOf(await http.ask('GET', '/v1/people?limit=2&page=4')), [])
    const last = await http.ask('GET', '/v1/people?limit=2&offset=4')
    assert.deepEqual([idsOf(last), last.body.next], [[5], null])
  }),
)

on('page.link', () =>
  withHttp(async (http) => {
    await five(http)
    const { headers } = await http.ask('GET', '/v1/people?limit=4')
    assert.equal(headers.get('link'), '</v1/people?limit=4&after=c4>; rel="next"')
    assert.equal((await http.ask('GET', '/v1/people?limit=5')).headers.get('link'), null)
  }),
)

const batch = (operation: string, records: unknown[]) => ({ operation, records })

on('batch.results', () =>
  withHttp(async (http) => {
    const good = await http.ask(
      'POST',
      '/v1/people/batch',
      batch('upsert', [
        { key: 1, set: ANN },
        { key: 2, set: {} },
      ]),
    )
    assert.deepEqual(
      [good.status, good.body.results.map(({ status }: { status: string }) => status)],
      [200, ['created', 'created']],
    )
    const records = [{ key: 1, set: {} }, { key: 2, set: { x: '!refuse' } }, { key: 3 }]
    const mixed = await http.ask('POST', '/v1/people/batch', batch('update', records))
    assert.deepEqual(
      [mixed.status, mixed.body.results.map(({ status }: { status: string }) => status)],
      [207, ['updated', 'invalid', 'not_found']],
    )
    const inserted = await http.ask('POST', '/v1/people/batch', batch('insert', [{ key: 1 }]))
    assert.deepEqual([inserted.status, inserted.body.results[0].error.code], [207, 'exists'])
    const deleted = await http.ask('POST', '/v1/people/batch', batch('delete', [{ key: 1 }, { key: 9 }]))
    assert.deepEqual(
      deleted.body.results.map(({ status }: { status: string }) => status),
      ['deleted', 'not_found'],
    )
  }),
)

on('batch.ref', () =>
  withHttp(async (http) => {
    const { body } = await http.ask('POST', '/v1/people/batch', batch('upsert', [{ ref: 'r7', key: 1, set: {} }]))
    assert.deepEqual(body.results, [{ index: 0, ref: 'r7', key: '1', status: 'created', id: '1001' }])
  }),
)

on('batch.errors', () =>
  withHttp(async (http) => {
    const send = (x: string) =>
      http.ask('POST', '/v1/people/batch?reply=errors', batch('upsert', [{ key: 1, set: { x } }]))
    assert.deepEqual((await send('fine')).body, {})
    const { status, body } = await send('!refuse')
    assert.deepEqual([status, body.errors[0].index, body.errors[0].error.code], [207, 0, 'invalid_value'])
  }),
)

on('batch.omit', () =>
  withHttp(async (http) => {
    const records = [1, 2, 3].map((key) => ({ key, set: {} }))
    const { body } = await http.ask('POST', '/v1/people/batch?omit=2', batch('upsert', records))
    assert.deepEqual(
      body.results.map(({ index }: { index: number }) => index),
      [0, 2],
    )
    assert.equal((await kept(http)).length, 3)
  }),
)

on('batch.shuffle', () =>
  withHttp(
    async (http) => {
      const records = Array.from({ length: 20 }, (_, key) => ({ key: key + 1, set: {} }))
      const { body } = await http.ask('POST', '/v1/people/batch', batch('upsert', records))
      const order = body.results.map(({ index }: { index: number }) => index)
      assert.notDeepEqual(
        order,
        order.toSorted((a: number, b: number) => a - b),
      )
      assert.equal(new Set(order).size, 20)
    },
    { shuffle: true },
  ),
)

on('batch.set-on-insert', () =>
  withHttp(async (http) => {
    const send = (first: string) =>
      http.ask('POST', '/v1/people/batch', batch('upsert', [{ key: 1, set: { id: 1 }, set_on_insert: { first } }]))
    await send('yes')
    await send('no')
    assert.deepEqual(await kept(http), [['1001', '1', { id: '1', first: '"yes"' }]])
  }),
)

on('batch.bulk', () =>
  withHttp(async (http) => {
    const bad = [
      { key: 1, set: {} },
      { key: 2, set: { x: '!refuse' } },
    ]
    const refused = await http.ask('POST', '/v1/people/bulk', batch('upsert', bad))
    assert.deepEqual([refused.status, refused.body.ok, refused.body.error.code], [422, false, 'invalid_value'])
    assert.deepEqual(await kept(http), [])
    const taken = await http.ask('POST', '/v1/people/bulk', batch('upsert', bad.slice(0, 1)))
    assert.deepEqual([taken.status, taken.body], [200, { ok: true }])
  }),
)

on('batch.limits', () =>
  withHttp(
    async (http) => {
      const send = (records: unknown[]) => http.ask('POST', '/v1/people/batch', batch('upsert', records))
      assert.equal((await send([{ key: 1 }, { key: 2 }])).status, 200)
      assert.equal((await send([{ key: 1 }, { key: 2 }, { key: 3 }])).status, 400)
      assert.equal((await send([{ key: 1, set: { x: 'x'.repeat(200) } }])).status, 413)
      assert.equal((await http.ask('POST', '/v1/people/batch', {})).status, 400)
    },
    { max_records: 2, max_bytes: 200 },
  ),
)

on('batch.lines', () =>
  withHttp(async (http) => {
    const csv = 'id,name,plan\r\n1,"a,""b""\nc",\r\n2,"",x\r\n'
    const { status } = await http.ask('POST', '/v1/people/lines', csv, { 'content-type': 'text/csv; charset=utf-8' })
    assert.equal(status, 200)
    assert.deepEqual(await kept(http), [
      ['1001', '1', { id: '"1"', name: '"a,\\"b\\"\\nc"', plan: 'null' }],
      ['1002', '2', { id: '"2"', name: '""', plan: '"x"' }],
    ])
    const lines = '{"id":1,"plan":"y"}\n{"id":3}\n'
    await http.ask('POST', '/v1/people/lines', lines, { 'content-type': 'application/x-ndjson' })
    assert.equal((await kept(http)).length, 3)
    assert.equal((await http.ask('POST', '/v1/people/lines', 'no JSON\n')).status, 400)
  }),
)

on('batch.form', () =>
  withHttp(async (http) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const { body } = await http.ask('POST', '/v1/people/form', 'id=1&name=a%26b', headers)
    assert.equal(body.ok, true)
    assert.deepEqual(await kept(http), [['1001', '1', { id: '"1"', name: '"a&b"' }]])
  }),
)

const me = async (http: SimulatorAtHand, headers: Record<string, string>, query = '') =>
  (await http.ask('GET', `/me${query}`, undefined, headers)).status

on('auth.bearer', () =>
  withHttp(
    async (http) => {
      assert.equal(await me(http, { authorization: 'Bearer abcd' }), 200)
      assert.equal(await me(http, { authorization: 'Bearer abce' }), 401)
    },
    { auth: { type: 'bearer', token: 'abcd' } },
  ),
)

on('auth.basic', () =>
  withHttp(
    async (http) => {
      const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })
      assert.equal(await me(http, basic('zoë:p:w')), 200)
      assert.equal(await me(http, basic('zoë:')), 401)
    },
    { auth: { type: 'basic', username: 'zoë', password: 'p:w' } },
  ),
)

on('auth.api-key', async () => {
  await withHttp(
    async (http) => {
      assert.equal(await me(http, { 'x-mine': 'abcd' }), 200)
      assert.equal(await me(http, {}), 401)
    },
    { auth: { type: 'api_key', token: 'abcd', header: 'X-Mine' } },
  )
  await withHttp(
    async (http) => {
      assert.equal(await me(http, {}, '?key=abcd'), 200)
      assert.equal(await me(http, {}, '?key=x'), 401)
    },
    { auth: { type: 'api_key', token: 'abcd', query: 'key' } },
  )
})

on('auth.oauth', () =>
  withHttp(
    async (http) => {
      const token = (form: Record<string, string>) =>
        http.ask(
          'POST',
          '/oauth/token',
          String(new URLSearchParams({ client_id: 'me', client_secret: 'shh', ...form })),
        )
      const { body } = await token({ grant_type: 'client_credentials' })
      assert.equal(await me(http, { authorization: `Bearer ${body.access_token}` }), 200)
      await http.door('/__clock', { ms: 3_600_000 })
      assert.equal(await me(http, { authorization: `Bearer ${body.access_token}` }), 401)
      const refreshed = await token({ grant_type: 'refresh_token', refresh_token: 'first' })
      assert.equal(refreshed.status, 200)
      assert.equal((await token({ grant_type: 'refresh_token', refresh_token: 'first' })).body.error, 'invalid_grant')
      const rotated = refreshed.body.refresh_token
      assert.equal((await token({ grant_type: 'refresh_token', refresh_token: rotated })).status, 200)
      assert.equal((await token({ grant_type: 'password' })).body.error, 'unsupported_grant_type')
      assert.equal((await token({ grant_type: 'client_credentials', client_secret: 'x' })).status, 401)
    },
    { auth: { type: 'oauth', client_id: 'me', client_secret: 'shh', refresh_token: 'first' } },
  ),
)

on('auth.oauth-client', async () => {
  const client = { client_id: 'me', client_secret: 'a b:ü+' }
  const status = async (client_auth: 'body' | 'basic' | undefined, form: object, header?: string) => {
    let answered = 0
    const auth = { type: 'oauth', ...client, ...(client_auth && { client_auth }) } as const
    await withHttp(
      async (http) => {
        const body = new URLSearchParams({ grant_type: 'client_credentials', ...form })
        const authorization = header && { authorization: `Basic ${Buffer.from(header).toString('base64')}` }
        const reply = await fetch(`${http.url}/oauth/token`, {
          method: 'POST',
          body,
          ...(authorization && { headers: authorization }),
        })
        answered = reply.status
      },
      { auth },
    )
    return answered
  }
  const header = 'me:a+b%3A%C3%BC%2B'
  assert.equal(await status(undefined, client), 200)
  assert.equal(await status(undefined, {}, header), 200)
  assert.equal(await status('body', client), 200)
  assert.equal(await status('basic', {}, header), 200)
  assert.equal(await status('body', {}, header), 401)
  assert.equal(await status('basic', client), 401)
  assert.equal(await status(undefined, client, header), 401)
  assert.equal(await status(undefined, {}, 'me:a b'), 401)
})

on('auth.hmac', () =>
  withHttp(
    async (http) => {
      const send = async (ms: number, body: string, signed = body, url = '/v1/people/1') => {
        const time = String(Math.floor((Date.now() + ms) / 1000))
        const sign = createHmac('sha256', 'shh').update(`${time}\nPUT\n${url}\n${signed}`).digest('hex')
        return (await http.ask('PUT', url, body, { 'x-timestamp': time, 'x-signature': sign })).status
      }
      assert.equal(await send(0, '{"id":1}'), 201)
      assert.equal(await send(0, '{"id":2}', '{"id":1}'), 401)
      assert.equal(await send(0, '{}', '{}', '/v1/people/1?mail=a%2Bb%40x%2Etest&q=a%20b'), 200)
      assert.equal(await send(-600_000, '{"id":1}'), 401)
      assert.equal((await http.ask('PUT', '/v1/people/1', '{}')).status, 401)
    },
    { auth: { type: 'hmac', secret: 'shh' } },
  ),
)

on('idempotency.replay', () =>
  withHttp(async (http) => {
    const send = (key: string) => http.ask('POST', '/v1/events/append', ANN, { 'idempotency-key': key })
    const first = await send('k1')
    const again = await send('k1')
    assert.deepEqual([again.status, again.body, again.headers.get('idempotent-replay')], [201, first.body, 'true'])
    await send('k2')
    assert.equal((await kept(http, 'events')).length, 2)
    await http.door('/__clock', { ms: 24 * 3_600_000 + 1 })
    await send('k1')
    assert.equal((await kept(http, 'events')).length, 3)
  }),
)

on('idempotency.mismatch', () =>
  withHttp(async (http) => {
    const headers = { 'idempotency-key': 'k1' }
    await http.ask('POST', '/v1/events/append', ANN, headers)
    const { status, body } = await http.ask('POST', '/v1/events/append', { id: 2 }, headers)
    assert.deepEqual([status, body.error.code], [422, 'idempotency_mismatch'])
  }),
)

on('limit.windows', () =>
  withHttp(
    async (http) => {
      const statuses = [await me(http, {}), await me(http, {}), await me(http, {})]
      assert.deepEqual(statuses, [200, 200, 429])
      assert.equal((await http.door('/__violations')).length, 1)
      await http.door('/__clock', { ms: 10_000 })
      assert.equal(await me(http, {}), 200)
    },
    {
      limits: [
        { requests: 100, ms: 60_000 },
        { requests: 2, ms: 10_000 },
      ],
    },
  ),
)

on('limit.retry-after', async () => {
  const said = async (retry_after: 'seconds' | 'date' | 'epoch' | 'none') => {
    let headers = new Headers()
    await withHttp(
      async (http) => {
        await me(http, {})
        headers = (await http.ask('GET', '/me')).headers
      },
      { limits: [{ requests: 1, ms: 10_000 }], retry_after },
    )
    return headers
  }
  assert.equal((await said('seconds')).get('retry-after'), '10')
  assert.ok(Date.parse((await said('date')).get('retry-after') ?? '') > Date.now())
  assert.ok(Number((await said('epoch')).get('x-ratelimit-reset')) * 1000 > Date.now())
  const none = await said('none')
  assert.deepEqual([none.get('retry-after'), none.get('x-ratelimit-reset')], [null, null])
})

on('odd.redirect', () =>
  withHttp(async ({ url }) => {
    const reply = await fetch(`${url}/redirect?status=308&to=http://example.test/x`, {
      redirect: 'manual',
      method: 'PUT',
    })
    assert.deepEqual([reply.status, reply.headers.get('location')], [308, 'http://example.test/x'])
  }),
)

on('odd.big', () =>
  withHttp(async ({ url }) => {
    assert.equal((await (await fetch(`${url}/big?bytes=100000`)).text()).length, 100_008)
  }),
)

on('fail.path', () =>
  withHttp(async (http) => {
    assert.equal((await http.ask('GET', '/v2/nothing')).status, 404)
    assert.equal((await http.ask('PUT', '/me', {})).status, 405)
  }),
)

on('fail.body', () =>
  withHttp(async (http) => {
    for (const text of ['[1]', 'no JSON', '']) assert.equal((await http.ask('POST', '/v1/people', text)).status, 400)
  }),
)

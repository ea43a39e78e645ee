import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { test } from 'node:test'
import { simulatorLimits, type Violation } from '../../src/simulators/simulator-limits.ts'
import type { SimulatorOptions } from '../../src/simulators/simulator-options.ts'
import { jsonBody } from '../../src/simulators/simulator-request.ts'
import { type RunningSimulator, serveSimulator } from '../../src/simulators/simulator-server.ts'
import type { DefineSimulator } from '../../src/simulators/simulator-world.ts'

/** A shop: `PUT /things/:id` keeps a thing, `GET` gives it, three requests in ten seconds, and a fault of its own. */
const shop =
  (requests = 1000): DefineSimulator =>
  ({ clock, journal, limits }) => {
    const things = new Map<string, unknown>()
    const limit = limits([
      { name: 'burst', kind: 'rolling', requests, ms: 10_000 },
      { name: 'day', kind: 'daily', requests: requests * 10, utcOffsetMinutes: 0 },
    ])
    return {
      routes: [
        {
          method: 'PUT',
          path: '/things/:id',
          handle(request) {
            const id = request.params['id'] as string
            const change = things.has(id) ? 'updated' : 'created'
            things.set(id, jsonBody(request))
            journal.write({ request: request.n, time: clock.now(), object: 'things', id, change })
            return { status: 200, body: { id, change } }
          },
        },
        {
          method: 'GET',
          path: '/things/:id',
          handle: ({ params }) => ({ status: 200, body: things.get(params['id'] as string) ?? null }),
        },
      ],
      admit: ({ n, time }) =>
        limit.arrive(n, time) === undefined ? undefined : { status: 429, body: { slow: 'down' } },
      finish: (_, reply) => ({ ...reply, headers: { ...reply.headers, 'x-shop': 'yes' } }),
      errorReply: (status) => ({ status, body: { error: status } }),
      faults: { closed: (_, reply) => ({ status: 200, body: { closed: true, done: reply !== undefined } }) },
      records: (object) => (object === 'things' ? [...things].map(([id, thing]) => ({ id, thing })) : undefined),
    }
  }

async function withShop(
  work: (simulator: RunningSimulator) => Promise<void>,
  options: SimulatorOptions = {},
  define = shop(),
): Promise<void> {
  const simulator = await serveSimulator(define, options)
  try {
    await work(simulator)
  } finally {
    await simulator.close()
  }
}

const put = (url: string, id = 'a', body: unknown = { n: 1 }) =>
  fetch(`${url}/things/${id}`, { method: 'PUT', body: JSON.stringify(body) })

// biome-ignore lint/suspicious/noExplicitAny: what a server answers can have any shape.
const json = async (url: string, path: string, body?: unknown): Promise<any> =>
  (await fetch(url + path, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) })).json()

const plan = (url: string, ...rules: unknown[]) => json(url, '/__faults', { rules })

test('a route answers, and what it changed is seen through the side door', () =>
  withShop(async ({ url }) => {
    const reply = await put(url, 'b%2Fc')
    assert.deepEqual([reply.status, reply.headers.get('x-shop')], [200, 'yes'])
    assert.deepEqual(await reply.json(), { id: 'b/c', change: 'created' })
    assert.deepEqual(await json(url, '/things/b%2Fc?x=1'), { n: 1 })
    assert.deepEqual(await json(url, '/__records/things'), [{ id: 'b/c', thing: { n: 1 } }])
    assert.equal((await fetch(`${url}/__records/cows`)).status, 404)
    const { writes, requests, last } = await json(url, '/__journal')
    assert.deepEqual(
      requests.map(({ n, method, path, status }: Record<string, unknown>) => [n, method, path, status]),
      [
        [1, 'PUT', '/things/b%2Fc', 200],
        [3, 'GET', '/things/b%2Fc?x=1', 200],
      ],
    )
    assert.deepEqual(
      writes.map(({ n, request, id }: Record<string, unknown>) => [n, request, id]),
      [[2, 1, 'b/c']],
    )
    assert.deepEqual([last, (await json(url, '/__journal?after=2')).requests.length], [3, 1])
    assert.deepEqual(await json(url, '/__journal?after=3'), { writes: [], requests: [], last: 3, dropped: 0 })
  }))

test('unknown paths, other methods and long bodies get the error of the simulator', () =>
  withShop(async ({ url }) => {
    assert.deepEqual(await json(url, '/cows'), { error: 404 })
    assert.deepEqual(await json(url, '/things/a', {}), { error: 405 })
    const long = await fetch(`${url}/things/a`, { method: 'PUT', body: Buffer.alloc(11 << 20) })
    assert.equal(long.status, 413)
    assert.equal((await fetch(`${url}/__nothing`)).status, 404)
  }))

test('the journal keeps the newest entries, and says how many it forgot', () =>
  withShop(
    async ({ url }) => {
      for (let count = 0; count < 6; count++) await put(url, `${count}`)
      const { writes, requests, dropped, last } = await json(url, '/__journal')
      assert.deepEqual([writes.length + requests.length, dropped, last], [8, 4, 12])
      assert.equal((await json(url, '/__journal?after=3&limit=2')).last, 6)
      assert.deepEqual((await json(url, '/__counts')).routes, { 'PUT /things/:id': 6 })
    },
    { journal: 4 },
  ))

test('a rolling limit counts arrivals, and a refused request is a violation that is not counted', () =>
  withShop(
    async ({ url }) => {
      const statuses = async (count: number) => {
        const replies = await Promise.all(Array.from({ length: count }, () => put(url)))
        return replies.map(({ status }) => status).sort()
      }
      assert.deepEqual(await statuses(5), [200, 200, 200, 429, 429])
      const violations = await json(url, '/__violations')
      assert.deepEqual(
        violations.map(({ window, limit, count }: Record<string, unknown>) => [window, limit, count]),
        Array(2).fill(['burst', 3, 4]),
      )
      await json(url, '/__clock', { ms: 9000 })
      assert.deepEqual(await statuses(1), [429])
      await json(url, '/__clock', { ms: 1000 })
      assert.deepEqual(await statuses(4), [200, 200, 200, 429])
      assert.equal((await json(url, '/__counts')).violations, 4)
      assert.equal((await json(url, '/__counts')).writes, 6)
    },
    {},
    shop(3),
  ))

test('a daily limit holds until midnight', () =>
  withShop(
    async ({ url }) => {
      const { now } = await json(url, '/__clock')
      await json(url, '/__clock', { ms: 86_400_000 - (now % 86_400_000) })
      for (let count = 0; count < 10; count++) {
        assert.equal((await put(url)).status, 200)
        await json(url, '/__clock', { ms: 10_000 })
      }
      assert.equal((await put(url)).status, 429)
      assert.equal((await json(url, '/__violations'))[0].window, 'day')
      await json(url, '/__clock', { ms: 86_400_000 - 200_000 })
      assert.equal((await put(url)).status, 429)
      await json(url, '/__clock', { ms: 100_000 })
      assert.equal((await put(url)).status, 200)
    },
    {},
    shop(1),
  ))

test('limits are exact at their edges', () => {
  const violations: Violation[] = []
  const limits = simulatorLimits(
    [
      { name: 'rolling', kind: 'rolling', requests: 2, ms: 1000 },
      { name: 'day', kind: 'daily', requests: 3, utcOffsetMinutes: 60 },
    ],
    (violation) => violations.push(violation),
  )
  const midnight = Date.UTC(2026, 10, 22, 23)
  const arrive = (time: number, ...names: string[]) => limits.arrive(1, midnight + time, names)?.name
  assert.equal(arrive(-1000, 'rolling'), undefined)
  assert.equal(arrive(-999, 'rolling'), undefined)
  assert.equal(arrive(-1, 'rolling'), 'rolling')
  assert.equal(limits.use('rolling', midnight - 1).freeInMs, 1)
  // A second after the first is not within the same second.
  assert.equal(arrive(0, 'rolling'), undefined)
  assert.deepEqual(
    violations.map(({ window, limit, count }) => [window, limit, count]),
    [['rolling', 2, 3]],
  )
  for (const time of [-3, -2, -1]) assert.equal(arrive(time, 'day'), undefined)
  assert.equal(arrive(-1, 'day'), 'day')
  assert.equal(limits.use('day', midnight - 1).freeInMs, 1)
  for (const time of [0, 1]) assert.equal(arrive(time, 'day'), undefined)
  // A request that arrived before midnight and is answered after it.
  limits.use('day', midnight - 1)
  assert.equal(arrive(2, 'day'), undefined)
  assert.equal(arrive(3, 'day'), 'day')
})

test('a fault before leaves no trace, and the same fault after has been committed', async () => {
  for (const when of ['before', 'after'] as const) {
    await withShop(async ({ url }) => {
      const faults = ['status-503', 'truncate', 'html', 'html-200', 'empty', 'closed']
      const seen: unknown[] = []
      for (const fault of faults) {
        await plan(url, { fault, when })
        const reply = await put(url, fault)
        const text = await reply.text()
        seen.push([reply.status, reply.headers.get('content-type')?.split(';')[0] ?? null, text.slice(0, 22)])
      }
      const done = when === 'after'
      assert.deepEqual(seen, [
        [503, 'application/json', '{"error":503}'],
        [200, 'application/json', done ? '{"id":"truncate","' : '{"status":"PENDI'],
        [502, 'text/html', '<!DOCTYPE html>\n<html>'],
        [200, 'text/html', '<!DOCTYPE html>\n<html>'],
        [200, null, ''],
        [200, 'application/json', done ? '{"closed":true,"done":' : '{"closed":true,"done":'],
      ])
      const records = await json(url, '/__records/things')
      assert.deepEqual(
        records.map(({ id }: { id: string }) => id),
        done ? faults : [],
      )
    })
  }
})

/** How a request ends that is broken off: the code of its error, and how much of its body came. */
function brokenPut(url: string, id: string, patience = 2000): Promise<readonly [string, number]> {
  return new Promise((resolve) => {
    let bytes = 0
    const sending = httpRequest(`${url}/things/${id}`, { method: 'PUT', agent: false })
    const end = (error: NodeJS.ErrnoException) => resolve([error.code ?? error.message, bytes])
    sending.on('error', end)
    sending.on('response', (response) => {
      response.on('error', end)
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      response.on('end', () => resolve(['ended', bytes]))
    })
    sending.setTimeout(patience, () => sending.destroy(Object.assign(new Error('patience'), { code: 'PATIENCE' })))
    sending.end('{}')
  })
}

test('connections are reset, cut and stalled', () =>
  withShop(async ({ url }) => {
    const expected: readonly (readonly [string, string, number])[] = [
      ['reset', 'ECONNRESET', 0],
      ['reset-early', 'ECONNRESET', 0],
      ['cut', 'ECONNRESET', 15],
      ['stall', 'PATIENCE', 16],
      ['hang', 'PATIENCE', 0],
    ]
    for (const [fault, code, bytes] of expected) {
      await plan(url, { fault, when: 'after' })
      assert.deepEqual(await brokenPut(url, fault, 200), [code, bytes], fault)
    }
    const { requests } = await json(url, '/__journal')
    assert.deepEqual(
      requests.map(({ status, fault }: Record<string, unknown>) => [status, fault]),
      [
        [0, 'reset:after'],
        [0, 'reset-early:before'],
        [200, 'cut:after'],
        [200, 'stall:after'],
        [0, 'hang:after'],
      ],
    )
    const records = await json(url, '/__records/things')
    assert.deepEqual(
      records.map(({ id }: { id: string }) => id),
      ['reset', 'cut', 'stall', 'hang'],
    )
  }))

test('a rule matches, skips, ends, and hits its share by the seed', () =>
  withShop(async ({ url }) => {
    await plan(
      url,
      { fault: 'status-503', match: { method: 'put', path: '/b' }, skip: 1, times: 2 },
      { fault: 'status-500', match: { path: '/c' }, rate: 0.5 },
    )
    const statuses = async (id: string, count: number) => {
      const seen: number[] = []
      for (let at = 0; at < count; at++) seen.push((await put(url, id)).status)
      return seen
    }
    assert.deepEqual(await statuses('b', 5), [200, 503, 503, 200, 200])
    assert.deepEqual(await statuses('a', 2), [200, 200])
    const share = await statuses('c', 40)
    const hits = share.filter((status) => status === 500).length
    assert.ok(hits > 8 && hits < 32, `${hits} of 40`)
    assert.deepEqual(
      (await json(url, '/__faults')).rules.map(({ hit }: { hit: number }) => hit),
      [2, hits],
    )
    await plan(url, { fault: 'status-500', match: { path: '/c' }, rate: 0.5 })
    assert.deepEqual(await statuses('c', 40), share)
  }))

test('faults come in a short form, and a plan that makes no sense is refused', async () => {
  await withShop(
    async ({ url }) => {
      assert.equal((await put(url)).status, 502)
      assert.deepEqual(await json(url, '/__faults'), {
        seed: 7,
        rules: [{ fault: 'html', when: 'after', rate: 1, hit: 1 }],
      })
      const refused = async (rules: unknown) => (await json(url, '/__faults', rules)).message
      assert.match(
        await refused({ rules: [{ fault: 'fire' }] }),
        /^faults: there is no fault fire; there are reset, .*closed/,
      )
      assert.match(await refused({ rules: [{ fault: 'reset', rate: 2 }] }), /"rate" is a share/)
      assert.match(await refused({ rules: [{ fault: 'reset', when: 'now' }] }), /"when" is before or after/)
      assert.match(await refused({ rules: [{ fault: 'reset', times: -1 }] }), /whole numbers/)
      assert.match(await refused({ rules: [{ fault: 'reset', tims: 1 }] }), /tims is not known/)
      assert.match(await refused({}), /give \{ "seed"/)
    },
    { seed: 7, faults: 'html:after' },
  )
  await assert.rejects(serveSimulator(shop(), { faults: 'reset:later' }), {
    name: 'SimulatorOptionsError',
    message: 'faults: reset:later is not FAULT:before|after:RATE, as in reset:after:0.05',
  })
  await assert.rejects(serveSimulator(shop(), { faults: '{"rules":' }), /this is no JSON/)
})

test('a delay is spent behind the commit, and latency follows its seed', async () => {
  await withShop(async ({ url }) => {
    await plan(url, { fault: 'delay-5000', when: 'after' })
    await assert.rejects(fetch(`${url}/things/a`, { method: 'PUT', body: '{}', signal: AbortSignal.timeout(100) }))
    assert.equal((await json(url, '/__records/things')).length, 1)
  })
  await withShop(
    async ({ url }) => {
      const began = performance.now()
      await Promise.all(Array.from({ length: 20 }, () => put(url)))
      assert.ok(performance.now() - began >= 20, 'requests take their time')
      assert.ok((await json(url, '/__counts')).most_at_a_time > 5, 'requests overlap')
    },
    { latency: { p50: 30, p99: 60 } },
  )
})

test('connections beyond the most are closed', () =>
  withShop(
    async ({ url }) => {
      await plan(url, { fault: 'hang' })
      const hanging = brokenPut(url, 'a', 500)
      const [code] = await brokenPut(url, 'b', 400)
      assert.match(code, /ECONNRESET|EPIPE/)
      assert.deepEqual(await hanging, ['PATIENCE', 0])
    },
    { max_connections: 2 },
  ))

test('a reset forgets everything but the options', () =>
  withShop(
    async ({ url }) => {
      await plan(url, { fault: 'closed' })
      await json(url, '/__clock', { ms: 1e9 })
      await put(url)
      await json(url, '/__reset', {})
      assert.deepEqual(await json(url, '/__journal'), { writes: [], requests: [], last: 0, dropped: 0 })
      assert.equal((await json(url, '/__faults')).rules[0].fault, 'empty')
      assert.ok((await json(url, '/__clock')).now < Date.now() + 1e6)
    },
    { faults: 'empty' },
  ))

test('an error of a handler is an answer that says so', () =>
  withShop(
    async ({ url }) => {
      const reply = await fetch(`${url}/`)
      assert.deepEqual([reply.status, (await reply.text()).split('\n')[0]], [500, 'simulator: Error: broken'])
    },
    {},
    () => ({
      routes: [{ method: 'GET', path: '/', handle: () => Promise.reject(new Error('broken')) }],
      errorReply: (status) => ({ status }),
      records: () => undefined,
    }),
  ))

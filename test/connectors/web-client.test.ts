import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { openWebClient, type WebClientOptions, type WebRequest } from '../../src/connectors/web-client.ts'
import { FatalError, UnansweredError } from '../../src/core/errors.ts'
import { testContext } from '../../src/testing/test-context.ts'
import { answerJson, bodyText, loopbackServer } from '../support/loopback-server.ts'

const { signal } = new AbortController()

async function clientOf(baseUrl: string, options: Partial<WebClientOptions> = {}) {
  return await openWebClient({ baseUrl, gate: testContext().gate, ...options })
}

const get = (url = '/', more: Partial<WebRequest> = {}): WebRequest => ({ method: 'GET', url, signal, ...more })

test('sends method, path, query, headers and body, and answers status, headers and text', async () => {
  await using server = await loopbackServer(async (request, response) => {
    const { method, url, headers } = request
    answerJson(response, 207, {
      method,
      url,
      type: headers['content-type'],
      own: headers['x-own'],
      body: await bodyText(request),
    })
  })
  await using client = await clientOf(`${server.url}/base/`)
  const reply = await client.request({
    method: 'POST',
    url: '/people?q=a%20b',
    headers: { 'X-Own': 'yes' },
    json: { name: 'Zoë' },
    signal,
  })
  assert.equal(reply.status, 207)
  assert.equal(reply.headers['content-type'], 'application/json')
  assert.equal(reply.what, `POST ${server.url}/base/people`)
  assert.deepEqual(JSON.parse(reply.text), {
    method: 'POST',
    url: '/base/people?q=a%20b',
    type: 'application/json',
    own: 'yes',
    body: '{"name":"Zoë"}',
  })
})

test('keeps its connections, and lets go of them at its end', async () => {
  const sockets = new Set<unknown>()
  await using server = await loopbackServer((request, response) => {
    sockets.add(request.socket)
    response.end('ok')
  })
  {
    await using client = await clientOf(server.url)
    for (let n = 0; n < 20; n++) await client.request(get())
  }
  // undici may make a second one before it knows that the first is free again.
  assert.ok(sockets.size <= 2, `${sockets.size} connections`)
})

test('no timer outlives a request, whatever became of it', async () => {
  await using server = await loopbackServer((request, response) => {
    if (request.url === '/reset') request.socket.resetAndDestroy()
    else response.end()
  })
  await using client = await clientOf(server.url)
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  await client.request(get())
  await assert.rejects(client.request(get('/reset')))
  assert.equal(timers(), before)
})

test('uploads a stream, and calls for it once for each request', async () => {
  await using server = await loopbackServer(async (request, response) => {
    response.end(String((await bodyText(request)).length))
  })
  await using client = await clientOf(server.url)
  let asked = 0
  const body = () => {
    asked++
    return Readable.from(Array.from({ length: 50 }, () => Buffer.alloc(10_000, 'x')))
  }
  const reply = await client.request({ method: 'PUT', url: '/jobs', body, signal })
  assert.deepEqual([reply.text, asked], ['500000', 1])
})

test('downloads a stream no faster than it is read', async () => {
  const size = 24 * 1024 * 1024
  let sent = 0
  await using server = await loopbackServer((request, response) => {
    if (request.url === '/fence') return void response.end()
    const chunk = Buffer.alloc(64 * 1024, 'x')
    const more = () => {
      while (sent < size) {
        sent += chunk.length
        if (!response.write(chunk)) return void response.once('drain', more)
      }
      response.end()
    }
    more()
  })
  await using client = await clientOf(server.url)
  const { status, body } = await client.download(get())
  assert.equal(status, 200)
  // Until nothing more comes: what both ends and the system between them hold.
  for (let before = -1; before !== sent; await client.request(get('/fence'))) before = sent
  assert.ok(sent < size / 2, `${sent} bytes were sent to nobody`)
  let read = 0
  for await (const chunk of body) read += chunk.length
  assert.equal(read, size)
})

test('a download that breaks off in the middle is an error and no end', async () => {
  await using server = await loopbackServer((_, response) => {
    response.writeHead(200, { 'content-length': '1000' })
    response.write('half')
    setImmediate(() => response.destroy())
  })
  await using client = await clientOf(server.url)
  const { body } = await client.download(get())
  await assert.rejects(async () => {
    for await (const chunk of body) assert.equal(chunk.toString(), 'half')
  }, UnansweredError)
})

test('a download that is cancelled ends with the reason of its signal', async () => {
  await using server = await loopbackServer((_, response) => void response.write('some'))
  await using client = await clientOf(server.url)
  const abort = new AbortController()
  const { body } = await client.download(get('/', { signal: abort.signal }))
  const reading = (async () => {
    for await (const _ of body) abort.abort(new Error('enough'))
  })()
  await assert.rejects(reading, /^Error: enough$/)
})

test('redirects are answers and are not followed', async () => {
  const paths: (string | undefined)[] = []
  await using server = await loopbackServer((request, response) => {
    paths.push(request.url)
    response.writeHead(307, { location: '/elsewhere' }).end()
  })
  await using client = await clientOf(server.url)
  const reply = await client.request({ method: 'POST', url: '/here', json: {}, signal })
  assert.deepEqual([reply.status, reply.headers['location'], paths], [307, '/elsewhere', ['/here']])
})

test('an answer larger than the cap is refused by name, whether its length is announced or not', async () => {
  await using server = await loopbackServer((request, response) => {
    if (request.url === '/announced') response.writeHead(200, { 'content-length': '2000' })
    for (let n = 0; n < 20; n++) response.write('x'.repeat(100))
    response.end()
  })
  await using client = await clientOf(server.url, { maxReplyBytes: 1_999 })
  for (const path of ['/announced', '/chunked']) {
    await assert.rejects(client.request(get(path)), { name: 'FatalError', code: 'reply_too_large' })
  }
  await using larger = await clientOf(server.url, { maxReplyBytes: 2_000 })
  assert.equal((await larger.request(get('/chunked'))).text.length, 2_000)
})

test('an answer larger than the cap does not say that nothing was applied of what counts twice', async () => {
  await using server = await loopbackServer((_, response) => response.end('x'.repeat(100)))
  await using client = await clientOf(server.url, { maxReplyBytes: 10 })
  for (const method of ['POST', 'PATCH'] as const) {
    await assert.rejects(client.request({ method, url: '/people', json: {}, signal }), (error: Error) => {
      assert.ok(error instanceof UnansweredError, String(error))
      assert.match(error.message, /^the answer to \S+ http:\S+\/people is larger than 10 bytes/)
      return true
    })
  }
  for (const method of ['PUT', 'DELETE'] as const) {
    await assert.rejects(client.request({ method, url: '/people', signal }), { code: 'reply_too_large' })
  }
})

test('a header with a line break is refused before anything is sent, and its value is not shown', async () => {
  const context = testContext()
  await using client = await clientOf('http://127.0.0.1:1', { gate: context.gate })
  for (const value of ['secret\r\nx-own: 1', 'secret\n', 'secret\0', 'secret→']) {
    await assert.rejects(client.request(get('/', { headers: { authorization: value } })), (error: Error) => {
      assert.ok(error instanceof FatalError && error.code === 'invalid_header', String(error))
      assert.doesNotMatch(error.message, /secret/)
      return true
    })
  }
  await assert.rejects(client.request(get('/', { headers: { 'a\nb': 'c' } })), { code: 'invalid_header' })
  assert.equal(context.requests, 0)
})

test('every request passes the gate, and the gate hears once what the answer says of limits', async () => {
  const context = testContext()
  await using server = await loopbackServer((_, response) => response.writeHead(200, { 'x-max': '7' }).end('body'))
  await using client = await clientOf(server.url, {
    gate: context.gate,
    limits: ({ headers, text }) => ({ blockedMs: Number(headers['x-max']) + text.length }),
  })
  await client.request(get())
  for await (const _ of (await client.download(get())).body) assert.equal(context.requests, 2)
  await assert.rejects(client.request(get('http://nobody.invalid/')))
  assert.equal(context.requests, 3)
  assert.deepEqual(context.seen, [{ blockedMs: 11 }, { blockedMs: 7 }])
})

test('the pass is given back, whatever becomes of the request', async () => {
  let open = 0
  const gate = {
    async enter() {
      open++
      return { leave: () => void open-- }
    },
  }
  await using server = await loopbackServer((request, response) => {
    if (request.url === '/reset') request.socket.resetAndDestroy()
    else response.end('x'.repeat(100))
  })
  await using client = await clientOf(server.url, { gate, maxReplyBytes: 10 })
  const abort = new AbortController()
  const asked = client.request(get('/', { signal: abort.signal }))
  abort.abort(new Error('stop'))
  await assert.rejects(asked)
  await assert.rejects(client.request(get('/reset')))
  await assert.rejects(client.request(get('/large')))
  assert.equal(open, 0)
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { openWebClient, type WebClientOptions, type WebRequest } from '../../src/connectors/web-client.ts'
import { RetryableError, UnansweredError } from '../../src/core/errors.ts'
import { testContext } from '../../src/testing/test-context.ts'
import { certificateAuthority } from '../support/certificates.ts'
import { loopbackServer, loopbackSockets } from '../support/loopback-server.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const { signal } = new AbortController()

async function clientOf(baseUrl: string, options: Partial<WebClientOptions> = {}) {
  return await openWebClient({ baseUrl, gate: testContext().gate, ...options })
}

const get = (url = '/', more: Partial<WebRequest> = {}): WebRequest => ({ method: 'GET', url, signal, ...more })

/** Nothing of it was sent: the batch is as it was. */
function isUnsent(error: unknown): boolean {
  return error instanceof RetryableError && !(error instanceof UnansweredError)
}

test('nothing is sent where nobody listens', async () => {
  const closed = await loopbackSockets(() => {})
  await closed[Symbol.asyncDispose]()
  await using client = await clientOf(`http://127.0.0.1:${closed.port}`)
  await assert.rejects(client.request(get()), (error: Error) => {
    assert.ok(isUnsent(error))
    assert.match(error.message, /^GET http:\/\/127\.0\.0\.1:\d+\/ could not be sent: connect ECONNREFUSED/)
    return true
  })
})

test('nothing is sent where the host has no address', async () => {
  await using client = await clientOf('http://nobody.invalid')
  await assert.rejects(client.request(get()), isUnsent)
})

test('nothing is sent where TLS is not spoken, or ends before it is there', async () => {
  await using plain = await loopbackServer((_, response) => response.end())
  await using closing = await loopbackSockets((socket) => socket.destroy())
  await using client = await clientOf('https://127.0.0.1', { totalMs: 2_000 })
  for (const { port } of [plain, closing]) {
    await assert.rejects(client.request(get(`https://127.0.0.1:${port}/`)), isUnsent)
  }
})

test('nothing is sent where a connection does not come about in time', async () => {
  await using silent = await loopbackSockets(() => {})
  await using client = await clientOf(`https://127.0.0.1:${silent.port}`, { totalMs: 100 })
  await assert.rejects(client.request(get()), isUnsent)
})

const LOST: Readonly<Record<string, Parameters<typeof loopbackServer>[0]>> = {
  'the connection is reset': (request) => void request.resume().on('end', () => request.socket.resetAndDestroy()),
  'the connection ends': (request) => void request.resume().on('end', () => request.socket.destroy()),
  'the body is cut': (_, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{"half":')
    setImmediate(() => response.destroy())
  },
  'a chunked body is cut': (_, response) => {
    response.writeHead(200)
    response.write('{"half":')
    setImmediate(() => response.destroy())
  },
  'the answer is not HTTP': (request) => void request.socket.end('hello\r\n\r\n'),
  'no head comes': () => {},
  'the body stalls': (_, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('{"half":')
  },
}

for (const [what, listener] of Object.entries(LOST)) {
  test(`a request was sent and may have been applied where ${what}`, async () => {
    await using server = await loopbackServer(listener)
    await using client = await clientOf(server.url, { headersMs: 100, bodyMs: 100 })
    await assert.rejects(client.request({ method: 'POST', url: '/people', json: { a: 1 }, signal }), (error: Error) => {
      assert.ok(error instanceof UnansweredError, String(error))
      assert.match(error.message, /^POST http:\S+\/people was sent and not answered: ./)
      return true
    })
  })
}

test('a kept connection that the server closed is not the end of the next request', async () => {
  let closed: Promise<unknown> = Promise.resolve()
  await using server = await loopbackServer((request, response) => {
    closed = once(request.socket, 'close')
    response.shouldKeepAlive = true
    response.end('ok', () => setImmediate(() => request.socket.end()))
  })
  await using client = await clientOf(server.url)
  for (let n = 0; n < 3; n++) {
    assert.equal((await client.request(get())).text, 'ok')
    await closed
  }
})

test('the time for a whole request holds, also where bytes keep coming', async () => {
  await using server = await loopbackServer((request, response) => {
    if (request.url === '/warm') return void response.end()
    const timer = setInterval(() => response.write('x'), 10)
    response.on('close', () => clearInterval(timer))
  })
  await using client = await clientOf(server.url)
  // What is measured is the request, and not how long a busy machine takes to connect.
  await client.request(get('/warm'))
  await assert.rejects(client.request(get('/', { totalMs: 300 })), /not answered: no whole answer within 300 ms$/)
})

test('a cancelled request ends with the reason of its signal, and is not sent later', async () => {
  const arrived: (string | undefined)[] = []
  await using server = await loopbackServer((request, response) => {
    arrived.push(request.url)
    response.end()
  })
  await using client = await clientOf(server.url)
  const abort = new AbortController()
  const reason = new Error('stop')
  const asked = client.request(get('/', { signal: abort.signal }))
  abort.abort(reason)
  await assert.rejects(asked, (error) => error === reason)
  await assert.rejects(client.request(get('/', { signal: abort.signal })), (error) => error === reason)
  await client.request(get('/later'))
  assert.deepEqual(arrived, ['/later'])
})

test('messages have no query, no header and no body in them', async () => {
  await using server = await loopbackServer(
    (request) => void request.resume().on('end', () => request.socket.destroy()),
  )
  await using client = await clientOf(server.url)
  const request = {
    method: 'POST',
    url: '/a?key=canary',
    headers: { authorization: 'canary' },
    body: 'canary',
    signal,
  } as const
  await assert.rejects(client.request(request), (error: Error) => {
    assert.doesNotMatch(`${error.message} ${error.stack}`, /canary/)
    return true
  })
})

test('certificates are verified, against the authority that is named', async () => {
  using folder = temporaryFolder()
  const authority = certificateAuthority(folder.path)
  const read = ({ certificate, key }: { certificate: string; key: string }) => ({
    cert: readFileSync(certificate, 'utf8'),
    key: readFileSync(key, 'utf8'),
  })
  const ca = readFileSync(authority.certificate, 'utf8')
  await using good = await loopbackServer((_, response) => response.end('ok'), read(authority.sign('localhost')))
  await using other = await loopbackServer((_, response) => response.end('ok'), read(authority.sign('other.example')))
  const url = (port: number) => get(`https://localhost:${port}/`)
  await using trusting = await clientOf('https://localhost', { tls: { ca } })
  assert.equal((await trusting.request(url(good.port))).text, 'ok')
  await using strict = await clientOf('https://localhost')
  for (const refused of [() => trusting.request(url(other.port)), () => strict.request(url(good.port))]) {
    await assert.rejects(refused, { name: 'FatalError', code: 'tls_failed', kind: 'configuration' })
  }
})

import assert from 'node:assert/strict'
import dns from 'node:dns'
import { readFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { publicConnector } from '../../src/connectors/web-address.ts'
import { openWebClient } from '../../src/connectors/web-client.ts'
import { FatalError, RetryableError, UnansweredError } from '../../src/core/errors.ts'
import { testContext } from '../../src/testing/test-context.ts'
import { type Certificate, certificateAuthority } from '../support/certificates.ts'
import { fatal, openHttp, statuses } from '../support/http-connection.ts'
import { answerJson, loopbackServer, loopbackSockets } from '../support/loopback-server.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { unlessHere } from '../support/unless-here.ts'

/** What a server may answer, or anybody who takes its place, and what becomes of the row that was sent to it. */
interface BadAnswer {
  readonly answer: RequestListener | ((socket: Socket) => void)
  /** Speaks to the socket itself. */
  readonly raw?: true
  readonly expected: (error: unknown) => boolean
}

const MOST = '1MB'
const BOMB = gzipSync(Buffer.alloc(64 * 1024 * 1024, '{'))
const people = { upsert: { method: 'PUT', path: '/people/{id}', body: '$record', response: { record_id: '/id' } } }
const ROW = [{ id: '1', name: 'x' }]

const isUnanswered = (error: unknown) => error instanceof UnansweredError
const isToWait = (wait: number | undefined) => (error: unknown) => {
  assert.ok(error instanceof RetryableError && !(error instanceof UnansweredError), String(error))
  assert.equal(error.retryAfterMs, wait)
  return true
}
const status =
  (code: number, headers: Record<string, string> = {}): RequestListener =>
  (_, response) =>
    response.writeHead(code, headers).end('{}')

/** Writes the same again and again, for as long as somebody takes it. */
function endless(socket: Socket, text: string): void {
  const chunk = Buffer.from(text.repeat(Math.ceil(65_536 / text.length)))
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
  }
  socket.on('drain', more)
  more()
}

const ANSWERS: Readonly<Record<string, BadAnswer>> = {
  'a redirect to where clouds tell a machine its credentials': {
    answer: status(301, { location: 'http://169.254.169.254/latest/meta-data/' }),
    expected: fatal('redirected', /redirect to http:\/\/169\.254\.169\.254\/latest\/meta-data\/, and none is followed/),
  },
  'a gzip bomb': {
    // Smaller than what may be read, and 64 times larger once it is unpacked.
    answer: (request, response) => {
      assert.equal(request.headers['accept-encoding'], undefined)
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(BOMB)
    },
    expected: isUnanswered,
  },
  'a body without end': {
    raw: true,
    answer: (socket: Socket) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      endless(socket, ' ')
    },
    expected: fatal('reply_too_large', /larger than 1000000 bytes/),
  },
  'a head without end': {
    raw: true,
    answer: (socket: Socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      endless(socket, `x-more: ${'y'.repeat(1000)}\r\n`)
    },
    expected: isUnanswered,
  },
  'a header without end': {
    raw: true,
    answer: (socket: Socket) => {
      socket.write('HTTP/1.1 200 OK\r\nx-more: ')
      endless(socket, 'y')
    },
    expected: isUnanswered,
  },
  'chunks that are cut short': {
    raw: true,
    answer: (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\n{"id":1\r\n'),
    expected: isUnanswered,
  },
  'a chunk whose length is no number': {
    raw: true,
    answer: (socket: Socket) =>
      socket.end('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n{"id":1}\r\n0\r\n\r\n'),
    expected: isUnanswered,
  },
  'a body that is shorter than announced': {
    raw: true,
    answer: (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"id":1}'),
    expected: isUnanswered,
  },
  'two answers to one request': {
    raw: true,
    answer: (socket: Socket) =>
      socket.end('HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{"id":1}'),
    expected: isUnanswered,
  },
  'JSON that breaks off': { answer: (_, response) => response.end('{"id":1'), expected: isUnanswered },
  '429 without a time to wait': { answer: status(429), expected: isToWait(undefined) },
  '429 with a time in the past': {
    answer: status(429, { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }),
    expected: isToWait(0),
  },
  '429 with a negative time': { answer: status(429, { 'retry-after': '-5' }), expected: isToWait(undefined) },
  '429 with a time of thirty years': {
    answer: status(429, { 'retry-after': '999999999' }),
    expected: isToWait(999_999_999_000),
  },
}

for (const [what, { answer, raw, expected }] of Object.entries(ANSWERS)) {
  test(`an answer is ${what}`, async () => {
    await using server = await (raw === true
      ? loopbackSockets((socket) => socket.once('data', () => (answer as (socket: Socket) => void)(socket)))
      : loopbackServer((request, response) => {
          request.resume()
          ;(answer as RequestListener)(request, response)
        }))
    const base_url = `http://127.0.0.1:${server.port}`
    const before = process.memoryUsage.rss()
    await using http = await openHttp({ base_url, objects: { people }, max_reply: MOST, timeout: '20s' })
    await assert.rejects(http.write('upsert', ROW), expected)
    const grown = process.memoryUsage.rss() - before
    assert.ok(grown < 48 * 1024 * 1024, `memory grew by ${grown} bytes`)
  })
}

test('207 says of each row what became of it, whatever the others are', async () => {
  await using server = await loopbackServer((request, response) => {
    request.resume()
    const refused = { index: 1, error: { code: 'no', message: 'not this one' } }
    answerJson(response, 207, { results: [refused, { index: 0 }] })
  })
  const rows = {
    items: '/results',
    match: { by: 'index', path: '/index' },
    ok: { path: '/error', exists: false },
    error: { code: '/error/code', message: '/error/message' },
  }
  const upsert = {
    method: 'POST',
    path: '/people',
    mode: 'batch',
    body: { records: { $each: '$record' } },
    response: { rows },
  }
  await using http = await openHttp({
    base_url: server.url,
    objects: { people: { upsert: { ...upsert, batch: { max_records: 5 } } } },
  })
  assert.deepEqual(statuses(await http.write('upsert', [...ROW, { id: '2', name: 'y' }])), ['done', 'rejected no'])
})

test('a certificate that has run out, signs itself or is another host’s is refused by name (needs openssl)', {
  skip: unlessHere('openssl', 'version'),
}, async () => {
  using folder = temporaryFolder()
  const authority = certificateAuthority(folder.path)
  const ca = readFileSync(authority.certificate, 'utf8')
  const refused: Readonly<Record<string, Certificate>> = {
    'has run out': authority.sign('localhost', { expired: true }),
    'signs itself': authority.selfSigned('localhost'),
    'another host’s': authority.sign('other.example'),
  }
  const served = async ({ certificate, key }: Certificate, tls: object) => {
    const files = { cert: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') }
    await using server = await loopbackServer((_, response) => response.end('ok'), files)
    const baseUrl = `https://localhost:${server.port}`
    await using client = await openWebClient({ baseUrl, gate: testContext().gate, tls })
    return (await client.request({ method: 'GET', url: '/', signal: new AbortController().signal })).text
  }
  assert.equal(await served(authority.sign('localhost'), { ca }), 'ok')
  for (const [what, certificate] of Object.entries(refused)) {
    for (const tls of [{ ca }, {}]) {
      await assert.rejects(
        served(certificate, tls),
        { name: 'FatalError', code: 'tls_failed', kind: 'configuration' },
        what,
      )
    }
  }
})

/** Lets names have these addresses, one after the other, while `work` goes on; answers how often one was looked up. */
async function withAddresses(addresses: readonly string[], work: () => Promise<void>): Promise<number> {
  const { lookup } = dns
  let asked = 0
  const answering = (_host: string, options: { all?: boolean }, callback: (...answer: unknown[]) => void) => {
    const address = addresses[Math.min(asked++, addresses.length - 1)]
    if (options.all === true) callback(null, [{ address, family: 4 }])
    else callback(null, address, 4)
  }
  dns.lookup = answering as unknown as typeof lookup
  syncBuiltinESMExports()
  try {
    await work()
  } finally {
    dns.lookup = lookup
    syncBuiltinESMExports()
  }
  return asked
}

test('a name that has another address by the next look is refused: what is looked at is what is dialled', async () => {
  const dialled: unknown[] = []
  const connector = publicConnector(({ lookup }) => (options, callback) => {
    lookup(options.hostname, { all: false }, (error, address) => {
      if (error === null) dialled.push(address)
      callback(error ?? new Error('dialled'), null)
    })
  })
  const dial = () =>
    new Promise<Error | null>((resolve) => {
      const target = { hostname: 'rebound.example', protocol: 'http:', port: '80' }
      connector(target as Parameters<typeof connector>[0], (...[error]) => resolve(error))
    })
  const asked = await withAddresses(['93.184.215.14', '127.0.0.1'], async () => {
    assert.equal((await dial())?.message, 'dialled')
    const second = await dial()
    assert.ok(second instanceof FatalError && second.code === 'private_host', String(second))
  })
  assert.deepEqual([dialled, asked], [['93.184.215.14'], 2])
})

test('a name with an address of this machine is not connected to, and looked up once', async () => {
  let arrived = 0
  await using server = await loopbackServer((_, response) => response.end(String(++arrived)))
  const asked = await withAddresses(['127.0.0.1'], async () => {
    const baseUrl = `http://public.example:${server.port}`
    await using client = await openWebClient({ baseUrl, gate: testContext().gate, refusePrivate: true })
    const request = { method: 'GET', url: '/', signal: new AbortController().signal } as const
    await assert.rejects(client.request(request), fatal('private_host'))
  })
  assert.deepEqual([arrived, asked], [0, 1])
})

test('how many were tried', (context) => {
  context.diagnostic(`${Object.keys(ANSWERS).length} answers, 3 certificates, 2 names`)
})

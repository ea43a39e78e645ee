import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** A small HTTP service that keeps records by key. It stands for the system that you want to write to. */
export interface KeyValueService extends AsyncDisposable {
  readonly url: string
  readonly token: string
  /** What it holds: by bucket, by key. */
  readonly buckets: Map<string, Map<string, StoredRecord>>
  /** What it does on a bad day; undefined is a good day. */
  trouble: 'too many requests' | 'down' | 'token revoked' | 'resets' | 'silent' | undefined
}

export interface StoredRecord {
  readonly key: readonly (string | null)[]
  readonly fields: Readonly<Record<string, string | null>>
}

interface Change {
  readonly id: number
  readonly op: 'insert' | 'upsert' | 'update' | 'delete'
  readonly key: readonly (string | null)[]
  readonly fields?: Readonly<Record<string, string | null>>
  readonly defaults?: Readonly<Record<string, string | null>>
}

export async function startKeyValueService(...buckets: string[]): Promise<KeyValueService> {
  const server = createServer((request, response) => {
    handle(service, request, response).catch((error: Error) => answer(response, 500, { error: error.message }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const service: KeyValueService = {
    url: `http://127.0.0.1:${port}`,
    token: 'let-me-in',
    buckets: new Map(buckets.map((name) => [name, new Map()])),
    trouble: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  return service
}

async function handle(service: KeyValueService, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { trouble } = service
  if (trouble === 'silent') return
  if (trouble === 'resets') return void request.socket.resetAndDestroy()
  if (trouble === 'down') return answer(response, 503, { error: 'down for maintenance' })
  if (trouble === 'too many requests') return answer(response, 429, { error: 'slow down' }, { 'retry-after': '2' })
  const authorized = request.headers.authorization === `Bearer ${service.token}` && trouble !== 'token revoked'
  if (!authorized) return answer(response, 401, { error: 'the token is not valid' })
  const { pathname, searchParams } = new URL(request.url ?? '/', service.url)
  const bucket = service.buckets.get(decodeURIComponent(/^\/buckets\/([^/]+)/.exec(pathname)?.[1] ?? ''))
  if (bucket === undefined) return answer(response, 404, { error: 'there is no such bucket' })
  if (request.method === 'POST') {
    const { changes } = JSON.parse(await bodyOf(request)) as { changes: Change[] }
    // A service that works on several changes at once answers them in the order in which they were done.
    const results = changes.map((change) => ({ id: change.id, ...apply(bucket, change) })).reverse()
    return answer(response, 200, { results })
  }
  const keys = [...bucket.keys()].sort()
  const after = searchParams.get('after')
  if (after === null) return answer(response, 200, { count: keys.length })
  const page = keys.filter((key) => key > after).slice(0, 100)
  answer(response, 200, {
    count: keys.length,
    keys: page.map((key) => bucket.get(key)?.key),
    next: page.at(-1) ?? null,
  })
}

function apply(bucket: Map<string, StoredRecord>, { op, key, fields, defaults }: Change): object {
  const id = JSON.stringify(key)
  const known = bucket.get(id)
  if (op === 'delete') {
    bucket.delete(id)
    return { status: 'ok' }
  }
  if (op === 'insert' && known !== undefined) return { status: 'conflict' }
  if (op === 'update' && known === undefined) return { status: 'missing' }
  const email = fields?.['email']
  if (typeof email === 'string' && !email.includes('@')) {
    return { status: 'invalid', code: 'not_an_email', message: `${email} is not an e-mail address` }
  }
  bucket.set(id, { key, fields: { ...(known === undefined ? defaults : known.fields), ...fields } })
  return { status: 'ok' }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

function answer(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

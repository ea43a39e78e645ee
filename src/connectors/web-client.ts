import type { Readable } from 'node:stream'
import type { Agent, buildConnector, Dispatcher } from 'undici'
import type { SeenRequest } from '../core/destination.ts'
import { configurationError, FatalError, messageOf, RetryableError, UnansweredError } from '../core/errors.ts'
import type { LimitsSeen, RequestGate } from '../core/request-gate.ts'
import { publicConnector } from './web-address.ts'
import { type Answer, beginExchange, type Exchange } from './web-exchange.ts'

/** PEM texts. The server's certificate is always verified, against `ca` or what Node knows. */
interface WebTls {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

export interface WebClientOptions {
  /** `https://HOST` with a path or without one; what paths of requests are behind. */
  readonly baseUrl: string
  /** Every request passes it, and is counted there. */
  readonly gate: RequestGate
  readonly userAgent?: string
  /** Milliseconds until a connection is made, TLS included. Default 10,000. */
  readonly connectMs?: number
  /** Milliseconds from the end of a request to the head of its answer. Default 60,000. */
  readonly headersMs?: number
  /** Milliseconds without a byte of the answer's body. Default 30,000. */
  readonly bodyMs?: number
  /** Milliseconds for a whole request, from its pass to the last byte of its answer. Default 120,000. */
  readonly totalMs?: number
  /** Most bytes of an answer that is read as a whole. Default 32 MiB. */
  readonly maxReplyBytes?: number
  readonly tls?: WebTls
  /** Refuses addresses of this machine and of private networks. Default: false. */
  readonly refusePrivate?: boolean
  /** What an answer says about the limits of whoever gave it; `reply.text` is empty where the body is streamed. */
  limits?(reply: WebReply): LimitsSeen | undefined
  /** Told of each request but those that are secret. */
  readonly onRequest?: ((seen: SeenRequest) => void) | undefined
  /** How errors name a request. Default: method, host and path, without the query. */
  show?(method: string, url: URL): string
}

export interface WebRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD'
  /** A path with its query, which begins with `/` and is behind the base URL; or a whole URL. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** A function where it is streamed: called for each attempt. */
  readonly body?: string | Buffer | (() => Readable)
  /** Sent as JSON, in the place of `body`. */
  readonly json?: unknown
  readonly signal: AbortSignal
  /** There are credentials in its body or in its answer. Default: false. */
  readonly secret?: boolean
  /** In the place of the client's. */
  readonly headersMs?: number
  readonly totalMs?: number
}

/** An answer, whatever its status: nothing is followed, nothing is sent again. */
export interface WebReply {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** `POST https://api.example.com/people`: for messages. */
  readonly what: string
}

/** An answer whose body is read as it comes. The body fails with the same errors as a request; destroy it when it is not read. */
export interface WebDownload extends Omit<WebReply, 'text'> {
  readonly body: AsyncIterable<Buffer> & { destroy(): void }
}

/**
 * Requests of one connection, over connections that are kept. A request throws
 * - RetryableError where nothing of it was sent,
 * - UnansweredError where it was sent and no whole answer came: it may have been applied,
 * - FatalError where the user must act, and the reason of its signal.
 */
export interface WebClient extends AsyncDisposable {
  request(request: WebRequest): Promise<WebReply>
  /** `totalMs` ends with the head of the answer here. */
  download(request: WebRequest): Promise<WebDownload>
}

/** Sent twice they do no more than once (RFC 9110, 9.2.2). */
const REPEATABLE: ReadonlySet<WebRequest['method']> = new Set(['GET', 'HEAD', 'PUT', 'DELETE'])
/** Characters of a body that are told to whoever looks. */
const SHOWN = 10_000
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is refused
const NOT_IN_HEADERS = /[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]/
/** What Node says where a certificate is not trusted, or not the host's. */
const UNTRUSTED =
  /^(CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_CERT_|INVALID_CA|INVALID_PURPOSE|HOSTNAME_MISMATCH)/

export async function openWebClient(options: WebClientOptions): Promise<WebClient> {
  // Loaded when it is used: `--help` has no time for it.
  const { undici } = await import('./web-undici.ts')
  const { connectMs = 10_000, headersMs = 60_000, bodyMs = 30_000, totalMs = 120_000 } = options
  const { gate, maxReplyBytes = 32 * 1024 * 1024, show = showUrl } = options
  const tls = definedOf(options.tls ?? {})
  const connector = (extra: object): buildConnector.connector =>
    undici.buildConnector({ ...tls, ...extra, timeout: connectMs } as buildConnector.BuildOptions)
  const agent: Agent = new undici.Agent({
    connect: options.refusePrivate ? publicConnector(connector) : connector({}),
    headersTimeout: headersMs,
    bodyTimeout: bodyMs,
  })

  /** `use` has the answer and gives what the gate is told of it; the deadline holds until then. */
  async function exchange<Result>(
    request: WebRequest,
    use: (answer: Answer, what: string) => Promise<{ readonly result: Result; readonly seen: WebReply }>,
  ): Promise<Result> {
    const url = urlOf(options.baseUrl, request.url)
    const what = show(request.method, url)
    const sending = dispatchOptions(request, url, options)
    const pass = await gate.enter(request.signal)
    const deadline = new AbortController()
    const total = request.totalMs ?? totalMs
    const timer = setTimeout(() => deadline.abort(new Error(`no whole answer within ${total} ms`)), total)
    const cancel = () => deadline.abort(request.signal.reason)
    request.signal.addEventListener('abort', cancel)
    let begun: Exchange | undefined
    let seen: LimitsSeen | undefined
    let answered: WebReply | undefined
    try {
      request.signal.throwIfAborted()
      begun = beginExchange(agent, { ...sending, body: bodyOf(request) }, deadline.signal)
      const used = await use(await begun.answer, what)
      answered = used.seen
      seen = options.limits?.(answered)
      return used.result
    } catch (error) {
      if (request.signal.aborted) throw request.signal.reason
      throw failureOf(error, begun?.sent === true, what)
    } finally {
      clearTimeout(timer)
      request.signal.removeEventListener('abort', cancel)
      pass.leave(seen)
      if (request.secret !== true) options.onRequest?.(seenRequest(request, what, answered))
    }
  }

  return {
    request: (request) =>
      exchange(request, async ({ status, headers, body }, what) => {
        const seen = { status, headers, text: await wholeText(body, maxReplyBytes, request.method, what), what }
        return { result: seen, seen }
      }),
    download: (request) =>
      exchange(request, async ({ status, headers, body }, what) => ({
        result: { status, headers, what, body: streamed(body, request.signal, what) },
        seen: { status, headers, text: '', what },
      })),
    [Symbol.asyncDispose]: () => agent.destroy(),
  }
}

/** The URL of a request. Throws where the base URL is none. */
export function urlOf(baseUrl: string, url: string): URL {
  return new URL(url.startsWith('/') ? baseUrl.replace(/\/+$/, '') + url : url)
}

function showUrl(method: string, { origin, pathname }: URL): string {
  return `${method} ${origin}${pathname}`
}

function dispatchOptions(request: WebRequest, url: URL, client: WebClientOptions): Dispatcher.DispatchOptions {
  const { method, json } = request
  const headers: Record<string, string> = { 'user-agent': client.userAgent ?? 'rowferry', accept: 'application/json' }
  if (json !== undefined) headers['content-type'] = 'application/json'
  for (const [name, value] of Object.entries(request.headers ?? {})) {
    checkHeader(name, value)
    headers[name.toLowerCase()] = value
  }
  return {
    origin: url.origin,
    path: url.pathname + url.search,
    method,
    headers,
    ...(request.headersMs !== undefined && { headersTimeout: request.headersMs }),
  }
}

function bodyOf({ json, body }: WebRequest): string | Buffer | Readable | null {
  if (json !== undefined) return JSON.stringify(json)
  return typeof body === 'function' ? body() : (body ?? null)
}

function seenRequest({ json, body }: WebRequest, what: string, reply: WebReply | undefined): SeenRequest {
  const sent = json === undefined ? body : JSON.stringify(json)
  const text = typeof sent === 'function' ? '(streamed)' : String(sent ?? '')
  const shown = (head: string, tail: string) => `${head} ${tail.slice(0, SHOWN)}`.trim()
  return { request: shown(what, text), response: reply === undefined ? null : shown(String(reply.status), reply.text) }
}

/** Values are not shown: they may be secret. */
function checkHeader(name: string, value: string): void {
  if (TOKEN.test(name) && !NOT_IN_HEADERS.test(value)) return
  const message = TOKEN.test(name)
    ? `the header ${name} has a line break or another character in it that no header can have: correct its value`
    : `${JSON.stringify(name)} cannot be the name of a header: correct it`
  throw configurationError('invalid_header', message)
}

async function wholeText(body: Readable, most: number, method: WebRequest['method'], what: string): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > most) {
      const message = `the answer to ${what} is larger than ${most} bytes, which is no answer that was expected: check the URL`
      // To end the run says that nothing was applied, which nobody knows of what counts twice when it is sent twice.
      throw REPEATABLE.has(method) ? new FatalError('reply_too_large', message) : new UnansweredError(message)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, bytes).toString('utf8')
}

function streamed(body: Readable, signal: AbortSignal, what: string): WebDownload['body'] {
  const cancel = () => void body.destroy(signal.reason instanceof Error ? signal.reason : new Error('cancelled'))
  if (signal.aborted) cancel()
  signal.addEventListener('abort', cancel)
  body.on('close', () => signal.removeEventListener('abort', cancel))
  return {
    async *[Symbol.asyncIterator]() {
      try {
        yield* body as AsyncIterable<Buffer>
      } catch (error) {
        if (signal.aborted) throw signal.reason
        throw failureOf(error, true, what)
      }
    },
    destroy: () => void body.destroy(),
  }
}

function failureOf(error: unknown, sent: boolean, what: string): Error {
  if (error instanceof FatalError || error instanceof UnansweredError) return error
  const reason = reasonOf(error)
  if (sent) return new UnansweredError(`${what} was sent and not answered: ${reason}`, { cause: error })
  if (UNTRUSTED.test(String((error as { code?: unknown } | null)?.code))) {
    const message = `the certificate of the server is not trusted (${what}: ${reason}): correct the URL, or name the authority that signed it`
    return configurationError('tls_failed', message, error)
  }
  return new RetryableError(`${what} could not be sent: ${reason}`, { cause: error })
}

/** Where a name has several addresses, each has an error of its own and the whole has no message. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '')
    return [...new Set(error.errors.map(messageOf))].join('; ')
  return messageOf(error) || String((error as { code?: unknown } | null)?.code ?? 'no reason given')
}

function definedOf<Value extends object>(value: Value): Partial<Value> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Partial<Value>
}

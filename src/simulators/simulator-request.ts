import type { IncomingHttpHeaders } from 'node:http'

/** A request as it is known when its head has arrived. */
export interface SimulatorRequestHead {
  /** Its `n` in the journal: in the order of arrival. */
  readonly n: number
  readonly method: string
  /** Path and query as they were sent. */
  readonly url: string
  /** As it was sent, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** When it arrived: milliseconds since 1970 on the simulator's clock. */
  readonly time: number
}

export interface SimulatorRequest extends SimulatorRequestHead {
  /** The parts of the path that the route names, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly body: Buffer
}

export interface SimulatorReply {
  readonly status: number
  /** Names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  /** A text or a buffer is sent as it is, anything else as JSON; undefined: there is no body. */
  readonly body?: unknown
}

/** The JSON of a body; undefined where it is none. */
export function jsonBody(request: SimulatorRequest): unknown {
  try {
    return JSON.parse(request.body.toString('utf8'))
  } catch {
    return undefined
  }
}

/** The body's bytes and the headers that describe them. */
export function encodeReply({ status, headers = {}, body }: SimulatorReply): {
  readonly headers: Record<string, string>
  readonly bytes: Buffer
} {
  if (body === undefined) {
    return { headers: status === 204 ? { ...headers } : { 'content-length': '0', ...headers }, bytes: Buffer.alloc(0) }
  }
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const type =
    typeof body === 'string' || Buffer.isBuffer(body) ? 'text/plain;charset=utf-8' : 'application/json;charset=utf-8'
  return { headers: { 'content-type': type, ...headers, 'content-length': String(bytes.length) }, bytes }
}

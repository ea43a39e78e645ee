import { once } from 'node:events'
import { createServer, connect as open, type Socket } from 'node:net'
import { TcpFaults } from './tcp-faults.ts'

/** A relay in front of a server on 127.0.0.1, that can be made to misbehave. */
export interface Proxy extends AsyncDisposable {
  readonly port: number
  /** Bytes that the server sent on the latest connection. */
  readonly sent: number
  /** What the network does to what passes; changed between the runs of a test. */
  readonly faults: TcpFaults
}

export interface ProxyOptions {
  /** Closes each connection, politely, after so many bytes of the server. */
  readonly cutAfter?: number
  /** Passes nothing more of the server on after so many bytes, and says nothing. */
  readonly silentAfter?: number
  /** Changes what the server sends. */
  readonly rewrite?: (chunk: Buffer) => Buffer
  /** Answers a simple query instead of the server, with an error. */
  readonly refuse?: (query: string) => { readonly code: string; readonly message: string } | undefined
}

export async function startProxy(port: number, options: ProxyOptions = {}): Promise<Proxy> {
  const sockets = new Set<Socket>()
  const faults = new TcpFaults()
  let sent = 0
  const server = createServer((client) => {
    sent = 0
    const upstream = open(port, '127.0.0.1')
    const pass = faults.connect(client, upstream)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
    let passed = 0
    upstream.on('data', (original) => {
      const chunk = options.rewrite?.(original) ?? original
      const limit = options.cutAfter ?? options.silentAfter ?? Number.POSITIVE_INFINITY
      const allowed = chunk.subarray(0, Math.max(0, limit - passed))
      passed += chunk.length
      sent = passed
      if (options.cutAfter !== undefined && passed >= limit) client.end(allowed)
      else if (allowed.length > 0) pass.toClient(allowed)
    })
    client.on('data', (chunk) => {
      // A simple query arrives in one piece here: pg writes it at once, and it is short.
      const query = chunk[0] === 0x51 ? chunk.toString('utf8', 5, chunk.length - 1) : undefined
      const refusal = query === undefined ? undefined : options.refuse?.(query)
      if (refusal === undefined) pass.toUpstream(chunk)
      else client.write(errorResponse(refusal))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port')
  return {
    port: address.port,
    faults,
    get sent() {
      return sent
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** ErrorResponse and ReadyForQuery, as a server inside a transaction sends them. */
function errorResponse({ code, message }: { readonly code: string; readonly message: string }): Buffer {
  const body = Buffer.from(`SERROR\0C${code}\0M${message}\0\0`)
  const head = Buffer.alloc(5)
  head.write('E')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body, Buffer.from([0x5a, 0, 0, 0, 5, 0x54])])
}

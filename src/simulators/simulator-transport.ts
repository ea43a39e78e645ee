import type { IncomingMessage, ServerResponse } from 'node:http'
import { encodeReply, type SimulatorReply } from './simulator-request.ts'

/** The body of a request; undefined where it is longer than `limit` (the rest is read and thrown away). */
export async function readBody(message: IncomingMessage, limit: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of message) {
    length += (chunk as Buffer).length
    if (length <= limit) chunks.push(chunk as Buffer)
  }
  return length > limit ? undefined : Buffer.concat(chunks)
}

export function sendReply(response: ServerResponse, reply: SimulatorReply): void {
  const { headers, bytes } = encodeReply(reply)
  response.writeHead(reply.status, headers)
  response.end(bytes)
}

const PAGE = `<!DOCTYPE html>
<html><head><title>502 Bad Gateway</title></head>
<body><center><h1>502 Bad Gateway</h1></center><hr><center>proxy</center></body></html>
`

/** What comes of a reply where it meets a fault on its way; `sent` is its status, or 0 where none was sent. */
type Mishap = (response: ServerResponse, reply: SimulatorReply) => { readonly sent: number }

/** By the names of FAULTS. */
export const MISHAPS: Readonly<Record<string, Mishap>> = {
  reset: breakOff,
  'reset-early': breakOff,
  hang: () => ({ sent: 0 }),
  stall: (response, reply) => {
    const { headers, bytes } = encodeReply(reply)
    response.writeHead(reply.status, headers)
    response.flushHeaders()
    response.write(half(bytes))
    return { sent: reply.status }
  },
  cut: (response, reply) => {
    const { headers, bytes } = encodeReply(reply)
    response.writeHead(reply.status, headers)
    response.write(half(bytes), () => response.socket?.destroy())
    return { sent: reply.status }
  },
  truncate: (response, reply) => {
    const { headers, bytes } = encodeReply(reply)
    return sent(response, { status: reply.status, headers, body: half(bytes) })
  },
  html: (response) => sent(response, { status: 502, headers: { 'content-type': 'text/html' }, body: PAGE }),
  'html-200': (response) => sent(response, { status: 200, headers: { 'content-type': 'text/html' }, body: PAGE }),
  empty: (response) => sent(response, { status: 200 }),
}

function breakOff(response: ServerResponse): { readonly sent: number } {
  const { socket } = response
  // Node takes a response that was never begun for one under way: it must not outlive its connection.
  socket?.resetAndDestroy()
  return { sent: 0 }
}

function sent(response: ServerResponse, reply: SimulatorReply): { readonly sent: number } {
  sendReply(response, reply)
  return { sent: reply.status }
}

function half(bytes: Buffer): Buffer {
  return bytes.subarray(0, Math.max(1, Math.floor(bytes.length / 2)))
}

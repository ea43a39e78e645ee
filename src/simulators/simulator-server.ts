/**
 * The frame of every simulator: an HTTP server on 127.0.0.1 with a journal, faults, limits and a side door.
 *
 * A simulator is a function `(context) => Simulator` (simulator-world.ts) that makes its state and answers
 * - `routes`: what it answers. A handler gets the whole request and answers `{ status, headers, body }`. It commits before
 *   it first waits for anything, and calls `context.journal.write` for each record that it changed;
 * - `admit`: credentials and limits, asked at the arrival of every request. Limits are made by `context.limits(windows)`;
 * - `errorReply(status)`: the vendor's body for a status, which faults, unknown paths and other methods are answered with;
 * - `faults`: replies that only this vendor gives, by name; `finish`: headers of every reply; `records`: the side door.
 * Beside it stand its table of behaviours (simulator-behaviours.ts) and a line in start-simulator.ts. Time is
 * `context.clock.now()` and nothing else; what takes time (a queue, a lag) is worked out when somebody asks for it, and no
 * timer runs. Chance is `context.random`. `POST /__reset` calls the function again: it must keep nothing elsewhere.
 *
 * A request: head arrives (journal, `admit`, the fault is drawn) - body arrives - a part of the latency - fault `before`, or the
 * handler - the rest of the latency - fault `after`, or the reply. What `admit` refuses meets no fault.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { DrawnFault } from './simulator-faults.ts'
import type { SimulatorOptions } from './simulator-options.ts'
import type { SimulatorReply, SimulatorRequest, SimulatorRequestHead } from './simulator-request.ts'
import { sideDoor } from './simulator-side-door.ts'
import { MISHAPS, readBody, sendReply } from './simulator-transport.ts'
import { createWorld, type DefineSimulator, type SimulatorWorld } from './simulator-world.ts'

export interface RunningSimulator {
  /** `http://127.0.0.1:PORT`, without a slash at its end. */
  readonly url: string
  /** Ends it, and every connection with it. */
  close(): Promise<void>
}

const MAX_BODY_BYTES = 10 * 1024 * 1024

export async function serveSimulator(define: DefineSimulator, options: SimulatorOptions): Promise<RunningSimulator> {
  let world: SimulatorWorld | undefined
  const current = () => world as SimulatorWorld
  const findDoor = sideDoor(current, () => {
    world = createWorld(define, options, url)
  })
  // How long a URI may be is for the simulator to say.
  const server = createServer({ maxHeaderSize: 64 * 1024 }, (message, response) => {
    const path = pathOf(message)
    const done = path.startsWith('/__')
      ? openDoor(findDoor, message, response, current())
      : answer(message, response, current())
    done.catch((error: unknown) => giveUp(error, message, response))
  })
  if (options.max_connections !== undefined) server.maxConnections = options.max_connections
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    world = createWorld(define, options, url)
  } catch (error) {
    server.close()
    throw error
  }
  return {
    url,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)))
        server.closeAllConnections()
      }),
  }
}

/** A client that went away is no news; anything else is a mistake in the simulator, and its client has to see it. */
function giveUp(error: unknown, message: IncomingMessage, response: ServerResponse): void {
  if (message.destroyed && !message.complete) return
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  if (response.headersSent) response.destroy()
  else sendReply(response, { status: 500, body: `simulator: ${text}\n` })
}

async function openDoor(
  find: ReturnType<typeof sideDoor>,
  message: IncomingMessage,
  response: ServerResponse,
  world: SimulatorWorld,
): Promise<void> {
  const found = find(message.method as string, pathOf(message))
  const body = await readBody(message, Number.POSITIVE_INFINITY)
  if (typeof found !== 'object') return sendReply(response, { status: 404, body: { message: 'there is no such door' } })
  const request = { ...headOf(message, 0, world.clock.now()), params: found.params, body: body as Buffer }
  sendReply(response, await found.route.handle(request))
}

async function answer(message: IncomingMessage, response: ServerResponse, world: SimulatorWorld): Promise<void> {
  const { simulator, clock, journal, counts } = world
  const entry = journal.arrive(message.method as string, message.url as string, clock.now())
  const head = headOf(message, entry.n, entry.time)
  const finish = (reply: SimulatorReply) => simulator.finish?.(head, reply) ?? reply
  counts.open++
  counts.most = Math.max(counts.most, counts.open)
  response.once('close', () => {
    counts.open--
    entry.status ??= 0
  })
  const send = (reply: SimulatorReply, fault?: string) => {
    if (response.destroyed) return
    const mishap = fault === undefined ? undefined : MISHAPS[fault]
    entry.status = reply.status
    if (mishap === undefined) sendReply(response, reply)
    else entry.status = mishap(response, reply).sent
  }

  const refusal = simulator.admit?.(head)
  if (refusal !== undefined) {
    await readBody(message, 0)
    return send(finish(refusal))
  }
  const drawn = world.faults.draw(head.method, head.path)
  if (drawn !== undefined) entry.fault = `${drawn.fault}:${drawn.when}`
  if (drawn?.fault === 'reset-early') return send({ status: 0 }, drawn.fault)
  const body = await readBody(message, simulator.maxBodyBytes ?? MAX_BODY_BYTES)
  if (body === undefined) return send(finish(simulator.errorReply(413, head)))

  const latency = world.latency()
  const before = latency * world.share()
  if (before > 0) await delay(before)
  const reply =
    drawn?.when === 'before' && !isDelay(drawn) ? undefined : await handle({ ...head, params: {}, body }, world)
  const rest = latency - before + delayOf(drawn)
  if (rest > 0) await delay(rest)
  if (drawn === undefined || isDelay(drawn)) return send(finish(reply as SimulatorReply))
  send(finish(faultReply(drawn, head, reply, world)), drawn.fault)
}

function handle(request: SimulatorRequest, world: SimulatorWorld): SimulatorReply | Promise<SimulatorReply> {
  const { simulator, find, counts } = world
  const found = find(request.method, request.path)
  if (found === undefined) return simulator.errorReply(404, request)
  if (found === 'other method') return simulator.errorReply(405, request)
  const name = `${found.route.method} ${found.route.path}`
  counts.routes.set(name, (counts.routes.get(name) ?? 0) + 1)
  return found.route.handle({ ...request, params: found.params })
}

/** What a fault makes of the reply, which is undefined where nothing was done. */
function faultReply(
  { fault }: DrawnFault,
  head: SimulatorRequestHead,
  reply: SimulatorReply | undefined,
  { simulator }: SimulatorWorld,
): SimulatorReply {
  const own = simulator.faults?.[fault]
  if (own !== undefined) return own(head, reply)
  const status = /^status-(\d+)$/.exec(fault)?.[1]
  if (status !== undefined) return simulator.errorReply(Number(status), head)
  return reply ?? { status: 200, body: { status: 'PENDING', results: [] } }
}

function isDelay({ fault }: DrawnFault): boolean {
  return fault.startsWith('delay-')
}

function delayOf(drawn: DrawnFault | undefined): number {
  return drawn !== undefined && isDelay(drawn) ? Number(drawn.fault.slice('delay-'.length)) : 0
}

function pathOf(message: IncomingMessage): string {
  return (message.url as string).split('?', 1)[0] as string
}

function headOf(message: IncomingMessage, n: number, time: number): SimulatorRequestHead {
  const url = message.url as string
  const path = pathOf(message)
  const query = new URLSearchParams(url.slice(path.length))
  return { n, method: message.method as string, url, path, query, headers: message.headers, time }
}

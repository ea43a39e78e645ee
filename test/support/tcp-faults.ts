import type { Socket } from 'node:net'
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises'

/** Ways in which a network fails: an end in good order, a reset, silence, delay, and one byte at a time. */
export const TCP_FAULTS = ['fin', 'rst', 'black hole', 'slow', 'slices'] as const

export interface TcpFault {
  readonly kind: (typeof TCP_FAULTS)[number]
  /** Bytes that pass before, both ways and over all connections together; or what the client's first lost message says. */
  readonly at: number | RegExp
  /** Strikes every connection from then on, not only the one that is struck first. */
  readonly lasting?: boolean
}

/** Milliseconds by which each chunk comes late. */
const DELAY_MS = 2
/** Bytes that pass one by one; what follows passes as it comes. */
const SLICED_BYTES = 400

/** The two sockets of a connection through a relay, and what befell it. */
interface Line {
  readonly sockets: readonly [Socket, Socket]
  fault: TcpFault['kind'] | undefined
  sliced: number
}

/** The faults of a relay's connections. Without a plan every chunk passes at once, as it came. */
export class TcpFaults {
  #plan: TcpFault | undefined
  #passed = 0
  #struck = false

  /** Bytes that have passed since the last plan was made. */
  get passed(): number {
    return this.#passed
  }

  /** Whether the planned fault has happened. */
  get struck(): boolean {
    return this.#struck
  }

  /** What will happen to what passes from now on; nothing, unless a fault is given. */
  plan(fault?: TcpFault): void {
    this.#plan = fault
    this.#passed = 0
    this.#struck = false
  }

  /** How to pass a chunk on to either socket of a connection. */
  connect(client: Socket, upstream: Socket): { toClient(chunk: Buffer): void; toUpstream(chunk: Buffer): void } {
    const line: Line = { sockets: [client, upstream], fault: undefined, sliced: 0 }
    for (const socket of line.sockets) socket.setNoDelay(true)
    if (this.#struck && this.#plan?.lasting) this.#strike(line, this.#plan)
    return { toClient: this.#way(line, client, false), toUpstream: this.#way(line, upstream, true) }
  }

  #way(line: Line, to: Socket, isRequest: boolean): (chunk: Buffer) => void {
    // Chunks that come late must not overtake one another.
    let queue: Promise<void> = Promise.resolve()
    const pass = (chunk: Buffer) => {
      if (line.fault === undefined) to.write(chunk)
      else if (line.fault === 'slow') queue = queue.then(() => delay(DELAY_MS)).then(() => void to.write(chunk))
      else if (line.fault === 'slices') queue = queue.then(() => slice(line, chunk, to))
    }
    return (chunk) => {
      const plan = this.#plan
      const before = this.#passed
      this.#passed += chunk.length
      if (plan === undefined || (this.#struck && !plan.lasting) || line.fault !== undefined) return pass(chunk)
      const left = typeof plan.at === 'number' ? plan.at - before : isRequest && says(chunk, plan.at) ? 0 : chunk.length
      if (left >= chunk.length) return pass(chunk)
      const intact = Math.max(0, left)
      if (intact > 0) pass(chunk.subarray(0, intact))
      this.#strike(line, plan)
      pass(chunk.subarray(intact))
    }
  }

  #strike(line: Line, { kind }: TcpFault): void {
    this.#struck = true
    line.fault = kind
    for (const socket of line.sockets) {
      if (kind === 'fin') socket.end()
      if (kind === 'rst') socket.resetAndDestroy()
    }
  }
}

function says(chunk: Buffer, what: RegExp): boolean {
  return what.test(chunk.toString('latin1'))
}

async function slice(line: Line, chunk: Buffer, to: Socket): Promise<void> {
  let at = 0
  for (; at < chunk.length && line.sliced < SLICED_BYTES; at++, line.sliced++) {
    to.write(chunk.subarray(at, at + 1))
    await turn()
  }
  if (at < chunk.length) to.write(chunk.subarray(at))
}

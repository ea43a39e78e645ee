import type { Socket } from 'node:net'
import type pg from 'pg'
import { FatalError } from '../core/errors.ts'

/** Looks whether bytes still come in, while it is started. */
export interface IdleWatch {
  start(): void
  stop(): void
}

/**
 * Calls `onIdle` once when, while started, nothing at all came over any of the connections for `idleMs` milliseconds (at most a
 * quarter later). 0 never calls. It counts the bytes of the socket: a page of a slow query is not idle as long as it
 * trickles in, and a black-holed connection, which every driver would wait on for ever, is.
 */
export function idleWatch(clients: readonly pg.Client[], idleMs: number, onIdle: () => void): IdleWatch {
  let timer: NodeJS.Timeout | undefined
  let bytes = 0
  let since = 0
  const received = () => clients.reduce((sum, client) => sum + (client.connection.stream as Socket).bytesRead, 0)
  const stop = () => {
    clearInterval(timer)
    timer = undefined
  }
  const look = () => {
    if (received() !== bytes) {
      bytes = received()
      since = performance.now()
    } else if (performance.now() - since >= idleMs) {
      stop()
      onIdle()
    }
  }
  return {
    start() {
      if (timer !== undefined || idleMs <= 0) return
      bytes = received()
      since = performance.now()
      timer = setInterval(look, Math.max(1, idleMs / 4))
    },
    stop,
  }
}

/** Nothing came for too long. */
export function idleError(at: string, idleMs: number): FatalError {
  return new FatalError(
    'source_idle',
    `nothing came from ${at} for ${idleMs / 1000} s: look whether the query waits or the network is cut, ` +
      'or raise idle_timeout of the source',
  )
}

/** Awaits an answer of the server; gives the connection up when nothing comes for too long. */
export async function answer<T>(client: pg.Client, at: string, idleMs: number, work: Promise<T>): Promise<T> {
  let idle = false
  const watch = idleWatch([client], idleMs, () => {
    idle = true
    client.connection.stream.destroy()
  })
  watch.start()
  try {
    return await work
  } catch (error) {
    throw idle ? idleError(at, idleMs) : error
  } finally {
    watch.stop()
  }
}

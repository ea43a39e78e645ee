import type { Socket } from 'node:net'

/** What pg left when its socket was taken over. */
export interface TakenSocket {
  /** pg's own reader: takes what is not for whoever took over. */
  readonly parse: (chunk: Buffer) => void
  /** Gives the socket back to pg. */
  release(): void
}

/** Puts `onData` in the place of pg, which reads this socket, until it is released: pg makes an event of every row. */
export function takeOver(socket: Socket, onData: (chunk: Buffer) => void): TakenSocket {
  const [parse, ...others] = socket.listeners('data') as ((chunk: Buffer) => void)[]
  if (parse === undefined || others.length > 0) throw new Error('the connection is not read by pg alone')
  socket.removeListener('data', parse)
  socket.on('data', onData)
  return {
    parse,
    release() {
      socket.removeListener('data', onData)
      if (!socket.listeners('data').includes(parse)) socket.on('data', parse)
    },
  }
}

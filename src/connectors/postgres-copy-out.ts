import type { Socket } from 'node:net'
import type pg from 'pg'
import { CopyFrames } from './postgres-copy-frames.ts'
import { takeOver } from './postgres-take-over.ts'

const COPY_DONE = 0x63 // c

export interface CopyOutSink {
  /** What the server copies, as it comes; the buffer is given away. */
  data(bytes: Buffer): void
  /** Everything was copied; the server's own count follows with its next answer ({@link CopyOut.rows}). */
  end(): void
  fail(error: unknown): void
}

/**
 * A `COPY … TO STDOUT` as pg submits it (`client.query(new CopyOut(…))`). It reads the socket by itself while the copy
 * is under way, because pg's parser makes an event of every row, and hands it back with the first frame that is no data.
 */
export class CopyOut implements pg.Submittable {
  readonly #sql: string
  readonly #sink: CopyOutSink
  #socket: Socket | undefined
  #rows = 0

  constructor(sql: string, sink: CopyOutSink) {
    this.#sql = sql
    this.#sink = sink
  }

  /** How many rows the server says it sent; known once the statement after the copy was answered. */
  get rows(): number {
    return this.#rows
  }

  /** Called by pg when it is this statement's turn. */
  submit(connection: pg.Connection): void {
    const socket = connection.stream as Socket
    const frames = new CopyFrames({
      data: (bytes) => this.#sink.data(bytes),
      aside: (bytes) => taken.parse(bytes),
      end: (bytes) => {
        taken.release()
        this.#socket = undefined
        // Whoever paused the copy did not mean the answers that follow it.
        socket.resume()
        // Anything else is an error, which pg reads and hands to handleError.
        if (bytes[0] === COPY_DONE) this.#sink.end()
        taken.parse(bytes)
      },
    })
    const taken = takeOver(socket, (chunk) => frames.walk(chunk))
    this.#socket = socket
    connection.query(this.#sql)
  }

  /** Stops reading from the socket: the server waits. */
  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  /** Called by pg: the server refused, broke off, or is gone. */
  handleError(error: unknown): void {
    this.#sink.fail(error)
  }

  /** Called by pg with the server's `COPY 123`. */
  handleCommandComplete({ text }: { readonly text: string }): void {
    const rows = /^COPY (\d+)$/.exec(text)?.[1]
    if (rows !== undefined) this.#rows = Number(rows)
  }

  /** Called by pg. */
  handleReadyForQuery(): void {}
}

import type { Writable } from 'node:stream'
import type pg from 'pg'
import { RetryableError } from '../core/errors.ts'
import { cancelQuery } from './postgres-cancel.ts'

/** Bytes of COPY data in one message: each that the socket takes is a sign of life. */
const CHUNK_BYTES = 128 * 1024
const COPY_DONE = Buffer.from([0x63, 0, 0, 0, 4])

/** What the server answered to one statement. */
export interface Answer {
  /** `COPY 3`, `COMMIT`. */
  readonly tag: string
  /** Texts; no rows where the statement returns none. */
  readonly rows: readonly (readonly (string | null)[])[]
}

export interface ExchangeOptions {
  /** Ends the wait at once: the statement is cancelled and the connection closed. */
  readonly signal: AbortSignal
  /** Milliseconds without any answer and without any byte taken after which the connection is closed. */
  readonly idleTimeoutMs: number
  /** Goes to the one COPY … FROM STDIN among the statements. */
  readonly copy?: Buffer
}

/** The messages of a query as pg hands them on. */
interface Exchange extends pg.Submittable {
  callback(): void
  handleRowDescription(): void
  handleDataRow(message: { readonly fields: readonly (string | null)[] }): void
  handleCopyInResponse(connection: pg.Connection): void
  handleCommandComplete(message: { readonly text: string }): void
  handleReadyForQuery(): void
  handleError(error: Error): void
}

/**
 * Sends several statements, and the data of a COPY among them, in one go (the simple query protocol); resolves with an
 * answer for each. After a statement that fails the server skips the rest. Rejects with the server's error, with the reason of the signal, or with
 * RetryableError when the other side says nothing for too long; in the last two cases the connection is closed.
 */
export async function exchange(
  client: pg.Client,
  statements: readonly string[],
  options: ExchangeOptions,
): Promise<readonly Answer[]> {
  const { signal, idleTimeoutMs, copy } = options
  signal.throwIfAborted()
  return new Promise((resolve, reject) => {
    const answers: Answer[] = []
    let rows: (string | null)[][] = []
    let over = false

    const settle = (conclude: () => void) => {
      if (over) return
      over = true
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      conclude()
    }
    /** Nothing of ours goes on behind the caller's back, so the cancel request is waited for. */
    const giveUp = (error: unknown) =>
      settle(() => {
        cancelQuery(client).then(() => {
          client.connection.stream.destroy()
          reject(error)
        }, reject)
      })
    const timer = setTimeout(() => {
      const message =
        `the server did not answer for ${idleTimeoutMs / 1000} s and the connection was closed: ` +
        'look for locks, slow triggers and a cut network, or set a smaller batch.size'
      giveUp(new RetryableError(message))
    }, idleTimeoutMs)
    const alive = () => void timer.refresh()
    const onAbort = () => giveUp(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })

    const query: Exchange = {
      submit: (connection) => connection.query(statements.join('; ')),
      // pg sets one if it finds none.
      callback() {},
      handleRowDescription: alive,
      handleDataRow: ({ fields }) => void rows.push([...fields]),
      handleCopyInResponse(connection) {
        alive()
        sendCopy(connection.stream, copy ?? Buffer.alloc(0), alive, () => over)
      },
      handleCommandComplete({ text }) {
        alive()
        answers.push({ tag: text, rows })
        rows = []
      },
      handleReadyForQuery: () => settle(() => resolve(answers)),
      handleError: (error) => settle(() => reject(error)),
    }
    client.query(query)
  })
}

/** Sends data as the socket takes it. Stops when the exchange is over: the server then ignores what still comes. */
function sendCopy(stream: Writable, data: Buffer, alive: () => void, isOver: () => boolean): void {
  let at = 0
  const next = (error?: Error | null) => {
    if (isOver() || error) return
    alive()
    if (at >= data.length) {
      stream.write(COPY_DONE)
      return
    }
    const chunk = data.subarray(at, at + CHUNK_BYTES)
    at += chunk.length
    const head = Buffer.from([0x64, 0, 0, 0, 0])
    head.writeUInt32BE(chunk.length + 4, 1)
    stream.cork()
    stream.write(head)
    stream.write(chunk, next)
    stream.uncork()
  }
  next()
}

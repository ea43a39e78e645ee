import { Readable } from 'node:stream'
import type pg from 'pg'
import { FatalError } from '../core/errors.ts'
import type { RowBatch } from '../core/row-batch.ts'
import { cancelQuery } from './postgres-cancel.ts'
import { idleError, idleWatch } from './postgres-idle.ts'
import { type ReadContext, readError } from './postgres-read-error.ts'

/** Batches that may wait for the next stage; one is being read meanwhile. */
const BATCHES_AHEAD = 2
/** Largest row in bytes of COPY text. A row beyond is a mistake in the model more often than data. */
export const MAX_ROW_BYTES = 16 * 1024 * 1024
const NEWLINE = 10

/** A query under way, as the stream drives it. */
export interface RowFeed {
  /** Goes on after `pause`; also called once at the start. */
  resume(): void
  pause(): void
  /** The query is of no use any more; its connection is closed next. */
  stop(): void
}

/** Where a feed puts what it reads. */
export interface RowSink {
  /** Whole lines of COPY text; the buffer is given away. */
  lines(bytes: Buffer): void
  /** The row after those given is larger than {@link MAX_ROW_BYTES}. */
  tooLarge(): void
  /** Called once: everything was read. `sent` is asked after the transaction ended for the number of rows, if the server says it. */
  end(sent: () => { readonly rows: number | undefined; readonly evidence: string }): void
  fail(error: unknown): void
}

export interface RowStreamRequest {
  /** Each inside a transaction of the same snapshot. */
  readonly clients: readonly [pg.Client, ...pg.Client[]]
  readonly context: ReadContext
  readonly idleTimeoutMs: number
  readonly signal: AbortSignal
  /** The transactions go on after the end, for further reads in their snapshot. Default: they are committed. */
  readonly more?: boolean
}

/**
 * The rows of a query as a stream of batches, over connections that are inside transactions. The last batch, empty,
 * carries the proof of the end: the transactions were committed, and the server's count is ours. Anything else, a
 * connection that just ends above all, destroys the stream with a FatalError. A stream that is destroyed before its end
 * cancels what the connections run and closes them.
 */
export function rowStream(request: RowStreamRequest, start: (sink: RowSink) => RowFeed): Readable {
  const { clients, context, idleTimeoutMs, signal } = request
  let feed: RowFeed | undefined
  let rows = 0
  let committed = false

  const fail = (error: unknown) => {
    if (!stream.destroyed) stream.destroy(readError(error, context, rows))
  }
  const watch = idleWatch(clients, idleTimeoutMs, () => fail(idleError(context.at, idleTimeoutMs)))
  // Once the end is proven, the connection may go while the last batches still wait to be taken.
  const onLost = (error?: Error) => {
    if (!committed) fail(error ?? new Error('the connection was closed'))
  }
  const onAbort = () =>
    stream.destroy(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)))

  const sink: RowSink = {
    lines(bytes) {
      if (stream.destroyed) return
      const batch = splitLines(bytes, rows)
      if (batch instanceof FatalError) return fail(batch)
      rows += batch.count
      if (!stream.push(batch)) {
        feed?.pause()
        watch.stop()
      }
    },
    end(sent) {
      if (stream.destroyed) return
      // What the server still has to say is waited for, whether or not the next stage wants more.
      watch.start()
      const settled = request.more === true ? Promise.resolve() : commit(request)
      settled
        .then(() => {
          if (stream.destroyed) return
          committed = true
          watch.stop()
          const { rows: counted, evidence } = sent()
          // The server's count comes with its next answer: where nothing is asked any more, whoever reads has to count.
          if (request.more !== true && counted !== undefined && counted !== rows) {
            return fail(incomplete(context, counted, rows))
          }
          stream.push({
            bytes: Buffer.alloc(0),
            offsets: new Uint32Array(1),
            count: 0,
            end: { rows, proven: true, evidence },
          } satisfies RowBatch)
          stream.push(null)
        })
        .catch(fail)
    },
    tooLarge: () => fail(rowTooLarge(rows)),
    fail,
  }

  const stream = new Readable({
    objectMode: true,
    highWaterMark: BATCHES_AHEAD,
    read() {
      watch.start()
      feed ??= start(sink)
      feed.resume()
    },
    destroy(error, callback) {
      watch.stop()
      for (const client of clients) {
        client.removeListener('error', onLost)
        client.removeListener('end', onLost)
      }
      signal.removeEventListener('abort', onAbort)
      if (committed || feed === undefined) {
        callback(error)
        return
      }
      feed.stop()
      Promise.all(clients.map(giveUp)).then(() => callback(error), callback)
    },
  })
  for (const client of clients) {
    client.on('error', onLost)
    client.on('end', onLost)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  return stream
}

/** Cancels what a connection runs, and closes it. */
async function giveUp(client: pg.Client): Promise<void> {
  const socket = client.connection.stream
  if (!socket.destroyed) await cancelQuery(client)
  socket.destroy()
}

/** Ends the transactions. One that failed answers a COMMIT with ROLLBACK, and no error. */
async function commit({ clients, context }: RowStreamRequest): Promise<void> {
  const answers = await Promise.all(clients.map((client) => client.query('COMMIT')))
  const refusal = answers.find(({ command }) => command !== 'COMMIT')
  if (refusal === undefined) return
  const message = `${context.at} answered COMMIT with ${refusal.command}: run again, and look into the server's log`
  throw new FatalError('source_incomplete', message)
}

function incomplete(context: ReadContext, sent: number, seen: number): FatalError {
  return new FatalError(
    'source_incomplete',
    `${context.at} sent ${sent} rows and ${seen} arrived: run again, and look at what is between (a proxy, a pooler)`,
  )
}

/** Positions of the lines of `bytes`, which ends in a newline. A field never holds one: COPY escapes it. */
function splitLines(bytes: Buffer, before: number): RowBatch | FatalError {
  // A guess that fits most rows; grows where they are short.
  let offsets = new Uint32Array((bytes.length >>> 5) + 2)
  let count = 0
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(NEWLINE, at) + 1
    if (end === 0) return new FatalError('source_incomplete', 'the last row has no end: run again')
    if (end - at > MAX_ROW_BYTES) return rowTooLarge(before + count)
    if (count + 1 === offsets.length) {
      const larger = new Uint32Array(offsets.length * 2)
      larger.set(offsets)
      offsets = larger
    }
    offsets[++count] = end
    at = end
  }
  return { bytes, offsets, count }
}

function rowTooLarge(before: number): FatalError {
  return new FatalError(
    'row_too_large',
    `row ${before + 1} of the model is larger than ${MAX_ROW_BYTES / 1024 / 1024} MiB: ` +
      'select fewer columns, or leave that row out of the model',
  )
}

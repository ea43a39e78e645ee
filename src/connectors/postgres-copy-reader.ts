import type { Readable } from 'node:stream'
import { CopyOut } from './postgres-copy-out.ts'
import { MAX_ROW_BYTES, type RowFeed, type RowSink, type RowStreamRequest, rowStream } from './postgres-row-stream.ts'

const NEWLINE = 10
/** Chunks are joined up to this size: each batch costs every stage some microseconds, whatever it holds. */
const BATCH_BYTES = 48 * 1024
/** But a slow query's rows wait no longer than this for more. */
const BATCH_MS = 50

/** Reads a query by `COPY (query) TO STDOUT`: the chunks that arrive are the batches, cut at the last line end. */
export function copyRows(request: RowStreamRequest, query: string): Readable {
  return rowStream(request, (sink) => copyFeed(request, query, sink))
}

function copyFeed({ client }: RowStreamRequest, query: string, sink: RowSink): RowFeed {
  /** What arrived since the last batch, and how much of it is whole lines. Joined once, however large a row is. */
  let pieces: Buffer[] = []
  let size = 0
  let whole = 0
  let last = performance.now()

  const flush = (length: number) => {
    const bytes = pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces, size)
    const rest = bytes.subarray(length)
    pieces = rest.length === 0 ? [] : [rest]
    size = rest.length
    whole = 0
    last = performance.now()
    sink.lines(length === bytes.length ? bytes : bytes.subarray(0, length))
  }
  const copy = client.query(
    new CopyOut(`COPY (${query}) TO STDOUT`, {
      data(chunk) {
        const end = chunk.lastIndexOf(NEWLINE) + 1
        if (end > 0) whole = size + end
        pieces.push(chunk)
        size += chunk.length
        if (whole > 0 && (size >= BATCH_BYTES || performance.now() - last > BATCH_MS)) flush(whole)
        else if (size - whole > MAX_ROW_BYTES) sink.tooLarge()
      },
      end() {
        if (size > 0) flush(size)
        sink.end(() => ({
          rows: copy.rows,
          evidence: `COPY sent ${copy.rows} rows, and its transaction committed`,
        }))
      },
      fail: (error) => sink.fail(error),
    }),
  )
  return {
    resume: () => copy.resume(),
    pause: () => copy.pause(),
    stop: () => copy.pause(),
  }
}

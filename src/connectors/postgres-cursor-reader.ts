import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import QueryStream from 'pg-query-stream'
import { rawTypes } from './postgres-connection.ts'
import { RowFrames } from './postgres-row-frames.ts'
import { MAX_ROW_BYTES, type RowFeed, type RowSink, type RowStreamRequest, rowStream } from './postgres-row-stream.ts'
import { takeOver } from './postgres-take-over.ts'

/** Rows of the first page; the width of its rows decides the size of the next. */
const FIRST_PAGE = 200
const LARGEST_PAGE = 5000
/** Bytes of COPY text that a page is made to hold. */
const PAGE_BYTES = 256 * 1024

/**
 * Reads a query through a cursor, for servers and poolers that refuse COPY: with parameters sent beside the query. The
 * rows become the same lines of COPY text. pg-query-stream asks for the pages; what comes is read by {@link RowFrames},
 * which keeps the rows for itself and lets pg have the rest.
 */
export function cursorRows(
  request: RowStreamRequest,
  query: { readonly sql: string; readonly values: readonly (string | null)[] },
): Readable {
  return rowStream(request, (sink) => cursorFeed(request, query, sink))
}

function cursorFeed(
  { clients: [client] }: RowStreamRequest,
  { sql, values }: { readonly sql: string; readonly values: readonly (string | null)[] },
  sink: RowSink,
): RowFeed {
  let bytes = 0
  const frames = new RowFrames(
    {
      lines(lines) {
        bytes += lines.length
        sink.lines(lines)
      },
      aside: (part) => parse(part),
      tooLarge: () => sink.tooLarge(),
    },
    MAX_ROW_BYTES,
  )
  const { parse, release } = takeOver(client.connection.stream as Socket, (chunk) => frames.walk(chunk))
  const query = client.query(new QueryStream(sql, [...values], { rowMode: 'array', types: rawTypes }))
  let size = FIRST_PAGE
  let reading = false
  let paused = false
  let ended = false

  // The pages are asked for here and not through the stream, whose pages hold a fixed number of rows: a thousand
  // wide ones fill the memory. Never two requests at once: pg-cursor hangs on the second.
  const next = () => {
    reading = true
    const before = frames.rows
    bytes = 0
    query.cursor.read(size, (error: Error | undefined) => {
      reading = false
      if (ended) return
      if (error) {
        release()
        return sink.fail(error)
      }
      const rows = frames.rows - before
      if (rows < size) {
        ended = true
        release()
        sink.end(() => ({ rows: undefined, evidence: 'the cursor was read to its end, and its transaction committed' }))
        return
      }
      const fitting = Math.floor((PAGE_BYTES * rows) / Math.max(1, bytes))
      size = Math.max(1, Math.min(fitting, size * 4, LARGEST_PAGE))
      if (!paused) next()
    })
  }
  return {
    resume() {
      paused = false
      if (!reading && !ended) next()
    },
    pause() {
      paused = true
    },
    stop() {
      ended = true
    },
  }
}

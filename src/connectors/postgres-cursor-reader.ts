import type { Readable } from 'node:stream'
import QueryStream from 'pg-query-stream'
import { encodeRow } from '../core/copy-text.ts'
import { rawTypes } from './postgres-connection.ts'
import { MAX_ROW_BYTES, type RowFeed, type RowSink, type RowStreamRequest, rowStream } from './postgres-row-stream.ts'

/** Rows of the first page; the width of its rows decides the size of the next. */
const FIRST_PAGE = 200
const LARGEST_PAGE = 5000
/** Characters of COPY text that a page is made to hold. */
const PAGE_CHARACTERS = 256 * 1024

/**
 * Reads a query through a cursor, for servers and poolers that refuse COPY: slower, with parameters sent beside the
 * query. The rows become the same lines of COPY text.
 */
export function cursorRows(
  request: RowStreamRequest,
  query: { readonly sql: string; readonly values: readonly (string | null)[] },
): Readable {
  return rowStream(request, (sink) => cursorFeed(request, query, sink))
}

function cursorFeed(
  { client }: RowStreamRequest,
  { sql, values }: { readonly sql: string; readonly values: readonly (string | null)[] },
  sink: RowSink,
): RowFeed {
  const query = client.query(new QueryStream(sql, [...values], { rowMode: 'array', types: rawTypes }))
  let size = FIRST_PAGE
  let reading = false
  let paused = false
  let stopped = false
  let done = false

  // The pages are asked for here and not through the stream, whose pages hold a fixed number of rows: a thousand
  // wide ones fill the memory. Never two requests at once: pg-cursor hangs on the second.
  const next = () => {
    reading = true
    query.cursor.read(size, (error: Error | undefined, rows: (string | null)[][]) => {
      reading = false
      if (stopped) return
      if (error) return sink.fail(error)
      const characters = encodePage(rows, sink)
      if (stopped) return
      if (rows.length < size) {
        done = true
        sink.end(() => ({ rows: undefined, evidence: 'the cursor was read to its end, and its transaction committed' }))
        return
      }
      const fitting = Math.floor((PAGE_CHARACTERS * rows.length) / Math.max(1, characters))
      size = Math.max(1, Math.min(fitting, size * 4, LARGEST_PAGE))
      if (!paused) next()
    })
  }
  return {
    resume() {
      paused = false
      if (!reading && !stopped && !done) next()
    },
    pause() {
      paused = true
    },
    stop() {
      stopped = true
    },
  }
}

/** Puts a page into the sink, in one piece or, where rows are suddenly wide, in several. Answers its characters. */
function encodePage(rows: readonly (string | null)[][], sink: RowSink): number {
  let characters = 0
  let text = ''
  for (const row of rows) {
    const line = encodeRow(row)
    characters += line.length
    if (line.length > MAX_ROW_BYTES) {
      if (text !== '') sink.lines(Buffer.from(text))
      sink.tooLarge()
      return characters
    }
    text += line
    if (text.length > PAGE_CHARACTERS * 4) {
      sink.lines(Buffer.from(text))
      text = ''
    }
  }
  if (text !== '') sink.lines(Buffer.from(text))
  return characters
}

import type { Readable } from 'node:stream'
import { CopyBatches } from './postgres-copy-batches.ts'
import { CopyOut } from './postgres-copy-out.ts'
import { MAX_ROW_BYTES, type RowFeed, type RowSink, type RowStreamRequest, rowStream } from './postgres-row-stream.ts'

/** Reads a query by `COPY (query) TO STDOUT`: the chunks that arrive are the batches, cut at the last line end. */
export function copyRows(request: RowStreamRequest, query: string): Readable {
  return rowStream(request, (sink) => copyFeed(request, query, sink))
}

function copyFeed({ clients }: RowStreamRequest, query: string, sink: RowSink): RowFeed {
  const batches = new CopyBatches((bytes) => sink.lines(bytes))
  const copy = clients[0].query(
    new CopyOut(`COPY (${query}) TO STDOUT`, {
      data(chunk) {
        batches.push(chunk)
        if (batches.unfinished > MAX_ROW_BYTES) sink.tooLarge()
      },
      end() {
        batches.end()
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

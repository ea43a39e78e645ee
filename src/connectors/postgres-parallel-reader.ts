import type { Readable } from 'node:stream'
import type pg from 'pg'
import { CopyBatches } from './postgres-copy-batches.ts'
import { CopyOut } from './postgres-copy-out.ts'
import { MAX_ROW_BYTES, type RowFeed, type RowSink, type RowStreamRequest, rowStream } from './postgres-row-stream.ts'

/** Bytes of one range that may wait for the ranges before it; what reads it is then made to wait, too. */
const RANGE_BYTES_AHEAD = 4 * 1024 * 1024
/** How many ranges may be under way or waiting, for each connection: while one is passed on, the next is read. */
const RANGES_AHEAD = 2

/**
 * Reads queries by COPY over several connections at the same time, one query after the other on each, and passes their
 * rows on in the order of the queries: the rows of one query over one connection, if each query is a range of its keys.
 */
export function parallelCopyRows(request: RowStreamRequest, queries: readonly string[]): Readable {
  return rowStream(request, (sink) => new ParallelFeed(request.clients, queries, sink))
}

/** One query under way: what it sent and nobody took yet. */
interface Range {
  readonly copy: CopyOut
  readonly waiting: Buffer[]
  waitingBytes: number
  ended: boolean
}

class ParallelFeed implements RowFeed {
  readonly #queries: readonly string[]
  readonly #sink: RowSink
  readonly #connections: number
  /** Ranges that were started and not yet passed on; the first is the one whose turn it is. */
  readonly #ranges: Range[] = []
  readonly #free: pg.Client[]
  readonly #copied: CopyOut[] = []
  #started = 0
  #paused = true
  #passing = false
  #ended = false

  constructor(clients: readonly pg.Client[], queries: readonly string[], sink: RowSink) {
    this.#queries = queries
    this.#sink = sink
    this.#connections = clients.length
    this.#free = [...clients]
    this.#start()
  }

  resume(): void {
    this.#paused = false
    this.#pass()
  }

  pause(): void {
    this.#paused = true
  }

  stop(): void {
    this.#paused = true
    for (const { copy } of this.#ranges) copy.pause()
  }

  /** Gives the connections that have nothing to do the next ranges. */
  #start(): void {
    while (
      this.#free.length > 0 &&
      this.#started < this.#queries.length &&
      this.#ranges.length < this.#connections * RANGES_AHEAD
    ) {
      this.#startOn(this.#free.shift() as pg.Client, this.#queries[this.#started++] as string)
    }
  }

  #startOn(client: pg.Client, query: string): void {
    const batches = new CopyBatches((bytes) => {
      range.waiting.push(bytes)
      range.waitingBytes += bytes.length
    })
    const copy = new CopyOut(`COPY (${query}) TO STDOUT`, {
      data: (chunk) => {
        batches.push(chunk)
        this.#pass()
        if (range !== this.#ranges[0]) {
          if (range.waitingBytes + batches.unfinished > RANGE_BYTES_AHEAD) copy.pause()
        } else if (batches.unfinished > MAX_ROW_BYTES) this.#sink.tooLarge()
        else if (range.waiting.length > 0) copy.pause()
      },
      end: () => {
        batches.end()
        range.ended = true
        this.#free.push(client)
        this.#pass()
      },
      fail: (error) => this.#sink.fail(error),
    })
    const range: Range = { copy, waiting: [], waitingBytes: 0, ended: false }
    this.#ranges.push(range)
    this.#copied.push(copy)
    client.query(copy)
  }

  /** Hands on what is there of the ranges whose turn it is, as long as the next stage wants it. */
  #pass(): void {
    // The sink may ask for more, or for a pause, while it is given a batch.
    if (this.#passing) return
    this.#passing = true
    for (let range = this.#ranges[0]; range !== undefined && !this.#paused; range = this.#ranges[0]) {
      const batch = range.waiting.shift()
      if (batch !== undefined) {
        range.waitingBytes -= batch.length
        this.#sink.lines(batch)
      } else if (range.ended) {
        this.#ranges.shift()
      } else {
        range.copy.resume()
        break
      }
    }
    this.#passing = false
    this.#start()
    if (this.#ranges.length === 0 && this.#started === this.#queries.length && !this.#ended) this.#end()
  }

  #end(): void {
    this.#ended = true
    const rows = () => this.#copied.reduce((sum, copy) => sum + copy.rows, 0)
    this.#sink.end(() => ({
      rows: rows(),
      evidence:
        `COPY sent ${rows()} rows in ${this.#queries.length} ranges over ${this.#connections} connections that share ` +
        'one snapshot, and their transactions committed',
    }))
  }
}

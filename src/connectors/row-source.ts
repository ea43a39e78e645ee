import { Readable } from 'node:stream'
import type { Column } from '../core/column.ts'
import { configurationError, FatalError } from '../core/errors.ts'
import type { RowBatch, RowLayout } from '../core/row-batch.ts'
import type { ModelRequest, Reading, ReadRequest, Source } from '../core/source.ts'
import type { ByteInput } from './byte-input.ts'
import { csvFormat } from './csv-rows.ts'
import { judgeEnd } from './end-of-input.ts'
import { ndjsonFormat } from './ndjson-rows.ts'
import type { RowFormat, RowReader } from './row-format.ts'
import type { RowOptions } from './row-options.ts'

/** How far a pipe is read ahead to count rows before anything is sent. */
const MOST_BYTES_AHEAD = 32 * 1024 * 1024

export interface RowInput {
  /** For messages: `stdin`, or the path as written. */
  readonly name: string
  /** Starts at the first byte, also where it was opened before; a pipe can be opened once. */
  open(): Promise<ByteInput>
  /** Whether it can be opened again. */
  readonly again: boolean
  close(): Promise<void>
}

/** Rows of text, from a pipe or a file, as a model. */
export class RowSource implements Source {
  readonly #input: RowInput
  readonly #options: RowOptions
  readonly #format: RowFormat
  #bytes: Promise<ByteInput> | undefined
  #columns: Promise<readonly Column[]> | undefined
  #rows: Readable | undefined

  constructor(input: RowInput, options: RowOptions, request: ModelRequest) {
    if (request.sql !== undefined || request.table !== undefined) {
      throw configurationError(
        'no_such_model',
        `${input.name} holds rows and no database: name it in the source itself, source: { stdin: csv } or { file: … }`,
      )
    }
    this.#input = input
    this.#options = options
    this.#format = options.format === 'csv' ? csvFormat(input.name, options) : ndjsonFormat(input.name, options)
  }

  async describe(): Promise<readonly Column[]> {
    this.#bytes ??= this.#input.open()
    this.#columns ??= this.#bytes.then((bytes) => this.#format.columns(bytes.lookAhead()))
    return await this.#columns
  }

  async hasAtLeast(wanted: number): Promise<{ readonly enough: boolean; readonly rows: number }> {
    await this.describe()
    const bytes = await (this.#input.again ? this.#input.open() : (this.#bytes as Promise<ByteInput>))
    const reader = this.#format.read([])
    const forget = () => void reader.lines.take()
    const next = bytes.lookAhead()
    try {
      while (reader.rows < wanted) {
        const chunk = this.#input.again ? await bytes.next() : await next()
        if (chunk === undefined) {
          reader.finish(this.#options.trustEof || bytes.gzip === 'whole', forget)
          break
        }
        reader.feed(chunk, forget)
        if (bytes.aheadBytes > MOST_BYTES_AHEAD && reader.rows < wanted) throw tooFarAhead(wanted, this.#input.name)
      }
    } finally {
      if (this.#input.again) await bytes[Symbol.asyncDispose]()
    }
    return { enough: reader.rows >= wanted, rows: Math.min(reader.rows, wanted) }
  }

  async read({ key, columns: names, signal }: ReadRequest): Promise<Reading> {
    signal.throwIfAborted()
    const columns = await this.describe()
    const bytes = await (this.#bytes as Promise<ByteInput>)
    if (this.#rows !== undefined) throw new Error('a source is read once; open another')
    const { layout, read } = planLines(columns, key, names)
    this.#rows = this.#stream(bytes, this.#format.read(read), signal)
    return { layout, rows: this.#rows, sorted: this.#options.sorted }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#rows?.destroy()
    // Where opening failed, nothing is open, and whoever opened knows why.
    const bytes = await this.#bytes?.catch(() => undefined)
    await bytes?.[Symbol.asyncDispose]()
    await this.#input.close()
  }

  #stream(bytes: ByteInput, reader: RowReader, signal: AbortSignal): Readable {
    let pushed = false
    const full = () => {
      pushed = true
      stream.push(reader.lines.take())
    }
    const pull = async () => {
      for (pushed = false; !pushed; ) {
        const chunk = await bytes.next()
        if (stream.destroyed) return
        if (chunk === undefined) {
          this.#finish(bytes, reader, stream, full)
          return
        }
        reader.feed(chunk, full)
      }
    }
    const stream = new Readable({
      objectMode: true,
      highWaterMark: 2,
      read() {
        pull().catch((error: Error) => stream.destroy(error))
      },
      destroy(error, callback) {
        signal.removeEventListener('abort', onAbort)
        bytes[Symbol.asyncDispose]().then(() => callback(error), callback)
      },
    })
    const onAbort = () =>
      stream.destroy(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)))
    signal.addEventListener('abort', onAbort, { once: true })
    return stream
  }

  #finish(bytes: ByteInput, reader: RowReader, stream: Readable, full: () => void): void {
    reader.finish(this.#options.trustEof || bytes.gzip === 'whole', full)
    const { rows, trailer } = reader
    const end = judgeEnd({ rows, trailer, gzip: bytes.gzip }, this.#options, this.#input.name)
    stream.push({ ...reader.lines.take(), end } satisfies RowBatch)
    stream.push(null)
  }
}

/** Lines hold the columns that were asked for; a key column that was not stands before them. */
function planLines(
  known: readonly Column[],
  key: readonly string[],
  names: readonly string[],
): { layout: RowLayout; read: readonly Column[] } {
  const find = (name: string): Column => {
    const column = known.find((one) => one.name === name)
    if (column === undefined) throw configurationError('unknown_column', `the model has no column ${name}`)
    return column
  }
  const columns = names.map(find)
  const before = key.filter((name) => !names.includes(name)).map(find)
  const read = [...before, ...columns]
  const layout = {
    key: key.map((name) => {
      const field = read.findIndex((column) => column.name === name)
      return { field, encoding: (read[field] as Column).keyEncoding }
    }),
    extra: before.length,
    columns,
  }
  return { layout, read }
}

function tooFarAhead(wanted: number, name: string): FatalError {
  return new FatalError(
    'min_rows_too_far',
    `guards.min_rows: ${wanted} rows of ${name} are more than can be read ahead of a pipe (32 MiB): lower it, ` +
      'or write the rows to a file and sync that',
  )
}

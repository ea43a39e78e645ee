import { Readable } from 'node:stream'
import { ByteInput } from '../../src/connectors/byte-input.ts'
import { type RowOptions, rowOptions } from '../../src/connectors/row-options.ts'
import { RowSource } from '../../src/connectors/row-source.ts'
import type { Column } from '../../src/core/column.ts'
import { decodeRow } from '../../src/core/copy-text.ts'
import { FatalError } from '../../src/core/errors.ts'
import type { EndOfModel, RowBatch, RowLayout, UnreadableRow } from '../../src/core/row-batch.ts'
import type { Row } from './row-batches.ts'

export type RowOptionsInput = Partial<RowOptions>

/** What came of reading rows of text. */
export interface TextRows {
  readonly columns: readonly Column[]
  readonly layout: RowLayout | undefined
  readonly rows: readonly Row[]
  readonly invalid: readonly UnreadableRow[]
  readonly end: EndOfModel | undefined
  /** What stopped it. */
  readonly error: FatalError | undefined
}

export interface ReadTextRequest {
  /** Bytes of a chunk; default: all in one. */
  readonly chunk?: number
  readonly columns?: readonly string[]
  readonly key?: readonly string[]
}

/** A source over these bytes, as they would come through a pipe in chunks of that size. */
export function textSource(
  text: string | Buffer,
  options: RowOptionsInput,
  chunk = Number.POSITIVE_INFINITY,
): RowSource {
  const bytes = Buffer.from(text)
  async function* chunks(): AsyncGenerator<Buffer> {
    for (let from = 0; from < bytes.length; from += chunk) yield Buffer.from(bytes.subarray(from, from + chunk))
  }
  const input = {
    name: 'stdin',
    again: false,
    open: async () => new ByteInput('stdin', Readable.from(chunks(), { objectMode: false })),
    close: async () => {},
  }
  return new RowSource(input, rowOptions.parse({ quote: '"', ...options }), {
    params: {},
    read: 'auto',
    idleTimeoutMs: 1000,
  })
}

/** Reads everything. Errors that are meant for users are part of the result, any other is thrown. */
export async function readText(
  text: string | Buffer,
  options: RowOptionsInput,
  request: ReadTextRequest = {},
): Promise<TextRows> {
  await using source = textSource(text, options, request.chunk)
  const found = { columns: [] as readonly Column[], layout: undefined as RowLayout | undefined }
  const rows: Row[] = []
  const invalid: UnreadableRow[] = []
  let end: EndOfModel | undefined
  let error: FatalError | undefined
  try {
    found.columns = await source.describe()
    const names = request.columns ?? found.columns.map((column) => column.name)
    const key = request.key ?? names.slice(0, 1)
    const reading = await source.read({ key, columns: names, signal: new AbortController().signal })
    found.layout = reading.layout
    for await (const batch of reading.rows as AsyncIterable<RowBatch>) {
      rows.push(...rowsOf(batch))
      invalid.push(...(batch.invalid ?? []))
      end = batch.end
    }
  } catch (thrown) {
    if (!(thrown instanceof FatalError)) throw thrown
    error = thrown
  }
  return { ...found, rows, invalid, end, error }
}

export function rowsOf({ bytes, offsets, count }: RowBatch): Row[] {
  return Array.from({ length: count }, (_, row) => decodeRow(bytes, offsets[row] as number, offsets[row + 1] as number))
}

/** The error's code and the whole message, for the tables of wrong input. */
export function said({ error }: TextRows): string {
  return error === undefined ? 'no error' : `${error.code}: ${error.message}`
}

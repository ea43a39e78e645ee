import { Readable } from 'node:stream'
import { z } from 'zod'
import type { Column } from '../../src/core/column.ts'
import { FatalError } from '../../src/core/errors.ts'
import type { EndOfModel, RowBatch, RowLayout } from '../../src/core/row-batch.ts'
import { defineSource, type Reading, type ReadRequest, type SourceDefinition } from '../../src/core/source.ts'
import { compareKeyTexts } from './key-order.ts'
import { type Row, rowBatch } from './row-batches.ts'

/** A model in memory, as it will be read next; a test changes it between runs. */
export interface MapSource {
  columns: readonly Column[]
  /** In any order. */
  rows: readonly Row[]
  /** Rows of a batch. */
  batchRows: number
  /** Breaks the connection after so many rows. */
  breaksAfter: number | undefined
  /** What is said about the end; null says nothing and just stops. */
  end: Partial<EndOfModel> | null
  /** Puts the key before the columns once more, as a source does whose key has another form than its text. */
  extraKey: boolean
  /** Batches that were asked for, by all readings. */
  readonly pulled: number
  read(key: readonly string[], columns?: readonly string[]): Reading
  /** For `sync()`; the connection is `rows:`. */
  readonly definition: SourceDefinition<{ url?: string | undefined }>
}

export function mapSource(columns: readonly Column[], rows: readonly Row[] = []): MapSource {
  let pulled = 0

  const read = ({ key, columns: names, signal }: ReadRequest): Reading => {
    const { batchRows, breaksAfter, end, extraKey } = source
    const at = (name: string) => source.columns.findIndex((column) => column.name === name)
    const keyAt = key.map(at)
    const selected = [...(extraKey ? keyAt : []), ...names.map(at)]
    const encodings = keyAt.map((index) => (source.columns[index] as Column).keyEncoding)
    const layout: RowLayout = {
      key: encodings.map((encoding, index) => ({
        field: extraKey ? index : names.indexOf(key[index] as string),
        encoding,
      })),
      extra: extraKey ? key.length : 0,
      columns: names.map((name) => source.columns[at(name)] as Column),
    }
    const sorted = inKeyOrder(source.rows, keyAt, encodings).map((row) => selected.map((index) => row[index] ?? null))
    async function* batches(): AsyncGenerator<RowBatch> {
      const sent = sorted.slice(0, breaksAfter)
      for (let from = 0; from < sent.length; from += batchRows) {
        signal.throwIfAborted()
        pulled++
        yield rowBatch(sent.slice(from, from + batchRows))
      }
      signal.throwIfAborted()
      if (breaksAfter !== undefined)
        throw new FatalError('connection_lost', `broke off after ${breaksAfter} rows; run again`)
      if (end === null) return
      yield rowBatch([], { rows: sorted.length, proven: true, evidence: 'the test says so', ...end })
    }
    return { layout, rows: Readable.from(batches(), { objectMode: true, highWaterMark: 1 }) }
  }

  const source: MapSource = {
    columns,
    rows,
    batchRows: 1000,
    breaksAfter: undefined,
    end: {},
    extraKey: false,
    get pulled() {
      return pulled
    },
    read: (key, names = source.columns.map((column) => column.name)) =>
      read({ key, columns: names, signal: new AbortController().signal }),
    definition: defineSource({
      type: 'rows',
      schemes: ['rows'],
      options: z.object({ url: z.string().optional() }),
      async open() {
        return {
          describe: async () => source.columns,
          hasAtLeast: async (wanted) => ({ enough: source.rows.length >= wanted, rows: source.rows.length }),
          read: async (request) => read(request),
          [Symbol.asyncDispose]: async () => {},
        }
      },
    }),
  }
  return source
}

/** Sorted by key; rows whose key is null, or no integer where it should be one, are strewn in between. */
function inKeyOrder(
  rows: readonly Row[],
  keyAt: readonly number[],
  encodings: readonly Column['keyEncoding'][],
): Row[] {
  const keyOf = (row: Row) => keyAt.map((index) => row[index] ?? null)
  const usable = (row: Row) =>
    keyOf(row).every((text, index) => text !== null && (encodings[index] !== 'integer' || /^-?\d{1,19}$/.test(text)))
  const sorted = rows
    .filter(usable)
    .sort((a, b) => compareKeyTexts(encodings, keyOf(a) as string[], keyOf(b) as string[]))
  for (const [index, row] of rows.filter((candidate) => !usable(candidate)).entries())
    sorted.splice(((index + 1) * 7919) % (sorted.length + 1), 0, row)
  return sorted
}

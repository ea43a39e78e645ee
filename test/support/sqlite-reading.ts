import { sqliteSource } from '../../src/connectors/sqlite-source.ts'
import { decodeRow } from '../../src/core/copy-text.ts'
import type { EndOfModel, RowBatch, UnreadableRow } from '../../src/core/row-batch.ts'
import type { ModelRequest, Reading, Source } from '../../src/core/source.ts'

/** A model of an SQLite file as it was read. */
export interface ReadSqlite {
  readonly layout: Reading['layout']
  readonly sorted: boolean | undefined
  readonly rows: readonly (string | null)[][]
  readonly invalid: readonly UnreadableRow[]
  readonly end: EndOfModel | undefined
}

export async function openSqlite(path: string, model: Partial<ModelRequest>): Promise<Source> {
  const request = { params: {}, read: 'auto', idleTimeoutMs: 10_000, ...model } as const
  return sqliteSource.open(sqliteSource.options.parse({ path }), request)
}

/** Reads a model to its end: all columns, in the order of `key`. */
export async function readSqlite(path: string, model: Partial<ModelRequest>, ...key: string[]): Promise<ReadSqlite> {
  await using source = await openSqlite(path, model)
  const columns = (await source.describe()).map(({ name }) => name)
  const { layout, rows: stream, sorted } = await source.read({ key, columns, signal: new AbortController().signal })
  const batches: RowBatch[] = []
  for await (const batch of stream) batches.push(batch as RowBatch)
  return {
    layout,
    sorted,
    rows: batches.flatMap(({ bytes, offsets, count }) =>
      Array.from({ length: count }, (_, row) => decodeRow(bytes, offsets[row] as number, offsets[row + 1] as number)),
    ),
    invalid: batches.flatMap(({ invalid = [] }) => invalid),
    end: batches.at(-1)?.end,
  }
}

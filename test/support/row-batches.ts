import type { Column, ValueKind } from '../../src/core/column.ts'
import { encodeRow } from '../../src/core/copy-text.ts'
import type { EndOfModel, RowBatch, RowLayout } from '../../src/core/row-batch.ts'

export type Row = readonly (string | null)[]

const TYPES: Readonly<Record<ValueKind, string>> = {
  text: 'text',
  integer: 'bigint',
  decimal: 'numeric',
  float: 'double precision',
  boolean: 'boolean',
  bytes: 'bytea',
  date: 'date',
  timestamp: 'timestamp with time zone',
  json: 'jsonb',
  other: 'text',
}

/** A column whose key encoding, where it matters, is that of integers or text. */
export function column(name: string, kind: ValueKind = 'text'): Column {
  return { name, kind, type: TYPES[kind], keyEncoding: kind === 'integer' ? 'integer' : 'text' }
}

/** A layout whose first `keys` columns are the key. */
export function layoutOf(columns: readonly Column[], keys = 1): RowLayout {
  const key = columns.slice(0, keys).map(({ keyEncoding }, field) => ({ field, encoding: keyEncoding }))
  return { key, extra: 0, columns }
}

/** An integer key `id` and a text `v`. */
export const ID_AND_V: RowLayout = layoutOf([column('id', 'integer'), column('v')])

/** Rows as they flow between stages. */
export function rowBatch(rows: readonly Row[], end?: EndOfModel): RowBatch {
  const lines = rows.map((row) => Buffer.from(encodeRow(row)))
  const offsets = new Uint32Array(rows.length + 1)
  for (const [index, line] of lines.entries()) offsets[index + 1] = (offsets[index] as number) + line.length
  const batch = { bytes: Buffer.concat(lines), offsets, count: rows.length }
  return end === undefined ? batch : { ...batch, end }
}

export function provenEnd(rows: number): EndOfModel {
  return { rows, proven: true, evidence: 'the test says so' }
}

/** Rows in batches of `size` and an empty last one with a proven end. */
export function rowBatches(rows: readonly Row[], size = 1000): RowBatch[] {
  const batches: RowBatch[] = []
  for (let from = 0; from < rows.length; from += size) batches.push(rowBatch(rows.slice(from, from + size)))
  return [...batches, rowBatch([], provenEnd(rows.length))]
}

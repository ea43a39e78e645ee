import type { ChangeBatch, Field, Operation } from '../core/change.ts'
import type { KeyEncoding, ValueKind } from '../core/column.ts'
import { decodeRow, encodeRow } from '../core/copy-text.ts'

/** A record, or a row: each field as canonical text (`42`, `t`, `2024-02-29`, `\x0aff`), or null. */
export type ContractRecord = Readonly<Record<string, string | null>>

/** What each kind is called where a destination makes the field. */
export const TYPE_OF: Readonly<Record<ValueKind, string>> = {
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

const ENCODINGS: Readonly<Partial<Record<ValueKind, KeyEncoding>>> = {
  integer: 'integer',
  boolean: 'boolean',
  bytes: 'bytes',
  date: 'date',
  timestamp: 'timestamptz',
}

export function encodingOf(kind: ValueKind): KeyEncoding {
  return ENCODINGS[kind] ?? 'text'
}

/** Records as the engine sends them. */
export function batchOf(
  operation: Operation,
  fields: readonly Field[],
  records: readonly ContractRecord[],
  ids?: readonly (string | undefined)[],
): ChangeBatch {
  const rows = records.map((record) => fields.map(({ name }) => record[name] ?? null))
  const batch = changeBatch(operation, fields, rows)
  return ids === undefined ? batch : { ...batch, ids }
}

/** A batch as the engine makes them: one row of canonical texts, or nulls, for each change. */
export function changeBatch(
  operation: Operation,
  fields: readonly Field[],
  rows: readonly (readonly (string | null)[])[],
): ChangeBatch {
  const lines = rows.map((row) => Buffer.from(encodeRow(row)))
  const text = Buffer.concat(lines)
  const ends = new Uint32Array(rows.length)
  let end = 0
  for (const [index, line] of lines.entries()) {
    end += line.length
    ends[index] = end
  }
  return {
    operation,
    fields,
    count: rows.length,
    text,
    ends,
    values: (index) => decodeRow(text, index === 0 ? 0 : (ends[index - 1] as number), ends[index] as number),
  }
}

/** Bytes that a record takes up in a batch. */
export function lineBytes(fields: readonly Field[], record: ContractRecord): number {
  return Buffer.byteLength(encodeRow(fields.map(({ name }) => record[name] ?? null)))
}

import type { ChangeBatch, Field, Operation } from '../../src/core/change.ts'
import type { ValueKind } from '../../src/core/column.ts'
import { decodeRow, encodeRow } from '../../src/core/copy-text.ts'

/** A field of a batch: text, written always, nulls included, unless said otherwise. */
export function field(name: string, kind: ValueKind = 'text', overrides: Partial<Field> = {}): Field {
  return { name, kind, type: TYPES[kind], nulls: 'write', on: 'always', ...overrides }
}

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

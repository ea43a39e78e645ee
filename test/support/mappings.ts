import assert from 'node:assert/strict'
import type { Column } from '../../src/core/column.ts'
import { decodeRow, encodeRow } from '../../src/core/copy-text.ts'
import type { DeletesAs, FieldMapping } from '../../src/core/field-mapping.ts'
import type { RowLayout } from '../../src/core/row-batch.ts'
import { compileMapping, type RowMapping } from '../../src/pipeline/row-mapping.ts'
import { column, layoutOf, type Row } from './row-batches.ts'

export const VARIABLES = { runId: 'run-1', startedAt: '2026-11-22T18:00:00.000Z', syncName: 'contacts' }
export const COLUMNS = [column('id', 'integer'), column('a'), column('b')]

/** A mapping, from a column of the same name unless said otherwise. */
export function map(field: string, given: Partial<FieldMapping> = {}): FieldMapping {
  const from = { kind: 'column', column: field, hash: undefined } as const
  return { field, from, type: undefined, nulls: 'write', on: 'always', ...given }
}

export function compile(
  fields: readonly FieldMapping[],
  given: { columns?: readonly Column[]; layout?: RowLayout; match?: readonly string[]; deletesAs?: DeletesAs } = {},
): RowMapping {
  const { columns = COLUMNS, match = ['id'], deletesAs = { kind: 'delete' } } = given
  return compileMapping({ layout: given.layout ?? layoutOf(columns), match, fields, deletesAs, variables: VARIABLES })
}

/** The values that a row becomes, or the message about what does not fit. */
export function mapped(mapping: RowMapping, row: Row): Row | string {
  const bytes = Buffer.from(`before\n${encodeRow(row)}behind\n`)
  const start = 'before\n'.length
  const result = mapping.map(bytes, start, bytes.length - 'behind\n'.length)
  if ('message' in result) return `${result.code}: ${result.message}`
  assert.ok(result.line.endsWith('\n'))
  const line = Buffer.from(result.line)
  return decodeRow(line, 0, line.length)
}

import { encodeRow } from '../core/copy-text.ts'
import type { EndOfModel, RowBatch } from '../core/row-batch.ts'

/** Rows of values as the engine takes them: canonical text, or null. `end` belongs to the last batch, and only there. */
export function rowBatchOf(rows: readonly (readonly (string | null)[])[], end?: EndOfModel): RowBatch {
  const lines = rows.map((row) => Buffer.from(encodeRow(row)))
  const offsets = new Uint32Array(rows.length + 1)
  for (const [index, { length }] of lines.entries()) offsets[index + 1] = (offsets[index] as number) + length
  const batch = { bytes: Buffer.concat(lines), offsets, count: rows.length }
  return end === undefined ? batch : { ...batch, end }
}

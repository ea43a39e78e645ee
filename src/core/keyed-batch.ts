import type { RowBatch } from './row-batch.ts'

/** What keying found out about a row. */
export const ROW_KEYED = 0
/** Another row of the model has the same key: neither is sent, and the record is left alone. */
export const ROW_DUPLICATE = 1
/** A key column is null, unreadable or too long: the row may stand for any record. */
export const ROW_UNKEYED = 2

/** A row batch with the columns that keying adds. Arrays may be longer than `rows.count`. */
export interface KeyedBatch {
  readonly rows: RowBatch
  readonly keys: Buffer
  /** The key of row `i` is `keys[keyEnds[i - 1] .. keyEnds[i])`, from 0 for the first; empty if unkeyed. */
  readonly keyEnds: Uint32Array
  /** Two words a row: the fingerprint of its whole line. */
  readonly prints: Uint32Array
  /** ROW_KEYED, ROW_DUPLICATE or ROW_UNKEYED. */
  readonly verdicts: Uint8Array
}

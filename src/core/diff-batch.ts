import type { EntryState, Segment } from './key-entry.ts'
import type { KeyedBatch } from './keyed-batch.ts'
import type { EndOfModel } from './row-batch.ts'

/** What the merge says about a row that is not unchanged. */
export const CHANGE_INSERT = 1
export const CHANGE_UPDATE = 2
/** Nothing is sent, and nothing counted, but the index should remember that the model holds this key. */
export const CHANGE_NOTE = 3

/** The differences that one batch of rows brought to light. Rows are referred to by number, never copied. */
export interface DiffBatch {
  readonly keyed: KeyedBatch
  /** Number of changed rows; arrays may be longer. */
  count: number
  /** For each: the row number in `keyed`. */
  readonly rows: Uint32Array
  readonly kinds: Uint8Array
  /** For each: what the index knew, so that a rejected change can put it back. GONE where there was no entry. */
  readonly previous: Uint8Array
  readonly previousPrints: Uint32Array
  /** Keys the model lacks, with what the index knew. Null where there are none. */
  missing: Segment | null
  /** On the last batch only. By then the whole index was read and found sound. */
  readonly end: EndOfDiff | null
}

export interface EndOfDiff {
  readonly model: EndOfModel
  /** Rows that came down the stream; has to equal what the source says it sent. */
  readonly rows: number
  /** Rows without a usable key: each may stand for any record. */
  readonly unkeyed: number
  /** Entries of the index by state, the model's view of them aside: what deletes are measured against. */
  readonly entriesByState: Readonly<Record<EntryState, number>>
}

import type { EntryState, Segment } from './key-entry.ts'

/**
 * The sorted list of the destination's keys, each with a fingerprint of what was last acknowledged.
 *
 * It moves on proof only: a key is marked unsure, durably, before its change is sent, and acknowledged after the
 * answer. Whatever happens in between, the next diff finds an unsure key different from everything.
 */
export interface KeyIndex {
  /** The two words every fingerprint of this index is seeded with. */
  readonly seed: { readonly high: number; readonly low: number }
  /** Entries at the time of the call, in key order. Lanes written later are not part of it. */
  scan(): KeyScan
  /**
   * A new layer of this run. Within a lane keys ascend from segment to segment. Where a key is in two lanes, the entry in
   * the one that was first written to later counts.
   */
  lane(): Lane
  /** Makes everything put so far durable, in one transaction. Throws FatalError where it cannot (disk full). */
  commit(): void
  /** Folds the lanes of this run into the index, so that the next scan sees them. */
  compact(): void
}

/**
 * Sequence numbers ascend with the keys of their segments. Durable after the next {@link KeyIndex.commit}; the bytes of a
 * segment stay as they are until then, and may be written over afterwards.
 */
export interface Lane {
  /** Stages what is about to be sent, as unsure entries. The same number is put once more with the answer. */
  intend(sequence: number, segment: Segment): void
  /** Stages what is known now; replaces the intent of that number, and an empty segment removes it. */
  put(sequence: number, segment: Segment): void
}

/**
 * A walk over the index. `next` moves on; the fields describe the current entry until the next call. Entries that
 * are gone do not appear. Throws FatalError('index_damaged') as soon as something read is not what was written,
 * and at the latest when `next` returns false: after that the whole index is known to be sound.
 */
export interface KeyScan {
  next(): boolean
  readonly bytes: Buffer
  readonly keyStart: number
  readonly keyEnd: number
  readonly state: EntryState
  readonly printHigh: number
  readonly printLow: number
}

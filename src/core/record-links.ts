/** How the destination knows the record of a key. Kept in the key index for destinations that declare `links`. */
export interface RecordLink {
  /**
   * What the destination compares when it matches: two rows with the same identity are one record there. The first is the
   * one that was sent last; there are more as long as the answer to a change of it is awaited, and none where the row has gone
   * before that came and the mode keeps the record.
   */
  readonly identities: readonly string[]
  /** Further identities that the destination, by its answer to another key's row, said are this record. */
  readonly aliases: readonly string[]
  /** Canonical texts of the match fields as they were sent last, in the order of the match; null where match is the key. */
  readonly match: readonly (string | null)[] | null
  /** The destination's own id of the record; null until it said. */
  readonly id: string | null
  /** The record was cleared or marked as deleted: it belongs to whoever has a row for it next. */
  readonly retired: boolean
  /** Another row was written to the record after this key's: its content is in doubt. */
  readonly overwritten: boolean
}

/**
 * The links of one index. Reads see what was put before; everything is durable with the next commit of the index, in
 * the same transaction as the intents. No two links share an identity or an id. Throws FatalError('index_damaged') where
 * what is read is not what was written, and before the first answer if any link is not.
 */
export interface RecordLinks {
  get(key: Buffer): RecordLink | undefined
  /** The key whose link has that identity. */
  ownerOfIdentity(identity: string): Buffer | undefined
  /** The key whose link has that id. */
  ownerOfId(id: string): Buffer | undefined
  put(key: Buffer, link: RecordLink): void
  remove(key: Buffer): void
  /** The keys whose links are marked as overwritten, ascending. */
  overwritten(): Buffer[]
  readonly wanted: WantedRecords
}

/**
 * Records whose keys are perhaps gone, because a row with another key has come for them. Forgotten when the index is
 * closed: it is about the rows of one run.
 */
export interface WantedRecords {
  /** A row with key `by` was refused because the record is that of `owner`. The first that comes for it is remembered. */
  want(owner: Buffer, by: Buffer): void
  has(owner: Buffer): boolean
  /** The model lacks the owner. */
  confirm(owner: Buffer): void
  /** The next of the confirmed ones, at most `most`, by ascending key of the row behind `after`. */
  confirmed(after: Buffer | undefined, most: number): readonly { readonly owner: Buffer; readonly by: Buffer }[]
}

/** A few words that a destination wants to find again after a crash: the ids of jobs it has begun. */
export interface DestinationNotes {
  all(): ReadonlyMap<string, string>
  /** Durable when it returns. `null` removes it. Throws FatalError where it cannot be (a full disk). */
  set(name: string, value: string | null): void
}

/**
 * What the key index knows of one key. Three bits of an entry's header.
 *
 * | state        | the destination holds the record   | content           | it is ours to delete with scope `seen` |
 * |--------------|------------------------------------|-------------------|-----------------------------------------|
 * | gone         | no; hides an older entry           | -                 | -                                       |
 * | acknowledged | yes                                | the fingerprint   | yes                                     |
 * | unsure       | yes, or was being deleted          | unknown: in doubt | yes                                     |
 * | unsure_new   | perhaps: an unanswered insert      | unknown: in doubt | yes                                     |
 * | adopted      | yes: its list said so              | unknown           | no: the model never held the key        |
 * | seen         | yes, as far as anybody said        | unknown           | yes: the model held the key             |
 * | retired      | yes, but cleared or soft-deleted   | irrelevant        | it is deleted already                   |
 */
export const GONE = 0
export const ACKNOWLEDGED = 1
export const UNSURE = 2
export const UNSURE_NEW = 3
export const ADOPTED = 4
export const SEEN = 5
export const RETIRED = 6

export type EntryState = 0 | 1 | 2 | 3 | 4 | 5 | 6

/** Bytes of an entry besides its key: the header (13 bits key length, 3 bits state) and the fingerprint. */
export const ENTRY_OVERHEAD = 10

/** Packed entries, ascending by key: `header u16 | key | fingerprint high u32 | low u32`, little-endian. */
export interface Segment {
  readonly bytes: Buffer
  readonly count: number
}

/** Packs entries in the order they are pushed. One instance is reused: `take` hands out a copy. */
export class SegmentBuilder {
  #bytes: Buffer
  #length = 0
  #count = 0

  constructor(capacity = 72 * 1024) {
    this.#bytes = Buffer.allocUnsafe(capacity)
  }

  get count(): number {
    return this.#count
  }

  /** Bytes packed so far. */
  get length(): number {
    return this.#length
  }

  push(state: EntryState, key: Uint8Array, start: number, end: number, printHigh: number, printLow: number): void {
    const size = end - start
    if (this.#length + size + ENTRY_OVERHEAD > this.#bytes.length) this.#grow(size)
    const bytes = this.#bytes
    let at = this.#length
    bytes[at] = size
    bytes[at + 1] = (size >>> 8) | (state << 5)
    at += 2
    if (size < 32) for (let from = start; from < end; from++) bytes[at++] = key[from] as number
    else {
      bytes.set(key.subarray(start, end), at)
      at += size
    }
    bytes[at] = printHigh
    bytes[at + 1] = printHigh >>> 8
    bytes[at + 2] = printHigh >>> 16
    bytes[at + 3] = printHigh >>> 24
    bytes[at + 4] = printLow
    bytes[at + 5] = printLow >>> 8
    bytes[at + 6] = printLow >>> 16
    bytes[at + 7] = printLow >>> 24
    this.#length = at + 8
    this.#count++
  }

  /** The entries so far, as a copy; the builder is empty afterwards. */
  take(): Segment {
    const segment = { bytes: Buffer.from(this.#bytes.subarray(0, this.#length)), count: this.#count }
    this.#length = 0
    this.#count = 0
    return segment
  }

  /** The entries so far, not copied: they are valid until the next push. The builder is empty afterwards. */
  lend(): Segment {
    const segment = { bytes: this.#bytes.subarray(0, this.#length), count: this.#count }
    this.#length = 0
    this.#count = 0
    return segment
  }

  #grow(size: number): void {
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + size + ENTRY_OVERHEAD))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

/** Walks the entries of one segment. Fields are read directly: this is the inner loop of the merge. */
export class SegmentReader {
  bytes: Buffer
  keyStart = 0
  keyEnd = 0
  state: EntryState = GONE
  printHigh = 0
  printLow = 0
  #at = 0
  #end: number

  constructor(bytes: Buffer, end = bytes.length) {
    this.bytes = bytes
    this.#end = end
  }

  /** Starts over with other bytes. */
  reset(bytes: Buffer, end: number): void {
    this.bytes = bytes
    this.#at = 0
    this.#end = end
  }

  /** Moves to the next entry; false at the end. */
  next(): boolean {
    const at = this.#at
    if (at >= this.#end) return false
    const bytes = this.bytes
    const header = (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
    const start = at + 2
    const end = start + (header & 0x1fff)
    this.keyStart = start
    this.keyEnd = end
    this.state = (header >>> 13) as EntryState
    this.printHigh =
      ((bytes[end] as number) |
        ((bytes[end + 1] as number) << 8) |
        ((bytes[end + 2] as number) << 16) |
        ((bytes[end + 3] as number) << 24)) >>>
      0
    this.printLow =
      ((bytes[end + 4] as number) |
        ((bytes[end + 5] as number) << 8) |
        ((bytes[end + 6] as number) << 16) |
        ((bytes[end + 7] as number) << 24)) >>>
      0
    this.#at = end + 8
    return true
  }
}

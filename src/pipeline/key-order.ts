import { compareKeys } from '../core/key.ts'

/** Keys inside one buffer: key `i` is `bytes[starts[i] .. ends[i])`. */
export interface KeyTable {
  readonly bytes: Buffer
  readonly starts: Uint32Array
  readonly ends: Uint32Array
  readonly count: number
}

const DIGITS = 0x10000
/** Groups below this are sorted by comparing: counting 65,536 digits costs more. */
const SMALL = 4096
/** Groups up to this are sorted by insertion. */
const TINY = 12

/** Sorts the numbers of keys by the keys' bytes; equal keys stay in their order. Made once for up to `capacity` keys. */
export class KeyOrder {
  readonly #counts = new Uint32Array(DIGITS)
  readonly #high: Uint32Array
  readonly #low: Uint32Array
  readonly #order: Uint32Array
  readonly #other: Uint32Array

  constructor(capacity: number) {
    this.#high = new Uint32Array(capacity)
    this.#low = new Uint32Array(capacity)
    this.#order = new Uint32Array(capacity)
    this.#other = new Uint32Array(capacity)
  }

  /** The numbers in key order; the array is valid until the next call and may be longer than `count`. */
  sort(keys: KeyTable): Uint32Array {
    for (let index = 0; index < keys.count; index++) this.#order[index] = index
    this.#sortGroup(keys, 0, keys.count, sharedPrefix(keys))
    return this.#order
  }

  /** Sorts `order[from .. to)`, whose keys agree in their first `depth` bytes, a shorter key being filled up with 00. */
  #sortGroup(keys: KeyTable, from: number, to: number, depth: number): void {
    const deeper = this.#takeWords(keys, from, to, depth)
    if (to - from < SMALL || !deeper) {
      this.#compareGroup(keys, from, to)
      return
    }
    this.#sortByDigit(from, to, this.#low, 0)
    this.#sortByDigit(from, to, this.#low, 16)
    this.#sortByDigit(from, to, this.#high, 0)
    this.#sortByDigit(from, to, this.#high, 16)
    for (let start = from; start < to; ) {
      const high = this.#high[this.#order[start] as number]
      const low = this.#low[this.#order[start] as number]
      let end = start + 1
      while (
        end < to &&
        this.#low[this.#order[end] as number] === low &&
        this.#high[this.#order[end] as number] === high
      )
        end++
      if (end - start >= SMALL) this.#sortGroup(keys, start, end, depth + 8)
      else if (end - start > 1) this.#compareGroup(keys, start, end)
      start = end
    }
  }

  /** The eight bytes of each key at `depth`, as two words; whether any key is that long. */
  #takeWords({ bytes, starts, ends }: KeyTable, from: number, to: number, depth: number): boolean {
    let deeper = false
    for (let index = from; index < to; index++) {
      const key = this.#order[index] as number
      const at = (starts[key] as number) + depth
      const end = ends[key] as number
      deeper ||= at < end
      this.#high[key] = wordAt(bytes, at, end)
      this.#low[key] = wordAt(bytes, at + 4, end)
    }
    return deeper
  }

  /** A stable pass over 16 bits of one word. */
  #sortByDigit(from: number, to: number, words: Uint32Array, shift: number): void {
    const counts = this.#counts.fill(0)
    const order = this.#order
    const other = this.#other
    for (let index = from; index < to; index++) {
      const digit = ((words[order[index] as number] as number) >>> shift) & 0xffff
      counts[digit] = (counts[digit] as number) + 1
    }
    const first = ((words[order[from] as number] as number) >>> shift) & 0xffff
    if (counts[first] === to - from) return
    for (let digit = 0, sum = from; digit < DIGITS; digit++) {
      const count = counts[digit] as number
      counts[digit] = sum
      sum += count
    }
    for (let index = from; index < to; index++) {
      const key = order[index] as number
      const digit = ((words[key] as number) >>> shift) & 0xffff
      other[counts[digit] as number] = key
      counts[digit] = (counts[digit] as number) + 1
    }
    order.set(other.subarray(from, to), from)
  }

  #compareGroup({ bytes, starts, ends }: KeyTable, from: number, to: number): void {
    const order = this.#order
    const compare = (a: number, b: number) =>
      compareKeys(bytes, starts[a] as number, ends[a] as number, bytes, starts[b] as number, ends[b] as number) || a - b
    if (to - from > TINY) {
      order.subarray(from, to).sort(compare)
      return
    }
    for (let index = from + 1; index < to; index++) {
      const key = order[index] as number
      let at = index
      for (; at > from && compare(order[at - 1] as number, key) > 0; at--) order[at] = order[at - 1] as number
      order[at] = key
    }
  }
}

/** Four bytes at `at` as a number that orders as they do; 00 from `end` on. */
function wordAt(bytes: Buffer, at: number, end: number): number {
  if (at + 4 <= end) {
    return (
      (((bytes[at] as number) << 24) |
        ((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number)) >>>
      0
    )
  }
  let word = 0
  for (let index = at; index < at + 4; index++) word = (word << 8) | (index < end ? (bytes[index] as number) : 0)
  return word >>> 0
}

/** Bytes that all keys begin with: `customer-` says nothing about their order. */
function sharedPrefix({ bytes, starts, ends, count }: KeyTable): number {
  if (count === 0) return 0
  const first = starts[0] as number
  let shared = (ends[0] as number) - first
  for (let key = 1; key < count && shared > 0; key++) {
    const start = starts[key] as number
    shared = Math.min(shared, (ends[key] as number) - start)
    let at = 0
    while (at < shared && bytes[start + at] === bytes[first + at]) at++
    shared = at
  }
  return shared
}

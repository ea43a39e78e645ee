import { FatalError } from '../core/errors.ts'
import { type KeyEncoder, keySpace } from '../core/key.ts'
import type { ScratchFile } from '../core/scratch-file.ts'
import { KeyOrder } from './key-order.ts'
import type { SortedRow } from './row-merge.ts'

/** What {@link RowArena.add} returns besides the encoder's reasons: there is no room left. */
export const ARENA_FULL = -100

/** Of the memory, what is left for rows; the rest numbers and orders them. */
const SHARE_OF_ROWS = 0.6
/** Bytes besides its own that a row costs: where it starts, where its key ends, and four words of {@link KeyOrder}. */
const BYTES_A_ROW = 24
const STAGING_BYTES = 256 * 1024

/** An entry of a run on disk: `key length u16 | line length u32 | key | line`, little-endian. */
export const ENTRY_HEADER = 6

/** Rows in memory, each behind its key, until there is no room for more. Its memory is all allocated at once. */
export class RowArena {
  readonly bytes: Buffer
  readonly #encoder: KeyEncoder
  readonly #starts: Uint32Array
  readonly #keyEnds: Uint32Array
  readonly #keyOrder: KeyOrder
  #count = 0
  #at = 0
  #largest = 0

  /** `memory` in bytes bounds everything that is held. */
  constructor(encoder: KeyEncoder, memory: number) {
    const capacity = Math.floor((memory * (1 - SHARE_OF_ROWS)) / BYTES_A_ROW)
    this.bytes = Buffer.allocUnsafeSlow(Math.floor(memory * SHARE_OF_ROWS))
    this.#encoder = encoder
    this.#starts = new Uint32Array(capacity)
    this.#keyEnds = new Uint32Array(capacity)
    this.#keyOrder = new KeyOrder(capacity)
  }

  get count(): number {
    return this.#count
  }

  /** Bytes of the largest entry so far, in all runs. */
  get largest(): number {
    return this.#largest
  }

  /**
   * Takes a line over. Returns 0, or why not: the reason of {@link KeyEncoder.encode}, or {@link ARENA_FULL}. Throws
   * FatalError `row_too_large` for a row that no arena of this size holds.
   */
  add(bytes: Buffer, start: number, end: number): number {
    const size = end - start
    let keyEnd: number
    if (this.#count < this.#starts.length && this.#at + keySpace(size) <= this.bytes.length) {
      keyEnd = this.#encoder.encode(bytes, start, end, this.bytes, this.#at)
      if (keyEnd < 0) return keyEnd
      if (keyEnd + size > this.bytes.length) return ARENA_FULL
    } else {
      if (this.#count > 0) return ARENA_FULL
      const key = Buffer.allocUnsafe(keySpace(size))
      keyEnd = this.#encoder.encode(bytes, start, end, key, 0)
      if (keyEnd < 0) return keyEnd
      if (keyEnd + size > this.bytes.length) throw rowTooLarge(size)
      key.copy(this.bytes, 0, 0, keyEnd)
    }
    this.#starts[this.#count] = this.#at
    this.#keyEnds[this.#count] = keyEnd
    this.#count++
    copyBytes(bytes, start, end, this.bytes, keyEnd)
    this.#largest = Math.max(this.#largest, ENTRY_HEADER + keyEnd - this.#at + size)
    this.#at = keyEnd + size
    return 0
  }

  /** The rows in key order. The same object each time. */
  *sorted(): Iterable<SortedRow> {
    const order = this.#keyOrder.sort(this.#table())
    const row = { bytes: this.bytes, keyStart: 0, keyEnd: 0, end: 0 }
    for (let index = 0; index < this.#count; index++) {
      const entry = order[index] as number
      row.keyStart = this.#starts[entry] as number
      row.keyEnd = this.#keyEnds[entry] as number
      row.end = this.#endOf(entry)
      yield row
    }
  }

  /** Appends the rows in key order to a file and forgets them. */
  spill(file: ScratchFile): void {
    const order = this.#keyOrder.sort(this.#table())
    const staging = Buffer.allocUnsafe(Math.min(STAGING_BYTES, this.bytes.length))
    let at = 0
    for (let index = 0; index < this.#count; index++) {
      const entry = order[index] as number
      const start = this.#starts[entry] as number
      const keyEnd = this.#keyEnds[entry] as number
      const end = this.#endOf(entry)
      if (at + ENTRY_HEADER + end - start > staging.length) {
        file.append(staging.subarray(0, at))
        at = 0
      }
      at = writeHeader(staging, at, keyEnd - start, end - keyEnd)
      if (at + end - start > staging.length) {
        file.append(staging.subarray(0, at))
        file.append(this.bytes.subarray(start, end))
        at = 0
      } else at = copyBytes(this.bytes, start, end, staging, at)
    }
    file.append(staging.subarray(0, at))
    this.#count = 0
    this.#at = 0
  }

  #table() {
    return { bytes: this.bytes, starts: this.#starts, ends: this.#keyEnds, count: this.#count }
  }

  #endOf(entry: number): number {
    return entry + 1 < this.#count ? (this.#starts[entry + 1] as number) : this.#at
  }
}

export function writeHeader(into: Buffer, at: number, keyBytes: number, lineBytes: number): number {
  into[at] = keyBytes
  into[at + 1] = keyBytes >>> 8
  into[at + 2] = lineBytes
  into[at + 3] = lineBytes >>> 8
  into[at + 4] = lineBytes >>> 16
  into[at + 5] = lineBytes >>> 24
  return at + ENTRY_HEADER
}

/** Copies and returns the position behind the copy. Up to some 200 bytes this is faster than a call into Node. */
export function copyBytes(from: Buffer, start: number, end: number, to: Buffer, at: number): number {
  if (end - start > 200) {
    from.copy(to, at, start, end)
    return at + end - start
  }
  let next = start
  let index = at
  for (const stop = end - 3; next < stop; next += 4, index += 4) {
    to[index] = from[next] as number
    to[index + 1] = from[next + 1] as number
    to[index + 2] = from[next + 2] as number
    to[index + 3] = from[next + 3] as number
  }
  for (; next < end; next++) to[index++] = from[next] as number
  return index
}

function rowTooLarge(size: number): FatalError {
  return new FatalError(
    'row_too_large',
    `a row of the model has ${size} bytes, more than can be sorted: select fewer columns, or leave that row out`,
  )
}

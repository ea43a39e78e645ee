import type { KeyEncoding } from '../core/column.ts'
import type { RowMapping } from './row-mapping.ts'

const MINUS = 45
const ZERO = 48
const NEWLINE = 10
/** The sign, 19 digits, and the newline. */
const MOST_BYTES = 21
/** The upper word of the first integer that a number may not hold exactly. */
const TOO_HIGH = 2 ** 21

/**
 * Makes the lines of deletes from keys, each in `bytes[start .. end)` until the next call. An integer key, which most
 * tables have, becomes text without a string, an array and a BigInt in between: they cost more than all the rest of what
 * is done for a delete.
 */
export class DeleteLines {
  bytes = Buffer.alloc(MOST_BYTES)
  start = 0
  end = 0
  readonly #mapping: RowMapping
  readonly #isInteger: boolean
  readonly #digits = this.bytes

  constructor(mapping: RowMapping, encodings: readonly KeyEncoding[]) {
    this.#mapping = mapping
    this.#isInteger = encodings.length === 1 && encodings[0] === 'integer' && mapping.deleteFields.length === 1
  }

  /** Makes the line of the delete of `keys[start .. end)`; of the record with that match where it is not the key. */
  write(keys: Buffer, start: number, end: number, match: readonly (string | null)[] | null = null): void {
    if (match === null && this.#isInteger && this.#writeInteger(keys, start)) return
    const line =
      match === null ? this.#mapping.deleteLine(keys.subarray(start, end)) : this.#mapping.deleteLineOf(match)
    this.bytes = Buffer.from(line)
    this.start = 0
    this.end = this.bytes.length
  }

  /** False where it is too large for a number. */
  #writeInteger(keys: Buffer, start: number): boolean {
    const high = (((keys[start] as number) ^ 0x80) << 24) | keys.readUIntBE(start + 1, 3)
    if (high >= TOO_HIGH || high < -TOO_HIGH) return false
    const value = high * 2 ** 32 + keys.readUInt32BE(start + 4)
    const digits = this.#digits
    let at = MOST_BYTES - 1
    digits[at] = NEWLINE
    let rest = Math.abs(value)
    do {
      const tenth = Math.floor(rest / 10)
      digits[--at] = ZERO + (rest - tenth * 10)
      rest = tenth
    } while (rest > 0)
    if (value < 0) digits[--at] = MINUS
    this.bytes = digits
    this.start = at
    this.end = MOST_BYTES
    return true
  }
}

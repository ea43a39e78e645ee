import type { KeyEncoding } from './column.ts'
import { unescapeInto } from './copy-text.ts'
import {
  isNull,
  KEY_MISSING,
  KEY_TOO_LONG,
  KEY_UNREADABLE,
  terminate,
  writeHex,
  writeInteger,
  writeUuid,
} from './key-parts.ts'
import { temporalBytes, writeTemporal } from './key-temporal.ts'
import type { RowLayout } from './row-batch.ts'

/**
 * Keys are bytes. The encoding of a key column keeps the order by which the source sorts it, so that the source,
 * the key index and the destination's list can be walked side by side with nothing but a byte comparison.
 *
 * | encoding               | bytes                                                              |
 * |------------------------|--------------------------------------------------------------------|
 * | integer                | 8, big-endian, sign bit flipped                                    |
 * | uuid                   | 16                                                                 |
 * | boolean                | 1                                                                  |
 * | date                   | 4: days, sign bit flipped, infinities at the ends                  |
 * | timestamp, timestamptz | 9: days as in date, then 5 bytes of microseconds of the day        |
 * | text                   | its UTF-8 bytes                                                    |
 * | bytes                  | the bytes                                                          |
 *
 * In a composite key, text and bytes are escaped (00 -> 00 FF) and ended by 00 00, so that a shorter value sorts
 * first and no value can look like two. A single text or bytes key is stored bare.
 */

/** Longest key in bytes: an index entry keeps the length in 13 bits. Postgres itself cannot index over 2,704. */
export const MAX_KEY_BYTES = 8191

const TAB = 9
const NEWLINE = 10

/** Turns the key fields of COPY text lines into key bytes. Hot: one call a row. */
export class KeyEncoder {
  readonly #encodings: readonly KeyEncoding[]
  /** For each field up to the last key field: which key column it is, or -1. */
  readonly #columnOf: Int8Array
  readonly #starts: Int32Array
  readonly #ends: Int32Array
  readonly #leadingInteger: boolean

  constructor(key: RowLayout['key']) {
    this.#encodings = key.map((part) => part.encoding)
    this.#columnOf = new Int8Array(Math.max(...key.map((part) => part.field)) + 1).fill(-1)
    for (const [column, part] of key.entries()) this.#columnOf[part.field] = column
    this.#starts = new Int32Array(key.length)
    this.#ends = new Int32Array(key.length)
    this.#leadingInteger = key.length === 1 && key[0]?.field === 0 && key[0].encoding === 'integer'
  }

  /**
   * Writes the key of the line `bytes[start .. end)` at `out[at]` and returns the position behind it, or
   * KEY_MISSING (a part is null), KEY_UNREADABLE (a part is not what its encoding says) or KEY_TOO_LONG.
   * `out` needs `keySpace(end - start)` bytes from `at` on.
   */
  encode(bytes: Buffer, start: number, end: number, out: Buffer, at: number): number {
    if (this.#leadingInteger) {
      let stop = start
      for (let byte = bytes[stop]; byte !== TAB && byte !== NEWLINE && stop < end; byte = bytes[stop]) stop++
      return writeInteger(bytes, start, stop, out, at)
    }
    this.#locate(bytes, start, end)
    const composite = this.#encodings.length > 1
    let to = at
    for (let column = 0; column < this.#encodings.length; column++) {
      const from = this.#starts[column] as number
      const stop = this.#ends[column] as number
      to = writePart(this.#encodings[column] as KeyEncoding, bytes, from, stop, out, to, composite)
      if (to < 0) return to
    }
    return to - at > MAX_KEY_BYTES ? KEY_TOO_LONG : to
  }

  #locate(bytes: Buffer, start: number, end: number): void {
    let field = 0
    let from = start
    for (let at = start; at < end && field < this.#columnOf.length; at++) {
      const byte = bytes[at]
      if (byte !== TAB && byte !== NEWLINE) continue
      const column = this.#columnOf[field++] as number
      if (column >= 0) {
        this.#starts[column] = from
        this.#ends[column] = at
      }
      from = at + 1
    }
  }
}

/** Bytes that the keys of lines of `lineBytes` in all can take up at most, `rows` lines together. */
export function keySpace(lineBytes: number, rows = 1): number {
  return lineBytes * 2 + rows * 32
}

function writePart(
  encoding: KeyEncoding,
  bytes: Buffer,
  from: number,
  stop: number,
  out: Buffer,
  at: number,
  composite: boolean,
): number {
  if (isNull(bytes, from, stop)) return KEY_MISSING
  switch (encoding) {
    case 'integer':
      return writeInteger(bytes, from, stop, out, at)
    case 'text': {
      const to = unescapeInto(bytes, from, stop, out, at)
      return composite ? terminate(out, at, to) : to
    }
    case 'uuid':
      return writeUuid(bytes, from, stop, out, at)
    case 'bytes': {
      const to = writeHex(bytes, from, stop, out, at)
      return composite && to >= 0 ? terminate(out, at, to) : to
    }
    case 'boolean':
      if (stop - from !== 1 || (bytes[from] !== 116 && bytes[from] !== 102)) return KEY_UNREADABLE
      out[at] = bytes[from] === 116 ? 1 : 0
      return at + 1
    default:
      return writeTemporal(encoding, bytes.toString('latin1', from, stop), out, at)
        ? at + temporalBytes(encoding)
        : KEY_UNREADABLE
  }
}

/** Byte order of two keys inside larger buffers: negative, zero or positive. */
export function compareKeys(
  a: Uint8Array,
  aStart: number,
  aEnd: number,
  b: Uint8Array,
  bStart: number,
  bEnd: number,
): number {
  const aLength = aEnd - aStart
  const bLength = bEnd - bStart
  const shared = Math.min(aLength, bLength)
  for (let index = 0; index < shared; index++) {
    const difference = (a[aStart + index] as number) - (b[bStart + index] as number)
    if (difference !== 0) return difference
  }
  return aLength - bLength
}

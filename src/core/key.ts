import type { KeyEncoding } from './column.ts'
import { unescapeInto } from './copy-text.ts'
import { readTemporal, writeTemporal } from './key-temporal.ts'
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

/** What {@link KeyEncoder.encode} returns instead of a position. */
export const KEY_MISSING = -1
export const KEY_UNREADABLE = -2
export const KEY_TOO_LONG = -3

const TAB = 9
const NEWLINE = 10
const BACKSLASH = 92
const CAPITAL_N = 78
const TWO_32 = 2 ** 32

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

function isNull(bytes: Buffer, from: number, stop: number): boolean {
  return stop - from === 2 && bytes[from] === BACKSLASH && bytes[from + 1] === CAPITAL_N
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

function temporalBytes(encoding: KeyEncoding): number {
  return encoding === 'date' ? 4 : 9
}

/** Decimal digits to 8 order-preserving bytes, without BigInt: the high and low word are computed apart. */
function writeInteger(bytes: Buffer, from: number, stop: number, out: Buffer, at: number): number {
  const negative = bytes[from] === 45
  const first = negative ? from + 1 : from
  const digits = stop - first
  if (digits < 1 || digits > 19) return isNull(bytes, from, stop) ? KEY_MISSING : KEY_UNREADABLE
  const split = digits > 9 ? stop - 9 : first
  let upper = 0
  for (let index = first; index < split; index++) {
    const digit = (bytes[index] as number) - 48
    if (digit < 0 || digit > 9) return KEY_UNREADABLE
    upper = upper * 10 + digit
  }
  let lower = 0
  for (let index = split; index < stop; index++) {
    const digit = (bytes[index] as number) - 48
    if (digit < 0 || digit > 9) return isNull(bytes, from, stop) ? KEY_MISSING : KEY_UNREADABLE
    lower = lower * 10 + digit
  }
  // value = upper * 1e9 + lower, in 32-bit words: 1e9 is 0x3B9A * 2^16 + 0xCA00, and no product passes 2^53.
  const upperHigh = Math.floor(upper / TWO_32)
  const upperLow = upper % TWO_32
  const middle = upperLow * 0x3b9a
  const sum = upperLow * 0xca00 + (middle % 65536) * 65536 + lower
  let low = sum % TWO_32
  let high = Math.floor(sum / TWO_32) + Math.floor(middle / 65536) + upperHigh * 1e9
  if (high > 0x7fffffff && !(negative && high === 0x80000000 && low === 0)) return KEY_UNREADABLE
  if (negative) {
    low = -low >>> 0
    high = low === 0 ? -high >>> 0 : ~high >>> 0
  }
  high = (high ^ 0x80000000) >>> 0
  out[at] = high >>> 24
  out[at + 1] = high >>> 16
  out[at + 2] = high >>> 8
  out[at + 3] = high
  out[at + 4] = low >>> 24
  out[at + 5] = low >>> 16
  out[at + 6] = low >>> 8
  out[at + 7] = low
  return at + 8
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : -1
}

function writeUuid(bytes: Buffer, from: number, stop: number, out: Buffer, at: number): number {
  let to = at
  for (let index = from; index < stop; ) {
    if (bytes[index] === 45) {
      index++
      continue
    }
    const high = hexDigit(bytes[index] as number)
    const low = index + 1 < stop ? hexDigit(bytes[index + 1] as number) : -1
    if (high < 0 || low < 0 || to - at === 16) return KEY_UNREADABLE
    out[to++] = (high << 4) | low
    index += 2
  }
  return to - at === 16 ? to : KEY_UNREADABLE
}

/** `\x0aff`, in COPY text with its backslash doubled. */
function writeHex(bytes: Buffer, from: number, stop: number, out: Buffer, at: number): number {
  let index = from
  while (bytes[index] === BACKSLASH && index < stop) index++
  if (index === from || bytes[index] !== 120 || (stop - index) % 2 === 0) return KEY_UNREADABLE
  let to = at
  for (index++; index < stop; index += 2) {
    const high = hexDigit(bytes[index] as number)
    const low = hexDigit(bytes[index + 1] as number)
    if (high < 0 || low < 0) return KEY_UNREADABLE
    out[to++] = (high << 4) | low
  }
  return to
}

/** Escapes 00 in `out[at .. to)` in place and appends the end mark. */
function terminate(out: Buffer, at: number, to: number): number {
  let zeros = 0
  for (let index = at; index < to; index++) if (out[index] === 0) zeros++
  let write = to + zeros
  const end = write
  for (let read = to - 1; zeros > 0; read--) {
    const byte = out[read] as number
    if (byte === 0) {
      out[--write] = 0xff
      zeros--
    }
    out[--write] = byte
  }
  out[end] = 0
  out[end + 1] = 0
  return end + 2
}

/** The columns of a key as canonical text: what the model said, in its normal form. For deletes and messages. */
export function decodeKey(encodings: readonly KeyEncoding[], key: Buffer): string[] {
  const composite = encodings.length > 1
  const texts: string[] = []
  let at = 0
  for (const encoding of encodings) {
    switch (encoding) {
      case 'integer':
        texts.push((key.readBigUInt64BE(at) - 2n ** 63n).toString())
        at += 8
        break
      case 'uuid':
        texts.push(key.toString('hex', at, at + 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'))
        at += 16
        break
      case 'boolean':
        texts.push(key[at] === 1 ? 't' : 'f')
        at += 1
        break
      case 'text':
      case 'bytes': {
        const end = composite ? endMark(key, at) : key.length
        const part = composite ? unescapeZeros(key.subarray(at, end)) : key.subarray(at, end)
        texts.push(encoding === 'text' ? part.toString('utf8') : `\\x${part.toString('hex')}`)
        at = composite ? end + 2 : end
        break
      }
      default:
        texts.push(readTemporal(encoding, key, at))
        at += temporalBytes(encoding)
    }
  }
  return texts
}

function endMark(key: Buffer, from: number): number {
  let at = from
  while (key[at] !== 0 || key[at + 1] === 0xff) at += key[at] === 0 ? 2 : 1
  return at
}

function unescapeZeros(part: Buffer): Buffer {
  if (!part.includes(0)) return part
  const out = Buffer.allocUnsafe(part.length)
  let to = 0
  for (let from = 0; from < part.length; from++) {
    const byte = part[from] as number
    out[to++] = byte
    if (byte === 0) from++
  }
  return out.subarray(0, to)
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

/** A key for people: `42`, `eu / 1001`. */
export function printKey(encodings: readonly KeyEncoding[], key: Buffer): string {
  return decodeKey(encodings, key).join(' / ')
}

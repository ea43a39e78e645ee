/**
 * How single key columns become order-preserving bytes; key.ts puts them together. Each function writes at `out[at]`
 * and returns the position behind, or a negative number that says why it could not.
 */

/** What an encoder returns instead of a position. */
export const KEY_MISSING = -1
export const KEY_UNREADABLE = -2
export const KEY_TOO_LONG = -3

const BACKSLASH = 92
const CAPITAL_N = 78
const TWO_32 = 2 ** 32

/** `\N`, COPY's null. */
export function isNull(bytes: Buffer, from: number, stop: number): boolean {
  return stop - from === 2 && bytes[from] === BACKSLASH && bytes[from + 1] === CAPITAL_N
}

/** Decimal digits to 8 order-preserving bytes, without BigInt: the high and low word are computed apart. */
export function writeInteger(bytes: Buffer, from: number, stop: number, out: Buffer, at: number): number {
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

export function writeUuid(bytes: Buffer, from: number, stop: number, out: Buffer, at: number): number {
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
export function writeHex(bytes: Buffer, from: number, stop: number, out: Buffer, at: number): number {
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
export function terminate(out: Buffer, at: number, to: number): number {
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

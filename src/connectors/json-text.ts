import { writeEscaped } from './copy-lines.ts'

/** {@link copyUnescaped} found half of a surrogate pair: no character, and not to be written as UTF-8. */
export const LONE_SURROGATE = -1

const BACKSLASH = 92
const LETTER_U = 117
/** What the letter behind a backslash stands for; all others stand for themselves. */
const LETTERS: Readonly<Record<number, number>> = { 98: 8, 102: 12, 110: 10, 114: 13, 116: 9 }

/**
 * Writes a well-formed JSON text (without its quotes) as COPY text and returns the position behind it, or
 * LONE_SURROGATE. Never longer than twice the JSON.
 */
export function copyUnescaped(bytes: Buffer, from: number, to: number, out: Buffer, at: number): number {
  let next = at
  for (let index = from; index < to; index++) {
    const byte = bytes[index] as number
    if (byte !== BACKSLASH) {
      out[next++] = byte
      continue
    }
    const letter = bytes[++index] as number
    if (letter !== LETTER_U) {
      next = writeEscaped(LETTERS[letter] ?? letter, out, next)
      continue
    }
    let code = hexadecimal(bytes, index + 1)
    index += 4
    if (code >= 0xd800 && code <= 0xdfff) {
      const isPair = code < 0xdc00 && bytes[index + 1] === BACKSLASH && bytes[index + 2] === LETTER_U && index + 6 < to
      const low = isPair ? hexadecimal(bytes, index + 3) : 0
      if (low < 0xdc00 || low > 0xdfff) return LONE_SURROGATE
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00)
      index += 6
    }
    next = writeCharacter(code, out, next)
  }
  return next
}

function writeCharacter(code: number, out: Buffer, at: number): number {
  if (code < 0x80) return writeEscaped(code, out, at)
  let next = at
  if (code < 0x800) out[next++] = 0xc0 | (code >>> 6)
  else {
    if (code < 0x10000) out[next++] = 0xe0 | (code >>> 12)
    else {
      out[next++] = 0xf0 | (code >>> 18)
      out[next++] = 0x80 | ((code >>> 12) & 0x3f)
    }
    out[next++] = 0x80 | ((code >>> 6) & 0x3f)
  }
  out[next++] = 0x80 | (code & 0x3f)
  return next
}

function hexadecimal(bytes: Buffer, at: number): number {
  let value = 0
  for (let index = at; index < at + 4; index++) {
    const byte = bytes[index] as number
    value = value * 16 + (byte <= 57 ? byte - 48 : (byte | 32) - 87)
  }
  return value
}

/** What a value of an object is. */
export const JSON_NULL = 1
export const JSON_FALSE = 2
export const JSON_TRUE = 3
export const JSON_NUMBER = 4
/** A text without escapes; the position is that of what is between the quotes. */
export const JSON_TEXT = 5
/** The same with escapes. */
export const JSON_ESCAPED = 6
/** An object or a list, with its brackets. */
export const JSON_NESTED = 7

const TAB = 9
const NEWLINE = 10
const CARRIAGE_RETURN = 13
const SPACE = 32
const QUOTE = 34
const COMMA = 44
const MINUS = 45
const ZERO = 48
const COLON = 58
const OPEN_LIST = 91
const BACKSLASH = 92
const OPEN_MAP = 123
const CLOSE_MAP = 125

/**
 * Finds the names and values of one JSON object without making anything of them: numbers of any length stay what they
 * are, nested values stay text, and no name is special. Takes exactly what JSON.parse takes (RFC 8259), which the
 * tests compare it with. Recursion-free: depth costs a byte, not stack.
 */
export class JsonScanner {
  /** Of the last object: name `i` is `bytes[nameStarts[i] .. nameEnds[i])`, without its quotes. */
  nameStarts = new Int32Array(64)
  nameEnds = new Int32Array(64)
  /** 1 where the name holds escapes. */
  nameEscapes = new Uint8Array(64)
  starts = new Int32Array(64)
  ends = new Int32Array(64)
  kinds = new Uint8Array(64)
  count = 0
  /** Where the last scan found what is no JSON. */
  problemAt = 0
  #nesting = new Uint8Array(64)
  #escapes = 0

  /** Whether `bytes[from .. to)` is one object, with white space around it at most. */
  scan(bytes: Buffer, from: number, to: number): boolean {
    this.count = 0
    let at = skipSpace(bytes, from, to)
    if (at >= to || bytes[at] !== OPEN_MAP) return this.#fail(at)
    at = skipSpace(bytes, at + 1, to)
    if (at < to && bytes[at] === CLOSE_MAP) return this.#onlySpace(bytes, at + 1, to)
    for (;;) {
      if (this.count === this.kinds.length) this.#grow()
      const index = this.count
      if (at >= to || bytes[at] !== QUOTE) return this.#fail(at)
      const nameEnd = this.#string(bytes, at + 1, to)
      if (nameEnd < 0) return false
      this.nameStarts[index] = at + 1
      this.nameEnds[index] = nameEnd
      this.nameEscapes[index] = this.#escapes
      at = skipSpace(bytes, nameEnd + 1, to)
      if (at >= to || bytes[at] !== COLON) return this.#fail(at)
      at = skipSpace(bytes, at + 1, to)
      at = this.#member(bytes, at, to, index)
      if (at < 0) return false
      this.count = index + 1
      at = skipSpace(bytes, at, to)
      const byte = at < to ? bytes[at] : 0
      if (byte === CLOSE_MAP) return this.#onlySpace(bytes, at + 1, to)
      if (byte !== COMMA) return this.#fail(at)
      at = skipSpace(bytes, at + 1, to)
    }
  }

  /** Notes the value at `at`; returns the position behind it, or -1. */
  #member(bytes: Buffer, at: number, to: number, index: number): number {
    const byte = at < to ? (bytes[at] as number) : 0
    if (byte === QUOTE) {
      const end = this.#string(bytes, at + 1, to)
      this.starts[index] = at + 1
      this.ends[index] = end
      this.kinds[index] = this.#escapes === 0 ? JSON_TEXT : JSON_ESCAPED
      return end < 0 ? -1 : end + 1
    }
    const nested = byte === OPEN_MAP || byte === OPEN_LIST
    const end = nested ? this.#nested(bytes, at, to) : this.#scalar(bytes, at, to)
    this.starts[index] = at
    this.ends[index] = end
    this.kinds[index] = nested ? JSON_NESTED : (SCALARS[byte] ?? JSON_NUMBER)
    return end
  }

  /** From behind the opening quote to the closing one; -1 where the text is not well formed. */
  #string(bytes: Buffer, from: number, to: number): number {
    let at = from
    let byte = 0
    for (; at < to; at++) {
      byte = bytes[at] as number
      if (byte === QUOTE) {
        this.#escapes = 0
        return at
      }
      if (byte === BACKSLASH || byte < SPACE) break
    }
    this.#escapes = 1
    for (; at < to; at++) {
      byte = bytes[at] as number
      if (byte === QUOTE) return at
      if (byte < SPACE) break
      if (byte !== BACKSLASH) continue
      const size = escapeSize(bytes, at, to)
      if (size === 0) break
      at += size - 1
    }
    this.#fail(at)
    return -1
  }

  /** A number, true, false or null. */
  #scalar(bytes: Buffer, at: number, to: number): number {
    const byte = at < to ? (bytes[at] as number) : 0
    const word = WORDS[byte]
    if (word === undefined) return this.#number(bytes, at, to)
    for (let index = 0; index < word.length; index++) {
      if (at + index >= to || bytes[at + index] !== word.charCodeAt(index)) {
        this.#fail(at)
        return -1
      }
    }
    return at + word.length
  }

  #number(bytes: Buffer, from: number, to: number): number {
    let at = from
    if (at < to && bytes[at] === MINUS) at++
    if (at < to && bytes[at] === ZERO) at++
    else at = this.#digits(bytes, at, to)
    if (at > 0 && at < to && bytes[at] === 46) at = this.#digits(bytes, at + 1, to)
    if (at > 0 && at < to && ((bytes[at] as number) | 32) === 101) {
      at++
      if (at < to && (bytes[at] === MINUS || bytes[at] === 43)) at++
      at = this.#digits(bytes, at, to)
    }
    return at
  }

  /** At least one digit, or -1. */
  #digits(bytes: Buffer, from: number, to: number): number {
    let at = from
    while (at < to && (bytes[at] as number) >= ZERO && (bytes[at] as number) <= 57) at++
    if (at > from) return at
    this.#fail(at)
    return -1
  }

  /** An object or a list, to behind its closing bracket; or -1. */
  #nested(bytes: Buffer, from: number, to: number): number {
    let depth = 0
    let at = from
    for (;;) {
      // A value is expected.
      const byte = at < to ? (bytes[at] as number) : 0
      if (byte === OPEN_MAP || byte === OPEN_LIST) {
        if (depth === this.#nesting.length) this.#growNesting()
        this.#nesting[depth++] = byte
        at = skipSpace(bytes, at + 1, to)
        // `{` and `[` are two below their closing brackets.
        if (at >= to || bytes[at] !== byte + 2) {
          if (byte === OPEN_MAP) at = this.#name(bytes, at, to)
          if (at < 0) return -1
          continue
        }
        depth--
        at++
      } else if (byte === QUOTE) {
        at = this.#string(bytes, at + 1, to) + 1
        if (at === 0) return -1
      } else {
        at = this.#scalar(bytes, at, to)
        if (at < 0) return -1
      }
      for (;;) {
        if (depth === 0) return at
        at = skipSpace(bytes, at, to)
        const next = at < to ? (bytes[at] as number) : 0
        const open = this.#nesting[depth - 1] as number
        if (next === open + 2) {
          depth--
          at++
          continue
        }
        if (next !== COMMA) {
          this.#fail(at)
          return -1
        }
        at = skipSpace(bytes, at + 1, to)
        if (open === OPEN_MAP) at = this.#name(bytes, at, to)
        if (at < 0) return -1
        break
      }
    }
  }

  /** A name and its colon, to the value behind it; or -1. */
  #name(bytes: Buffer, at: number, to: number): number {
    if (at >= to || bytes[at] !== QUOTE) {
      this.#fail(at)
      return -1
    }
    const end = this.#string(bytes, at + 1, to)
    if (end < 0) return -1
    const colon = skipSpace(bytes, end + 1, to)
    if (colon < to && bytes[colon] === COLON) return skipSpace(bytes, colon + 1, to)
    this.#fail(colon)
    return -1
  }

  #onlySpace(bytes: Buffer, from: number, to: number): boolean {
    const at = skipSpace(bytes, from, to)
    return at === to || this.#fail(at)
  }

  #fail(at: number): false {
    this.problemAt = at
    return false
  }

  #grow(): void {
    const larger = (array: Int32Array) => {
      const copy = new Int32Array(array.length * 2)
      copy.set(array)
      return copy
    }
    this.nameStarts = larger(this.nameStarts)
    this.nameEnds = larger(this.nameEnds)
    this.starts = larger(this.starts)
    this.ends = larger(this.ends)
    this.nameEscapes = longer(this.nameEscapes)
    this.kinds = longer(this.kinds)
  }

  #growNesting(): void {
    this.#nesting = longer(this.#nesting)
  }
}

const WORDS: Readonly<Record<number, string>> = { 110: 'null', 116: 'true', 102: 'false' }
const SCALARS: Readonly<Record<number, number>> = { 110: JSON_NULL, 116: JSON_TRUE, 102: JSON_FALSE }

function longer(array: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(array.length * 2)
  copy.set(array)
  return copy
}

function skipSpace(bytes: Buffer, from: number, to: number): number {
  let at = from
  for (; at < to; at++) {
    const byte = bytes[at] as number
    if (byte !== SPACE && byte !== TAB && byte !== NEWLINE && byte !== CARRIAGE_RETURN) break
  }
  return at
}

/** Whether there is nothing but white space, of which JSON knows less, in `bytes[from .. to)`. */
export function isBlank(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at] as number
    if (byte !== SPACE && (byte < TAB || byte > CARRIAGE_RETURN)) return false
  }
  return true
}

/** Bytes of the escape at `at`, 0 where it is none. */
function escapeSize(bytes: Buffer, at: number, to: number): number {
  if (at + 1 >= to) return 0
  const letter = bytes[at + 1] as number
  if (letter !== 117) return SIMPLE_ESCAPES.has(letter) ? 2 : 0
  if (at + 6 > to) return 0
  for (let index = at + 2; index < at + 6; index++) {
    const byte = bytes[index] as number
    const lower = byte | 32
    if (!(byte >= ZERO && byte <= 57) && !(lower >= 97 && lower <= 102)) return 0
  }
  return 6
}

const SIMPLE_ESCAPES = new Set([...'"\\/bfnrt'].map((letter) => letter.charCodeAt(0)))

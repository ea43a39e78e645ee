/** The text of the field stands between quotes: an empty one is an empty text, and no null. */
export const QUOTED = 1
/** It holds bytes that COPY text writes with a backslash. */
export const ESCAPES = 2
/** It holds doubled quotes. */
export const DOUBLED = 4

/** What {@link CsvScanner.scan} returns in place of a position. */
export const INCOMPLETE = -1
/** A quote inside of an unquoted field. */
export const STRAY_QUOTE = -2
/** Something other than a delimiter or the line's end behind a closing quote. */
export const BROKEN_QUOTE = -3

const NEWLINE = 10
const CARRIAGE_RETURN = 13
const BACKSLASH = 92

/**
 * Finds the fields of CSV as RFC 4180 and Postgres write it: a quote inside quotes is doubled, lines end in LF or CRLF,
 * a line break inside quotes is text. An own scanner, because it has to tell `""` from nothing and give the bytes of
 * every row without an object a field; csv-parse takes 5 µs a row, and 27 µs a field when it is asked for the former.
 */
export class CsvScanner {
  /** Of the last record: field `i` is `bytes[starts[i] .. ends[i])`, without its quotes. */
  starts = new Int32Array(64)
  ends = new Int32Array(64)
  flags = new Uint8Array(64)
  count = 0
  /** Line breaks within the last record, the one that ends it not included. */
  breaks = 0
  /** Whether the last record ended in a newline. */
  terminated = true
  readonly #delimiter: number
  readonly #quote: number

  /** Both are one ASCII character; without a quote there are no quoted fields. */
  constructor(delimiter: string, quote: string | undefined) {
    this.#delimiter = delimiter.charCodeAt(0)
    this.#quote = quote === undefined ? -1 : quote.charCodeAt(0)
  }

  /**
   * Scans the record at `from`. Returns the position behind it, INCOMPLETE where its end is not in `bytes` (unless
   * `final`), or what is wrong with it.
   */
  scan(bytes: Buffer, from: number, final: boolean): number {
    const delimiter = this.#delimiter
    const quote = this.#quote
    const length = bytes.length
    this.count = 0
    this.breaks = 0
    let at = from
    for (;;) {
      if (this.count === this.starts.length) this.#grow()
      if (at < length && bytes[at] === quote) {
        at = this.#scanQuoted(bytes, at + 1, final)
        if (at < 0) return at
      } else {
        let flags = 0
        const start = at
        let byte = -1
        for (; at < length; at++) {
          byte = bytes[at] as number
          if (byte === delimiter || byte === NEWLINE) break
          if (byte === quote) return STRAY_QUOTE
          if (byte === BACKSLASH || (byte >= 8 && byte <= 13)) flags |= ESCAPES
        }
        let end = at
        // Of CRLF; the end of the input may stand for the LF.
        if (end > start && byte !== delimiter && bytes[end - 1] === CARRIAGE_RETURN) end--
        this.#add(start, end, flags)
      }
      if (at >= length) {
        this.terminated = false
        return final ? length : INCOMPLETE
      }
      if (bytes[at] === delimiter) {
        at++
        continue
      }
      this.terminated = true
      return at + 1
    }
  }

  /** From behind the opening quote. Returns the position of the delimiter, of the LF or of the end. */
  #scanQuoted(bytes: Buffer, from: number, final: boolean): number {
    const quote = this.#quote
    const length = bytes.length
    let flags = QUOTED
    for (let at = from; at < length; at++) {
      const byte = bytes[at] as number
      if (byte === quote) {
        if (at + 1 < length && bytes[at + 1] === quote) {
          flags |= DOUBLED
          at++
          continue
        }
        this.#add(from, at, flags)
        return this.#behindQuote(bytes, at + 1, final)
      }
      if (byte === BACKSLASH || (byte >= 8 && byte <= 13)) {
        flags |= ESCAPES
        if (byte === NEWLINE) this.breaks++
      }
    }
    return INCOMPLETE
  }

  #behindQuote(bytes: Buffer, at: number, final: boolean): number {
    const next = bytes[at]
    if (next === undefined) return final ? at : INCOMPLETE
    if (next === this.#delimiter || next === NEWLINE) return at
    if (next !== CARRIAGE_RETURN) return BROKEN_QUOTE
    if (at + 1 === bytes.length) return final ? at + 1 : INCOMPLETE
    return bytes[at + 1] === NEWLINE ? at + 1 : BROKEN_QUOTE
  }

  #add(start: number, end: number, flags: number): void {
    this.starts[this.count] = start
    this.ends[this.count] = end
    this.flags[this.count] = flags
    this.count++
  }

  #grow(): void {
    const larger = (array: Int32Array) => {
      const copy = new Int32Array(array.length * 2)
      copy.set(array)
      return copy
    }
    const flags = new Uint8Array(this.flags.length * 2)
    flags.set(this.flags)
    this.flags = flags
    this.starts = larger(this.starts)
    this.ends = larger(this.ends)
  }

  /** The text of a field of the last record. */
  text(bytes: Buffer, field: number): string {
    const text = bytes.toString('utf8', this.starts[field], this.ends[field])
    if (((this.flags[field] as number) & DOUBLED) === 0) return text
    const quote = String.fromCharCode(this.#quote)
    return text.replaceAll(quote + quote, quote)
  }
}

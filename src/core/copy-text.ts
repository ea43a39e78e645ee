/**
 * PostgreSQL's COPY text form, the one form in which rows flow through rowferry: exact, cheap to split, and what
 * a Postgres destination takes as it is. https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2
 */

const TAB = 9
const NEWLINE = 10
const BACKSLASH = 92
const CAPITAL_N = 78

const UNESCAPED: Readonly<Record<number, number>> = { 98: 8, 102: 12, 110: 10, 114: 13, 116: 9, 118: 11 }
const ESCAPED: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
}

/** A field's text, or null. `start` and `end` delimit the field without its tab or newline. */
export function decodeField(bytes: Buffer, start: number, end: number): string | null {
  if (end - start === 2 && bytes[start] === BACKSLASH && bytes[start + 1] === CAPITAL_N) return null
  for (let at = start; at < end; at++) if (bytes[at] === BACKSLASH) return decodeEscaped(bytes, start, end)
  return bytes.toString('utf8', start, end)
}

function decodeEscaped(bytes: Buffer, start: number, end: number): string {
  const out = Buffer.allocUnsafe(end - start)
  return out.toString('utf8', 0, unescapeInto(bytes, start, end, out, 0))
}

/** Copies a field without its escapes; returns the position behind the last byte written. */
export function unescapeInto(bytes: Buffer, start: number, end: number, out: Buffer, at: number): number {
  let to = at
  for (let from = start; from < end; from++) {
    let byte = bytes[from] as number
    if (byte === BACKSLASH && from + 1 < end) {
      from++
      byte = bytes[from] as number
      byte = UNESCAPED[byte] ?? byte
    }
    out[to++] = byte
  }
  return to
}

/** The fields of one line (with or without its newline). */
export function decodeRow(bytes: Buffer, start: number, end: number): (string | null)[] {
  const fields: (string | null)[] = []
  const stop = end > start && bytes[end - 1] === NEWLINE ? end - 1 : end
  let from = start
  for (let at = start; at <= stop; at++) {
    if (at === stop || bytes[at] === TAB) {
      fields.push(decodeField(bytes, from, at))
      from = at + 1
    }
  }
  return fields
}

/** The position behind the tab that ends field `fields - 1`: where field number `fields` starts. */
export function skipFields(bytes: Buffer, start: number, fields: number): number {
  let at = start
  for (let skipped = 0; skipped < fields; at++) if (bytes[at] === TAB) skipped++
  return at
}

/** A field as COPY text. Throws nothing; a NUL stays and is refused by the server that gets it. */
export function encodeField(value: string | null): string {
  if (value === null) return '\\N'
  return /[\b\f\n\r\t\v\\]/.test(value)
    ? value.replace(/[\b\f\n\r\t\v\\]/g, (character) => ESCAPED[character] as string)
    : value
}

/** A line as COPY text, newline included. */
export function encodeRow(values: readonly (string | null)[]): string {
  let line = ''
  for (let index = 0; index < values.length; index++) {
    if (index > 0) line += '\t'
    line += encodeField(values[index] as string | null)
  }
  return `${line}\n`
}

/** The CSV of Bulk API 2.0, read and written by this simulator's own rules. */
export const DELIMITERS: Readonly<Record<string, string>> = {
  BACKQUOTE: '`',
  CARET: '^',
  COMMA: ',',
  PIPE: '|',
  SEMICOLON: ';',
  TAB: '\t',
}

export const LINE_ENDINGS: Readonly<Record<string, string>> = { LF: '\n', CRLF: '\r\n' }

export interface CsvForm {
  readonly delimiter: string
  readonly lineEnding: string
}

/** Data that is no CSV of that form. The message is the one of the job. */
export class CsvError extends Error {
  override readonly name = 'CsvError'
}

const QUOTE = 34
const LF = 10
const CR = 13

/** Where the rows are, without their line ends: the first byte of each and the one behind it, in turn. Row 0 is the header. */
export interface CsvRows {
  readonly count: number
  readonly places: Uint32Array
}

/** A line feed within quotes is text. Empty lines are no rows. Throws a {@link CsvError}. */
export function csvRows(bytes: Buffer, { lineEnding }: CsvForm): CsvRows {
  const crlf = lineEnding === '\r\n'
  let places = new Uint32Array(1024)
  let count = 0
  let start = hasByteOrderMark(bytes) ? 3 : 0
  let quoted = false
  const add = (end: number) => {
    if (end <= start) return
    if (count * 2 === places.length) {
      const larger = new Uint32Array(places.length * 2)
      larger.set(places)
      places = larger
    }
    places[count * 2] = start
    places[count * 2 + 1] = end
    count++
  }
  for (let at = start; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === QUOTE) quoted = !quoted
    else if (byte === LF && !quoted) {
      const returned = at > start && bytes[at - 1] === CR
      if (returned !== crlf) throw wrongLineEnding(crlf)
      add(returned ? at - 1 : at)
      start = at + 1
    }
  }
  if (quoted) throw new CsvError('ClientInputError : unterminated quoted field in the data')
  add(bytes.length)
  return { count, places }
}

function hasByteOrderMark(bytes: Buffer): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
}

function wrongLineEnding(crlf: boolean): CsvError {
  const setting = crlf ? 'CRLF' : 'LF'
  return new CsvError(`ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is ${setting}`)
}

/** A row as it was sent, without its line end. */
export function rowText(bytes: Buffer, rows: CsvRows, row: number): string {
  return bytes.toString('utf8', rows.places[row * 2], rows.places[row * 2 + 1])
}

/** The cells of a row. Throws a {@link CsvError} where a quote stands in the middle of a cell. */
export function csvCells(text: string, delimiter: string): string[] {
  if (!text.includes('"')) return text.split(delimiter)
  const cells: string[] = []
  let at = 0
  for (;;) {
    if (text[at] !== '"') {
      const found = text.indexOf(delimiter, at)
      const cell = found < 0 ? text.slice(at) : text.slice(at, found)
      if (cell.includes('"')) throw new CsvError('ClientInputError : a quote in an unquoted field of the data')
      cells.push(cell)
      if (found < 0) return cells
      at = found + 1
      continue
    }
    let cell = ''
    let end = text.indexOf('"', at + 1)
    for (at++; text[end + 1] === '"'; end = text.indexOf('"', at)) {
      cell += text.slice(at, end + 1)
      at = end + 2
    }
    cells.push(cell + text.slice(at, end))
    at = end + 1
    if (at >= text.length) return cells
    if (text[at] !== delimiter) throw new CsvError('ClientInputError : text after a quoted field of the data')
    at++
  }
}

/** A cell between quotes, as in every reply. */
export function quotedCell(text: string): string {
  return text.includes('"') ? `"${text.replaceAll('"', '""')}"` : `"${text}"`
}

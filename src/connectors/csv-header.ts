import type { Column } from '../core/column.ts'
import { FatalError } from '../core/errors.ts'
import { CsvScanner, INCOMPLETE, QUOTED } from './csv-scan.ts'
import { MAX_LINE_BYTES, requireUtf8 } from './pending-bytes.ts'
import { brokenRecord } from './row-errors.ts'
import type { RowOptions } from './row-options.ts'
import { checkTypes, typedColumn, typeOf } from './text-types.ts'

/** The columns of CSV: its header, or what `columns` says in its place. All are text unless `types` says otherwise. */
export async function csvColumns(
  next: () => Promise<Buffer | undefined>,
  name: string,
  options: RowOptions,
): Promise<Column[]> {
  const names = options.columns ?? (await readHeader(next, name, options))
  checkTypes(options.types, names)
  return names.map((column) => typedColumn(column, typeOf(options.types, column) ?? 'text'))
}

async function readHeader(
  next: () => Promise<Buffer | undefined>,
  name: string,
  options: RowOptions,
): Promise<string[]> {
  const scanner = new CsvScanner(options.delimiter, options.quote)
  let bytes = Buffer.alloc(0)
  for (let final = false; ; ) {
    const end = scanner.scan(bytes, 0, final)
    if (end >= 0 && bytes.length > 0) {
      const line = bytes.subarray(0, end)
      if (line.includes(0)) throw notText(name)
      requireUtf8(line, 1, name)
      const names = Array.from({ length: scanner.count }, (_, field) => scanner.text(bytes, field))
      checkHeader(names, name)
      const [only = '', ...others] = names
      const isQuoted = ((scanner.flags[0] as number) & QUOTED) !== 0
      if (others.length === 0 && !isQuoted) checkDelimiter(only, options.delimiter, name)
      return names
    }
    if (end < 0 && end !== INCOMPLETE) throw brokenRecord(end, 1, 1, name)
    if (final && bytes.length === 0) {
      const advice = 'CSV starts with a header line, or needs `columns`: look at what writes it'
      throw new FatalError('input_empty', `${name} is empty: ${advice}`)
    }
    if (final) throw brokenRecord(end, 1, 1, name)
    if (bytes.length > MAX_LINE_BYTES) {
      throw new FatalError(
        'line_too_large',
        `${name} has no line end in its first 16 MiB: is this CSV? Give its format`,
      )
    }
    const chunk = await next()
    if (chunk === undefined) final = true
    else bytes = Buffer.concat([bytes, chunk])
  }
}

function checkHeader(names: readonly string[], name: string): void {
  const lone = names.find((one) => one.includes('\r'))
  if (lone !== undefined) {
    throw new FatalError('lone_carriage_return', `the lines of ${name} end in CR alone: convert them to LF first`)
  }
  const empty = names.indexOf('')
  if (empty >= 0) {
    const which = names.length === 1 ? 'the first line is empty' : `column ${empty + 1} has no name`
    throw new FatalError('unnamed_column', `the header of ${name}: ${which}; name every column`)
  }
  const twice = names.find((one, index) => names.indexOf(one) < index)
  if (twice !== undefined) {
    throw new FatalError('duplicate_column', `the header of ${name} has column ${twice} twice; rename one of them`)
  }
}

/** A header that is one field, with a character in it that divides fields elsewhere. One that is meant can be quoted. */
function checkDelimiter(header: string, delimiter: string, name: string): void {
  const other = [',', ';', '\t', '|'].find((one) => one !== delimiter && header.includes(one))
  if (other === undefined) return
  const meant = JSON.stringify(other)
  throw new FatalError(
    'wrong_delimiter',
    `the header of ${name} is one column, ${JSON.stringify(header)}: if ${meant} divides the fields, say so with ` +
      `delimiter: ${meant} in rowferry.yaml, or write commas; if that is its name, quote it`,
  )
}

function notText(name: string): FatalError {
  return new FatalError('not_text', `${name} holds binary data: name a file of rows as text, CSV or NDJSON`)
}

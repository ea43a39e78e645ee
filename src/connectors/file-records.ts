import { createReadStream } from 'node:fs'
import { FatalError } from '../core/errors.ts'
import { CsvScanner, INCOMPLETE, QUOTED } from './csv-scan.ts'
import { isBlank, JSON_ESCAPED, JSON_FALSE, JSON_NULL, JSON_TRUE, JsonScanner } from './json-scan.ts'
import { nameOf } from './ndjson-columns.ts'
import { MAX_LINE_BYTES, PendingBytes } from './pending-bytes.ts'
import { withoutEscape } from './written-rows.ts'

/** How a file that rows are appended to is read: to know which records it holds, and whether its last line is whole. */
export interface FileForm {
  readonly path: string
  readonly format: 'csv' | 'ndjson'
  /** CSV: whether cells were written with a quote before what looks like a formula. */
  readonly escapeFormulas: boolean
}

/** How a file ends. */
export interface FileEnd {
  readonly size: number
  /** Bytes up to the end of the last whole record. What follows was cut off in the middle. */
  readonly whole: number
  /** The last record is whole, and only its newline is missing. */
  readonly lacksNewline: boolean
}

type Values = (string | null)[]

/** Reads one record at a time. */
interface RecordScanner {
  /** The position behind the record at `from`, or INCOMPLETE where its end is not in `data`. */
  scan(data: Buffer, from: number): number
  /** Whether the bytes from there on, which no newline ends, are a whole record. */
  isWhole(data: Buffer, from: number): boolean
  /** The fields of the record that was scanned last; undefined where it is no record (a header, an empty line). */
  values(data: Buffer): Values | undefined
}

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/**
 * Visits the fields `names` of every record of a file, in bounded memory, and answers how the file ends. A field that a
 * record does not have is null. Throws FatalError `file_unreadable` for what is not of the format.
 */
export async function scanFile(
  form: FileForm,
  names: readonly string[],
  visit: (values: Values) => void,
  signal?: AbortSignal,
): Promise<FileEnd> {
  const scanner = form.format === 'csv' ? new CsvRecords(form, names) : new JsonRecords(form, names)
  const pending = new PendingBytes()
  let size = 0
  let whole = 0
  for await (const chunk of createReadStream(form.path, { highWaterMark: 256 * 1024 }) as AsyncIterable<Buffer>) {
    signal?.throwIfAborted()
    const isFirst = size === 0
    size += chunk.length
    const data = pending.join(chunk)
    if (data === undefined) continue
    let at = isFirst && data.indexOf(BYTE_ORDER_MARK) === 0 ? BYTE_ORDER_MARK.length : 0
    whole += at
    for (let end = scanner.scan(data, at); end !== INCOMPLETE; end = scanner.scan(data, at)) {
      const values = scanner.values(data)
      if (values !== undefined) visit(values)
      whole += end - at
      at = end
    }
    if (data.length - at > MAX_LINE_BYTES) break
    pending.keep(data.subarray(at))
  }
  const rest = pending.take()
  if (size - whole > MAX_LINE_BYTES) throw unreadable(form, `has no end of a line behind byte ${whole}`)
  if (rest.length === 0 || !scanner.isWhole(rest, 0)) return { size, whole, lacksNewline: false }
  const values = scanner.values(rest)
  if (values !== undefined) visit(values)
  return { size, whole: size, lacksNewline: true }
}

class CsvRecords implements RecordScanner {
  readonly #form: FileForm
  readonly #names: readonly string[]
  readonly #scanner = new CsvScanner(',', '"')
  #line = 1
  /** For each name the number of its field, or -1; undefined before the header. */
  #fields: readonly number[] | undefined

  constructor(form: FileForm, names: readonly string[]) {
    this.#form = form
    this.#names = names
  }

  scan(data: Buffer, from: number): number {
    if (from >= data.length) return INCOMPLETE
    const end = this.#scanner.scan(data, from, false)
    if (end < 0 && end !== INCOMPLETE) throw unreadable(this.#form, `has a stray quote in line ${this.#line}`)
    if (end >= 0) this.#line += this.#scanner.breaks + 1
    return end
  }

  /** Nothing tells a short last value from one that was cut. */
  isWhole(): boolean {
    return false
  }

  values(data: Buffer): Values | undefined {
    const { count } = this.#scanner
    if (this.#fields === undefined) {
      const header = Array.from({ length: count }, (_, field) => this.#text(data, field))
      this.#fields = this.#names.map((name) => header.indexOf(name))
      return undefined
    }
    if (count === 1 && this.#text(data, 0) === null) return undefined
    return this.#fields.map((field) => (field >= 0 && field < count ? this.#text(data, field) : null))
  }

  #text(data: Buffer, field: number): string | null {
    const { starts, ends, flags } = this.#scanner
    const isQuoted = ((flags[field] as number) & QUOTED) !== 0
    if (!isQuoted && starts[field] === ends[field]) return null
    const text = this.#scanner.text(data, field)
    return this.#form.escapeFormulas ? withoutEscape(text) : text
  }
}

class JsonRecords implements RecordScanner {
  readonly #form: FileForm
  readonly #names: readonly string[]
  readonly #scanner = new JsonScanner()
  #line = 0
  #blank = false

  constructor(form: FileForm, names: readonly string[]) {
    this.#form = form
    this.#names = names
  }

  scan(data: Buffer, from: number): number {
    const end = data.indexOf(10, from)
    if (end < 0) return INCOMPLETE
    this.#line++
    this.#blank = isBlank(data, from, end)
    if (this.#blank || this.#scanner.scan(data, from, end)) return end + 1
    throw unreadable(this.#form, `holds no JSON object in line ${this.#line}`)
  }

  isWhole(data: Buffer, from: number): boolean {
    this.#blank = isBlank(data, from, data.length)
    return this.#blank || this.#scanner.scan(data, from, data.length)
  }

  values(data: Buffer): Values | undefined {
    if (this.#blank) return undefined
    const values: Values = this.#names.map(() => null)
    for (let member = 0; member < this.#scanner.count; member++) {
      const at = this.#names.indexOf(nameOf(this.#scanner, data, member))
      if (at >= 0) values[at] = this.#text(data, member)
    }
    return values
  }

  #text(data: Buffer, member: number): string | null {
    const { starts, ends, kinds } = this.#scanner
    const [start, end] = [starts[member] as number, ends[member] as number]
    switch (kinds[member]) {
      case JSON_NULL:
        return null
      case JSON_TRUE:
        return 't'
      case JSON_FALSE:
        return 'f'
      case JSON_ESCAPED:
        return JSON.parse(data.toString('utf8', start - 1, end + 1)) as string
      default:
        return data.toString('utf8', start, end)
    }
  }
}

function unreadable({ path, format }: FileForm, what: string): FatalError {
  const name = format === 'csv' ? 'CSV' : 'NDJSON'
  return new FatalError(
    'file_unreadable',
    `${path} ${what}, so it is no ${name} that rows can be appended to: mend it, or name another file`,
  )
}

import type { Column } from '../core/column.ts'
import { CopyLines, copyEscaped, copyPlain, writeEscaped, writeNull } from './copy-lines.ts'
import { csvColumns } from './csv-header.ts'
import { CsvScanner, DOUBLED, ESCAPES, INCOMPLETE, QUOTED } from './csv-scan.ts'
import { MAX_LINE_BYTES, PendingBytes, requireUtf8 } from './pending-bytes.ts'
import { behindTrailer, brokenRecord, cutOff, lineTooLarge } from './row-errors.ts'
import { payloadOf, type RowFormat, type RowReader } from './row-format.ts'
import type { RowOptions } from './row-options.ts'
import { isNormalInteger, normalizerOf, typeOf } from './text-types.ts'

/** CSV: a header and a record a row. `name` is what messages call the input. */
export function csvFormat(name: string, options: RowOptions): RowFormat {
  let header: readonly string[] = options.columns ?? []
  return {
    async columns(next) {
      const columns = await csvColumns(next, name, options)
      header = columns.map((column) => column.name)
      return columns
    },
    read: (columns) => new CsvReader(name, options, header, columns),
  }
}

/** A column of the lines: which field it is, and what its text is brought into. */
interface Wanted {
  readonly field: number
  readonly isInteger: boolean
  readonly normal: ((text: string) => string) | undefined
}

class CsvReader implements RowReader {
  readonly lines = new CopyLines()
  rows = 0
  trailer: number | undefined
  readonly #name: string
  readonly #options: RowOptions
  readonly #width: number
  readonly #wanted: readonly Wanted[]
  readonly #scanner: CsvScanner
  readonly #nullText: Buffer
  readonly #quote: number
  readonly #pending = new PendingBytes()
  /** Number of the line at which the pending bytes begin. */
  #line = 1
  #inHeader: boolean

  constructor(name: string, options: RowOptions, header: readonly string[], columns: readonly Column[]) {
    this.#name = name
    this.#options = options
    this.#width = header.length
    this.#wanted = columns.map((column) => {
      const type = typeOf(options.types, column.name)
      return { field: header.indexOf(column.name), isInteger: type === 'integer', normal: normalizerOf(type) }
    })
    this.#scanner = new CsvScanner(options.delimiter, options.quote)
    this.#nullText = Buffer.from(options.null)
    this.#quote = options.quote?.charCodeAt(0) ?? -1
    this.#inHeader = options.columns === undefined
  }

  feed(bytes: Buffer, full: () => void): void {
    const data = this.#pending.join(bytes)
    if (data !== undefined) this.#scan(data, false, full)
  }

  finish(whole: boolean, full: () => void): void {
    const data = this.#pending.take()
    if (data.length === 0) return
    this.#scan(data, true, full)
    const { terminated } = this.#scanner
    if (terminated || whole || this.trailer !== undefined) return
    throw cutOff(this.#line - 1, this.#name)
  }

  #scan(data: Buffer, final: boolean, full: () => void): void {
    requireUtf8(data, this.#line, this.#name)
    let at = 0
    while (at < data.length) {
      const end = this.#scanner.scan(data, at, final)
      if (end < 0 && (end !== INCOMPLETE || final))
        throw brokenRecord(end, this.#line + this.#scanner.breaks, this.#line, this.#name)
      if ((end < 0 ? data.length : end) - at > MAX_LINE_BYTES) throw lineTooLarge(this.#line, this.#name)
      if (end < 0) break
      this.#record(data, at, end)
      this.#line += this.#scanner.breaks + 1
      at = end
      if (this.lines.isFull) full()
    }
    this.#pending.keep(data.subarray(at))
  }

  #record(data: Buffer, from: number, to: number): void {
    const { count, flags, starts, ends } = this.#scanner
    if (this.#inHeader) {
      this.#inHeader = false
      return
    }
    // In a table of one column this is a row with nothing in it.
    if (count === 1 && starts[0] === ends[0] && ((flags[0] as number) & QUOTED) === 0 && this.#width > 1) return
    if (this.trailer !== undefined) throw behindTrailer(this.#name, this.#line)
    if (this.#options.trailer && this.#isTrailer(data)) return
    this.rows++
    if (count === this.#width) this.#write(data, to - from)
    else {
      this.lines.unreadable({
        code: 'ragged_row',
        message:
          `line ${this.#line} of ${this.#name} has ${count} fields where ${this.#width} are expected; ` +
          'quote fields that hold a delimiter or a line break',
        payload: payloadOf(data, from, to),
      })
    }
  }

  /** `#end,123`, unquoted. */
  #isTrailer(data: Buffer): boolean {
    const { count, flags } = this.#scanner
    if (count !== 2 || (((flags[0] as number) | (flags[1] as number)) & QUOTED) !== 0) return false
    if (this.#scanner.text(data, 0) !== '#end') return false
    const rows = this.#scanner.text(data, 1)
    if (!/^\d{1,15}$/.test(rows)) return false
    this.trailer = Number(rows)
    return true
  }

  #write(data: Buffer, size: number): void {
    const { lines } = this
    const { starts, ends, flags } = this.#scanner
    lines.reserve((size + 1) * 2 + this.#wanted.length * 3)
    for (let column = 0; column < this.#wanted.length; column++) {
      const { field, normal, isInteger } = this.#wanted[column] as Wanted
      if (column > 0) lines.bytes[lines.at++] = 9
      const start = starts[field] as number
      const end = ends[field] as number
      const flag = flags[field] as number
      if ((flag & QUOTED) === 0 && this.#isNull(data, start, end)) lines.at = writeNull(lines.bytes, lines.at)
      else if (normal !== undefined && !(isInteger && isNormalInteger(data, start, end))) {
        lines.text(normal(this.#scanner.text(data, field)))
        lines.reserve((size + 1) * 2 + this.#wanted.length * 3)
      } else if (flag & DOUBLED) lines.at = this.#copyDoubled(data, start, end, lines.bytes, lines.at)
      else if (flag & ESCAPES) lines.at = copyEscaped(data, start, end, lines.bytes, lines.at)
      else lines.at = copyPlain(data, start, end, lines.bytes, lines.at)
    }
    lines.reserve(1)
    lines.end()
  }

  #isNull(data: Buffer, start: number, end: number): boolean {
    const length = this.#nullText.length
    if (end - start !== length) return false
    for (let index = 0; index < length; index++) if (data[start + index] !== this.#nullText[index]) return false
    return true
  }

  #copyDoubled(data: Buffer, start: number, end: number, out: Buffer, at: number): number {
    let next = at
    for (let index = start; index < end; index++) {
      const byte = data[index] as number
      next = writeEscaped(byte, out, next)
      if (byte === this.#quote) index++
    }
    return next
  }
}

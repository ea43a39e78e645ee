import type { Column } from '../core/column.ts'
import { FatalError } from '../core/errors.ts'
import { CopyLines, copyEscaped, copyPlain, writeNull } from './copy-lines.ts'
import {
  isBlank,
  JSON_ESCAPED,
  JSON_FALSE,
  JSON_NESTED,
  JSON_NULL,
  JSON_NUMBER,
  JSON_TEXT,
  JSON_TRUE,
  JsonScanner,
} from './json-scan.ts'
import { copyUnescaped } from './json-text.ts'
import { nameOf, ndjsonColumns, trailerOf } from './ndjson-columns.ts'
import { MAX_LINE_BYTES, PendingBytes, requireUtf8 } from './pending-bytes.ts'
import { behindTrailer, cutOff, lineTooLarge } from './row-errors.ts'
import { payloadOf, type RowFormat, type RowReader } from './row-format.ts'
import type { RowOptions } from './row-options.ts'
import { isNormalInteger, normalizerOf, typeOf } from './text-types.ts'

/** NDJSON: one object a line. `name` is what messages call the input. */
export function ndjsonFormat(name: string, options: RowOptions): RowFormat {
  let known: readonly string[] = []
  return {
    async columns(next) {
      const columns = await ndjsonColumns(next, name, options)
      known = columns.map((column) => column.name)
      return columns
    },
    read: (columns) => new NdjsonReader(name, options, known, columns),
  }
}

/** A name that is not among the columns of the lines. */
const IGNORED = -1

/** A column of the lines. */
interface Wanted {
  readonly kind: Column['kind']
  readonly isInteger: boolean
  readonly normal: ((text: string) => string) | undefined
}

/** Names that come at the same place line after line are found without being read. */
interface Expected {
  readonly name: Buffer
  readonly column: number
}

class NdjsonReader implements RowReader {
  readonly lines = new CopyLines()
  rows = 0
  trailer: number | undefined
  readonly #name: string
  readonly #options: RowOptions
  readonly #known: ReadonlySet<string>
  readonly #wanted: readonly Wanted[]
  readonly #columnOf: ReadonlyMap<string, number>
  readonly #expected: Expected[] = []
  readonly #scanner = new JsonScanner()
  /** For each column of the lines: the member of the current object, or -1. */
  readonly #memberOf: Int32Array
  readonly #pending = new PendingBytes()
  #line = 0

  constructor(name: string, options: RowOptions, known: readonly string[], columns: readonly Column[]) {
    this.#name = name
    this.#options = options
    this.#known = new Set(known)
    this.#wanted = columns.map((column) => {
      const type = typeOf(options.types, column.name)
      return { kind: column.kind, isInteger: type === 'integer', normal: normalizerOf(type) }
    })
    this.#columnOf = new Map(columns.map((column, index) => [column.name, index]))
    this.#memberOf = new Int32Array(columns.length)
  }

  feed(bytes: Buffer, full: () => void): void {
    const data = this.#pending.join(bytes)
    if (data === undefined) return
    this.#pending.keep(this.#takeLines(data, full))
  }

  finish(_whole: boolean, full: () => void): void {
    // Behind a long line whole ones may wait, too.
    const data = this.#takeLines(this.#pending.take(), full)
    // An object says itself where it ends: one that is complete was not cut off.
    const isComplete = isBlank(data, 0, data.length) || this.#scanner.scan(data, 0, data.length)
    if (!isComplete) throw cutOff(this.#line + 1, this.#name)
    if (data.length > 0) this.#take(data, 0, data.length)
    if (this.lines.isFull) full()
  }

  /** Takes the lines that have an end; answers what is behind them. */
  #takeLines(data: Buffer, full: () => void): Buffer {
    requireUtf8(data, this.#line + 1, this.#name)
    let at = 0
    for (;;) {
      const end = data.indexOf(10, at)
      if ((end < 0 ? data.length : end) - at > MAX_LINE_BYTES) throw lineTooLarge(this.#line + 1, this.#name)
      if (end < 0) return data.subarray(at)
      this.#take(data, at, end)
      at = end + 1
      if (this.lines.isFull) full()
    }
  }

  #take(data: Buffer, from: number, to: number): void {
    this.#line++
    if (isBlank(data, from, to)) return
    if (this.trailer !== undefined) throw behindTrailer(this.#name, this.#line)
    if (!this.#scanner.scan(data, from, to)) {
      this.rows++
      this.#unreadable(this.#problem(data, from, to), data, from, to)
      return
    }
    if (this.#options.trailer) this.trailer = trailerOf(this.#scanner, data)
    if (this.trailer !== undefined) return
    this.rows++
    const twice = this.#locate(data)
    if (twice !== undefined) {
      const message = `holds the name ${twice} twice; which of the two is meant cannot be known: send it once`
      this.#unreadable({ code: 'duplicate_name', message }, data, from, to)
    } else if (!this.#write(data, to - from)) {
      const message = 'holds half of a surrogate pair (\\ud800 to \\udfff), which is no character; mend the text'
      this.#unreadable({ code: 'lone_surrogate', message }, data, from, to)
    }
  }

  /** Finds the member of each column; answers a name that is there twice. */
  #locate(data: Buffer): string | undefined {
    const memberOf = this.#memberOf.fill(-1)
    const { count } = this.#scanner
    for (let member = 0; member < count; member++) {
      const column = this.#columnAt(data, member)
      if (column === IGNORED) continue
      if (memberOf[column] !== -1) return nameOf(this.#scanner, data, member)
      memberOf[column] = member
    }
    return undefined
  }

  #columnAt(data: Buffer, member: number): number {
    const { nameStarts, nameEnds, nameEscapes } = this.#scanner
    const start = nameStarts[member] as number
    const length = (nameEnds[member] as number) - start
    const expected = this.#expected[member]
    if (expected !== undefined && expected.name.length === length) {
      let at = 0
      while (at < length && expected.name[at] === data[start + at]) at++
      if (at === length) return expected.column
    }
    const name = nameOf(this.#scanner, data, member)
    const column = this.#columnOf.get(name) ?? IGNORED
    if (column === IGNORED && this.#options.unknownColumns === 'refuse' && !this.#known.has(name)) {
      throw this.#unknown(name)
    }
    // An escaped name is not what its bytes say.
    if (nameEscapes[member] === 0 && member <= this.#expected.length) {
      this.#expected[member] = { name: Buffer.from(data.subarray(start, start + length)), column }
    }
    return column
  }

  /** Whether all of the row's text is characters. */
  #write(data: Buffer, size: number): boolean {
    const { lines } = this
    const { starts, ends, kinds } = this.#scanner
    const room = size * 2 + this.#wanted.length * 3 + 1
    lines.reserve(room)
    for (let column = 0; column < this.#wanted.length; column++) {
      if (column > 0) lines.bytes[lines.at++] = 9
      const member = this.#memberOf[column] as number
      const type = member < 0 ? JSON_NULL : (kinds[member] as number)
      if (type === JSON_NULL) {
        lines.at = writeNull(lines.bytes, lines.at)
        continue
      }
      const start = starts[member] as number
      const end = ends[member] as number
      const { kind, normal, isInteger } = this.#wanted[column] as Wanted
      if (normal !== undefined && type !== JSON_NESTED && !(isInteger && isNormalInteger(data, start, end))) {
        const text = this.#text(data, type, start, end)
        if (/\p{Surrogate}/u.test(text)) {
          lines.drop()
          return false
        }
        lines.text(normal(text))
        lines.reserve(room)
      } else if (!this.#writeValue(data, type, kind, start, end)) {
        lines.drop()
        return false
      }
    }
    lines.end()
    return true
  }

  #writeValue(data: Buffer, type: number, kind: Column['kind'], start: number, end: number): boolean {
    const { lines } = this
    const isText = type === JSON_TEXT || type === JSON_ESCAPED
    if (isText && kind === 'json') lines.at = copyEscaped(data, start - 1, end + 1, lines.bytes, lines.at)
    else if (kind === 'integer' && type === JSON_NUMBER && isMinusZero(data, start, end)) lines.bytes[lines.at++] = 48
    else if (type === JSON_TEXT || type === JSON_NUMBER) lines.at = copyPlain(data, start, end, lines.bytes, lines.at)
    else if (type === JSON_ESCAPED) {
      const at = copyUnescaped(data, start, end, lines.bytes, lines.at)
      if (at < 0) return false
      lines.at = at
    } else if (kind === 'boolean' && (type === JSON_TRUE || type === JSON_FALSE)) {
      lines.bytes[lines.at++] = type === JSON_TRUE ? 116 : 102
    } else lines.at = copyEscaped(data, start, end, lines.bytes, lines.at)
    return true
  }

  #text(data: Buffer, type: number, start: number, end: number): string {
    if (type !== JSON_ESCAPED) return data.toString('utf8', start, end)
    return JSON.parse(data.toString('utf8', start - 1, end + 1)) as string
  }

  #problem(data: Buffer, from: number, to: number): { code: string; message: string } {
    const first = data.toString('latin1', from, to).trimStart()[0] as string
    if (/[["\-\dtfn]/.test(first)) {
      return { code: 'not_an_object', message: 'is no JSON object; write each row as an object' }
    }
    const column = this.#scanner.problemAt - from + 1
    return { code: 'not_json', message: `is no JSON from byte ${column} on; write one object a line` }
  }

  #unreadable({ code, message }: { code: string; message: string }, data: Buffer, from: number, to: number): void {
    const text = `line ${this.#line} of ${this.#name} ${message}`
    this.lines.unreadable({ code, message: text, payload: payloadOf(data, from, to) })
  }

  #unknown(name: string): FatalError {
    return new FatalError(
      'unknown_column',
      `line ${this.#line} of ${this.#name} has a column ${JSON.stringify(name)} that the first lines do not have: ` +
        'list all columns with columns: [...], or map those that matter with fields',
    )
  }
}

/** No integer column tells it from 0, so it must not be another key either. */
function isMinusZero(data: Buffer, from: number, to: number): boolean {
  return to - from === 2 && data[from] === 45 && data[from + 1] === 48
}

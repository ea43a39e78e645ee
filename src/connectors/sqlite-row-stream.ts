import { Readable } from 'node:stream'
import type { Column } from '../core/column.ts'
import { FatalError } from '../core/errors.ts'
import type { RowBatch } from '../core/row-batch.ts'
import { CopyLines, writeNull } from './copy-lines.ts'
import type { KeyPart, SqliteReadPlan } from './sqlite-read-plan.ts'
import { quote } from './sqlite-table.ts'

/** Batches that may wait for the next stage. */
const BATCHES_AHEAD = 2
/** Largest text of a row. A row beyond is a mistake in the model more often than data. */
const MAX_ROW_BYTES = 16 * 1024 * 1024
const TAB = 9

/** A value as the driver gives it: integers as bigint, REAL as number. */
type Stored = string | number | bigint | Buffer | null

export interface SqliteRows {
  /** Not yet begun; its statement holds the connection until it is done or returned. */
  readonly rows: Iterator<Stored[]>
  readonly plan: SqliteReadPlan
  /** Ends the transaction that the rows come from; throws where SQLite does not agree that all is well. */
  commit(): void
  /** The error of ours for what the driver throws, after so many rows. */
  explain(error: unknown, rows: number): unknown
  readonly signal: AbortSignal
}

/**
 * The rows of a query as a stream of batches. SQLite is read in steps of one batch, each in a turn of its own, so that
 * a model of any size leaves room for everything else that this process does. The last batch carries the proof of the
 * end: SQLite said that there is no further row, and the read transaction ended well.
 */
export function sqliteRowStream(source: SqliteRows): Readable {
  const { rows, plan, signal } = source
  const printers = plan.keyParts.map((part, field) => printerOf(part, plan, field))
  const lines = new CopyLines()
  let count = 0

  const next = (): RowBatch => {
    while (!lines.isFull) {
      const { done, value } = rows.next()
      if (done === true) {
        source.commit()
        const evidence = `SQLite came to the end of the query after ${count} rows of one read transaction`
        return { ...lines.take(), end: { rows: count, proven: true, evidence } }
      }
      count++
      printRow(value, printers, lines, count)
    }
    return lines.take()
  }
  const onAbort = () =>
    stream.destroy(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)))
  const stream = new Readable({
    objectMode: true,
    highWaterMark: BATCHES_AHEAD,
    read() {
      setImmediate(() => {
        if (stream.destroyed) return
        try {
          const batch = next()
          stream.push(batch)
          if (batch.end !== undefined) stream.push(null)
        } catch (error) {
          stream.destroy(source.explain(error, count) as Error)
        }
      })
    },
    destroy(error, callback) {
      signal.removeEventListener('abort', onAbort)
      try {
        rows.return?.()
        callback(error)
      } catch (failure) {
        callback(error ?? (failure as Error))
      }
    },
  })
  signal.addEventListener('abort', onAbort, { once: true })
  return stream
}

/** A value as canonical text; throws UnreadableKey where it has no place in the order of the keys. */
type Printer = (value: Exclude<Stored, null>) => string

class UnreadableKey extends Error {}

function printRow(row: readonly Stored[], printers: readonly Printer[], lines: CopyLines, number: number): void {
  try {
    let size = 0
    for (let field = 0; field < row.length; field++) {
      const value = row[field] as Stored
      lines.reserve(4)
      if (field > 0) lines.bytes[lines.at++] = TAB
      if (value === null) lines.at = writeNull(lines.bytes, lines.at)
      else {
        const text = (printers[field] as Printer)(value)
        size += text.length
        if (size > MAX_ROW_BYTES) throw rowTooLarge(number)
        lines.text(text)
      }
    }
    lines.reserve(1)
    lines.end()
  } catch (error) {
    if (!(error instanceof UnreadableKey)) throw error
    lines.drop()
    lines.unreadable({ code: 'unreadable_key', message: error.message, payload: payloadOf(row) })
  }
}

function printerOf(part: KeyPart | undefined, { layout }: SqliteReadPlan, field: number): Printer {
  const column: Column | undefined = layout.columns[field - layout.extra]
  const isBoolean = part === undefined ? column?.kind === 'boolean' : part.encoding === 'boolean'
  const print: Printer = isBoolean ? (value) => (value === 1n ? 't' : value === 0n ? 'f' : printed(value)) : printed
  if (part === undefined) return print
  return (value) => {
    if (fits(part, value)) return print(value)
    const isBroken = typeof value === 'string' && value.includes('\ufffd')
    const column = quote(part.column)
    throw new UnreadableKey(
      `key column ${column} holds ${isBroken ? 'bytes that are no UTF-8' : classOf(value)} where ${expected(part)} belongs: ` +
        `correct the row, or select ${isBroken ? `hex(${column})` : `CAST(${column} AS TEXT)`} AS ${column}`,
    )
  }
}

/** Whether SQLite sorts this value where the bytes of its key sort. */
function fits({ encoding, isText }: KeyPart, value: Exclude<Stored, null>): boolean {
  switch (encoding) {
    case 'integer':
      return typeof value === 'bigint'
    case 'boolean':
      return value === 0n || value === 1n
    case 'bytes':
      return Buffer.isBuffer(value)
    default:
      // U+FFFD is what the driver makes of bytes that are no UTF-8: two keys could become one.
      return typeof value === 'string' ? !value.includes('\ufffd') : !isText && typeof value === 'bigint'
  }
}

function expected({ encoding, isText }: KeyPart): string {
  if (encoding === 'integer') return 'an integer'
  if (encoding === 'boolean') return '0 or 1'
  if (encoding === 'bytes') return 'a blob'
  return isText ? 'a text' : 'a text or an integer'
}

function printed(value: Exclude<Stored, null>): string {
  if (typeof value === 'string') return value
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value)
  return `\\x${value.toString('hex')}`
}

function classOf(value: Exclude<Stored, null>): string {
  if (Buffer.isBuffer(value)) return 'a blob'
  if (typeof value === 'bigint') return `the integer ${value}`
  return typeof value === 'number' ? `the number ${value}` : 'a text'
}

function payloadOf(row: readonly Stored[]): string {
  return JSON.stringify(row.map((value) => (value === null ? null : printed(value).slice(0, 1_000))))
}

function rowTooLarge(number: number): FatalError {
  return new FatalError(
    'row_too_large',
    `row ${number} of the model is larger than ${MAX_ROW_BYTES / 1024 / 1024} MiB: ` +
      'select fewer columns, or leave that row out of the model',
  )
}

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { KeyEncoding } from '../core/column.ts'
import { encodeField } from '../core/copy-text.ts'
import type { KeyList, ObjectRequest } from '../core/destination.ts'
import { FatalError } from '../core/errors.ts'
import { readTemporal, writeTemporal } from '../core/key-temporal.ts'
import type { EndOfModel, RowBatch } from '../core/row-batch.ts'
import type { SqliteDatabase } from '../core/sqlite-driver.ts'
import { explainSqlite } from './sqlite-error.ts'
import { type Affinity, findColumn, quote, type SqliteTable } from './sqlite-table.ts'
import { INT64_MAX, INT64_MIN } from './sqlite-values.ts'

const BATCH_CHARACTERS = 64 * 1024

/** An integer comes as bigint, a REAL as number. */
type Stored = string | number | bigint | Buffer

/** One match column of a list. */
interface Part {
  readonly column: string
  readonly encoding: KeyEncoding
  readonly affinity: Affinity
}

/**
 * Lists the keys of a table. `open` gives a connection of its own: better-sqlite3 does not write on a connection
 * that is being read. The scan is one statement and so sees one state of the table.
 */
export function listKeys(
  open: () => SqliteDatabase,
  path: string,
  table: SqliteTable,
  object: ObjectRequest,
  signal: AbortSignal,
): KeyList {
  const parts = object.match.map((name, index): Part => {
    const column = findColumn(table, name)
    return {
      column: column?.name ?? name,
      encoding: object.keyEncodings[index] as KeyEncoding,
      affinity: column?.affinity ?? 'none',
    }
  })
  const sorted = parts.every((part) => isByteOrder(part, table))
  return { sorted, rows: scan(open, path, table, parts, sorted, signal) }
}

/** The list of a table that is not there yet. */
export function noKeys(): KeyList {
  const end = { rows: 0, proven: true, evidence: 'the table does not exist yet' }
  async function* rows(): AsyncGenerator<RowBatch> {
    yield toBatch('', 0, end)
  }
  return { sorted: true, rows: rows() }
}

/**
 * Whether SQLite's order of all values that {@link print} accepts is the order of their encoded bytes. Numbers
 * sort by value and blobs by byte; text sorts by byte in its database's encoding.
 */
function isByteOrder({ encoding, affinity }: Part, table: SqliteTable): boolean {
  switch (encoding) {
    case 'integer':
      return affinity !== 'text'
    case 'text':
      // A column of any other affinity may hold numbers, which sort before all text.
      return affinity === 'text' && table.utf8
    case 'uuid':
    case 'bytes':
    case 'boolean':
      return true
    default:
      return false
  }
}

async function* scan(
  open: () => SqliteDatabase,
  path: string,
  table: SqliteTable,
  parts: readonly Part[],
  sorted: boolean,
  signal: AbortSignal,
): AsyncGenerator<RowBatch> {
  signal.throwIfAborted()
  const names = parts.map((part) => quote(part.column))
  const present = names.map((name) => `${name} IS NOT NULL`).join(' AND ')
  const order = sorted ? ` ORDER BY ${names.map((name) => `${name} COLLATE BINARY`).join(', ')}` : ''
  const sql = `SELECT ${names.join(', ')} FROM ${quote(table.name)} WHERE ${present}${order}`
  let database: SqliteDatabase | undefined
  try {
    database = open()
    const printer = new KeyPrinter(database, table, parts)
    const keys = database.prepare(sql).raw(true).safeIntegers(true).iterate() as IterableIterator<Stored[]>
    let total = 0
    let count = 0
    let text = ''
    for (const key of keys) {
      text += printer.line(key)
      count++
      if (text.length < BATCH_CHARACTERS) continue
      yield toBatch(text, count)
      total += count
      count = 0
      text = ''
      await nextTurn()
      signal.throwIfAborted()
    }
    const evidence = `one scan read table "${table.name}" to its end`
    yield toBatch(text, count, { rows: total + count, proven: true, evidence })
  } catch (error) {
    throw explainSqlite(error, path)
  } finally {
    database?.close()
  }
}

/** Lines hold no newline but their own, so their ends can be found afterwards. */
function toBatch(text: string, count: number, end?: EndOfModel): RowBatch {
  const bytes = Buffer.from(text)
  const offsets = new Uint32Array(count + 1)
  for (let row = 1, at = 0; row <= count; row++) {
    at = bytes.indexOf(10, at) + 1
    offsets[row] = at
  }
  return end === undefined ? { bytes, offsets, count } : { bytes, offsets, count, end }
}

class KeyPrinter {
  readonly #database: SqliteDatabase
  readonly #table: SqliteTable
  readonly #parts: readonly Part[]

  constructor(database: SqliteDatabase, table: SqliteTable, parts: readonly Part[]) {
    this.#database = database
    this.#table = table
    this.#parts = parts
  }

  /** The key as a COPY text line. Throws FatalError `unmatchable_key`. */
  line(key: readonly Stored[]): string {
    let line = ''
    for (let index = 0; index < key.length; index++) {
      const part = this.#parts[index] as Part
      const value = key[index] as Stored
      const text = print(part, value)
      if (text === undefined || (text.includes('\ufffd') && !this.#holds(part, text)))
        throw this.#unmatchable(part, value)
      line += index === 0 ? encodeField(text) : `\t${encodeField(text)}`
    }
    return `${line}\n`
  }

  /** U+FFFD is what the driver makes of bytes that are no UTF-8, but it may be there as such, too. */
  #holds(part: Part, text: string): boolean {
    const sql = `SELECT 1 FROM ${quote(this.#table.name)} WHERE ${quote(part.column)} = ? COLLATE BINARY`
    return this.#database.prepare(sql).get(text) !== undefined
  }

  #unmatchable(part: Part, value: Stored): FatalError {
    const shown = Buffer.isBuffer(value) ? `x'${value.toString('hex', 0, 40)}'` : JSON.stringify(String(value))
    return new FatalError(
      'unmatchable_key',
      `column "${part.column}" of the sqlite table "${this.#table.name}" holds ${shown} (${storageClass(value)}), which is ` +
        `no key of the model's type (${part.encoding}): correct or delete that record, or do without the list ` +
        'with `index: { bootstrap: empty, refresh: never }`',
    )
  }
}

function storageClass(value: Stored): string {
  if (Buffer.isBuffer(value)) return 'blob'
  return typeof value === 'bigint' ? 'integer' : typeof value === 'number' ? 'real' : 'text'
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const scratch = Buffer.alloc(16)

/**
 * A stored value as the source prints it; undefined where no key of the model would find this value again, because
 * what the writer binds for that key is something else.
 */
function print({ encoding, affinity }: Part, value: Stored): string | undefined {
  switch (encoding) {
    case 'integer':
      return printInteger(value, affinity)
    case 'text':
      return Buffer.isBuffer(value) ? undefined : String(value)
    case 'uuid':
      return typeof value === 'string' && UUID.test(value) ? value : undefined
    case 'boolean':
      return printBoolean(value, affinity)
    case 'bytes':
      return Buffer.isBuffer(value) ? `\\x${value.toString('hex')}` : undefined
    default:
      if (typeof value !== 'string' || !writeTemporal(encoding, value, scratch, 0)) return undefined
      return readTemporal(encoding, scratch, 0) === value ? value : undefined
  }
}

function printInteger(value: Stored, affinity: Affinity): string | undefined {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'string') {
    if (affinity !== 'text' || !/^(0|-?[1-9]\d{0,18})$/.test(value)) return undefined
    return inRange(BigInt(value)) ? value : undefined
  }
  if (!Number.isInteger(value)) return undefined
  const integer = BigInt(value as number)
  return inRange(integer) ? String(integer) : undefined
}

function inRange(integer: bigint): boolean {
  return integer >= INT64_MIN && integer <= INT64_MAX
}

function printBoolean(value: Stored, affinity: Affinity): string | undefined {
  if (Buffer.isBuffer(value) || (typeof value === 'string') !== (affinity === 'text')) return undefined
  const text = String(value)
  return text === '1' ? 't' : text === '0' ? 'f' : undefined
}

import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ChangeBatch } from '../core/change.ts'
import { type Destination, defineDestination, type KeyList, type ObjectRequest } from '../core/destination.ts'
import { configurationError } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'
import { loadSqlite, type SqliteDatabase, type SqliteDriver } from '../core/sqlite-driver.ts'
import { SYNC_MODE_NAMES } from '../core/sync-mode.ts'
import { BUSY_TIMEOUT_MS } from './sqlite-busy-timeout.ts'
import { checkFile, checkMissing, checkTable, concluded } from './sqlite-check.ts'
import { openConnection, openWriter, type WrittenTable } from './sqlite-connection.ts'
import { explained, isSqliteFailure } from './sqlite-error.ts'
import { listKeys, noKeys } from './sqlite-key-list.ts'
import { databasePath, located, type SqliteOptions, sqliteOptions } from './sqlite-options.ts'
import { createTableStatement, readTable, tableNames } from './sqlite-table.ts'
import type { SqliteWriter } from './sqlite-writer.ts'
import { THREAD_ENTRY, WriterThread } from './sqlite-writer-thread.ts'

const LARGEST_BATCH = 10_000

/** When batches begin to be written in a thread of their own, and what it runs. */
interface Threading {
  /** So many rows are written sooner than a thread has started. */
  readonly afterRows: number
  readonly entry: URL
}

/** A table of an SQLite file. */
export const sqliteDestination = defineSqliteDestination({ afterRows: LARGEST_BATCH, entry: THREAD_ENTRY })

export function defineSqliteDestination(threading: Threading) {
  return defineDestination<SqliteOptions>({
    type: 'sqlite',
    schemes: ['sqlite'],
    options: sqliteOptions,
    object: () => ({
      syncModes: SYNC_MODE_NAMES,
      // Two: the thread that writes has the next batch when it is done with the last.
      limits: { rows: LARGEST_BATCH, bytes: 2 * 1024 * 1024, inFlight: 2 },
      shared: false,
      lists: 'cheap',
      match: 'any',
      deletesAs: ['delete'],
      creates: true,
    }),
    locate: located,
    identity: (options) => `sqlite:${databasePath(options)}`,
    async open(options, object) {
      const path = databasePath(options)
      const missing = existsSync(path) ? undefined : existsSync(dirname(path)) ? path : dirname(path)
      if (missing !== undefined && (missing !== path || !object.create)) {
        const advice =
          missing === path ? 'check the path, or set `create: true` to have it made' : 'check the path, or make it'
        throw configurationError('no_such_file', `there is no ${missing}: ${advice}`)
      }
      const { entry } = threading
      // A program that was bundled with this library may have left the file behind.
      const threads = entry.protocol !== 'file:' || existsSync(entry)
      return new SqliteTableDestination(await loadSqlite(), path, object, threads ? threading : undefined)
    },
  })
}

/** What SQLite says of the statement itself (two names that differ in case alone, too many columns) is about the fields. */
function createTable(database: SqliteDatabase, object: ObjectRequest): void {
  const statement = createTableStatement(object)
  try {
    database.exec(statement)
  } catch (error) {
    if (!isSqliteFailure(error) || error.code !== 'SQLITE_ERROR') throw error
    throw configurationError(
      'cannot_create_table',
      `the table ${object.name} cannot be created (${error.message}): correct fields, or create it yourself`,
      error,
    )
  }
}

class SqliteTableDestination implements Destination {
  readonly #driver: SqliteDriver
  readonly #path: string
  readonly #object: ObjectRequest
  readonly #threading: Threading | undefined
  #connection: SqliteDatabase | undefined
  #writer: SqliteWriter | undefined
  #thread: WriterThread | undefined
  #given = 0

  constructor(driver: SqliteDriver, path: string, object: ObjectRequest, threading: Threading | undefined) {
    this.#driver = driver
    this.#path = path
    this.#object = object
    this.#threading = threading
  }

  async check(): Promise<readonly string[]> {
    return explained(this.#path, () => {
      const object = this.#object
      const unwritable = checkFile(this.#path)
      const database = existsSync(this.#path) ? this.#database() : undefined
      const table = database === undefined ? undefined : readTable(database, object.name)
      const { problems, notes } =
        table === undefined
          ? checkMissing(object, database === undefined ? [] : tableNames(database))
          : checkTable(object, table)
      const created = database === undefined ? [`${this.#path} will be created`] : []
      return concluded(object, { problems: [...unwritable, ...problems], notes: [...created, ...notes] })
    })
  }

  async prepare(): Promise<'created' | undefined> {
    return explained(this.#path, () => {
      if (!this.#object.create) return undefined
      const created = !existsSync(this.#path)
      const database = this.#database()
      // How an existing file keeps its journal is the user's business.
      if (created) database.pragma('journal_mode = WAL')
      const existed = readTable(database, this.#object.name) !== undefined
      createTable(database, this.#object)
      return existed ? undefined : 'created'
    })
  }

  async write(batch: ChangeBatch, signal: AbortSignal): Promise<readonly Outcome[]> {
    signal.throwIfAborted()
    if (batch.count === 0) return []
    const thread = this.#threadFor(batch.count)
    if (thread !== undefined) return thread.write(batch, signal)
    return explained(this.#path, () => {
      this.#writer ??= openWriter(this.#database(), this.#table())
      return this.#writer.write(batch)
    })
  }

  /** The thread that writes the next `rows`. It starts while the batch before is written in this one. */
  #threadFor(rows: number): WriterThread | undefined {
    if (this.#threading === undefined) return undefined
    const { afterRows, entry } = this.#threading
    const before = this.#given
    this.#given += rows
    if (this.#given >= afterRows) this.#thread ??= new WriterThread(this.#table(), entry)
    return before >= afterRows ? this.#thread : undefined
  }

  list(signal: AbortSignal): KeyList {
    return explained(this.#path, () => {
      const table = existsSync(this.#path) ? readTable(this.#database(), this.#object.name) : undefined
      return table === undefined ? noKeys() : listKeys(() => this.#reader(), this.#path, table, this.#object, signal)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#thread?.[Symbol.asyncDispose]()
    this.#connection?.close()
    this.#connection = undefined
  }

  #table(): WrittenTable {
    return { path: this.#path, name: this.#object.name, match: this.#object.match.length }
  }

  /** The connection of this thread; opened, and the file created, at the first use. */
  #database(): SqliteDatabase {
    this.#connection ??= openConnection(this.#driver, this.#path)
    return this.#connection
  }

  #reader(): SqliteDatabase {
    return new this.#driver(this.#path, { timeout: BUSY_TIMEOUT_MS, readonly: true, fileMustExist: true })
  }
}

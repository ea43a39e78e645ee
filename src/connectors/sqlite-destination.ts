import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ChangeBatch } from '../core/change.ts'
import { type Destination, defineDestination, type KeyList, type ObjectRequest } from '../core/destination.ts'
import { configurationError, FatalError } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'
import { loadSqlite, type SqliteDatabase, type SqliteDriver } from '../core/sqlite-driver.ts'
import { SYNC_MODE_NAMES } from '../core/sync-mode.ts'
import { checkFile, checkMissing, checkTable, concluded } from './sqlite-check.ts'
import { explained } from './sqlite-error.ts'
import { listKeys, noKeys } from './sqlite-key-list.ts'
import { BUSY_TIMEOUT_MS, databasePath, located, type SqliteOptions, sqliteOptions } from './sqlite-options.ts'
import { createTableStatement, readTable, tableNames } from './sqlite-table.ts'
import { SqliteWriter } from './sqlite-writer.ts'

/** A table of an SQLite file. */
export const sqliteDestination = defineDestination<SqliteOptions>({
  type: 'sqlite',
  schemes: ['sqlite'],
  options: sqliteOptions,
  object: () => ({
    syncModes: SYNC_MODE_NAMES,
    limits: { rows: 5_000, bytes: 8 * 1024 * 1024, inFlight: 1 },
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
    return new SqliteTableDestination(await loadSqlite(), path, object)
  },
})

class SqliteTableDestination implements Destination {
  readonly #driver: SqliteDriver
  readonly #path: string
  readonly #object: ObjectRequest
  #connection: SqliteDatabase | undefined
  #writer: SqliteWriter | undefined

  constructor(driver: SqliteDriver, path: string, object: ObjectRequest) {
    this.#driver = driver
    this.#path = path
    this.#object = object
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
      database.exec(createTableStatement(this.#object))
      return existed ? undefined : 'created'
    })
  }

  async write(batch: ChangeBatch, signal: AbortSignal): Promise<readonly Outcome[]> {
    signal.throwIfAborted()
    return explained(this.#path, () => {
      this.#writer ??= this.#openWriter()
      return this.#writer.write(batch)
    })
  }

  list(signal: AbortSignal): KeyList {
    return explained(this.#path, () => {
      const table = existsSync(this.#path) ? readTable(this.#database(), this.#object.name) : undefined
      return table === undefined ? noKeys() : listKeys(() => this.#reader(), this.#path, table, this.#object, signal)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection?.close()
    this.#connection = undefined
  }

  #openWriter(): SqliteWriter {
    const database = this.#database()
    const table = readTable(database, this.#object.name)
    if (table !== undefined) return new SqliteWriter(database, table, this.#object.match.length)
    const message = `there is no table "${this.#object.name}" in ${this.#path}: create it, or set \`create: true\``
    throw new FatalError('destination_mismatch', message)
  }

  /** The connection that writes; opened, and the file created, at the first use. */
  #database(): SqliteDatabase {
    if (this.#connection === undefined) {
      const connection = new this.#driver(this.#path, { timeout: BUSY_TIMEOUT_MS })
      try {
        // An acknowledged batch survives a power cut, as the key index takes for granted.
        connection.pragma('synchronous = FULL')
        connection.pragma('foreign_keys = ON')
      } catch (error) {
        connection.close()
        throw error
      }
      this.#connection = connection
    }
    return this.#connection
  }

  #reader(): SqliteDatabase {
    return new this.#driver(this.#path, { timeout: BUSY_TIMEOUT_MS, readonly: true, fileMustExist: true })
  }
}

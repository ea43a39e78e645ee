import { existsSync } from 'node:fs'
import type { Readable } from 'node:stream'
import type { Column } from '../core/column.ts'
import { configurationError, FatalError, messageOf, RetryableError } from '../core/errors.ts'
import { defineSource, type Reading, type ReadRequest, type Source } from '../core/source.ts'
import { loadSqlite, type SqliteDatabase, type SqliteDriver, type SqliteStatement } from '../core/sqlite-driver.ts'
import { BUSY_TIMEOUT_MS } from './sqlite-busy-timeout.ts'
import { explainSqlite, isSqliteFailure } from './sqlite-error.ts'
import { parseSqliteModel, type SqliteModel } from './sqlite-model.ts'
import { describeModel } from './sqlite-model-columns.ts'
import { databasePath, located, type SqliteOptions, sqliteOptions } from './sqlite-options.ts'
import { fromModel, planSqliteRead } from './sqlite-read-plan.ts'
import { sqliteRowStream } from './sqlite-row-stream.ts'

/** An SQLite file as the source of a model. */
export const sqliteSource = defineSource<SqliteOptions>({
  type: 'sqlite',
  schemes: ['sqlite'],
  options: sqliteOptions,
  locate: located,
  async open(options, request) {
    const model = parseSqliteModel(request)
    const path = databasePath(options)
    if (!existsSync(path)) throw configurationError('no_such_file', `there is no ${path}: check the path`)
    return new SqliteSource(await loadSqlite(), path, model)
  },
})

/** One model, read once, from one read transaction on a connection that cannot write. */
class SqliteSource implements Source {
  readonly #driver: SqliteDriver
  readonly #path: string
  readonly #model: SqliteModel
  #opened: { readonly database: SqliteDatabase; readonly columns: readonly Column[] } | undefined
  #rows: Readable | undefined

  constructor(driver: SqliteDriver, path: string, model: SqliteModel) {
    this.#driver = driver
    this.#path = path
    this.#model = model
  }

  async describe(): Promise<readonly Column[]> {
    return this.#open().columns
  }

  async hasAtLeast(rows: number): Promise<{ readonly enough: boolean; readonly rows: number }> {
    const { database, columns } = this.#open()
    const wanted = Math.max(0, Math.ceil(rows))
    const sql = `SELECT count(*) FROM (${fromModel(this.#model, columns, '1')} LIMIT ${wanted})`
    return this.#explained(0, () => {
      const found = Number(
        this.#prepare(database, sql)
          .pluck()
          .get(...this.#bound()),
      )
      return { enough: found >= rows, rows: found }
    })
  }

  async read({ key, columns: names, signal, part }: ReadRequest): Promise<Reading> {
    signal.throwIfAborted()
    const { database, columns } = this.#open()
    if (this.#rows !== undefined) throw new Error('a source is read once; open another')
    const utf8 = database.pragma('encoding', { simple: true }) === 'UTF-8'
    const plan = planSqliteRead(this.#model, columns, { key, columns: names, ...(part && { part }) }, utf8)
    const statement = this.#explained(0, () => this.#prepare(database, plan.sql).raw(true).safeIntegers(true))
    this.#rows = sqliteRowStream({
      rows: lazily(() => statement.iterate(...this.#bound()) as IterableIterator<never>),
      plan,
      commit: () => void database.exec('COMMIT'),
      explain: (error, rows) => this.#explain(error, rows),
      signal,
    })
    return { layout: plan.layout, rows: this.#rows, sorted: plan.sorted }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const rows = this.#rows
    if (rows !== undefined && !rows.closed) {
      const closed = new Promise((resolve) => rows.once('close', resolve))
      rows.destroy()
      await closed
    }
    this.#opened?.database.close()
    this.#opened = undefined
  }

  /** The connection, inside the transaction that everything is read from. */
  #open() {
    if (this.#opened !== undefined) return this.#opened
    return this.#explained(0, () => {
      const database = new this.#driver(this.#path, { timeout: BUSY_TIMEOUT_MS, readonly: true, fileMustExist: true })
      try {
        database.exec('BEGIN')
        // The snapshot is taken with the first look at the file.
        database.prepare('SELECT count(*) FROM sqlite_schema').get()
        this.#opened = { database, columns: describeModel(database, this.#model, this.#path) }
        return this.#opened
      } catch (error) {
        database.close()
        throw error
      }
    })
  }

  /** Prepares a statement around the model. The model by itself was accepted before. */
  #prepare(database: SqliteDatabase, sql: string): SqliteStatement {
    try {
      return database.prepare(sql)
    } catch (error) {
      throw configurationError(
        'model_not_a_query',
        `the model cannot be selected from (${messageOf(error)}): write a single SELECT (or WITH … SELECT, VALUES)`,
        error,
      )
    }
  }

  #bound(): unknown[] {
    const { parameters } = this.#model
    return Object.keys(parameters).length === 0 ? [] : [parameters]
  }

  #explained<Result>(rows: number, work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      throw this.#explain(error, rows)
    }
  }

  /** A read is not tried again: whoever runs the sync is told what was in its way. */
  #explain(error: unknown, rows: number): unknown {
    if (isSqliteFailure(error) && error.code === 'SQLITE_ERROR') {
      const message = `the model's query failed after ${rows} rows (${error.message}): correct the query or the data it meets`
      return new FatalError('model_failed', message, { cause: error })
    }
    const known = explainSqlite(error, this.#path)
    return known instanceof RetryableError ? new FatalError('source_locked', known.message, { cause: error }) : known
  }
}

/** Begins with the first `next`, so that nothing is busy before somebody reads. */
function lazily<Row>(begin: () => Iterator<Row>): Iterator<Row> {
  let begun: Iterator<Row> | undefined
  return {
    next() {
      begun ??= begin()
      return begun.next()
    },
    return() {
      return begun?.return?.() ?? { done: true, value: undefined }
    },
  }
}

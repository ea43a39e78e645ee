import { loadSqlite, type SqliteDatabase, type SqliteStatement } from '../core/sqlite-driver.ts'

/** A record that a job has written. */
export interface FinishedRow {
  readonly id: string
  readonly created: boolean
}

/** Rows that jobs of an earlier run have written, by digest: in a temporary database that is gone when it is closed. */
export class FinishedRows implements Disposable {
  readonly #database: SqliteDatabase
  readonly #add: SqliteStatement
  readonly #find: SqliteStatement

  private constructor(database: SqliteDatabase) {
    this.#database = database
    database.pragma('cache_size = -8192')
    database.exec('CREATE TABLE finished (digest BLOB PRIMARY KEY, id TEXT, created INTEGER) WITHOUT ROWID; BEGIN')
    this.#add = database.prepare('INSERT OR IGNORE INTO finished VALUES (?, ?, ?)')
    this.#find = database.prepare('SELECT id, created FROM finished WHERE digest = ?')
  }

  static async open(): Promise<FinishedRows> {
    const Sqlite = await loadSqlite()
    return new FinishedRows(new Sqlite(''))
  }

  add(digest: Buffer, { id, created }: FinishedRow): void {
    this.#add.run(digest, id, created ? 1 : 0)
  }

  find(digest: Buffer): FinishedRow | undefined {
    const found = this.#find.get(digest) as { id: string; created: number } | undefined
    return found === undefined ? undefined : { id: found.id, created: found.created === 1 }
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}

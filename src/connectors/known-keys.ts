import { loadSqlite, type SqliteDatabase, type SqliteStatement } from '../core/sqlite-driver.ts'

/** Keys of one page of {@link KnownKeys.sorted}. */
const PAGE = 1_000

/** A set of encoded keys in bounded memory: a temporary database, on disk as soon as it is large, gone when closed. */
export class KnownKeys implements Disposable {
  readonly #database: SqliteDatabase
  readonly #add: SqliteStatement
  readonly #page: SqliteStatement

  private constructor(database: SqliteDatabase) {
    this.#database = database
    database.pragma('cache_size = -16384')
    database.exec('CREATE TABLE known (key BLOB PRIMARY KEY) WITHOUT ROWID; BEGIN')
    this.#add = database.prepare('INSERT OR IGNORE INTO known (key) VALUES (?)')
    this.#page = database.prepare(`SELECT key FROM known WHERE key > ? ORDER BY key LIMIT ${PAGE}`).pluck()
  }

  static async open(): Promise<KnownKeys> {
    const Sqlite = await loadSqlite()
    return new KnownKeys(new Sqlite(''))
  }

  /** Whether the key is new. */
  add(key: Buffer): boolean {
    return this.#add.run(key).changes === 1
  }

  /** All keys, ascending, by pages. */
  *sorted(): Generator<readonly Buffer[]> {
    for (let last: Buffer | undefined = Buffer.alloc(0); last !== undefined; ) {
      const page = this.#page.all(last) as Buffer[]
      if (page.length > 0) yield page
      last = page.at(-1)
    }
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}

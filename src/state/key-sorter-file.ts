import type { Database, Statement } from 'better-sqlite3'
import type { KeySorter } from '../core/key-sorter.ts'
import { loadSqlite } from '../core/sqlite-driver.ts'

/** A key sorter on a temporary SQLite database, which is on disk as soon as it is large and gone when closed. */
export class KeySorterFile implements KeySorter {
  readonly #database: Database
  readonly #insert: Statement<[Buffer]>
  #pending: Buffer[] = []

  private constructor(database: Database) {
    this.#database = database
    database.pragma('cache_size = -16384')
    database.exec('CREATE TABLE sorted (key BLOB PRIMARY KEY) WITHOUT ROWID')
    this.#insert = database.prepare('INSERT OR IGNORE INTO sorted (key) VALUES (?)')
  }

  static async open(): Promise<KeySorterFile> {
    const Sqlite = await loadSqlite()
    return new KeySorterFile(new Sqlite(''))
  }

  add(key: Buffer): void {
    this.#pending.push(Buffer.from(key))
    if (this.#pending.length >= 1000) this.#flush()
  }

  *sorted(): Iterable<Buffer> {
    this.#flush()
    for (const key of this.#database.prepare('SELECT key FROM sorted ORDER BY key').pluck().iterate())
      yield key as Buffer
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }

  #flush(): void {
    this.#database.transaction(() => {
      for (const key of this.#pending) this.#insert.run(key)
    })()
    this.#pending = []
  }
}

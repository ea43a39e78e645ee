import type { Database, Statement } from 'better-sqlite3'
import type { WantedRecords } from '../core/record-links.ts'
import { stateError } from './state-file.ts'

/** In a temporary table: who is refused in this run means nothing to the next one, and costs no wait for the disk. */
export class WantedRecordsTable implements WantedRecords {
  readonly #database: Database
  readonly #file: { readonly sync: string; readonly path: string }
  /** Undefined until there is a table. */
  #statements: { readonly want: Statement; readonly has: Statement; readonly confirm: Statement } | undefined

  constructor(database: Database, file: { readonly sync: string; readonly path: string }) {
    this.#database = database
    this.#file = file
  }

  want(owner: Buffer, by: Buffer): void {
    this.#guarded(() => {
      this.#statements ??= this.#create()
      this.#statements.want.run(owner, by)
    })
  }

  has(owner: Buffer): boolean {
    return this.#guarded(() => this.#statements?.has.get(owner) !== undefined)
  }

  confirm(owner: Buffer): void {
    this.#guarded(() => this.#statements?.confirm.run(owner))
  }

  confirmed(after: Buffer | undefined, most: number): readonly { readonly owner: Buffer; readonly by: Buffer }[] {
    if (this.#statements === undefined) return []
    const behind = after === undefined ? '' : 'AND row > ?'
    const sql = `SELECT owner, row AS "by" FROM wanted WHERE missing = 1 ${behind} ORDER BY row LIMIT ?`
    const given = after === undefined ? [most] : [after, most]
    return this.#guarded(() => this.#database.prepare(sql).all(...given) as { owner: Buffer; by: Buffer }[])
  }

  #create() {
    this.#database.exec(`
      CREATE TEMP TABLE wanted (owner BLOB PRIMARY KEY, row BLOB NOT NULL, missing INTEGER NOT NULL DEFAULT 0) STRICT;
      CREATE INDEX temp.wanted_by ON wanted (row)`)
    return {
      want: this.#database.prepare('INSERT OR IGNORE INTO wanted (owner, row) VALUES (?, ?)'),
      has: this.#database.prepare('SELECT 1 FROM wanted WHERE owner = ?'),
      confirm: this.#database.prepare('UPDATE wanted SET missing = 1 WHERE owner = ?'),
    }
  }

  #guarded<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      throw stateError(error, this.#file.path, this.#file.sync)
    }
  }
}

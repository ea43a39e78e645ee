import type { Database } from 'better-sqlite3'
import type { DestinationNotes } from '../core/record-links.ts'
import type { Seed } from './layer.ts'
import { seal, unseal } from './sealed.ts'
import { stateError } from './state-file.ts'

/** Tells the checksums of these rows from those of other tables. */
const NOTE = 3

/** The notes of a destination, in a table of the key index that is made with the first of them. */
export class DestinationNotesFile implements DestinationNotes {
  readonly #database: Database
  readonly #file: { readonly sync: string; readonly path: string }
  readonly #seed: Seed

  constructor(database: Database, file: { readonly sync: string; readonly path: string }, seed: Seed) {
    this.#database = database
    this.#file = file
    this.#seed = seed
  }

  all(): ReadonlyMap<string, string> {
    return this.#guarded(() => {
      if (!this.#isThere()) return new Map()
      const rows = this.#database.prepare('SELECT name, data FROM note ORDER BY name').all() as {
        name: Buffer
        data: Buffer
      }[]
      return new Map(rows.map(({ name, data }) => [name.toString(), this.#read(name, data)]))
    })
  }

  set(name: string, value: string | null): void {
    const bytes = Buffer.from(name)
    this.#guarded(() => {
      const write = () => {
        if (!this.#isThere()) {
          if (value === null) return
          this.#database.exec('CREATE TABLE note (name BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT, WITHOUT ROWID')
        }
        if (value === null) this.#database.prepare('DELETE FROM note WHERE name = ?').run(bytes)
        else {
          const { data } = seal(NOTE, bytes, Buffer.from(value), this.#seed)
          this.#database.prepare('INSERT OR REPLACE INTO note (name, data) VALUES (?, ?)').run(bytes, data)
        }
      }
      this.#database.transaction(write).immediate()
    })
  }

  #read(name: Buffer, data: Buffer): string {
    const told = { seed: this.#seed, sync: this.#file.sync, what: 'a note of the destination' }
    return unseal(NOTE, name, data, told).value.toString()
  }

  #isThere(): boolean {
    return this.#database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'note'").get() !== undefined
  }

  #guarded<Result>(work: () => Result): Result {
    try {
      return work()
    } catch (error) {
      throw stateError(error, this.#file.path, this.#file.sync)
    }
  }
}

import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Database } from 'better-sqlite3'
import { FatalError } from '../core/errors.ts'
import { DestinationNotesFile } from './destination-notes.ts'
import { seedOf } from './key-index-file.ts'
import { openExclusively, stateError } from './state-file.ts'

/**
 * The place of a sync's key index, whatever is in it: damaged, foreign, newer or nothing. While it is held no run of
 * the sync can begin.
 */
export class IndexPlace implements Disposable {
  readonly #path: string
  readonly #sync: string
  /** Undefined where what is there is no database at all: then no run can open it either. */
  readonly #database: Database | undefined
  /** Nothing was there: what keeps the place is to go again. */
  readonly #isOurs: boolean

  private constructor(path: string, sync: string, database: Database | undefined, isOurs: boolean) {
    this.#path = path
    this.#sync = sync
    this.#database = database
    this.#isOurs = isOurs
  }

  /** Throws FatalError `locked` where a run holds the index, and `state_…` where the folder cannot be written. */
  static async hold(path: string, sync: string): Promise<IndexPlace> {
    const isOurs = !existsSync(path)
    try {
      const { database } = await openExclusively(path, { sync, keep: true })
      return new IndexPlace(path, sync, database, isOurs)
    } catch (error) {
      if (!(error instanceof FatalError) || error.code !== 'index_damaged') throw error
      return new IndexPlace(path, sync, undefined, false)
    }
  }

  /** What the destination noted in the old index, as far as it can be read. */
  notes(): ReadonlyMap<string, string> {
    const database = this.#database
    if (database === undefined) return new Map()
    try {
      return new DestinationNotesFile(
        database,
        { sync: this.#sync, path: this.#path },
        seedOf(database, this.#sync),
      ).all()
    } catch {
      // It is damaged, or no index: that is what it is replaced for.
      return new Map()
    }
  }

  /** Puts a complete index, closed, in the place of the old one. At every moment one of the two is there. */
  replaceWith(fresh: string): void {
    this.#withoutLog(() => renameSync(fresh, this.#path))
  }

  /** Removes the index. */
  clear(): void {
    this.#withoutLog(() => rmSync(this.#path, { force: true }))
  }

  [Symbol.dispose](): void {
    if (!this.#database?.open) return
    if (this.#isOurs) this.clear()
    this.#database.close()
  }

  /** Closes the write-ahead log first: the log of one database beside another would be read as that one's. */
  #withoutLog(work: () => void): void {
    try {
      if (!this.#foldLog()) for (const suffix of ['-wal', '-shm']) rmSync(this.#path + suffix, { force: true })
      // Windows neither replaces nor removes an open file.
      if (process.platform === 'win32') this.#database?.close()
      work()
      syncFolder(dirname(this.#path))
    } catch (error) {
      throw stateError(error, this.#path, this.#sync)
    } finally {
      this.#database?.close()
    }
  }

  /** False where the database cannot take back its log: it is damaged. */
  #foldLog(): boolean {
    try {
      // Keeps the lock, and from here on closing removes no file by its name, which by then is another's.
      return this.#database?.pragma('journal_mode = DELETE', { simple: true }) === 'delete'
    } catch {
      // Whatever is wrong with the old index: it is about to go.
      return false
    }
  }
}

/** Makes a new name survive a power cut. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const handle = openSync(folder, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

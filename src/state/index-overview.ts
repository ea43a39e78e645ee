import { existsSync, statSync } from 'node:fs'
import { FatalError, messageOf } from '../core/errors.ts'
import { loadSqlite } from '../core/sqlite-driver.ts'
import { stateError } from './state-file.ts'

/** What can be told of a key index without holding it. */
export type IndexOverview =
  /** There was no run yet. */
  | { readonly state: 'none' }
  /** A run holds it. */
  | { readonly state: 'in_use' }
  | {
      readonly state: 'ready'
      /** Of a run that was killed, what it put on top is counted by itself. */
      readonly entries: number
      readonly bytes: number
      /** When the destination's keys were last merged in; milliseconds since the epoch. */
      readonly listedAt: number | null
    }
  /** It is damaged, or this user may not read it. */
  | { readonly state: 'unreadable'; readonly code: string; readonly message: string }

/**
 * Looks at the index of a sync for a few milliseconds. Unlike a run it takes no lock that keeps others out, and checks
 * nothing of what it reads.
 */
export async function lookAtIndex(path: string, sync: string): Promise<IndexOverview> {
  if (!existsSync(path)) return { state: 'none' }
  const Sqlite = await loadSqlite()
  try {
    const bytes = statSync(path).size
    const database = new Sqlite(path, { timeout: 0, fileMustExist: true })
    try {
      if (database.pragma('schema_version', { simple: true }) === 0) return { state: 'none' }
      const entries = database.prepare('SELECT coalesce(sum(entries), 0) FROM layer').pluck().get() as number
      const listed = database.prepare("SELECT value FROM meta WHERE name = 'listed_at'").pluck().get()
      return { state: 'ready', entries, bytes, listedAt: listed === undefined ? null : Number(listed) }
    } finally {
      database.close()
    }
  } catch (thrown) {
    const error = stateError(thrown, path, sync)
    if (!(error instanceof FatalError)) {
      return { state: 'unreadable', code: 'index_damaged', message: `${path} is no key index (${messageOf(error)})` }
    }
    if (error.kind === 'locked') return { state: 'in_use' }
    return { state: 'unreadable', code: error.code, message: error.message }
  }
}

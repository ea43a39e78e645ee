import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import { FatalError, messageOf } from '../core/errors.ts'
import { loadSqlite, type SqliteDriver } from '../core/sqlite-driver.ts'

/** An SQLite file of the state folder. */
export interface StateFile {
  readonly database: Database
  /** True where the file did not exist, or was empty. */
  readonly isNew: boolean
}

/** A lock that is held is asked for a few times: `rowferry status` looks into an index for some milliseconds. */
const ATTEMPTS = 5
const PAUSE_MS = 20

/** What the file system answers where this user cannot write, or where the path leads nowhere. */
const NOT_WRITABLE = new Set([
  'EACCES',
  'EPERM',
  'EROFS',
  'ENOTDIR',
  'EISDIR',
  'EEXIST',
  'ENOENT',
  'ELOOP',
  'ENAMETOOLONG',
])

/** Makes the folder of a state file (0700) and the file itself (0600) before SQLite, which would open it to all. */
export function createPrivately(path: string): void {
  const folder = dirname(path)
  if (!existsSync(folder)) mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
  else chmodSync(path, 0o600)
}

/**
 * Opens the state file of one sync for this process alone: the lock is the operating system's, so it ends with the
 * process and never goes stale. Throws FatalError `locked` (exit 75) where another run holds it.
 *
 * With `keep: false` nothing is written: an existing file is worked on inside one transaction that is rolled back
 * at the end, a missing one is replaced by a temporary one.
 */
export async function openExclusively(path: string, options: { sync: string; keep: boolean }): Promise<StateFile> {
  const Sqlite = await loadSqlite()
  for (let attempt = 1; ; attempt++) {
    try {
      return lockFile(Sqlite, path, options.keep)
    } catch (error) {
      const meaning = stateError(error, path, options.sync)
      const isLocked = meaning instanceof FatalError && meaning.kind === 'locked'
      if (!isLocked || attempt === ATTEMPTS) throw meaning
    }
    await delay(PAUSE_MS)
  }
}

function lockFile(Sqlite: SqliteDriver, path: string, keep: boolean): StateFile {
  const existing = existsSync(path)
  if (keep) createPrivately(path)
  const before = inode(path)
  const database = new Sqlite(keep || existing ? path : '', { timeout: 0 })
  try {
    database.pragma('locking_mode = EXCLUSIVE')
    if (!existing) database.pragma('page_size = 16384')
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    // A scan reads each page once, and what a large transaction writes goes to the log: a larger cache only takes memory.
    database.pragma('cache_size = -1024')
    database.exec('BEGIN IMMEDIATE; COMMIT')
    // Whoever replaces an index holds its lock until the new one is in its place; what was opened before is nobody's.
    if (inode(path) !== before) throw Object.assign(new Error('the file was replaced'), { code: 'SQLITE_BUSY' })
    return { database, isNew: !existing || database.pragma('schema_version', { simple: true }) === 0 }
  } catch (error) {
    database.close()
    throw error
  }
}

function inode(path: string): bigint | undefined {
  return statSync(path, { bigint: true, throwIfNoEntry: false })?.ino
}

/** What an SQLite error on a state file means to the user. Errors that are not SQLite's come back as they are. */
export function stateError(error: unknown, path: string, sync: string): unknown {
  const code = (error as { code?: unknown } | null)?.code
  if (error instanceof FatalError || typeof code !== 'string') return error
  const fatal = (name: string, message: string) => new FatalError(name, message, { cause: error })
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new FatalError('locked', `another run of ${sync} is going on; wait until it ends`, {
      kind: 'locked',
      cause: error,
    })
  }
  if (code === 'SQLITE_FULL' || code === 'ENOSPC') {
    return fatal(
      'state_disk_full',
      `the disk of ${path} is full; nothing was sent without a record: make room and run again`,
    )
  }
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT'))
    return damaged(sync, `${path}: ${messageOf(error)}`, error)
  if (code.startsWith('SQLITE_IOERR') || code === 'EIO') {
    return fatal('state_io_error', `the disk of ${path} does not work (${messageOf(error)}); check it and run again`)
  }
  if (code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_CANTOPEN') || NOT_WRITABLE.has(code)) {
    return fatal(
      'state_not_writable',
      `cannot write ${path} (${messageOf(error)}); give this user write access to its folder`,
    )
  }
  return error
}

/** The index is not what was written: nothing that it says may be trusted. */
export function damaged(sync: string, detail: string, cause?: unknown): FatalError {
  return new FatalError(
    'index_damaged',
    `the key index of ${sync} is damaged (${detail}); nothing was deleted: rebuild it with \`rowferry index rebuild ${sync}\``,
    { cause },
  )
}

import { configurationError, FatalError, messageOf } from '../core/errors.ts'
import { loadSqlite, type SqliteDatabase } from '../core/sqlite-driver.ts'
import { createPrivately } from './state-file.ts'

/** Written into the file's header: `file(1)` and we ourselves can tell a run history from any other SQLite file. */
const APPLICATION_ID = 0x72_66_72_68 // "rfrh"

/** Format of the tables below. A change that an older rowferry cannot read takes the next number. */
const FORMAT = 1

/** How long a write waits for those of other runs. Each holds the lock for one small transaction. */
const BUSY_TIMEOUT_MS = 10_000

const TABLES = `
  CREATE TABLE run (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id TEXT NOT NULL UNIQUE,
    sync TEXT NOT NULL,
    mode TEXT NOT NULL,
    dry_run INTEGER NOT NULL,
    started_at TEXT NOT NULL,
    config_digest TEXT,
    status TEXT NOT NULL,
    report TEXT,
    invalid_left_out INTEGER NOT NULL DEFAULT 0,
    rejected_left_out INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX run_of_sync ON run (sync, seq);
  CREATE TABLE issue (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    operation TEXT,
    key TEXT,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    payload TEXT,
    response TEXT,
    bytes_cut INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX issue_of_run ON issue (run, kind, id);
`

/**
 * Opens the file of the run history, which several syncs write at the same time: ordinary locks, held for one small
 * transaction each. Makes it (0600, in a folder 0700) where it is missing. Throws FatalError.
 */
export async function openHistoryFile(path: string): Promise<SqliteDatabase> {
  const Sqlite = await loadSqlite()
  try {
    createPrivately(path)
    const database = new Sqlite(path, { timeout: BUSY_TIMEOUT_MS })
    try {
      database.pragma('foreign_keys = ON')
      database.pragma('synchronous = FULL')
      // The format is looked at inside the lock: two processes may both have found an empty file.
      database.transaction(() => prepareTables(database, path)).immediate()
      return database
    } catch (error) {
      database.close()
      throw error
    }
  } catch (error) {
    throw historyError(error, path)
  }
}

function prepareTables(database: SqliteDatabase, path: string): void {
  const number = (name: string) => database.pragma(name, { simple: true }) as number
  if (number('schema_version') === 0) {
    database.exec(TABLES)
    database.pragma(`application_id = ${APPLICATION_ID}`)
    database.pragma(`user_version = ${FORMAT}`)
    return
  }
  if (number('application_id') !== APPLICATION_ID) throw damaged(path, 'it holds something else')
  const format = number('user_version')
  if (format > FORMAT) {
    throw configurationError(
      'history_newer',
      `${path} was written by a newer rowferry (format ${format}, this one knows ${FORMAT}): ` +
        'install the newer one, or use another `state` folder',
    )
  }
}

/** What an SQLite error on the run history means to the user. Errors that are not SQLite's come back as they are. */
export function historyError(error: unknown, path: string): unknown {
  const code = (error as { code?: unknown } | null)?.code
  if (error instanceof FatalError || typeof code !== 'string') return error
  const fatal = (name: string, message: string) => new FatalError(name, message, { cause: error })
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return fatal(
      'history_busy',
      `another process kept ${path} locked for ${BUSY_TIMEOUT_MS / 1000} s; end what is reading it and run again`,
    )
  }
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) return damaged(path, messageOf(error), error)
  if (code === 'SQLITE_FULL' || code === 'ENOSPC') {
    return fatal('state_disk_full', `the disk of ${path} is full; make room and run again`)
  }
  if (code.startsWith('SQLITE_IOERR') || code === 'EIO') {
    return fatal('state_io_error', `the disk of ${path} does not work (${messageOf(error)}); check it and run again`)
  }
  if (code.startsWith('SQLITE_') || /^E[A-Z]+$/.test(code)) {
    return fatal('state_not_writable', `cannot write ${path} (${messageOf(error)}); give this user write access to it`)
  }
  return error
}

function damaged(path: string, detail: string, cause?: unknown): FatalError {
  return new FatalError(
    'history_damaged',
    `${path} is not a sound run history (${detail}); move it away and run again: only the record of past runs is in it`,
    { cause },
  )
}

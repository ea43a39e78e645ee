import { FatalError, RetryableError } from '../core/errors.ts'

/** An error that SQLite itself reported, with its extended result code (`SQLITE_CONSTRAINT_UNIQUE`). */
export interface SqliteFailure extends Error {
  readonly code: string
}

export function isSqliteFailure(error: unknown): error is SqliteFailure {
  return error instanceof Error && error.name === 'SqliteError'
}

/** Whether a statement failed because of the row it was given: SQLite undid the statement and nothing else. */
export function isAboutRow(error: unknown): error is SqliteFailure {
  return isSqliteFailure(error) && /^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG)/.test(error.code)
}

interface Explanation {
  readonly result: RegExp
  readonly code: string
  /** `{file}` stands for the path. */
  readonly problem: string
  readonly advice: string
}

const EXPLANATIONS: readonly Explanation[] = [
  {
    result: /^SQLITE_FULL/,
    code: 'sqlite_full',
    problem: 'there is no room left for {file}',
    advice: 'free some space, or raise its max_page_count',
  },
  {
    result: /^SQLITE_READONLY/,
    code: 'sqlite_read_only',
    problem: '{file} cannot be written',
    advice: 'check the permissions of the file and its folder',
  },
  {
    result: /^SQLITE_(IOERR|PROTOCOL)/,
    code: 'sqlite_io_error',
    problem: 'the file system failed {file}',
    advice: 'check the disk, and keep the file off network folders',
  },
  {
    result: /^SQLITE_CORRUPT/,
    code: 'sqlite_damaged',
    problem: '{file} is damaged',
    advice: 'look at it with `PRAGMA integrity_check`, and restore a copy',
  },
  {
    result: /^SQLITE_NOTADB/,
    code: 'not_a_database',
    problem: '{file} is not an SQLite database, or an encrypted one',
    advice: 'check the path',
  },
  {
    result: /^SQLITE_(CANTOPEN|PERM|AUTH)/,
    code: 'sqlite_cannot_open',
    problem: '{file} cannot be opened',
    advice: 'check the path, and the permissions of the file and its folder',
  },
  {
    result: /^SQLITE_/,
    code: 'sqlite_error',
    problem: 'SQLite refused what it was asked to do in {file}',
    advice: 'check the table with `rowferry validate`',
  },
]

/** The error of ours for an error of SQLite about the file or the batch as a whole. All others pass through. */
export function explainSqlite(error: unknown, path: string): unknown {
  if (!isSqliteFailure(error)) return error
  const said = `(${error.code}: ${error.message})`
  if (/^SQLITE_(BUSY|LOCKED)/.test(error.code)) {
    const message = `${path} is locked by another connection ${said}: let it finish, or close it`
    return new RetryableError(message, { cause: error })
  }
  const known = EXPLANATIONS.find(({ result }) => result.test(error.code))
  if (known === undefined) return error
  const message = `${known.problem.replace('{file}', () => path)} ${said}: ${known.advice}`
  const kind = known.code === 'not_a_database' ? 'configuration' : 'failed'
  return new FatalError(known.code, message, { kind, cause: error })
}

/** Runs `work` and turns what SQLite throws into errors of ours. */
export function explained<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw explainSqlite(error, path)
  }
}

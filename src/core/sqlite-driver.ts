import { createRequire } from 'node:module'
import type Database from 'better-sqlite3'
import { configurationError, type FatalError, messageOf } from './errors.ts'

/**
 * The one door to better-sqlite3, for the key index and for SQLite destinations. The package brings a native
 * addon, which may be missing, built for another Node, or, on an old Node, end the process without a word.
 */

export type SqliteDriver = typeof Database
export type SqliteDatabase = Database.Database
export type SqliteStatement = Database.Statement<unknown[], unknown>

/** better-sqlite3 13 is built against Node-API 10, which came with Node 22.14; below it the addon segfaults. */
const NODE_API_OF_13 = 10

const HOW_TO_BUILD =
  'build it with `npm rebuild better-sqlite3`; where npm blocks install scripts, allow this one first with ' +
  '`npm install-scripts approve better-sqlite3`, or for a single run with `npx --allow-scripts=better-sqlite3 rowferry`'

let loaded: Promise<SqliteDriver> | undefined

/**
 * Loads better-sqlite3 at the first call and proves that it can open a database. Nothing is loaded before.
 * Throws FatalError `sqlite_unavailable` that says what to type where it cannot work here.
 */
export async function loadSqlite(): Promise<SqliteDriver> {
  loaded ??= load()
  return await loaded
}

async function load(): Promise<SqliteDriver> {
  try {
    const refusal = refuseVersion(installedVersion(), process.versions)
    if (refusal !== undefined) throw refusal
    const { default: driver } = await import('better-sqlite3')
    // The addon is loaded by the first database, not by the import.
    new driver(':memory:').close()
    return driver
  } catch (error) {
    throw explainFailure(error)
  }
}

function installedVersion(): string {
  const require = createRequire(import.meta.url)
  return (require('better-sqlite3/package.json') as { version: string }).version
}

/** Why this version of better-sqlite3 must not even be imported here; undefined where it may. */
export function refuseVersion(
  version: string,
  runtime: { readonly node: string; readonly napi?: string },
): FatalError | undefined {
  if (Number.parseInt(version, 10) < 13 || Number(runtime.napi ?? 0) >= NODE_API_OF_13) return undefined
  return configurationError(
    'sqlite_unavailable',
    `better-sqlite3 ${version} does not run on Node ${runtime.node}: ` +
      'use Node 22.14 or newer, or install the older one with `npm install better-sqlite3@12`',
  )
}

/** What an error while loading better-sqlite3 means and what to type. Its own verdicts pass through. */
export function explainFailure(error: unknown): Error {
  const { code } = error as NodeJS.ErrnoException
  const message = messageOf(error)
  if (code === 'sqlite_unavailable') return error as Error
  const addon = /better_sqlite3\.node/.test(message) || /bindings file/.test(message)
  if (!addon && (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND')) {
    return configurationError(
      'sqlite_unavailable',
      'better-sqlite3 is not installed: install it with `npm install better-sqlite3`',
      error,
    )
  }
  if (/NODE_MODULE_VERSION/.test(message)) {
    return configurationError(
      'sqlite_unavailable',
      `the native part of better-sqlite3 was built for another version of Node than ${process.version}: ${HOW_TO_BUILD}`,
      error,
    )
  }
  if (addon && (code === undefined || code === 'MODULE_NOT_FOUND')) {
    return configurationError(
      'sqlite_unavailable',
      `the native part of better-sqlite3 was never built: ${HOW_TO_BUILD}`,
      error,
    )
  }
  return configurationError(
    'sqlite_unavailable',
    `better-sqlite3 cannot be loaded (${message.split('\n', 1)[0]}): ${HOW_TO_BUILD}`,
    error,
  )
}

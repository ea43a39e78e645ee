import { FatalError } from '../core/errors.ts'
import type { SqliteDatabase, SqliteDriver } from '../core/sqlite-driver.ts'
import { BUSY_TIMEOUT_MS } from './sqlite-busy-timeout.ts'
import { readTable } from './sqlite-table.ts'
import { SqliteWriter } from './sqlite-writer.ts'

/** A connection that writes. Makes the file where it is missing. Throws what SQLite throws. */
export function openConnection(driver: SqliteDriver, path: string): SqliteDatabase {
  const connection = new driver(path, { timeout: BUSY_TIMEOUT_MS })
  try {
    // An acknowledged batch survives a power cut, as the key index takes for granted.
    connection.pragma('synchronous = FULL')
    connection.pragma('foreign_keys = ON')
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
}

/** The table that is written, and how many of the first fields find a record. */
export interface WrittenTable {
  readonly path: string
  readonly name: string
  readonly match: number
}

/** Throws FatalError where there is no such table. */
export function openWriter(connection: SqliteDatabase, { path, name, match }: WrittenTable): SqliteWriter {
  const table = readTable(connection, name)
  if (table !== undefined) return new SqliteWriter(connection, table, match)
  const message = `there is no table "${name}" in ${path}: create it, or set \`create: true\``
  throw new FatalError('destination_mismatch', message)
}

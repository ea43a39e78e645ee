import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqliteDestination } from '../../src/connectors/sqlite-destination.ts'
import type { Field } from '../../src/core/change.ts'
import type { Destination, ObjectRequest } from '../../src/core/destination.ts'
import { loadSqlite, type SqliteDatabase } from '../../src/core/sqlite-driver.ts'

const driver = await loadSqlite()

/** An SQLite file in a folder of its own, which goes away when it is disposed. */
export interface SqliteFile extends Disposable {
  readonly folder: string
  readonly path: string
  /** Another connection than the destination's. Integers come as bigint. */
  readonly database: SqliteDatabase
  /** First column of a query. */
  column(sql: string): unknown[]
  rows(sql: string): unknown[][]
}

export function sqliteFile(schema = ''): SqliteFile {
  const folder = mkdtempSync(join(tmpdir(), 'rowferry-sqlite-'))
  const path = join(folder, 'app.db')
  const database = new driver(path)
  database.defaultSafeIntegers(true)
  database.exec(schema)
  return {
    folder,
    path,
    database,
    column: (sql) => database.prepare(sql).pluck().all(),
    rows: (sql) => database.prepare(sql).raw().all() as unknown[][],
    [Symbol.dispose]() {
      database.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The destination for a table of that file; `users` by `id`, mirrored, unless said otherwise. */
export async function openTable(
  path: string,
  fields: readonly Field[],
  overrides: Partial<ObjectRequest> = {},
): Promise<Destination> {
  return await sqliteDestination.open(sqliteDestination.options.parse({ path }), {
    name: 'users',
    mode: 'mirror',
    fields,
    match: ['id'],
    keyEncodings: ['integer'],
    create: false,
    deletesAs: 'delete',
    ...overrides,
  })
}

export const never: AbortSignal = new AbortController().signal

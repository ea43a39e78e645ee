import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineSqliteDestination, sqliteDestination } from '../../src/connectors/sqlite-destination.ts'
import type { Field } from '../../src/core/change.ts'
import type { Destination, ObjectRequest } from '../../src/core/destination.ts'
import { loadSqlite, type SqliteDatabase } from '../../src/core/sqlite-driver.ts'
import { testContext } from '../../src/testing/test-context.ts'

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
  definition = sqliteDestination,
): Promise<Destination> {
  return await definition.open(
    definition.options.parse({ path }),
    {
      name: 'users',
      mode: 'mirror',
      fields,
      match: ['id'],
      keyEncodings: ['integer'],
      create: false,
      deletesAs: 'delete',
      ...overrides,
    },
    testContext(),
  )
}

/** Runs a module of the sources in a thread, which does not take over from the process what makes TypeScript run. */
function threadOf(module: string): URL {
  const tsx = import.meta.resolve('tsx/esm/api')
  const code = `import { register } from '${tsx}'; register(); await import('${new URL(module, import.meta.url).href}')`
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`)
}

/** The destination that writes in a thread of its own once it was given so many rows. */
export function threadedAfter(afterRows: number) {
  return defineSqliteDestination({ afterRows, entry: threadOf('../../src/connectors/sqlite-thread-entry.ts') })
}

export const threaded = threadedAfter(0)

export const never: AbortSignal = new AbortController().signal

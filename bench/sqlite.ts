import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import pg from 'pg'
import type { Server } from './server.ts'
import { byTurns, count, medianOf, rate, ratio, table } from './statistics.ts'
import { syncOf } from './syncs.ts'
import { costs } from './unchanged.ts'

const CREATE = `CREATE TABLE contacts (id INTEGER PRIMARY KEY, email TEXT, first_name TEXT, last_name TEXT, city TEXT,
  plan TEXT, lifetime_value TEXT, seats INTEGER, active INTEGER, updated_at TEXT)`

const ROW = `(${Array(10).fill('?').join(', ')})`
/** Rows that one statement of the second loop inserts: what more of them gain is within the noise. */
const SEVERAL = 8

/** A first run into SQLite, against loops of better-sqlite3's prepared inserts over rows that are in memory already. */
export async function sqlite(server: Server, runs: number): Promise<string> {
  const rows = await readRows(server)
  using syncing = syncOf(server, { to: 'sqlite:./app.db', sql: 'select * from contacts' })
  const path = join(syncing.folder, 'app.db')
  const digests = new Set<string>()
  const make = () => {
    for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true })
    const database = new Database(path)
    database.pragma('journal_mode = WAL')
    database.exec(CREATE)
    return database
  }
  const results = await byTurns(runs, {
    loop: async () => {
      const database = make()
      const began = performance.now()
      const insert = database.prepare(`INSERT INTO contacts VALUES ${ROW}`)
      for (let at = 0; at < rows.length; at += 10_000) {
        database.transaction(() => {
          for (let row = at; row < Math.min(rows.length, at + 10_000); row++) insert.run(rows[row])
        })()
      }
      const ms = performance.now() - began
      digests.add(digestOf(database))
      database.close()
      return { ms }
    },
    several: async () => {
      const database = make()
      const began = performance.now()
      const insert = database.prepare(`INSERT INTO contacts VALUES ${Array(SEVERAL).fill(ROW).join(', ')}`)
      const values = new Array<unknown>(SEVERAL * 10)
      // Counts of rows are thousands, and so are the rows of a transaction: all statements are full.
      for (let at = 0; at < rows.length; at += 10_000) {
        database.transaction(() => {
          for (let row = at; row < Math.min(rows.length, at + 10_000); row += SEVERAL) {
            for (let index = 0; index < values.length; index++) {
              values[index] = rows[row + Math.floor(index / 10)]?.[index % 10]
            }
            insert.run(...values)
          }
        })()
      }
      const ms = performance.now() - began
      digests.add(digestOf(database))
      database.close()
      return { ms }
    },
    rowferry: async () => {
      make().close()
      syncing.forget()
      const measured = await syncing.run({ inserted: server.rows })
      const database = new Database(path, { readonly: true })
      digests.add(digestOf(database))
      database.close()
      return measured
    },
  })
  if (digests.size !== 1) throw new Error('the tables differ: the measurement means nothing')
  const line = (what: string, ms: number, part: string, more: readonly string[]) => [
    what,
    rate(server.rows, ms),
    part,
    ...more,
  ]
  return `## Postgres to SQLite

${count(server.rows)} rows into a new table. The loops have their rows in memory, insert 10,000 in a transaction and do nothing else; rowferry
reads them from Postgres, keeps an index, and answers for every row. All tables are compared by digest.

${table(
  ['first run', 'rows/s', 'ratio', 'Node CPU µs/row', 'Postgres CPU µs/row', 'peak RSS MiB'],
  [
    line(
      "better-sqlite3's prepared insert in a loop, a row a statement",
      medianOf(results.loop, ({ ms }) => ms),
      '1.00',
      ['', '', ''],
    ),
    line(
      `the same with ${SEVERAL} rows a statement`,
      medianOf(results.several, ({ ms }) => ms),
      ratio(results.several, results.loop),
      ['', '', ''],
    ),
    line(
      'rowferry',
      medianOf(results.rowferry, ({ ms }) => ms),
      `**${ratio(results.rowferry, results.loop)}**`,
      costs(results.rowferry, server.rows),
    ),
  ],
)}
`
}

/** The rows as SQLite takes them. */
async function readRows(server: Server): Promise<unknown[][]> {
  const client = new pg.Client({
    connectionString: server.url,
    types: { getTypeParser: () => (text: string | Buffer) => text } as unknown as pg.CustomTypesConfig,
  })
  await client.connect()
  await client.query("SET TimeZone = 'UTC'")
  const result = await client.query<unknown[]>({ text: 'SELECT * FROM contacts ORDER BY id', rowMode: 'array' })
  await client.end()
  return result.rows.map((row) => [Number(row[0]), ...row.slice(1, 7), Number(row[7]), row[8] === 't' ? 1 : 0, row[9]])
}

function digestOf(database: Database.Database): string {
  const hash = createHash('sha256')
  const select = database.prepare<[], string[]>('SELECT * FROM contacts ORDER BY id').raw()
  for (const row of select.iterate()) hash.update(row.join('\t'))
  return hash.digest('hex')
}

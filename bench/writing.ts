import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Server, Timed } from './server.ts'
import { byTurns, medianOf, rate, ratio, table } from './statistics.ts'
import { type Measured, syncOf } from './syncs.ts'
import { costs } from './unchanged.ts'

/**
 * What inserts, updates and deletes cost, each next to psql's COPY of the same rows from a file into a table like it. The
 * keys of the table are not listed before the run (`index.refresh: never`), which would be timed with the changes.
 * Leaves `contacts` with a tenth of its rows, and `mirrored` in the database `to` the same.
 */
export async function write(server: Server, to: string, runs: number): Promise<string> {
  const { rows } = server
  const folder = mkdtempSync(join(tmpdir(), 'rowferry-bench-'))
  const file = join(folder, 'contacts.copy')
  const inMirror = (sql: string) => server.shell(`psql -Xq '${to}' -c "${sql}"`)
  using syncing = syncOf(server, { to, table: 'mirrored', index: { refresh: 'never' } })
  try {
    await server.refill()
    await server.shell(`psql -Xq "$URL" -c 'COPY (SELECT * FROM contacts ORDER BY id) TO STDOUT' > '${file}'`)
    await inMirror('CREATE TABLE loaded (LIKE mirrored INCLUDING ALL)')
    const copyIn = async () => {
      await inMirror('TRUNCATE loaded')
      return await server.shell(`psql -Xq '${to}' -c 'COPY loaded FROM STDIN' < '${file}'`)
    }
    const inserts = await byTurns(runs, {
      copyIn,
      changes: async () => {
        await inMirror('TRUNCATE mirrored')
        syncing.forget()
        return await syncing.run({ inserted: rows })
      },
    })
    const updates = await byTurns(runs, {
      copyIn,
      changes: async () => {
        await server.query('UPDATE contacts SET seats = seats + 1')
        await server.query('VACUUM contacts')
        return await syncing.run({ updated: rows })
      },
    })
    const deletes = await byTurns(runs, {
      copyIn,
      changes: async () => {
        await server.refill()
        await syncing.run({})
        await inMirror('VACUUM mirrored')
        await server.query('DELETE FROM contacts WHERE id % 10 <> 0')
        await server.query('VACUUM contacts')
        return await syncing.run({ deleted: (rows / 10) * 9 })
      },
    })
    const line = (what: string, changes: number, measured: { copyIn: Timed[]; changes: Measured[] }) => [
      what,
      rate(
        rows,
        medianOf(measured.copyIn, ({ ms }) => ms),
      ),
      rate(
        changes,
        medianOf(measured.changes, ({ ms }) => ms),
      ),
      // As if all rows had been changed: COPY has loaded all of them.
      `**${ratio(
        measured.changes.map(({ ms }) => ({ ms: (ms / changes) * rows })),
        measured.copyIn,
      )}**`,
      ...costs(measured.changes, changes),
    ]
    return `Changes, against \`psql -c 'COPY … FROM STDIN' < file\`. The time of a run is that of the whole run, also that of reading the
model, comparing it with the index and keeping the answers. The keys of the table are not listed (\`index.refresh: never\`).

${table(
  ['', 'COPY rows/s', 'changes/s', 'ratio', 'Node CPU µs/change', 'Postgres CPU µs/change', 'peak RSS MiB'],
  [
    line('inserts: the first run', rows, inserts),
    line('updates: every row has changed', rows, updates),
    line('deletes: nine tenths of the rows are gone', (rows / 10) * 9, deletes),
  ],
)}`
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

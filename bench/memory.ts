import { startServer } from './server.ts'
import { count, table } from './statistics.ts'
import { syncOf } from './syncs.ts'

/** Does memory grow with the model? Peaks at three sizes, each from a server of its own. */
export async function memory(sizes: readonly number[]): Promise<string> {
  const rows = []
  for (const size of sizes) {
    await using server = await startServer(size)
    using nowhere = syncOf(server)
    const first = await nowhere.run({ inserted: size })
    const unchanged = await nowhere.run({ unchanged: size })
    await server.query('CREATE TABLE mirrored (LIKE contacts); ALTER TABLE mirrored ADD PRIMARY KEY (id)')
    using table = syncOf(server, { to: server.url, table: 'mirrored' })
    const inserted = await table.run({ inserted: size })
    await server.query('UPDATE contacts SET seats = seats + 1')
    const changed = await nowhere.run({ updated: size })
    const updated = await table.run({ updated: size })
    rows.push([
      count(size),
      ...[unchanged, first, changed, inserted, updated].map(({ peakMiB }) => Math.round(peakMiB)),
    ])
  }
  return `## Memory

Peak resident set of the Node process in MiB. Wanted: at most 100 to nowhere, and 150 into Postgres.

${table(
  [
    'rows',
    'nothing changed',
    'first run, to nowhere',
    'all changed, to nowhere',
    'first run, into Postgres',
    'all changed, into Postgres',
  ],
  rows,
)}
`
}

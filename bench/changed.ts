import type { Server } from './server.ts'
import { byTurns, count, medianOf, rate, ratio, table } from './statistics.ts'
import { syncOf } from './syncs.ts'
import { costs } from './unchanged.ts'

/** What do changes cost, and the first run, where the destination takes no time? */
export async function changed(server: Server, runs: number): Promise<string> {
  using syncing = syncOf(server)
  await syncing.run({ inserted: server.rows })
  const copyOut = () => server.copyOut('SELECT * FROM contacts ORDER BY id')
  const some = await byTurns(runs, {
    psql: async (round) => {
      // The round that warms up is number -1.
      await change(server, round + 1)
      return await copyOut()
    },
    rowferry: async () => {
      const few = server.rows / 1000
      return await syncing.run({ updated: few * 10, deleted: few, inserted: few })
    },
  })
  await server.refill()
  const all = await byTurns(runs, {
    psql: copyOut,
    rowferry: async () => {
      syncing.forget()
      return await syncing.run({ inserted: server.rows })
    },
  })
  const row = (what: string, { psql, rowferry }: typeof some) => [
    what,
    rate(
      server.rows,
      medianOf(psql, ({ ms }) => ms),
    ),
    rate(
      server.rows,
      medianOf(rowferry, ({ ms }) => ms),
    ),
    `**${ratio(rowferry, psql)}**`,
    ...costs(rowferry, server.rows),
  ]
  return `## Some rows have changed, and all are new

${count(server.rows)} rows into a destination that accepts everything, against the same ordered COPY by psql. Intents and
acknowledgements are on the disk (\`synchronous=FULL\`).

${table(
  ['', 'psql rows/s', 'rowferry rows/s', 'ratio', 'Node CPU µs/row', 'Postgres CPU µs/row', 'peak RSS MiB'],
  [row('1 % changed, 0.1 % deleted, 0.1 % new', some), row('first run, all are new', all)],
)}
`
}

/**
 * Changes one row in a hundred, removes one in a thousand, and adds as many: scattered, and other ones in each round, of
 * which there may be 40. The number of rows has to be a multiple of a thousand.
 */
export async function change({ rows, query }: Server, round: number): Promise<void> {
  const few = rows / 1000
  await query(`DELETE FROM contacts WHERE id % 1000 = ${round} AND id <= ${rows}`)
  await query(`UPDATE contacts SET seats = seats + 1 WHERE id % 100 = ${50 + round} AND id <= ${rows}`)
  await query(
    `INSERT INTO contacts SELECT ${rows + round * few} + i, 'new' || i, 'First', 'Last', 'City', 'free', 0, 1, true, now()
     FROM generate_series(1, ${few}) AS i`,
  )
}

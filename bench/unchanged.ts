import type { Server } from './server.ts'
import { byTurns, count, medianOf, rate, ratio, table } from './statistics.ts'
import { type Measured, type SyncOptions, syncOf } from './syncs.ts'

const KEYS: readonly { readonly what: string; readonly sync: SyncOptions; readonly orderBy: string }[] = [
  { what: 'bigint key', sync: { key: 'id' }, orderBy: 'id' },
  { what: 'bigint key, `read.parallel: 2`', sync: { key: 'id', source: { read: { parallel: 2 } } }, orderBy: 'id' },
  { what: 'text key', sync: { key: 'email' }, orderBy: 'email COLLATE "C"' },
  {
    what: 'text key, `read.parallel: 2`',
    sync: { key: 'email', source: { read: { parallel: 2 } } },
    orderBy: 'email COLLATE "C"',
  },
  { what: 'composite key', sync: { key: ['plan', 'id'] }, orderBy: 'plan COLLATE "C", id' },
  { what: 'bigint key, read by a cursor', sync: { key: 'id', source: { read: 'cursor' } }, orderBy: 'id' },
]

/** How close does a run in which nothing has changed come to the speed of Postgres itself? */
export async function unchanged(server: Server, runs: number): Promise<string> {
  await server.query('CREATE INDEX contacts_email ON contacts (email COLLATE "C")')
  await server.query('CREATE INDEX contacts_plan ON contacts (plan COLLATE "C", id)')
  const rows = []
  for (const { what, sync, orderBy } of KEYS) {
    using syncing = syncOf(server, sync)
    await syncing.run({ inserted: server.rows })
    const { psql, rowferry } = await byTurns(runs, {
      psql: () => server.copyOut(`SELECT * FROM contacts ORDER BY ${orderBy}`),
      rowferry: () => syncing.run({ unchanged: server.rows }),
    })
    rows.push([
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
      ratio(
        rowferry.map(({ wallMs }) => ({ ms: wallMs })),
        psql,
      ),
      ...costs(rowferry, server.rows),
      (syncing.indexBytes() / server.rows).toFixed(1),
    ])
  }
  await server.query('DROP INDEX contacts_email, contacts_plan')
  return `## Nothing has changed

${count(server.rows)} rows into a destination that accepts everything, against \`psql -c "COPY (SELECT * … ORDER BY key) TO STDOUT" >/dev/null\`.
The ratio is that of psql's time to the run's, from the connection to the report; "with start" takes the whole process for both.

${table(['', 'psql rows/s', 'rowferry rows/s', 'ratio', 'with start', 'Node CPU µs/row', 'Postgres CPU µs/row', 'peak RSS MiB', 'index bytes/row'], rows)}
`
}

/** CPU of both ends a row, and the highest peak. */
export function costs(runs: readonly Measured[], rows: number): string[] {
  const perRow = (ms: number) => ((ms * 1000) / rows).toFixed(2)
  return [
    perRow(medianOf(runs, ({ cpuMs }) => cpuMs)),
    perRow(medianOf(runs, ({ serverCpuMs }) => serverCpuMs ?? Number.NaN)),
    String(Math.round(Math.max(...runs.map(({ peakMiB }) => peakMiB)))),
  ]
}

import { change } from './changed.ts'
import { naiveCopy } from './naive-script.ts'
import type { Server } from './server.ts'
import { byTurns, count, medianOf, rate, ratio, table } from './statistics.ts'
import { syncOf } from './syncs.ts'
import { write } from './writing.ts'

const ORDERED = 'SELECT * FROM contacts ORDER BY id'
/** A diff inside one database: what a query would be that reads both tables. */
const MERGE = [
  `INSERT INTO mirrored SELECT * FROM contacts ON CONFLICT (id) DO UPDATE SET
     (email, first_name, last_name, city, plan, lifetime_value, seats, active, updated_at) =
     (excluded.email, excluded.first_name, excluded.last_name, excluded.city, excluded.plan, excluded.lifetime_value,
      excluded.seats, excluded.active, excluded.updated_at)
   WHERE mirrored.* IS DISTINCT FROM excluded.*`,
  'DELETE FROM mirrored WHERE NOT EXISTS (SELECT 1 FROM contacts WHERE contacts.id = mirrored.id)',
]

/** Into a real table with a primary key, in another database of the same server: the first run, changes, and alternatives. */
export async function postgresToPostgres(server: Server, runs: number): Promise<string> {
  await server.query('DROP DATABASE IF EXISTS mirror')
  await server.query('CREATE DATABASE mirror')
  const to = server.url.replace(/[^/]*$/, 'mirror')
  const inMirror = (sql: string) => server.shell(`psql -Xq '${to}' -c "${sql}"`)
  const { rows } = server
  const key = 'ALTER TABLE mirrored ADD PRIMARY KEY (id)'
  await server.shell(`psql -Xq '${to}' -c '${TABLE}' -c '${key}'`)
  using syncing = syncOf(server, { to, table: 'mirrored' })

  const first = await byTurns(runs, {
    psql: async () => {
      await inMirror('TRUNCATE mirrored')
      return await server.shell(
        `psql -Xq "$URL" -c 'COPY (${ORDERED}) TO STDOUT' | psql -Xq '${to}' -c 'COPY mirrored FROM STDIN'`,
      )
    },
    rowferry: async () => {
      await inMirror('TRUNCATE mirrored')
      syncing.forget()
      return await syncing.run({ inserted: rows })
    },
  })
  await assertEqual(server, to)

  // The same table inside the first database, for those that can only compare what is in one place.
  await server.query(`DROP TABLE IF EXISTS mirrored; CREATE TABLE mirrored AS TABLE contacts; ${key}; ANALYZE mirrored`)
  const few = rows / 1000
  const some = await byTurns(runs, {
    rowferry: async (round) => {
      await change(server, round + 1)
      return await syncing.run({ updated: few * 10, deleted: few, inserted: few })
    },
    merge: async () => {
      const times = [await server.statement(MERGE[0] as string), await server.statement(MERGE[1] as string)]
      return { ms: times.reduce((sum, { ms }) => sum + ms, 0) }
    },
    copy: () => server.copyOut(ORDERED),
  })
  await assertEqual(server, to)
  // Minutes where the others take seconds: once is enough.
  const script = await naiveCopy(server.url, to)
  const writing = await write(server, to, runs)
  await assertEqual(server, to)
  await server.query('DROP TABLE mirrored')
  await server.refill()

  const ms = (of: readonly { readonly ms: number }[]) => medianOf(of, (one) => one.ms)
  return `## Postgres to Postgres

${count(rows)} rows from one database into a table with a primary key in another one of the same server (fsync is off). Both tables are
compared by digest after each part.

${table(
  ['first run', 'rows/s', 'ratio'],
  [
    [
      '`psql COPY … TO STDOUT \\| psql COPY … FROM STDIN`, which keeps nothing for the next time',
      rate(rows, ms(first.psql)),
      '1.00',
    ],
    ['rowferry', rate(rows, ms(first.rowferry)), `**${ratio(first.rowferry, first.psql)}**`],
  ],
)}

${table(
  ['1 % changed, 0.1 % deleted, 0.1 % new', 'ms', 'times rowferry'],
  [
    ['rowferry', count(ms(some.rowferry)), '1.0'],
    ['ordered COPY by psql of the model alone, to nowhere', count(ms(some.copy)), times(some.copy, some.rowferry)],
    [
      '`INSERT … ON CONFLICT DO UPDATE … WHERE … IS DISTINCT FROM` and `DELETE … NOT EXISTS` inside one database',
      count(ms(some.merge)),
      times(some.merge, some.rowferry),
    ],
    [
      'a script: a cursor, and ON CONFLICT of 500 rows at a time; deletes nothing (once)',
      count(script.ms),
      (script.ms / ms(some.rowferry)).toFixed(1),
    ],
  ],
)}

Not quite the same work: the statements inside one database read the destination, too, and need both tables in one place; rowferry
trusts its index. DuckDB has a section of its own.

${writing}
`
}

const TABLE = `CREATE TABLE mirrored (id bigint, email text, first_name text, last_name text, city text, plan text,
  lifetime_value numeric, seats int, active boolean, updated_at timestamptz)`

function times(of: readonly { readonly ms: number }[], to: readonly { readonly ms: number }[]): string {
  return (1 / Number(ratio(of, to))).toFixed(1)
}

/** Both tables by digest; psql fails where they differ. */
async function assertEqual(server: Server, to: string): Promise<void> {
  const digest = (name: string) => `select count(*), sum(hashtextextended(t::text, 0)::numeric) from ${name} t`
  await server.shell(
    `a=$(psql -XAtq "$URL" -c '${digest('contacts')}'); b=$(psql -XAtq '${to}' -c '${digest('mirrored')}'); [ "$a" = "$b" ] || { echo "$a, but $b" >&2; exit 1; }`,
  )
}

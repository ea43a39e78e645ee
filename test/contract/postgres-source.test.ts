import { pipeline } from 'node:stream/promises'
import { after, before } from 'node:test'
import pg from 'pg'
import copyStreams from 'pg-copy-streams'
import { postgresSource } from '../../src/connectors/postgres-source.ts'
import { encodeRow } from '../../src/core/copy-text.ts'
import { type ContractRecord, startPostgres, type TestPostgres, testSource } from '../../src/testing/index.ts'

const COLUMNS = {
  id: 'integer',
  name: 'text',
  note: 'text',
  size: 'integer',
  price: 'decimal',
  weight: 'float',
  active: 'boolean',
  digest: 'bytes',
  born: 'date',
  seen: 'timestamp',
  extra: 'json',
} as const

let server: TestPostgres
let admin: pg.Client

before(async () => {
  server = await startPostgres()
  admin = new pg.Client(server.url)
  await admin.connect()
  await admin.query(`CREATE TABLE model (id bigint, name text, note text, size bigint, price numeric,
    weight double precision, active boolean, digest bytea, born date, seen timestamptz, extra json)`)
})
after(async () => {
  await admin.end()
  await server[Symbol.asyncDispose]()
})

async function fill(rows: readonly ContractRecord[]): Promise<void> {
  await admin.query('TRUNCATE model')
  const lines = rows.map((row) => encodeRow(Object.keys(COLUMNS).map((name) => row[name] ?? null)))
  await pipeline(lines, admin.query(copyStreams.from('COPY model FROM STDIN')))
}

for (const read of ['copy', 'cursor'] as const) {
  testSource({
    name: `a Postgres table, by ${read}`,
    source: postgresSource,
    options: () => ({ url: server.url }),
    model: { table: 'model', read },
    columns: COLUMNS,
    row: (n) => ({
      id: String(n),
      name: `name ${n}`,
      note: `note ${n}`,
      size: String(n),
      price: `${n}.50`,
      weight: String(n / 4),
      active: n % 2 === 0 ? 't' : 'f',
      digest: '\\x0aff',
      born: '2024-02-29',
      seen: '2024-02-29 12:00:00+00',
      extra: '{"a": 1}',
    }),
    fill,
    badOptions: () => ({ url: server.url.replace(/\/postgres$/, '/no_such_database') }),
    unknownModel: { sql: 'select * from nothing' },
    breakOff: async () => {
      await admin.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rowferry'")
    },
  })
}

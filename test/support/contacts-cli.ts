import { after, before } from 'node:test'
import pg from 'pg'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { type CommandLine, commandLine } from './command-line.ts'

const CONFIGURATION = `version: 1
connections:
  warehouse: \${DATABASE_URL}
  app: sqlite:./app.db
  hole: { type: blackhole, reject_rate: 0.5 }
syncs:
  contacts:
    description: Paying customers
    tags: [crm]
    source: { connection: warehouse, table: contacts }
    key: id
    mode: mirror
    destination: { connection: app, table: contacts, create: true }
  rejecting:
    source: { connection: warehouse, table: contacts }
    key: id
    mode: upsert
    destination: { connection: hole, object: x }
  missing:
    source: { connection: warehouse, table: no_such_table }
    key: id
    mode: upsert
    destination: { connection: app, table: missing, create: true }
`

/**
 * A configuration in a folder of its own over a real Postgres, for one test file: `contacts` has 100 rows `id`, `email`
 * and goes to SQLite, of `rejecting` about half are rejected, `missing` has no model.
 */
export function contactsForTests(): {
  /** Only inside of tests. */
  readonly cli: CommandLine
  readonly client: pg.Client
} {
  let postgres: TestPostgres | undefined
  let client: pg.Client | undefined
  let cli: CommandLine | undefined
  before(async () => {
    postgres = await startPostgres()
    client = new pg.Client(postgres.url)
    await client.connect()
    await client.query(`
      CREATE TABLE contacts AS SELECT i::bigint AS id, 'a' || i || '@example.com' AS email FROM generate_series(1, 100) i`)
    cli = commandLine(CONFIGURATION, { DATABASE_URL: postgres.url })
  })
  after(async () => {
    cli?.[Symbol.dispose]()
    await client?.end()
    await postgres?.[Symbol.asyncDispose]()
  })
  return {
    get cli() {
      return cli as CommandLine
    },
    get client() {
      return client as pg.Client
    },
  }
}

import pg from 'pg'
import { postgresDestination } from '../../src/connectors/postgres-destination.ts'
import { type ContractRecord, testDestination } from '../../src/testing/index.ts'
import { DestinationDatabase } from '../support/destination-database.ts'

const database = DestinationDatabase.forThisFile()
const url = () => database.server.url

const FIELDS = {
  id: 'integer',
  name: 'text',
  size: 'integer',
  price: 'decimal',
  weight: 'float',
  active: 'boolean',
  digest: 'bytes',
  born: 'date',
  seen: 'timestamp',
  extra: 'json',
} as const

const COLUMNS = `name text CHECK (name <> 'refuse me'), size bigint, price numeric, weight double precision, active boolean,
  digest bytea, born date, seen timestamptz, extra jsonb`

const asText = { getTypeParser: () => (text: string) => text }

async function withClient<Result>(work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client(url())
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** Values as the server prints them, in UTC. */
async function records(table: string): Promise<readonly ContractRecord[]> {
  return withClient(async (client) => {
    await client.query("SET timezone = 'UTC'")
    return (await client.query<Record<string, string | null>>({ text: `SELECT * FROM ${table}`, types: asText })).rows
  })
}

/** Holds the table, so that whoever writes to it waits. */
async function locked(table: string): Promise<AsyncDisposable> {
  const client = new pg.Client(url())
  await client.connect()
  await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`)
  return { [Symbol.asyncDispose]: () => client.end() }
}

const nothing: AsyncDisposable = { async [Symbol.asyncDispose]() {} }

async function dropped(table: string): Promise<AsyncDisposable> {
  await database.run(`DROP TABLE ${table}`)
  return nothing
}

/** Every write ends as it does when two transactions get in each other's way. */
async function conflicting(table: string): Promise<AsyncDisposable> {
  await database.run(`
    CREATE OR REPLACE FUNCTION conflict() RETURNS trigger LANGUAGE plpgsql
      AS $$ BEGIN RAISE EXCEPTION 'could not serialize access' USING ERRCODE = '40001'; END $$;
    CREATE TRIGGER conflict BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION conflict()`)
  return nothing
}

const contents = (n: number) => ({
  name: `name ${n}`,
  size: String(n),
  price: `${n}.50`,
  weight: String(n / 4),
  active: n % 2 === 0 ? 't' : 'f',
  digest: '\\x0aff',
  born: '2024-02-29',
  seen: '2024-02-29 12:00:00+00',
  extra: '{"a": 1}',
})

testDestination({
  name: 'a Postgres table by an integer',
  destination: postgresDestination,
  options: () => ({ url: url() }),
  object: 'users',
  fields: FIELDS,
  row: (n) => ({ id: String(n), ...contents(n) }),
  refusedRow: (n) => ({ id: String(n), ...contents(n), name: 'refuse me' }),
  empty: () => database.run(`DROP TABLE IF EXISTS users; CREATE TABLE users (id bigint PRIMARY KEY, ${COLUMNS})`),
  records,
  badOptions: () => ({ url: url().replace(/\/postgres$/, '/no_such_database') }),
  unknownObject: 'nobody',
  newObject: 'created',
  stall: () => locked('users'),
  faults: [
    { name: 'a table that somebody dropped', expect: 'FatalError', begin: () => dropped('users') },
    { name: 'a serialization failure', expect: 'RetryableError', begin: () => conflicting('users') },
  ],
})

testDestination({
  name: 'a Postgres table by two texts',
  destination: postgresDestination,
  options: () => ({ url: url() }),
  object: 'memberships',
  fields: { team: 'text', person: 'text', role: 'text' },
  match: ['team', 'person'],
  row: (n) => ({ team: `team ${n >> 2}`, person: `person ${n % 4}`, role: `role ${n}` }),
  empty: () =>
    database.run(
      'DROP TABLE IF EXISTS memberships; CREATE TABLE memberships (team text, person text, role text, PRIMARY KEY (team, person))',
    ),
  records,
})

import { writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import type { TestPostgres } from '../../src/testing/postgres.ts'
import type { BuiltCli, CliProcess } from './cli-process.ts'
import { type CrmTargetName, crmTarget } from './crm-target.ts'
import { memoryFolder } from './memory-folder.ts'
import type { TemporaryFolder } from './temporary-folder.ts'

/** Wide enough that rows arrive long before the last is read. */
const ROWS = 500
const WIDE = "repeat('w', 400)"
/** A record of somebody else, that no model ever holds. */
const FOREIGN = { id: 999_999, v: 7, w: 'somebody else' }
const BATCH = { size: 5, concurrency: 2 }
/** Changes that may be sent twice because of one crash. */
export const SENT_TWICE = BATCH.size * BATCH.concurrency

/** Where the rows go, as a test sees it; it holds the foreign record from the beginning. */
interface Target extends AsyncDisposable {
  /** Of the configuration. */
  readonly connection: string | object
  readonly object: string
  /** Of the sync: where not all columns of the model go to fields of their names. */
  readonly more?: { readonly match: string; readonly fields: object }
  /** SQL of what is expected of a row of the model; and what the foreign record is then. */
  readonly row: string
  readonly foreign: string
  /** What it holds, in the form of `row`, in key order. */
  written(): Promise<string[]>
  count(): Promise<number>
  /** When nothing that a dead process sent can land any more. */
  settled(): Promise<void>
}

interface Place {
  readonly name: string
  readonly url: string
  readonly folder: TemporaryFolder
  readonly client: pg.Client
}

const ROW = "id || ' ' || v || ' ' || w"
const RECORDS = `SELECT ${ROW} FROM`
const PLANT = `VALUES (${FOREIGN.id}, ${FOREIGN.v}, '${FOREIGN.w}')`
const FOREIGN_ROW = `${FOREIGN.id} ${FOREIGN.v} ${FOREIGN.w}`

async function toSqlite({ folder }: Place): Promise<Target> {
  const driver = await loadSqlite()
  const opened = () => {
    const database = new driver(folder.file('app.db'), { timeout: 10_000 })
    return Object.assign(database, { [Symbol.dispose]: () => database.close() })
  }
  {
    using database = opened()
    const table = 'CREATE TABLE users (id INTEGER PRIMARY KEY, v int, w text)'
    database.exec(`PRAGMA journal_mode = WAL; ${table}; INSERT INTO users ${PLANT}`)
  }
  return {
    connection: 'sqlite:./app.db',
    object: 'users',
    row: ROW,
    foreign: FOREIGN_ROW,
    async written() {
      using database = opened()
      return database.prepare(`${RECORDS} users ORDER BY id`).pluck().all() as string[]
    },
    async count() {
      using database = opened()
      return database.prepare('SELECT count(*) FROM users').pluck().get() as number
    },
    settled: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
}

async function toPostgres({ name, url, client }: Place): Promise<Target> {
  const table = `${name}.users`
  await client.query(`CREATE TABLE ${table} (id bigint PRIMARY KEY, v int, w text); INSERT INTO ${table} ${PLANT}`)
  const column = async (text: string) => (await client.query({ text, rowMode: 'array' })).rows.map(([value]) => value)
  return {
    connection: url,
    object: table,
    row: ROW,
    foreign: FOREIGN_ROW,
    written: () => column(`${RECORDS} ${table} ORDER BY id`),
    count: async () => Number((await column(`SELECT count(*) FROM ${table}`))[0]),
    async settled() {
      const left = `SELECT 1 FROM pg_stat_activity WHERE application_name = '${name}'`
      while ((await column(left)).length > 0) await delay(5)
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

/** A simulator of our own, in the process of the test. */
function toCrm(name: CrmTargetName, fields: object) {
  return async (): Promise<Target> => {
    const crm = await crmTarget(name)
    await crm.put([{ ref: null, email: 'foreign@x.co', name: 'foreign', note: 'mine' }])
    return {
      connection: crm.connection(),
      object: crm.sync.object,
      more: { match: crm.sync.match, fields },
      row: "id || ' k' || id || '@x.co n' || v",
      foreign: 'null foreign@x.co foreign mine',
      async written() {
        const rows = (await crm.records()).map(({ ref, email, name, note }) => ({
          key: Number(ref ?? FOREIGN.id),
          text: `${ref} ${email} ${name}${note === null ? '' : ` ${note}`}`,
        }))
        return rows.sort((one, other) => one.key - other.key).map(({ text }) => text)
      },
      count: async () => (await crm.records()).length,
      async settled() {
        // What was sent may not have been read yet.
        do await delay(20)
        while (((await crm.door('counts')) as { under_way: number }).under_way > 0)
      },
      [Symbol.asyncDispose]: () => crm[Symbol.asyncDispose](),
    }
  }
}

const EMAIL = { template: 'k{id}@x.co' }
const NAME = { template: 'n{v}' }

/** What is killed. A destination that comes later joins here, with how a test looks into it. */
export const KILL_SETUPS = {
  sqlite: { open: toSqlite, read: 'auto', simulated: false },
  postgres: { open: toPostgres, read: 'auto', simulated: false },
  hubspot: {
    open: toCrm('hubspot by email', { email: EMAIL, firstname: NAME, jobtitle: 'id' }),
    read: 'auto',
    simulated: true,
  },
  salesforce: {
    open: toCrm('salesforce collections', { External_Id__c: 'id', Email: EMAIL, LastName: NAME }),
    read: 'auto',
    simulated: true,
  },
  http: {
    open: toCrm('http by email', { email: EMAIL, ref: 'id', name: NAME }),
    read: 'auto',
    simulated: true,
  },
} as const satisfies Readonly<Record<string, { open(place: Place): Promise<Target>; read: string; simulated: boolean }>>

export type KillSetupName = keyof typeof KILL_SETUPS
export const KILL_SETUP_NAMES = Object.keys(KILL_SETUPS) as readonly KillSetupName[]

/** A sync from a Postgres schema of its own, run by the command line, and what a test knows of its ends. */
export interface KillSetup extends AsyncDisposable {
  readonly target: Target
  /** Starts a run; `fault` is a point and the how-manieth pass of it kills the run. */
  start(fault?: { readonly point: string; readonly pass: number }): CliProcess
  /** The model's rows changed at random: values flip and flip back, rows go and return. */
  mutate(run: number): Promise<void>
  /** What the destination has to hold after a complete run. */
  expected(): Promise<string[]>
  /** Makes the model wait at its last row until the test opens it: no run is over before. */
  gate(): Promise<{ open(): Promise<void> }>
  /** When the source of that process is being read; or when it has ended. */
  reading(process: CliProcess): Promise<void>
}

/** `name` is used for a schema, and has to be new to that server. */
export async function setUpKills(
  postgres: TestPostgres,
  cli: BuiltCli,
  type: KillSetupName,
  name: string,
): Promise<KillSetup> {
  const folder = memoryFolder()
  const url = `${postgres.url}?application_name=${name}`
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  await client.query(`
    CREATE SCHEMA ${name};
    CREATE TABLE ${name}.model (id bigint PRIMARY KEY, v int, w text, gate boolean);
    INSERT INTO ${name}.model SELECT i, 0, ${WIDE} FROM generate_series(1, ${ROWS}) i`)
  const { open, read } = KILL_SETUPS[type]
  const target = await open({ name, url, folder, client })
  const { match, fields } = target.more ?? {}
  writeFileSync(
    folder.file('rowferry.yaml'),
    `version: 1
connections:
  warehouse: ${url}
  app: ${JSON.stringify(target.connection)}
syncs:
  users:
    source: { connection: warehouse, table: ${name}.model, read: ${read} }
    key: id
    mode: mirror
    destination: ${JSON.stringify({ connection: 'app', object: target.object, ...(match !== undefined && { match }) })}
    ${fields === undefined ? 'exclude: [gate]' : `fields: ${JSON.stringify(fields)}`}
    deletes: { scope: seen }
    # Nothing is learnt from the destination but the answers to what was sent.
    index: { bootstrap: empty, refresh: never }
    guards: { max_deletes: 100% }
    batch: { size: ${BATCH.size}, concurrency: ${BATCH.concurrency} }
`,
  )
  return {
    target,
    start: (fault) => {
      const planned = fault === undefined ? {} : { ROWFERRY_FAULT: `${fault.point}:${fault.pass}:${process.pid}` }
      return cli.startWith(planned, folder.path, 'run', 'users', '--json')
    },
    async mutate(run) {
      const chance = (percent: number, salt: number) =>
        `abs(hashint8(id * 1000003 + ${run * 101 + salt}) % 100) < ${percent}`
      await client.query(`
        UPDATE ${name}.model SET v = 1 - v WHERE ${chance(40, 1)};
        DELETE FROM ${name}.model WHERE ${chance(15, 2)};
        INSERT INTO ${name}.model SELECT id, ${run} % 2, ${WIDE} FROM generate_series(1::bigint, ${ROWS}) id
          WHERE ${chance(50, 3)} ON CONFLICT DO NOTHING`)
    },
    async expected() {
      const text = `SELECT ${target.row} FROM ${name}.model ORDER BY model.id`
      const { rows } = await client.query({ text, rowMode: 'array' })
      return [...rows.map(([row]) => row as string), target.foreign]
    },
    async gate() {
      const lock = `hashtext('${name}')`
      await client.query(`
        SELECT pg_advisory_lock(${lock});
        DO $$ BEGIN
          IF to_regclass('${name}.rows') IS NULL THEN
            ALTER TABLE ${name}.model RENAME TO rows;
            CREATE VIEW ${name}.model AS SELECT id, v, w,
              CASE WHEN id = ${ROWS} THEN pg_advisory_xact_lock_shared(${lock}) IS NULL END AS gate
              FROM ${name}.rows ORDER BY id;
          END IF;
        END $$`)
      return { open: async () => void (await client.query(`SELECT pg_advisory_unlock(${lock})`)) }
    },
    async reading(process) {
      const text = `SELECT 1 FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE 'COPY%${name}%model%TO STDOUT%'`
      while (!process.ended && (await client.query(text)).rowCount === 0) await delay(5)
    },
    async [Symbol.asyncDispose]() {
      await target.settled()
      await target[Symbol.asyncDispose]()
      await client.query(`DROP SCHEMA ${name} CASCADE`)
      await client.end()
      folder[Symbol.dispose]()
    },
  }
}

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import type { Report } from '../../src/index.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { type BuiltCli, buildCli, type CliProcess } from '../support/cli-process.ts'
import { memoryFolder } from '../support/memory-folder.ts'
import { seededRandom, seeds } from '../support/seeded-random.ts'
import type { TemporaryFolder } from '../support/temporary-folder.ts'

const KILLS = 20
const PAIRS = 20
const ROWS = 2000
/** A record of somebody else, that no model ever holds. */
const FOREIGN = 999_999
const [SEED = 1] = seeds(1)

const driver = await loadSqlite()
let postgres: TestPostgres
let cli: BuiltCli

before(async () => {
  cli = buildCli()
  postgres = await startPostgres()
})

after(async () => {
  cli[Symbol.dispose]()
  await postgres[Symbol.asyncDispose]()
})

/** A sync from a Postgres schema of its own, run by the command line, and what a test knows of its ends. */
interface Setup extends AsyncDisposable {
  readonly folder: TemporaryFolder
  readonly client: pg.Client
  start(): CliProcess
  /** The model's rows changed at random: values flip and flip back, rows go and return. */
  mutate(run: number): Promise<void>
  /** What the destination holds, in key order. */
  written(): Promise<string[]>
  /** How many records that is. */
  count(): Promise<number>
  model(): Promise<string[]>
  /** Makes the model wait at its last row until the test opens it: no run is over before. */
  gate(): Promise<{ open(): Promise<void> }>
  /** When the source of that process is being read; or when it has ended. */
  reading(process: CliProcess): Promise<void>
}

async function setUp(type: 'sqlite' | 'postgres', name: string): Promise<Setup> {
  const folder = memoryFolder()
  const url = `${postgres.url}?application_name=${name}`
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  const table = type === 'postgres' ? `${name}.users` : 'users'
  await client.query(`
    CREATE SCHEMA ${name};
    CREATE TABLE ${name}.model (id bigint PRIMARY KEY, v int, w text, gate boolean);
    INSERT INTO ${name}.model SELECT i, 0, repeat('w', 200) FROM generate_series(1, ${ROWS}) i`)
  const create = `CREATE TABLE ${table} (id bigint PRIMARY KEY, v int, w text)`
  const foreign = `INSERT INTO ${table} VALUES (${FOREIGN}, 7, 'somebody else')`
  if (type === 'postgres') await client.query(`${create}; ${foreign}`)
  else {
    using database = opened(folder.file('app.db'))
    database.exec(`PRAGMA journal_mode = WAL; ${create.replace('bigint', 'INTEGER')}; ${foreign}`)
  }
  writeFileSync(
    folder.file('rowferry.yaml'),
    `version: 1
connections:
  warehouse: ${url}
  app: ${type === 'postgres' ? url : 'sqlite:./app.db'}
syncs:
  users:
    source: { connection: warehouse, table: ${name}.model }
    key: id
    mode: mirror
    destination: { connection: app, table: ${table} }
    exclude: [gate]
    deletes: { scope: seen }
    # Nothing is learnt from the destination but the answers to what was sent.
    index: { bootstrap: empty, refresh: never }
    guards: { max_deletes: 100% }
    batch: { size: 5 }
`,
  )
  return {
    folder,
    client,
    start: () => cli.start(folder.path, 'run', 'users', '--json'),
    async mutate(run) {
      const chance = (percent: number, salt: number) =>
        `abs(hashint8(id * 1000003 + ${run * 101 + salt}) % 100) < ${percent}`
      await client.query(`
        UPDATE ${name}.model SET v = 1 - v WHERE ${chance(40, 1)};
        DELETE FROM ${name}.model WHERE ${chance(15, 2)};
        INSERT INTO ${name}.model SELECT id, ${run} % 2, repeat('w', 200) FROM generate_series(1::bigint, ${ROWS}) id
          WHERE ${chance(50, 3)} ON CONFLICT DO NOTHING`)
    },
    async written() {
      const sql = `SELECT id || ' ' || v || ' ' || w FROM ${table} ORDER BY id`
      if (type === 'postgres') return (await client.query({ text: sql, rowMode: 'array' })).rows.map(([row]) => row)
      using database = opened(folder.file('app.db'))
      return database.prepare(sql).pluck().all() as string[]
    },
    async count() {
      const sql = `SELECT count(*) FROM ${table}`
      if (type === 'postgres') return Number((await client.query({ text: sql, rowMode: 'array' })).rows[0]?.[0])
      using database = opened(folder.file('app.db'))
      return database.prepare(sql).pluck().get() as number
    },
    async model() {
      const text = `SELECT id || ' ' || v || ' ' || w FROM ${name}.model ORDER BY id`
      return (await client.query({ text, rowMode: 'array' })).rows.map(([row]) => row)
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
      while (!process.ended && (await client.query(text)).rowCount === 0) await delay(10)
    },
    async [Symbol.asyncDispose]() {
      await client.end()
      folder[Symbol.dispose]()
    },
  }
}

function opened(path: string) {
  const database = new driver(path, { timeout: 10_000 })
  return Object.assign(database, { [Symbol.dispose]: () => database.close() })
}

function digest(rows: readonly string[]): string {
  return createHash('sha256').update(rows.join('\n')).digest('hex')
}

function reportOf({ stdout }: { readonly stdout: string }): Report {
  return JSON.parse(stdout) as Report
}

const FOREIGN_ROW = `${FOREIGN} 7 somebody else`

// Each waits for its processes most of the time.
describe('a run that is stopped', { concurrency: 2 }, () => {
  for (const type of ['sqlite', 'postgres'] as const) {
    test(`after ${KILLS} kill -9 at random moments, one complete run brings ${type} to the model`, async (context) => {
      await using setup = await setUp(type, `kill_${type}`)
      const random = seededRandom(SEED)
      // How long a run takes before its source is read, and from then on.
      const began = performance.now()
      const first = setup.start()
      await setup.reading(first)
      const startMs = performance.now() - began
      assert.equal((await first.exit).code, 0, (await first.exit).stderr)
      const restMs = performance.now() - began - startMs
      let kills = 0
      let midway = 0
      for (let run = 1; kills < KILLS; run++) {
        assert.ok(run < KILLS * 4, `only ${kills} of ${run} runs were still going on when they were to be killed`)
        await setup.mutate(run)
        const [before, model] = [digest(await setup.written()), digest([...(await setup.model()), FOREIGN_ROW])]
        const process = setup.start()
        if (random.chance(0.15)) await delay(random.below(startMs))
        else {
          await setup.reading(process)
          await delay(random.below(restMs * 0.7))
        }
        process.child.kill('SIGKILL')
        const { signal, code, stderr } = await process.exit
        assert.ok(signal === 'SIGKILL' || code === 0, stderr)
        if (signal === 'SIGKILL') kills++
        const now = digest(await setup.written())
        if (now !== before && now !== model) midway++
      }
      await setup.mutate(0)
      const last = await setup.start().exit
      assert.equal(last.code, 0, last.stderr)
      assert.equal(reportOf(last).status, 'succeeded')
      assert.equal(digest(await setup.written()), digest([...(await setup.model()), FOREIGN_ROW]))
      const again = reportOf(await setup.start().exit)
      assert.equal(again.counts.unchanged, again.counts.read)
      context.diagnostic(`${kills} kills, ${midway} of them in the middle of the changes`)
    })
  }

  for (const [type, signal, code] of [
    ['sqlite', 'SIGINT', 130],
    ['postgres', 'SIGTERM', 143],
  ] as const) {
    test(`${signal} lets ${type} finish what is in flight and keeps it: exit ${code}`, async () => {
      await using setup = await setUp(type, `stop_${type}`)
      const gate = await setup.gate()
      const process = setup.start()
      for (let tries = 0; (await setup.count()) < 50; tries++) {
        assert.ok(!process.ended && tries < 6000, 'no rows arrive')
        await delay(5)
      }
      process.child.kill(signal)
      const exit = await process.exit
      await gate.open()
      assert.equal(exit.code, code, exit.stderr)
      const { status, counts } = reportOf(exit)
      assert.equal(status, 'cancelled')
      const written = (await setup.count()) - 1
      assert.equal(counts.inserted, written, 'a batch was sent and not waited for')

      const next = reportOf(await setup.start().exit)
      assert.equal(next.counts.unchanged, written, 'an answer was not kept')
      assert.equal(digest(await setup.written()), digest([...(await setup.model()), FOREIGN_ROW]))
    })
  }

  test(`of two runs that start at once, exactly one goes on: ${PAIRS} pairs`, async () => {
    await using setup = await setUp('sqlite', 'race')
    for (let pair = 0; pair < PAIRS; pair++) {
      const gate = await setup.gate()
      const runs = [setup.start(), setup.start()]
      const loser = await Promise.race(runs.map(({ exit }) => exit))
      await gate.open()
      const exits = await Promise.all(runs.map(({ exit }) => exit))
      assert.deepEqual(exits.map((exit) => exit.code).sort(), [0, 75], exits.map(({ stderr }) => stderr).join('\n'))
      assert.equal(loser.code, 75)
      assert.match(loser.stderr, /another run of users is going on/)
    }
    assert.equal(digest(await setup.written()), digest([...(await setup.model()), FOREIGN_ROW]))
  })
})

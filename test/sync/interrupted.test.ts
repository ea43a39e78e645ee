import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { type SyncOptions, systemClock } from '../../src/index.ts'
import { type Ends, type Run, runConfig, type SyncInput, serverForTests } from '../support/ends.ts'
import { startProxy } from '../support/postgres-proxy.ts'

const tests = serverForTests()
const { eachDestination } = tests

/** The row at which the model waits for the test, and the number of the lock that it waits for. */
const GATE = 3000
const LOCK = 1
const ROWS = 4000

const gated = (then = 'true'): Partial<SyncInput> => ({
  source: {
    connection: 'warehouse',
    sql: `SELECT id, name, CASE WHEN id = ${GATE} THEN pg_advisory_xact_lock_shared(${LOCK}) IS NULL END AS gate,
        CASE WHEN id = ${GATE + 1} THEN ${then} END AS after FROM model ORDER BY id`,
  },
  fields: { id: 'id', name: 'name' },
  batch: { size: 500 },
})

const whole: Partial<SyncInput> = { fields: { id: 'id', name: 'name' } }

/** The model holds keys 1 to 4000; the table 1 and 9999, which the model lacks. */
async function makeTables({ source, destination }: Ends): Promise<void> {
  await source.execute(`
    CREATE TABLE model (id bigint PRIMARY KEY, name text);
    INSERT INTO model SELECT i, repeat('n' || i, 100) FROM generate_series(1, ${ROWS}) i`)
  await destination.execute('CREATE TABLE users (id bigint PRIMARY KEY, name text)')
  await destination.execute(`INSERT INTO users VALUES (1, 'old'), (9999, 'foreign')`)
}

const sum = (ends: Ends) =>
  ends.destination.rows(`SELECT count(*), coalesce(sum(CASE WHEN id = 9999 THEN 1 END), 0) FROM users`)

/**
 * Starts the run, and calls `meanwhile` when the source waits in its middle and rows have arrived in the destination.
 * Afterwards the source may go on.
 */
async function runHalfway(
  ends: Ends,
  meanwhile: () => Promise<void>,
  {
    sync = gated(),
    options = {},
    config = ends.config(sync),
  }: { sync?: Partial<SyncInput>; options?: SyncOptions; config?: ReturnType<Ends['config']> } = {},
): Promise<Run> {
  const { admin } = tests.server
  await admin.query(`SELECT pg_advisory_lock(${LOCK})`)
  try {
    const running = runConfig(config, options)
    let over: Run | undefined
    void running.then((run) => {
      over = run
    })
    const pause = async () => {
      await admin.query('SELECT pg_sleep(0.01)')
      assert.equal(over, undefined, JSON.stringify(over))
    }
    const waits = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`
    while ((await admin.query(waits)).rowCount === 0) await pause()
    const arrived = async () => Number((await sum(ends))[0]?.[0])
    while ((await arrived()) < 500) await pause()
    await meanwhile()
    await admin.query(`SELECT pg_advisory_unlock(${LOCK})`)
    return await running
  } finally {
    await admin.query('SELECT pg_advisory_unlock_all()')
  }
}

/** What was acknowledged is there, nothing is deleted, and a run of the whole model converges. */
async function assertNothingLost(ends: Ends, { report }: Run): Promise<void> {
  const { counts, guards } = report
  assert.ok(counts.inserted >= 500 && counts.inserted < ROWS, JSON.stringify(counts))
  assert.deepEqual(await sum(ends), [[String(2 + counts.inserted), '1']])
  assert.deepEqual([counts.deleted, counts.missing, guards.length], [0, 0, 0])
  await assertConverges(ends)
}

async function assertConverges(ends: Ends): Promise<void> {
  const { report } = await ends.run(whole)
  assert.equal(report.status, 'succeeded', report.error?.message)
  assert.equal(report.counts.deleted, 1)
  const ordered = (table: string) => `SELECT id, name FROM ${table} ORDER BY id`
  assert.deepEqual(await ends.destination.rows(ordered('users')), await ends.source.rows(ordered('model')))
  assert.equal((await ends.run(whole)).report.requests.sent, 0)
}

eachDestination('a model that fails in its middle deletes nothing and keeps what was acknowledged', async (ends) => {
  await makeTables(ends)
  const sync = gated(`1 / (id - ${GATE + 1} + floor(random())::int) IS NULL`)
  const run = await runHalfway(ends, async () => {}, { sync })
  assert.deepEqual([run.report.status, run.report.error?.code, exitCodeOf(run.report)], ['failed', 'model_failed', 1])
  assert.match(run.report.error?.message ?? '', /division by zero.*correct the query or the data it meets$/)
  await assertNothingLost(ends, run)
})

for (const read of ['copy', 'cursor'] as const) {
  eachDestination(`a source that is terminated in the middle of a ${read} deletes nothing`, async (ends) => {
    await makeTables(ends)
    const sync = gated()
    const run = await runHalfway(
      ends,
      async () => {
        await tests.server.admin.query(
          `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`,
        )
      },
      { sync: { ...sync, source: { connection: 'warehouse', sql: sync.source?.sql ?? '', read } } },
    )
    assert.deepEqual(
      [run.report.status, run.report.error?.code, exitCodeOf(run.report)],
      ['failed', 'connection_lost', 1],
    )
    assert.match(run.report.error?.message ?? '', /the connection to .* was lost after \d+ rows .*: run again/)
    await assertNothingLost(ends, run)
  })
}

eachDestination(
  'a run that is cancelled stops, keeps what was acknowledged and lets the next one finish',
  async (ends) => {
    await makeTables(ends)
    const controller = new AbortController()
    const { report } = await runHalfway(ends, async () => controller.abort(), {
      options: { signal: controller.signal },
    })
    assert.deepEqual([report.status, report.error, exitCodeOf(report)], ['cancelled', null, 130])
    await assertNothingLost(ends, { report, notes: [], issues: [], changes: [] })
  },
)

test('a run that is cancelled before it begins touches nothing', async () => {
  await using ends = await tests.server.ends('sqlite')
  await makeTables(ends)
  const { report } = await ends.run(whole, { signal: AbortSignal.abort() })
  assert.deepEqual([report.status, report.requests.sent], ['cancelled', 0])
  assert.deepEqual(await sum(ends), [['2', '1']])
})

eachDestination('a second run at the same time is refused, and the first goes on', async (ends) => {
  await makeTables(ends)
  const first = await runHalfway(ends, async () => {
    for (const options of [{}, { dryRun: true }]) {
      const second = await ends.run(whole, options)
      assert.deepEqual([second.report.status, second.report.error?.code], ['failed', 'locked'])
      assert.equal(exitCodeOf(second.report), 75)
      assert.match(second.report.error?.message ?? '', /another run of users is going on; wait until it ends$/)
      assert.equal(second.report.requests.sent, 0)
    }
  })
  assert.deepEqual([first.report.status, first.report.counts.inserted], ['succeeded', ROWS - 1])
})

eachDestination(
  'a destination table that is dropped in the middle fails the run, and a new one is filled',
  async (ends) => {
    await makeTables(ends)
    const { report } = await runHalfway(ends, () => ends.destination.execute('DROP TABLE users'))
    assert.deepEqual([report.status, exitCodeOf(report)], ['failed', 1])
    assert.equal(report.error?.code, ends.type === 'sqlite' ? 'sqlite_error' : 'unknown_table')
    assert.equal(report.counts.deleted, 0)
    await ends.destination.execute('CREATE TABLE users (id bigint PRIMARY KEY, name text)')
    await ends.destination.execute(`INSERT INTO users VALUES (9999, 'foreign')`)
    await assertConverges(ends)
  },
)

test('postgres: a destination server that goes away in the middle is tried again, and then fails the run', async () => {
  await using ends = await tests.server.ends('postgres')
  await makeTables(ends)
  const proxy = await startProxy(tests.server.postgres.port)
  const config = ends.config(gated())
  const target = new URL(config.connections['target'] as string)
  const throughProxy = {
    ...config,
    connections: { ...config.connections, target: target.href.replace(target.port, String(proxy.port)) },
  }
  const waits: number[] = []
  const clock = { ...systemClock, sleep: async (ms: number) => void waits.push(ms) }
  const { report } = await runHalfway(ends, async () => await proxy[Symbol.asyncDispose](), {
    config: throughProxy,
    options: { clock },
  })
  assert.deepEqual([report.status, report.error?.code, exitCodeOf(report)], ['failed', 'retries_exhausted', 1])
  assert.match(report.error?.message ?? '', /did not take a batch in 6 attempts .*; run again when it does$/)
  assert.ok(waits.length >= 5 && report.requests.retried >= 5)
  assert.equal(report.counts.deleted, 0)
  // The proxy is another place than the server behind it, so the index does not serve for both.
  assert.equal((await ends.run(whole)).report.error?.code, 'index_foreign')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Exchange, sync } from '../../src/index.ts'
import { counts, type Ends, filesIn, serverForTests } from '../support/ends.ts'

const { eachDestination } = serverForTests()

const users = (ends: Ends) => ends.destination.rows('SELECT id, name FROM users ORDER BY id')

async function makeTables({ source, destination }: Ends): Promise<void> {
  await source.execute(`CREATE TABLE model (id bigint, name text);
    INSERT INTO model SELECT i, 'n' || i FROM generate_series(1, 100) i`)
  await destination.execute('CREATE TABLE users (id bigint PRIMARY KEY, name text)')
}

/** What becomes of the model after a first complete run: 1 changes, 2 and 3 go, 50 changes, 101 is new. */
async function change({ source }: Ends): Promise<void> {
  await source.execute(`DELETE FROM model WHERE id IN (2, 3);
    UPDATE model SET name = 'new' WHERE id IN (1, 50); INSERT INTO model VALUES (101, 'n101')`)
}

eachDestination('the first rows are sent, nothing is deleted, and the next run does the rest', async (ends) => {
  await makeTables(ends)
  const first = await ends.run({}, { limit: 10 })
  assert.equal(first.report.status, 'succeeded')
  assert.deepEqual(first.report.counts, counts({ read: 10, inserted: 10 }))
  assert.deepEqual(
    first.report.guards.map(({ guard, held }) => [guard, held]),
    [['partial_run', 0]],
  )
  assert.match(first.report.guards[0]?.message ?? '', /^only part of the model was compared \(the first 10 rows\), so/)
  assert.deepEqual(
    await users(ends),
    Array.from({ length: 10 }, (_, i) => [String(i + 1), `n${i + 1}`]),
  )
  assert.deepEqual((await ends.run()).report.counts, counts({ read: 100, inserted: 90, unchanged: 10 }))

  await change(ends)
  const again = await ends.run({}, { limit: 10 })
  assert.deepEqual(again.report.counts, counts({ read: 10, updated: 1, unchanged: 9 }))
  assert.equal((await users(ends)).length, 100)
  const rest = await ends.run()
  const expected = counts({ read: 99, inserted: 1, updated: 1, unchanged: 97, missing: 2, deleted: 2 })
  assert.deepEqual(rest.report.counts, expected)
  assert.deepEqual(await users(ends), await ends.source.rows('SELECT * FROM model ORDER BY id'))
})

eachDestination('only the keys that are asked for are sent, wherever they are', async (ends) => {
  await makeTables(ends)
  await ends.run()
  await change(ends)
  const run = await ends.run({}, { keys: ['50', '101', '2', '7', '999'] })
  assert.equal(run.report.status, 'succeeded')
  assert.deepEqual(run.report.counts, counts({ read: 3, inserted: 1, updated: 1, unchanged: 1 }))
  assert.match(run.report.guards[0]?.message ?? '', /\(5 keys\)/)
  const unmet = run.notes.filter((note) => note.startsWith('the model has no row'))
  assert.deepEqual(unmet, ['the model has no row with key 2', 'the model has no row with key 999'])
  const sent = await ends.destination.rows('SELECT name FROM users WHERE id IN (1, 2, 50, 101) ORDER BY id')
  assert.deepEqual(sent, [['n1'], ['n2'], ['new'], ['n101']])
  const rest = await ends.run()
  const expected = counts({ read: 99, updated: 1, unchanged: 98, missing: 2, deleted: 2 })
  assert.deepEqual(rest.report.counts, expected)
})

eachDestination('a plan of part of a model changes nothing and counts what the run does', async (ends) => {
  await makeTables(ends)
  await ends.run()
  await change(ends)
  for (const options of [{ limit: 1 }, { limit: 1000 }, { keys: ['1', '2', '101'] }]) {
    const state = filesIn(ends.state)
    const plan = await ends.run({}, { ...options, dryRun: true })
    assert.deepEqual(filesIn(ends.state), state)
    const run = await ends.run({}, options)
    assert.deepEqual(plan.report.counts, run.report.counts)
    assert.deepEqual(plan.report.guards, run.report.guards)
    assert.equal(run.report.counts.missing, 0)
  }
})

eachDestination('no mode deletes in a partial run, and each does the rest in the next', async (ends) => {
  await makeTables(ends)
  await ends.run()
  await change(ends)
  for (const mode of ['update-only', 'insert-only', 'delete-only', 'upsert', 'mirror'] as const) {
    const { report } = await ends.run({ mode }, { limit: 5 })
    assert.equal(report.status, 'succeeded', mode)
    assert.equal(report.counts.read, 5, mode)
    assert.equal(report.counts.missing, 0, mode)
  }
  assert.deepEqual((await ends.run()).report.counts.deleted, 2)
})

eachDestination('rows that share a key are found even where the limit parts them', async (ends) => {
  await makeTables(ends)
  await ends.source.execute(`INSERT INTO model VALUES (5, 'again'), (5, 'and again'), (null, 'x')`)
  for (const limit of [5, 6]) {
    const { report } = await ends.run({}, { limit })
    assert.equal(report.status, 'completed_with_errors')
    assert.equal(report.counts.inserted + report.counts.unchanged, 4)
    assert.ok(report.counts.invalid >= 2)
  }
  const { report, issues } = await ends.run({}, { keys: ['5', '6'] })
  assert.deepEqual(report.counts, counts({ read: 4, inserted: 1, invalid: 3 }))
  assert.deepEqual(
    issues.map(({ code, key }) => `${code} ${key}`),
    Array.from({ length: 3 }, () => 'duplicate_key 5'),
  )
})

eachDestination('a mapping that changed is not taken for done after a partial run', async (ends) => {
  await makeTables(ends)
  await ends.run()
  const fields = { id: 'id', name: { template: '{name}!' } }
  const partial = await ends.run({ fields }, { limit: 3 })
  assert.deepEqual(partial.report.counts, counts({ read: 3, updated: 3 }))
  const whole = await ends.run({ fields })
  assert.ok(whole.notes.some((note) => note.startsWith('the mapping has changed')))
  assert.deepEqual(whole.report.counts, counts({ read: 100, updated: 97, unchanged: 3 }))
  assert.deepEqual(await ends.destination.rows(`SELECT count(*) FROM users WHERE name LIKE '%!'`), [['100']])
})

eachDestination('full sends what has not changed, and each change is told with its answer', async (ends) => {
  await makeTables(ends)
  await ends.run()
  const exchanges: Exchange[] = []
  const { report } = await ends.run(
    {},
    { keys: ['42'], full: true, onExchange: (exchange) => exchanges.push(exchange) },
  )
  assert.deepEqual(report.counts, counts({ read: 1, updated: 1 }))
  assert.deepEqual(
    exchanges.map(({ values, ...rest }) => ({ ...rest, values: { ...values } })),
    [
      {
        operation: 'update',
        values: { id: '42', name: 'n42' },
        outcome: { status: 'done' },
        error: null,
        requests: [],
      },
    ],
  )
  assert.deepEqual((await ends.run()).report.counts, counts({ read: 100, unchanged: 100 }))
})

eachDestination('keys of every type are found as they are printed, with COPY and with a cursor', async (ends) => {
  await ends.source.execute(`CREATE TABLE model (id bigint, t text, u uuid, d date, b boolean, n numeric, y bytea,
      z timestamptz, name text);
    INSERT INTO model VALUES
      (-9223372036854775808, E'a / b\\n', '0000AAAA-0000-0000-0000-000000000001', 'infinity', true, 1.50, '\\x00ff', '2024-01-01 12:00:00.5+00', 'x'),
      (9007199254740993, '', '00000000-0000-0000-0000-000000000002', '0044-03-15 BC', false, 'NaN', '\\x', '-infinity', 'y')`)
  await ends.destination.execute('CREATE TABLE users (id text, name text, UNIQUE (id))')
  const columns = ['id', 't', 'u', 'd', 'b', 'n', 'y', 'z']
  for (const read of ['copy', 'cursor'] as const) {
    for (const column of columns) {
      const overrides = {
        source: { connection: 'warehouse', table: 'model', read },
        key: column,
        mode: 'upsert' as const,
        fields: { id: column, name: 'name' },
        destination: { connection: 'target', table: 'users' },
      }
      // Another key needs another index.
      const config = ends.config(overrides)
      const own = { ...config, state: `${ends.state}-${read}-${column}` }
      const keys: string[] = []
      const plan = await sync(own, { dryRun: true, onChange: ({ key }) => keys.push(key) })
      assert.equal(plan.error, null, column)
      assert.equal(keys.length, 2, column)
      for (const key of keys) {
        const report = await sync(own, { dryRun: true, keys: [key] })
        assert.equal(report.counts.inserted, 1, `${read} ${column} ${key}`)
      }
    }
  }
})

eachDestination('a composite key is found by its parts or as JSON', async (ends) => {
  await ends.source.execute(`CREATE TABLE model (tenant text, id int, name text);
    INSERT INTO model VALUES ('eu', 1, 'a'), ('eu', 2, 'b'), ('us / x', 1, 'c'), ('["eu", 1]', 3, 'd')`)
  await ends.destination.execute('CREATE TABLE users (tenant text, id int, name text, PRIMARY KEY (tenant, id))')
  const key = ['tenant', 'id']
  const found = async (...keys: string[]) => (await ends.run({ key }, { keys, dryRun: true })).changes.map((c) => c.key)
  assert.deepEqual(await found('eu / 2'), ['eu / 2'])
  assert.deepEqual(await found('["us / x", 1]', '["eu","1"]'), ['eu / 1', 'us / x / 1'])
  assert.deepEqual(await found('["[\\"eu\\", 1]", 3]'), ['["eu", 1] / 3'])
  for (const [text, message] of [
    ['eu', /^"eu" is no key of the model: the key has 2 parts, write them as tenant \/ id or/],
    ['us / x / 1', /has 2 parts/],
    ['eu / x', /the key is tenant \(text\), id \(integer\)/],
    ['["eu", 9007199254740993]', /write 9007199254740992 in quotes/],
  ] as const) {
    const { report } = await ends.run({ key }, { keys: [text], dryRun: true })
    assert.equal(report.status, 'failed')
    assert.equal(report.error?.code, 'unreadable_key')
    assert.equal(report.error?.kind, 'configuration')
    assert.match(report.error?.message ?? '', message)
  }
})

eachDestination('only as much is read as is needed', async (ends) => {
  await ends.source.execute(`CREATE TABLE model AS SELECT i::bigint AS id, 'n' AS name FROM generate_series(1, 100) i;
    CREATE FUNCTION name_of(id bigint) RETURNS bigint STABLE LANGUAGE plpgsql AS
      'BEGIN IF id > 11 THEN RAISE ''not this one''; END IF; RETURN id; END';
    CREATE VIEW slow AS SELECT id, name_of(id) AS name FROM model`)
  await ends.destination.execute('CREATE TABLE users (id bigint PRIMARY KEY, name bigint)')
  const source = { connection: 'warehouse', table: 'slow' }
  const whole = await ends.run({ source, mode: 'upsert' })
  assert.equal(whole.report.status, 'failed')
  const limited = await ends.run({ source, mode: 'upsert' }, { limit: 10 })
  assert.equal(limited.report.error, null)
  assert.deepEqual(limited.report.counts, counts({ read: 10, inserted: 10 }))
  const one = await ends.run({ source, mode: 'upsert' }, { keys: ['11'] })
  assert.deepEqual(one.report.counts, counts({ read: 1, inserted: 1 }))
})

test('a limit that is no number of rows is a mistake of the caller', async () => {
  const config = { version: 1, connections: {}, syncs: {} } as const
  await assert.rejects(sync(config, { limit: -1 }), TypeError)
  await assert.rejects(sync(config, { limit: 1.5 }), TypeError)
  await assert.rejects(sync(config, { limit: 1, keys: ['1'] }), TypeError)
})

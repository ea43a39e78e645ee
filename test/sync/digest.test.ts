import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConfigInput } from '../../src/index.ts'
import { counts, type Ends, runConfig, type SyncInput, serverForTests } from '../support/ends.ts'
import { startProxy } from '../support/postgres-proxy.ts'

const tests = serverForTests()

const DIGEST: Partial<SyncInput> = { source: { connection: 'warehouse', table: 'model', read: { digest: true } } }
const PLAIN: Partial<SyncInput> = { source: { connection: 'warehouse', table: 'model' } }

async function makeModel({ source, destination }: Ends, rows: number): Promise<void> {
  await source.execute(`
    CREATE TABLE model (id int8 PRIMARY KEY, big int8, name text, at timestamptz);
    INSERT INTO model SELECT g, g, repeat('é', g % 20), timestamptz '2026-01-01' + g * interval '1 second'
    FROM generate_series(1, ${rows}) AS g; ANALYZE model`)
  await destination.execute('CREATE TABLE users (id int8 PRIMARY KEY, big int8, name text, at timestamptz)')
}

/** Both tables, as the server prints them. */
async function assertEqual({ source, destination }: Ends): Promise<void> {
  const printed = (table: string) => `SELECT t::text FROM ${table} AS t ORDER BY id`
  assert.deepEqual(await destination.rows(printed('users')), await source.rows(printed('model')))
}

/** The sync, with its source behind a proxy. */
function behind(ends: Ends, port: number): ConfigInput {
  const config = ends.config(DIGEST)
  const warehouse = String(config.connections['warehouse']).replace(/:\d+\//, `:${port}/`)
  return { ...config, connections: { ...config.connections, warehouse } }
}

const about = (notes: readonly string[]) => notes.filter((note) => !note.startsWith('deletes.scope'))

test('a run after the first fetches what has changed and nothing else, and ends where a plain one would', async () => {
  await using ends = await tests.server.ends('postgres')
  await makeModel(ends, 25_000)
  const first = await ends.run(DIGEST)
  assert.deepEqual(first.report.counts, counts({ read: 25_000, inserted: 25_000 }))
  assert.deepEqual((await ends.run(DIGEST)).report.counts, counts({ read: 25_000, unchanged: 25_000 }))
  await ends.source.execute(`
    UPDATE model SET name = name || '!' WHERE id % 7 = 0; DELETE FROM model WHERE id % 5000 = 1;
    INSERT INTO model VALUES (-5, NULL, E'tab\\t', '-infinity'), (100000, 0, NULL, 'infinity')`)
  const { report, notes } = await ends.run(DIGEST)
  assert.deepEqual(notes, [])
  const expected = { read: 24_997, inserted: 2, updated: 3570, unchanged: 21_425, missing: 5, deleted: 5 }
  assert.deepEqual(report.counts, counts(expected))
  await assertEqual(ends)
})

test('only keys and fingerprints of what is unchanged cross the wire', async () => {
  await using ends = await tests.server.ends('postgres')
  await makeModel(ends, 0)
  await ends.source.execute(`INSERT INTO model SELECT g, g, repeat('x', 500) FROM generate_series(1, 3000) AS g`)
  let received = 0
  await using proxy = await startProxy(tests.server.postgres.port, {
    rewrite: (chunk) => {
      received += chunk.length
      return chunk
    },
  })
  const through = behind(ends, proxy.port)
  await runConfig(through)
  const whole = received
  await runConfig(through)
  const keys = received - whole
  assert.ok(whole > 3000 * 500, `${whole} bytes for the first run`)
  assert.ok(keys < 3000 * 40 + 20_000, `${keys} bytes for the second`)
})

test('a bigint that changes in both halves at once is found', async () => {
  await using ends = await tests.server.ends('postgres')
  await makeModel(ends, 100)
  await ends.run(DIGEST)
  // Folded to 32 bits, the old and the new number are the same.
  await ends.source.execute('UPDATE model SET big = (7::int8 << 32) | (id # 7) WHERE id > 10')
  assert.deepEqual((await ends.run(DIGEST)).report.counts, counts({ read: 100, updated: 90, unchanged: 10 }))
  await assertEqual(ends)
})

test('whoever switches it on or off is told that every row counts as changed once', async () => {
  await using ends = await tests.server.ends('postgres')
  await makeModel(ends, 50)
  await ends.run(PLAIN)
  for (const overrides of [DIGEST, PLAIN, DIGEST]) {
    const { report, notes } = await ends.run(overrides)
    assert.deepEqual(about(notes), [
      'read.digest was switched on or off since the last run, so every row counts as changed once',
    ])
    assert.deepEqual(report.counts, counts({ read: 50, updated: 50 }))
    const again = await ends.run(overrides)
    assert.deepEqual(about(again.notes), [])
    assert.deepEqual(again.report.counts, counts({ read: 50, unchanged: 50 }))
  }
  const { notes, report } = await ends.run({ ...DIGEST, fields: { id: 'id', name: 'name' } })
  assert.deepEqual(about(notes), ['the mapping has changed since the last run, so every row counts as changed once'])
  assert.equal(report.counts.updated, 50)
})

test('dry runs, full runs and runs of a part count as plain ones do', async () => {
  await using ends = await tests.server.ends('postgres')
  await makeModel(ends, 60)
  await ends.run(DIGEST)
  await ends.source.execute("UPDATE model SET name = 'new' WHERE id <= 6")
  const dry = await ends.run(DIGEST, { dryRun: true })
  assert.deepEqual(dry.report.counts, counts({ read: 60, updated: 6, unchanged: 54 }))
  assert.deepEqual(
    dry.changes.map(({ key, values }) => [key, values?.['name']]),
    [1, 2, 3, 4, 5, 6].map((id) => [String(id), 'new']),
  )
  const keys = await ends.run(DIGEST, { keys: ['2', '30'] })
  assert.deepEqual(keys.report.counts, counts({ read: 2, updated: 1, unchanged: 1 }))
  const some = await ends.run(DIGEST, { limit: 4 })
  assert.deepEqual(some.report.counts, counts({ read: 4, updated: 3, unchanged: 1 }))
  assert.deepEqual((await ends.run(DIGEST)).report.counts, counts({ read: 60, updated: 2, unchanged: 58 }))
  assert.deepEqual((await ends.run(DIGEST, { full: true })).report.counts, counts({ read: 60, updated: 60 }))
  assert.deepEqual((await ends.run(DIGEST)).report.counts, counts({ read: 60, unchanged: 60 }))
  await assertEqual(ends)
})

test('a mapping that reads a row otherwise gets the whole row', async () => {
  await using ends = await tests.server.ends('postgres')
  await makeModel(ends, 30)
  const mapped = { ...DIGEST, fields: { id: 'id', big: 'big', name: { template: '{id}: {name}' } } }
  await ends.run(mapped)
  await ends.source.execute("UPDATE model SET name = 'x' WHERE id = 9")
  assert.deepEqual((await ends.run(mapped)).report.counts, counts({ read: 30, updated: 1, unchanged: 29 }))
  assert.deepEqual(await ends.destination.rows('SELECT big, name, at FROM users WHERE id = 9'), [['9', '9: x', null]])
})

test('a model that answers differently each time ends the run before a row of it is sent', async () => {
  await using ends = await tests.server.ends('postgres')
  await makeModel(ends, 40)
  const volatile: Partial<SyncInput> = {
    source: {
      connection: 'warehouse',
      sql: 'SELECT id, big, random()::text AS name, at FROM model',
      read: { digest: true },
    },
  }
  await ends.run(volatile)
  const before = await ends.destination.rows('SELECT * FROM users ORDER BY id')
  const { report } = await ends.run(volatile)
  assert.equal(report.error?.code, 'model_unstable')
  assert.equal(report.requests.sent, 0)
  assert.deepEqual(await ends.destination.rows('SELECT * FROM users ORDER BY id'), before)
})

test('rows with equal keys or none are invalid, whichever way they are read', async () => {
  await using ends = await tests.server.ends('postgres')
  await makeModel(ends, 10)
  await ends.run(DIGEST)
  const withBad: Partial<SyncInput> = {
    source: {
      connection: 'warehouse',
      sql: 'SELECT * FROM model UNION ALL SELECT * FROM model WHERE id = 3 UNION ALL SELECT NULL, 1, NULL, NULL',
      read: { digest: true },
    },
  }
  const { report, issues } = await ends.run(withBad)
  assert.deepEqual(report.counts, counts({ read: 12, unchanged: 9, invalid: 3 }))
  assert.deepEqual(issues.map(({ code }) => code).sort(), ['duplicate_key', 'duplicate_key', 'missing_key'])
  assert.deepEqual(
    issues.filter(({ code }) => code === 'duplicate_key').map((issue) => 'payload' in issue && issue.payload),
    ['["3"]', '["3"]'],
  )
})

test('a server without the functions is refused before anything is read', async () => {
  await using ends = await tests.server.ends('postgres')
  await makeModel(ends, 10)
  await using proxy = await startProxy(tests.server.postgres.port, {
    refuse: (query) => (query.includes('to_regprocedure') ? { code: '42883', message: 'no such function' } : undefined),
  })
  const { report } = await runConfig(behind(ends, proxy.port))
  assert.equal(report.error?.code, 'digest_refused')
  assert.equal(report.error?.kind, 'configuration')
})

test('a server that shares no snapshot is refused', async () => {
  await using ends = await tests.server.ends('postgres')
  await makeModel(ends, 10)
  await ends.run(DIGEST)
  await using proxy = await startProxy(tests.server.postgres.port, {
    refuse: (query) => (query.includes('pg_export_snapshot') ? { code: '0A000', message: 'no snapshots' } : undefined),
  })
  const { report } = await runConfig(behind(ends, proxy.port))
  assert.equal(report.error?.code, 'digest_refused')
})

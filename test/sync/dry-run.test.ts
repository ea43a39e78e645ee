import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import type { SyncMode } from '../../src/index.ts'
import { counts, type Ends, filesIn, serverForTests, values } from '../support/ends.ts'

const { eachDestination } = serverForTests()

const users = (ends: Ends) => ends.destination.rows('SELECT id, name FROM users ORDER BY id')

async function makeTables({ source, destination }: Ends): Promise<void> {
  await source.execute('CREATE TABLE model (id bigint, name text)')
  await destination.execute('CREATE TABLE users (id bigint PRIMARY KEY, name text)')
  await source.execute(
    `INSERT INTO model ${values([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
      [4, 'd'],
      [4, 'twice'],
    ])}`,
  )
  await destination.execute(
    `INSERT INTO users ${values([
      [2, 'old'],
      [3, 'c'],
      [4, 'old'],
      [9, 'foreign'],
    ])}`,
  )
}

for (const mode of ['mirror', 'upsert', 'update-only', 'delete-only', 'insert-only'] satisfies SyncMode[]) {
  eachDestination(`a dry run of ${mode} changes nothing and counts what the next run does`, async (ends) => {
    await makeTables(ends)
    const records = await users(ends)
    const planned = await ends.run({ mode }, { dryRun: true })
    assert.equal(planned.report.dry_run, true)
    assert.equal(existsSync(ends.state), false)
    assert.deepEqual(await users(ends), records)
    const done = await ends.run({ mode })
    assert.deepEqual(planned.report.counts, done.report.counts)
    assert.deepEqual(planned.notes, done.notes)
    assert.deepEqual(planned.report.requests, done.report.requests)

    await ends.source.execute(`
      DELETE FROM model WHERE id = 3; UPDATE model SET name = 'new' WHERE id = 2; INSERT INTO model VALUES (5, 'e')`)
    await ends.destination.execute(`INSERT INTO users VALUES (8, 'theirs')`)
    const state = filesIn(ends.state)
    const before = await users(ends)
    const again = await ends.run({ mode }, { dryRun: true })
    assert.deepEqual(filesIn(ends.state), state)
    assert.deepEqual(await users(ends), before)
    assert.deepEqual(again.report.counts, (await ends.run({ mode })).report.counts)
  })
}

eachDestination('a dry run tells each change with what would be written', async (ends) => {
  await makeTables(ends)
  await ends.source.execute('DELETE FROM model WHERE id = 4; UPDATE model SET name = null WHERE id = 3')
  const { changes } = await ends.run({}, { dryRun: true })
  const told = changes.map(({ operation, key, values: row }) => [operation, key, row === null ? null : { ...row }])
  assert.deepEqual(
    told.sort((a, b) => String(a[1]).localeCompare(String(b[1]))),
    [
      ['insert', '1', { id: '1', name: 'a' }],
      ['update', '2', { id: '2', name: 'b' }],
      ['update', '3', { id: '3', name: null }],
      ['delete', '4', null],
      ['delete', '9', null],
    ],
  )
})

eachDestination('a dry run holds the deletes that a run would hold', async (ends) => {
  await makeTables(ends)
  await ends.source.execute(`DELETE FROM model; INSERT INTO model SELECT i, 'n' FROM generate_series(1, 50) i`)
  await ends.run()
  await ends.source.execute('DELETE FROM model WHERE id > 10')
  const planned = await ends.run({}, { dryRun: true })
  assert.equal(planned.report.status, 'deletes_held')
  assert.deepEqual(planned.report.counts, counts({ read: 10, unchanged: 10, missing: 40, held: 40 }))
  const done = await ends.run()
  assert.deepEqual(done.report.guards, planned.report.guards)
  assert.equal((await ends.run({}, { dryRun: true, allowDeletes: { count: 40 } })).report.counts.deleted, 40)
  assert.deepEqual(await ends.destination.rows('SELECT count(*) FROM users'), [['50']])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { counts, type Ends, runConfig, serverForTests } from '../support/ends.ts'
import { linkedWorld } from '../support/linked-world.ts'
import { some } from '../support/model-run.ts'

/** What docs/guarantees.md says of changes that one run cannot make, or none. */
const tests = serverForTests()
const { eachDestination } = tests

/** A model of `id`, `email`, and a table whose e-mails are unique, too; one run has brought them together. */
async function delivered(ends: Ends, unique = 'UNIQUE'): Promise<void> {
  await ends.source.execute(`
    CREATE TABLE model (id bigint, email text);
    INSERT INTO model VALUES (1, 'ann@x'), (2, 'bob@x'), (3, 'cy@x')`)
  await ends.destination.execute(`CREATE TABLE users (id bigint PRIMARY KEY, email text ${unique})`)
  assert.deepEqual((await ends.run()).report.counts, counts({ read: 3, inserted: 3 }))
}

const users = (ends: Ends) => ends.destination.rows('SELECT id, email FROM users ORDER BY id')
const mirror = { guards: { max_deletes: '100%' } } as const

eachDestination(
  'a new record that takes over a unique value of a deleted one lands with the next run',
  async (ends) => {
    await delivered(ends)
    await ends.source.execute(`DELETE FROM model WHERE id = 2; INSERT INTO model VALUES (4, 'bob@x')`)
    const first = await ends.run(mirror)
    assert.deepEqual(first.report.counts, counts({ read: 3, unchanged: 2, rejected: 1, missing: 1, deleted: 1 }))
    const second = await ends.run(mirror)
    assert.deepEqual(second.report.counts, counts({ read: 3, unchanged: 2, inserted: 1 }))
    assert.deepEqual(await users(ends), [
      ['1', 'ann@x'],
      ['3', 'cy@x'],
      ['4', 'bob@x'],
    ])
  },
)

const SWAP = `UPDATE model SET email = CASE id WHEN 1 THEN 'bob@x' ELSE 'ann@x' END WHERE id IN (1, 2)`

eachDestination('two records that swap unique values are rejected, run by run, until one has another', async (ends) => {
  await delivered(ends)
  await ends.source.execute(SWAP)
  for (let runs = 0; runs < 2; runs++) {
    assert.deepEqual((await ends.run()).report.counts, counts({ read: 3, unchanged: 1, rejected: 2 }))
  }
  await ends.source.execute(`UPDATE model SET email = 'free@x' WHERE id = 1`)
  await ends.run()
  await ends.source.execute(SWAP)
  const last = await ends.run()
  assert.equal(last.report.status, 'succeeded', JSON.stringify(last.issues))
  assert.deepEqual((await users(ends)).slice(0, 2), [
    ['1', 'bob@x'],
    ['2', 'ann@x'],
  ])
})

test('postgres: records that swap values of a deferrable constraint land at once', async () => {
  await using ends = await tests.server.ends('postgres')
  await delivered(ends, 'UNIQUE DEFERRABLE INITIALLY DEFERRED')
  await ends.source.execute(SWAP)
  assert.deepEqual((await ends.run()).report.counts, counts({ read: 3, unchanged: 1, updated: 2 }))
})

test('two rows that swap the match of their records are refused, run by run, until one has another', async () => {
  using world = linkedWorld([
    ['1', 'ann@x', 'Ann'],
    ['2', 'bob@x', 'Bob'],
  ])
  await world.run()
  const swapped = () => {
    world.source.rows = [
      ['1', 'bob@x', 'Ann'],
      ['2', 'ann@x', 'Bob'],
    ]
  }
  swapped()
  for (let runs = 0; runs < 2; runs++) assert.deepEqual(some((await world.run()).counts), { read: 2, invalid: 2 })
  world.source.rows = [
    ['1', 'free@x', 'Ann'],
    ['2', 'ann@x', 'Bob'],
  ]
  // Which of them is first free again depends on the order of the keys.
  for (let runs = 0; runs < 2; runs++) await world.run()
  swapped()
  assert.equal((await world.run()).status, 'succeeded')
  assert.deepEqual(world.contacts(), ['ann@x 2 Bob', 'bob@x 1 Ann'])
})

eachDestination(
  'deletes with scope all begin with the second run, where the first one listed nothing',
  async (ends) => {
    await ends.source.execute(`CREATE TABLE model (id bigint, email text); INSERT INTO model VALUES (1, 'ann@x')`)
    await ends.destination.execute(`
    CREATE TABLE users (id bigint PRIMARY KEY, email text);
    INSERT INTO users VALUES (9, 'foreign@x')`)
    const sync = { ...mirror, deletes: { scope: 'all' }, index: { bootstrap: 'empty' } } as const
    assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 1, inserted: 1 }))
    const { report } = await runConfig(ends.config(sync), { dryRun: true })
    assert.deepEqual(report.counts, counts({ read: 1, unchanged: 1, missing: 1, deleted: 1 }))
    assert.equal((await users(ends)).length, 2)
    assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 1, unchanged: 1, missing: 1, deleted: 1 }))
    assert.deepEqual(await users(ends), [['1', 'ann@x']])
  },
)

import assert from 'node:assert/strict'
import { counts, type Ends, serverForTests, values } from '../support/ends.ts'

const { eachDestination } = serverForTests()

const users = (ends: Ends) => ends.destination.rows('SELECT id, name, note, gone FROM users ORDER BY id')

/** `note` is not mapped; `gone` marks a deleted record. */
async function makeTables({ source, destination }: Ends): Promise<void> {
  await source.execute('CREATE TABLE model (id bigint, name text)')
  await destination.execute('CREATE TABLE users (id bigint PRIMARY KEY, name text, note text, gone text)')
}

async function fill(ends: Ends, rows: number): Promise<void> {
  await makeTables(ends)
  await ends.source.execute(`INSERT INTO model SELECT i, 'n' || i FROM generate_series(1, ${rows}) i`)
  assert.equal((await ends.run()).report.counts.inserted, rows)
}

eachDestination(
  'scope all deletes every record the model lacks, and scope seen only what the model held',
  async (ends) => {
    await makeTables(ends)
    await ends.source.execute(
      `INSERT INTO model ${values([
        [1, 'a'],
        [2, 'b'],
      ])}`,
    )
    await ends.destination.execute(
      `INSERT INTO users (id, name) ${values([
        [2, 'old'],
        [8, 'x'],
        [9, 'y'],
      ])}`,
    )
    const seen = { deletes: { scope: 'seen' } } as const
    const first = await ends.run(seen)
    assert.deepEqual(first.report.counts, counts({ read: 2, inserted: 1, updated: 1, missing: 2, kept: 2 }))
    assert.ok(first.notes.includes('deletes.scope is seen: only records that the model held before are deleted'))
    await ends.source.execute('DELETE FROM model WHERE id = 2')
    const second = await ends.run(seen)
    assert.deepEqual(second.report.counts, counts({ read: 1, unchanged: 1, missing: 3, deleted: 1, kept: 2 }))

    const planned = await ends.run({}, { dryRun: true })
    const all = await ends.run()
    assert.deepEqual(all.report.counts, counts({ read: 1, unchanged: 1, missing: 2, deleted: 2 }))
    assert.ok(planned.notes.includes('deletes.scope is all: every record that the model lacks is deleted'))
    assert.deepEqual(await users(ends), [['1', 'a', null, null]])
  },
)

eachDestination(
  'delete-only with scope seen deletes what it met in the model before, and never what it did not',
  async (ends) => {
    await makeTables(ends)
    await ends.source.execute(
      `INSERT INTO model ${values([
        [1, 'a'],
        [2, 'b'],
      ])}`,
    )
    await ends.destination.execute(
      `INSERT INTO users (id, name) ${values([
        [1, 'old'],
        [2, 'old'],
        [9, 'y'],
      ])}`,
    )
    const sync = { mode: 'delete-only', deletes: { scope: 'seen' } } as const
    assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 2, skipped: 2, missing: 1, kept: 1 }))
    await ends.source.execute('DELETE FROM model WHERE id = 2')
    const second = await ends.run(sync)
    assert.deepEqual(second.report.counts, counts({ read: 1, skipped: 1, missing: 2, deleted: 1, kept: 1 }))
    assert.deepEqual(await users(ends), [
      ['1', 'old', null, null],
      ['9', 'y', null, null],
    ])
  },
)

eachDestination('deletes as clear empty the mapped fields once, and the record comes back', async (ends) => {
  await makeTables(ends)
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'a'],
      [2, 'b'],
    ])}`,
  )
  await ends.destination.execute(
    `INSERT INTO users (id, name, note) ${values([
      [2, 'old', 'ours'],
      [9, 'y', 'ours'],
    ])}`,
  )
  const sync = { deletes: { as: 'clear' } } as const
  const first = await ends.run(sync)
  assert.deepEqual(first.report.counts, counts({ read: 2, inserted: 1, updated: 1, missing: 1, deleted: 1 }))
  assert.deepEqual(await users(ends), [
    ['1', 'a', null, null],
    ['2', 'b', 'ours', null],
    ['9', null, 'ours', null],
  ])
  const quiet = await ends.run(sync)
  assert.deepEqual(quiet.report.counts, counts({ read: 2, unchanged: 2 }))
  assert.equal(quiet.report.requests.sent, 0)

  await ends.source.execute(`DELETE FROM model WHERE id = 2; INSERT INTO model VALUES (9, 'back')`)
  const back = await ends.run(sync)
  assert.deepEqual(back.report.counts, counts({ read: 2, unchanged: 1, updated: 1, missing: 1, deleted: 1 }))
  assert.deepEqual(await users(ends), [
    ['1', 'a', null, null],
    ['2', null, 'ours', null],
    ['9', 'back', 'ours', null],
  ])
  assert.equal((await ends.run(sync)).report.requests.sent, 0)
})

eachDestination('a soft delete sets its field once, and a row that comes back takes it away again', async (ends) => {
  await makeTables(ends)
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'a'],
      [2, 'b'],
    ])}`,
  )
  const sync = { deletes: { as: { gone: 'yes' } } }
  assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 2, inserted: 2 }))
  await ends.source.execute('DELETE FROM model WHERE id = 2')
  const deleted = await ends.run(sync)
  assert.deepEqual(deleted.report.counts, counts({ read: 1, unchanged: 1, missing: 1, deleted: 1 }))
  assert.deepEqual(await users(ends), [
    ['1', 'a', null, null],
    ['2', 'b', null, 'yes'],
  ])
  assert.equal((await ends.run(sync)).report.requests.sent, 0)

  await ends.source.execute(`INSERT INTO model VALUES (2, 'b')`)
  assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 2, unchanged: 1, updated: 1 }))
  assert.deepEqual(await users(ends), [
    ['1', 'a', null, null],
    ['2', 'b', null, null],
  ])
  assert.equal((await ends.run(sync)).report.requests.sent, 0)
})

eachDestination('a soft delete can note the start of the run that made it', async (ends) => {
  await ends.source.execute('CREATE TABLE model (id bigint, name text)')
  await ends.destination.execute('CREATE TABLE users (id bigint PRIMARY KEY, name text, deleted_at text, state text)')
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'a'],
      [2, 'b'],
    ])}`,
  )
  const sync = {
    deletes: { as: { deleted_at: { variable: 'run.started_at' }, state: 'gone' } },
    fields: { id: 'id', name: 'name', state: { value: 'live' } },
  } as const
  await ends.run(sync)
  await ends.source.execute('DELETE FROM model WHERE id = 2')
  const { report } = await ends.run(sync)
  const records = () => ends.destination.rows('SELECT id, name, deleted_at, state FROM users ORDER BY id')
  const marked = [
    ['1', 'a', null, 'live'],
    ['2', 'b', report.started_at, 'gone'],
  ]
  assert.deepEqual(await records(), marked)
  assert.equal((await ends.run(sync)).report.requests.sent, 0)
  assert.deepEqual(await records(), marked)

  await ends.source.execute(`INSERT INTO model VALUES (2, 'b')`)
  assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 2, unchanged: 1, updated: 1 }))
  assert.deepEqual((await records())[1], ['2', 'b', null, 'live'])
})

eachDestination('a soft-deleted record that vanished is created when its row comes back', async (ends) => {
  await fill(ends, 2)
  const sync = { deletes: { as: { gone: 'yes' } } }
  await ends.source.execute('DELETE FROM model WHERE id = 2')
  await ends.run(sync)
  await ends.destination.execute('DELETE FROM users WHERE id = 2')
  await ends.source.execute(`INSERT INTO model VALUES (2, 'b')`)
  assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 2, unchanged: 1, inserted: 1 }))
})

eachDestination(
  'more than 20 deletes that are more than a tenth are held, everything else is done, and the user can allow them',
  async (ends) => {
    await fill(ends, 100)
    await ends.source.execute(`DELETE FROM model WHERE id > 79; UPDATE model SET name = 'new' WHERE id = 1`)
    const held = await ends.run()
    assert.equal(held.report.status, 'deletes_held')
    assert.deepEqual(held.report.counts, counts({ read: 79, updated: 1, unchanged: 78, missing: 21, held: 21 }))
    assert.deepEqual(
      held.report.guards.map(({ guard, held, limit }) => [guard, held, limit]),
      [['max_deletes', 21, '20 and 10%']],
    )
    assert.match(held.report.guards[0]?.message ?? '', /21 of 100 records would be deleted.* --allow-deletes 21$/)
    assert.deepEqual(await ends.destination.rows('SELECT count(*) FROM users'), [['100']])

    const still = await ends.run({}, { allowDeletes: { count: 20 } })
    assert.deepEqual(still.report.counts, counts({ read: 79, unchanged: 79, missing: 21, held: 21 }))
    const allowed = await ends.run({}, { allowDeletes: { count: 21 } })
    assert.equal(allowed.report.status, 'succeeded')
    assert.deepEqual(allowed.report.counts, counts({ read: 79, unchanged: 79, missing: 21, deleted: 21 }))
    assert.deepEqual(await ends.destination.rows('SELECT count(*) FROM users'), [['79']])

    await ends.source.execute('DELETE FROM model WHERE id > 59')
    assert.equal((await ends.run()).report.counts.deleted, 20)
  },
)

eachDestination(
  'max_deletes replaces the default limit, as a number or as a share of the records in scope',
  async (ends) => {
    await fill(ends, 10)
    await ends.destination.execute(
      `INSERT INTO users (id, name) ${values([
        [90, 'x'],
        [91, 'y'],
      ])}`,
    )
    const seen = { scope: 'seen' } as const
    await ends.source.execute('DELETE FROM model WHERE id > 8')
    const none = await ends.run({ deletes: seen, guards: { max_deletes: 0 } })
    assert.equal(none.report.counts.held, 2)
    // The adopted records are not in scope: 2 of 10, not of 12.
    const shared = await ends.run({ deletes: seen, index: { refresh: 'always' }, guards: { max_deletes: '19%' } })
    assert.deepEqual(shared.report.counts, counts({ read: 8, unchanged: 8, missing: 4, held: 2, kept: 2 }))
    assert.equal(shared.report.guards[0]?.limit, '19%')
    const enough = await ends.run({ deletes: seen, guards: { max_deletes: '20%' } })
    assert.deepEqual(enough.report.counts, counts({ read: 8, unchanged: 8, missing: 4, deleted: 2, kept: 2 }))
    const percent = await ends.run({ guards: { max_deletes: 0 } }, { allowDeletes: { percent: 50 } })
    assert.deepEqual(percent.report.counts, counts({ read: 8, unchanged: 8, missing: 2, deleted: 2 }))
  },
)

eachDestination('an empty model deletes nothing unless the user says that it is right', async (ends) => {
  await makeTables(ends)
  assert.equal((await ends.run()).report.status, 'succeeded')
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'a'],
      [2, 'b'],
    ])}`,
  )
  await ends.run()
  await ends.source.execute('DELETE FROM model')
  const held = await ends.run()
  assert.equal(held.report.status, 'deletes_held')
  assert.deepEqual(held.report.counts, counts({ missing: 2, held: 2 }))
  assert.equal(held.report.guards[0]?.guard, 'empty_model')
  assert.match(held.report.guards[0]?.message ?? '', /--allow-empty$/)
  const allowed = await ends.run({}, { allowEmpty: true })
  assert.equal(allowed.report.status, 'succeeded')
  assert.deepEqual(allowed.report.counts, counts({ missing: 2, deleted: 2 }))
  assert.deepEqual(await users(ends), [])
})

eachDestination('a model with fewer rows than min_rows fails before anything is sent', async (ends) => {
  await fill(ends, 3)
  await ends.source.execute(`DELETE FROM model WHERE id = 3; UPDATE model SET name = 'new'`)
  const { report } = await ends.run({ guards: { min_rows: 3 } })
  assert.deepEqual([report.status, report.error?.code, report.error?.kind], ['failed', 'min_rows', 'failed'])
  assert.match(report.error?.message ?? '', /the model has 2 rows, fewer than guards.min_rows \(3\)/)
  assert.equal(report.requests.sent, 0)
  assert.deepEqual(await ends.destination.rows('SELECT name FROM users ORDER BY id'), [['n1'], ['n2'], ['n3']])
  assert.equal((await ends.run({ guards: { min_rows: 2 } })).report.status, 'succeeded')
})

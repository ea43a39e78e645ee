import assert from 'node:assert/strict'
import { test } from 'node:test'
import { counts, type Ends, serverForTests, values } from '../support/ends.ts'

const tests = serverForTests()
const { eachDestination } = tests

const users = (ends: Ends) => ends.destination.rows('SELECT id, name FROM users ORDER BY id')

/** The table refuses names of more than five letters. */
async function makeTables({ source, destination }: Ends): Promise<void> {
  await source.execute('CREATE TABLE model (id bigint, name text)')
  await destination.execute('CREATE TABLE users (id bigint PRIMARY KEY, name text CHECK (length(name) < 6))')
}

eachDestination(
  'all copies of a duplicate key are invalid, and the record is neither updated nor deleted',
  async (ends) => {
    await makeTables(ends)
    await ends.source.execute(
      `INSERT INTO model ${values([
        [1, 'a'],
        [2, 'b'],
        [2, 'b'],
        [2, 'B'],
        [3, 'c'],
        [3, 'c'],
      ])}`,
    )
    await ends.destination.execute(
      `INSERT INTO users ${values([
        [2, 'old'],
        [9, 'gone'],
      ])}`,
    )
    const { report, issues } = await ends.run()
    assert.equal(report.status, 'completed_with_errors')
    assert.deepEqual(report.counts, counts({ read: 6, inserted: 1, invalid: 5, missing: 1, deleted: 1 }))
    const left = [
      ['1', 'a'],
      ['2', 'old'],
    ]
    assert.deepEqual(await users(ends), left)
    assert.deepEqual(
      issues.map(({ kind, code, key }) => [kind, code, key]),
      ['2', '2', '2', '3', '3'].map((key) => ['invalid', 'duplicate_key', key]),
    )
    assert.match(issues[0]?.message ?? '', /several rows have the key 2; make the key unique/)

    const again = await ends.run()
    assert.deepEqual(again.report.counts, counts({ read: 6, unchanged: 1, invalid: 5 }))
    assert.equal(again.report.requests.sent, 0)

    await ends.source.execute(`
      DELETE FROM model WHERE name = 'b'; DELETE FROM model WHERE id = 3; INSERT INTO model VALUES (3, 'c')`)
    assert.deepEqual((await ends.run()).report.counts, counts({ read: 3, unchanged: 1, updated: 1, inserted: 1 }))
    assert.deepEqual(await users(ends), [
      ['1', 'a'],
      ['2', 'B'],
      ['3', 'c'],
    ])
  },
)

eachDestination('a key that becomes a duplicate leaves its record as it was delivered', async (ends) => {
  await makeTables(ends)
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'a'],
      [2, 'b'],
    ])}`,
  )
  await ends.run()
  await ends.source.execute(`INSERT INTO model VALUES (2, 'two')`)
  assert.deepEqual((await ends.run()).report.counts, counts({ read: 3, unchanged: 1, invalid: 2 }))
  assert.deepEqual(await users(ends), [
    ['1', 'a'],
    ['2', 'b'],
  ])
  await ends.source.execute(`DELETE FROM model WHERE name = 'two'`)
  const { report } = await ends.run()
  assert.deepEqual(report.counts, counts({ read: 2, unchanged: 2 }))
})

eachDestination(
  'a null key holds deletes, because it may stand for any record, until the user allows them',
  async (ends) => {
    await makeTables(ends)
    await ends.source.execute(
      `INSERT INTO model ${values([
        [1, 'a'],
        [null, 'b'],
        [null, 'c'],
      ])}`,
    )
    await ends.destination.execute(`INSERT INTO users ${values([[2, 'old']])}`)
    const held = await ends.run()
    assert.equal(held.report.status, 'deletes_held')
    assert.deepEqual(held.report.counts, counts({ read: 3, inserted: 1, invalid: 2, missing: 1, held: 1 }))
    assert.deepEqual(
      held.issues.map(({ code, key }) => [code, key]),
      [
        ['missing_key', null],
        ['missing_key', null],
      ],
    )
    const [guard] = held.report.guards
    assert.deepEqual([guard?.guard, guard?.held], ['invalid_keys', 1])
    assert.match(guard?.message ?? '', /2 rows have no usable key .* --allow-deletes-with-invalid$/)
    assert.deepEqual(await users(ends), [
      ['1', 'a'],
      ['2', 'old'],
    ])

    const allowed = await ends.run({}, { allowDeletesWithInvalid: true })
    assert.equal(allowed.report.status, 'completed_with_errors')
    assert.deepEqual(allowed.report.counts, counts({ read: 3, unchanged: 1, invalid: 2, missing: 1, deleted: 1 }))
    assert.deepEqual(await users(ends), [['1', 'a']])
  },
)

eachDestination('a composite key is missing when any of its parts is', async (ends) => {
  await ends.source.execute('CREATE TABLE model (tenant text, id bigint, name text)')
  await ends.destination.execute('CREATE TABLE users (tenant text, id bigint, name text, PRIMARY KEY (tenant, id))')
  await ends.source.execute(
    `INSERT INTO model ${values([
      ['t', 1, 'a'],
      ['t', null, 'b'],
      [null, 1, 'c'],
      ['', 1, 'empty is not null'],
    ])}`,
  )
  const { report } = await ends.run({ key: ['tenant', 'id'] })
  assert.deepEqual(report.counts, counts({ read: 4, inserted: 2, invalid: 2 }))
  assert.deepEqual(await ends.destination.rows('SELECT tenant, id FROM users ORDER BY tenant'), [
    ['', '1'],
    ['t', '1'],
  ])
})

eachDestination(
  'a refused row is rejected by itself, its neighbours land, and the next run tries its newest data',
  async (ends) => {
    await makeTables(ends)
    await ends.source.execute(`
      INSERT INTO model SELECT i, 'n' || i FROM generate_series(1, 200) i;
      UPDATE model SET name = 'too long' WHERE id IN (7, 150)`)
    await ends.destination.execute(`INSERT INTO users ${values([[7, 'old']])}`)
    const { report, issues } = await ends.run()
    assert.equal(report.status, 'completed_with_errors')
    assert.deepEqual(report.counts, counts({ read: 200, inserted: 198, rejected: 2 }))
    assert.deepEqual(await ends.destination.rows('SELECT count(*), max(name) FROM users WHERE id = 7'), [['1', 'old']])
    assert.deepEqual(await ends.destination.rows('SELECT count(*) FROM users'), [['199']])
    assert.deepEqual(issues.map(({ kind, key }) => [kind, key]).sort(), [
      ['rejected', '150'],
      ['rejected', '7'],
    ])
    for (const issue of issues) {
      assert.equal(issue.code, ends.type === 'sqlite' ? 'SQLITE_CONSTRAINT_CHECK' : '23514')
      assert.match(issue.message, /check/i)
      assert.match(issue.payload ?? '', /"name":"too long"/)
    }

    const again = await ends.run()
    assert.deepEqual(again.report.counts, counts({ read: 200, unchanged: 198, rejected: 2 }))

    await ends.source.execute(`UPDATE model SET name = 'new' || id WHERE id = 7; DELETE FROM model WHERE id = 150`)
    const mended = await ends.run()
    assert.equal(mended.report.status, 'succeeded')
    assert.deepEqual(mended.report.counts, counts({ read: 199, unchanged: 198, updated: 1 }))
    assert.deepEqual(await ends.destination.rows('SELECT name FROM users WHERE id = 7'), [['new7']])
    assert.equal((await ends.run()).report.requests.sent, 0)
  },
)

eachDestination(
  'a refused update leaves the record as it was delivered, and going back to that is no change',
  async (ends) => {
    await makeTables(ends)
    await ends.source.execute(
      `INSERT INTO model ${values([
        [1, 'a'],
        [2, 'b'],
      ])}`,
    )
    await ends.run()
    await ends.source.execute(`UPDATE model SET name = 'too long' WHERE id = 2`)
    assert.deepEqual((await ends.run()).report.counts, counts({ read: 2, unchanged: 1, rejected: 1 }))
    await ends.source.execute(`UPDATE model SET name = 'b' WHERE id = 2`)
    const back = await ends.run()
    assert.deepEqual(back.report.counts, counts({ read: 2, unchanged: 2 }))
    assert.equal(back.report.requests.sent, 0)
    assert.deepEqual(await users(ends), [
      ['1', 'a'],
      ['2', 'b'],
    ])
  },
)

eachDestination('a delete that the destination refuses is told and tried again', async (ends) => {
  await makeTables(ends)
  await ends.destination.execute('CREATE TABLE orders (user_id bigint REFERENCES users (id))')
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ])}`,
  )
  await ends.run()
  await ends.destination.execute('INSERT INTO orders VALUES (2)')
  await ends.source.execute('DELETE FROM model WHERE id > 1')
  const { report, issues } = await ends.run()
  assert.equal(report.status, 'completed_with_errors')
  assert.deepEqual(report.counts, counts({ read: 1, unchanged: 1, missing: 2, deleted: 1, delete_rejected: 1 }))
  assert.deepEqual([issues[0]?.operation, issues[0]?.key], ['delete', '2'])
  assert.match(issues[0]?.message ?? '', /foreign key/i)
  await ends.destination.execute('DELETE FROM orders')
  assert.deepEqual((await ends.run()).report.counts, counts({ read: 1, unchanged: 1, missing: 1, deleted: 1 }))
  assert.deepEqual(await users(ends), [['1', 'a']])
})

eachDestination('a value that does not fit its mapping makes the row invalid and spares the record', async (ends) => {
  await makeTables(ends)
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, '11'],
      [2, 'two'],
      [3, '3.5'],
    ])}`,
  )
  await ends.destination.execute(`INSERT INTO users ${values([[2, 'old']])}`)
  const { report, issues } = await ends.run({ fields: { id: 'id', name: { from: 'name', type: 'number' } } })
  assert.equal(report.status, 'completed_with_errors')
  assert.deepEqual(report.counts, counts({ read: 3, inserted: 2, invalid: 1 }))
  assert.deepEqual([issues[0]?.code, issues[0]?.key], ['unmappable_value', '2'])
  assert.match(issues[0]?.message ?? '', /the value for name is not a number/)
  assert.deepEqual(await users(ends), [
    ['1', '11'],
    ['2', 'old'],
    ['3', '3.5'],
  ])
})

eachDestination('more refusals than max_rejected stop the run, which deletes nothing', async (ends) => {
  await makeTables(ends)
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'too long'],
      [2, 'too long'],
      [3, 'too long'],
      [4, 'd'],
    ])}`,
  )
  await ends.destination.execute(`INSERT INTO users ${values([[9, 'old']])}`)
  const { report } = await ends.run({ guards: { max_rejected: 2 } })
  assert.equal(report.status, 'failed')
  assert.deepEqual([report.error?.code, report.error?.kind], ['max_rejected', 'failed'])
  assert.deepEqual(
    report.guards.map(({ guard, limit }) => [guard, limit]),
    [['max_rejected', '2']],
  )
  assert.deepEqual(await users(ends), [
    ['4', 'd'],
    ['9', 'old'],
  ])
  assert.equal((await ends.run({ guards: { max_rejected: 3 } })).report.status, 'completed_with_errors')
  assert.deepEqual(await users(ends), [['4', 'd']])
})

test('a report is the same after JSON', async () => {
  await using ends = await tests.server.ends('sqlite')
  await makeTables(ends)
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'a'],
      [1, 'b'],
    ])}`,
  )
  const { report } = await ends.run()
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report)
  assert.equal(report.sync, 'users')
  assert.equal(report.format_version, '1')
  assert.equal(new Date(report.started_at).toISOString(), report.started_at)
})

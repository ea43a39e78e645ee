import assert from 'node:assert/strict'
import type { Counts } from '../../src/index.ts'
import { counts, type Ends, type SyncInput, serverForTests, values } from '../support/ends.ts'

const { eachDestination } = serverForTests()

const users = (ends: Ends) => ends.destination.rows('SELECT id, name FROM users ORDER BY id')

async function makeTables({ source, destination }: Ends): Promise<void> {
  await source.execute('CREATE TABLE model (id bigint, name text)')
  await destination.execute('CREATE TABLE users (id bigint PRIMARY KEY, name text)')
}

interface EditCase {
  readonly sync: Partial<SyncInput>
  readonly counts: Partial<Counts>
  readonly users: (string | null)[][]
}

const ALL_MIRRORED = [
  ['1', 'a'],
  ['2', 'b'],
  ['5', 'e'],
]

// Both ends hold 1 and 2 when a first run has ended. Then somebody deletes record 1 and adds 5 and 9; the model gets a 5
// of its own.
const CASES: Readonly<Record<string, EditCase>> = {
  'mirror creates what is gone and deletes what it does not know': {
    sync: { mode: 'mirror' },
    counts: { read: 3, inserted: 1, unchanged: 1, updated: 1, missing: 1, deleted: 1 },
    users: ALL_MIRRORED,
  },
  'mirror of what it has seen notices nothing unless it lists again': {
    sync: { mode: 'mirror', deletes: { scope: 'seen' } },
    counts: { read: 3, inserted: 1, unchanged: 2 },
    users: [
      ['2', 'b'],
      ['5', 'e'],
      ['9', 'theirs'],
    ],
  },
  'mirror of what it has seen, which lists again, spares what it never met': {
    sync: { mode: 'mirror', deletes: { scope: 'seen' }, index: { refresh: 'always' } },
    counts: { read: 3, inserted: 1, unchanged: 1, updated: 1, missing: 1, kept: 1 },
    users: [...ALL_MIRRORED, ['9', 'theirs']],
  },
  'upsert notices nothing unless it lists again': {
    sync: { mode: 'upsert' },
    counts: { read: 3, inserted: 1, unchanged: 2 },
    users: [
      ['2', 'b'],
      ['5', 'e'],
      ['9', 'theirs'],
    ],
  },
  'upsert that lists again creates what is gone': {
    sync: { mode: 'upsert', index: { refresh: 'always' } },
    counts: { read: 3, inserted: 1, unchanged: 1, updated: 1, missing: 1, kept: 1 },
    users: [...ALL_MIRRORED, ['9', 'theirs']],
  },
  'update-only does not create what is gone and updates what has come': {
    sync: { mode: 'update-only' },
    counts: { read: 3, skipped: 1, unchanged: 1, updated: 1, missing: 1, kept: 1 },
    users: [
      ['2', 'b'],
      ['5', 'e'],
      ['9', 'theirs'],
    ],
  },
  'insert-only creates what is gone and leaves what has come': {
    sync: { mode: 'insert-only' },
    counts: { read: 3, inserted: 1, skipped: 2, missing: 1, kept: 1 },
    users: [
      ['1', 'a'],
      ['2', 'old'],
      ['5', 'theirs'],
      ['9', 'theirs'],
    ],
  },
  'delete-only deletes what the model lacks, whoever made it': {
    sync: { mode: 'delete-only' },
    counts: { read: 3, skipped: 3, missing: 1, deleted: 1 },
    users: [
      ['2', 'old'],
      ['5', 'theirs'],
    ],
  },
  'delete-only of what it has seen spares what it never met': {
    sync: { mode: 'delete-only', deletes: { scope: 'seen' } },
    counts: { read: 3, skipped: 3, missing: 1, kept: 1 },
    users: [
      ['2', 'old'],
      ['5', 'theirs'],
      ['9', 'theirs'],
    ],
  },
}

for (const [name, { sync, counts: expected, users: records }] of Object.entries(CASES)) {
  eachDestination(name, async (ends) => {
    await makeTables(ends)
    await ends.source.execute(
      `INSERT INTO model ${values([
        [1, 'a'],
        [2, 'b'],
      ])}`,
    )
    await ends.destination.execute(
      `INSERT INTO users ${values([
        [1, 'old'],
        [2, 'old'],
      ])}`,
    )
    assert.equal((await ends.run(sync)).report.status, 'succeeded')

    await ends.destination.execute(`
        DELETE FROM users WHERE id = 1; INSERT INTO users ${values([
          [5, 'theirs'],
          [9, 'theirs'],
        ])}`)
    await ends.source.execute(`INSERT INTO model VALUES (5, 'e')`)
    const { report } = await ends.run(sync)
    assert.deepEqual(report.counts, counts(expected))
    assert.deepEqual(await users(ends), records)

    const again = await ends.run(sync)
    assert.equal(again.report.requests.sent, 0)
    assert.deepEqual(await users(ends), records)
  })
}

for (const mode of ['mirror', 'upsert'] as const) {
  eachDestination(`${mode} inserts in the same run the record of an update that finds none`, async (ends) => {
    await makeTables(ends)
    await ends.source.execute(
      `INSERT INTO model ${values([
        [1, 'a'],
        [2, 'b'],
      ])}`,
    )
    const sync = { mode, index: { refresh: 'never' } } as const
    await ends.run(sync)
    await ends.destination.execute('DELETE FROM users WHERE id = 1')
    await ends.source.execute(`UPDATE model SET name = name || '!'`)
    const { report } = await ends.run(sync)
    assert.deepEqual(report.counts, counts({ read: 2, inserted: 1, updated: 1 }))
    assert.deepEqual(await users(ends), [
      ['1', 'a!'],
      ['2', 'b!'],
    ])
    assert.equal((await ends.run(sync)).report.requests.sent, 0)
  })
}

eachDestination('update-only skips an update that finds no record, and asks no more', async (ends) => {
  await makeTables(ends)
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'a'],
      [2, 'b'],
    ])}`,
  )
  await ends.destination.execute(
    `INSERT INTO users ${values([
      [1, 'old'],
      [2, 'old'],
    ])}`,
  )
  const sync = { mode: 'update-only', index: { refresh: 'never' } } as const
  await ends.run(sync)
  await ends.destination.execute('DELETE FROM users WHERE id = 1')
  await ends.source.execute(`UPDATE model SET name = name || '!'`)
  assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 2, skipped: 1, updated: 1 }))
  assert.deepEqual(await users(ends), [['2', 'b!']])
  const again = await ends.run(sync)
  assert.deepEqual(again.report.counts, counts({ read: 2, skipped: 1, unchanged: 1 }))
  assert.equal(again.report.requests.sent, 0)
})

eachDestination('a record that somebody deleted before the run deletes it is done', async (ends) => {
  await makeTables(ends)
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'a'],
      [2, 'b'],
    ])}`,
  )
  const sync = { index: { refresh: 'never' } } as const
  await ends.run(sync)
  await ends.source.execute('DELETE FROM model WHERE id = 1')
  await ends.destination.execute('DELETE FROM users WHERE id = 1')
  assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 1, unchanged: 1, missing: 1, deleted: 1 }))
  assert.equal((await ends.run(sync)).report.requests.sent, 0)
})

/** What a first run into 1 old and 9 foreign does when it starts from no list; the model holds 1 a and 2 b. */
const EMPTY_STARTS: Readonly<Record<'mirror' | 'upsert' | 'update-only' | 'insert-only', EditCase>> = {
  mirror: {
    sync: {},
    counts: { read: 2, inserted: 2 },
    users: [
      ['1', 'a'],
      ['2', 'b'],
      ['9', 'foreign'],
    ],
  },
  upsert: {
    sync: {},
    counts: { read: 2, inserted: 2 },
    users: [
      ['1', 'a'],
      ['2', 'b'],
      ['9', 'foreign'],
    ],
  },
  'update-only': {
    sync: {},
    counts: { read: 2, updated: 1, skipped: 1 },
    users: [
      ['1', 'a'],
      ['9', 'foreign'],
    ],
  },
  'insert-only': {
    sync: {},
    counts: { read: 2, inserted: 1, skipped: 1 },
    users: [
      ['1', 'old'],
      ['2', 'b'],
      ['9', 'foreign'],
    ],
  },
}

for (const [mode, { counts: expected, users: records }] of Object.entries(EMPTY_STARTS)) {
  eachDestination(`${mode} that never lists goes by the answers of the destination`, async (ends) => {
    await makeTables(ends)
    await ends.source.execute(
      `INSERT INTO model ${values([
        [1, 'a'],
        [2, 'b'],
      ])}`,
    )
    await ends.destination.execute(
      `INSERT INTO users ${values([
        [1, 'old'],
        [9, 'foreign'],
      ])}`,
    )
    const sync = {
      mode: mode as keyof typeof EMPTY_STARTS,
      index: { bootstrap: 'empty', refresh: 'never' },
    } as const
    assert.deepEqual((await ends.run(sync)).report.counts, counts(expected))
    assert.deepEqual(await users(ends), records)
    await ends.run(sync)
    assert.deepEqual(await users(ends), records)
  })
}

eachDestination(
  'a first run from an empty index lists in the second run, where the sync lists at all',
  async (ends) => {
    await makeTables(ends)
    await ends.source.execute(
      `INSERT INTO model ${values([
        [1, 'a'],
        [2, 'b'],
      ])}`,
    )
    await ends.destination.execute(
      `INSERT INTO users ${values([
        [1, 'old'],
        [9, 'foreign'],
      ])}`,
    )
    const sync = { index: { bootstrap: 'empty' } } as const
    assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 2, inserted: 2 }))
    assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 2, unchanged: 2, missing: 1, deleted: 1 }))
  },
)

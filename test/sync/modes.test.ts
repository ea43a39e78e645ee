import assert from 'node:assert/strict'
import type { Counts, SyncMode } from '../../src/index.ts'
import { counts, type Ends, serverForTests, values } from '../support/ends.ts'

const { eachDestination } = serverForTests()

/** The records, with a column that no sync of these tests maps. */
const users = (ends: Ends) => ends.destination.rows('SELECT id, name, note FROM users ORDER BY id')

async function makeTables({ source, destination }: Ends): Promise<void> {
  await source.execute('CREATE TABLE model (id bigint, name text)')
  await destination.execute('CREATE TABLE users (id bigint PRIMARY KEY, name text, note text)')
}

interface ModeCase {
  readonly mode: SyncMode
  readonly first: { readonly counts: Partial<Counts>; readonly users: (string | null)[][] }
  readonly again: Partial<Counts>
  readonly changed: { readonly counts: Partial<Counts>; readonly users: (string | null)[][] }
}

// The model holds 1 a, 2 b, 3 c; the table 2 old, 3 c, 9 foreign. Then 2 becomes B, 3 leaves the model and 4 d joins it.
const MODES: readonly ModeCase[] = [
  {
    mode: 'mirror',
    first: {
      counts: { read: 3, inserted: 1, updated: 2, missing: 1, deleted: 1 },
      users: [
        ['1', 'a', null],
        ['2', 'b', 'ours 2'],
        ['3', 'c', 'ours 3'],
      ],
    },
    again: { read: 3, unchanged: 3 },
    changed: {
      counts: { read: 3, unchanged: 1, updated: 1, inserted: 1, missing: 1, deleted: 1 },
      users: [
        ['1', 'a', null],
        ['2', 'B', 'ours 2'],
        ['4', 'd', null],
      ],
    },
  },
  {
    mode: 'upsert',
    first: {
      counts: { read: 3, inserted: 1, updated: 2, missing: 1, kept: 1 },
      users: [
        ['1', 'a', null],
        ['2', 'b', 'ours 2'],
        ['3', 'c', 'ours 3'],
        ['9', 'foreign', 'ours 9'],
      ],
    },
    again: { read: 3, unchanged: 3, missing: 1, kept: 1 },
    changed: {
      counts: { read: 3, unchanged: 1, updated: 1, inserted: 1, missing: 2, kept: 2 },
      users: [
        ['1', 'a', null],
        ['2', 'B', 'ours 2'],
        ['3', 'c', 'ours 3'],
        ['4', 'd', null],
        ['9', 'foreign', 'ours 9'],
      ],
    },
  },
  {
    mode: 'update-only',
    first: {
      counts: { read: 3, updated: 2, skipped: 1, missing: 1, kept: 1 },
      users: [
        ['2', 'b', 'ours 2'],
        ['3', 'c', 'ours 3'],
        ['9', 'foreign', 'ours 9'],
      ],
    },
    again: { read: 3, unchanged: 2, skipped: 1, missing: 1, kept: 1 },
    changed: {
      counts: { read: 3, updated: 1, skipped: 2, missing: 2, kept: 2 },
      users: [
        ['2', 'B', 'ours 2'],
        ['3', 'c', 'ours 3'],
        ['9', 'foreign', 'ours 9'],
      ],
    },
  },
  {
    mode: 'delete-only',
    first: {
      counts: { read: 3, skipped: 3, missing: 1, deleted: 1 },
      users: [
        ['2', 'old', 'ours 2'],
        ['3', 'c', 'ours 3'],
      ],
    },
    again: { read: 3, skipped: 3 },
    changed: {
      counts: { read: 3, skipped: 3, missing: 1, deleted: 1 },
      users: [['2', 'old', 'ours 2']],
    },
  },
  {
    mode: 'insert-only',
    first: {
      counts: { read: 3, inserted: 1, skipped: 2, missing: 1, kept: 1 },
      users: [
        ['1', 'a', null],
        ['2', 'old', 'ours 2'],
        ['3', 'c', 'ours 3'],
        ['9', 'foreign', 'ours 9'],
      ],
    },
    again: { read: 3, unchanged: 1, skipped: 2, missing: 1, kept: 1 },
    changed: {
      counts: { read: 3, unchanged: 1, skipped: 1, inserted: 1, missing: 2, kept: 2 },
      users: [
        ['1', 'a', null],
        ['2', 'old', 'ours 2'],
        ['3', 'c', 'ours 3'],
        ['4', 'd', null],
        ['9', 'foreign', 'ours 9'],
      ],
    },
  },
]

for (const { mode, first, again, changed } of MODES) {
  eachDestination(`${mode} brings a table that has records to what the mode says`, async (ends) => {
    await makeTables(ends)
    await ends.source.execute(
      `INSERT INTO model ${values([
        [1, 'a'],
        [2, 'b'],
        [3, 'c'],
      ])}`,
    )
    await ends.destination.execute(
      `INSERT INTO users ${values([
        [2, 'old', 'ours 2'],
        [3, 'c', 'ours 3'],
        [9, 'foreign', 'ours 9'],
      ])}`,
    )

    const one = await ends.run({ mode })
    assert.deepEqual(one.report.counts, counts(first.counts))
    assert.equal(one.report.status, 'succeeded')
    assert.deepEqual(await users(ends), first.users)

    const two = await ends.run({ mode })
    assert.deepEqual(two.report.counts, counts(again))
    assert.equal(two.report.requests.sent, 0)
    assert.deepEqual(await users(ends), first.users)

    await ends.source.execute(`
      UPDATE model SET name = 'B' WHERE id = 2; DELETE FROM model WHERE id = 3; INSERT INTO model VALUES (4, 'd')`)
    const three = await ends.run({ mode })
    assert.deepEqual(three.report.counts, counts(changed.counts))
    assert.deepEqual(await users(ends), changed.users)

    const four = await ends.run({ mode })
    assert.equal(four.report.requests.sent, 0)
    assert.deepEqual(await users(ends), changed.users)
  })
}

eachDestination('a sync that changes its mode goes on from what it knows', async (ends) => {
  await makeTables(ends)
  await ends.source.execute(
    `INSERT INTO model ${values([
      [1, 'a'],
      [2, 'b'],
    ])}`,
  )
  await ends.destination.execute(
    `INSERT INTO users ${values([
      [2, 'old', null],
      [9, 'foreign', null],
    ])}`,
  )
  const steps: readonly (readonly [SyncMode, Partial<Counts>])[] = [
    ['insert-only', { read: 2, inserted: 1, skipped: 1, missing: 1, kept: 1 }],
    ['update-only', { read: 2, unchanged: 1, updated: 1, missing: 1, kept: 1 }],
    ['upsert', { read: 2, unchanged: 2, missing: 1, kept: 1 }],
    ['delete-only', { read: 2, unchanged: 2, missing: 1, deleted: 1 }],
    ['mirror', { read: 2, unchanged: 2 }],
  ]
  for (const [mode, expected] of steps)
    assert.deepEqual((await ends.run({ mode })).report.counts, counts(expected), mode)
  assert.deepEqual(await users(ends), [
    ['1', 'a', null],
    ['2', 'b', null],
  ])
})

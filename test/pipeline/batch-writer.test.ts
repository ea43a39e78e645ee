import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ACKNOWLEDGED,
  ADOPTED,
  type EntryState,
  GONE,
  RETIRED,
  SEEN,
  UNSURE,
  UNSURE_NEW,
} from '../../src/core/key-entry.ts'
import { entriesOf } from '../support/keys.ts'
import { type MapDestinationOptions, mapDestination } from '../support/map-destination.ts'
import { idAndV, plain, runModel, settled, some } from '../support/model-run.ts'
import type { Row } from '../support/row-batches.ts'
import { seeds, withSeed } from '../support/seeded-random.ts'
import { testIndex, watchedIndex } from '../support/test-index.ts'

const OLD_PRINT = 1

function rowsOf(count: number, v = 'a'): Row[] {
  return Array.from({ length: count }, (_, index) => [String(index + 1), v])
}

test('writes full batches and a rest, in key order, each key once', async () => {
  using state = await testIndex()
  const destination = mapDestination({ limits: { rows: 30 } })
  const { tally, error } = await runModel({ destination, index: state.index, rows: rowsOf(100) })
  assert.equal(error, undefined)
  assert.deepEqual(
    destination.writes.map(({ operation, keys }) => [operation, keys.length]),
    [
      ['upsert', 30],
      ['upsert', 30],
      ['upsert', 30],
      ['upsert', 10],
    ],
  )
  const sent = destination.writes.flatMap(({ keys }) => keys)
  assert.deepEqual(
    sent,
    rowsOf(100).map(([id]) => id),
  )
  assert.deepEqual(some(tally.counts), { read: 100, inserted: 100 })
  assert.equal(tally.requests.sent, 4)
})

test('no batch has more bytes than the destination takes, unless it is a single change', async () => {
  for (const seed of seeds(40)) {
    await withSeed(seed, 'test/pipeline/batch-writer', async (random) => {
      using state = await testIndex({ key: -1 }, { key: -20 }, { key: -300 }, { key: -4000 })
      const rows = rowsOf(60).map(([id]) => [id as string, 'x'.repeat(random.below(120))])
      const limits = { rows: 1 + random.below(50), bytes: 1 + random.below(500) }
      const destination = mapDestination({ limits })
      // What is sent is larger than what was read.
      const grown = { kind: 'template', parts: ['', 'v', '-', 'v', ' and so on'] } as const
      const fields = [plain('id'), random.chance(0.5) ? plain('v') : { ...plain('v'), from: grown }]
      const { error } = await runModel({ destination, index: state.index, rows, fields })
      assert.equal(error, undefined)
      assert.equal(destination.records.size, 60)
    })
  }
})

test('as many batches are under way at once as the destination takes, and never more', async () => {
  for (const inFlight of [1, 2, 4]) {
    using state = await testIndex()
    const destination = mapDestination({
      limits: { rows: 5, inFlight },
      script: async ({ number, apply }) => {
        for (let turn = number % 3; turn >= 0; turn--) await new Promise(setImmediate)
        return apply()
      },
    })
    const { error } = await runModel({ destination, index: state.index, rows: rowsOf(200) })
    assert.equal(error, undefined)
    assert.equal(destination.mostInFlight, inFlight)
    assert.equal(destination.records.size, 200)
    assert.equal(entriesOf(state.index.scan()).length, 200)
  }
})

test('inserts and updates travel in batches of their own, deletes after all answers', async () => {
  using state = await testIndex({ key: 1 }, { key: 2 }, { key: 3 }, { key: 5 })
  let answered = 0
  const destination = mapDestination({
    limits: { rows: 2, inFlight: 3 },
    script: async ({ batch, apply }) => {
      if (batch.operation === 'delete') assert.equal(answered, 6, 'a delete was sent before the last answer')
      await settled()
      answered += batch.count
      return apply()
    },
  })
  for (const id of ['1', '2', '3', '5']) destination.records.set(id, { id, v: 'old' })
  const rows: Row[] = ['1', '2', '4', '6', '7', '8'].map((id) => [id, 'new'])
  const { tally } = await runModel({ destination, index: state.index, rows })
  assert.deepEqual(some(tally.counts), { read: 6, inserted: 4, updated: 2, missing: 2, deleted: 2 })
  const operations = destination.writes.map(({ operation, keys }) => `${operation} ${keys.join()}`)
  assert.deepEqual(operations.slice(0, 3).sort(), ['update 1,2', 'upsert 4,6', 'upsert 7,8'])
  assert.deepEqual(operations.slice(3), ['delete 3,5'])
  assert.deepEqual([...destination.records.keys()].sort(), ['1', '2', '4', '6', '7', '8'])
})

for (const mode of ['mirror', 'upsert', 'update-only', 'delete-only', 'insert-only'] as const) {
  test(`${mode}: before a batch is sent, every key in it is durably in doubt`, async () => {
    const entries = Array.from({ length: 60 }, (_, key) => {
      const state = [ACKNOWLEDGED, UNSURE, UNSURE_NEW, ADOPTED, SEEN, RETIRED][key % 6] as EntryState
      return { key, state, print: state === ACKNOWLEDGED ? OLD_PRINT : 0 }
    })
    using state = await testIndex(...entries)
    const index = watchedIndex(state.index)
    let checked = 0
    const destination = mapDestination({
      limits: { rows: 4, inFlight: 3 },
      script: async ({ keys, apply, batch }) => {
        for (const key of keys) {
          const doubt = index.committed.get(key)
          assert.ok(doubt !== undefined, `${batch.operation} of ${key} is sent without a durable intent`)
          assert.ok(doubt !== ACKNOWLEDGED && doubt !== GONE, `${key} is ${doubt} while it is under way`)
          checked++
        }
        await settled()
        return apply()
      },
    })
    for (const { key } of entries) destination.records.set(String(key), { id: String(key), v: 'old' })
    const rows = entries.filter(({ key }) => key % 5 > 1).map(({ key }) => [String(key), 'new'])
    const { error, tally } = await runModel({ destination, index, mode, rows: [...rows, ['99', 'a']] })
    assert.equal(error, undefined)
    assert.equal(checked, destination.writes.flatMap(({ keys }) => keys).length)
    assert.ok(checked > 5)
    assert.ok(index.commits <= tally.requests.sent + 3, `${index.commits} commits for ${tally.requests.sent} batches`)
  })
}

test('a record that is gone when it is updated is created in the same run', async () => {
  for (const mode of ['mirror', 'upsert'] as const) {
    using state = await testIndex({ key: 1 }, { key: 2 }, { key: 3 })
    const destination = mapDestination()
    destination.records.set('2', { id: '2', v: 'old' })
    const { tally } = await runModel({ destination, index: state.index, mode, rows: rowsOf(3, 'new') })
    assert.deepEqual(some(tally.counts), { read: 3, inserted: 2, updated: 1 })
    assert.deepEqual(
      destination.writes.map(({ operation, keys }) => `${operation} ${keys.join()}`),
      ['update 1,2,3', 'upsert 1,3'],
    )
    const again = await runModel({ destination, index: state.index, mode, rows: rowsOf(3, 'new') })
    assert.deepEqual(some(again.tally.counts), { read: 3, unchanged: 3 })
  }
})

test('update-only does not create a record that is gone, and asks no more', async () => {
  using state = await testIndex({ key: 1 }, { key: 2 })
  const destination = mapDestination()
  const run = () => runModel({ destination, index: state.index, mode: 'update-only', rows: rowsOf(2, 'new') })
  assert.deepEqual(some((await run()).tally.counts), { read: 2, skipped: 2 })
  assert.deepEqual(some((await run()).tally.counts), { read: 2, skipped: 2 })
  assert.equal(destination.writes.length, 1)
  assert.equal(destination.records.size, 0)
})

test('a rejected change is reported with what was sent, and tried again with the newest data', async () => {
  using state = await testIndex()
  const refuses: MapDestinationOptions['refuses'] = ({ v }) => (v === 'bad' ? 'check_failed' : undefined)
  const destination = mapDestination({ refuses })
  const rows: Row[] = [
    ['1', 'good'],
    ['2', 'bad'],
  ]
  const first = await runModel({ destination, index: state.index, rows })
  assert.deepEqual(some(first.tally.counts), { read: 2, inserted: 1, rejected: 1 })
  assert.deepEqual(first.issues, [
    {
      kind: 'rejected',
      operation: 'upsert',
      key: '2',
      code: 'check_failed',
      message: '2 is refused',
      payload: '{"id":"2","v":"bad"}',
      response: null,
    },
  ])
  const again = await runModel({ destination, index: state.index, rows })
  assert.deepEqual(some(again.tally.counts), { read: 2, unchanged: 1, rejected: 1 })
  const mended = await runModel({ destination, index: state.index, rows: rowsOf(2, 'good') })
  assert.deepEqual(some(mended.tally.counts), { read: 2, inserted: 1, unchanged: 1 })
})

test('a value that does not fit its mapping makes the row invalid, and its record stays', async () => {
  using state = await testIndex({ key: 1 }, { key: 2 })
  const destination = mapDestination()
  for (const id of ['1', '2']) destination.records.set(id, { id, v: '0' })
  const fields = [plain('id'), { ...plain('v'), type: 'integer' as const }]
  const rows: Row[] = [
    ['1', 'many'],
    ['2', '12'],
  ]
  const { tally, issues } = await runModel({ destination, index: state.index, rows, fields })
  assert.deepEqual(some(tally.counts), { read: 2, updated: 1, invalid: 1 })
  assert.deepEqual(
    issues.map(({ key, code, payload }) => [key, code, payload]),
    [['1', 'unmappable_value', '1\tmany']],
  )
  assert.deepEqual(
    [...destination.records.values()].map(({ v }) => v),
    ['0', '12'],
  )
})

for (const as of [{ kind: 'clear' }, { kind: 'set', fields: [{ name: 'gone', value: { value: true } }] }] as const) {
  test(`deletes as ${as.kind} are updates, are done once, and end when the row is back`, async () => {
    using state = await testIndex()
    const destination = mapDestination()
    const run = (rows: readonly Row[]) => runModel({ destination, index: state.index, rows, deletesAs: as })
    await run(rowsOf(2))
    const deleted = await run(rowsOf(1))
    assert.deepEqual(some(deleted.tally.counts), { read: 1, unchanged: 1, missing: 1, deleted: 1 })
    assert.equal(destination.writes.at(-1)?.operation, 'update')
    const marked = as.kind === 'clear' ? { id: '2', v: null } : { id: '2', v: 'a', gone: 't' }
    assert.deepEqual({ ...destination.records.get('2') }, marked)

    assert.deepEqual(some((await run(rowsOf(1))).tally.counts), { read: 1, unchanged: 1 })
    assert.deepEqual(some((await run(rowsOf(2))).tally.counts), { read: 2, unchanged: 1, updated: 1 })
    const back = as.kind === 'clear' ? { id: '2', v: 'a' } : { id: '2', v: 'a', gone: null }
    assert.deepEqual({ ...destination.records.get('2') }, back)
  })
}

test('deletes that a guard holds are counted and not sent', async () => {
  using state = await testIndex({ key: 1 }, { key: 2 }, { key: 3 })
  const destination = mapDestination()
  const { tally, error } = await runModel({ destination, index: state.index, rows: [], allow: { empty: false } })
  assert.equal(error, undefined)
  assert.deepEqual(some(tally.counts), { missing: 3, held: 3 })
  assert.deepEqual(
    tally.guards.map(({ guard, held }) => [guard, held]),
    [['empty_model', 3]],
  )
  assert.equal(destination.writes.length, 0)
  assert.equal(entriesOf(state.index.scan()).length, 3)
})

test('a model without an end is a failure, after everything it held was written', async () => {
  using state = await testIndex({ key: 9 })
  const destination = mapDestination()
  const source = idAndV(rowsOf(3))
  source.end = null
  const { error } = await runModel({ destination, index: state.index, source })
  assert.equal((error as { code?: string }).code, 'source_incomplete')
  assert.ok(!destination.writes.some(({ operation }) => operation === 'delete'))
})

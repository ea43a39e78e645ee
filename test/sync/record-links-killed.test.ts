import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FatalError } from '../../src/core/errors.ts'
import { restore, type Snapshot, snapshotOf } from '../simulation/state-snapshot.ts'
import type { LinkedOptions, LinkedWrite } from '../support/linked-destination.ts'
import { type LinkedWorld, linkedWorld } from '../support/linked-world.ts'
import { some } from '../support/model-run.ts'
import type { Row } from '../support/row-batches.ts'

/** A world whose process is killed in one call of `write`, after so much of it was applied, and the state that is left. */
async function killedIn(
  rows: readonly Row[],
  kill: { readonly call: number; readonly applies: boolean },
  options: LinkedOptions = {},
): Promise<{ world: LinkedWorld; arm: () => void; dies: (run: () => Promise<unknown>) => Promise<void> }> {
  let calls = Number.NEGATIVE_INFINITY
  let left: Snapshot | undefined
  const world = linkedWorld(rows, {
    inFlight: 1,
    ...options,
    script: async ({ apply }: LinkedWrite) => {
      if (left !== undefined) throw new FatalError('killed', 'killed; run again')
      if (++calls !== kill.call) return apply()
      if (kill.applies) apply()
      left = snapshotOf(world.state)
      throw new FatalError('killed', 'killed; run again')
    },
  })
  return {
    world,
    arm: () => {
      calls = 0
    },
    async dies(run) {
      await run()
      assert.ok(left !== undefined, 'nothing was killed')
      restore(world.state, left)
      left = undefined
      calls = Number.NEGATIVE_INFINITY
      world.destination.writes.length = 0
    },
  }
}

const ANN: Row = ['1', 'ann@x', 'Ann']
const ANNA: Row = ['1', 'anna@x', 'Anna']

for (const applies of [true, false]) {
  const what = applies ? 'that landed' : 'that did not land'
  test(`an insert without an answer, ${what}, whose e-mail is another by now, leaves one record`, async () => {
    const { world, arm, dies } = await killedIn([ANN], { call: 1, applies })
    using _ = world
    arm()
    await dies(() => world.run())
    world.source.rows = [ANNA]
    const report = await world.run()
    assert.equal(report.status, 'succeeded', report.error?.message)
    assert.deepEqual(world.destination.writes, ['upsert ann@x', 'update 1'])
    assert.deepEqual(some(report.counts), applies ? { read: 1, updated: 1 } : { read: 1, inserted: 1 })
    assert.deepEqual(world.contacts(), ['anna@x 1 Anna'])
    assert.deepEqual(some((await world.run()).counts), { read: 1, unchanged: 1 })
  })

  test(`an insert without an answer, ${what}, whose row is gone by now, leaves none`, async () => {
    const { world, arm, dies } = await killedIn([ANN, ['2', 'bob@x', 'Bob']], { call: 2, applies }, { rows: 1 })
    using _ = world
    arm()
    await dies(() => world.run())
    world.source.rows = [ANN]
    assert.deepEqual(some((await world.run()).counts), { read: 1, unchanged: 1, missing: 1, deleted: 1 })
    assert.deepEqual(world.contacts(), ['ann@x 1 Ann'])
  })

  test(`an update without an answer, ${what}, keeps both e-mails for its key`, async () => {
    const { world, arm, dies } = await killedIn([ANN], { call: 1, applies })
    using _ = world
    await world.run()
    arm()
    world.source.rows = [ANNA]
    await dies(() => world.run())
    world.source.rows = [ANN, ['2', 'anna@x', 'Other']]
    const first = await world.run()
    assert.deepEqual(some(first.counts), { read: 2, updated: 1, invalid: 1 })
    assert.deepEqual(some((await world.run()).counts), { read: 2, unchanged: 1, inserted: 1 })
    assert.deepEqual(world.contacts(), ['ann@x 1 Ann', 'anna@x 2 Other'])
  })

  test(`a record that is made again, without an answer, ${what}, under an e-mail that has changed since, is one`, async () => {
    const { world, arm, dies } = await killedIn([ANN], { call: 2, applies })
    using _ = world
    await world.run()
    world.destination.records.clear()
    arm()
    world.source.rows = [['1', 'second@x', 'Ann']]
    await dies(() => world.run())
    world.source.rows = [ANNA]
    const report = await world.run()
    assert.equal(report.status, 'succeeded', report.error?.message)
    assert.deepEqual(world.contacts(), ['anna@x 1 Anna'])
  })

  test(`killed after a record is found by its former e-mail, while it gets the new one ${what}: it is still one`, async () => {
    const { world, arm, dies } = await killedIn([ANN], { call: 1, applies: true })
    using _ = world
    arm()
    await dies(() => world.run())
    world.source.rows = [ANNA]
    const again = await killedIn([ANNA], { call: 2, applies })
    using __ = again.world
    // The same records and the same state, and a kill one call later.
    for (const [id, record] of world.destination.records) again.world.destination.add({ ...record, id })
    restore(again.world.state, snapshotOf(world.state))
    again.arm()
    await again.dies(() => again.world.run())
    again.world.source.rows = [['1', 'third@x', 'Ann']]
    const report = await again.world.run()
    assert.equal(report.status, 'succeeded', report.error?.message)
    assert.deepEqual(again.world.contacts(), ['third@x 1 Ann'])
    again.world.source.rows = []
    await again.world.run()
    assert.equal(again.world.destination.records.size, 0)
  })
}

test('a key whose insert may have landed keeps its e-mail against rows before it', async () => {
  const { world, arm, dies } = await killedIn([['5', 'ann@x', 'Ann']], { call: 1, applies: true })
  using _ = world
  arm()
  await dies(() => world.run())
  world.source.rows = [
    ['1', 'ann@x', 'First'],
    ['5', 'ann@x', 'Ann'],
  ]
  assert.deepEqual(some((await world.run()).counts), { read: 2, updated: 1, invalid: 1 })
  assert.deepEqual(world.contacts(), ['ann@x 5 Ann'])
})

test('a dry run that follows a kill leaves the claims of that run as they were', async () => {
  const { world, arm, dies } = await killedIn([ANN], { call: 1, applies: true })
  using _ = world
  arm()
  await dies(() => world.run())
  world.source.rows = [ANNA]
  await world.run({ dryRun: true })
  await world.run()
  assert.deepEqual(world.contacts(), ['anna@x 1 Anna'])
})

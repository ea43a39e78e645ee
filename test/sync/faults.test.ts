import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FaultyWorld, randomModel, type WorldOptions } from '../support/faulty-world.ts'
import { memoryFolder } from '../support/memory-folder.ts'
import type { Row } from '../support/row-batches.ts'
import { type Random, seededRandom, seeds, withSeed } from '../support/seeded-random.ts'

const FILE = 'test/sync/faults'
const SEEDS = seeds(320)
const KEYS = Array.from({ length: 16 }, (_, key) => String(key))
/** Keys that no model holds. */
const OTHERS = ['100', '101', '-5']

function randomOptions(random: Random): WorldOptions {
  const lists = random.pick(['cheap', 'cheap', 'never'] as const)
  return {
    mode: random.pick(['mirror', 'mirror', 'mirror', 'upsert', 'update-only', 'insert-only', 'delete-only']),
    lists,
    scope: lists === 'never' ? 'seen' : random.pick(['all', 'seen']),
    refresh: lists === 'never' ? undefined : random.pick([undefined, 'always', 'never']),
  }
}

/** Makes the source of the next run break, or say something wrong about its end. */
function breakSource(world: FaultyWorld, random: Random): void {
  const { source } = world
  const rows = source.rows.length
  const way = random.below(5)
  if (way === 0) source.breaksAfter = random.below(rows + 1)
  if (way === 1) source.end = null
  if (way === 2) source.end = { proven: false }
  if (way === 3) source.end = { rows: rows + 1 }
  if (way === 4) source.rows = [...source.rows, [null, 'a'], ['1', 'a'], ['1', 'b']]
}

test(`whatever fails in ${SEEDS.length} histories, nothing is lost, orphaned or deleted without proof`, async (context) => {
  const totals = { runs: 0, faults: 0, crashes: 0, succeeded: 0 }
  for (const seed of SEEDS) {
    await withSeed(seed, FILE, async (random) => {
      using folder = memoryFolder()
      const world = new FaultyWorld(random, folder.path, randomOptions(random))
      world.plant([...OTHERS, ...random.some(KEYS, random.pick([0, 0.3]))])
      let models: Row[][] = [randomModel(random, KEYS)]
      for (let run = 2 + random.below(4); run > 0; run--) {
        // Models return: then a row is what it was before the run that failed.
        const model = random.chance(0.4) ? random.pick(models) : randomModel(random, KEYS)
        models = [...models, model]
        Object.assign(world.source, { rows: model, breaksAfter: undefined, end: {}, batchRows: 1 + random.below(8) })
        if (random.chance(0.2)) breakSource(world, random)
        world.faultRate = random.pick([0, 0.3, 0.3, 0.7])
        const { status } = await world.run({ full: random.chance(0.1) })
        if (status === 'succeeded') totals.succeeded++
      }

      Object.assign(world.source, { rows: random.pick(models), breaksAfter: undefined, end: {} })
      world.faultRate = 0
      const last = await world.run()
      assert.equal(last.status, 'succeeded', JSON.stringify(last))
      const writes = world.writes
      const again = await world.run()
      assert.equal(again.status, 'succeeded')
      if (world.options.mode !== 'update-only') assert.equal(world.writes, writes, 'a second run found something to do')
      totals.runs += world.runs
      totals.faults += world.faults
      totals.crashes += world.crashes
    })
  }
  const { runs, faults, crashes, succeeded } = totals
  context.diagnostic(
    `${runs} runs with ${faults} faults, ${crashes} of them crashes; ${succeeded} succeeded all the same`,
  )
})

const MIRROR: WorldOptions = { mode: 'mirror', scope: 'all', lists: 'never', refresh: undefined }

test('a source that breaks after any of its rows deletes nothing, and the next complete run does', async () => {
  using folder = memoryFolder()
  const world = new FaultyWorld(seededRandom(1), folder.path, { ...MIRROR, scope: 'seen' })
  const before: Row[] = Array.from({ length: 230 }, (_, key) => [String(key), 'a'])
  const after = before.slice(0, 200)
  world.source.rows = before
  assert.equal((await world.run()).status, 'succeeded')
  world.source.rows = after
  world.source.batchRows = 16
  for (let rows = 0; rows <= 200; rows++) {
    world.source.breaksAfter = rows
    const { status, counts } = await world.run()
    assert.equal(status, 'failed')
    assert.equal(counts.deleted, 0)
  }
  world.source.breaksAfter = undefined
  assert.equal((await world.run()).counts.deleted, 30)
})

test('an end that is not proven, or that came too early, holds the deletes and does everything else', async () => {
  for (const end of [{ proven: false, evidence: 'the pipe closed' }, { rows: 999 }, { rows: 1 }]) {
    using folder = memoryFolder()
    const world = new FaultyWorld(seededRandom(1), folder.path, { ...MIRROR, scope: 'seen' })
    world.source.rows = ['1', '2', '3'].map((id) => [id, 'a'])
    await world.run()
    world.source.rows = [
      ['1', 'new'],
      ['4', 'new'],
    ]
    world.source.end = end
    const { status, counts, guards } = await world.run()
    assert.equal(status, 'deletes_held')
    assert.deepEqual([counts.inserted, counts.updated, counts.deleted, counts.held], [1, 1, 0, 2])
    assert.deepEqual(
      guards.map(({ guard }) => guard),
      ['unproven_end'],
    )
    world.source.end = {}
    const complete = await world.run()
    assert.deepEqual([complete.counts.unchanged, complete.counts.deleted], [2, 2])
  }
})

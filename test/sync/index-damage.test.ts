import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import type { Report } from '../../src/index.ts'
import { type Random, seeds, withSeed } from '../support/seeded-random.ts'
import { rowsUpTo, type SmallWorld, smallWorld } from '../support/small-world.ts'

const FILE = 'test/sync/index-damage'
const ROWS = 1500
const PAGE_BYTES = 16 * 1024

/** Ways in which a file turns out other than it was written. */
const DAMAGE: Readonly<Record<string, (bytes: Buffer, random: Random) => Buffer>> = {
  'a flipped bit': (bytes, random) => {
    const at = random.below(bytes.length)
    bytes[at] = (bytes[at] as number) ^ (1 << random.below(8))
    return bytes
  },
  'a cut': (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  'a page of zeros': (bytes, random) => {
    const page = random.below(bytes.length / PAGE_BYTES) * PAGE_BYTES
    return bytes.fill(0, page, page + PAGE_BYTES)
  },
  'two pages swapped': (bytes, random) => {
    const pages = bytes.length / PAGE_BYTES
    const [one, other] = [random.below(pages) * PAGE_BYTES, random.below(pages) * PAGE_BYTES]
    const kept = Buffer.from(bytes.subarray(one, one + PAGE_BYTES))
    bytes.copy(bytes, one, other, other + PAGE_BYTES)
    kept.copy(bytes, other)
    return bytes
  },
}

/** Runs whose index is sound leave these counts. */
const RIGHT = { updated: 1, deleted: 5, unchanged: ROWS - 6 } as const

/** What a run over such an index may come to: found, with nothing deleted; or what it would have been anyway. */
function judge(report: Report, world: SmallWorld): 'found' | 'harmless' {
  const { counts, error } = report
  if (error === null) {
    const { updated, deleted, unchanged } = counts
    assert.deepEqual({ updated, deleted, unchanged }, RIGHT)
    return 'harmless'
  }
  assert.match(
    error.code,
    /^(index_damaged|index_foreign|index_newer|index_key_changed|state_io_error)$/,
    error.message,
  )
  assert.equal(counts.deleted, 0, error.message)
  assert.equal(world.destination.records.size, ROWS)
  if (error.code !== 'index_newer') assert.match(error.message, /rowferry index rebuild/)
  assert.ok([1, 78].includes(exitCodeOf(report)))
  return 'found'
}

const SEEDS = seeds(1000)
test(`whatever of ${SEEDS.length} damages the index has, it is found before a delete, or it changes nothing`, async (context) => {
  using world = smallWorld(rowsUpTo(ROWS), { lists: 'never' })
  const first = await world.run()
  assert.equal(first.counts.inserted, ROWS)
  const sound = readFileSync(world.index)
  const records = new Map(world.destination.records)
  world.source.rows = [['1', 'changed'], ...rowsUpTo(ROWS).slice(6)]

  const outcomes: Record<string, { found: number; harmless: number }> = {}
  for (const seed of SEEDS) {
    await withSeed(seed, FILE, async (random) => {
      // Bits flip more often than pages get lost.
      const way = random.chance(0.7) ? 'a flipped bit' : random.pick(Object.keys(DAMAGE))
      writeFileSync(world.index, (DAMAGE[way] as (typeof DAMAGE)[string])(Buffer.from(sound), random))
      world.destination.records.clear()
      for (const [key, record] of records) world.destination.records.set(key, record)
      const outcome = judge(await world.run({ allowDeletes: { percent: 100 } }), world)
      const counted = outcomes[way] ?? { found: 0, harmless: 0 }
      outcomes[way] = counted
      counted[outcome]++
    })
  }
  context.diagnostic(JSON.stringify(outcomes))
  const found = Object.values(outcomes).reduce((sum, one) => sum + one.found, 0)
  assert.ok(SEEDS.length < 100 || found > SEEDS.length / 4, `only ${found} were found`)
})

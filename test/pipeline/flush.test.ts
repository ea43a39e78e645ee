import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Destination } from '../../src/core/destination.ts'
import { BatchRefusedError, FatalError, RetryableError } from '../../src/core/errors.ts'
import { DONE, type Outcome } from '../../src/core/outcome.ts'
import { Tally } from '../../src/core/tally.ts'
import { BatchSender } from '../../src/pipeline/batch-sender.ts'
import { DEFAULT_RETRY } from '../../src/pipeline/retry.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { gatheringDestination } from '../support/gathering-destination.ts'
import { type MapDestinationOptions, mapDestination } from '../support/map-destination.ts'
import { runModel, settled, some } from '../support/model-run.ts'
import type { Row } from '../support/row-batches.ts'
import { type Random, seeds, withSeed } from '../support/seeded-random.ts'
import { testIndex } from '../support/test-index.ts'
import { virtualClock } from '../support/virtual-clock.ts'

/** A run that waits for a destination which waits for it never ends: no test here may take long. */
const SOON = { timeout: 20_000 }

const rowsUpTo = (last: number): Row[] => Array.from({ length: last }, (_, index) => [String(index + 1), 'a'])

for (const inFlight of [1, 2, 5]) {
  test(
    `a destination that gathers gets its batches ${inFlight} at a time, and deletes after the rest`,
    SOON,
    async () => {
      using state = await testIndex({ key: 100 }, { key: 101 })
      const destination = gatheringDestination({ limits: { rows: 4, inFlight } })
      for (const id of ['100', '101']) destination.records.set(id, { id, v: 'old' })
      const { tally, error } = await runModel({ destination, index: state.index, rows: rowsUpTo(60) })
      assert.equal(error, undefined)
      assert.deepEqual(some(tally.counts), { read: 60, inserted: 60, missing: 2, deleted: 2 })
      assert.equal(destination.records.size, 60)
      assert.equal(destination.jobs[0], inFlight, 'the first job holds as many batches as may be in flight')
      assert.equal(destination.writes.at(-1)?.operation, 'delete')
      // Jobs that are answered as a whole are followed by jobs that are as large.
      assert.equal(destination.jobs.length, Math.ceil(15 / inFlight) + 1)
    },
  )
}

/** What goes wrong with a batch, by chance: nothing of it is applied. */
function mishap(random: Random): Error | undefined {
  const chance = random.unit()
  if (chance < 0.15) return new RetryableError('busy')
  if (chance < 0.25) return new BatchRefusedError('bad', 'a bad row')
  if (chance < 0.27) return new FatalError('denied', 'no access any more; ask for it')
  if (chance < 0.28) return new TypeError('a bug')
  return undefined
}

test(
  'a run with a destination that gathers comes to an end, whatever goes wrong and whoever stops it',
  SOON,
  async () => {
    let succeeded = 0
    for (const seed of seeds(120)) {
      await withSeed(seed, 'test/pipeline/flush', async (random) => {
        using state = await testIndex({ key: 3 }, { key: 5 }, { key: 200 })
        const controller = new AbortController()
        const script: MapDestinationOptions['script'] = async ({ apply, batch }) => {
          if (random.chance(0.01)) controller.abort('SIGTERM')
          const error = mishap(random)
          if (error !== undefined) throw error
          const locked: Outcome = { status: 'deferred', code: 'locked', message: 'the row is locked' }
          if (batch.count > 1 && random.chance(0.2)) return [locked, ...apply(1)]
          return random.chance(0.1) ? new Array<Outcome>(batch.count).fill({ status: 'not_found' }) : apply()
        }
        // So many may be gathered that they wait on the disk.
        const inFlight = random.chance(0.5) ? 1 + random.below(5) : 50_000
        const limits = { rows: 1 + random.below(5), inFlight }
        const destination = gatheringDestination({ limits, script })
        const { error, tally } = await runModel({
          destination,
          index: state.index,
          rows: rowsUpTo(1 + random.below(40)),
          clock: virtualClock(),
          signal: controller.signal,
        })
        assert.equal(destination.inFlight, 0)
        if (error === undefined) succeeded++
        else assert.ok(tally.counts.inserted <= destination.records.size)
      })
    }
    assert.ok(succeeded > 0)
  },
)

test('a run that is stopped while batches are gathered sends them, and keeps the answers', SOON, async () => {
  using state = await testIndex()
  const controller = new AbortController()
  const script: MapDestinationOptions['script'] = async ({ apply }) => {
    controller.abort('SIGINT')
    return apply()
  }
  const destination = gatheringDestination({ limits: { rows: 2, inFlight: 3 }, script })
  const run = { destination, index: state.index, rows: rowsUpTo(40) }
  const { error, tally } = await runModel({ ...run, signal: controller.signal })
  assert.ok(error !== undefined)
  assert.equal(tally.counts.inserted, 6)
  assert.equal(destination.records.size, 6)
})

/** A sender to a destination of which only what is given is asked for. */
function senderTo(given: Partial<Destination>): BatchSender {
  const options = { policy: DEFAULT_RETRY, clock: virtualClock(), tally: new Tally() }
  const never = new AbortController().signal
  return new BatchSender(Object.assign(mapDestination(), given), { ...options, signal: never, abort: never })
}

test('nobody is told to hurry when the answer is there already', SOON, async () => {
  let flushed = 0
  const sender = senderTo({ flush: () => void flushed++ })
  await sender.nextOf([Promise.resolve()])
  assert.equal(flushed, 0)
  let answer = () => {}
  const waiting = sender.nextOf([new Promise<void>((resolve) => (answer = resolve))])
  await settled()
  assert.equal(flushed, 1)
  answer()
  await waiting
})

test('a flush that throws while a batch is written is what is told, whatever becomes of the batch', SOON, async () => {
  const bug = new TypeError('a bug')
  let flushed = 0
  let lose = (_: Error) => {}
  const sender = senderTo({
    write: () => new Promise((_, reject) => (lose = reject)),
    flush() {
      if (flushed++ > 0) throw bug
    },
  })
  let end = () => {}
  const waiting = sender.nextOf([new Promise<void>((resolve) => (end = resolve))])
  await settled()
  const batch = changeBatch('upsert', [field('id', 'integer')], [['1']])
  const answer = await sender.send({ count: 1, range: () => batch, pick: () => batch })
  assert.deepEqual([answer.error, answer.outcomes], [bug, [undefined]])
  // A rejection that nobody takes would end the process.
  lose(new RetryableError('closed'))
  end()
  await waiting
  await settled()
})

test(
  'a destination that is not asked to gather needs no flush, and one that throws there fails the run',
  SOON,
  async () => {
    using state = await testIndex()
    const destination = gatheringDestination({ limits: { rows: 1, inFlight: 2 } })
    const broken = Object.assign(Object.create(destination) as typeof destination, {
      async write() {
        await settled()
        return [DONE]
      },
      flush() {
        throw new TypeError('a bug')
      },
    })
    const { error } = await runModel({ destination: broken, index: state.index, rows: rowsUpTo(9) })
    assert.ok(error instanceof TypeError)
  },
)

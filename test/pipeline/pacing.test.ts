import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Tally } from '../../src/core/tally.ts'
import { Pacing, type Rate } from '../../src/pipeline/pacing.ts'
import { seeds, withSeed } from '../support/seeded-random.ts'
import { virtualClock } from '../support/virtual-clock.ts'

const never = new AbortController().signal

/** When each of the requests was let through; each is made `gaps[i]` after the one before was. */
async function times(rate: Rate, gaps: readonly number[]): Promise<{ passed: number[]; throttled: number }> {
  const clock = virtualClock()
  const tally = new Tally()
  const pacing = new Pacing(rate, clock, tally)
  const passed: number[] = []
  const requests: Promise<void>[] = []
  for (const gap of gaps) {
    if (gap > 0) await clock.sleep(gap)
    requests.push(pacing.take(never).then(() => void passed.push(clock.monotonic())))
  }
  await Promise.all(requests)
  return { passed, throttled: tally.requests.throttled_ms }
}

function mostInWindow(passed: readonly number[], perMs: number): number {
  return Math.max(...passed.map((start) => passed.filter((time) => time >= start && time < start + perMs).length))
}

test('no window of the rate holds more requests than it allows, however they come', async () => {
  for (const seed of seeds(60)) {
    await withSeed(seed, 'test/pipeline/pacing', async (random) => {
      const rate = { requests: 1 + random.below(6), perMs: 1 + random.below(2000) }
      const gaps = Array.from({ length: 40 }, () => (random.chance(0.6) ? 0 : random.below(rate.perMs)))
      const { passed } = await times(rate, gaps)
      assert.equal(passed.length, gaps.length)
      const most = mostInWindow(passed, rate.perMs)
      assert.ok(most <= rate.requests, `${most} requests in ${rate.perMs} ms, where ${rate.requests} are allowed`)
    })
  }
})

test('requests pass as early as the rate allows', async () => {
  const { passed, throttled } = await times({ requests: 3, perMs: 1000 }, new Array(7).fill(0))
  assert.deepEqual(passed, [0, 0, 0, 1000, 1000, 1000, 2000])
  assert.equal(throttled, 2000)
})

test('a slow sender is not held up', async () => {
  const { passed, throttled } = await times({ requests: 2, perMs: 1000 }, [0, 600, 600, 600])
  assert.deepEqual(passed, [0, 600, 1200, 1800])
  assert.equal(throttled, 0)
})

test('a stop ends the waiting of all who wait, and lets nobody through too early', async () => {
  const clock = virtualClock()
  const pacing = new Pacing({ requests: 1, perMs: 60_000 }, clock, new Tally())
  const controller = new AbortController()
  await pacing.take(controller.signal)
  const waiting = [pacing.take(controller.signal), pacing.take(controller.signal)]
  controller.abort('SIGINT')
  for (const { status } of await Promise.allSettled(waiting)) assert.equal(status, 'rejected')
  assert.equal(clock.monotonic(), 0)
})

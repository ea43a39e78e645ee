import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FatalError, RetryableError } from '../../src/core/errors.ts'
import { Tally } from '../../src/core/tally.ts'
import { DEFAULT_RETRY, type RetryPolicy, withRetry } from '../../src/pipeline/retry.ts'
import { type VirtualClock, virtualClock } from '../support/virtual-clock.ts'

interface Attempts {
  readonly clock: VirtualClock
  readonly tally: Tally
  readonly attempts: number
  readonly result: unknown
}

/** Sends that fail with each of `errors` in turn and then succeed. */
async function attempt(
  errors: readonly Error[],
  options: { policy?: RetryPolicy; random?: () => number; signal?: AbortSignal } = {},
): Promise<Attempts> {
  const clock = virtualClock()
  const tally = new Tally()
  let attempts = 0
  const send = async () => {
    const error = errors[attempts++]
    if (error !== undefined) throw error
    return 'answered'
  }
  const { policy = DEFAULT_RETRY, random = () => 1, signal = new AbortController().signal } = options
  const result = await withRetry(send, { policy, clock, tally, signal, random }).catch((error: unknown) => error)
  return { clock, tally, attempts, result }
}

const busy = (retryAfterMs?: number) =>
  new RetryableError('the server is busy', retryAfterMs === undefined ? {} : { retryAfterMs })

test('an answer at once needs no waiting', async () => {
  const { clock, attempts, result, tally } = await attempt([])
  assert.equal(result, 'answered')
  assert.equal(attempts, 1)
  assert.deepEqual(clock.slept, [])
  assert.deepEqual(tally.requests, { sent: 0, retried: 0, throttled_ms: 0 })
})

test('the waits double from half a second on, up to the longest', async () => {
  const policy = { attempts: 10, firstDelayMs: 500, maxDelayMs: 30_000 }
  const { clock, attempts, result, tally } = await attempt(new Array(9).fill(busy()), { policy })
  assert.equal(result, 'answered')
  assert.equal(attempts, 10)
  assert.deepEqual(clock.slept, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  assert.equal(tally.requests.retried, 9)
})

test('waits are shortened by chance to no less than half, so that many runs do not come back at once', async () => {
  const { clock } = await attempt(new Array(3).fill(busy()), { random: () => 0 })
  assert.deepEqual(clock.slept, [250, 500, 1000])
})

test('a destination is waited for as long as it asks, if that is longer', async () => {
  const { clock, tally } = await attempt([busy(12_345), busy(1), busy()])
  assert.deepEqual(clock.slept, [12_345, 1000, 2000])
  assert.equal(clock.monotonic(), 15_345)
  assert.equal(tally.requests.throttled_ms, 13_345, 'what the destination asked for counts as throttled')
})

test('a destination that asks for more than ten minutes stops the run, which says when to run again', async () => {
  const { clock, attempts, result } = await attempt([busy(600_000), busy(600_001)])
  assert.deepEqual([clock.slept, attempts], [[600_000], 2])
  assert.ok(result instanceof FatalError)
  assert.equal(result.code, 'destination_busy')
  assert.match(result.message, /alone for 11 minutes \(the server is busy\); run again after 2026-01-01T00:20:00.001Z$/)
  const daily = (await attempt([busy(86_400_000)])).result
  assert.match((daily as FatalError).message, /alone for 24 hours .* after 2026-01-02T00:00:00.000Z$/)
  const forever = (await attempt([busy(Number.POSITIVE_INFINITY)])).result
  assert.equal((forever as FatalError).code, 'destination_busy')
})

test('after six attempts the run fails and says what the destination said', async () => {
  const { attempts, result, tally, clock } = await attempt(new Array(6).fill(busy()))
  assert.equal(attempts, 6)
  assert.equal(clock.slept.length, 5)
  assert.equal(tally.requests.retried, 5)
  assert.ok(result instanceof FatalError)
  assert.equal(result.code, 'retries_exhausted')
  assert.match(result.message, /6 attempts \(the server is busy\); run again/)
  assert.ok(result.cause instanceof RetryableError)
})

test('every other error ends it at once', async () => {
  for (const error of [new FatalError('denied', 'no access; ask for it'), new TypeError('a bug')]) {
    const { attempts, result, clock } = await attempt([error])
    assert.equal(result, error)
    assert.equal(attempts, 1)
    assert.deepEqual(clock.slept, [])
  }
})

test('nobody waits for a run that was stopped', async () => {
  const { attempts, result, clock } = await attempt([busy()], { signal: AbortSignal.abort('SIGTERM') })
  assert.equal(attempts, 1)
  assert.deepEqual(clock.slept, [])
  assert.ok(result instanceof FatalError)
})

test('a stop ends the waiting', async () => {
  const controller = new AbortController()
  const clock = virtualClock()
  let attempts = 0
  const waiting = withRetry(
    async () => {
      attempts++
      queueMicrotask(() => queueMicrotask(() => controller.abort('SIGTERM')))
      throw busy(60_000)
    },
    { policy: DEFAULT_RETRY, clock, tally: new Tally(), signal: controller.signal },
  )
  await assert.rejects(waiting, (reason) => reason === 'SIGTERM')
  assert.equal(attempts, 1)
  assert.equal(clock.monotonic(), 0)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchRefusedError, FatalError, RetryableError } from '../../src/core/errors.ts'
import { DONE, type Outcome } from '../../src/core/outcome.ts'
import { Tally } from '../../src/core/tally.ts'
import { type Answer, BatchSender } from '../../src/pipeline/batch-sender.ts'
import { PacedGate } from '../../src/pipeline/request-gate.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { type MapDestination, mapDestination } from '../support/map-destination.ts'
import { seeds, withSeed } from '../support/seeded-random.ts'
import { type VirtualClock, virtualClock } from '../support/virtual-clock.ts'

const FIELDS = [field('id', 'integer'), field('v')]
const POLICY = { attempts: 4, firstDelayMs: 1_000, maxDelayMs: 10_000 }

interface Sent {
  readonly answer: Answer
  readonly tally: Tally
  readonly clock: VirtualClock
}

/** Sends `count` upserts with keys 0, 1, 2 and so on. */
async function send(destination: MapDestination, count: number, signal = new AbortController().signal): Promise<Sent> {
  const tally = new Tally()
  const clock = virtualClock()
  const gate = new PacedGate(clock, []).view({ tally })
  const abort = new AbortController().signal
  const sender = new BatchSender(destination, { policy: POLICY, clock, tally, signal, abort, gate })
  const row = (id: number) => [String(id), `v${id}`]
  const answer = await sender.send({
    count,
    range: (from, to) =>
      changeBatch(
        'upsert',
        FIELDS,
        Array.from({ length: to - from }, (_, at) => row(from + at)),
      ),
    pick: (indices) => changeBatch('upsert', FIELDS, indices.map(row)),
  })
  return { answer, tally, clock }
}

function locked(retryAfterMs?: number): Outcome {
  const asked = retryAfterMs === undefined ? {} : { retryAfterMs }
  return { status: 'deferred', code: 'row_locked', message: 'the row is locked', response: '{"locked":true}', ...asked }
}

/** Defers those keys as often as they say, and carries out the rest. */
function deferring(times: Map<string, number>, retryAfterMs?: number): MapDestination {
  return mapDestination({
    limits: { rows: 1_000 },
    script: async ({ keys, apply }) =>
      keys.map((key, at) => (later(times, key) ? locked(retryAfterMs) : (apply(at, at + 1)[0] as Outcome))),
  })
}

function later(times: Map<string, number>, key: string): boolean {
  const left = times.get(key) ?? 0
  times.set(key, left - 1)
  return left > 0
}

const statuses = ({ answer }: Sent) => answer.outcomes.map((outcome) => outcome?.status)

test('what is deferred is sent again without the others, after waits that grow, until it lands', async () => {
  const destination = deferring(
    new Map([
      ['1', 1],
      ['3', 3],
    ]),
  )
  const sent = await send(destination, 5)
  assert.deepEqual(statuses(sent), new Array(5).fill('done'))
  assert.deepEqual(
    destination.writes.map(({ keys }) => keys.join()),
    ['0,1,2,3,4', '1,3', '3', '3'],
  )
  assert.deepEqual(sent.answer.retried, [], 'nothing of it was ever in doubt')
  assert.deepEqual(sent.tally.requests, { sent: 4, retried: 3, throttled_ms: 0 })
  for (const [at, wait] of sent.clock.slept.entries()) {
    const most = POLICY.firstDelayMs * 2 ** at
    assert.ok(wait > most / 2 - 1 && wait <= most, `wait ${at} is ${wait} ms long`)
  }
})

test('a deferred change waits for as long as the destination asks', async () => {
  const sent = await send(deferring(new Map([['2', 1]]), 45_000), 3)
  assert.deepEqual(statuses(sent), ['done', 'done', 'done'])
  assert.deepEqual(sent.clock.slept, [45_000])
  assert.equal(sent.tally.requests.throttled_ms, 45_000)
})

test('what is deferred to the last attempt is rejected with what the destination said, and nothing else is', async () => {
  const destination = deferring(new Map([['1', 9]]))
  const sent = await send(destination, 3)
  assert.equal(sent.answer.error, undefined)
  assert.deepEqual(sent.answer.outcomes, [
    DONE,
    { status: 'rejected', code: 'row_locked', message: 'the row is locked', response: '{"locked":true}' },
    DONE,
  ])
  assert.equal(destination.writes.length, POLICY.attempts)
})

test('what would have to wait for more than ten minutes is rejected at once', async () => {
  const sent = await send(deferring(new Map([['1', 1]]), 600_001), 2)
  assert.deepEqual(statuses(sent), ['done', 'rejected'])
  assert.deepEqual(sent.clock.slept, [])
})

test('an attempt without an answer puts only those in doubt that were in it', async () => {
  const destination = mapDestination({
    script: async ({ number, apply }) => {
      if (number === 1) return [DONE, locked(), DONE]
      if (number === 2) throw new RetryableError('the connection was lost')
      return apply()
    },
  })
  const sent = await send(destination, 3)
  assert.deepEqual(statuses(sent), ['done', 'done', 'done'])
  assert.deepEqual(
    [0, 1, 2].map((index) => sent.answer.retried[index] === true),
    [false, true, false],
  )
  assert.equal(sent.tally.requests.retried, 2)
})

test('what is deferred when the run has to stop is not known to have landed; what was answered stays', async () => {
  const denied = new FatalError('denied', 'no access any more; ask for it')
  const again = mapDestination({
    script: async ({ number, apply }) => {
      if (number > 1) throw denied
      return [locked(), ...apply(1)]
    },
  })
  const sent = await send(again, 3)
  assert.deepEqual(statuses(sent), [undefined, 'done', 'done'])
  assert.equal(sent.answer.error, denied)
  const controller = new AbortController()
  const cancelled = mapDestination({
    script: async ({ apply }) => {
      controller.abort('SIGINT')
      return [locked(), ...apply(1)]
    },
  })
  const stopped = await send(cancelled, 3, controller.signal)
  assert.deepEqual(statuses(stopped), [undefined, 'done', 'done'])
  assert.equal(stopped.answer.error, 'SIGINT')
})

const UNKNOWN: Outcome = { status: 'unknown', code: 'not_mentioned', message: 'the reply does not say', response: '{}' }

test('what the answer says nothing of is sent again without the others, and may have landed before', async () => {
  const silent = mapDestination({
    script: async ({ number, apply }) => {
      const outcomes = apply()
      return number <= 2 ? [UNKNOWN, ...outcomes.slice(1)] : outcomes
    },
  })
  const sent = await send(silent, 3)
  assert.deepEqual(statuses(sent), ['done', 'done', 'done'])
  assert.deepEqual(
    silent.writes.map(({ keys }) => keys.join()),
    ['0,1,2', '0', '0'],
  )
  assert.deepEqual(sent.answer.retried, [true])
  const mute = mapDestination({ script: async ({ apply }) => [UNKNOWN, ...apply(1)] })
  const never = await send(mute, 2)
  assert.deepEqual(never.answer.outcomes, [{ ...UNKNOWN, status: 'rejected' }, DONE])
  assert.deepEqual(never.answer.retried, [true], 'it is rejected, and may be there all the same')
  assert.equal(mute.writes.length, POLICY.attempts)
})

test('an array that the destination keeps is not written to', async () => {
  const kept = Object.freeze([DONE, locked(), DONE])
  const sent = await send(mapDestination({ script: async ({ number, apply }) => (number === 1 ? kept : apply()) }), 3)
  assert.deepEqual(statuses(sent), ['done', 'done', 'done'])
})

test('refused batches, bad rows and deferred ones together: each change lands once or is rejected for its own reason', async () => {
  for (const seed of seeds(120)) {
    await withSeed(seed, 'test/pipeline/deferred-changes', async (random) => {
      const count = 1 + random.below(60)
      const ids = Array.from({ length: count }, (_, id) => String(id))
      const bad = new Set(random.some(ids, 0.1))
      const times = new Map(random.some(ids, 0.3).map((id) => [id, 1 + random.below(6)]))
      const deferrals = new Map(times)
      const applied = new Map<string, number>()
      const destination = mapDestination({
        limits: { rows: 1_000 },
        onChange: (_, key) => applied.set(key, (applied.get(key) ?? 0) + 1),
        script: async ({ keys, apply }) => {
          const first = keys.find((key) => bad.has(key))
          if (first !== undefined && random.chance(0.7)) throw new BatchRefusedError('23514', `${first} is bad`)
          return keys.map((key, at): Outcome => {
            if (later(times, key)) return locked()
            if (bad.has(key)) return { status: 'rejected', code: '23514', message: `${key} is bad` }
            return apply(at, at + 1)[0] as Outcome
          })
        },
      })
      const { answer } = await send(destination, count)
      assert.equal(answer.error, undefined)
      for (const [index, id] of ids.entries()) {
        const outcome = answer.outcomes[index]
        const deferred = (deferrals.get(id) ?? 0) >= POLICY.attempts
        if (outcome?.status === 'rejected') {
          assert.ok(outcome.code === (bad.has(id) ? '23514' : 'row_locked') || (bad.has(id) && deferred))
          assert.ok(bad.has(id) || deferred, `${id} is rejected`)
        } else {
          assert.equal(outcome?.status, 'done')
          assert.equal(applied.get(id), 1, `${id} was applied ${applied.get(id)} times`)
        }
      }
    })
  }
})

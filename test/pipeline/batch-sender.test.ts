import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchRefusedError, FatalError, RetryableError } from '../../src/core/errors.ts'
import { DONE, type Outcome } from '../../src/core/outcome.ts'
import { Tally } from '../../src/core/tally.ts'
import { type Answer, BatchSender } from '../../src/pipeline/batch-sender.ts'
import { PacedGate } from '../../src/pipeline/request-gate.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { type MapDestination, type MapWrite, mapDestination } from '../support/map-destination.ts'
import { seeds, withSeed } from '../support/seeded-random.ts'
import { virtualClock } from '../support/virtual-clock.ts'

const FIELDS = [field('id', 'integer'), field('v')]
const LIMITS = { rows: 10_000 }

interface Sent {
  readonly answer: Answer
  readonly tally: Tally
  /** Milliseconds that went by. */
  readonly elapsed: number
}

/** Sends `count` upserts with keys 0, 1, 2 and so on. */
async function send(
  destination: MapDestination,
  count: number,
  rate?: { requests: number; perMs: number },
): Promise<Sent> {
  const tally = new Tally()
  const clock = virtualClock()
  const { signal } = new AbortController()
  const policy = { attempts: 4, firstDelayMs: 100, maxDelayMs: 1000 }
  const gate = new PacedGate(clock, []).view({ rate, tally })
  const sender = new BatchSender(destination, { policy, clock, tally, signal, abort: signal, gate })
  const rows = Array.from({ length: count }, (_, id) => [String(id), `v${id}`])
  const answer = await sender.send({
    count,
    range: (from, to) => changeBatch('upsert', FIELDS, rows.slice(from, to)),
    pick: (indices) =>
      changeBatch(
        'upsert',
        FIELDS,
        indices.map((index) => rows[index] as string[]),
      ),
  })
  return { answer, tally, elapsed: clock.monotonic() }
}

/** Refuses a batch that holds one of the bad keys, as a database does whose constraint looks at the end. */
function refusing(bad: ReadonlySet<string>): MapDestination {
  return mapDestination({
    limits: LIMITS,
    script: async ({ keys, apply }) => {
      const first = keys.find((key) => bad.has(key))
      if (first !== undefined) throw new BatchRefusedError('23514', `${first} violates a constraint`)
      return apply()
    },
  })
}

test('an answer comes back in order, one for each change', async () => {
  const destination = mapDestination({ limits: LIMITS, refuses: ({ id }) => (id === '3' ? 'bad' : undefined) })
  const { answer, tally } = await send(destination, 5)
  assert.deepEqual(
    answer.outcomes.map((outcome) => outcome?.status),
    ['done', 'done', 'done', 'rejected', 'done'],
  )
  assert.equal(answer.error, undefined)
  assert.equal(tally.requests.sent, 1)
})

test('a refused batch is halved until exactly the bad rows are rejected, and all others land, in few requests', async () => {
  for (const seed of seeds(150)) {
    await withSeed(seed, 'test/pipeline/batch-sender', async (random) => {
      const count = 1 + random.below(random.pick([2, 10, 100, 1000]))
      const wanted = Math.min(count, random.pick([0, 1, 1, 2, 5, count]))
      const bad = new Set(random.shuffled(Array.from({ length: count }, (_, id) => String(id))).slice(0, wanted))
      const destination = refusing(bad)
      const { answer, tally } = await send(destination, count)
      assert.equal(answer.error, undefined)
      for (const [id, outcome] of answer.outcomes.entries()) {
        assert.equal(outcome?.status, bad.has(String(id)) ? 'rejected' : 'done')
        if (outcome?.status === 'rejected') {
          assert.equal(outcome.code, '23514')
          assert.match(outcome.message, new RegExp(`^${id} violates`))
        }
      }
      assert.equal(destination.records.size, count - bad.size)
      // Each bad row costs at most the two halves of every level down to it.
      const most = 1 + 2 * bad.size * Math.ceil(Math.log2(count) + 1)
      assert.ok(tally.requests.sent <= most, `${tally.requests.sent} requests for ${bad.size} of ${count}`)
      if (bad.size === count) assert.equal(tally.requests.sent, 2 * count - 1)
    })
  }
})

for (const [what, answers] of [
  ['too few', (outcomes: Outcome[]) => outcomes.slice(1)],
  ['too many', (outcomes: Outcome[]) => [...outcomes, DONE]],
  ['none', () => []],
  ['one that is undefined', (outcomes: Outcome[]) => [...outcomes.slice(1), undefined]],
  [
    'one that is left out',
    (outcomes: Outcome[]) => Object.assign(new Array<Outcome>(outcomes.length), outcomes.slice(1)),
  ],
] as [string, (outcomes: Outcome[]) => (Outcome | undefined)[]][]) {
  test(`of a batch with answers ${what}, nothing is known, and nothing is guessed`, async () => {
    const destination = mapDestination({ script: async ({ apply }) => answers(apply()) })
    const { answer, tally } = await send(destination, 5)
    assert.deepEqual(answer.outcomes, new Array(5).fill(undefined))
    assert.ok(answer.error instanceof FatalError)
    assert.equal(answer.error.code, 'answers_missing')
    assert.match(answer.error.message, /sent again by the next run/)
    assert.equal(tally.requests.sent, 1, 'it is not tried again: the destination does not keep its word')
  })
}

test('a batch that may be sent again is sent again as it is, after a wait', async () => {
  const seen: string[][] = []
  const destination = mapDestination({
    script: async ({ number, keys, apply }) => {
      seen.push([...keys])
      if (number <= 2) throw new RetryableError('busy', { retryAfterMs: 5000 })
      return apply()
    },
  })
  const { answer, tally, elapsed } = await send(destination, 3)
  assert.equal(answer.error, undefined)
  assert.deepEqual(seen, new Array(3).fill(['0', '1', '2']))
  assert.equal(elapsed, 10_000)
  assert.deepEqual(tally.requests, { sent: 3, retried: 2, throttled_ms: 10_000 })
})

test('a batch that never gets through is unknown', async () => {
  const destination = mapDestination({
    script: async () => {
      throw new RetryableError('busy')
    },
  })
  const { answer } = await send(destination, 3)
  assert.deepEqual(answer.outcomes, new Array(3).fill(undefined))
  assert.equal((answer.error as FatalError).code, 'retries_exhausted')
  assert.equal(destination.writes.length, 4)
})

test('each half of a refused batch has attempts of its own', async () => {
  const bad = new Set(['5'])
  const failures = new Map<string, number>()
  const destination = mapDestination({
    script: async ({ keys, apply }) => {
      const name = keys.join()
      failures.set(name, (failures.get(name) ?? 0) + 1)
      if ((failures.get(name) as number) < 4) throw new RetryableError('busy')
      if (keys.some((key) => bad.has(key))) throw new BatchRefusedError('bad', 'a bad row')
      return apply()
    },
  })
  const { answer } = await send(destination, 8)
  assert.equal(answer.error, undefined)
  assert.equal(answer.outcomes.filter((outcome) => outcome?.status === 'rejected').length, 1)
  assert.equal(destination.records.size, 7)
})

test('what was answered before an error is kept, the rest is unknown', async () => {
  const fail = async ({ keys, apply }: MapWrite) => {
    if (keys.length > 2) throw new BatchRefusedError('bad', 'a bad row')
    if (keys.includes('4')) throw new FatalError('denied', 'no access any more; ask for it')
    return apply()
  }
  const { answer } = await send(mapDestination({ script: fail }), 8)
  assert.deepEqual(
    answer.outcomes.map((outcome) => outcome?.status),
    ['done', 'done', 'done', 'done', undefined, undefined, undefined, undefined],
  )
  assert.equal((answer.error as FatalError).code, 'denied')
})

test('what a connector does wrong comes back as it is, and is not tried again', async () => {
  const destination = mapDestination({
    script: async () => {
      throw new TypeError('x is not a function')
    },
  })
  const { answer, tally } = await send(destination, 2)
  assert.ok(answer.error instanceof TypeError)
  assert.equal(tally.requests.sent, 1)
})

test('every request counts against the rate, also those that repeat and those of halves', async () => {
  const { elapsed, tally } = await send(refusing(new Set(['0', '7'])), 8, { requests: 1, perMs: 1000 })
  assert.ok(tally.requests.sent > 5)
  assert.equal(elapsed, (tally.requests.sent - 1) * 1001)
})

test('who waits for hundreds of answers by turns listens once to each, and is told of every one', async (t) => {
  const { signal } = new AbortController()
  const sender = new BatchSender(mapDestination(), {
    policy: { attempts: 1, firstDelayMs: 1, maxDelayMs: 1 },
    clock: virtualClock(),
    tally: new Tally(),
    signal,
    abort: signal,
  })
  const listened: (() => number)[] = []
  const resolvers: (() => void)[] = []
  const answers = new Set<Promise<void>>()
  for (let number = 0; number < 300; number++) {
    const answer = new Promise<void>((resolve) => resolvers.push(resolve)).finally(() => answers.delete(answer))
    const { mock } = t.mock.method(answer, 'then')
    listened.push(() => mock.callCount())
    answers.add(answer)
  }
  while (answers.size > 0) {
    const left = answers.size
    const waiting = [sender.nextOf(answers), sender.nextOf(answers)]
    resolvers.pop()?.()
    await Promise.all(waiting)
    assert.equal(answers.size, left - 1)
  }
  assert.ok(listened.every((count) => count() === 1))
})

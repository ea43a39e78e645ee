import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../src/core/clock.ts'
import { RetryableError } from '../../src/core/errors.ts'
import type { Pass, Rate, RequestGate } from '../../src/core/request-gate.ts'
import { Tally } from '../../src/core/tally.ts'
import { PacedGate } from '../../src/pipeline/request-gate.ts'
import { type Random, seeds, withSeed } from '../support/seeded-random.ts'
import { type VirtualClock, virtualClock } from '../support/virtual-clock.ts'

const never = new AbortController().signal

/** A request as the gate let it through, and as the server saw it. */
interface Seen {
  readonly user: number
  readonly start: number
  /** When the server counted it: at some time between its start and its answer. */
  readonly arrival: number
  readonly end: number
  /** What held when it was let through. */
  readonly limits: ReadonlyMap<number, number>
  readonly blockedUntil: number
}

interface History {
  readonly seen: readonly Seen[]
  readonly own: readonly (Rate | undefined)[]
  /** When the gate first heard of a window: what ended before is not known to it. */
  readonly since: ReadonlyMap<number, number>
}

const LENGTHS = [40, 250, 1_000, 4_000]

/** Three users of one gate, with latencies, new limits and blocks by chance. */
async function history(random: Random): Promise<History> {
  const clock = virtualClock()
  const rate = (perMs: number): Rate => ({ requests: 1 + random.below(6), perMs })
  const rates = random
    .shuffled(LENGTHS)
    .slice(0, 1 + random.below(3))
    .map(rate)
  const limits = new Map(rates.map(({ requests, perMs }) => [perMs, requests]))
  const since = new Map(rates.map(({ perMs }) => [perMs, -1]))
  let blockedUntil = 0
  const gate = new PacedGate(clock, rates)
  const own = [undefined, rate(700), random.chance(0.5) ? rate(90) : undefined]
  const seen: Seen[] = []
  const request = async (user: number, view: RequestGate) => {
    const pass = await view.enter(never)
    const start = clock.monotonic()
    const latency = random.chance(0.3) ? 0 : random.below(random.pick([5, 100, 2_000]))
    const arrival = start + random.below(latency + 1)
    seen.push({ user, start, arrival, end: start + latency, limits: new Map(limits), blockedUntil })
    // Also without latency: whoever was let through together with it has said so by then.
    await clock.sleep(latency)
    if (random.chance(0.1)) {
      const told = rate(random.pick(LENGTHS))
      limits.set(told.perMs, told.requests)
      since.set(told.perMs, since.get(told.perMs) ?? clock.monotonic())
      pass.leave({ rates: [told] })
    } else if (random.chance(0.05)) {
      const blockedMs = 1 + random.below(3_000)
      blockedUntil = Math.max(blockedUntil, clock.monotonic() + blockedMs)
      pass.leave({ blockedMs })
    } else pass.leave()
  }
  const work = own.flatMap((ownRate, user) => {
    const view = gate.view({ rate: ownRate })
    const sender = async () => {
      for (let count = 0; count < 12; count++) {
        if (random.chance(0.3)) await clock.sleep(random.below(1_500))
        await request(user, view)
      }
    }
    return Array.from({ length: 1 + random.below(4) }, sender)
  })
  await Promise.all(work)
  return { seen, own, since }
}

/** Fails where a server that counts these arrivals, both ends of a window included, counts more than was allowed. */
function assertWithin(seen: readonly Seen[], perMs: number, limitOf: (latest: Seen) => number | undefined): void {
  for (const last of seen) {
    const counted = seen.filter(({ arrival }) => arrival <= last.arrival && arrival >= last.arrival - perMs)
    // A limit that was made tighter is about what starts from then on.
    const latest = counted.reduce((a, b) => (b.start >= a.start ? b : a))
    const limit = limitOf(latest) ?? Number.POSITIVE_INFINITY
    assert.ok(counted.length <= limit, `${counted.length} requests in ${perMs} ms, where ${limit} are allowed`)
  }
}

test('no rolling window of the server ever holds more than is allowed, whatever the latency', async () => {
  let requests = 0
  for (const seed of seeds(150)) {
    await withSeed(seed, 'test/pipeline/request-gate', async (random) => {
      const { seen, own, since } = await history(random)
      for (const [perMs, time] of since) {
        const known = seen.filter(({ end }) => end > time)
        assertWithin(known, perMs, ({ limits }) => limits.get(perMs))
      }
      for (const [user, rate] of own.entries()) {
        if (rate === undefined) continue
        const mine = seen.filter((request) => request.user === user)
        assertWithin(mine, rate.perMs, () => rate.requests)
      }
      for (const { start, blockedUntil } of seen) assert.ok(start >= blockedUntil, 'it starts while all are blocked')
      requests += seen.length
    })
  }
  assert.ok(requests > 0)
})

/** Asks for so many passes at once, each left after `latency`; answers when each was let through. */
async function passed(clock: VirtualClock, view: RequestGate, count: number, latency = 0): Promise<number[]> {
  const times: number[] = []
  const one = async () => {
    const pass = await view.enter(never)
    times.push(clock.monotonic())
    if (latency > 0) await clock.sleep(latency)
    pass.leave()
  }
  await Promise.all(Array.from({ length: count }, one))
  return times
}

test('requests pass as early as that allows: a window after the end of those before', async () => {
  const rates = [{ requests: 3, perMs: 1_000 }]
  const quick = virtualClock()
  assert.deepEqual(await passed(quick, new PacedGate(quick, rates).view({}), 7), [0, 0, 0, 1_001, 1_001, 1_001, 2_002])
  const slow = virtualClock()
  assert.deepEqual(await passed(slow, new PacedGate(slow, rates).view({}), 4, 200), [0, 0, 0, 1_201])
})

test('a gate without a rate lets everything through, and counts it', async () => {
  const clock = virtualClock()
  const tally = new Tally()
  assert.deepEqual(await passed(clock, new PacedGate(clock, []).view({ tally }), 50, 10), new Array(50).fill(0))
  assert.deepEqual(tally.requests, { sent: 50, retried: 0, throttled_ms: 0 })
})

test('requests and waiting are counted for the user whose they are', async () => {
  const clock = virtualClock()
  const gate = new PacedGate(clock, [{ requests: 2, perMs: 1_000 }])
  const [first, second] = [new Tally(), new Tally()]
  await Promise.all([passed(clock, gate.view({ tally: first }), 2), passed(clock, gate.view({ tally: second }), 3)])
  assert.deepEqual(first.requests, { sent: 2, retried: 0, throttled_ms: 0 })
  assert.deepEqual(second.requests, { sent: 3, retried: 0, throttled_ms: 1_001 + 1_001 + 2_002 })
})

test('who came first passes first, and nobody waits for a window that is another one’s', async () => {
  const clock = virtualClock()
  const gate = new PacedGate(clock, [{ requests: 1, perMs: 100 }])
  const limited = gate.view({ rate: { requests: 1, perMs: 1_000 } })
  const free = gate.view({})
  const order: string[] = []
  const ask = async (name: string, view: RequestGate) => {
    const pass = await view.enter(never)
    order.push(`${name} ${clock.monotonic()}`)
    pass.leave()
  }
  await Promise.all([
    ask('limited', limited),
    ask('limited', limited),
    ask('free', free),
    ask('free', free),
    ask('limited', limited),
    ask('free', free),
  ])
  assert.deepEqual(order, ['limited 0', 'free 101', 'free 202', 'free 303', 'limited 1001', 'limited 2002'])
})

test('a request whose signal aborts waits no longer, the others pass in its place, and no timer is left', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  const gate = new PacedGate(systemClock, [{ requests: 1, perMs: 100 }])
  const view = gate.view({})
  ;(await view.enter(never)).leave()
  const controller = new AbortController()
  const [gone, next] = [view.enter(controller.signal), view.enter(never)]
  controller.abort('SIGINT')
  await assert.rejects(gone, (reason) => reason === 'SIGINT')
  await assert.rejects(view.enter(controller.signal), (reason) => reason === 'SIGINT')
  assert.equal(timers(), before + 1, 'the other one still waits')
  ;(await next).leave()
  assert.equal(timers(), before)
  const last = view.enter(AbortSignal.timeout(1))
  await assert.rejects(last)
  assert.equal(timers(), before)
})

test('a pass that is left twice counts once', async () => {
  const clock = virtualClock()
  const view = new PacedGate(clock, [{ requests: 2, perMs: 1_000 }]).view({})
  const pass = await view.enter(never)
  pass.leave()
  pass.leave()
  assert.deepEqual(await passed(clock, view, 2), [0, 1_001])
})

test('a block holds for all who share the gate', async () => {
  const clock = virtualClock()
  const gate = new PacedGate(clock, [])
  const pass = await gate.view({}).enter(never)
  pass.leave({ blockedMs: 5_000 })
  assert.deepEqual(await passed(clock, gate.view({}), 2), [5_000, 5_000])
})

test('who would have to wait for more than ten minutes is told so at once, and how long', async () => {
  const clock = virtualClock()
  const gate = new PacedGate(clock, [{ requests: 1, perMs: 86_400_000 }])
  const view = gate.view({})
  const pass = await view.enter(never)
  const waiting = view.enter(never)
  pass.leave()
  await assert.rejects(waiting, (error) => error instanceof RetryableError && error.retryAfterMs === 86_400_001)
  const other = new PacedGate(clock, []).view({})
  const [blocker, early] = [await other.enter(never), other.enter(never)]
  ;(await early).leave()
  blocker.leave({ blockedMs: 3_600_000 })
  await assert.rejects(
    other.enter(never),
    (error) => error instanceof RetryableError && error.retryAfterMs === 3_600_000,
  )
  assert.equal(clock.monotonic(), 0)
})

test('a window of one’s own is waited for, however long it is', async () => {
  const clock = virtualClock()
  const view = new PacedGate(clock, []).view({ rate: { requests: 1, perMs: 3 * 86_400_000 } })
  assert.deepEqual(await passed(clock, view, 2), [0, 3 * 86_400_000 + 1])
})

test('who is told to come to an end may pass within a window, and waits for no block', async () => {
  const clock = virtualClock()
  const controller = new AbortController()
  const gate = new PacedGate(clock, [{ requests: 1, perMs: 10_000 }])
  const view = gate.view({ signal: controller.signal })
  ;(await view.enter(never)).leave()
  const soon = view.enter(never)
  controller.abort('SIGTERM')
  const pass = await soon
  assert.equal(clock.monotonic(), 10_001)
  const blocked = view.enter(never)
  const other = gate.view({}).enter(never)
  pass.leave({ blockedMs: 20_000 })
  await assert.rejects(blocked, (reason) => reason === 'SIGTERM')
  ;(await other).leave()
  assert.equal(clock.monotonic(), 30_001)
})

test('what an answer says of a window holds from then on, whatever others declare; nonsense does not', async () => {
  const clock = virtualClock()
  const gate = new PacedGate(clock, [{ requests: 1, perMs: 1_000 }])
  const view = gate.view({})
  const pass = await view.enter(never)
  pass.leave({
    rates: [
      { requests: 4, perMs: 1_000 },
      { requests: 0, perMs: 1_000 },
      { requests: Number.NaN, perMs: 5 },
      { requests: 1, perMs: Number.POSITIVE_INFINITY },
    ],
  })
  gate.restrict([{ requests: 2, perMs: 1_000 }])
  assert.deepEqual(await passed(clock, view, 4), [0, 0, 0, 1_001])
})

test('of two declared windows of one length the tighter one holds', async () => {
  const clock = virtualClock()
  const gate = new PacedGate(clock, [{ requests: 3, perMs: 1_000 }])
  gate.restrict([
    { requests: 2, perMs: 1_000 },
    { requests: 3, perMs: 5_000 },
  ])
  gate.restrict([{ requests: 9, perMs: 1_000 }])
  assert.deepEqual(await passed(clock, gate.view({}), 4), [0, 0, 1_001, 5_001])
})

test('a window that is first told of later counts what is under way', async () => {
  const clock = virtualClock()
  const gate = new PacedGate(clock, [])
  const view = gate.view({})
  const open: Pass[] = await Promise.all([view.enter(never), view.enter(never), view.enter(never)])
  open[0]?.leave({ rates: [{ requests: 3, perMs: 1_000 }] })
  const times = passed(clock, view, 1)
  await clock.sleep(500)
  open[1]?.leave()
  open[2]?.leave()
  assert.deepEqual(await times, [1_001])
})

test('a gate is quiet when nothing counts any more', async () => {
  const clock = virtualClock()
  const gate = new PacedGate(clock, [{ requests: 1, perMs: 1_000 }])
  assert.equal(gate.isQuiet(), true)
  const pass = await gate.view({}).enter(never)
  assert.equal(gate.isQuiet(), false)
  pass.leave({ blockedMs: 1_500 })
  await clock.sleep(1_001)
  assert.equal(gate.isQuiet(), false)
  await clock.sleep(499)
  assert.equal(gate.isQuiet(), true)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import type { DestinationContext } from '../../src/core/destination.ts'
import { FatalError, RetryableError } from '../../src/core/errors.ts'
import type { LimitsSeen, Rate } from '../../src/core/request-gate.ts'
import { joinGate } from '../../src/engine/request-gates.ts'
import { type ConfigInput, resolveConfig, type SyncOptions, sync, validate } from '../../src/index.ts'
import { some } from '../support/model-run.ts'
import { rowsUpTo, smallWorld } from '../support/small-world.ts'
import { type VirtualClock, virtualClock } from '../support/virtual-clock.ts'

interface Limited {
  readonly rates: readonly Rate[]
  readonly credential?: string
  /** Milliseconds until a request is answered. */
  readonly latency?: number
  readonly rows?: number
  readonly inFlight?: number
  /** What the answer to request `number` (1, 2 …) says of limits. */
  readonly says?: (number: number) => LimitsSeen | undefined
  /** Throws in the place of request `number`. */
  readonly fails?: (number: number) => void
  readonly onOpen?: (number: number) => void
}

/** A world whose destination is reached over requests: one for each batch and one for its check. */
function limitedWorld(clock: VirtualClock, limited: Limited, rows = 20) {
  const { rates, credential = 'account 1', latency = 0, says, fails, onOpen } = limited
  const world = smallWorld(rowsUpTo(rows), { limits: { rows: limited.rows ?? 2, inFlight: limited.inFlight ?? 3 } })
  const { definition } = world.destination
  const requests: number[] = []
  let opened = 0
  const ask = async ({ gate }: DestinationContext, signal: AbortSignal) => {
    const pass = await gate.enter(signal)
    requests.push(clock.monotonic())
    const number = requests.length
    try {
      await clock.sleep(latency)
      fails?.(number)
    } finally {
      pass.leave(says?.(number))
    }
  }
  const paced: typeof definition = {
    ...definition,
    pacing: () => ({ credential, rates }),
    async open(options, request, context) {
      onOpen?.(++opened)
      const inner = await definition.open(options, request, context)
      return {
        ...inner,
        async check() {
          await ask(context, new AbortController().signal)
          return []
        },
        async write(batch, signal) {
          await ask(context, signal)
          return await inner.write(batch, signal)
        },
      }
    },
  }
  const own = { sources: [world.source.definition], destinations: [paced], clock }
  const run = (overrides: Partial<ConfigInput['syncs'][string]> = {}, options: SyncOptions = {}) =>
    sync(world.config({ mode: 'upsert', ...overrides }), { ...own, ...options })
  return { world, own, run, requests, [Symbol.dispose]: () => world[Symbol.dispose]() }
}

function mostInWindow(times: readonly number[], perMs: number): number {
  return Math.max(...times.map((time) => times.filter((other) => other >= time && other <= time + perMs).length))
}

const TEN_A_SECOND: Rate = { requests: 10, perMs: 1_000 }

test('requests are counted where they are made, the check among them, and what was waited is said', async () => {
  const clock = virtualClock()
  using limited = limitedWorld(clock, { rates: [{ requests: 4, perMs: 1_000 }] })
  const report = await limited.run()
  assert.deepEqual(some(report.counts), { read: 20, inserted: 20 })
  assert.equal(report.requests.sent, 11)
  assert.equal(limited.requests.length, 11)
  assert.ok(report.requests.throttled_ms >= 2_002)
  assert.equal(mostInWindow(limited.requests, 1_000), 4)
})

test('runs that share a credential share its limit, also one right after the other; others do not', async () => {
  const clock = virtualClock()
  using first = limitedWorld(clock, { rates: [TEN_A_SECOND] })
  using second = limitedWorld(clock, { rates: [TEN_A_SECOND] }, 30)
  using other = limitedWorld(clock, { rates: [TEN_A_SECOND], credential: 'account 2' })
  const reports = await Promise.all([first.run(), second.run(), other.run()])
  for (const { status } of reports) assert.equal(status, 'succeeded')
  const [one, two] = reports
  assert.deepEqual([one?.requests.sent, two?.requests.sent], [11, 16], 'each counts its own')
  assert.equal((await first.run()).status, 'succeeded')
  const shared = [...first.requests, ...second.requests]
  assert.equal(shared.length, 11 + 16 + 1)
  assert.equal(mostInWindow(shared, 1_000), 10)
  assert.equal(mostInWindow([...shared, ...other.requests], 1_000), 20)
})

test('batch.rate is one more window, for that sync alone', async () => {
  const clock = virtualClock()
  using slow = limitedWorld(clock, { rates: [TEN_A_SECOND] })
  using free = limitedWorld(clock, { rates: [TEN_A_SECOND] })
  await Promise.all([slow.run({ batch: { rate: '2/1s' } }), free.run()])
  assert.equal(mostInWindow(slow.requests, 1_000), 2)
  assert.ok(mostInWindow(free.requests, 1_000) > 2)
})

test('batch.rate holds for batches where a destination has no requests of its own, and a dry run does not wait', async () => {
  const clock = virtualClock()
  using world = smallWorld(rowsUpTo(20), { limits: { rows: 2 } })
  const config = world.config({ batch: { rate: '1/10s' } })
  const dry = await sync(config, { ...world.own, clock, dryRun: true })
  assert.deepEqual(dry.requests, { sent: 10, retried: 0, throttled_ms: 0 })
  assert.equal(clock.monotonic(), 0)
  const report = await sync(config, { ...world.own, clock })
  assert.equal(report.requests.sent, 10)
  assert.equal(clock.monotonic(), 9 * 10_001)
})

test('an answer that says how long to wait holds up all that share the credential', async () => {
  const clock = virtualClock()
  const says = (number: number) => (number === 3 ? { blockedMs: 60_000 } : undefined)
  using first = limitedWorld(clock, { rates: [], latency: 5, says })
  using second = limitedWorld(clock, { rates: [], latency: 5 })
  await Promise.all([first.run(), second.run()])
  const times = [...first.requests, ...second.requests].sort((a, b) => a - b)
  const [until] = times.filter((time) => time >= 60_000)
  assert.ok(until !== undefined && times.every((time) => time <= 10 || time >= until))
})

test('a destination that asks for hours ends the run, and what was answered before stays', async () => {
  const clock = virtualClock()
  const fails = (number: number) => {
    if (number === 5) throw new RetryableError('429', { retryAfterMs: 7_200_000 })
  }
  const says = (number: number) => (number === 5 ? { blockedMs: 7_200_000 } : undefined)
  using limited = limitedWorld(clock, { rates: [], latency: 5, fails, says })
  const report = await limited.run()
  assert.deepEqual([report.status, report.error?.code], ['failed', 'destination_busy'])
  assert.match(report.error?.message ?? '', /alone for 2 hours .*; run again after 2026-01-01T02:00/)
  assert.ok(clock.monotonic() < 1_000, 'nobody waited, nor did the batches beside it')
  const done = report.counts.inserted
  assert.ok(done >= 6)
  await clock.sleep(7_200_000)
  const next = await limited.run()
  assert.equal(next.status, 'succeeded')
  assert.equal(next.counts.unchanged, done)
  assert.equal(limited.world.destination.records.size, 20)
})

test('a daily limit ends the run, and the next one goes on where it was', async () => {
  const clock = virtualClock()
  const fails = (number: number) => {
    if (number === 6) throw new FatalError('daily_limit', 'the daily limit is used up; run again tomorrow')
  }
  using limited = limitedWorld(clock, { rates: [], fails })
  const report = await limited.run()
  assert.deepEqual([report.status, report.error?.code], ['failed', 'daily_limit'])
  const held = limited.world.destination.records.size
  assert.equal(report.counts.inserted, held)
  assert.ok(held >= 8 && held < 20)
  const next = await limited.run()
  assert.deepEqual([next.status, next.counts.unchanged, next.counts.inserted], ['succeeded', held, 20 - held])
})

test('a destination that cannot be opened or looked at now is asked again', async () => {
  const clock = virtualClock()
  const onOpen = (number: number) => {
    if (number <= 2) throw new RetryableError('503')
  }
  const fails = (number: number) => {
    if (number === 1) throw new RetryableError('429', { retryAfterMs: 3_000 })
  }
  using limited = limitedWorld(clock, { rates: [], onOpen, fails })
  const report = await limited.run()
  assert.equal(report.status, 'succeeded')
  assert.equal(clock.slept.filter((wait) => wait > 0).length, 3)
  using closed = limitedWorld(clock, {
    rates: [],
    onOpen() {
      throw new RetryableError('503')
    },
  })
  const { error } = await closed.run()
  assert.equal(error?.code, 'retries_exhausted')
  assert.match(error?.message ?? '', /did not let itself be opened in 6 attempts \(503\)/)
  const [checked] = await validate(
    resolveConfig(closed.world.config(), { baseDirectory: closed.world.state }),
    closed.own,
  )
  assert.match(checked?.error?.message ?? '', /did not let itself be opened in 1 attempt/)
})

test('who stops a run waits for a window, and for no block', async () => {
  const clock = virtualClock()
  const controller = new AbortController()
  const says = (number: number) => {
    if (number !== 4) return undefined
    controller.abort('SIGTERM')
    return { blockedMs: 300_000 }
  }
  using limited = limitedWorld(clock, { rates: [], latency: 5, says })
  const report = await limited.run({}, { signal: controller.signal })
  assert.equal(report.status, 'cancelled')
  assert.ok(clock.monotonic() < 1_000)
  await clock.sleep(300_000)
  assert.equal((await limited.run()).status, 'succeeded')
  assert.equal(limited.world.destination.records.size, 20)
})

test('many batches may wait at once, without a warning about that', async () => {
  const warnings: string[] = []
  const note = ({ name }: Error) => warnings.push(name)
  process.on('warning', note)
  const clock = virtualClock()
  const signal = new AbortController().signal
  const fails = (number: number) => {
    if (number > 1 && number < 32) throw new RetryableError('503')
  }
  using limited = limitedWorld(clock, { rates: [TEN_A_SECOND], rows: 1, inFlight: 30, fails }, 30)
  assert.equal((await limited.run({}, { signal })).status, 'succeeded')
  process.off('warning', note)
  assert.deepEqual(warnings, [])
})

const SOON = { timeout: 20_000 }

test('who stops a run while the destination is looked at, or gets ready, does not wait for that', SOON, async () => {
  using world = smallWorld(rowsUpTo(3))
  const { definition } = world.destination
  let controller = new AbortController()
  const slow = (signal?: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason))
      controller.abort('SIGINT')
    })
  const slowIn = (name: 'check' | 'prepare') => {
    controller = new AbortController()
    const open: typeof definition.open = async (...given) => ({ ...(await definition.open(...given)), [name]: slow })
    return { ...world.own, destinations: [{ ...definition, open }], signal: controller.signal }
  }
  for (const name of ['check', 'prepare'] as const)
    assert.equal((await sync(world.config(), slowIn(name))).status, 'cancelled')
  const config = resolveConfig(world.config(), { baseDirectory: world.state })
  assert.deepEqual(await validate(config, slowIn('check')), [])
})

test('a gate goes when nobody uses it and nothing counts any more, and shows no credential', async () => {
  const clock = virtualClock()
  const limit = { credential: 'portal 4711', rates: [TEN_A_SECOND] }
  const first = joinGate(clock, 'crm', limit)
  const pass = await first.gate.view({}).enter(new AbortController().signal)
  assert.ok(!inspect(first, { depth: 9, showHidden: true }).includes('4711'))
  assert.notEqual(joinGate(clock, 'other crm', limit).gate, first.gate)
  assert.notEqual(joinGate(virtualClock(), 'crm', limit).gate, first.gate)
  pass.leave()
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  const second = joinGate(clock, 'crm', limit)
  assert.equal(second.gate, first.gate, 'its requests still count')
  second[Symbol.dispose]()
  await clock.sleep(1_001)
  assert.notEqual(joinGate(clock, 'crm', limit).gate, first.gate)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { BatchRefusedError, FatalError, RetryableError, UnansweredError } from '../../src/core/errors.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { indexSummary, type Report, type RowIssue, type SyncOptions, sync } from '../../src/index.ts'
import type { MapDestinationOptions } from '../support/map-destination.ts'
import { some } from '../support/model-run.ts'
import { seeds, withSeed } from '../support/seeded-random.ts'
import { rowsUpTo, type SmallWorld, smallWorld } from '../support/small-world.ts'
import { virtualClock } from '../support/virtual-clock.ts'

type Script = NonNullable<MapDestinationOptions['script']>

/** A world whose destination makes a second record of an insert that is sent twice; three rows a batch. */
function plainPosts(rows: number, script: Script, options: MapDestinationOptions = {}) {
  const world = smallWorld(rowsUpTo(rows), { script, lists: 'never', limits: { rows: 3 }, ...options })
  const { definition } = world.destination
  const twice = {
    ...definition,
    object: (...given: Parameters<typeof definition.object>) =>
      ({ ...definition.object(...given), insertsAgain: 'twice' }) as const,
  }
  const config = world.config({ mode: 'insert-only' })
  const run = async (more: SyncOptions = {}): Promise<{ report: Report; issues: RowIssue[] }> => {
    const issues: RowIssue[] = []
    const onIssue = (issue: RowIssue) => void issues.push(issue)
    const report = await sync(config, { ...world.own, destinations: [twice], clock: virtualClock(), onIssue, ...more })
    return { report, issues }
  }
  return { world, config, run }
}

async function states(config: ReturnType<SmallWorld['config']>) {
  return (await indexSummary(config, { sync: 'users' }))?.by_state
}

test('an insert without an answer is not sent again, is reported, and the other batches go on', async () => {
  const { world, config, run } = plainPosts(9, async ({ number, apply }) => {
    if (number !== 2) return apply()
    apply()
    throw new UnansweredError('the connection was reset')
  })
  using _ = world
  const { report, issues } = await run()
  assert.equal(report.status, 'completed_with_errors')
  assert.equal(exitCodeOf(report), 3)
  assert.deepEqual(some(report.counts), { read: 9, inserted: 6, rejected: 3 })
  assert.deepEqual(
    world.destination.writes.map(({ keys }) => keys.join()),
    ['1,2,3', '4,5,6', '7,8,9'],
  )
  assert.deepEqual(
    issues.map(({ kind, key, code, payload }) => [kind, key, code, payload]),
    ['4', '5', '6'].map((id) => ['rejected', id, 'outcome_unknown', `{"id":"${id}","v":"v${id}"}`]),
  )
  assert.match(
    issues[0]?.message ?? '',
    /\(the connection was reset\); look there, .* `rowferry run users --full --keys KEY`$/,
  )
  const { acknowledged, unsure_new } = (await states(config)) ?? {}
  assert.deepEqual({ acknowledged, unsure_new }, { acknowledged: 6, unsure_new: 3 })
})

test('the next run sends none of them either, and says so, until it is told to', async () => {
  let lose = true
  const { world, run } = plainPosts(5, async ({ apply, keys }) => {
    const outcomes = apply()
    if (lose && keys.includes('4')) throw new UnansweredError('no answer in 30 s')
    return outcomes
  })
  using _ = world
  await run()
  lose = false
  world.destination.records.delete('5')
  const writes = world.destination.writes.length
  const again = await run()
  assert.deepEqual(some(again.report.counts), { read: 5, unchanged: 3, rejected: 2 })
  assert.equal(exitCodeOf(again.report), 3)
  assert.equal(world.destination.writes.length, writes, 'something was sent')
  assert.deepEqual(
    again.issues.map(({ key, code, operation, payload }) => [key, code, operation, payload]),
    [
      ['4', 'outcome_unknown', 'insert', '{"id":"4","v":"v4"}'],
      ['5', 'outcome_unknown', 'insert', '{"id":"5","v":"v5"}'],
    ],
  )
  assert.match(again.issues[1]?.message ?? '', /`rowferry run users --full --keys "5"`$/)
  const told = await run({ full: true, keys: ['5'] })
  assert.deepEqual(some(told.report.counts), { read: 1, inserted: 1 })
  assert.ok(world.destination.records.has('5'))
  const last = await run()
  assert.deepEqual(some(last.report.counts), { read: 5, unchanged: 4, rejected: 1 })
})

test('a dry run says what a run would: that it does not send them', async () => {
  const { world, run } = plainPosts(2, async () => {
    throw new UnansweredError('reset')
  })
  using _ = world
  await run()
  const { report } = await run({ dryRun: true })
  assert.deepEqual(some(report.counts), { read: 2, rejected: 2 })
})

test('of a batch whose answer says nothing of one row, that row alone is in doubt', async () => {
  const { world, config, run } = plainPosts(6, async ({ number, apply }) => {
    const outcomes = apply()
    const silence: Outcome = {
      status: 'unknown',
      code: 'not_mentioned',
      message: 'the reply skips it',
      response: '[1,3]',
    }
    return number === 1 ? outcomes.with(1, silence) : outcomes
  })
  using _ = world
  const { report, issues } = await run()
  assert.deepEqual(
    [report.status, some(report.counts)],
    ['completed_with_errors', { read: 6, inserted: 5, rejected: 1 }],
  )
  assert.deepEqual(
    issues.map(({ key, code, response }) => [key, code, response]),
    [['2', 'outcome_unknown', '[1,3]']],
  )
  assert.match(issues[0]?.message ?? '', /\(the reply skips it\); look there/)
  assert.equal((await states(config))?.unsure_new, 1)
  const again = await run()
  assert.deepEqual(some(again.report.counts), { read: 6, unchanged: 5, rejected: 1 })
  assert.equal(world.destination.writes.length, 2, 'it was sent again')
})

test('a row of which nothing is known stays in doubt when the run ends before it can be said', async () => {
  const silence: Outcome = { status: 'unknown', code: 'not_mentioned', message: 'the reply skips it' }
  const { world, config, run } = plainPosts(2, async ({ number, apply }) => {
    if (number === 1) throw new BatchRefusedError('bad', 'one of them is bad')
    if (number === 3) throw new FatalError('denied', 'no access any more; ask for it')
    apply()
    return [silence]
  })
  using _ = world
  await run()
  assert.equal((await states(config))?.unsure_new, 1)
  assert.deepEqual([...world.destination.records.keys()], ['1'])
})

test('an insert that waits for its turn when the run is stopped is kept back, and is in no doubt', async () => {
  const controller = new AbortController()
  const { world, config } = plainPosts(5, async ({ apply }) => apply(), { limits: { rows: 3, inFlight: 2 } })
  using _ = world
  const { definition } = world.destination
  let asked = 0
  const paced: typeof definition = {
    ...definition,
    object: (...given) => ({ ...definition.object(...given), insertsAgain: 'twice' }),
    pacing: () => ({ credential: 'one', rates: [] }),
    async open(options, request, context) {
      const inner = await definition.open(options, request, context)
      return {
        ...inner,
        async write(batch, signal) {
          const entering = context.gate.enter(signal)
          if (++asked === 2) controller.abort('SIGINT')
          ;(await entering).leave()
          return await inner.write(batch, signal)
        },
      }
    },
  }
  const clock = virtualClock()
  const slowly = { ...config, syncs: { users: { ...config.syncs['users'], batch: { rate: '1/1h', concurrency: 2 } } } }
  const given = { ...world.own, destinations: [paced], clock }
  const report = await sync(slowly as typeof config, { ...given, signal: controller.signal })
  assert.equal(report.status, 'cancelled')
  assert.ok(clock.monotonic() < 60_000, `it went on waiting for ${clock.monotonic()} ms`)
  const { acknowledged, unsure_new } = (await states(config)) ?? {}
  assert.deepEqual({ acknowledged, unsure_new }, { acknowledged: 3, unsure_new: 0 })
  const next = await sync(config, given)
  assert.deepEqual(some(next.counts), { read: 5, unchanged: 3, inserted: 2 })
})

test('an insert that was certainly not applied is sent again, in this run and by the next', async () => {
  let busy = 2
  const { world, config, run } = plainPosts(3, async ({ apply }) => {
    if (busy-- > 0) throw new RetryableError('429', { retryAfterMs: 1_000 })
    return apply()
  })
  using _ = world
  busy = 100
  const failed = await run()
  assert.equal(failed.report.error?.code, 'retries_exhausted')
  assert.deepEqual(failed.issues, [])
  assert.equal((await states(config))?.unsure_new, 0, 'nothing of it is in doubt')
  busy = 2
  const { report } = await run()
  assert.deepEqual([report.status, some(report.counts)], ['succeeded', { read: 3, inserted: 3 }])
  assert.equal(report.requests.retried, 2)
})

test('a refusal after a busy answer is a refusal, and no doubt is left', async () => {
  const script: Script = async ({ number, apply }) => {
    if (number === 1) throw new RetryableError('429')
    return apply()
  }
  const { world, config, run } = plainPosts(2, script, { refuses: ({ id }) => (id === '2' ? 'bad' : undefined) })
  using _ = world
  const { issues } = await run()
  assert.deepEqual(
    issues.map(({ key, code }) => [key, code]),
    [['2', 'bad']],
  )
  assert.equal((await states(config))?.unsure_new, 0)
})

test('what a run could not send before the user had to act is sent by the next one', async () => {
  let open = false
  const { world, run } = plainPosts(9, async ({ number, apply }) => {
    if (number === 2 && !open) throw new FatalError('daily_limit', 'the daily limit is used up; run again tomorrow')
    return apply()
  })
  using _ = world
  const { report } = await run()
  assert.equal(report.error?.code, 'daily_limit')
  assert.equal(world.destination.records.size, 3)
  open = true
  const next = await run()
  assert.deepEqual(some(next.report.counts), { read: 9, unchanged: 3, inserted: 6 })
})

test('a bug of a destination, or an answer that is too short, leaves the batch in doubt', async () => {
  for (const answer of [
    () => {
      throw new TypeError('x is not a function')
    },
    () => [],
  ]) {
    const { world, config, run } = plainPosts(3, async ({ apply }) => {
      apply()
      return answer()
    })
    using _ = world
    await run()
    assert.equal((await states(config))?.unsure_new, 3)
    const { report } = await run()
    assert.deepEqual(some(report.counts), { read: 3, rejected: 3 })
  }
})

test('a stop while it waits leaves nothing in doubt', async () => {
  const controller = new AbortController()
  const { world, config, run } = plainPosts(2, async () => {
    controller.abort('SIGINT')
    throw new RetryableError('429', { retryAfterMs: 60_000 })
  })
  using _ = world
  const { report } = await run({ signal: controller.signal })
  assert.equal(report.status, 'cancelled')
  assert.equal((await states(config))?.unsure_new, 0)
})

test('where an insert that is sent twice is recognised, one without an answer is sent again', async () => {
  using world = smallWorld(rowsUpTo(3), {
    script: async ({ number, apply }) => {
      const outcomes = apply()
      if (number === 1) throw new UnansweredError('reset')
      return outcomes
    },
  })
  const report = await world.run({ clock: virtualClock() })
  assert.deepEqual([report.status, some(report.counts)], ['succeeded', { read: 3, inserted: 3 }])
  assert.equal(world.destination.writes.length, 2)
})

test('whatever happens to answers, no insert is sent again that may have landed, and no row is forgotten', async () => {
  let told = 0
  for (const seed of seeds(60)) {
    await withSeed(seed, 'test/sync/inserts-in-doubt', async (random) => {
      const applied = new Map<string, number>()
      const doubtful = new Set<string>()
      let calm = false
      const script: Script = async ({ keys, apply }) => {
        const chance = calm ? 1 : random.unit()
        if (chance < 0.12) {
          // Applied in part, or not at all, and never answered.
          apply(0, random.below(keys.length + 1))
          for (const key of keys) doubtful.add(key)
          throw random.chance(0.8) ? new UnansweredError('reset') : new TypeError('a bug')
        }
        if (chance < 0.3) throw new RetryableError('429')
        if (chance < 0.36) throw new FatalError('daily_limit', 'used up; run again tomorrow')
        if (chance < 0.46) throw new BatchRefusedError('bad', 'something in it is bad')
        return keys.flatMap((_, at): Outcome[] => {
          if (!calm && random.chance(0.1)) return [{ status: 'deferred', code: 'locked', message: 'locked' }]
          if (!calm && random.chance(0.05)) {
            apply(at, at + random.below(2))
            doubtful.add(keys[at] as string)
            return [{ status: 'unknown', code: 'not_mentioned', message: 'not mentioned' }]
          }
          return apply(at, at + 1)
        })
      }
      const onChange = (_: unknown, key: string) => applied.set(key, (applied.get(key) ?? 0) + 1)
      const limits = { rows: 1 + random.below(4), inFlight: 1 + random.below(3) }
      const { world, run } = plainPosts(1 + random.below(25), script, { onChange, limits })
      using _ = world
      for (let count = 0; count < 4; count++) await run()
      calm = true
      const { report, issues } = await run()
      for (const [key, times] of applied) assert.equal(times, 1, `${key} was sent ${times} times, and could be twice`)
      assert.ok(report.status === 'succeeded' || report.status === 'completed_with_errors', report.error?.message)
      for (const { key, code } of issues)
        assert.ok(code === 'outcome_unknown' && doubtful.has(String(key)), `${key} ${code}`)
      const unknown = new Set(issues.map(({ key }) => key))
      for (const [id] of world.source.rows)
        assert.ok(applied.has(String(id)) || unknown.has(String(id)), `${id} is forgotten`)
      told += issues.length
    })
  }
  assert.ok(told > 0)
})

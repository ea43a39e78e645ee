import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openTable, postgresDestination } from '../../src/connectors/postgres-destination.ts'
import { defineDestination, systemClock } from '../../src/index.ts'
import { serverForTests } from '../support/ends.ts'
import { type NetworkOptions, networkWorld, offsets } from '../support/network-world.ts'
import { TCP_FAULTS, type TcpFault } from '../support/tcp-faults.ts'

const tests = serverForTests()
const OFFSETS = 50

type Kind = TcpFault['kind']

/** Faults that only make it take longer. */
const HARMLESS: readonly Kind[] = ['slow', 'slices']
/** A silence is noticed by a time-out alone; elsewhere a busy machine must not run into one. */
const waits = (kind: Kind) =>
  kind === 'black hole' ? { connectS: 1, idle: '1s', ms: 1000 } : { connectS: 20, idle: '20s', ms: 20_000 }
/** Time-outs take their time: those runs share the offsets out between worlds side by side. */
const worldsOf = (kind: Kind) => (kind === 'black hole' ? 5 : 1)

/** How a source is read, which faults it meets then, and at how many offsets. */
const READS = {
  'one COPY': { source: { read: 'copy' }, kinds: TCP_FAULTS, count: OFFSETS },
  'a cursor': { source: { read: 'cursor' }, kinds: ['fin', 'black hole'], count: 20 },
  'two connections': { source: { read: { parallel: 2 } }, kinds: ['rst', 'black hole', 'slices'], count: 20 },
} as const satisfies Readonly<Record<string, SourceRead>>

interface SourceRead {
  readonly source: NetworkOptions['source']
  readonly kinds: readonly Kind[]
  readonly count: number
}

function sourceBehind(kind: Kind, source: NetworkOptions['source']): NetworkOptions {
  const { connectS, idle, ms } = waits(kind)
  return {
    ...(typeof source?.read === 'object' && { connections: 2 }),
    side: 'source',
    patienceMs: connectS * 1000 + ms,
    url: { connect_timeout: String(connectS) },
    source: { idle_timeout: idle, ...source },
  }
}

/** Breaks the source's network at each of the offsets; answers the longest run in milliseconds. */
async function cutSource(kind: Kind, read: SourceRead, mine: (offset: number) => boolean): Promise<number> {
  await using world = await networkWorld(tests.server, sourceBehind(kind, read.source))
  let longest = 0
  for (const [round, after] of offsets(world.bytes, read.count).entries()) {
    if (!mine(round)) continue
    await world.mutate(round + 2)
    let { run, ms } = await world.run({ kind, at: after })
    // A busy machine may not even come that far in so short a time.
    for (let tries = 1; !world.proxy.faults.struck && tries < 5; tries++)
      ({ run, ms } = await world.run({ kind, at: after }))
    assert.ok(world.proxy.faults.struck, `nothing happened after ${after} of ${world.bytes} bytes`)
    const { status, counts, error } = run.report
    longest = Math.max(longest, ms)
    if (HARMLESS.includes(kind)) {
      assert.equal(status, 'succeeded', error?.message)
      await world.assertConverged()
      continue
    }
    assert.equal(status, 'failed', `the end was proven although ${world.bytes - after} bytes are missing`)
    assert.deepEqual([counts.deleted, counts.missing], [0, 0])
    await world.assertNothingDeleted()
  }
  const { run } = await world.run()
  assert.equal(run.report.status, 'succeeded')
  if (!HARMLESS.includes(kind)) assert.equal(run.report.counts.deleted, 10, 'there was nothing to delete wrongly')
  await world.assertConverged()
  return longest
}

function destinationBehind(kind: Kind): NetworkOptions {
  const { connectS, ms } = waits(kind)
  const hasty = defineDestination({
    ...postgresDestination,
    open: (options, object) => openTable(options, object, { answerMs: ms, listMs: ms }),
  })
  return {
    side: 'destination',
    patienceMs: 6 * (connectS * 1000 + ms),
    url: { connect_timeout: String(connectS) },
    sync: { batch: { size: 20 }, index: { refresh: 'always' } },
    options: { destinations: [hasty], clock: { ...systemClock, sleep: async () => {} } },
  }
}

/** Breaks the destination's network at each of the offsets, once, or for the rest of the run. */
async function cutDestination(
  kind: Kind,
  options: NetworkOptions,
  mine: (offset: number) => boolean,
): Promise<{ longest: number; failed: number }> {
  await using world = await networkWorld(tests.server, options)
  const totals = { longest: 0, failed: 0 }
  for (const [round, after] of offsets(world.bytes, OFFSETS).entries()) {
    if (!mine(round)) continue
    await world.mutate(round + 2)
    const lasting = kind !== 'black hole' && round % 2 === 1
    const { run, ms } = await world.run({ kind, at: after, lasting })
    const { status, error, counts } = run.report
    totals.longest = Math.max(totals.longest, ms)
    if (HARMLESS.includes(kind)) assert.equal(status, 'succeeded', error?.message)
    if (status === 'succeeded') await world.assertConverged()
    else {
      totals.failed++
      await world.assertModelKept()
      const { run: next } = await world.run()
      assert.equal(next.report.status, 'succeeded', `${counts.inserted} ${next.report.error?.message}`)
      await world.assertConverged()
    }
  }
  return totals
}

/** What no offset need fall on. */
const QUESTIONS = [
  /BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY/,
  /COPY \(SELECT "id"/,
  /SET xmloption/,
  /CREATE TEMPORARY TABLE/,
  /BEGIN ISOLATION LEVEL READ COMMITTED/,
]

/** What a source is asked on its way, by how it is read. */
const SOURCE_QUESTIONS: readonly (readonly [keyof typeof READS, RegExp])[] = [
  ['one COPY', /BEGIN ISOLATION LEVEL/],
  ['one COPY', /count\(\*\) AS rows/],
  ['one COPY', /COPY [\s\S]* LIMIT 0/],
  ['one COPY', /COMMIT/],
  ['a cursor', /SELECT [\s\S]*ORDER BY/],
  ['a cursor', /COMMIT/],
  ['two connections', /EXPLAIN/],
  ['two connections', /pg_export_snapshot/],
  ['two connections', /SET TRANSACTION SNAPSHOT/],
  ['two connections', /COPY [\s\S]* WHERE/],
]

// Most of the time each waits for the network.
describe('a network that breaks', { concurrency: 4 }, () => {
  for (const [name, read] of Object.entries(READS)) {
    for (const kind of read.kinds) {
      test(`of a source read by ${name}, by ${kind}, proves no end and deletes nothing`, async (context) => {
        const worlds = worldsOf(kind)
        const times = await Promise.all(
          Array.from({ length: worlds }, (_, world) => cutSource(kind, read, (round) => round % worlds === world)),
        )
        context.diagnostic(`${read.count} offsets, longest run ${Math.round(Math.max(...times))} ms`)
      })
    }
  }

  for (const kind of TCP_FAULTS) {
    test(`of the destination, by ${kind}, loses nothing`, async (context) => {
      const worlds = worldsOf(kind)
      const totals = await Promise.all(
        Array.from({ length: worlds }, (_, world) =>
          cutDestination(kind, destinationBehind(kind), (round) => round % worlds === world),
        ),
      )
      const longest = Math.max(...totals.map(({ longest }) => longest))
      const failed = totals.reduce((sum, { failed }) => sum + failed, 0)
      context.diagnostic(
        `${OFFSETS} offsets, ${failed} runs failed and the next made it good, longest ${Math.round(longest)} ms`,
      )
    })
  }

  test('of the destination, by silence as it is asked something of a few bytes, loses nothing', async (context) => {
    await using world = await networkWorld(tests.server, destinationBehind('black hole'))
    for (const [round, at] of QUESTIONS.entries()) {
      await world.mutate(round + 2)
      await world.run({ kind: 'black hole', at })
      assert.ok(world.proxy.faults.struck, `nobody asks ${at}`)
      await world.assertModelKept()
      assert.equal((await world.run()).run.report.status, 'succeeded')
      await world.assertConverged()
    }
    context.diagnostic(`${QUESTIONS.length} questions`)
  })

  test('of the source, by silence as it is asked something of a few bytes, deletes nothing', async (context) => {
    for (const [name, at] of SOURCE_QUESTIONS) {
      const options = sourceBehind('black hole', READS[name].source)
      await using world = await networkWorld(tests.server, {
        ...options,
        sync: { guards: { min_rows: 1, max_deletes: '100%' } },
      })
      const { run } = await world.run({ kind: 'black hole', at })
      assert.ok(world.proxy.faults.struck, `nobody asks ${at} of ${name}`)
      assert.equal(run.report.status, 'failed')
      await world.assertNothingDeleted()
    }
    context.diagnostic(`${SOURCE_QUESTIONS.length} questions`)
  })
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FatalError, RetryableError } from '../../src/core/errors.ts'
import { ACKNOWLEDGED, UNSURE_NEW } from '../../src/core/key-entry.ts'
import type { KeyIndex } from '../../src/core/key-index.ts'
import { entriesOf } from '../support/keys.ts'
import { type MapDestination, type MapWrite, mapDestination } from '../support/map-destination.ts'
import { idAndV, runModel, settled } from '../support/model-run.ts'
import type { Row } from '../support/row-batches.ts'
import { testIndex } from '../support/test-index.ts'
import { virtualClock } from '../support/virtual-clock.ts'

function rowsOf(count: number, v = 'a'): Row[] {
  return Array.from({ length: count }, (_, index) => [String(index + 1), v])
}

/** Holds every write back until it is opened. */
function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open: () => open(), opened }
}

/** The keys in each state, once the run has ended. */
function keysIn(index: KeyIndex): { acknowledged: string[]; unsure: string[] } {
  index.compact()
  const entries = entriesOf(index.scan())
  const keys = (state: number) => entries.filter((entry) => entry.state === state).map(({ key }) => String(key))
  assert.equal(keys(ACKNOWLEDGED).length + keys(UNSURE_NEW).length, entries.length)
  return { acknowledged: keys(ACKNOWLEDGED), unsure: keys(UNSURE_NEW) }
}

/** After a run has ended, nothing more may happen to its destination. */
async function nothingFollows(destination: MapDestination): Promise<void> {
  const before = destination.writes.length
  assert.equal(destination.inFlight, 0, 'the run ended with batches in flight')
  await settled()
  assert.equal(destination.writes.length, before, 'a batch was sent after the run had ended')
}

test('a slow destination stops the source', async () => {
  using state = await testIndex()
  const { open, opened } = gate()
  const destination = mapDestination({
    limits: { rows: 10, inFlight: 2 },
    script: async ({ apply }) => {
      await opened
      return apply()
    },
  })
  const source = idAndV(rowsOf(5000))
  source.batchRows = 10
  const run = runModel({ destination, index: state.index, source })
  while (destination.inFlight < 2) await settled()
  for (let turn = 0; turn < 20; turn++) await settled()
  assert.equal(destination.writes.length, 2)
  assert.ok(source.pulled < 20, `${source.pulled} of 500 batches were read ahead of a destination that took none`)
  open()
  assert.equal((await run).error, undefined)
  assert.equal(source.pulled, 500)
  assert.equal(destination.records.size, 5000)
})

test('one large batch of rows does not fill the memory with batches to send', async () => {
  using state = await testIndex()
  const { open, opened } = gate()
  const destination = mapDestination({
    limits: { rows: 10, inFlight: 2 },
    script: async ({ apply }) => {
      await opened
      return apply()
    },
  })
  const run = runModel({ destination, index: state.index, rows: rowsOf(1000) })
  for (let turn = 0; turn < 20; turn++) await settled()
  assert.equal(destination.inFlight, 2)
  open()
  await run
  assert.equal(destination.records.size, 1000)
})

test('when one batch fails, those in flight are finished and kept, and no further one is sent', async () => {
  using state = await testIndex()
  const destination = mapDestination({
    limits: { rows: 10, inFlight: 4 },
    script: async ({ number, apply }) => {
      if (number === 3) throw new FatalError('denied', 'no access any more; ask for it')
      for (let turn = 0; turn < 5; turn++) await settled()
      return apply()
    },
  })
  const { error, tally } = await runModel({ destination, index: state.index, rows: rowsOf(1000) })
  assert.equal((error as FatalError).code, 'denied')
  await nothingFollows(destination)
  assert.ok(destination.writes.length <= 4)
  const { acknowledged, unsure } = keysIn(state.index)
  assert.deepEqual(acknowledged.sort(), [...destination.records.keys()].sort())
  assert.deepEqual(unsure, destination.writes[2]?.keys)
  assert.equal(tally.counts.inserted, acknowledged.length)
  assert.equal(tally.inFlight, 0)
})

test('a batch whose answer is lost is met again by the next run, and lands once', async () => {
  using state = await testIndex()
  let lost = true
  const destination = mapDestination({
    limits: { rows: 10 },
    script: async ({ number, apply }) => {
      const outcomes = apply()
      if (lost && number === 2) throw new FatalError('connection_lost', 'the connection broke; run again')
      return outcomes
    },
  })
  await runModel({ destination, index: state.index, rows: rowsOf(50) })
  assert.equal(keysIn(state.index).unsure.length, 10)
  lost = false
  const { error, tally } = await runModel({ destination, index: state.index, rows: rowsOf(50) })
  assert.equal(error, undefined)
  assert.equal(tally.counts.unchanged, 10)
  assert.equal(tally.counts.inserted, 40)
  assert.equal(destination.records.size, 50)
})

test('a stop lets the batches in flight finish, keeps their answers, and sends no further one', async () => {
  using state = await testIndex()
  const controller = new AbortController()
  const { open, opened } = gate()
  const destination = mapDestination({
    limits: { rows: 10, inFlight: 3 },
    script: async ({ number, apply }) => {
      if (number > 2) await opened
      return apply()
    },
  })
  const { signal } = controller
  const run = runModel({ destination, index: state.index, rows: rowsOf(1000), signal })
  while (destination.inFlight < 3) await settled()
  controller.abort('SIGINT')
  await settled()
  open()
  const { error, tally } = await run
  assert.equal((error as Error).name, 'AbortError')
  await nothingFollows(destination)
  assert.equal(destination.writes.length, 5)
  const { acknowledged, unsure } = keysIn(state.index)
  assert.deepEqual(
    acknowledged,
    rowsOf(50).map(([id]) => id),
  )
  assert.deepEqual(unsure, [])
  assert.equal(tally.counts.inserted, 50)

  const again = await runModel({ destination, index: state.index, rows: rowsOf(1000) })
  assert.equal(again.tally.counts.unchanged, 50)
  assert.equal(destination.records.size, 1000)
})

test('a stop ends the waiting before a further attempt, and what was tried stays in doubt', async () => {
  using state = await testIndex()
  const controller = new AbortController()
  const destination = mapDestination({
    script: async () => {
      setImmediate(() => controller.abort('SIGTERM'))
      throw new RetryableError('busy', { retryAfterMs: 600_000 })
    },
  })
  const clock = virtualClock()
  const { sleep } = clock
  const stopped = {
    ...clock,
    sleep: async (ms: number, signal?: AbortSignal) => {
      await settled()
      await sleep(ms, signal)
    },
  }
  const { signal } = controller
  const { error } = await runModel({ destination, index: state.index, rows: rowsOf(5), signal, clock: stopped })
  assert.notEqual(error, undefined)
  assert.equal(destination.writes.length, 1)
  assert.equal(keysIn(state.index).unsure.length, 5)
})

for (const inFlight of [1, 3]) {
  test(`when the source breaks with ${inFlight} in flight, nothing is sent after the run has ended`, async () => {
    using state = await testIndex()
    const destination = mapDestination({
      limits: { rows: 5, inFlight },
      script: async ({ apply }) => {
        await new Promise(setImmediate)
        return apply()
      },
    })
    const source = idAndV(rowsOf(3000))
    // Much of what was read is still to be sent when the source breaks.
    source.batchRows = 1000
    source.breaksAfter = 2500
    const { error, tally } = await runModel({ destination, index: state.index, source })
    assert.equal((error as FatalError).code, 'connection_lost')
    const inserted = tally.counts.inserted
    await nothingFollows(destination)
    assert.equal(tally.counts.inserted, inserted, 'counts move after the run has ended')
    assert.deepEqual(keysIn(state.index).acknowledged.sort(), [...destination.records.keys()].sort())
  })
}

test('too many rejected changes stop the run, and what landed stays', async () => {
  using state = await testIndex()
  const destination = mapDestination({
    limits: { rows: 10 },
    refuses: ({ id }) => (Number(id) % 2 === 0 ? 'even' : undefined),
  })
  const { error, tally } = await runModel({
    destination,
    index: state.index,
    rows: rowsOf(1000),
    maxRejected: { count: 12 },
  })
  assert.equal((error as FatalError).code, 'max_rejected')
  assert.equal(tally.counts.rejected, 15)
  assert.deepEqual(
    tally.guards.map(({ guard, limit }) => [guard, limit]),
    [['max_rejected', '12']],
  )
  await nothingFollows(destination)
  assert.equal(keysIn(state.index).acknowledged.length, 15)
})

test('an index that cannot be written sends nothing', async () => {
  using state = await testIndex()
  const destination = mapDestination({ limits: { rows: 10 } })
  let commits = 0
  const full: KeyIndex = {
    seed: state.index.seed,
    scan: () => state.index.scan(),
    lane: () => state.index.lane(),
    compact: () => state.index.compact(),
    commit() {
      if (++commits > 2) throw new FatalError('state_disk_full', 'the disk is full; make room and run again')
      state.index.commit()
    },
  }
  const { error } = await runModel({ destination, index: full, rows: rowsOf(100) })
  assert.equal((error as FatalError).code, 'state_disk_full')
  assert.equal(destination.writes.length, 2)
  await nothingFollows(destination)
})

test('a source that breaks sends no delete, wherever it breaks', async () => {
  for (const script of [undefined, async ({ apply }: MapWrite) => apply()]) {
    using state = await testIndex(...Array.from({ length: 30 }, (_, key) => ({ key })))
    const destination = mapDestination(script === undefined ? {} : { script })
    const source = idAndV(rowsOf(20))
    source.batchRows = 3
    for (let row = 0; row <= 20; row++) {
      source.breaksAfter = row
      await runModel({ destination, index: state.index, source })
    }
    assert.ok(!destination.writes.some(({ operation }) => operation === 'delete'))
  }
})

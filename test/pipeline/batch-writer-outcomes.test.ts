import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RetryableError } from '../../src/core/errors.ts'
import {
  ACKNOWLEDGED,
  ADOPTED,
  type EntryState,
  GONE,
  RETIRED,
  SEEN,
  UNSURE,
  UNSURE_NEW,
} from '../../src/core/key-entry.ts'
import { DONE, EXISTS, NOT_FOUND, type Outcome } from '../../src/core/outcome.ts'
import type { Counts } from '../../src/core/report.ts'
import type { SyncMode } from '../../src/core/sync-mode.ts'
import { entriesOf } from '../support/keys.ts'
import { mapDestination } from '../support/map-destination.ts'
import { runModel, some } from '../support/model-run.ts'
import { putEntries, testIndex } from '../support/test-index.ts'
import { virtualClock } from '../support/virtual-clock.ts'

const OLD_PRINT = 1
const REJECTED: Outcome = { status: 'rejected', code: 'no', message: 'no' }

/** What becomes of the entry of a key, by what was known before, what was sent and what was answered. */
const OUTCOMES: readonly [string, SyncMode, EntryState, Outcome | undefined, EntryState, Partial<Counts>][] = [
  ['insert that lands', 'mirror', GONE, DONE, ACKNOWLEDGED, { inserted: 1 }],
  ['insert that is refused', 'mirror', GONE, REJECTED, GONE, { rejected: 1 }],
  ['insert without an answer', 'mirror', GONE, undefined, UNSURE_NEW, {}],
  ['insert of what is there', 'insert-only', GONE, EXISTS, SEEN, { skipped: 1 }],
  ['insert that lands', 'mirror', UNSURE_NEW, DONE, ACKNOWLEDGED, { inserted: 1 }],
  ['insert that is refused', 'mirror', UNSURE_NEW, REJECTED, UNSURE_NEW, { rejected: 1 }],
  ['insert without an answer', 'mirror', UNSURE_NEW, undefined, UNSURE_NEW, {}],
  ['insert of what is there', 'insert-only', UNSURE_NEW, EXISTS, SEEN, { skipped: 1 }],
  ['update that lands', 'mirror', ACKNOWLEDGED, DONE, ACKNOWLEDGED, { updated: 1 }],
  ['update that is refused', 'mirror', ACKNOWLEDGED, REJECTED, ACKNOWLEDGED, { rejected: 1 }],
  ['update without an answer', 'mirror', ACKNOWLEDGED, undefined, UNSURE, {}],
  ['update of what is not there', 'update-only', ACKNOWLEDGED, NOT_FOUND, GONE, { skipped: 1 }],
  ['update that lands', 'mirror', UNSURE, DONE, ACKNOWLEDGED, { updated: 1 }],
  ['update that is refused', 'mirror', UNSURE, REJECTED, UNSURE, { rejected: 1 }],
  ['update without an answer', 'mirror', UNSURE, undefined, UNSURE, {}],
  ['update that lands', 'mirror', ADOPTED, DONE, ACKNOWLEDGED, { updated: 1 }],
  ['update that is refused', 'mirror', ADOPTED, REJECTED, SEEN, { rejected: 1 }],
  ['update without an answer', 'mirror', ADOPTED, undefined, UNSURE, {}],
  ['update that lands', 'mirror', SEEN, DONE, ACKNOWLEDGED, { updated: 1 }],
  ['update that is refused', 'mirror', SEEN, REJECTED, SEEN, { rejected: 1 }],
  ['update without an answer', 'mirror', SEEN, undefined, UNSURE, {}],
  ['update that lands', 'mirror', RETIRED, DONE, ACKNOWLEDGED, { updated: 1 }],
  ['update that is refused', 'mirror', RETIRED, REJECTED, RETIRED, { rejected: 1 }],
]

for (const [what, mode, before, outcome, after, counts] of OUTCOMES) {
  test(`an ${what} makes state ${before} of a key ${after}`, async () => {
    using state = await testIndex()
    if (before !== GONE) putEntries(state.index, [{ key: 7, state: before, print: OLD_PRINT }])
    const destination = mapDestination({ script: async () => (outcome === undefined ? [] : [outcome]) })
    const { tally, error } = await runModel({ destination, index: state.index, mode, rows: [['7', 'new']] })
    assert.equal(error === undefined, outcome !== undefined)
    assert.deepEqual(some(tally.counts), { read: 1, ...counts })
    state.index.compact()
    const [entry] = entriesOf(state.index.scan())
    assert.equal(entry?.state ?? GONE, after)
    if (after !== ACKNOWLEDGED) return
    if (outcome === REJECTED) assert.equal(entry?.print, OLD_PRINT)
    else assert.notEqual(entry?.print, OLD_PRINT)
  })
}

const DELETES: readonly [string, EntryState, Outcome | undefined, EntryState, Partial<Counts>][] = [
  ...[ACKNOWLEDGED, UNSURE, UNSURE_NEW, ADOPTED, SEEN].flatMap(
    (before) =>
      [
        ['that is done', before, DONE, GONE, { deleted: 1 }],
        ['that is refused', before, REJECTED, before, { delete_rejected: 1 }],
      ] as [string, EntryState, Outcome, EntryState, Partial<Counts>][],
  ),
  ['without an answer', ACKNOWLEDGED, undefined, UNSURE, {}],
  ['without an answer', UNSURE, undefined, UNSURE, {}],
  ['without an answer', UNSURE_NEW, undefined, UNSURE_NEW, {}],
  // Whose it is stays known, or scope `seen` would delete what the model never held.
  ['without an answer', ADOPTED, undefined, ADOPTED, {}],
  ['without an answer', SEEN, undefined, SEEN, {}],
]

for (const [what, before, outcome, after, counts] of DELETES) {
  test(`a delete ${what} makes state ${before} of a key ${after}`, async () => {
    using state = await testIndex({ key: 7, state: before, print: OLD_PRINT })
    const destination = mapDestination({ script: async () => (outcome === undefined ? [] : [outcome]) })
    const { tally } = await runModel({ destination, index: state.index, rows: [] })
    assert.deepEqual(some(tally.counts), { missing: 1, ...counts })
    state.index.compact()
    const [entry] = entriesOf(state.index.scan())
    assert.equal(entry?.state ?? GONE, after)
    if (after === ACKNOWLEDGED) assert.equal(entry?.print, OLD_PRINT)
  })
}

const FIRST_ATTEMPTS: readonly [EntryState, EntryState][] = [
  [GONE, UNSURE_NEW],
  [UNSURE_NEW, UNSURE_NEW],
  [ACKNOWLEDGED, UNSURE],
  [SEEN, UNSURE],
]

for (const [before, after] of FIRST_ATTEMPTS) {
  test(`a change that is refused after an attempt without an answer makes state ${before} of a key ${after}`, async () => {
    using state = await testIndex()
    if (before !== GONE) putEntries(state.index, [{ key: 7, state: before, print: OLD_PRINT }])
    const destination = mapDestination({
      script: async ({ number, apply }) => {
        // The first attempt lands, and its answer is lost; the second meets what the first has made.
        if (number === 1) apply()
        if (number === 1) throw new RetryableError('timed out')
        return [REJECTED]
      },
    })
    if (before !== GONE) destination.records.set('7', { id: '7', v: 'old' })
    const { tally, error } = await runModel({
      destination,
      index: state.index,
      rows: [['7', 'new']],
      clock: virtualClock(),
    })
    assert.equal(error, undefined)
    assert.deepEqual(some(tally.counts), { read: 1, rejected: 1 })
    const [entry] = entriesOf(state.index.scan())
    assert.equal(entry?.state, after)
  })
}

test('a record that is gone and cannot be created leaves the index', async () => {
  using state = await testIndex({ key: 7, print: OLD_PRINT })
  const destination = mapDestination({ refuses: ({ v }) => (v === 'bad' ? 'bad' : undefined) })
  const run = (v: string) => runModel({ destination, index: state.index, rows: [['7', v]] })
  assert.deepEqual(some((await run('bad')).tally.counts), { read: 1, rejected: 1 })
  assert.deepEqual(entriesOf(state.index.scan()), [])
  assert.deepEqual(some((await run('good')).tally.counts), { read: 1, inserted: 1 })
})

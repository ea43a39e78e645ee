import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { CHANGE_INSERT, CHANGE_NOTE, CHANGE_UPDATE, type DiffBatch } from '../../src/core/diff-batch.ts'
import {
  ACKNOWLEDGED,
  ADOPTED,
  type EntryState,
  GONE,
  RETIRED,
  SEEN,
  SegmentReader,
  UNSURE,
  UNSURE_NEW,
} from '../../src/core/key-entry.ts'
import type { DeleteScope, SyncMode } from '../../src/core/sync-mode.ts'
import { Tally } from '../../src/core/tally.ts'
import { modeFilter } from '../../src/pipeline/mode-filter.ts'
import { segmentOf } from '../support/keys.ts'
import { provenEnd, rowBatch } from '../support/row-batches.ts'

interface Change {
  readonly kind: 1 | 2 | 3
  readonly previous: EntryState
}

/** Every change there can be: an insert of what is not there or may be, an update of everything else. */
const CHANGES: readonly Change[] = [
  { kind: CHANGE_INSERT, previous: GONE },
  { kind: CHANGE_INSERT, previous: UNSURE_NEW },
  { kind: CHANGE_UPDATE, previous: ACKNOWLEDGED },
  { kind: CHANGE_UPDATE, previous: UNSURE },
  { kind: CHANGE_UPDATE, previous: ADOPTED },
  { kind: CHANGE_UPDATE, previous: SEEN },
  { kind: CHANGE_UPDATE, previous: RETIRED },
]
/** Every entry that can be missing. */
const MISSING: readonly EntryState[] = [ACKNOWLEDGED, UNSURE, UNSURE_NEW, ADOPTED, SEEN]

/** A diff with those changes, each of the row of its own number, with number 100 more as its old fingerprint. */
function diffOf(
  changes: readonly Change[],
  missing: readonly EntryState[] = [],
  end: DiffBatch['end'] = null,
): DiffBatch {
  const count = changes.length
  return {
    keyed: {
      rows: rowBatch([]),
      keys: Buffer.alloc(0),
      keyEnds: new Uint32Array(0),
      prints: new Uint32Array(0),
      verdicts: new Uint8Array(0),
    },
    count,
    rows: Uint32Array.from(changes, (_, index) => index),
    kinds: Uint8Array.from(changes, ({ kind }) => kind),
    previous: Uint8Array.from(changes, ({ previous }) => previous),
    previousPrints: Uint32Array.from({ length: count * 2 }, (_, index) => 100 + index),
    missing:
      missing.length === 0 ? null : segmentOf(...missing.map((state, key) => ({ key, state, print: 200 + key }))),
    end,
  }
}

interface Filtered {
  readonly tally: Tally
  /** What came through; undefined where nothing did. */
  readonly diff: DiffBatch | undefined
}

async function filter(mode: SyncMode, scope: DeleteScope, diff: DiffBatch, listed = true): Promise<Filtered> {
  const tally = new Tally()
  const stage = modeFilter(mode, scope, tally, { listed })
  const passed: DiffBatch[] = []
  stage.on('data', (batch: DiffBatch) => passed.push(batch))
  stage.end(diff)
  await once(stage, 'end')
  assert.ok(passed.length <= 1)
  return { tally, diff: passed[0] }
}

function changesOf(diff: DiffBatch | undefined): Change[] {
  if (diff === undefined) return []
  return Array.from({ length: diff.count }, (_, index) => {
    const row = diff.rows[index] as number
    assert.equal(diff.previousPrints[index * 2], 100 + row * 2, 'a change was given the fingerprint of another')
    assert.equal(diff.previousPrints[index * 2 + 1], 101 + row * 2)
    return { kind: diff.kinds[index] as Change['kind'], previous: diff.previous[index] as EntryState }
  })
}

function missingOf(diff: DiffBatch | undefined): EntryState[] {
  const states: EntryState[] = []
  const reader = new SegmentReader(diff?.missing?.bytes ?? Buffer.alloc(0))
  while (reader.next()) {
    const key = Number(reader.bytes.readBigUInt64BE(reader.keyStart) - 2n ** 63n)
    assert.equal(reader.printLow, 200 + key, 'a key was given the fingerprint of another')
    states.push(reader.state)
  }
  return states
}

const INSERTS = CHANGES.slice(0, 2)
const UPDATES = CHANGES.slice(2)
const NOTED: Change = { kind: CHANGE_NOTE, previous: ADOPTED }

/** What each mode lets through, from the table of the contract: rows, and keys that the model lacks. */
const TABLE: readonly [SyncMode, DeleteScope, readonly Change[], skipped: number, readonly EntryState[]][] = [
  ['mirror', 'all', CHANGES, 0, [ACKNOWLEDGED, UNSURE, UNSURE_NEW, ADOPTED, SEEN]],
  ['mirror', 'seen', CHANGES, 0, [ACKNOWLEDGED, UNSURE, UNSURE_NEW, SEEN]],
  ['upsert', 'all', CHANGES, 0, []],
  ['upsert', 'seen', CHANGES, 0, []],
  ['update-only', 'all', UPDATES, 2, []],
  ['update-only', 'seen', UPDATES, 2, []],
  // An unanswered insert may be somebody else's record: a mode that never inserts leaves it alone.
  ['delete-only', 'all', [], 7, [ACKNOWLEDGED, UNSURE, ADOPTED, SEEN]],
  ['delete-only', 'seen', [NOTED], 7, [ACKNOWLEDGED, UNSURE, SEEN]],
  ['insert-only', 'all', INSERTS, 5, []],
  ['insert-only', 'seen', INSERTS, 5, []],
]

for (const [mode, scope, passed, skipped, deleted] of TABLE) {
  test(`${mode} with scope ${scope} passes ${passed.length} of 7 changes and deletes ${deleted.length} of 5 states`, async () => {
    const { diff, tally } = await filter(mode, scope, diffOf(CHANGES, MISSING))
    assert.deepEqual(changesOf(diff), passed)
    assert.equal(tally.counts.skipped, skipped)
    assert.deepEqual(missingOf(diff), deleted)
    assert.equal(tally.counts.kept, MISSING.length - deleted.length)
  })
}

test('update-only sends what the index does not know as an update, as long as nobody listed the destination', async () => {
  for (const scope of ['all', 'seen'] as const) {
    const { diff, tally } = await filter('update-only', scope, diffOf(CHANGES), false)
    assert.deepEqual(
      changesOf(diff),
      CHANGES.map(({ previous }) => ({ kind: CHANGE_UPDATE, previous })),
    )
    assert.equal(tally.counts.skipped, 0)
  }
})

test('whether the destination was listed changes nothing for the other modes', async () => {
  for (const [mode, scope, passed, skipped] of TABLE) {
    if (mode === 'update-only' || mode === 'delete-only') continue
    const { diff, tally } = await filter(mode, scope, diffOf(CHANGES), false)
    assert.deepEqual(changesOf(diff), passed)
    assert.equal(tally.counts.skipped, skipped)
  }
})

test('delete-only remembers keys that it meets as long as nobody listed the destination', async () => {
  const unknown: Change = { kind: CHANGE_INSERT, previous: GONE }
  const { diff, tally } = await filter('delete-only', 'all', diffOf([unknown]), false)
  assert.deepEqual(changesOf(diff), [{ kind: CHANGE_NOTE, previous: GONE }])
  assert.equal(tally.counts.skipped, 1)
})

test('delete-only remembers no key that the index knows already, but for adopted ones with scope seen', async () => {
  for (const scope of ['all', 'seen'] as const) {
    const { diff } = await filter('delete-only', scope, diffOf(CHANGES), false)
    const unknown: Change = { kind: CHANGE_NOTE, previous: GONE }
    assert.deepEqual(changesOf(diff), scope === 'seen' ? [unknown, NOTED] : [unknown])
  }
})

test('a key that only duplicates hold is no update, also where nobody listed the destination', async () => {
  const { diff } = await filter('update-only', 'seen', diffOf([NOTED]), false)
  assert.deepEqual(changesOf(diff), [])
})

test('a destination counts as listed unless something else is said', async () => {
  const stage = modeFilter('update-only', 'all', new Tally())
  const passed: DiffBatch[] = []
  stage.on('data', (batch: DiffBatch) => passed.push(batch))
  stage.end(diffOf(CHANGES))
  await once(stage, 'end')
  assert.deepEqual(changesOf(passed[0]), UPDATES)
})

test('a key that only duplicates hold is remembered, and not counted again', async () => {
  for (const [mode, scope] of TABLE) {
    const { diff, tally } = await filter(mode, scope, diffOf([NOTED]))
    const remembered = mode === 'mirror' || mode === 'upsert' || (mode === 'delete-only' && scope === 'seen')
    assert.deepEqual(diff === undefined ? [] : changesOf(diff), remembered ? [NOTED] : [])
    assert.equal(tally.counts.skipped, 0)
  }
})

test('a batch of which nothing is left is dropped, but never the end', async () => {
  assert.equal((await filter('delete-only', 'all', diffOf(INSERTS))).diff, undefined)
  const end = { model: provenEnd(2), rows: 2, unkeyed: 0, entriesByState: { 0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0 } }
  const { diff } = await filter('upsert', 'all', diffOf([], [ACKNOWLEDGED], end))
  assert.equal(diff?.end, end)
  assert.equal(diff?.missing, null)
})

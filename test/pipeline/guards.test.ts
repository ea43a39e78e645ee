import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EntryState } from '../../src/core/key-entry.ts'
import type { EndOfModel } from '../../src/core/row-batch.ts'
import type { DeleteScope, SyncMode } from '../../src/core/sync-mode.ts'
import {
  type Allowances,
  judgeDeletes,
  printThreshold,
  recordsInScope,
  type Threshold,
  tooManyRejected,
} from '../../src/pipeline/guards.ts'

interface Case {
  readonly deletes: number
  readonly rows?: number
  readonly end?: Partial<EndOfModel>
  readonly unkeyed?: number
  readonly mode?: SyncMode
  readonly scope?: DeleteScope
  readonly entries?: Partial<Record<EntryState, number>>
  readonly maxDeletes?: Threshold
  readonly allow?: Allowances
  readonly partial?: string
  readonly expectsProof?: boolean
}

/** A run over 1,000 acknowledged records with 900 rows, unless the case says otherwise. */
function held(given: Case) {
  const { deletes, rows = 900, unkeyed = 0, mode = 'mirror', scope = 'all', maxDeletes, allow = {} } = given
  const verdicts = judgeDeletes({
    end: {
      model: { rows, proven: true, evidence: 'COMMIT', ...given.end },
      rows,
      unkeyed,
      entriesByState: { ...NO_ENTRIES, ...(given.entries ?? { 1: 1000 }) },
    },
    deletes,
    mode,
    scope,
    maxDeletes,
    allow,
    partial: given.partial,
    ...(given.expectsProof === undefined ? {} : { expectsProof: given.expectsProof }),
  })
  for (const verdict of verdicts) assert.equal(verdict.held, given.partial === undefined ? deletes : 0)
  return verdicts
}

const NO_ENTRIES: Record<EntryState, number> = { 0: 0, 1: 0, 2: 0, 3: 0, 4: 0, 5: 0, 6: 0 }

/** Each guard, at its limit and beyond, and what lifts it. `holds` names the guards that hold the deletes. */
const CASES: readonly [what: string, given: Case, holds: readonly string[]][] = [
  ['nothing to delete', { deletes: 0, rows: 0, unkeyed: 9, end: { proven: false } }, []],
  ['few deletes after a proven end', { deletes: 20 }, []],
  [
    'nothing to delete, where a proof is expected',
    { deletes: 0, expectsProof: true, end: { proven: false } },
    ['unproven_end'],
  ],
  ['nothing to delete, and the expected proof', { deletes: 0, expectsProof: true }, []],
  [
    'nothing to delete and no proof, with rows without a key',
    { deletes: 0, unkeyed: 9, rows: 0, expectsProof: true, end: { proven: false } },
    ['unproven_end'],
  ],
  ['part of a model', { deletes: 0, partial: 'the first 10 rows' }, ['partial_run']],
  ['part of a model, whatever it lacks', { deletes: 900, unkeyed: 3, partial: 'the first 10 rows' }, ['partial_run']],

  ['an end that is not proven', { deletes: 1, end: { proven: false, evidence: 'the pipe closed' } }, ['unproven_end']],
  ['fewer rows than the source sent', { deletes: 1, end: { rows: 901 } }, ['unproven_end']],
  ['more rows than the source sent', { deletes: 1, end: { rows: 899 } }, ['unproven_end']],
  [
    'an unproven end, whatever is allowed',
    {
      deletes: 1,
      end: { proven: false },
      allow: { deletes: { percent: 100 }, empty: true, deletesWithInvalid: true },
    },
    ['unproven_end'],
  ],

  ['a row without a key', { deletes: 1, unkeyed: 1 }, ['invalid_keys']],
  ['a row without a key, allowed', { deletes: 1, unkeyed: 1, allow: { deletesWithInvalid: true } }, []],
  [
    'a row without a key, with deletes allowed',
    { deletes: 1, unkeyed: 1, allow: { deletes: { percent: 100 }, empty: true } },
    ['invalid_keys'],
  ],

  ['an empty model', { deletes: 1, rows: 0 }, ['empty_model']],
  ['an empty model, allowed', { deletes: 1000, rows: 0, allow: { empty: true } }, []],
  [
    'an empty model, with deletes allowed',
    { deletes: 1000, rows: 0, allow: { deletes: { percent: 100 } } },
    ['empty_model'],
  ],
  [
    'an empty model whose end is not proven, allowed',
    { deletes: 1, rows: 0, end: { proven: false }, allow: { empty: true } },
    ['unproven_end'],
  ],

  ['21 deletes of few records', { deletes: 21, entries: { 1: 209 } }, ['max_deletes']],
  ['20 deletes of few records', { deletes: 20, entries: { 1: 20 } }, []],
  ['exactly 10 %', { deletes: 100 }, []],
  ['just above 10 %', { deletes: 101 }, ['max_deletes']],
  ['just above 10 %, allowed by number', { deletes: 101, allow: { deletes: { count: 101 } } }, []],
  ['just above what is allowed by number', { deletes: 101, allow: { deletes: { count: 100 } } }, ['max_deletes']],
  ['just above 10 %, allowed by share', { deletes: 101, allow: { deletes: { percent: 10.1 } } }, []],
  ['an allowance below the default', { deletes: 3, allow: { deletes: { count: 2 } } }, ['max_deletes']],
  ['above a limit by number', { deletes: 6, maxDeletes: { count: 5 } }, ['max_deletes']],
  ['at a limit by number', { deletes: 5, maxDeletes: { count: 5 } }, []],
  ['a limit of none', { deletes: 1, maxDeletes: { count: 0 } }, ['max_deletes']],
  ['above a limit by share', { deletes: 51, maxDeletes: { percent: 5 } }, ['max_deletes']],
  ['at a limit by share', { deletes: 50, maxDeletes: { percent: 5 } }, []],
  [
    'a limit by share has no free number',
    { deletes: 1, entries: { 1: 9 }, maxDeletes: { percent: 10 } },
    ['max_deletes'],
  ],
  ['a limit by number above the default', { deletes: 500, maxDeletes: { count: 500 } }, []],
  ['an allowance beats the limit', { deletes: 500, maxDeletes: { count: 5 }, allow: { deletes: { percent: 50 } } }, []],

  ['adopted records count with scope all', { deletes: 30, entries: { 1: 100, 4: 200 } }, []],
  [
    'adopted records do not count with scope seen',
    { deletes: 30, entries: { 1: 100, 4: 200 }, scope: 'seen' },
    ['max_deletes'],
  ],
  ['records that are marked as deleted do not count', { deletes: 30, entries: { 1: 100, 6: 900 } }, ['max_deletes']],

  [
    'several at once',
    { deletes: 500, unkeyed: 2, end: { proven: false } },
    ['unproven_end', 'invalid_keys', 'max_deletes'],
  ],
]

for (const [what, given, holds] of CASES) {
  test(`${what}: deletes are ${holds.length === 0 ? 'sent' : `held by ${holds.join(' and ')}`}`, () => {
    assert.deepEqual(
      held(given).map(({ guard }) => guard),
      holds,
    )
  })
}

test('a run of part of a model says so, and that it deletes nothing where its mode would', () => {
  const of = (mode: SyncMode) => held({ deletes: 0, partial: 'the first 10 rows', mode })[0]?.message ?? ''
  assert.match(
    of('mirror'),
    /^only part of the model was compared \(the first 10 rows\), so .* nothing is deleted; run/,
  )
  assert.match(of('upsert'), /^only part of the model was compared \(the first 10 rows\); run/)
})

test('a verdict says why, and what to type', () => {
  assert.match(
    held({ deletes: 1, end: { proven: false, evidence: 'the pipe closed' } })[0]?.message ?? '',
    /the pipe closed/,
  )
  assert.match(held({ deletes: 1, end: { rows: 901 } })[0]?.message ?? '', /900 rows arrived of 901/)
  assert.match(held({ deletes: 1, unkeyed: 3 })[0]?.message ?? '', /3 rows .* --allow-deletes-with-invalid/)
  assert.match(held({ deletes: 1, rows: 0 })[0]?.message ?? '', /--allow-empty/)
  const [verdict] = held({ deletes: 101 })
  assert.match(verdict?.message ?? '', /101 of 1000 records .* --allow-deletes 101/)
  assert.equal(verdict?.limit, '20 and 10%')
})

test('records in scope are those that the mode could delete', () => {
  const entriesByState = { 0: 1, 1: 10, 2: 100, 3: 1000, 4: 10_000, 5: 100_000, 6: 1_000_000 }
  const end = { model: { rows: 0, proven: true, evidence: '' }, rows: 0, unkeyed: 0, entriesByState }
  const inScope = (mode: SyncMode, scope: DeleteScope) => recordsInScope({ end, mode, scope })
  assert.equal(inScope('mirror', 'all'), 111_110)
  assert.equal(inScope('mirror', 'seen'), 101_110)
  assert.equal(inScope('delete-only', 'all'), 110_110)
  assert.equal(inScope('delete-only', 'seen'), 100_110)
  assert.equal(inScope('upsert', 'all'), 0)
})

test('limits print as they are written', () => {
  assert.equal(printThreshold({ count: 500 }), '500')
  assert.equal(printThreshold({ percent: 5 }), '5%')
  assert.equal(printThreshold(undefined), '20 and 10%')
})

test('too many rejected changes are above the limit, a share of the answers from the hundredth on', () => {
  assert.equal(tooManyRejected(1_000_000, 1_000_000, undefined), false)
  assert.equal(tooManyRejected(5, 5, { count: 5 }), false)
  assert.equal(tooManyRejected(6, 6, { count: 5 }), true)
  assert.equal(tooManyRejected(1, 1, { count: 0 }), true)
  assert.equal(tooManyRejected(99, 99, { percent: 1 }), false)
  assert.equal(tooManyRejected(1, 100, { percent: 1 }), false)
  assert.equal(tooManyRejected(2, 100, { percent: 1 }), true)
  assert.equal(tooManyRejected(300, 1000, { percent: 30 }), false)
  assert.equal(tooManyRejected(301, 1000, { percent: 30 }), true)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatChange, PlanSample } from '../../src/cli/plan-sample.ts'
import { formatPlan } from '../../src/cli/plan-summary.ts'
import { PLAIN } from '../../src/cli/style.ts'
import { reportOf } from './report-builder.ts'

const options = { style: PLAIN, width: 80, verbose: false }

const change = (operation: 'insert' | 'update' | 'delete', key: number) =>
  ({ operation, key: String(key), values: operation === 'delete' ? null : { email: `a${key}@b.c` } }) as const

test('shows changes, totals and how many more there are', () => {
  const report = reportOf({
    dry_run: true,
    counts: { read: 50_075, inserted: 120, updated: 300, unchanged: 49_655, missing: 45, deleted: 45 },
  })
  const sample = [change('insert', 1), change('update', 2), change('delete', 3)]
  assert.equal(
    formatPlan({ report, sample, scope: undefined }, options),
    `contacts  mirror  plan
  + 1  email=a1@b.c
  ~ 2  email=a2@b.c
  - 3
  … and 462 more
  + 120   ~ 300   - 45   = 49,655 unchanged   0.5 s`,
  )
})

test('says that deletes would be held, and what to type', () => {
  const report = reportOf({
    status: 'deletes_held',
    dry_run: true,
    counts: { missing: 50_075, held: 50_075 },
    guards: [{ guard: 'max_deletes', held: 50_075, limit: '20%', message: 'add --allow-deletes 50075' }],
  })
  assert.deepEqual(formatPlan({ report, sample: [], scope: 'all' }, options).split('\n').slice(1), [
    '  + 0   ~ 0   - 50,075 held   = 0 unchanged   0.5 s',
    '  deletes.scope all: every record that the model lacks may be deleted',
    '  a run would hold back the 50,075 deletes and exit 4:',
    '  max_deletes  add --allow-deletes 50075',
  ])
})

test('says which records are spared, and why', () => {
  const notes = (mode: 'mirror' | 'upsert', scope: 'all' | 'seen' | undefined) =>
    formatPlan({ report: reportOf({ mode, counts: { missing: 2, kept: 2 } }), sample: [], scope }, options)
      .split('\n')
      .slice(2)
  assert.deepEqual(notes('mirror', 'seen'), [
    '  deletes.scope seen: 2 records that the model lacks are spared, because the model never held them',
  ])
  assert.deepEqual(notes('upsert', undefined), [
    '  2 records that the model lacks are kept: mode upsert deletes nothing',
  ])
})

test('prints what the engine has to say before the rest', () => {
  const notes = ['the mapping has changed since the last run, so every row counts as changed once']
  assert.deepEqual(
    formatPlan({ report: reportOf({}), sample: [], scope: undefined, notes }, options)
      .split('\n')
      .slice(2),
    [`  ${notes[0]}`],
  )
})

test('a plan that could not be made shows the error', () => {
  const report = reportOf({ status: 'failed', error: { code: 'no_table', message: 'make it', kind: 'configuration' } })
  assert.deepEqual(formatPlan({ report, sample: [], scope: 'all' }, options).split('\n').slice(1), [
    '  failed   + 0   ~ 0   - 0   = 0 unchanged   0.5 s',
    '  error no_table  make it',
  ])
})

test('deletes are not crowded out of the sample by the inserts before them', () => {
  const sample = new PlanSample(6)
  for (let key = 0; key < 100; key++) sample.add(change('insert', key))
  sample.add(change('update', 100))
  for (let key = 200; key < 300; key++) sample.add(change('delete', key))
  assert.deepEqual(
    sample.changes().map(({ operation, key }) => `${operation} ${key}`),
    ['insert 0', 'insert 1', 'insert 2', 'update 100', 'delete 200', 'delete 201'],
  )
})

test('one kind of change may fill the sample, and none asked for is none', () => {
  const sample = new PlanSample(5)
  for (let key = 0; key < 100; key++) sample.add(change('update', key))
  assert.equal(sample.changes().length, 5)
  const none = new PlanSample(0)
  none.add(change('insert', 1))
  assert.deepEqual(none.changes(), [])
})

test('values are told apart, cut and made harmless', () => {
  const values = {
    none: null,
    word: 'null',
    empty: '',
    spaced: 'a b',
    escape: '\x1b[31m',
    long: 'x'.repeat(100),
  }
  assert.equal(
    formatChange({ operation: 'insert', key: '7', values }, PLAIN, 200),
    `+ 7  none=null  word="null"  empty=""  spaced="a b"  escape="\\u001b[31m"  long=${'x'.repeat(39)}…`,
  )
  assert.equal(formatChange({ operation: 'update', key: '7', values }, PLAIN, 20).length, 20)
})

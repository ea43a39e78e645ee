import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ExitCode, exitCodeOf, mostSerious } from '../../src/cli/exit-code.ts'
import { exitCodeOfPlan } from '../../src/cli/plan-summary.ts'
import { reportOf } from './report-builder.ts'

test('every status has its exit code', () => {
  assert.equal(exitCodeOf(reportOf({ status: 'succeeded' })), 0)
  assert.equal(exitCodeOf(reportOf({ status: 'completed_with_errors' })), 3)
  assert.equal(exitCodeOf(reportOf({ status: 'deletes_held' })), 4)
  assert.equal(exitCodeOf(reportOf({ status: 'cancelled' })), 130)
  assert.equal(exitCodeOf(reportOf({ status: 'failed' })), 1)
})

test('a failure exits by who has to react to it', () => {
  const failed = (kind: 'configuration' | 'locked' | 'failed' | 'bug') =>
    exitCodeOf(reportOf({ status: 'failed', error: { code: 'x', message: 'x', kind } }))
  assert.equal(failed('configuration'), 78)
  assert.equal(failed('locked'), 75)
  assert.equal(failed('failed'), 1)
  assert.equal(failed('bug'), 1)
})

test('--allow-rejected forgives bad rows and nothing else', () => {
  const options = { allowRejected: true }
  assert.equal(exitCodeOf(reportOf({ status: 'completed_with_errors' }), options), 0)
  assert.equal(exitCodeOf(reportOf({ status: 'deletes_held' }), options), 4)
  assert.equal(exitCodeOf(reportOf({ status: 'failed' }), options), 1)
})

test('of several syncs the most serious code wins', () => {
  const order: ExitCode[] = [130, 78, 1, 75, 4, 3, 0]
  for (let from = 0; from < order.length; from++) {
    assert.equal(mostSerious(order.slice(from).reverse()), order[from])
  }
  assert.equal(mostSerious([0, 143, 78]), 143)
  assert.equal(mostSerious([]), 0)
})

test('a plan fails only where it could not be made, and tells of changes only when asked to', () => {
  const held = reportOf({ status: 'deletes_held', dry_run: true, counts: { missing: 5, held: 5 } })
  const nothing = reportOf({ dry_run: true, counts: { read: 5, unchanged: 5 } })
  const invalid = reportOf({ status: 'completed_with_errors', dry_run: true, counts: { read: 5, invalid: 5 } })
  const broken = reportOf({ status: 'failed', error: { code: 'x', message: 'x', kind: 'failed' } })
  const codes = (detailedExitcode: boolean) =>
    [held, nothing, invalid, broken].map((report) => exitCodeOfPlan(report, { detailedExitcode }))
  assert.deepEqual(codes(false), [0, 0, 0, 1])
  assert.deepEqual(codes(true), [2, 0, 0, 1])
})

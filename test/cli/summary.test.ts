import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IssueGroups } from '../../src/cli/issue-groups.ts'
import { formatProgress } from '../../src/cli/progress-line.ts'
import { PLAIN } from '../../src/cli/style.ts'
import { formatReport } from '../../src/cli/summary.ts'
import { levelOf } from '../../src/cli/tell-report.ts'
import { formatVerdict } from '../../src/cli/validate-summary.ts'
import { reportOf } from './report-builder.ts'

const lines = (...parameters: Parameters<typeof reportOf>) =>
  formatReport(reportOf(...parameters), { style: PLAIN }).split('\n')

test('a run is summed up on one line', () => {
  assert.deepEqual(
    lines({ counts: { read: 50_075, inserted: 120, updated: 300, unchanged: 49_655, missing: 45, deleted: 45 } }),
    ['contacts  mirror  120 inserted · 300 updated · 45 deleted · 49,655 unchanged   0.5 s'],
  )
})

test('a run that changed nothing says so', () => {
  assert.deepEqual(lines({ counts: { read: 10, unchanged: 10 } }), [
    'contacts  mirror  10 unchanged · nothing to write   0.5 s',
  ])
  assert.deepEqual(lines({}), ['contacts  mirror  no rows   0.5 s'])
})

test('a dry run speaks of what would be', () => {
  assert.deepEqual(lines({ dry_run: true, counts: { read: 3, inserted: 2, unchanged: 1, missing: 1, deleted: 1 } }), [
    'contacts  mirror  dry run · 2 to insert · 1 to delete · 1 unchanged   0.5 s',
  ])
})

test('held deletes come with what to type', () => {
  const message = 'would delete 5 of 5 records (limit 20%): add --allow-deletes 5 if that is right'
  const report = {
    status: 'deletes_held',
    counts: { missing: 5, held: 5 },
    guards: [{ guard: 'max_deletes', held: 5, limit: '20%', message }],
  } as const
  assert.deepEqual(lines(report), ['contacts  mirror  5 deletes held   0.5 s', `  max_deletes  ${message}`])
})

test('a failure says what was done, what went wrong and its code, once', () => {
  const message = 'the model has 3 rows and needs 10: check the query'
  assert.deepEqual(
    lines({
      status: 'failed',
      counts: { read: 3, inserted: 1 },
      guards: [{ guard: 'min_rows', held: 0, limit: '10', message }],
      error: { code: 'min_rows', message, kind: 'failed' },
    }),
    ['contacts  mirror  failed · 1 inserted   0.5 s', `  error min_rows  ${message}`],
  )
})

test('rows that did not land are named by reason, the most frequent first', () => {
  const issue = (kind: 'invalid' | 'rejected', code: string, key: string | null, message: string) =>
    ({ kind, code, key, message, operation: null, payload: null, response: null }) as const
  const groups = new IssueGroups()
  groups.add(issue('invalid', 'missing_key', null, 'id is null'))
  groups.add(issue('rejected', '23505', '7', 'duplicate key\nvalue \x1b[2J'))
  groups.add(issue('rejected', '23505', '8', 'another'))
  groups.add(issue('rejected', '22001', '9', 'too long'))
  const issues = groups.largest(2)
  const report = reportOf({ status: 'completed_with_errors', counts: { read: 4, rejected: 3, invalid: 1 } })
  assert.deepEqual(formatReport(report, { style: PLAIN, issues }).split('\n'), [
    'contacts  mirror  1 invalid · 3 rejected   0.5 s',
    '  rejected  2 × 23505  duplicate key value \\x1b[2J  (first: key 7)',
    '  invalid  1 × missing_key  id is null',
  ])
})

test('a system that has a reason of its own for each row costs no memory', () => {
  const groups = new IssueGroups()
  for (let row = 0; row < 1000; row++) {
    const issue = {
      kind: 'rejected',
      operation: 'insert',
      key: null,
      message: '',
      payload: null,
      response: null,
    } as const
    groups.add({ ...issue, code: `E${row}` })
  }
  assert.equal(groups.largest(1000).length, 100)
})

test('the network is spoken of when it made somebody wait, or when asked', () => {
  const busy = { counts: { read: 1, inserted: 1 }, requests: { sent: 5, retried: 1, throttled_ms: 1000 } }
  assert.equal(lines(busy)[1], '  5 requests · 1 retried · waited 1.0 s for rate limits · run r1')
  const quiet = { counts: { read: 1, inserted: 1 }, requests: { sent: 5, retried: 0, throttled_ms: 0 } }
  assert.equal(lines(quiet).length, 1)
  assert.match(formatReport(reportOf(quiet), { style: PLAIN, verbose: true }), /5 requests/)
})

test('the lines of several syncs stand below one another', () => {
  const line = formatReport(reportOf({ sync: 'a', counts: { read: 1, inserted: 1 } }), { style: PLAIN, nameWidth: 8 })
  assert.equal(line, 'a         mirror  1 inserted   0.5 s')
})

test('progress tells the rate, what is under way and what changed so far', () => {
  const { counts, requests } = reportOf({ counts: { read: 1_234_567, inserted: 120, rejected: 1, delete_rejected: 1 } })
  const progress = {
    sync: 'contacts',
    phase: 'reading',
    counts,
    requests,
    rowsPerSecond: 812_345.4,
    inFlight: 4,
  } as const
  assert.equal(
    formatProgress(progress),
    'contacts  reading  1,234,567 rows · 812,345 rows/s · 4 batches in flight · 120 inserted · 2 rejected',
  )
  const listing = { ...progress, phase: 'listing', counts: reportOf({}).counts, rowsPerSecond: 0, inFlight: 0 } as const
  assert.equal(formatProgress(listing), 'contacts  listing')
})

test('validate says ok or what the problem is, and the notes', () => {
  const options = { style: PLAIN, nameWidth: 8 }
  assert.equal(
    formatVerdict({ sync: 'a', notes: ['will be created'], error: null }, options),
    'a         ok\n  will be created',
  )
  assert.equal(
    formatVerdict({ sync: 'contacts', notes: [], error: { code: 'connection_failed', message: 'no route' } }, options),
    'contacts  problem  connection_failed: no route',
  )
})

test('what is only a warning is one, for --quiet and for logs', () => {
  assert.deepEqual(([0, 2, 3, 4, 1, 75, 78, 130] as const).map(levelOf), [
    'info',
    'info',
    'warn',
    'warn',
    'error',
    'error',
    'error',
    'error',
  ])
})

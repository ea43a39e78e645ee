import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAge, formatBytes, formatTime, runLine } from '../../src/cli/run-line.ts'
import { COLOURED, PLAIN } from '../../src/cli/style.ts'
import { formatTable, type TableColumn } from '../../src/cli/table.ts'
import type { RunRecord } from '../../src/index.ts'
import { reportOf } from './report-builder.ts'

const COLUMNS: readonly TableColumn[] = [{ title: 'key' }, { title: 'count', align: 'right' }, { title: 'what' }]
const lines = (rows: string[][], width = 200) => formatTable(COLUMNS, rows, { style: PLAIN, width }).split('\n')

test('columns stand below their titles, numbers to the right, and nothing trails', () => {
  assert.deepEqual(
    lines([
      ['a', '1', 'first'],
      ['long key', '1,000', ''],
    ]),
    ['key       count  what', 'a             1  first', 'long key  1,000'],
  )
  assert.deepEqual(lines([]), ['key  count  what'])
})

test('where there is too little room the widest column is cut, and no line is too long', () => {
  const rows = [['k', '1', 'x'.repeat(100)]]
  assert.deepEqual(lines(rows, 30), [`key  count  what`, `k        1  ${'x'.repeat(17)}…`])
  for (const width of [1, 5, 12, 13, 20, 40, 60]) {
    for (const line of lines([['k'.repeat(50), '1'.repeat(30), 'x'.repeat(100)]], width)) {
      assert.ok(line.length <= width, `${width}: ${line}`)
    }
  }
})

test('what comes from elsewhere cannot move the cursor or break the table', () => {
  const [, line] = lines([['a\nb\tc', '\u001b[2J', 'é🙂']])
  assert.equal(line, 'a b c  \\x1b[2J  é🙂')
})

test('a colour takes no room', () => {
  const cell = { text: 'failed', format: 'red' } as const
  const [, line] = formatTable([{ title: 'status' }, { title: 'n' }], [[cell, '1']], {
    style: COLOURED,
    width: 80,
  }).split('\n')
  assert.equal(line, '\u001b[31mfailed\u001b[39m  1')
})

test('times, ages and sizes are short', () => {
  assert.equal(formatTime('2026-11-22T18:00:00.123Z'), '2026-11-22 18:00:00Z')
  const now = Date.parse('2026-11-22T18:00:00.000Z')
  assert.equal(formatAge('2026-11-22T17:59:59.900Z', now), 'just now')
  assert.equal(formatAge('2026-11-22T17:56:48.000Z', now), '3 min 12 s ago')
  assert.equal(formatAge('2026-11-21T17:00:00.000Z', now), '25 h 0 min ago')
  assert.equal(formatAge('2026-11-12T18:00:00.000Z', now), '10 days ago')
  assert.deepEqual([0, 1023, 1024, 1_500_000, 5e12].map(formatBytes), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.4 MiB',
    '4.5 TiB',
  ])
})

test('a run without a report is a line with the same fields', () => {
  const record: RunRecord = {
    runId: 'r1',
    sync: 'contacts',
    mode: 'mirror',
    dryRun: false,
    startedAt: '2026-11-22T18:00:00.000Z',
    configDigest: null,
    status: 'failed',
    killed: true,
    report: null,
    leftOut: { invalid: 0, rejected: 0 },
  }
  const killed = runLine(record)
  const reported = runLine({ ...record, killed: false, report: reportOf({}) })
  assert.deepEqual(Object.keys(killed), Object.keys(reported))
  assert.equal((killed['error'] as { code: string }).code, 'killed')
  assert.equal(killed['counts'], null)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatExchange } from '../../src/cli/exchange-text.ts'
import { PLAIN } from '../../src/cli/style.ts'
import { reportOf } from './report-builder.ts'

test('a change that was deferred is shown with the reason, before what became of it', () => {
  const values = { email: 'ada@example.com' }
  const sent = { operation: 'upsert', values, error: null } as const
  const deferred = { status: 'deferred', code: 'row_locked', message: 'somebody edits it' } as const
  const report = reportOf({ mode: 'upsert', counts: { read: 1, inserted: 1 } })
  const exchanges = [
    { ...sent, outcome: deferred },
    { ...sent, outcome: { status: 'done' } as const },
  ]
  const answers = formatExchange({ report, exchanges, issues: [] }, PLAIN)
    .split('\n')
    .filter((line) => line.includes('answer'))
  assert.deepEqual(answers, ['  answer    not now row_locked  somebody edits it', '  answer    done'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatExchange } from '../../src/cli/exchange-text.ts'
import { PLAIN } from '../../src/cli/style.ts'
import { reportOf } from './report-builder.ts'

test('a change that was deferred is shown with the reason, before what became of it', () => {
  const values = { email: 'ada@example.com' }
  const sent = { operation: 'upsert', values, error: null, requests: [] } as const
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

test('what the system was asked and said is shown also where the record landed; a refusal tells it by itself', () => {
  const sent = { operation: 'upsert', values: { email: 'ada@example.com' }, error: null } as const
  const requests = [
    { request: 'POST https://crm.example/people {"email":"ada@example.com"}', response: '201 {"id":7}' },
    { request: 'GET https://crm.example/people/7', response: null },
  ]
  const refused = {
    status: 'rejected',
    code: 'bad',
    message: 'no',
    request: 'POST /people',
    response: '400 no',
  } as const
  const exchanges = [
    { ...sent, requests, outcome: { status: 'done' } as const },
    { ...sent, requests: [], outcome: refused },
  ]
  const text = formatExchange({ report: reportOf({ mode: 'upsert' }), exchanges, issues: [] }, PLAIN)
  assert.deepEqual(
    text.split('\n').filter((line) => /^ {2}(request|response)/.test(line)),
    [
      '  request   POST https://crm.example/people {"email":"ada@example.com"}',
      '  response  201 {"id":7}',
      '  request   GET https://crm.example/people/7',
      '  response  none',
      '  request   POST /people',
      '  response  400 no',
    ],
  )
})

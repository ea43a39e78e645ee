import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runExample } from '../support/run-example.ts'

test('the example of the library runs twice, and a third time that is cancelled', () => {
  const lines = runExample('library/sync-people.ts')
  assert.deepEqual(
    lines.filter((line) => !line.startsWith('note: ')).map((line) => line.trimEnd()),
    [
      'first run: succeeded',
      '  3 inserted, 0 unchanged',
      'second run: succeeded',
      '  0 inserted, 3 unchanged',
      'third run: cancelled',
    ],
  )
})

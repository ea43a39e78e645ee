import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runExample } from '../support/run-example.ts'
import '../../examples/custom-destination/contract.ts'

test('the example with a destination of its own tells what became of each row', () => {
  assert.deepEqual(runExample('custom-destination/main.ts'), [
    '3: not_an_email: nowhere is not an e-mail address',
    'completed_with_errors: 2 inserted, 1 rejected',
    '1 Ada',
    '2 Grace',
  ])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runExample } from '../support/run-example.ts'
import '../../examples/custom-source/contract.ts'

test('the example with a source of its own writes its rows to a file, in key order', () => {
  assert.deepEqual(runExample('custom-source/main.ts'), [
    'succeeded: 2 orders',
    'id,customer,note,total,paid',
    '1,Grace,"by ""post""",5.00,f',
    '9007199254740993,Ada,,19.90,t',
  ])
})

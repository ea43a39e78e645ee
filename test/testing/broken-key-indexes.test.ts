import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KEY_INDEX_MUTANTS } from '../support/broken-key-index.ts'
import { failures, runSuites } from '../support/suite-results.ts'

const results = runSuites('test/support/broken-key-indexes.ts')

describe('the key index contract', () => {
  it('finds nothing wrong with an index that is in order', () => {
    assert.deepEqual(failures(results, 'in order'), [])
    assert.ok((results.get('in order')?.size ?? 0) > 10)
  })

  for (const [name, { caughtBy }] of Object.entries(KEY_INDEX_MUTANTS)) {
    it(`catches an index that ${name}`, () => assert.deepEqual(failures(results, name), [caughtBy]))
  }
})

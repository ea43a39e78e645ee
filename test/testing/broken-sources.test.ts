import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { SOURCE_MUTANTS } from '../support/broken-sources.ts'
import { failures, runSuites } from '../support/suite-results.ts'

const results = runSuites('test/support/broken-sources.ts')

describe('the source contract', () => {
  it('finds nothing wrong with a source that is in order', () => {
    assert.deepEqual(failures(results, 'in order'), [])
    assert.ok((results.get('in order')?.size ?? 0) > 20)
  })

  for (const [name, { caughtBy }] of Object.entries(SOURCE_MUTANTS)) {
    it(`catches a source that ${name}`, () => {
      const failed = failures(results, name)
      assert.ok(failed.includes(caughtBy), `"${caughtBy}" is not among what failed: ${failed.join('; ') || 'nothing'}`)
    })
  }
})

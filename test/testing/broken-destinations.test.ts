import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testDestination } from '../../src/testing/index.ts'
import { MUTANTS } from '../support/broken-destinations.ts'
import { mapDestination } from '../support/map-destination.ts'
import { failures, runSuites } from '../support/suite-results.ts'

const results = runSuites('test/support/broken-destinations.ts')

describe('the destination contract', () => {
  it('finds nothing wrong with a destination that is in order', () => {
    assert.deepEqual(failures(results, 'in order'), [])
    assert.ok((results.get('in order')?.size ?? 0) > 30)
  })

  for (const [name, { caughtBy }] of Object.entries(MUTANTS)) {
    it(`catches a destination that ${name}`, () => {
      const suite =
        caughtBy.startsWith('makes a ') && results.has(`${name}, on a bad day`) ? `${name}, on a bad day` : name
      const failed = failures(results, suite)
      assert.ok(failed.includes(caughtBy), `"${caughtBy}" is not among what failed: ${failed.join('; ') || 'nothing'}`)
    })
  }

  it('refuses to waive a case that does not exist', () => {
    const { definition } = mapDestination()
    const contract = {
      destination: definition,
      options: {},
      object: 'users',
      fields: { id: 'integer' },
      row: (n: number) => ({ id: String(n) }),
      empty: async () => {},
      records: async () => [],
      waive: { 'flies to the moon': 'it has no wings' },
    } as const
    assert.throws(() => testDestination(contract as never), /waive names "flies to the moon"/)
  })
})

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FatalError, messageOf, RetryableError, UnansweredError } from '../core/errors.ts'
import type { DestinationContract } from './destination-contract.ts'
import { someOperation } from './destination-life-cases.ts'
import { openTrial } from './destination-trial.ts'

const ERRORS = { RetryableError, UnansweredError, FatalError } as const

/** One case for each thing that the contract says can go wrong. */
export function registerFaults(suite: string, contract: DestinationContract): void {
  const { faults = [] } = contract
  if (faults.length === 0) return
  describe(`${suite}, on a bad day`, () => {
    for (const { name, begin, expect, retryAfterMs } of faults) {
      test(`makes a ${expect} of ${name}`, { timeout: 60_000 }, async () => {
        const trial = await openTrial(contract)
        const operation = someOperation(trial)
        await using destination = await trial.open(operation)
        // What it opens for its first write is open when the fault begins.
        await trial.write(destination, operation, trial.rows(0, 1))
        let error: unknown
        {
          await using _fault = await begin()
          error = await trial.write(destination, operation, trial.rows(1, 3)).then(
            () => undefined,
            (thrown: unknown) => thrown,
          )
        }
        assert.ok(error !== undefined, 'the write was answered as if nothing had happened')
        assert.ok(error instanceof ERRORS[expect], `not a ${expect}: ${messageOf(error)}`)
        // An insert that must not be sent twice is sent again only where it is certain that it was not applied.
        const isCertain = trial.declaration.insertsAgain === 'twice' && expect === 'RetryableError'
        if (isCertain) assert.ok(!(error instanceof UnansweredError), `nobody knows what came of it: ${error.message}`)
        if (error instanceof FatalError) assert.match(error.code, /^[a-z][a-z0-9_]*$/, 'codes are snake_case')
        if (retryAfterMs !== undefined) assert.equal((error as RetryableError).retryAfterMs, retryAfterMs)
      })
    }
  })
}

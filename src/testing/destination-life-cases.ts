import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Operation } from '../core/change.ts'
import { FatalError, messageOf } from '../core/errors.ts'
import { SYNC_MODE_NAMES } from '../core/sync-mode.ts'
import { type ContractCase, given, within } from './contract-case.ts'
import { assertDone, type DestinationTrial } from './destination-trial.ts'
import { assertNothingLeftOpen, openHandles } from './open-handles.ts'

type Case = ContractCase<DestinationTrial>

/** Milliseconds within which a cancelled write has to end. */
const STOP_MS = 1_000

/** What a destination says of itself, how it begins and how it ends. */
export const LIFE_CASES = {
  'declares at least one sync mode, a match and limits above zero': {
    async run({ declaration, match: chosen }) {
      const { syncModes, limits, match } = declaration
      assert.ok(syncModes.length > 0, 'no sync mode')
      for (const mode of syncModes) assert.ok(SYNC_MODE_NAMES.includes(mode), `there is no mode ${mode}`)
      assert.ok(match === 'any' || match.length > 0, 'no field finds a record')
      const unusable = chosen.find((name) => match !== 'any' && !match.includes(name))
      assert.equal(
        unusable,
        undefined,
        `the contract finds records by ${unusable}, which the declaration does not allow`,
      )
      for (const [name, limit] of Object.entries(limits)) {
        assert.ok(Number.isSafeInteger(limit) && limit > 0, `limits.${name} is ${limit}`)
      }
    },
  },
  'passes its own check': {
    async run(trial) {
      await using destination = await trial.open(someOperation(trial))
      for (const note of await destination.check()) assert.equal(typeof note, 'string')
    },
  },
  'has a list where it declares one, and only there': {
    async run(trial) {
      await using destination = await trial.open(someOperation(trial))
      assert.equal(destination.list === undefined, trial.declaration.lists === 'never')
    },
  },
  'ends in a FatalError with a code when the credentials are bad': {
    exempt: ({ contract }) => (contract.badOptions === undefined ? 'the contract has no badOptions' : undefined),
    async run(trial) {
      await assertFatal(trial, await given(trial.contract.badOptions), {})
    },
  },
  'ends in a FatalError with a code when there is no such object': {
    exempt: ({ contract }) => (contract.unknownObject === undefined ? 'the contract has no unknownObject' : undefined),
    async run(trial) {
      const { unknownObject = '', options } = trial.contract
      await assertFatal(trial, await given(options), { name: unknownObject })
    },
  },
  'makes a missing object when it is asked to, and not before it is prepared': {
    exempt: ({ contract, declaration, unseen }) => {
      if (!declaration.creates) return 'it declares that it makes no objects'
      return unseen ?? (contract.newObject === undefined ? 'the contract has no newObject' : undefined)
    },
    async run(trial) {
      const { newObject = '', unknownObject } = trial.contract
      const operation = writing(trial)
      const request = { name: newObject, create: true }
      const written = await given(trial.contract.options)
      {
        await using destination = await trial.openWith(written, request)
        await destination.check()
      }
      // Where an object that is not there is no mistake, nobody can tell by this whether it was made too early.
      if (unknownObject !== undefined) await assertFatal(trial, written, { name: newObject })
      const rows = trial.rows(0, 3)
      const { mode } = trial
      await using destination = await trial.openWith(written, { ...request, mode: mode(operation) })
      await destination.check()
      // An index may know of records that were lost with the object before this one.
      assert.equal(await destination.prepare(), 'created', 'prepare says that it made the object')
      assertDone(await trial.write(destination, operation, rows))
      assert.equal((await trial.records(newObject)).length, rows.length)
      await using again = await trial.openWith(written, { ...request, mode: mode(operation) })
      assert.notEqual(await again.prepare(), 'created', 'prepare says that it made an object that was there')
    },
  },
  'stops within a second when the signal aborts': {
    async run(trial) {
      const operation = someOperation(trial)
      const destination = await trial.open(operation)
      const rows = trial.rows(0, Math.min(trial.declaration.limits.rows, 5_000))
      await assertStops(trial, destination, operation, rows.length, async () => {
        await nextTurn()
      })
    },
  },
  'stops within a second when the signal aborts while the system says nothing': {
    exempt: ({ contract }) => (contract.stall === undefined ? 'the contract has no stall' : undefined),
    async run(trial) {
      const operation = someOperation(trial)
      const destination = await trial.open(operation)
      // Whatever it opens for its first write is open by now.
      await trial.write(destination, operation, trial.rows(0, 1))
      const stalled = await trial.contract.stall?.()
      try {
        await assertStops(trial, destination, operation, 1, async (write) => {
          const answered = await Promise.race([write.then(() => true), pause(100)])
          assert.equal(answered, undefined, 'the system answered although it was stalled')
        })
      } finally {
        await stalled?.[Symbol.asyncDispose]()
      }
    },
  },
  'leaves nothing open behind it': {
    async run(trial) {
      const operation = someOperation(trial)
      const use = async (from: number) => {
        const destination = await trial.open(operation)
        await trial.write(destination, operation, trial.rows(from, from + 10))
        const list = destination.list?.(new AbortController().signal)
        // A list that nobody reads to its end must not stay open either.
        for await (const _ of list?.rows ?? []) break
        await within(STOP_MS, 'closing', Promise.resolve(destination[Symbol.asyncDispose]()))
      }
      // What is loaded and opened once for all, a pool of the contract's own, is there after the first time.
      await use(0)
      const before = openHandles()
      await use(10)
      await assertNothingLeftOpen(before)
    },
  },
} satisfies Record<string, Case>

async function assertStops(
  trial: DestinationTrial,
  destination: Awaited<ReturnType<DestinationTrial['open']>>,
  operation: Operation,
  count: number,
  before: (write: Promise<unknown>) => Promise<void>,
): Promise<void> {
  const controller = new AbortController()
  const write = destination.write(trial.batch(operation, trial.rows(0, count)), controller.signal)
  const settled = write.then(
    () => undefined,
    () => undefined,
  )
  await before(settled)
  controller.abort(new Error('the test is cancelled'))
  await within(STOP_MS, 'a write whose signal was aborted', settled)
  await within(STOP_MS, 'closing', Promise.resolve(destination[Symbol.asyncDispose]()))
}

/** Fails unless opening or checking ends in a FatalError that a user can act upon. */
async function assertFatal(trial: DestinationTrial, options: unknown, request: { name?: string }): Promise<void> {
  const mode = trial.declaration.syncModes[0]
  const attempt = async () => {
    await using destination = await trial.openWith(options, { ...request, ...(mode === undefined ? {} : { mode }) })
    await destination.check()
  }
  const error: unknown = await attempt().then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error !== undefined, 'opening and checking found nothing wrong')
  assert.ok(error instanceof FatalError, `not a FatalError: ${messageOf(error)}`)
  assert.match(error.code, /^[a-z][a-z0-9_]*$/, 'codes are snake_case')
  assert.notEqual(error.message, '')
}

/** An operation that the engine sends to this destination. */
export function someOperation(trial: DestinationTrial): Operation {
  const operation = (['upsert', 'insert', 'update', 'delete'] as const).find((one) => trial.lacks(one) === undefined)
  assert.ok(operation !== undefined, 'none of its modes sends anything')
  return operation
}

function writing(trial: DestinationTrial): 'upsert' | 'insert' {
  return trial.lacks('upsert') === undefined ? 'upsert' : 'insert'
}

function pause(milliseconds: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds, undefined))
}

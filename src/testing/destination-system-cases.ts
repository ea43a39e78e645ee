import assert from 'node:assert/strict'
import type { Destination } from '../core/destination.ts'
import type { Outcome } from '../core/outcome.ts'
import { type ContractCase, within } from './contract-case.ts'
import type { ContractRecord } from './contract-record.ts'
import { someOperation } from './destination-life-cases.ts'
import { assertDone, type DestinationTrial } from './destination-trial.ts'

type Case = ContractCase<DestinationTrial>

/** Milliseconds for what a flush sends. */
const FLUSH_MS = 10_000

const needsLinks = ({ declaration, unseen }: DestinationTrial) =>
  declaration.links === true ? unseen : 'it declares that it knows no ids of records'
const needsLinksAnd = (operation: 'update' | 'delete') => (trial: DestinationTrial) =>
  needsLinks(trial) ?? trial.lacks('upsert') ?? trial.lacks(operation)

/** What a destination owes the engine that is reached over requests, gathers, locks records or knows them by ids. */
export const SYSTEM_CASES = {
  'enters its gate for each request, and leaves it': {
    exempt: ({ contract }) =>
      contract.destination.pacing === undefined ? 'it declares no limits of requests' : undefined,
    async run(trial) {
      const { credential, rates } = await trial.pacing()
      assert.ok(credential !== '', 'nothing says whose limits these are')
      for (const { requests, perMs } of rates) assert.ok(requests >= 1 && perMs > 0, `${requests} in ${perMs} ms`)
      const operation = someOperation(trial)
      const { context } = trial
      {
        await using destination = await trial.open(operation)
        const before = context.requests
        await trial.write(destination, operation, trial.rows(0, 2))
        assert.ok(context.requests > before, 'a write passed no gate')
        const list = destination.list?.(new AbortController().signal)
        for await (const _ of list?.rows ?? []) break
      }
      assert.equal(context.inUse, 0, `${context.inUse} requests never left the gate`)
    },
  },
  'answers every batch that was written before a flush': {
    async run(trial) {
      const operation = someOperation(trial)
      await using destination = await trial.open(operation)
      const { signal } = new AbortController()
      const size = Math.min(trial.declaration.limits.rows, 2)
      const starts = Array.from({ length: Math.min(trial.declaration.limits.inFlight, 3) }, (_, at) => at * size)
      const batches = starts.map((start) => trial.batch(operation, trial.rows(start, start + size)))
      const answers = batches.map((batch) => destination.write(batch, signal))
      destination.flush?.()
      const outcomes = await within(FLUSH_MS, 'what was flushed', Promise.all(answers))
      for (const answer of outcomes) assert.equal(answer.length, size)
    },
  },
  'defers a change that is locked, and no other': {
    exempt: ({ contract, unseen, lacks }) => {
      if (contract.lock === undefined) return 'the contract has no lock'
      return unseen ?? lacks('upsert')
    },
    async run(trial) {
      await trial.put(trial.rows(0, 3))
      const changed = trial.rows(0, 3).map((row, n) => withMatchOf(trial, trial.rows(n + 50, n + 51)[0], row))
      await using destination = await trial.open('upsert')
      {
        await using _lock = await trial.contract.lock?.(1)
        const outcomes = await trial.write(destination, 'upsert', changed)
        assert.deepEqual(
          outcomes.map(({ status }) => status),
          ['done', 'deferred', 'done'],
        )
        const [, deferred] = outcomes
        assert.ok(deferred?.status === 'deferred' && deferred.code !== '' && deferred.message !== '')
      }
      assertDone(await trial.write(destination, 'upsert', changed.slice(1, 2)))
      await trial.assertRecords(changed)
    },
  },
  'answers the id of each record that it makes or changes': {
    exempt: (trial) => needsLinks(trial) ?? trial.lacks('upsert'),
    async run(trial) {
      await using destination = await trial.open('upsert')
      const made = await trial.write(destination, 'upsert', trial.rows(0, 3))
      const ids = idsOf(made)
      assert.equal(new Set(ids).size, 3, `the ids of three records are ${ids.join()}`)
      const again = await trial.write(destination, 'upsert', trial.rows(0, 3))
      assert.deepEqual(idsOf(again), ids, 'the same records have other ids')
      for (const [index, outcome] of [...made, ...again].entries()) {
        if (outcome.status !== 'done' || outcome.created === undefined) continue
        assert.equal(outcome.created, index < 3, 'it says wrongly whether it made the record')
      }
    },
  },
  'changes the record with an id, whatever its match is now': {
    exempt: needsLinksAnd('update'),
    async run(trial) {
      const { destination, ids } = await withTwo(trial, 'update')
      await using _ = destination
      const moved = trial.rows(50, 51)
      assertDone(await trial.write(destination, 'update', moved, { ids: ids.slice(0, 1) }))
      await trial.assertRecords([...trial.rows(1, 2), ...moved])
    },
  },
  'deletes the record with an id, whatever its match is now': {
    exempt: needsLinksAnd('delete'),
    async run(trial) {
      const { destination, ids } = await withTwo(trial, 'delete')
      await using _ = destination
      assertDone(await trial.write(destination, 'delete', trial.rows(50, 51), { ids: ids.slice(0, 1) }))
      await trial.assertRecords(trial.rows(1, 2))
    },
  },
  'gives each record an identity of its own': {
    exempt: needsLinks,
    async run(trial) {
      await using destination = await trial.open(someOperation(trial))
      const identities = trial.rows(0, 50).map((row) => identityOf(trial, destination, row))
      assert.equal(new Set(identities).size, 50, 'two records have one identity')
    },
  },
  'gives one identity to what it takes for one record': {
    exempt: (trial) =>
      (trial.contract.alias === undefined ? 'the contract has no alias' : undefined) ??
      needsLinks(trial) ??
      trial.lacks('upsert'),
    async run(trial) {
      await using destination = await trial.open('upsert')
      const [row] = trial.rows(0, 1)
      const alias = trial.contract.alias?.(0)
      assert.ok(row !== undefined && alias !== undefined)
      assert.equal(identityOf(trial, destination, alias), identityOf(trial, destination, row))
      const first = idsOf(await trial.write(destination, 'upsert', [row]))
      assert.deepEqual(idsOf(await trial.write(destination, 'upsert', [alias])), first, 'it made a second record')
    },
  },
} satisfies Record<string, Case>

/** Two records, their ids, and a destination that is open for the operation. */
async function withTwo(trial: DestinationTrial, operation: 'update' | 'delete') {
  const destination = await trial.open(operation)
  await using inserting = await trial.open('upsert')
  return { destination, ids: idsOf(await trial.write(inserting, 'upsert', trial.rows(0, 2))) }
}

function idsOf(outcomes: readonly Outcome[]): string[] {
  assertDone(outcomes)
  return outcomes.map((outcome) => {
    const id = outcome.status === 'done' ? outcome.id : undefined
    assert.ok(id !== undefined && id !== '', 'a record was written, and its id is not said')
    return id
  })
}

function identityOf(trial: DestinationTrial, destination: Destination, record: ContractRecord): string {
  const values = trial.match.map((name) => record[name] ?? null)
  return destination.identity?.(values) ?? JSON.stringify(values)
}

/** The content of a record with the match of another. */
function withMatchOf(
  { match }: DestinationTrial,
  content: ContractRecord | undefined,
  record: ContractRecord,
): ContractRecord {
  return { ...content, ...Object.fromEntries(match.map((name) => [name, record[name] ?? null])) }
}

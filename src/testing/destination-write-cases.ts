import assert from 'node:assert/strict'
import type { Operation } from '../core/change.ts'
import { BatchRefusedError } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'
import type { ContractCase } from './contract-case.ts'
import { type ContractRecord, lineBytes } from './contract-record.ts'
import { someOperation } from './destination-life-cases.ts'
import { assertDone, type DestinationTrial } from './destination-trial.ts'

type Case = ContractCase<DestinationTrial>
type Status = Outcome['status']

/** Most rows of the batch that is "as large as it declares", so that a suite stays a matter of seconds. */
const LARGEST_BATCH = 20_000
const LARGEST_BATCH_BYTES = 4 * 1024 * 1024

const cannotLook = ({ unseen }: DestinationTrial) => unseen
const needs =
  (...operations: readonly Operation[]) =>
  (trial: DestinationTrial) =>
    operations.map(trial.lacks).find((reason) => reason !== undefined) ?? trial.unseen

const needsRecognition = (trial: DestinationTrial) =>
  trial.declaration.insertsAgain === 'twice'
    ? 'it declares that an insert which is sent twice makes two records'
    : needs('insert')(trial)

/** What each operation does to the records, and what it answers. */
export const WRITE_CASES = {
  'answers one outcome per change, in order': {
    exempt: cannotLook,
    async run(trial) {
      await assertInOrder(trial, 0)
    },
  },
  'takes a batch as large as it declares': {
    async run(trial) {
      const operation = someOperation(trial)
      const rows = largestBatch(trial)
      await using destination = await trial.open(operation)
      const outcomes = await trial.write(destination, operation, rows)
      if (operation === 'update') return
      assertDone(outcomes)
      if (operation !== 'delete') await trial.assertRecords(rows)
    },
  },
  'takes a batch of as many bytes as it declares': {
    exempt: (trial) =>
      trial.unseen ??
      (trial.fieldOf('text') === undefined ? 'the contract has no field of kind text beside the match' : undefined) ??
      (trial.lacks('upsert') === undefined ? undefined : trial.lacks('insert')),
    async run(trial) {
      const operation = trial.lacks('upsert') === undefined ? 'upsert' : 'insert'
      const rows = largestBatch(trial, 8_000)
      await using destination = await trial.open(operation)
      assertDone(await trial.write(destination, operation, rows))
      await trial.assertRecords(rows)
    },
  },
  'takes a batch of one row': {
    async run(trial) {
      const operation = someOperation(trial)
      const rows = trial.rows(0, 1)
      await using destination = await trial.open(operation)
      const outcomes = await trial.write(destination, operation, rows)
      if (operation === 'update') return
      assertDone(outcomes)
      if (operation !== 'delete') await trial.assertRecords(rows)
    },
  },
  'leaves one record when the same upsert is sent twice': {
    exempt: needs('upsert'),
    async run(trial) {
      const rows = trial.rows(0, 5)
      await using destination = await trial.open('upsert')
      assertDone(await trial.write(destination, 'upsert', rows))
      assertDone(await trial.write(destination, 'upsert', rows))
      await trial.assertRecords(rows)
    },
  },
  'makes and changes records in one batch of upserts': {
    exempt: needs('upsert'),
    async run(trial) {
      await trial.put(trial.rows(0, 4))
      const rows = [0, 1, 2, 3, 4, 5].map((n) => (n % 2 === 0 ? changed(trial, n) : rowOf(trial, n)))
      await using destination = await trial.open('upsert')
      assertDone(await trial.write(destination, 'upsert', rows))
      await trial.assertRecords(rows)
    },
  },
  'answers exists to the insert of a record that is there, and leaves it as it is': {
    exempt: needsRecognition,
    async run(trial) {
      await trial.put(trial.rows(0, 2))
      await using destination = await trial.open('insert')
      const outcomes = await trial.write(destination, 'insert', [changed(trial, 0), changed(trial, 1), rowOf(trial, 2)])
      assert.deepEqual(statuses(outcomes), ['exists', 'exists', 'done'])
      await trial.assertRecords(trial.rows(0, 3))
    },
  },
  'answers exists when the same insert is sent twice': {
    exempt: needsRecognition,
    async run(trial) {
      const rows = trial.rows(0, 3)
      await using destination = await trial.open('insert')
      assertDone(await trial.write(destination, 'insert', rows))
      assert.deepEqual(statuses(await trial.write(destination, 'insert', rows)), ['exists', 'exists', 'exists'])
      await trial.assertRecords(rows)
    },
  },
  'changes only the record with that match': {
    exempt: needs('update'),
    async run(trial) {
      await trial.put(trial.rows(0, 4))
      await using destination = await trial.open('update')
      assertDone(await trial.write(destination, 'update', [changed(trial, 2)]))
      await trial.assertRecords([rowOf(trial, 0), rowOf(trial, 1), changed(trial, 2), rowOf(trial, 3)])
    },
  },
  'answers not_found to the update of a record that is not there, and makes none': {
    exempt: needs('update'),
    async run(trial) {
      await trial.put(trial.rows(0, 2))
      await using destination = await trial.open('update')
      const outcomes = await trial.write(destination, 'update', [changed(trial, 1), changed(trial, 2)])
      assert.deepEqual(statuses(outcomes), ['done', 'not_found'])
      await trial.assertRecords([rowOf(trial, 0), changed(trial, 1)])
    },
  },
  'deletes the record with that match and no other, and accepts deleting it again': {
    exempt: needs('delete'),
    async run(trial) {
      await trial.put(trial.rows(0, 4))
      await using destination = await trial.open('delete')
      const gone = [rowOf(trial, 1), rowOf(trial, 3)]
      assertDone(await trial.write(destination, 'delete', gone))
      await trial.assertRecords([rowOf(trial, 0), rowOf(trial, 2)])
      assertDone(await trial.write(destination, 'delete', gone))
      await trial.assertRecords([rowOf(trial, 0), rowOf(trial, 2)])
    },
  },
  'archives the record with that match and no other where it is asked to': {
    exempt: (trial) => {
      if (!trial.declaration.deletesAs.includes('archive')) return 'it declares that it does not archive'
      return needs('delete')(trial)
    },
    async run(trial) {
      await trial.put(trial.rows(0, 3))
      await using destination = await trial.open('delete', { deletesAs: 'archive' })
      assertDone(await trial.write(destination, 'delete', [rowOf(trial, 1)]))
      await trial.assertRecords([rowOf(trial, 0), rowOf(trial, 2)])
      assertDone(await trial.write(destination, 'delete', [rowOf(trial, 1)]))
    },
  },
  'rejects a bad row without losing its neighbours': {
    exempt: (trial) => {
      if (trial.contract.refusedRow === undefined) return 'the contract has no refusedRow'
      const upserts = trial.lacks('upsert')
      return upserts === undefined ? undefined : trial.lacks('insert')
    },
    async run(trial) {
      const operation = trial.lacks('upsert') === undefined ? 'upsert' : 'insert'
      const bad = trial.contract.refusedRow?.(1) as ContractRecord
      await using destination = await trial.open(operation)
      const write = (rows: readonly ContractRecord[]) => trial.write(destination, operation, rows)
      let outcomes: readonly Outcome[]
      try {
        outcomes = await write([rowOf(trial, 0), bad, rowOf(trial, 2)])
      } catch (error) {
        // Then the engine halves the batch, which is right only where none of it was applied.
        assertRefused(error)
        await trial.assertRecords([])
        outcomes = [
          ...(await write([rowOf(trial, 0)])),
          ...(await write([bad]).catch((alone: unknown): readonly Outcome[] => {
            const { code, message } = assertRefused(alone)
            return [{ status: 'rejected', code, message }]
          })),
          ...(await write([rowOf(trial, 2)])),
        ]
      }
      assert.deepEqual(statuses(outcomes), ['done', 'rejected', 'done'])
      const [, rejected] = outcomes
      assert.ok(rejected?.status === 'rejected')
      assert.notEqual(rejected.code, '', 'a rejected outcome has a code')
      assert.notEqual(rejected.message, '', 'a rejected outcome says why')
      await trial.assertRecords([rowOf(trial, 0), rowOf(trial, 2)])
    },
  },
  'takes several batches at once without mixing their outcomes': {
    exempt: (trial) => {
      const { inFlight } = trial.declaration.limits
      return inFlight > 1 ? trial.unseen : 'it declares that it takes one batch at a time'
    },
    async run(trial) {
      const { inFlight } = trial.declaration.limits
      await assertInOrder(trial, Math.min(inFlight, 4))
    },
  },
} satisfies Record<string, Case>

/**
 * Sends batches in which the answers differ from change to change, so that an answer in the wrong place is seen:
 * records that are there already among others that are not, or bad rows among good ones. `batches` at once; 0 is one.
 */
async function assertInOrder(trial: DestinationTrial, batches: number): Promise<void> {
  const size = Math.min(20, trial.declaration.limits.rows)
  const total = size * Math.max(1, batches)
  const operation = (['update', 'insert', 'upsert', 'delete'] as const).find((one) => trial.lacks(one) === undefined)
  assert.ok(operation !== undefined)
  // No period of the batch size, so that a batch answered with the outcomes of another is seen, too.
  const special = (n: number) => (n * n + (n >> 2)) % 3 === 0
  const numbers = Array.from({ length: total }, (_, n) => n)
  const there = numbers.filter(special).map((n) => rowOf(trial, n))
  const { refusedRow } = trial.contract
  // What a second insert comes to tells nothing where it makes a second record.
  const refuses = operation === 'upsert' || (operation === 'insert' && trial.declaration.insertsAgain === 'twice')
  if ((operation === 'update' || operation === 'insert') && !refuses && there.length > 0) await trial.put(there)
  await using destination = await trial.open(operation)
  const send = async (from: number) => {
    const rows = numbers.slice(from, from + size).map((n) => {
      if (refuses && special(n) && refusedRow !== undefined) return refusedRow(n)
      return operation === 'update' ? changed(trial, n) : rowOf(trial, n)
    })
    try {
      return statuses(await trial.write(destination, operation, rows))
    } catch (error) {
      if (!refuses || refusedRow === undefined) throw error
      assertRefused(error)
      return expected(from)
    }
  }
  const expected = (from: number): Status[] =>
    numbers.slice(from, from + size).map((n): Status => {
      if (operation === 'update') return special(n) ? 'done' : 'not_found'
      if (operation === 'insert' && !refuses) return special(n) ? 'exists' : 'done'
      return refuses && special(n) && refusedRow !== undefined ? 'rejected' : 'done'
    })
  const starts = numbers.filter((n) => n % size === 0)
  const answers = await Promise.all(starts.map(send))
  for (const [index, answer] of answers.entries()) assert.deepEqual(answer, expected(starts[index] as number))
}

/** As many rows as fit; each made longer by so many characters of text. */
function largestBatch(trial: DestinationTrial, padding = 0): ContractRecord[] {
  const { rows: limit, bytes } = trial.declaration.limits
  const text = trial.fieldOf('text')
  const rows: ContractRecord[] = []
  let size = 0
  while (rows.length < Math.min(limit, LARGEST_BATCH)) {
    const plain = rowOf(trial, rows.length)
    const row =
      padding === 0 || text === undefined ? plain : { ...plain, [text]: `${plain[text]}${'x'.repeat(padding)}` }
    size += lineBytes(trial.fields, row)
    if (size > Math.min(bytes, LARGEST_BATCH_BYTES) && rows.length > 0) break
    rows.push(row)
  }
  return rows
}

function rowOf(trial: DestinationTrial, n: number): ContractRecord {
  return trial.rows(n, n + 1)[0] as ContractRecord
}

/** Record `n` with the content of another one: the same match, other values. */
function changed(trial: DestinationTrial, n: number): ContractRecord {
  const row = rowOf(trial, n)
  const other = rowOf(trial, n + 1_000_003)
  return { ...other, ...Object.fromEntries(trial.match.map((name) => [name, row[name] ?? null])) }
}

function statuses(outcomes: readonly Outcome[]): Status[] {
  return outcomes.map(({ status }) => status)
}

function assertRefused(error: unknown): BatchRefusedError {
  assert.ok(error instanceof BatchRefusedError, `a bad row is an outcome, or a BatchRefusedError: ${String(error)}`)
  assert.notEqual(error.code, '')
  return error
}

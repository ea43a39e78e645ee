import assert from 'node:assert/strict'
import type { ChangeBatch, Field, Operation } from '../core/change.ts'
import type { ValueKind } from '../core/column.ts'
import type { Destination, ObjectDeclaration, ObjectRequest } from '../core/destination.ts'
import { messageOf } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Rate } from '../core/request-gate.ts'
import { SYNC_MODES, type SyncMode } from '../core/sync-mode.ts'
import { given } from './contract-case.ts'
import { batchOf, type ContractRecord, encodingOf, TYPE_OF } from './contract-record.ts'
import type { DestinationContract } from './destination-contract.ts'
import { differences } from './record-differences.ts'
import { type TestContext, testContext } from './test-context.ts'

/** What a batch has besides its records. Default: all fields of the contract, and no ids. */
export interface Sending {
  readonly fields?: readonly Field[]
  readonly ids?: readonly string[]
}

/** One case's view of the destination: the object is there and empty. */
export interface DestinationTrial {
  readonly contract: DestinationContract
  readonly declaration: ObjectDeclaration
  readonly match: readonly string[]
  /** Match fields first. */
  readonly fields: readonly Field[]
  /** Why the operation cannot be tried; undefined where it can. */
  lacks(operation: Operation): string | undefined
  /** The strongest mode in which the engine sends the operation. */
  mode(operation: Operation): SyncMode
  /** Why nobody can look at the records. */
  readonly unseen: string | undefined
  /** A field of that kind that finds no record. */
  fieldOf(kind: ValueKind): string | undefined
  rows(from: number, to: number): ContractRecord[]
  /** Opened, checked and prepared for a mode that has the operation. */
  open(operation: Operation, request?: Partial<ObjectRequest>): Promise<Destination>
  /** Opened and nothing else, with these options as a user writes them. */
  openWith(written: unknown, request?: Partial<ObjectRequest>): Promise<Destination>
  /** A batch as the engine makes it. */
  batch(operation: Operation, records: readonly ContractRecord[], sending?: Sending): ChangeBatch
  /** Writes such a batch, and flushes. */
  write(
    destination: Destination,
    operation: Operation,
    records: readonly ContractRecord[],
    sending?: Sending,
  ): Promise<readonly Outcome[]>
  /** What all destinations that the case opens were lent. */
  readonly context: TestContext
  /** What the destination says of its limits. */
  pacing(): Promise<{ readonly credential: string; readonly rates: readonly Rate[] }>
  /** Puts records there, whichever way there is. */
  put(records: readonly ContractRecord[]): Promise<void>
  /** What the system holds, in the order of its match, with the fields of the contract only. */
  records(object?: string): Promise<ContractRecord[]>
  /** Fails where the system holds anything else than these. */
  assertRecords(expected: readonly ContractRecord[]): Promise<void>
}

const never: AbortSignal = new AbortController().signal

export async function openTrial(contract: DestinationContract): Promise<DestinationTrial> {
  const { destination: definition, records } = contract
  const written = await given(contract.options)
  const declaration = definition.object(contract.object, await readOptions(contract, written))
  const match = contract.match ?? Object.keys(contract.fields).slice(0, 1)
  const fields = fieldsOf(contract, match)
  await contract.empty()
  const context = testContext()

  const openWith: DestinationTrial['openWith'] = async (chosen, request = {}) =>
    definition.open(
      await readOptions(contract, chosen),
      {
        name: contract.object,
        mode: declaration.syncModes[0] as SyncMode,
        fields,
        match,
        keyEncodings: fields.slice(0, match.length).map(({ kind }) => encodingOf(kind)),
        create: false,
        deletesAs: 'delete',
        ...request,
      },
      context,
    )
  const trial: DestinationTrial = {
    contract,
    declaration,
    match,
    fields,
    unseen: typeof records === 'function' ? undefined : `nobody can look: ${records.waived}`,
    lacks: (operation) =>
      modeFor(operation, declaration) === undefined ? `it declares no mode that sends ${operation}s` : undefined,
    mode: (operation) => {
      const mode = modeFor(operation, declaration)
      assert.ok(mode !== undefined)
      return mode
    },
    fieldOf: (kind) => fields.slice(match.length).find((field) => field.kind === kind)?.name,
    rows: (from, to) => Array.from({ length: to - from }, (_, index) => rowOf(contract, fields, from + index)),
    openWith,
    async open(operation, request = {}) {
      const opened = await openWith(written, { mode: trial.mode(operation), ...request })
      try {
        await opened.check()
        await opened.prepare()
        return opened
      } catch (error) {
        await opened[Symbol.asyncDispose]()
        throw error
      }
    },
    context,
    async pacing() {
      const limit = definition.pacing?.(await readOptions(contract, written))
      assert.ok(limit !== undefined)
      return limit
    },
    batch(operation, rows, { fields: chosen = fields, ids = rows.map(() => undefined) } = {}) {
      const sent = operation === 'delete' ? chosen.slice(0, match.length) : chosen
      return batchOf(operation, sent, rows, declaration.links === true ? ids : undefined)
    },
    async write(destination, operation, rows, sending = {}) {
      const writing = destination.write(trial.batch(operation, rows, sending), never)
      destination.flush?.()
      const outcomes = await writing
      assert.equal(outcomes.length, rows.length, `${outcomes.length} outcomes for ${rows.length} changes`)
      return outcomes
    },
    async put(rows) {
      if (contract.put !== undefined) return contract.put(rows)
      const operation = (['upsert', 'insert'] as const).find((one) => modeFor(one, declaration) !== undefined)
      assert.ok(operation !== undefined, 'no mode inserts: give the contract a `put` that does')
      await using destination = await trial.open(operation)
      assertDone(await trial.write(destination, operation, rows))
    },
    async records(object = contract.object) {
      assert.ok(typeof records === 'function')
      const names = fields.map(({ name }) => name)
      const found = await records(object)
      return found
        .map((record) => Object.fromEntries(names.map((name) => [name, record[name] ?? null])))
        .sort((a, b) => compare(keyOf(a, match), keyOf(b, match)))
    },
    async assertRecords(expected) {
      if (typeof records !== 'function') return
      const problems = differences(expected, await trial.records(), { fields, match })
      assert.equal(problems.length, 0, problems.join('; '))
    },
  }
  return trial
}

/** Fails unless every change was applied. */
export function assertDone(outcomes: readonly Outcome[]): void {
  for (const [index, outcome] of outcomes.entries()) {
    const said = outcome.status === 'rejected' ? ` (${outcome.code}: ${outcome.message})` : ''
    assert.equal(outcome.status, 'done', `change ${index} was answered with ${outcome.status}${said}`)
  }
}

function modeFor(operation: Operation, declaration: ObjectDeclaration): SyncMode | undefined {
  const sends = (mode: SyncMode): boolean => {
    const allows = SYNC_MODES[mode]
    if (operation === 'delete') return allows.delete
    if (operation === 'update') return allows.update
    return allows.insert && allows.update === (operation === 'upsert')
  }
  return (Object.keys(SYNC_MODES) as SyncMode[]).find((mode) => declaration.syncModes.includes(mode) && sends(mode))
}

async function readOptions(contract: DestinationContract, written: unknown): Promise<unknown> {
  const read = await contract.destination.options.safeParseAsync(written)
  assert.ok(read.success, `the options of the contract are not what the destination takes: ${messageOf(read.error)}`)
  return contract.destination.locate?.(read.data, process.cwd()) ?? read.data
}

function fieldsOf(contract: DestinationContract, match: readonly string[]): Field[] {
  const names = Object.keys(contract.fields)
  for (const name of match) assert.ok(names.includes(name), `match names ${name}, which is not among the fields`)
  const ordered = [...match, ...names.filter((name) => !match.includes(name))]
  return ordered.map((name) => {
    const kind = contract.fields[name] as ValueKind
    return { name, kind, type: TYPE_OF[kind], nulls: 'write', on: 'always' }
  })
}

function rowOf(contract: DestinationContract, fields: readonly Field[], n: number): ContractRecord {
  const row = contract.row(n)
  for (const { name } of fields) assert.ok(row[name] !== undefined, `row(${n}) has no ${name}`)
  return row
}

function keyOf(record: ContractRecord, match: readonly string[]): string {
  return JSON.stringify(match.map((name) => record[name]))
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

import type { ValueKind } from '../core/column.ts'
import type { ModelRequest, SourceDefinition } from '../core/source.ts'
import { type Given, registerCases } from './contract-case.ts'
import type { ContractRecord } from './contract-record.ts'
import { MODEL_CASES } from './source-model-cases.ts'
import { STREAM_CASES } from './source-stream-cases.ts'
import { openSourceTrial } from './source-trial.ts'
import { SOURCE_VALUE_CASES } from './source-value-cases.ts'

const CASES = { ...MODEL_CASES, ...STREAM_CASES, ...SOURCE_VALUE_CASES }

/** The name of a case of {@link testSource}. */
export type SourceCase = keyof typeof CASES

export const SOURCE_CASES = Object.keys(CASES) as readonly SourceCase[]

/** What {@link testSource} has to know about a source and the system behind it. */
export interface SourceContract {
  // biome-ignore lint/suspicious/noExplicitAny: each definition has options of its own, checked by its own schema
  readonly source: SourceDefinition<any>
  /** Options of the connection, as a user writes them. */
  readonly options: Given<Readonly<Record<string, unknown>>>
  /** The model: `{ table: 'users' }`, `{ sql: 'select …' }`. */
  readonly model: Given<Partial<ModelRequest>>
  /** Its columns in their order, and the kinds that the source says they are. */
  readonly columns: Readonly<Record<string, ValueKind>>
  /** Row number `n` (0, 1, 2 …), with all columns; no two numbers have the same key. */
  row(n: number): ContractRecord
  /** Makes these rows the whole model, by other means than the connector's own code. Runs before each read. */
  fill(rows: readonly ContractRecord[]): Promise<void>
  /** Columns by which the model is read in order. Default: its first integer, its first text, and both. */
  readonly keys?: readonly (readonly string[])[]
  /** Options that the system refuses: a wrong password, a host that is not there. */
  readonly badOptions?: Given<Readonly<Record<string, unknown>>>
  /** A model that does not exist. */
  readonly unknownModel?: Partial<ModelRequest>
  /** Breaks the connection of the read that is going on, as a network does. */
  breakOff?(): Promise<void>
  /** Replaces the values of a kind, where the system cannot hold all of them. */
  readonly values?: Readonly<Partial<Record<ValueKind, readonly string[]>>>
  /** Cases that this source does not meet, and why. They are shown as skipped. */
  readonly waive?: Readonly<Partial<Record<SourceCase, string>>>
  /** Title of the suite. Default: the type of the source. */
  readonly name?: string
}

/** Registers the cases of the source contract with node:test. */
export function testSource(contract: SourceContract): void {
  const name = contract.name ?? `${contract.source.type} as a source`
  registerCases(name, CASES, contract.waive ?? {}, async () => openSourceTrial(contract))
}

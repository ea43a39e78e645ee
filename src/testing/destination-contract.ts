import type { ValueKind } from '../core/column.ts'
import type { DestinationDefinition } from '../core/destination.ts'
import { type Given, registerCases } from './contract-case.ts'
import type { ContractRecord } from './contract-record.ts'
import { registerFaults } from './destination-faults.ts'
import { LIFE_CASES } from './destination-life-cases.ts'
import { LIST_CASES } from './destination-list-cases.ts'
import { SYSTEM_CASES } from './destination-system-cases.ts'
import { openTrial } from './destination-trial.ts'
import { VALUE_CASES } from './destination-value-cases.ts'
import { WRITE_CASES } from './destination-write-cases.ts'

const CASES = { ...LIFE_CASES, ...WRITE_CASES, ...SYSTEM_CASES, ...LIST_CASES, ...VALUE_CASES }

/** The name of a case of {@link testDestination}. */
export type DestinationCase = keyof typeof CASES

export const DESTINATION_CASES = Object.keys(CASES) as readonly DestinationCase[]

/** What {@link testDestination} has to know about a destination and the system behind it. */
export interface DestinationContract {
  // biome-ignore lint/suspicious/noExplicitAny: each definition has options of its own, checked by its own schema
  readonly destination: DestinationDefinition<any>
  /** Options of the connection, as a user writes them. */
  readonly options: Given<Readonly<Record<string, unknown>>>
  /** Object that is written to. */
  readonly object: string
  /** Its fields and what they hold; those of {@link match} are the first. */
  readonly fields: Readonly<Record<string, ValueKind>>
  /** Fields that find a record. Default: the first one. */
  readonly match?: readonly string[]
  /** Record number `n` (0, 1, 2 …), with all fields; no two numbers have the same match. */
  row(n: number): ContractRecord
  /** The same with something in it that the system refuses. Without it nobody knows what a bad row does. */
  refusedRow?(n: number): ContractRecord
  /** Leaves the object there, without a record. Runs before each case. */
  empty(): Promise<void>
  /**
   * All records of the object, in any order, read by other means than the connector's own code. `waived` is for systems
   * that keep nothing, and skips everything that has to look.
   */
  readonly records: ((object: string) => Promise<readonly ContractRecord[]>) | { readonly waived: string }
  /** Puts records there by other means. Only for destinations with no mode that inserts. */
  put?(records: readonly ContractRecord[]): Promise<void>
  /** Options that the system refuses: a wrong password, a host that is not there. */
  readonly badOptions?: Given<Readonly<Record<string, unknown>>>
  /** Name of an object that does not exist. */
  readonly unknownObject?: string
  /** Name of an object that does not exist and may be made. */
  readonly newObject?: string
  /** Makes the system accept what is sent and answer nothing, until what it returns is disposed. */
  stall?(): Promise<AsyncDisposable>
  /** Makes the system refuse to change record `n` now, until what it returns is disposed. */
  lock?(n: number): Promise<AsyncDisposable>
  /** Record number `n` with its match written in another way, which the system takes for the same (`A@b.c` for `a@b.c`). */
  alias?(n: number): ContractRecord
  /** What the system does on a bad day, and which error the destination has to make of it. */
  readonly faults?: readonly DestinationFault[]
  /** Replaces the values of a kind, where the system cannot hold all of them: an empty text that becomes null, say. */
  readonly values?: Readonly<Partial<Record<ValueKind, readonly string[]>>>
  /** Cases that this destination does not meet, and why. They are shown as skipped. */
  readonly waive?: Readonly<Partial<Record<DestinationCase, string>>>
  /** Title of the suite. Default: the type of the destination. */
  readonly name?: string
}

export interface DestinationFault {
  /** `a 429`, `a password that has expired`: the case is called "makes a RetryableError of a 429". */
  readonly name: string
  /** Makes it so, until what it returns is disposed. */
  begin(): Promise<AsyncDisposable>
  readonly expect: 'RetryableError' | 'UnansweredError' | 'FatalError'
  /** Milliseconds that the error has to ask for. */
  readonly retryAfterMs?: number
}

/**
 * Registers the cases of the destination contract with node:test. What the destination does not declare is not asked
 * of it: the declaration is the one that the engine goes by.
 */
export function testDestination(contract: DestinationContract): void {
  const name = contract.name ?? `${contract.destination.type} as a destination`
  registerCases(name, CASES, contract.waive ?? {}, () => openTrial(contract))
  registerFaults(name, contract)
}

import type { ChangeBatch, Operation } from '../../src/core/change.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import type { Counts, RunStatus } from '../../src/core/report.ts'
import type { DurableIndex } from './durable-index.ts'
import type { RunPlan } from './history.ts'

/** A change as the destination gets it. */
export interface Change {
  readonly operation: Operation
  /** Whether the record goes, or is marked as gone. */
  readonly deletes: boolean
  /** Of the row; empty where the change does not say it: a delete by another match. */
  readonly key: string
  readonly values: Readonly<Record<string, string | null>>
  /** The destination's own id of the record, where the change carries it. */
  readonly id: string | undefined
}

/** A batch that was sent, until it is known what came of it. */
export interface Request {
  answered(outcomes: readonly (Outcome | undefined)[]): void
  failed(error: unknown): void
}

/** What a run says of itself. */
export interface Said {
  readonly status: RunStatus
  readonly counts: Counts
  readonly error: { readonly code: string; readonly message: string; readonly kind: string } | null
  /** The rows that it lists as not delivered. */
  readonly issues: readonly { readonly key: string | null; readonly code: string }[]
}

/** A rule of the promise that was broken. */
export interface Violation {
  readonly rule: string
  readonly message: string
}

/**
 * The destination as a plain map, and the rules that hold whatever happens: written from the promise, apart from the
 * product's code.
 */
export interface Judge {
  readonly violations: Violation[]
  /** Requests of the run that goes on, or went on last. */
  readonly requests: number
  begin(plan: RunPlan): void
  /** The source has sent every row, and is about to say so. */
  modelEnded(): void
  /** A file of the state is about to be written: its commits have to be on the disk, not on their way (FULL is 2). */
  flushes(file: string, synchronous: number): void
  /** A batch is here; `durable` is what the key index says on disk at this moment. */
  arrives(batch: ChangeBatch, changes: readonly Change[], durable: DurableIndex): Request
  /** Carries out changes, and says what came of each. */
  apply(changes: readonly Change[]): Outcome[]
  /** The keys that the destination holds. */
  keys(): string[]
  /** What holds when a run has ended by itself: what it says is true. `last`: it is the last of a history. */
  ended(said: Said, last: boolean): void
  /** What holds between any two runs, however the last one ended. */
  between(durable: DurableIndex): void
}

/** Notes a rule that does not hold. */
export type Rule = (rule: string, holds: boolean, message: string) => void

import type { Field, Operation } from '../core/change.ts'
import { BatchRefusedError, FatalError, type FatalKind, RetryableError } from '../core/errors.ts'
import { DONE, EXISTS, NOT_FOUND, type Outcome } from '../core/outcome.ts'

/**
 * What goes between a destination and the thread that writes for it. Buffers are moved and not copied, outcomes are
 * a byte each, and errors are told in words: a clone of an error is of no class of ours, and has no code.
 */

export interface BatchMessage {
  readonly operation: Operation
  /** Null: those of the message before. */
  readonly fields: readonly Field[] | null
  readonly count: number
  /** The lines are the first `bytes` of it. It comes back with the answer, to be used again. */
  readonly buffer: ArrayBuffer
  readonly bytes: number
}

/** To the thread; `close` is the last. One answer a batch comes back, in the same order. */
export type ThreadMessage = BatchMessage | 'close'

export interface Answer {
  readonly buffer: ArrayBuffer
  readonly outcomes?: PackedOutcomes
  readonly error?: ToldError
}

/** A status for each change; null where all of them are done, as in most batches. */
export interface PackedOutcomes {
  readonly statuses: Uint8Array | null
  /** The outcomes of the changes with status REJECTED, in order. */
  readonly rejected: readonly Outcome[]
}

const DONE_STATUS = 0
const NOT_FOUND_STATUS = 1
const EXISTS_STATUS = 2
const REJECTED_STATUS = 3

export function packOutcomes(outcomes: readonly Outcome[]): PackedOutcomes {
  const statuses = Uint8Array.from(outcomes, ({ status }) => {
    if (status === 'done') return DONE_STATUS
    return status === 'not_found' ? NOT_FOUND_STATUS : status === 'exists' ? EXISTS_STATUS : REJECTED_STATUS
  })
  if (statuses.every((status) => status === DONE_STATUS)) return { statuses: null, rejected: [] }
  return { statuses, rejected: outcomes.filter(({ status }) => status === 'rejected') }
}

export function unpackOutcomes({ statuses, rejected }: PackedOutcomes, count: number): Outcome[] {
  if (statuses === null) return new Array<Outcome>(count).fill(DONE)
  let next = 0
  return Array.from(statuses, (status) => {
    if (status === REJECTED_STATUS) return rejected[next++] as Outcome
    return status === NOT_FOUND_STATUS ? NOT_FOUND : status === EXISTS_STATUS ? EXISTS : DONE
  })
}

/** An error in words. */
export interface ToldError {
  readonly name: string
  readonly message: string
  readonly code: string | undefined
  readonly kind: FatalKind | undefined
  readonly stack: string | undefined
  readonly cause: ToldError | undefined
}

/** Errors of ours and of SQLite have a code. */
interface Thrown extends Error {
  readonly code?: string
  readonly kind?: FatalKind
}

export function tell(error: unknown): ToldError {
  const thrown: Thrown = error instanceof Error ? error : new Error(String(error))
  const { name, message, code, kind, stack, cause } = thrown
  return { name, message, code, kind, stack, cause: cause === undefined ? undefined : tell(cause) }
}

/** The error again, of the class that it was where the class says who has to react. */
export function retold({ name, message, code, kind = 'failed', stack, cause: told }: ToldError): Error {
  const cause = told === undefined ? undefined : retold(told)
  switch (name) {
    case 'RetryableError':
      return new RetryableError(message, { cause })
    case 'BatchRefusedError':
      return new BatchRefusedError(code as string, message, { cause })
    case 'FatalError':
      return new FatalError(code as string, message, { kind, cause })
    default: {
      const error = new Error(message, { cause })
      if (stack !== undefined) error.stack = stack
      return Object.assign(error, { name }, code !== undefined && { code })
    }
  }
}

import type { Field, Operation } from '../core/change.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Answer, BatchSender } from './batch-sender.ts'
import type { PendingBatch } from './pending-batch.ts'

/** How the changes of a batch are sent. */
export interface SendingOptions {
  readonly operation: Operation
  readonly fields: readonly Field[]
  /** Whether a record that an update does not find is created. */
  readonly recreates: boolean
}

/** What came of a batch, `created` of which were updates whose record was gone. */
export interface SentChanges extends Answer {
  readonly created: ReadonlySet<number>
}

const NONE: ReadonlySet<number> = new Set()

/** Sends a batch; records that are gone from the destination are created in the same run, under the same intent. */
export async function sendChanges(
  sender: BatchSender,
  batch: PendingBatch,
  { operation, fields, recreates }: SendingOptions,
): Promise<SentChanges> {
  const answer = await sender.send(batch.count, (from, to) => batch.changes(operation, fields, from, to))
  const vanished = recreates ? vanishedOf(answer.outcomes) : []
  if (vanished.length === 0) return { ...answer, created: NONE }
  const again = await sender.send(vanished.length, (from, to) => batch.pick('upsert', fields, vanished.slice(from, to)))
  // The array may be the destination's.
  const outcomes = [...answer.outcomes]
  const retried = [...answer.retried]
  for (const [at, index] of vanished.entries()) {
    outcomes[index] = again.outcomes[at]
    if (again.retried[at]) retried[index] = true
  }
  return { outcomes, retried, error: answer.error ?? again.error, created: new Set(vanished) }
}

function vanishedOf(outcomes: readonly (Outcome | undefined)[]): number[] {
  const vanished: number[] = []
  for (let index = 0; index < outcomes.length; index++)
    if (outcomes[index]?.status === 'not_found') vanished.push(index)
  return vanished
}

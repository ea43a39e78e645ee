import type { Field, Operation } from '../core/change.ts'
import type { SettledOutcome } from '../core/outcome.ts'
import type { Answer, BatchSender, Changes } from './batch-sender.ts'
import type { PendingBatch } from './pending-batch.ts'

/** How the changes of a batch are sent. */
export interface SendingOptions {
  readonly operation: Operation
  readonly fields: readonly Field[]
  /** Whether a record that an update does not find is created. */
  readonly recreates: boolean
  /** Told of those records, by change, before they are created. */
  readonly onVanished?: ((indices: readonly number[]) => void) | undefined
}

/** What came of a batch, `created` of which were updates whose record was gone. */
export interface SentChanges extends Answer {
  readonly created: ReadonlySet<number>
}

const NONE: ReadonlySet<number> = new Set()

/**
 * Sends a batch; records that are gone from the destination are created in the same run, under the same intent. With
 * `part` it sends those changes only, and puts what became of them into the answer so far.
 */
export async function sendChanges(
  sender: BatchSender,
  batch: PendingBatch,
  { operation, fields, recreates, onVanished }: SendingOptions,
  part?: { readonly indices: readonly number[]; readonly soFar: SentChanges },
): Promise<SentChanges> {
  const answer =
    part === undefined
      ? await sendParked(sender, batch, {
          count: batch.count,
          range: (from, to) => batch.changes(operation, fields, from, to),
          pick: (indices) => batch.pick(operation, fields, indices),
        })
      : merged(
          part.soFar,
          await sendParked(sender, batch, chosen(batch, part.indices, operation, fields)),
          part.indices,
        )
  const before = part?.soFar.created ?? NONE
  const vanished = recreates ? vanishedOf(answer.outcomes, part?.indices) : []
  if (vanished.length === 0) return { ...answer, created: before }
  onVanished?.(vanished)
  const again = await sendParked(sender, batch, chosen(batch, vanished, 'upsert', fields))
  return { ...merged(answer, again, vanished), created: new Set([...before, ...vanished]) }
}

/** Sends changes of a batch, which lies on the disk meanwhile where the destination gathers many. */
async function sendParked(sender: BatchSender, batch: PendingBatch, changes: Changes): Promise<Answer> {
  batch.park()
  const answer = await sender.send(changes)
  batch.fetch()
  return answer
}

/** Some changes of a batch, to be sent by themselves. */
function chosen(
  batch: PendingBatch,
  indices: readonly number[],
  operation: Operation,
  fields: readonly Field[],
): Changes {
  return {
    count: indices.length,
    range: (from, to) => batch.pick(operation, fields, indices.slice(from, to)),
    pick: (places) =>
      batch.pick(
        operation,
        fields,
        places.map((place) => indices[place] as number),
      ),
  }
}

/** An answer with, in the place of those at `indices`, the answers to these changes when they were sent once more. */
export function merged(answer: Answer, again: Answer, indices: readonly number[]): Answer {
  // The array may be the destination's.
  const outcomes: (SettledOutcome | undefined)[] = [...answer.outcomes]
  const retried = [...answer.retried]
  const unapplied = [...answer.unapplied]
  for (const [at, index] of indices.entries()) {
    outcomes[index] = again.outcomes[at]
    if (again.retried[at]) retried[index] = true
    unapplied[index] = again.unapplied[at] ?? false
  }
  return { outcomes, retried, unapplied, error: answer.error ?? again.error }
}

function vanishedOf(
  outcomes: readonly (SettledOutcome | undefined)[],
  indices: readonly number[] | undefined,
): number[] {
  if (indices !== undefined) return indices.filter((index) => outcomes[index]?.status === 'not_found')
  const vanished: number[] = []
  for (let index = 0; index < outcomes.length; index++)
    if (outcomes[index]?.status === 'not_found') vanished.push(index)
  return vanished
}

import type { Field, Operation } from '../core/change.ts'
import type { KeyEncoding } from '../core/column.ts'
import { printKey } from '../core/key-text.ts'
import type { SettledOutcome } from '../core/outcome.ts'
import type { Tally } from '../core/tally.ts'
import type { ChangeOf } from './entry-transitions.ts'
import type { PendingBatch } from './pending-batch.ts'

/** Counts what became of a change. `created`: it was an update, and its record was gone. */
export function countOutcome(
  tally: Tally,
  encodings: readonly KeyEncoding[],
  sent: { readonly kind: ChangeOf; readonly operation: Operation; readonly fields: readonly Field[] },
  batch: PendingBatch,
  index: number,
  outcome: SettledOutcome,
  created: boolean,
): void {
  const { counts } = tally
  const { kind, operation, fields } = sent
  if (outcome.status === 'rejected') {
    const change = batch.pick(operation, fields, [index])
    const payload = JSON.stringify(
      Object.fromEntries(change.values(0).map((value, at) => [(fields[at] as Field).name, value])),
    )
    tally.rejected({
      operation: kind === 'delete' ? 'delete' : operation,
      key: printKey(encodings, batch.key(index)),
      code: outcome.code,
      message: outcome.message,
      payload: outcome.request ?? payload,
      response: outcome.response ?? null,
    })
  } else if (kind === 'delete') counts.deleted++
  else if (outcome.status !== 'done') counts.skipped++
  else if (outcome.created ?? (kind === 'insert' || created)) counts.inserted++
  else counts.updated++
}

import { ACKNOWLEDGED, ADOPTED, type EntryState, GONE, RETIRED, SEEN, UNSURE, UNSURE_NEW } from '../core/key-entry.ts'
import type { SettledOutcome } from '../core/outcome.ts'
import type { Packed } from './pending-batch.ts'

/** What a change does, as the index sees it. */
export type ChangeOf = 'insert' | 'update' | 'delete'

const IN_DOUBT_NEW: Packed = { state: UNSURE_NEW, print: 'none' }
const IN_DOUBT: Packed = { state: UNSURE, print: 'none' }
const LANDED: Packed = { state: ACKNOWLEDGED, print: 'new' }
const REMOVED: Packed = { state: GONE, print: 'none' }
const MARKED: Packed = { state: RETIRED, print: 'none' }
const HELD: Packed = { state: SEEN, print: 'none' }

/** What the index says while a change is on its way. */
export function intent(kind: ChangeOf, previous: EntryState): Packed {
  if (kind === 'insert') return IN_DOUBT_NEW
  // A delete leaves open whether the record is there, which only an acknowledged entry claims to know.
  if (kind === 'delete' && previous !== ACKNOWLEDGED) return { state: previous, print: 'none' }
  return IN_DOUBT
}

/** What is known of a change besides its outcome. */
export interface Circumstances {
  /** An attempt before the one that was answered was not, and may have been applied. */
  readonly retried: boolean
  /** There is no outcome, but the change is known not to have been applied. */
  readonly unapplied?: boolean
  /** The destination said that it has no such record. */
  readonly absent: boolean
  readonly deletes: 'remove' | 'retire'
}

/** What the index says after the answer; undefined = as if the change had never been. */
export function settled(
  kind: ChangeOf,
  previous: EntryState,
  outcome: SettledOutcome | undefined,
  { retried, unapplied = false, absent, deletes }: Circumstances,
): Packed | undefined {
  if (outcome === undefined) return unapplied ? before(previous) : intent(kind, previous)
  switch (outcome.status) {
    case 'done':
      if (kind !== 'delete') return LANDED
      return deletes === 'retire' ? MARKED : REMOVED
    case 'not_found':
      return REMOVED
    case 'exists':
      return HELD
    case 'rejected':
      // The attempt without an answer may have changed the record, and may be why this one was refused.
      if (retried) return intent(kind, previous)
      if (absent) return REMOVED
      // The model holds the key of an adopted record, even if the change to it did not land.
      if (previous === ADOPTED && kind !== 'delete') return HELD
      return before(previous)
  }
}

function before(previous: EntryState): Packed | undefined {
  return previous === GONE ? undefined : { state: previous, print: 'old' }
}

import type { EndOfDiff } from '../core/diff-batch.ts'
import { type ADOPTED, GONE, RETIRED, type UNSURE_NEW } from '../core/key-entry.ts'
import type { GuardVerdict } from '../core/report.ts'
import type { DeleteScope, SyncMode } from '../core/sync-mode.ts'
import { SYNC_MODES } from '../core/sync-mode.ts'
import { mayDelete } from './mode-filter.ts'

/** A number of rows, or a share of them in percent. */
export type Threshold = { readonly count: number } | { readonly percent: number }

/** What a user allows for one run. */
export interface Allowances {
  readonly deletes?: Threshold | undefined
  readonly empty?: boolean | undefined
  readonly deletesWithInvalid?: boolean | undefined
}

export interface DeleteQuestion {
  readonly end: EndOfDiff
  /** Deletes that wait to be sent. */
  readonly deletes: number
  readonly mode: SyncMode
  readonly scope: DeleteScope
  readonly maxDeletes: Threshold | undefined
  readonly allow: Allowances
  /** What was read, where that was only part of the model: `the first 10 rows`. */
  readonly partial?: string | undefined
  /** An end that is not proven is worth a word even where there is nothing to delete. */
  readonly expectsProof?: boolean | undefined
}

/** Deletes above both of these are held unless the sync or the user says otherwise. */
const DEFAULT_COUNT = 20
const DEFAULT_PERCENT = 10

/**
 * Whether the deletes of a run may be sent: absence is evidence only when it is proven. Returns the guards that
 * hold them; none means go. The order of the model and the soundness of the index are proven by having come here.
 */
export function judgeDeletes(question: DeleteQuestion): GuardVerdict[] {
  const { end, deletes, allow, partial, mode } = question
  if (partial !== undefined) return [partialRun(partial, mode)]
  if (deletes === 0 && (end.model.proven || question.expectsProof !== true)) return []
  const verdicts: GuardVerdict[] = []
  const hold = (guard: GuardVerdict['guard'], limit: string, message: string) =>
    verdicts.push({ guard, held: deletes, limit, message })
  const complete = end.rows === end.model.rows
  if (!end.model.proven || !complete) {
    const why = complete ? end.model.evidence : `${end.rows} rows arrived of ${end.model.rows} that were sent`
    hold('unproven_end', 'a proven end', `the end of the model is not proven, so nothing counts as missing: ${why}`)
  }
  if (deletes === 0) return verdicts
  if (end.unkeyed > 0 && !allow.deletesWithInvalid) {
    hold(
      'invalid_keys',
      '0',
      `${end.unkeyed} rows have no usable key and may stand for any record; mend them, or allow it with --allow-deletes-with-invalid`,
    )
  }
  if (end.rows === 0 && !allow.empty) {
    hold('empty_model', '1 row', 'the model is empty; if that is right, allow it with --allow-empty')
    return verdicts
  }
  if (end.rows === 0) return verdicts
  const inScope = recordsInScope(question)
  const limit = allow.deletes ?? question.maxDeletes
  if (exceeds(deletes, inScope, limit)) {
    const message =
      `${deletes} of ${inScope} records would be deleted, more than ${printThreshold(limit)}; ` +
      `if that is right, allow it for one run with --allow-deletes ${deletes}`
    hold('max_deletes', printThreshold(limit), message)
  }
  return verdicts
}

/** Nothing counts as missing in such a run, so there is nothing to hold; but it has to be said. */
function partialRun(part: string, mode: SyncMode): GuardVerdict {
  const deletes = SYNC_MODES[mode].delete ? ', so nothing counts as missing and nothing is deleted' : ''
  const message = `only part of the model was compared (${part})${deletes}; run the whole sync for the rest`
  return { guard: 'partial_run', held: 0, limit: 'the whole model', message }
}

/** Records that a run of this mode and scope could delete if the model had none of them. */
export function recordsInScope({ end, mode, scope }: Pick<DeleteQuestion, 'end' | 'mode' | 'scope'>): number {
  const sends = SYNC_MODES[mode]
  let records = 0
  for (const [state, count] of Object.entries(end.entriesByState)) {
    const entry = Number(state) as typeof ADOPTED | typeof UNSURE_NEW
    if (entry !== (GONE as number) && entry !== (RETIRED as number) && mayDelete(entry, sends, scope)) records += count
  }
  return records
}

function exceeds(deletes: number, records: number, limit: Threshold | undefined): boolean {
  if (limit === undefined) return deletes > DEFAULT_COUNT && deletes * 100 > records * DEFAULT_PERCENT
  return 'count' in limit ? deletes > limit.count : deletes * 100 > records * limit.percent
}

/** `500`, `5%`, or what holds when nothing is set. */
export function printThreshold(limit: Threshold | undefined): string {
  if (limit === undefined) return `${DEFAULT_COUNT} and ${DEFAULT_PERCENT}%`
  return 'count' in limit ? String(limit.count) : `${limit.percent}%`
}

/** Rejections above the limit stop a run. A share is of the answers so far and counts from the hundredth on. */
export function tooManyRejected(rejected: number, answered: number, limit: Threshold | undefined): boolean {
  if (limit === undefined) return false
  return 'count' in limit ? rejected > limit.count : answered >= 100 && rejected * 100 > answered * limit.percent
}

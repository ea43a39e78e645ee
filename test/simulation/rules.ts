import { basename } from 'node:path'
import type { ChangeBatch, Operation } from '../../src/core/change.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import type { RunPlan, Setup } from './history.ts'
import type { Change, Rule, Said } from './judge.ts'

/** What a mode may ask of the destination. */
const ASKS: Readonly<Record<Setup['mode'], readonly Operation[]>> = {
  mirror: ['upsert', 'update', 'delete'],
  upsert: ['upsert', 'update'],
  'update-only': ['update'],
  'insert-only': ['insert'],
  'delete-only': ['delete'],
}

/** Rules that have nothing to do with how a destination knows its records. */

export function deletes({ mode }: Setup): boolean {
  return mode === 'mirror' || mode === 'delete-only'
}

export function flushesRule(rule: Rule, file: string, synchronous: number): void {
  rule('durable', synchronous >= 2, `synchronous is ${synchronous} for ${basename(file)}`)
}

/** A batch is within the limits, and asks for nothing that the mode does not do. */
export function batchRules(
  rule: Rule,
  setup: Setup,
  batch: ChangeBatch,
  changes: readonly Change[],
  inFlight: number,
): void {
  const { limits, mode } = setup
  rule('limits', inFlight <= limits.inFlight, `${inFlight} batches are in flight`)
  rule('limits', changes.length <= limits.rows, `a batch of ${changes.length} changes`)
  rule('limits', changes.length === 1 || batch.text.length <= limits.bytes, `${batch.text.length} bytes`)
  for (const { deletes: isDelete, operation, key } of changes) {
    const marks = isDelete && operation === 'update' && setup.deletes === 'mark'
    const asked = marks ? deletes(setup) : ASKS[mode].includes(operation)
    rule('mode', asked, `${operation} of ${key} in mode ${mode}`)
  }
}

/** A delete needs proof: the model was read to a proven end, in order, and the guards let it pass. `count`: so many by now. */
export function proofRules(
  rule: Rule,
  setup: Setup,
  plan: RunPlan,
  { key, ended, count }: { readonly key: string; readonly ended: boolean; readonly count: number },
): void {
  const refuse = (isRefused: boolean, why: string) => rule('proof', !isRefused, `the delete of ${key} ${why}`)
  const isKeyless = plan.rows.some(([id]) => id == null)
  refuse(!deletes(setup), `in mode ${setup.mode}`)
  refuse(isKeyless && !plan.allowInvalid, 'although a row without a key may stand for it')
  refuse(!ended || plan.end !== 'proven', 'without a proven end')
  refuse(!isAscending(plan), 'of a model that is out of order')
  refuse(plan.rows.length === 0 && !plan.allowEmpty, 'because the model is empty')
  // Whoever allows an empty model allows to delete everything.
  const most = plan.rows.length === 0 ? undefined : plan.maxDeletes
  refuse(count > (most ?? Number.POSITIVE_INFINITY), 'above the limit')
}

/** Whether a run came to its end, by what it says. */
export function isComplete({ status }: Said): boolean {
  return status !== 'failed' && status !== 'cancelled'
}

/** Every row and every missing key is in one count, and nothing that is a bug stopped the run. */
export function countRules(rule: Rule, said: Said, plan: RunPlan): void {
  const { counts: c, error } = said
  const rows = c.inserted + c.updated + c.unchanged + c.skipped + c.invalid + c.rejected
  const missing = c.deleted + c.kept + c.held + c.delete_rejected
  if (isComplete(said)) {
    rule('counts', c.read === rows && c.missing === missing, `they do not add up: ${about(said)}`)
    rule('counts', c.read === plan.rows.length, `${c.read} rows were read`)
  }
  const listed = c.invalid + c.rejected + c.delete_rejected
  rule('listed', said.issues.length === listed, `${said.issues.length} issues are told of, by ${about(said)}`)
  const isBug = error?.kind === 'bug' && !error.message.includes('planned')
  rule('bug', !isBug, error?.message ?? '')
}

export function about({ status, counts }: Said): string {
  return `${status} ${JSON.stringify(counts)}`
}

export function rejection(key: string): Outcome {
  return { status: 'rejected', code: 'planned', message: `planned: ${key} is rejected` }
}

/** Keys that only one row has. */
export function singleRows({ rows }: RunPlan): RunPlan['rows'] {
  const copies = new Map<string, number>()
  for (const [key] of rows) if (key != null) copies.set(key, (copies.get(key) ?? 0) + 1)
  return rows.filter(([key]) => key != null && copies.get(key) === 1)
}

function isAscending({ rows }: RunPlan): boolean {
  let last = Number.NEGATIVE_INFINITY
  for (const [key] of rows) {
    if (key == null) continue
    if (Number(key) < last) return false
    last = Number(key)
  }
  return true
}

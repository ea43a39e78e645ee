import type { SettledOutcome } from '../core/outcome.ts'
import type { Answer, BatchSender } from './batch-sender.ts'
import { type Claims, isAnothers } from './claims.ts'
import type { PendingBatch } from './pending-batch.ts'
import { merged, type SendingOptions, type SentChanges, sendChanges } from './send-changes.ts'

/**
 * Sends a batch to a destination that knows records by ids. A change whose record may be there under a former match (an
 * insert without an answer, whose row has another e-mail by now) is sent with that match first: by its answer the id is
 * known, and kept, before the record gets the match that it has now. Otherwise there could be two records.
 */
export async function sendClaimed(
  sender: BatchSender,
  batch: PendingBatch,
  given: SendingOptions,
  { claims, commit }: { readonly claims: Claims; readonly commit: () => void },
): Promise<SentChanges> {
  const { operation, fields, recreates } = given
  const onVanished = (indices: readonly number[]) => {
    for (const index of indices) claims.found(batch, index, null)
    commit()
  }
  const options = { ...given, onVanished }
  const former = batch.claims.flatMap((claim, index) => (claim.former === null ? [] : [index]))
  if (former.length === 0) return checked(await sendChanges(sender, batch, options), batch, claims, 'as it is')
  const mayCreate = recreates || operation === 'upsert'
  const sendFormer = (by: 'upsert' | 'update', indices: readonly number[]) => {
    const pick = (some: readonly number[]) => batch.pickFormer(by, fields, some)
    return sender.send({
      count: indices.length,
      range: (from, to) => pick(indices.slice(from, to)),
      pick: (places) => pick(places.map((place) => indices[place] as number)),
    })
  }
  const first = await sendFormer(mayCreate ? 'upsert' : 'update', former)
  let sent: SentChanges = checked(
    { ...merged(unsent(batch.count), first, former), created: new Set() },
    batch,
    claims,
    'by its former match',
  )
  // Perhaps it was the former match that is not allowed: then there is no such record, and an update finds none.
  const refused = former.filter((index) => isRefused(sent.outcomes[index]))
  if (mayCreate && refused.length > 0 && sent.error === undefined) {
    const second = await sendFormer('update', refused)
    sent = checked({ ...merged(sent, second, refused), created: sent.created }, batch, claims, 'by its former match')
  }
  // Whatever went wrong with others: a record with its former match is not what its row says.
  const outcomes = sent.outcomes
  const found = former.filter((index) => outcomes[index]?.status === 'done' || outcomes[index]?.status === 'not_found')
  for (const index of found) claims.found(batch, index, idOf(outcomes[index]))
  commit()
  sent = { ...sent, outcomes: outcomes.map((outcome, index) => (found.includes(index) ? undefined : outcome)) }
  if (sent.error !== undefined) return sent
  const others = Array.from({ length: batch.count }, (_, index) => index).filter((index) => !former.includes(index))
  if (others.length > 0) sent = await sendChanges(sender, batch, options, { indices: others, soFar: sent })
  if (found.length > 0 && sent.error === undefined) {
    const update = { ...options, operation: 'update', recreates: mayCreate } as const
    sent = await sendChanges(sender, batch, update, { indices: found, soFar: sent })
  }
  const made = new Set(found.filter((index) => wasMade(outcomes[index])))
  const counted = (outcome: SettledOutcome | undefined, index: number) =>
    outcome?.status === 'done' && made.has(index) ? { ...outcome, created: true } : outcome
  return checked({ ...sent, outcomes: sent.outcomes.map(counted) }, batch, claims, 'as it is')
}

function checked(
  sent: SentChanges,
  batch: PendingBatch,
  claims: Claims,
  how: Parameters<Claims['check']>[3],
): SentChanges {
  return { ...sent, outcomes: sent.outcomes.map((outcome, index) => claims.check(batch, index, outcome, how)) }
}

function isRefused(outcome: SettledOutcome | undefined): boolean {
  return outcome?.status === 'rejected' && !isAnothers(outcome)
}

function idOf(outcome: SettledOutcome | undefined): string | null {
  return outcome?.status === 'done' ? (outcome.id ?? null) : null
}

function wasMade(outcome: SettledOutcome | undefined): boolean {
  return outcome?.status === 'done' && outcome.created === true
}

function unsent(count: number): Answer {
  const outcomes = new Array<SettledOutcome | undefined>(count).fill(undefined)
  return { outcomes, retried: [], unapplied: new Array<boolean>(count).fill(true), error: undefined }
}

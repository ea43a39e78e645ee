import { UnansweredError } from '../core/errors.ts'
import { errorOf, type HubspotError, listOf, mappingFault, recordOf, textOf } from './hubspot-errors.ts'
import { objectOf } from './hubspot-session.ts'
import type { WebReply } from './web-client.ts'

/** One input of a batch, as it is told from the others. */
interface SentInput {
  readonly traceId: string
  /** Of updates: the record's own id. */
  readonly id: string | undefined
}

/** What HubSpot answered to one input. `missing`: only of inputs with the id of a record. */
export type InputAnswer =
  | { readonly kind: 'written'; readonly id: string; readonly isNew: boolean | undefined }
  | { readonly kind: 'missing' }
  | { readonly kind: 'refused'; readonly error: HubspotError; readonly response: string }

/** An answer, or what has to be found out about an input that is in neither list of the reply. */
export type FirstAnswer =
  | InputAnswer
  /** Some records were not there, and HubSpot does not say which: this one may be among them. */
  | { readonly kind: 'unnamed' }
  /** An error names nobody: it may be about this one. */
  | { readonly kind: 'unsaid' }

/**
 * The answers by trace id, and by nothing else: results come in any order, values come back changed. Throws
 * UnansweredError where an input is in neither list, or in both: a status of 2xx proves nothing for it.
 */
export function batchAnswers(reply: WebReply, sent: readonly SentInput[]): Map<string, FirstAnswer> {
  const body = objectOf(reply)
  const ids = new Map(sent.map(({ traceId, id }) => [traceId, id]))
  const answers = new Map<string, FirstAnswer>()
  const answer = (traceId: string, said: InputAnswer) => {
    const before = answers.get(traceId)
    if (before === undefined) answers.set(traceId, said)
    else if (!agree(before, said))
      throw new UnansweredError(`${reply.what} was answered with two outcomes of one record`)
  }
  for (const one of listOf(body['results'])) {
    const { id, new: isNew, objectWriteTraceId } = recordOf(one)
    if (textOf(id) === '' || textOf(objectWriteTraceId) === '') continue
    const known = typeof isNew === 'boolean' ? isNew : undefined
    answer(textOf(objectWriteTraceId), { kind: 'written', id: textOf(id), isNew: known })
  }
  const missing = new Set<string>()
  let unnamed = false
  let untraced: InputAnswer | undefined
  for (const one of listOf(body['errors'])) {
    const error = errorOf(one)
    const fault = mappingFault(error)
    if (fault !== undefined) throw fault
    const traceIds = error.context['objectWriteTraceId'] ?? []
    const isMissing = error.category === 'OBJECT_NOT_FOUND'
    const refused: InputAnswer = { kind: 'refused', error, response: JSON.stringify(one) }
    for (const traceId of traceIds) {
      answer(traceId, isMissing && ids.get(traceId) !== undefined ? { kind: 'missing' } : refused)
    }
    const named = isMissing ? (error.context['ids'] ?? []) : []
    for (const id of named) missing.add(id)
    if (traceIds.length > 0 || named.length > 0) continue
    if (isMissing) unnamed = true
    untraced ??= refused
  }
  for (const { traceId, id } of sent) {
    if (answers.has(traceId)) continue
    if (id !== undefined && missing.has(id)) answers.set(traceId, { kind: 'missing' })
    else if (id !== undefined && unnamed) answers.set(traceId, { kind: 'unnamed' })
    else if (untraced !== undefined) answers.set(traceId, sent.length === 1 ? untraced : { kind: 'unsaid' })
  }
  const open = sent.filter(({ traceId }) => !answers.has(traceId)).length
  if (open === 0) return answers
  throw new UnansweredError(
    `${reply.what} was answered with status ${reply.status}, and ${open} of ${sent.length} records are not in the answer`,
  )
}

/** Whether two answers to one input are one. */
function agree(one: FirstAnswer, other: InputAnswer): boolean {
  return one.kind === other.kind && (one.kind !== 'written' || other.kind !== 'written' || one.id === other.id)
}

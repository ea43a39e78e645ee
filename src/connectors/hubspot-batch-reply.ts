import { UnansweredError } from '../core/errors.ts'
import { errorOf, type HubspotError, listOf, mappingFault, recordOf, textOf } from './hubspot-errors.ts'
import { objectOf } from './hubspot-session.ts'
import type { WebReply } from './web-client.ts'

/** One input of a batch, as it is told from the others. */
export interface SentInput {
  readonly traceId: string
  /** Of updates: the record's own id. */
  readonly id: string | undefined
}

/** What HubSpot answered to one input. */
export type InputAnswer =
  | { readonly kind: 'written'; readonly id: string; readonly isNew: boolean | undefined }
  | { readonly kind: 'missing' }
  | { readonly kind: 'refused'; readonly error: HubspotError; readonly response: string }
  /** Some records were not there, and HubSpot does not say which: this one may be among them. */
  | { readonly kind: 'unnamed' }

/**
 * The answers by trace id, and by nothing else: results come in any order, values come back changed. Throws
 * UnansweredError where an input is in neither list: a status of 2xx proves nothing for it.
 */
export function batchAnswers(reply: WebReply, sent: readonly SentInput[]): Map<string, InputAnswer> {
  const body = objectOf(reply)
  const answers = new Map<string, InputAnswer>()
  for (const one of listOf(body['results'])) {
    const { id, new: isNew, objectWriteTraceId } = recordOf(one)
    if (textOf(id) === '' || textOf(objectWriteTraceId) === '') continue
    const known = typeof isNew === 'boolean' ? isNew : undefined
    answers.set(textOf(objectWriteTraceId), { kind: 'written', id: textOf(id), isNew: known })
  }
  const missing = new Set<string>()
  let unnamed = false
  for (const one of listOf(body['errors'])) {
    const error = errorOf(one)
    const fault = mappingFault(error)
    if (fault !== undefined) throw fault
    const traceIds = error.context['objectWriteTraceId'] ?? []
    const isMissing = error.category === 'OBJECT_NOT_FOUND'
    const response = JSON.stringify(one)
    for (const traceId of traceIds) {
      answers.set(traceId, isMissing ? { kind: 'missing' } : { kind: 'refused', error, response })
    }
    if (!isMissing || traceIds.length > 0) continue
    const ids = error.context['ids'] ?? []
    for (const id of ids) missing.add(id)
    if (ids.length === 0) unnamed = true
  }
  for (const { traceId, id } of sent) {
    if (answers.has(traceId)) continue
    if (id !== undefined && missing.has(id)) answers.set(traceId, { kind: 'missing' })
    else if (unnamed) answers.set(traceId, { kind: 'unnamed' })
  }
  const open = sent.filter(({ traceId }) => !answers.has(traceId)).length
  if (open === 0) return answers
  throw new UnansweredError(
    `${reply.what} was answered with status ${reply.status}, and ${open} of ${sent.length} records are not in the answer`,
  )
}

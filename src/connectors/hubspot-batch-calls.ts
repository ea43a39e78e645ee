import { randomBytes } from 'node:crypto'
import { UnansweredError } from '../core/errors.ts'
import { batchAnswers, type InputAnswer } from './hubspot-batch-reply.ts'
import { errorOf, unknownObject } from './hubspot-errors.ts'
import type { HubspotInput } from './hubspot-inputs.ts'
import { existingIds, type FoundRecord, findRecords } from './hubspot-lookup.ts'
import type { HubspotSession } from './hubspot-session.ts'
import { jsonOf, unreadable } from './web-errors.ts'

/** An input, and the id of its record where it is an update. */
export interface Sending {
  readonly input: HubspotInput
  readonly id?: string
}

/** The batch calls of one object. With no inputs nothing is sent. */
export interface HubspotBatchCalls {
  /** Answers in the order of the inputs. */
  write(call: WriteCall, sendings: readonly Sending[], signal: AbortSignal): Promise<readonly InputAnswer[]>
  /** The records that the inputs' match finds, by its value. */
  find(inputs: readonly HubspotInput[], signal: AbortSignal): Promise<ReadonlyMap<string, FoundRecord>>
  /** Nothing is known of a record that is not there. */
  archive(ids: readonly string[], signal: AbortSignal): Promise<void>
}

export type WriteCall = 'create' | 'update' | 'upsert'

/** `type` and `match` as paths and requests name them. */
export function hubspotBatchCalls(session: HubspotSession, type: string, match: string): HubspotBatchCalls {
  const path = session.paths.objects(type)
  // Every input that this process sends has a trace id of its own.
  const origin = randomBytes(4).toString('hex')
  let calls = 0

  /** Asks for the records of which HubSpot only said that some are not there. */
  async function namedAnswers(
    answers: readonly InputAnswer[],
    sendings: readonly Sending[],
    signal: AbortSignal,
  ): Promise<readonly InputAnswer[]> {
    const ids = sendings.filter((_, at) => answers[at]?.kind === 'unnamed').flatMap(({ id }) => id ?? [])
    if (ids.length === 0) return answers
    const existing = await existingIds(session, type, ids, signal)
    // What is there and was not mentioned may have been written or not.
    const open = ids.filter((id) => existing.has(id)).length
    if (open > 0) throw new UnansweredError(`HubSpot did not say what became of ${open} of ${sendings.length} records`)
    return answers.map((answer) => (answer.kind === 'unnamed' ? { kind: 'missing' } : answer))
  }

  return {
    async write(call, sendings, signal) {
      if (sendings.length === 0) return []
      const number = ++calls
      const sent = sendings.map(({ input, id }) => ({ traceId: `${origin}-${number}-${input.index}`, id }))
      const inputs = sendings.map(({ input, id }, at) => ({
        // By a record id there is no idProperty: `hs_object_id` is refused there [C].
        ...(call === 'update' && { id }),
        ...(call === 'upsert' && { id: input.match, idProperty: match }),
        properties: call === 'create' ? input.made : input.always,
        objectWriteTraceId: sent[at]?.traceId,
      }))
      const reply = await session.call('POST', `${path}/batch/${call}`, signal, { inputs })
      if (reply.status === 404) {
        const { context, message, category } = errorOf(jsonOf(reply))
        const gone = new Set(category === 'OBJECT_NOT_FOUND' ? context['ids'] : [])
        if (sent.every(({ id }) => id !== undefined && gone.has(id))) return sent.map(() => ({ kind: 'missing' }))
        throw unknownObject(message || type)
      }
      const answers = batchAnswers(reply, sent)
      return await namedAnswers(
        sent.map(({ traceId }) => answers.get(traceId) as InputAnswer),
        sendings,
        signal,
      )
    },
    async find(inputs, signal) {
      if (inputs.length === 0) return new Map()
      const values = inputs.map((input) => input.match)
      return await findRecords(session, type, match, values, signal)
    },
    async archive(ids, signal) {
      if (ids.length === 0) return
      const reply = await session.call('POST', `${path}/batch/archive`, signal, { inputs: ids.map((id) => ({ id })) })
      if (reply.status === 404) throw unknownObject(type)
      if (reply.status !== 204) throw unreadable(reply, 'answer to an archive')
    },
  }
}

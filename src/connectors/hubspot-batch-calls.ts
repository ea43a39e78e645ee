import { randomBytes } from 'node:crypto'
import { UnansweredError } from '../core/errors.ts'
import { batchAnswers, type FirstAnswer, type InputAnswer } from './hubspot-batch-reply.ts'
import { codeOf, messagesOf, unknownObject } from './hubspot-errors.ts'
import type { HubspotInput } from './hubspot-inputs.ts'
import { type FoundRecord, findRecords, notFoundOf, type RecordState, recordStates } from './hubspot-lookup.ts'
import type { RefusalCounter } from './hubspot-refusals.ts'
import type { HubspotSession } from './hubspot-session.ts'
import { unreadable } from './web-errors.ts'

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
  /** Throws UnansweredError where HubSpot does not say what has become of one. */
  states(ids: readonly string[], signal: AbortSignal): Promise<ReadonlyMap<string, RecordState>>
  /** Nothing is known of a record that is not there. */
  archive(ids: readonly string[], signal: AbortSignal): Promise<void>
}

export type WriteCall = 'create' | 'update' | 'upsert'

/** `type` and `match` as paths and requests name them. */
export function hubspotBatchCalls(
  session: HubspotSession,
  type: string,
  match: string,
  refusals: Pick<RefusalCounter, 'alone'>,
): HubspotBatchCalls {
  const path = session.paths.objects(type)
  // Every input that this process sends has a trace id of its own.
  const origin = randomBytes(4).toString('hex')
  let calls = 0

  async function send(
    call: WriteCall,
    sendings: readonly Sending[],
    signal: AbortSignal,
  ): Promise<readonly FirstAnswer[]> {
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
      const { context, message, category } = notFoundOf(reply)
      if (call !== 'update' || category !== 'OBJECT_NOT_FOUND') throw unknownObject(message || type)
      const gone = new Set(context['ids'])
      const isNamed = sent.every(({ id }) => id !== undefined && gone.has(id))
      return sent.map(() => ({ kind: isNamed ? 'missing' : 'unnamed' }))
    }
    const answers = batchAnswers(reply, sent)
    return sent.map(({ traceId }) => answers.get(traceId) as FirstAnswer)
  }

  /** Finds out what HubSpot has left open of some. */
  async function settled(
    call: WriteCall,
    answers: readonly FirstAnswer[],
    sendings: readonly Sending[],
    signal: AbortSignal,
  ): Promise<readonly InputAnswer[]> {
    const ids = sendings.filter((_, at) => answers[at]?.kind === 'unnamed').flatMap(({ id }) => id ?? [])
    const states = ids.length === 0 ? undefined : await recordStates(session, type, ids, signal)
    // What is there and was not mentioned may have been written or not.
    const open = ids.filter((id) => (states?.get(id) ?? 'there') === 'there').length
    if (open > 0) throw new UnansweredError(`HubSpot did not say what became of ${open} of ${sendings.length} records`)
    const all: InputAnswer[] = []
    for (const [at, answer] of answers.entries()) {
      if (answer.kind === 'unnamed') all.push({ kind: 'missing' })
      else if (answer.kind === 'unsaid') all.push(await writeAlone(call, sendings[at] as Sending, signal))
      else all.push(answer)
    }
    return all
  }

  /** Alone it is sure whom an error is about that names nobody; and what is written twice is written once. */
  async function writeAlone(call: WriteCall, sending: Sending, signal: AbortSignal): Promise<InputAnswer> {
    const [answer] = (await write(call, [sending], signal)) as [InputAnswer]
    if (answer.kind === 'refused') refusals.alone(codeOf(answer.error), messagesOf(answer.error))
    return answer
  }

  const write: HubspotBatchCalls['write'] = async (call, sendings, signal) => {
    if (sendings.length === 0) return []
    return await settled(call, await send(call, sendings, signal), sendings, signal)
  }

  return {
    write,
    async find(inputs, signal) {
      if (inputs.length === 0) return new Map()
      const values = inputs.map((input) => input.match)
      return await findRecords(session, type, match, values, signal)
    },
    async states(ids, signal) {
      if (ids.length === 0) return new Map()
      const states = await recordStates(session, type, ids, signal)
      if (ids.every((id) => states.has(id))) return states
      throw new UnansweredError(`HubSpot did not say what has become of some of ${ids.length} records`)
    },
    async archive(ids, signal) {
      if (ids.length === 0) return
      const reply = await session.call('POST', `${path}/batch/archive`, signal, { inputs: ids.map((id) => ({ id })) })
      if (reply.status === 404) throw unknownObject(type)
      if (reply.status !== 204) throw unreadable(reply, 'answer to an archive')
    },
  }
}

import type { ChangeBatch } from '../core/change.ts'
import { BatchRefusedError } from '../core/errors.ts'
import { DONE, EXISTS, NOT_FOUND, type Outcome } from '../core/outcome.ts'
import type { HubspotBatchCalls, Sending, WriteCall } from './hubspot-batch-calls.ts'
import type { HubspotInput, HubspotInputs } from './hubspot-inputs.ts'
import type { FoundRecord } from './hubspot-lookup.ts'
import {
  appeared,
  mergedRecord,
  refusedOutcome,
  sameRecord,
  secondaryAddress,
  writtenOutcome,
} from './hubspot-outcomes.ts'

/** A batch under way. */
interface Work {
  /** By the place of the change. */
  readonly outcomes: (Outcome | undefined)[]
  /** Records that a change of this batch has written. */
  readonly written: Set<string>
  readonly signal: AbortSignal
}

/**
 * Applies a batch with as few calls as its operation takes: one, and one more to find what has no known id, or what is to
 * be archived. A batch may be sent again as a whole at any time: no call does more the second time.
 */
export async function writeHubspot(
  calls: HubspotBatchCalls,
  batch: ChangeBatch,
  { inputs, outcomes }: HubspotInputs,
  signal: AbortSignal,
): Promise<readonly Outcome[]> {
  const work: Work = { outcomes, written: new Set(), signal }
  switch (batch.operation) {
    case 'delete':
      await archive(calls, inputs, work)
      break
    case 'update':
      await update(calls, inputs, work)
      break
    case 'insert':
      for (const { index } of await create(calls, inputs, work)) outcomes[index] = EXISTS
      break
    case 'upsert': {
      const insertsMore = batch.fields.some(({ on }) => on === 'insert')
      await upsert(calls, inputs, insertsMore, work)
    }
  }
  return outcomes as Outcome[]
}

async function update(calls: HubspotBatchCalls, inputs: readonly HubspotInput[], work: Work): Promise<void> {
  const unknown = inputs.filter(({ id }) => id === undefined)
  const found = await calls.find(unknown, work.signal)
  const ids = new Map<HubspotInput, string>()
  for (const input of inputs) {
    const id = input.id ?? found.get(input.match)?.id
    if (id === undefined) work.outcomes[input.index] = NOT_FOUND
    else ids.set(input, id)
  }
  for (const { index } of await updateByIds(calls, ids, work)) work.outcomes[index] = NOT_FOUND
}

/** A record whose id is known stays that record, whatever its match has become. */
async function upsert(calls: HubspotBatchCalls, inputs: readonly HubspotInput[], insertsMore: boolean, work: Work) {
  const known = new Map(inputs.flatMap((input) => (input.id === undefined ? [] : [[input, input.id] as const])))
  const gone = new Set(await updateByIds(calls, known, work))
  const rest = inputs.filter((input) => !known.has(input) || gone.has(input))
  if (insertsMore) return await createOrUpdate(calls, rest, work)
  const sendings = rest.map((input) => ({ input }))
  settle('upsert', sendings, await calls.write('upsert', sendings, work.signal), work)
}

/** For records that get more when they are made than when they are changed: HubSpot's upsert does not tell the two apart. */
async function createOrUpdate(calls: HubspotBatchCalls, inputs: readonly HubspotInput[], work: Work): Promise<void> {
  const found = await calls.find(inputs, work.signal)
  const there = inputs.flatMap((input) => {
    const record = found.get(input.match)
    return record === undefined ? [] : [[input, record.id] as const]
  })
  const ids = new Map(there)
  const gone = new Set(await updateByIds(calls, ids, work))
  const missing = inputs.filter((input) => !ids.has(input) || gone.has(input))
  for (const { index } of await create(calls, missing, work)) work.outcomes[index] = appeared()
}

/** Answers the inputs whose record is not there. */
async function updateByIds(calls: HubspotBatchCalls, ids: ReadonlyMap<HubspotInput, string>, work: Work) {
  const sendings: Sending[] = []
  const named = new Set<string>()
  for (const [input, id] of ids) {
    // HubSpot refuses a whole batch that names a record twice.
    if (named.has(id)) work.outcomes[input.index] = sameRecord(id)
    else sendings.push({ input, id })
    named.add(id)
  }
  return settle('update', sendings, await calls.write('update', sendings, work.signal), work)
}

/** Answers the inputs whose record is there already. */
async function create(calls: HubspotBatchCalls, inputs: readonly HubspotInput[], work: Work): Promise<HubspotInput[]> {
  const sendings = inputs.map((input) => ({ input }))
  const answers = await calls.write('create', sendings, work.signal).catch((error: unknown) => {
    if (error instanceof BatchRefusedError && error.code === 'conflict') return error
    throw error
  })
  const conflicts = answers instanceof BatchRefusedError ? inputs : inputs.filter((_, at) => isConflict(answers[at]))
  const found: ReadonlyMap<string, FoundRecord> = await calls.find(conflicts, work.signal)
  const there = conflicts.filter((input) => found.has(input.match))
  if (!(answers instanceof BatchRefusedError)) {
    settle('create', sendings, answers, work)
    return there
  }
  // The conflict is about another property than the match: which row has it, the engine finds out by halving.
  if (there.length === 0) throw answers
  const rest = inputs.filter((input) => !found.has(input.match))
  return [...there, ...(await create(calls, rest, work))]
}

function isConflict(answer: Awaited<ReturnType<HubspotBatchCalls['write']>>[number] | undefined): boolean {
  return answer?.kind === 'refused' && answer.error.category === 'CONFLICT'
}

/** A record id that is known may find another record by now, which is not the one that is to go. */
async function archive(calls: HubspotBatchCalls, inputs: readonly HubspotInput[], work: Work): Promise<void> {
  const unknown = inputs.filter(({ id }) => id === undefined)
  const found = await calls.find(unknown, work.signal)
  const known = new Set(inputs.flatMap(({ id }) => id ?? []))
  const states = await calls.states([...known], work.signal)
  const ids = new Set<string>()
  for (const { index, id, match } of inputs) {
    const record = id === undefined ? found.get(match) : { id, isSecondary: false }
    const state = record === undefined ? 'gone' : (states.get(record.id) ?? 'there')
    if (record === undefined || state === 'gone') work.outcomes[index] = DONE
    else if (state === 'merged') work.outcomes[index] = mergedRecord(record.id)
    else if (record.isSecondary) work.outcomes[index] = secondaryAddress(record.id)
    else {
      work.outcomes[index] = DONE
      ids.add(record.id)
    }
  }
  await calls.archive([...ids], work.signal)
}

/** Puts outcomes in their places; answers the inputs whose record is not there. */
function settle(
  call: WriteCall,
  sendings: readonly Sending[],
  answers: Awaited<ReturnType<HubspotBatchCalls['write']>>,
  { outcomes, written }: Work,
): HubspotInput[] {
  const missing: HubspotInput[] = []
  for (const [at, { input }] of sendings.entries()) {
    const answer = answers[at]
    if (answer?.kind === 'missing') missing.push(input)
    else if (answer?.kind === 'written') {
      outcomes[input.index] = written.has(answer.id) ? sameRecord(answer.id) : writtenOutcome(answer, call)
      written.add(answer.id)
    } else if (answer !== undefined) outcomes[input.index] = refusedOutcome(answer, input, call)
  }
  return missing
}

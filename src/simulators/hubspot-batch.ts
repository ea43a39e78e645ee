import type { HubspotAccount } from './hubspot-account.ts'
import { type RecordProblem, refusal, rowError, validation } from './hubspot-errors.ts'
import { historyOf, readRecord, type ShownRecord, writtenRecord } from './hubspot-replies.ts'
import type { HubspotRecord, HubspotStore } from './hubspot-store.ts'
import { checkRecord, conflict, normalId, type SentValues, sentValues, uniqueValues } from './hubspot-write.ts'
import { jsonBody, type SimulatorReply, type SimulatorRequest } from './simulator-request.ts'

const MAX_INPUTS = 100
const MAX_WITH_HISTORY = 50

/** What a batch does with each input that names a record, or a new one. */
type BatchWrite = 'create' | 'update' | 'upsert'

interface Input {
  readonly id: string
  readonly idProperty: string | undefined
  readonly sent: SentValues
  readonly traceId: string | undefined
}

/** `POST …/batch/create`, `…/update` and `…/upsert`. */
export function writeBatch(
  account: HubspotAccount,
  store: HubspotStore,
  kind: BatchWrite,
  request: SimulatorRequest,
): SimulatorReply {
  const inputs = readInputs(store, kind, jsonBody(request))
  if ('category' in inputs) return refusal(request.n, inputs)
  const { options } = account
  const now = account.clock.now()
  const version = request.params['version'] ?? 'v3'
  if (options.whole_batch_conflicts || inputs.some(({ traceId }) => traceId === undefined)) {
    const problem = wholeProblem(store, kind, inputs, version, options.whole_batch_conflicts)
    if (problem !== undefined) return refusal(request.n, problem)
  }
  const results: ShownRecord[] = []
  const errors: unknown[] = []
  const unknown: string[] = []
  for (const input of inputs) {
    const current = currentOf(store, kind, input)
    if (current === undefined && kind === 'update') {
      unknown.push(input.id)
      continue
    }
    const checked = checkRecord(store, valuesOf(kind, input, current), current, version)
    if ('problem' in checked) {
      errors.push(rowError(checked.problem, input.traceId))
      continue
    }
    const record = account.write(store, current, checked.values, now, request.n)
    results.push(
      writtenRecord(store.type, record, checked.values, {
        ...(kind === 'upsert' ? { new: current === undefined } : {}),
        ...(input.traceId === undefined ? {} : { objectWriteTraceId: input.traceId }),
      }),
    )
  }
  if (unknown.length > 0) errors.push(rowError(notFound(store, options.blank_missing_ids ? [] : unknown), undefined))
  return batchReply(account, results, errors, kind === 'create' ? 201 : 200, now)
}

/** The inputs, or what is wrong with the request as a whole. */
function readInputs(store: HubspotStore, kind: BatchWrite, body: unknown): Input[] | RecordProblem {
  const sent = inputsOf(body)
  if ('category' in sent) return sent
  const inputs: Input[] = []
  const seen = new Set<string>()
  const twice: string[] = []
  for (const [at, one] of sent.entries()) {
    const { id, idProperty, properties, objectWriteTraceId } = (one ?? {}) as Record<string, unknown>
    const values = sentValues(properties)
    if (values === undefined)
      return validation(`Invalid input JSON: inputs[${at}].properties has to be an object of texts`)
    if (kind !== 'create' && typeof id !== 'string') {
      return validation(`Invalid input JSON: Some required fields were not set: [id] in inputs[${at}]`)
    }
    const input: Input = {
      id: typeof id === 'string' ? id : '',
      idProperty: typeof idProperty === 'string' && idProperty !== '' ? idProperty : undefined,
      sent: values,
      traceId: typeof objectWriteTraceId === 'string' ? objectWriteTraceId : undefined,
    }
    if (kind !== 'create') {
      const problem = wrongIdProperty(store, kind, input.idProperty)
      if (problem !== undefined) return problem
      const key = `${input.idProperty ?? ''}\0${normalId(input.idProperty, input.id)}`
      if (seen.has(key)) twice.push(input.id)
      seen.add(key)
    }
    inputs.push(input)
  }
  if (twice.length === 0) return inputs
  return validation(`Duplicate IDs found in batch input: [${twice.join(', ')}]. IDs must be unique`, { ids: twice })
}

function inputsOf(body: unknown): unknown[] | RecordProblem {
  const { inputs } = (body ?? {}) as { inputs?: unknown }
  if (!Array.isArray(inputs)) return validation('Invalid input JSON: Some required fields were not set: [inputs]')
  if (inputs.length <= MAX_INPUTS) return inputs
  return validation(
    `The maximum number of inputs supported in a batch request is ${MAX_INPUTS}, there are ${inputs.length}`,
  )
}

/** The key of a request can be a record id, or a property that is unique. */
function wrongIdProperty(
  store: HubspotStore,
  kind: BatchWrite | 'read',
  name: string | undefined,
): RecordProblem | undefined {
  const { type } = store
  if (name === undefined)
    return kind === 'upsert' ? validation('Some required fields were not set: [idProperty]') : undefined
  if (type.isUnique(name)) return undefined
  if (!type.properties.has(name)) return validation(`Property "${name}" does not exist`)
  return validation(`Unable to ${kind} by a non-unique ${type.singular} property: ${name}`)
}

function currentOf(store: HubspotStore, kind: BatchWrite, { id, idProperty }: Input): HubspotRecord | undefined {
  if (kind === 'create') return undefined
  return idProperty === undefined ? store.get(id) : store.findBy(idProperty, id)
}

/** A record that an upsert creates has its key, whether that was among the properties or not. */
function valuesOf(kind: BatchWrite, { id, idProperty, sent }: Input, current: HubspotRecord | undefined): SentValues {
  if (kind !== 'upsert' || current !== undefined || idProperty === undefined || idProperty in sent) return sent
  return { ...sent, [idProperty]: id }
}

/** Why nothing of a batch is written: a bad input that has no trace id, or a conflict where those refuse all. */
function wholeProblem(
  store: HubspotStore,
  kind: BatchWrite,
  inputs: readonly Input[],
  version: string,
  wholeConflicts: boolean,
): RecordProblem | undefined {
  const taken = new Set<string>()
  const refuses = (problem: RecordProblem, { traceId }: Input) =>
    traceId === undefined || (wholeConflicts && problem.category === 'CONFLICT')
  for (const input of inputs) {
    const current = currentOf(store, kind, input)
    if (current === undefined && kind === 'update') continue
    const checked = checkRecord(store, valuesOf(kind, input, current), current, version)
    if ('problem' in checked) {
      if (refuses(checked.problem, input)) return checked.problem
      continue
    }
    for (const [name, value] of uniqueValues(store.type, checked.values)) {
      const key = `${name}\0${value}`
      const problem = taken.has(key) ? conflict(store.type, name, value, current?.id ?? '0') : undefined
      if (problem !== undefined && refuses(problem, input)) return problem
      taken.add(key)
    }
  }
  return undefined
}

/** `POST …/batch/read`. */
export function readBatch(account: HubspotAccount, store: HubspotStore, request: SimulatorRequest): SimulatorReply {
  const body = (jsonBody(request) ?? {}) as Record<string, unknown>
  const inputs = inputsOf(body)
  if ('category' in inputs) return refusal(request.n, inputs)
  const history = names(body['propertiesWithHistory'])
  if (history.length > 0 && inputs.length > MAX_WITH_HISTORY) {
    return refusal(request.n, validation(`At most ${MAX_WITH_HISTORY} inputs can be read with propertiesWithHistory`))
  }
  const idProperty = typeof body['idProperty'] === 'string' ? body['idProperty'] : undefined
  const wrong = wrongIdProperty(store, 'read', idProperty)
  if (wrong !== undefined) return refusal(request.n, wrong)
  const archived = request.query.get('archived') === 'true'
  const found = new Map<string, HubspotRecord>()
  const missing: string[] = []
  for (const input of inputs) {
    const id = String((input as { id?: unknown } | null)?.id ?? '')
    const live = idProperty === undefined ? store.get(id) : store.findBy(idProperty, id)
    const record = archived ? store.getArchived(id) : live
    if (record === undefined) missing.push(id)
    else found.set(record.id, record)
  }
  if (found.size === 0 && missing.length > 0) return refusal(request.n, { ...notFound(store, missing), status: 404 })
  const asked = names(body['properties'])
  const results = [...found.values()].map((record) => ({
    ...readRecord(store.type, record, asked),
    ...(history.length === 0 ? {} : { propertiesWithHistory: historyOf(record, history) }),
  }))
  const errors = missing.length === 0 ? [] : [rowError(notFound(store, missing), undefined)]
  return batchReply(account, results, errors, 200, account.clock.now())
}

/** `POST …/batch/archive`: 204 whatever was there. */
export function archiveBatch(account: HubspotAccount, store: HubspotStore, request: SimulatorRequest): SimulatorReply {
  const inputs = inputsOf(jsonBody(request))
  if ('category' in inputs) return refusal(request.n, inputs)
  if (inputs.some((input) => (input as { idProperty?: unknown } | null)?.idProperty !== undefined)) {
    return refusal(request.n, validation('Invalid input JSON: Unrecognized field "idProperty"'))
  }
  for (const input of inputs) account.archive(store, String((input as { id?: unknown } | null)?.id ?? ''), request.n)
  return { status: 204 }
}

function batchReply(
  { random, options, clock }: HubspotAccount,
  results: ShownRecord[],
  errors: readonly unknown[],
  status: number,
  startedAt: number,
): SimulatorReply {
  if (options.shuffle) random.shuffle(results)
  const times = { startedAt: new Date(startedAt).toISOString(), completedAt: new Date(clock.now()).toISOString() }
  if (errors.length === 0) return { status, body: { status: 'COMPLETE', results, ...times } }
  return { status: 207, body: { status: 'COMPLETE', results, numErrors: errors.length, errors, ...times } }
}

export function notFound({ type }: HubspotStore, ids: readonly string[]): RecordProblem {
  const name = type.singular.toUpperCase()
  return {
    status: 404,
    category: 'OBJECT_NOT_FOUND',
    message: `Could not get some ${name} objects, they may be deleted or not exist. Check that ids are valid.`,
    context: { ids },
  }
}

function names(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

import { RestError, type RowError, rowError } from './salesforce-errors.ts'
import { type JsonRow, jsonRow } from './salesforce-json-rows.ts'
import type { Field } from './salesforce-model.ts'
import { isWritten, type RowContext, type RowResult, repeated } from './salesforce-rows.ts'
import { indexKey, type ObjectStore } from './salesforce-store.ts'
import { objectOf, rowContext, type SalesforceWorld } from './salesforce-world.ts'
import { jsonBody, type SimulatorReply, type SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

/** sObject Collections: at most 200 records a request, one result a record, in their order. */
const MOST_RECORDS = 200

interface CollectionBody {
  readonly allOrNone: boolean
  readonly records: readonly Record<string, unknown>[]
}

/** A record, and what is done with it. */
interface Step {
  readonly error: RowError | undefined
  readonly run: (context: RowContext) => RowResult
}

export function collectionRoutes(world: SalesforceWorld): SimulatorRoute[] {
  const path = '/services/data/:version/composite/sobjects'
  return [
    { method: 'POST', path, handle: (request) => create(world, request) },
    { method: 'PATCH', path, handle: (request) => update(world, request) },
    { method: 'DELETE', path, handle: (request) => remove(world, request) },
    { method: 'PATCH', path: `${path}/:object/:field`, handle: (request) => upsert(world, request) },
  ]
}

function create(world: SalesforceWorld, request: SimulatorRequest): SimulatorReply {
  const body = bodyOf(request)
  const steps = body.records.map((record): Step => {
    const store = typed(world, record)
    const { id, row, error } = jsonRow(record, { ...world, store, updating: false })
    return {
      error: id === '' ? error : rowError('INVALID_FIELD', 'cannot specify Id in an insert call', 'Id'),
      run: (context) => world.writer.create(store, row, context),
    }
  })
  return answer(world, request, body.allOrNone, steps, false)
}

function update(world: SalesforceWorld, request: SimulatorRequest): SimulatorReply {
  const body = bodyOf(request)
  const rows = body.records.map((record) => {
    const store = typed(world, record)
    return { store, read: jsonRow(record, { ...world, store, updating: true }) }
  })
  const twice = repeated(rows.map(({ read }) => (read.id === '' ? undefined : read.id.slice(0, 15))))
  const steps = rows.map(({ store, read: { id, row, error } }): Step => {
    const again = twice.has(id.slice(0, 15))
      ? rowError('DUPLICATE_VALUE', `Duplicate id specified: ${id}`, 'Id')
      : error
    return { error: again, run: (context) => world.writer.update(store, id, row, context) }
  })
  return answer(world, request, body.allOrNone, steps, false)
}

function upsert(world: SalesforceWorld, request: SimulatorRequest): SimulatorReply {
  const store = objectOf(world, request.params['object'] as string)
  const key = keyField(store, request.params['field'] as string)
  const body = bodyOf(request)
  const rows = body.records.map((record): JsonRow => {
    if (typed(world, record) !== store) {
      throw new RestError(400, 'INVALID_INPUT', `The records have to be of the type in the URI: ${store.model.name}`)
    }
    return jsonRow(record, { ...world, store, key, updating: false })
  })
  const twice = repeated(rows.map((row) => (row.key === null ? undefined : indexKey(key, row.key))))
  const steps = rows.map(({ id, row, key: value, error }): Step => {
    const again = value !== null && twice.has(indexKey(key, value))
    return {
      error: again
        ? rowError('DUPLICATE_VALUE', `Duplicate external id specified: ${value}`, key.name)
        : id === ''
          ? error
          : rowError('INVALID_FIELD', 'The Id field should not be specified in the sobject data.', 'Id'),
      run: (context) => world.writer.upsert(store, key, value, row, context),
    }
  })
  return answer(world, request, body.allOrNone, steps, true)
}

function remove(world: SalesforceWorld, request: SimulatorRequest): SimulatorReply {
  const ids = (request.query.get('ids') ?? '').split(',').filter((id) => id !== '')
  atMost(ids.length)
  if (ids.length === 0) throw new RestError(400, 'MISSING_ARGUMENT', 'The ids parameter is required')
  const steps = ids.map((id): Step => {
    const model = [...world.models.values()].find(({ keyPrefix }) => id.startsWith(keyPrefix))
    const store = model === undefined ? undefined : world.records.of(model.name)
    return {
      error: store === undefined ? rowError('MALFORMED_ID', `malformed id ${id}`) : undefined,
      run: (context) => world.writer.remove(store as ObjectStore, id, false, context),
    }
  })
  return answer(world, request, request.query.get('allOrNone') === 'true', steps, false)
}

/** The external id field that a request matches by. Throws what answers 404. */
export function keyField({ model }: ObjectStore, name: string): Field {
  const field = model.byLowerName.get(name.toLowerCase())
  if (field !== undefined && (field.externalId === true || (field.idLookup === true && field.name !== 'Id')))
    return field
  throw new RestError(404, 'NOT_FOUND', `Provided external ID field does not exist or is not accessible: ${name}`)
}

function typed(world: SalesforceWorld, record: Record<string, unknown>): ObjectStore {
  const type = (record?.['attributes'] as { type?: unknown } | undefined)?.type
  if (typeof type !== 'string') throw new RestError(400, 'INVALID_INPUT', 'Each record needs attributes with a type')
  if (![...world.models.keys()].some((name) => name.toLowerCase() === type.toLowerCase())) {
    throw new RestError(400, 'INVALID_TYPE', `sObject type '${type}' is not supported.`)
  }
  return objectOf(world, type)
}

function bodyOf(request: SimulatorRequest): CollectionBody {
  const body = jsonBody(request) as { allOrNone?: unknown; records?: unknown } | undefined
  if (body === undefined) throw new RestError(400, 'JSON_PARSER_ERROR', 'Unexpected character or end of the body')
  const { records, allOrNone } = body
  if (!Array.isArray(records)) throw new RestError(400, 'MISSING_ARGUMENT', 'The records parameter is required')
  atMost(records.length)
  return { allOrNone: allOrNone === true, records }
}

function atMost(count: number): void {
  if (count <= MOST_RECORDS) return
  const message = `record limit reached. cannot submit more than ${MOST_RECORDS} records into this call`
  throw new RestError(400, 'EXCEEDED_ID_LIMIT', message)
}

function answer(
  world: SalesforceWorld,
  request: SimulatorRequest,
  allOrNone: boolean,
  steps: readonly Step[],
  saysCreated: boolean,
): SimulatorReply {
  const context = rowContext(world, request)
  let results: RowResult[] = []
  const run = () => {
    results = steps.map(({ error, run }) => error ?? run(context))
    return results.every(isWritten)
  }
  if (!allOrNone) run()
  else {
    world.records.transaction(run)
    if (!results.every(isWritten)) results = results.map((result) => (isWritten(result) ? ROLLED_BACK : result))
  }
  return { status: 200, body: results.map((result) => resultBody(result, saysCreated)) }
}

const ROLLED_BACK = rowError(
  'ALL_OR_NONE_OPERATION_ROLLED_BACK',
  'Record rolled back because not all records were valid and the request was using AllOrNone header',
)

function resultBody(result: RowResult, saysCreated: boolean): unknown {
  if (!isWritten(result)) return { success: false, errors: [result] }
  const { id, created } = result
  return { id, success: true, errors: [], ...(saysCreated ? { created } : {}) }
}

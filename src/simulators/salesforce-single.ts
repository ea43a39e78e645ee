import { keyField } from './salesforce-collections.ts'
import { notFound, RestError, type RowError } from './salesforce-errors.ts'
import { jsonRow } from './salesforce-json-rows.ts'
import type { FieldValue } from './salesforce-model.ts'
import { existing, isWritten, type RowResult } from './salesforce-rows.ts'
import { type ObjectStore, type StoredRecord, valuesOf } from './salesforce-store.ts'
import { fromJson, isRowError } from './salesforce-values.ts'
import { objectOf, rowContext, type SalesforceWorld, versionOf } from './salesforce-world.ts'
import { jsonBody, type SimulatorReply, type SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

/** One record at a time: by its id, or by the value of an external id field. */
export function singleRoutes(world: SalesforceWorld): SimulatorRoute[] {
  const object = '/services/data/:version/sobjects/:object'
  const byId = `${object}/:id`
  const byKey = `${object}/:field/:value`
  return [
    { method: 'POST', path: object, handle: (request) => create(world, request) },
    { method: 'GET', path: byId, handle: (request) => read(world, request, idOf(world, request)) },
    { method: 'PATCH', path: byId, handle: (request) => update(world, request) },
    { method: 'DELETE', path: byId, handle: (request) => remove(world, request, idOf(world, request)) },
    { method: 'GET', path: byKey, handle: (request) => read(world, request, keyOf(world, request)) },
    { method: 'PATCH', path: byKey, handle: (request) => upsert(world, request) },
    { method: 'DELETE', path: byKey, handle: (request) => remove(world, request, keyOf(world, request)) },
  ]
}

interface Found {
  readonly store: ObjectStore
  readonly matches: readonly StoredRecord[]
}

function idOf(world: SalesforceWorld, { params }: SimulatorRequest): Found {
  const store = objectOf(world, params['object'] as string)
  const record = existing(store, params['id'] as string, 'read')
  if (!('statusCode' in record)) return { store, matches: [record] }
  if (record.statusCode === 'ENTITY_IS_DELETED') throw refused(record, 404)
  throw notFound()
}

function keyOf(world: SalesforceWorld, { params }: SimulatorRequest): Found {
  const store = objectOf(world, params['object'] as string)
  const { field, value } = keyValue(store, params)
  return { store, matches: store.byIndex(field, value) }
}

function keyValue(store: ObjectStore, params: Readonly<Record<string, string>>) {
  const text = params['value'] as string
  // A path that ends like a file is looked for as a file.
  if (/\.inc$/.test(text)) throw notFound()
  const field = keyField(store, params['field'] as string)
  const value = fromJson(field, text)
  if (isRowError(value)) throw refused(value, 400)
  return { field, value: value as FieldValue }
}

function create(world: SalesforceWorld, request: SimulatorRequest): SimulatorReply {
  const store = objectOf(world, request.params['object'] as string)
  const { row, id, error } = jsonRow(jsonBody(request), { ...world, store, updating: false })
  if (id !== '') throw new RestError(400, 'INVALID_FIELD', 'cannot specify Id in an insert call', ['Id'])
  const written = done(error ?? world.writer.create(store, row, rowContext(world, request)))
  return { status: 201, body: { id: written.id, success: true, errors: [] } }
}

function update(world: SalesforceWorld, request: SimulatorRequest): SimulatorReply {
  const { store, matches } = idOf(world, request)
  const [record] = matches
  const { row, id, error } = jsonRow(jsonBody(request), { ...world, store, updating: true })
  refuseId(id)
  done(error ?? world.writer.update(store, (record as StoredRecord).id, row, rowContext(world, request)))
  return { status: 204 }
}

function upsert(world: SalesforceWorld, request: SimulatorRequest): SimulatorReply {
  const store = objectOf(world, request.params['object'] as string)
  const { field, value } = keyValue(store, request.params)
  const matches = store.byIndex(field, value)
  if (matches.length > 1) return choices(request, store, matches)
  const updating = matches.length === 1
  const body = jsonBody(request)
  const { row, id, error } = jsonRow(body, { ...world, store, updating })
  refuseId(id)
  if (row.fields.includes(field)) {
    const message = `${field.label}: The ${field.name} field should not be specified in the sobject data.`
    throw new RestError(400, 'INVALID_FIELD', message, [field.name])
  }
  if (!updating && request.query.get('updateOnly') === 'true') throw notFound()
  const keyed = { fields: [...row.fields, field], values: [...row.values, value] }
  const written = done(error ?? world.writer.upsert(store, field, value, keyed, rowContext(world, request)))
  if (!written.created && versionOf(request) < 46) return { status: 204 }
  const answer = { id: written.id, success: true, errors: [], created: written.created }
  return { status: written.created ? 201 : 200, body: answer }
}

function remove(world: SalesforceWorld, request: SimulatorRequest, { store, matches }: Found): SimulatorReply {
  const [record] = matches
  if (record === undefined) throw notFound()
  if (matches.length > 1) return choices(request, store, matches)
  done(world.writer.remove(store, record.id, false, rowContext(world, request)))
  return { status: 204 }
}

function read(_: SalesforceWorld, request: SimulatorRequest, { store, matches }: Found): SimulatorReply {
  const [record] = matches
  if (record === undefined) throw notFound()
  if (matches.length > 1) return choices(request, store, matches)
  const { model } = store
  const names = request.query.get('fields')?.split(',')
  const fields = names?.map((name) => {
    const field = model.byLowerName.get(name.trim().toLowerCase())
    if (field === undefined)
      throw new RestError(400, 'INVALID_FIELD', `No such column '${name}' on entity '${model.name}'.`)
    return field
  })
  return {
    status: 200,
    body: {
      attributes: { type: model.name, url: urlOf(request, store, record) },
      ...valuesOf(record.values, fields ?? model.fields),
      Id: record.id,
    },
  }
}

function choices(request: SimulatorRequest, store: ObjectStore, matches: readonly StoredRecord[]): SimulatorReply {
  return { status: 300, body: matches.map((record) => urlOf(request, store, record)) }
}

export function urlOf({ params }: SimulatorRequest, { model }: ObjectStore, { id }: StoredRecord): string {
  return `/services/data/${params['version']}/sobjects/${model.name}/${id}`
}

function refuseId(id: string): void {
  if (id === '') return
  throw new RestError(400, 'INVALID_FIELD', 'The Id field should not be specified in the sobject data.', ['Id'])
}

function refused({ statusCode, message, fields }: RowError, status: number): RestError {
  return new RestError(status, statusCode, message, fields)
}

function done(result: RowResult) {
  if (isWritten(result)) return result
  throw refused(result, result.statusCode === 'ENTITY_IS_DELETED' ? 404 : 400)
}

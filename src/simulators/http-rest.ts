import { type AskedChange, type ChangeResult, type Changes, keyOf, texts } from './http-change.ts'
import { type RawJson, readRawJson } from './http-raw-json.ts'
import { type HttpStore, printRecord, type StoredRecord } from './http-store.ts'
import type { SimulatorClock } from './simulator-clock.ts'
import type { SimulatorReply, SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

export interface RestContext {
  readonly store: HttpStore
  readonly changes: Changes
  readonly clock: SimulatorClock
  keysOf(object: string): readonly string[]
}

const STATUS: Readonly<Record<ChangeResult['status'], number>> = {
  created: 201,
  updated: 200,
  deleted: 200,
  not_found: 404,
  exists: 409,
  locked: 423,
  invalid: 422,
}

export function errorOf(status: number, code: string, message: string): SimulatorReply {
  return { status, body: { error: { code, message } } }
}

/** One record a request: `/v1/OBJECT`, `/v1/OBJECT/KEY` and `/v1/OBJECT/ids/ID`. */
export function restRoutes(context: RestContext): readonly SimulatorRoute[] {
  const { store, changes } = context
  const withMembers = (request: SimulatorRequest, work: (members: ReadonlyMap<string, RawJson>) => SimulatorReply) => {
    const members = readRawJson(request.body.toString('utf8'))?.members
    return members === undefined ? errorOf(400, 'no_object', 'the body is no JSON object') : work(members)
  }
  const one = (operation: string) => (request: SimulatorRequest) => {
    const object = request.params['object'] as string
    if (operation === 'delete') {
      return answer(changes.apply(object, change(operation, request.params['key'] as string, new Map()), request.n))
    }
    return withMembers(request, (members) => {
      const key = request.params['key'] ?? keyOf(members, context.keysOf(object))
      return answer(changes.apply(object, change(operation, key, members), request.n))
    })
  }
  const byId = (work: (record: StoredRecord, object: string, request: SimulatorRequest) => SimulatorReply) => {
    return (request: SimulatorRequest) => {
      const object = request.params['object'] as string
      const record = store.byId(object, request.params['id'] as string)
      return record === undefined ? errorOf(404, 'not_found', 'no such record') : work(record, object, request)
    }
  }
  return [
    { method: 'POST', path: '/v1/:object', handle: one('insert') },
    { method: 'POST', path: '/v1/:object/append', handle: (request) => append(request, store) },
    { method: 'GET', path: '/v1/:object/search', handle: (request) => search(request, context) },
    { method: 'PUT', path: '/v1/:object/:key', handle: one('upsert') },
    { method: 'PATCH', path: '/v1/:object/:key', handle: one('update') },
    { method: 'DELETE', path: '/v1/:object/:key', handle: one('delete') },
    {
      method: 'PATCH',
      path: '/v1/:object/ids/:id',
      handle: byId((record, object, request) =>
        withMembers(request, (members) => {
          const problem = changes.problemOf(change('update', record.key, members))
          if (problem !== undefined) return answer(problem)
          const key = keyOf(members, context.keysOf(object)) || record.key
          const other = store.get(object, key)
          if (other !== undefined && other !== record) {
            const error = { code: 'exists', message: 'another record has this key' }
            return answer({ status: 'exists', id: other.id, error })
          }
          store.update(object, record, { request: request.n, key, fields: texts([...members]) })
          return answer({ status: 'updated', id: record.id })
        }),
      ),
    },
    {
      method: 'DELETE',
      path: '/v1/:object/ids/:id',
      handle: byId((record, object, request) => {
        store.remove(object, record, request.n)
        return answer({ status: 'deleted', id: record.id })
      }),
    },
  ]
}

function change(operation: string, key: string, set: ReadonlyMap<string, RawJson>): AskedChange {
  return { operation, key, set, setOnInsert: new Map() }
}

function answer(result: ChangeResult): SimulatorReply {
  const { status, id, error } = result
  return {
    status: STATUS[status],
    body: { status, ...(id !== undefined && { id }), ...(error !== undefined && { error }) },
  }
}

/** Makes a record each time: nothing tells it that there is one. */
function append(request: SimulatorRequest, store: HttpStore): SimulatorReply {
  const members = readRawJson(request.body.toString('utf8'))?.members
  if (members === undefined) return errorOf(400, 'no_object', 'the body is no JSON object')
  const made = store.create(request.params['object'] as string, {
    request: request.n,
    key: `#${request.n}`,
    fields: texts([...members]),
  })
  return { status: 201, body: { status: 'created', id: made.id } }
}

/** `?email=ann` finds records whose key begins with it, as fuzzy searches do; new ones only after the lag. */
function search({ params, query, time }: SimulatorRequest, { store, keysOf }: RestContext): SimulatorReply {
  const object = params['object'] as string
  const wanted = keysOf(object).map((name) => query.get(name) ?? '')
  const sought = wanted.length === 1 ? (wanted[0] as string) : JSON.stringify(wanted)
  const found = (store.all(object) ?? []).filter(
    ({ key, searchableAt }) => searchableAt <= time && key.startsWith(sought),
  )
  return jsonReply(`{"found":[${found.map(printRecord).join()}]}`)
}

export function jsonReply(body: string, headers: Readonly<Record<string, string>> = {}): SimulatorReply {
  return { status: 200, headers: { 'content-type': 'application/json;charset=utf-8', ...headers }, body }
}

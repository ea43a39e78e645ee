import { rawText } from './http-raw-json.ts'
import type { StoredRecord } from './http-store.ts'
import { isEmail, keep, membersOf, stringAt } from './http-vendor-parts.ts'
import type { VendorContext } from './http-vendors.ts'
import type { SimulatorReply, SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

function failure(status: number, code: string, message: string): SimulatorReply {
  return { status, body: { type: 'error.list', request_id: 'r1', errors: [{ code, message }] } }
}

function conflict({ id }: StoredRecord): SimulatorReply {
  return failure(409, 'conflict', `A contact matching those details already exists with id=${id}`)
}

/** Intercom's contacts, below `/intercom`: ids of its own, one contact for each `external_id`. */
export function intercomRoutes({ store }: VendorContext): readonly SimulatorRoute[] {
  const authorized = (work: (request: SimulatorRequest) => SimulatorReply) => (request: SimulatorRequest) => {
    if (!(request.headers.authorization ?? '').startsWith('Bearer '))
      return failure(401, 'unauthorized', 'Access Token Invalid')
    if (request.headers['intercom-version'] === undefined) return failure(400, 'intercom_version_invalid', 'no version')
    return work(request)
  }
  const contact = ({ id, key, fields }: StoredRecord) => ({
    type: 'contact',
    id,
    external_id: key,
    email: JSON.parse(fields.get('email') ?? 'null'),
  })
  const problem = (request: SimulatorRequest): SimulatorReply | undefined => {
    const members = membersOf(request)
    const email = stringAt(members, 'email')
    if (email !== undefined && !isEmail(email)) return failure(400, 'parameter_invalid', 'email is invalid')
    const custom = members.get('custom_attributes')
    return custom !== undefined && custom.members === undefined
      ? failure(400, 'parameter_invalid', 'custom_attributes')
      : undefined
  }
  const flat = (request: SimulatorRequest) => {
    const members = membersOf(request)
    const fields = new Map([...members, ...(members.get('custom_attributes')?.members ?? [])])
    fields.delete('custom_attributes')
    return fields
  }
  const create = (request: SimulatorRequest): SimulatorReply => {
    const wrong = problem(request)
    if (wrong !== undefined) return wrong
    const key = stringAt(membersOf(request), 'external_id')
    if (key === undefined) return failure(400, 'parameter_not_found', 'external_id or email is needed')
    const there = store.get('intercom', key)
    if (there !== undefined) return conflict(there)
    return { status: 200, body: contact(keep(store, 'intercom', key, flat(request), request.n).record) }
  }
  const withContact = (work: (record: StoredRecord, request: SimulatorRequest) => SimulatorReply) =>
    authorized((request) => {
      const record = store.byId('intercom', request.params['id'] as string)
      return record === undefined ? failure(404, 'not_found', 'Contact Not Found') : work(record, request)
    })
  const update = withContact((record, request) => {
    const wrong = problem(request)
    if (wrong !== undefined) return wrong
    const key = stringAt(membersOf(request), 'external_id') ?? record.key
    const other = store.get('intercom', key)
    if (other !== undefined && other !== record) return conflict(other)
    const fields = new Map([...flat(request)].map(([name, { text }]) => [name, text]))
    store.update('intercom', record, { request: request.n, key, fields })
    return { status: 200, body: contact(record) }
  })
  const remove = withContact((record, request) => {
    store.remove('intercom', record, request.n)
    return { status: 200, body: { type: 'contact', id: record.id, external_id: record.key, deleted: true } }
  })
  const search = (request: SimulatorRequest): SimulatorReply => {
    const query = membersOf(request).get('query')?.members
    if (stringAt(query, 'field') !== 'external_id' || stringAt(query, 'operator') !== '=') {
      return failure(400, 'invalid_query', 'this simulator searches external_id with = and nothing else')
    }
    const found = store.get('intercom', rawText(query?.get('value')) ?? '')
    const data = found !== undefined && found.searchableAt <= request.time ? [contact(found)] : []
    return { status: 200, body: { type: 'list', data, total_count: data.length, pages: { type: 'pages', page: 1 } } }
  }
  const list = ({ query }: SimulatorRequest): SimulatorReply => {
    const all = store.all('intercom') ?? []
    const size = Number(query.get('per_page') ?? 50)
    const from = Number(query.get('starting_after') ?? 0)
    const data = all.slice(from, from + size).map(contact)
    const more = from + size < all.length ? { next: { page: 2, starting_after: String(from + size) } } : {}
    return { status: 200, body: { type: 'list', data, total_count: all.length, pages: { type: 'pages', ...more } } }
  }
  return [
    { method: 'POST', path: '/intercom/contacts', handle: authorized(create) },
    { method: 'GET', path: '/intercom/contacts', handle: authorized(list) },
    { method: 'POST', path: '/intercom/contacts/search', handle: authorized(search) },
    { method: 'PUT', path: '/intercom/contacts/:id', handle: update },
    { method: 'DELETE', path: '/intercom/contacts/:id', handle: remove },
    { method: 'GET', path: '/intercom/me', handle: authorized(() => ({ status: 200, body: { type: 'admin' } })) },
  ]
}

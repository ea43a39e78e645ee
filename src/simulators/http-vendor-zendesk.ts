import { rawText } from './http-raw-json.ts'
import { isEmail, keep, membersOf, stringAt } from './http-vendor-parts.ts'
import type { VendorContext } from './http-vendors.ts'
import type { SimulatorReply, SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

/** Zendesk's users, below `/zendesk`. */
export function zendeskRoutes({ store }: VendorContext): readonly SimulatorRoute[] {
  const authorized = (work: (request: SimulatorRequest) => SimulatorReply) => (request: SimulatorRequest) =>
    /^(Basic|Bearer) /.test(request.headers.authorization ?? '')
      ? work(request)
      : { status: 401, body: { error: "Couldn't authenticate you" } }
  const invalid = (field: string, description: string): SimulatorReply => ({
    status: 422,
    body: {
      error: 'RecordInvalid',
      description: 'Record validation errors',
      details: { [field]: [{ description, error: 'InvalidValue' }] },
    },
  })
  const upsert = (request: SimulatorRequest): SimulatorReply => {
    const user = membersOf(request).get('user')?.members
    if (user === undefined) return { status: 400, body: { error: 'InvalidFormat', description: 'user is missing' } }
    const email = stringAt(user, 'email')
    if (email !== undefined && !isEmail(email)) return invalid('email', `Email: ${email} is not properly formatted`)
    if ((stringAt(user, 'name') ?? '') === '') return invalid('name', 'Name: cannot be blank')
    const external = rawText(user.get('external_id'))
    if (external === undefined && email === undefined) return invalid('email', 'Email: cannot be blank')
    const fields = new Map([...user, ...(user.get('user_fields')?.members ?? [])])
    fields.delete('user_fields')
    // Whoever searches by an external id finds it in any case.
    const { record, created } = keep(store, 'zendesk', (external ?? (email as string)).toLowerCase(), fields, request.n)
    return { status: created ? 201 : 200, body: { user: { id: Number(record.id), external_id: external ?? null } } }
  }
  const search = (request: SimulatorRequest): SimulatorReply => {
    const found = store.get('zendesk', (request.query.get('external_id') ?? '').toLowerCase())
    const users =
      found === undefined || found.searchableAt > request.time
        ? []
        : [{ id: Number(found.id), external_id: JSON.parse(found.fields.get('external_id') ?? 'null') }]
    return { status: 200, body: { users, count: users.length, next_page: null } }
  }
  const remove = (request: SimulatorRequest): SimulatorReply => {
    const record = store.byId('zendesk', request.params['id'] as string)
    if (record === undefined) return { status: 404, body: { error: 'RecordNotFound', description: 'Not found' } }
    store.remove('zendesk', record, request.n)
    return { status: 200, body: { user: { id: Number(record.id), active: false } } }
  }
  return [
    { method: 'POST', path: '/zendesk/api/v2/users/create_or_update', handle: authorized(upsert) },
    { method: 'GET', path: '/zendesk/api/v2/users/search', handle: authorized(search) },
    {
      method: 'GET',
      path: '/zendesk/api/v2/users/me',
      handle: authorized(() => ({ status: 200, body: { user: { id: 1 } } })),
    },
    { method: 'DELETE', path: '/zendesk/api/v2/users/:id', handle: authorized(remove) },
  ]
}

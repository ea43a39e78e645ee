import { isEmail, keep, membersOf, stringAt } from './http-vendor-parts.ts'
import type { VendorContext } from './http-vendors.ts'
import type { SimulatorReply, SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

/** The attributes of a profile that are Klaviyo's own; all others belong to `properties`. */
const KNOWN = [
  'email',
  'phone_number',
  'external_id',
  'first_name',
  'last_name',
  'organization',
  'locale',
  'title',
  'image',
  'location',
  'properties',
]

function failure(status: number, code: string, detail: string, pointer: string): SimulatorReply {
  const error = { id: 'e1', status, code, title: code, detail, source: { pointer } }
  return { status, headers: { 'content-type': 'application/vnd.api+json' }, body: JSON.stringify({ errors: [error] }) }
}

/** Klaviyo's `POST /api/profile-import` (create or update a profile), below `/klaviyo`. */
export function klaviyoRoutes({ store }: VendorContext): readonly SimulatorRoute[] {
  const upsert = (request: SimulatorRequest): SimulatorReply => {
    const { authorization = '', revision = '' } = request.headers
    if (!authorization.startsWith('Klaviyo-API-Key ')) return failure(401, 'not_authenticated', 'no API key', '/')
    if (!/^\d{4}-\d\d-\d\d$/.test(String(revision)))
      return failure(400, 'invalid', 'the revision header is missing', '/')
    const data = membersOf(request).get('data')?.members
    const attributes = data?.get('attributes')?.members
    if (stringAt(data, 'type') !== 'profile' || attributes === undefined) {
      return failure(400, 'invalid', 'type must be profile, with attributes', '/data')
    }
    const stray = [...attributes.keys()].find((name) => !KNOWN.includes(name))
    if (stray !== undefined)
      return failure(400, 'invalid', `${stray} is not a valid field for profile`, `/data/attributes/${stray}`)
    const email = stringAt(attributes, 'email')
    if (email !== undefined && !isEmail(email))
      return failure(400, 'invalid', 'Invalid email address', '/data/attributes/email')
    const external = attributes.get('external_id')?.text
    if (external !== undefined && !/^("|null$)/.test(external))
      return failure(400, 'invalid', 'external_id is not a valid string', '/data/attributes/external_id')
    const key = stringAt(attributes, 'external_id') ?? email ?? stringAt(attributes, 'phone_number')
    if (key === undefined)
      return failure(400, 'invalid', 'one of email, phone_number, external_id is needed', '/data/attributes')
    const properties = attributes.get('properties')?.members ?? new Map()
    const fields = new Map([...attributes, ...properties])
    fields.delete('properties')
    const { record, created } = keep(store, 'klaviyo', key, fields, request.n)
    const body = { data: { type: 'profile', id: `01K${record.id}`, attributes: {} } }
    return {
      status: created ? 201 : 200,
      headers: { 'content-type': 'application/vnd.api+json' },
      body: JSON.stringify(body),
    }
  }
  return [{ method: 'POST', path: '/klaviyo/api/profile-import', handle: upsert }]
}

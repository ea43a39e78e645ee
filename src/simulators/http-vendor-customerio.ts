import type { RawJson } from './http-raw-json.ts'
import { isEmail, keep, membersOf, stringAt } from './http-vendor-parts.ts'
import type { VendorContext } from './http-vendors.ts'
import type { SimulatorReply, SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

const MOST_BYTES = 500_000
const MOST_ITEM_BYTES = 32_000

interface ItemError {
  readonly batch_index: number
  readonly reason: string
  readonly field: string
  readonly message: string
}

/** Customer.io's Track API v2: `POST /api/v2/batch`, below `/customerio`. */
export function customerioRoutes({ store }: VendorContext): readonly SimulatorRoute[] {
  const item = (raw: RawJson, index: number, request: number): ItemError | undefined => {
    const wrong = (field: string, reason: string, message: string) => ({ batch_index: index, reason, field, message })
    const members = raw.members
    const action = stringAt(members, 'action')
    const identifiers = members?.get('identifiers')?.members
    const [identifier] = [...(identifiers ?? [])]
    if (Buffer.byteLength(raw.text) > MOST_ITEM_BYTES) return wrong('', 'too_large', 'an item has at most 32 kB')
    if (stringAt(members, 'type') !== 'person') return wrong('type', 'invalid', 'type must be person here')
    if (identifiers?.size !== 1 || identifier === undefined || !['id', 'email', 'cio_id'].includes(identifier[0])) {
      return wrong('identifiers', 'required', 'exactly one of id, email, cio_id')
    }
    const [name] = identifier
    const value = stringAt(identifiers, name)
    if (value === undefined || value === '') return wrong(`identifiers.${name}`, 'required', 'an identifier is a text')
    if (name === 'email' && !isEmail(value)) return wrong('identifiers.email', 'invalid', 'this is no e-mail address')
    // In workspaces that identify people by e-mail its case means nothing.
    const key = name === 'email' ? value.toLowerCase() : value
    if (action === 'delete') {
      const found = store.get('customerio', key)
      if (found !== undefined) store.remove('customerio', found, request)
      return undefined
    }
    if (action !== 'identify') return wrong('action', 'invalid', 'action must be identify or delete here')
    const attributes = members?.get('attributes')?.members
    if (attributes === undefined) return wrong('attributes', 'required', 'identify needs attributes')
    const identified = new Map([[name, identifiers.get(name) as RawJson], ...attributes])
    keep(store, 'customerio', key, identified, request)
    return undefined
  }

  const batch = (request: SimulatorRequest): SimulatorReply => {
    const wrong = (status: number, reason: string, message: string) => ({
      status,
      body: { errors: [{ reason, message }] },
    })
    if (!(request.headers.authorization ?? '').startsWith('Basic '))
      return wrong(401, 'unauthorized', 'site id and API key')
    if (request.body.length > MOST_BYTES) return wrong(413, 'too_large', 'a request has at most 500 kB')
    const items = membersOf(request).get('batch')?.items
    if (items === undefined || items.length === 0) return wrong(400, 'required', 'batch is missing')
    const errors = items.flatMap((raw, index) => item(raw, index, request.n) ?? [])
    return errors.length === 0 ? { status: 200, body: {} } : { status: 207, body: { errors } }
  }
  return [{ method: 'POST', path: '/customerio/api/v2/batch', handle: batch }]
}

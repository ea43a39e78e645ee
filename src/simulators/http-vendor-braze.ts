import { type RawJson, rawText } from './http-raw-json.ts'
import { isEmail, keep, membersOf, stringAt } from './http-vendor-parts.ts'
import type { VendorContext } from './http-vendors.ts'
import type { SimulatorReply, SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

const MOST_ATTRIBUTES = 75
const MOST_DELETED = 50

/** Braze's `/users/track` and `/users/delete`, below `/braze`. */
export function brazeRoutes({ store }: VendorContext): readonly SimulatorRoute[] {
  const authorized = (work: (request: SimulatorRequest) => SimulatorReply) => (request: SimulatorRequest) =>
    (request.headers.authorization ?? '').startsWith('Bearer ')
      ? work(request)
      : { status: 401, body: { message: 'Invalid API key' } }

  const attributes = (raw: RawJson, index: number, request: number) => {
    const wrong = (type: string) => ({ type, input_array: 'attributes', index })
    const members = raw.members ?? new Map<string, RawJson>()
    const key = stringAt(members, 'external_id')
    if (key === undefined || key === '') return wrong("'external_id' is required")
    const email = stringAt(members, 'email')
    if (email !== undefined && !isEmail(email)) return wrong("'email' is not valid")
    keep(store, 'braze', key, members, request)
    return undefined
  }

  const track = (request: SimulatorRequest): SimulatorReply => {
    const list = membersOf(request).get('attributes')?.items
    if (list === undefined) return { status: 400, body: { message: 'No attributes, events or purchases' } }
    if (list.length > MOST_ATTRIBUTES) return { status: 400, body: { message: 'Too many objects in the request' } }
    const errors = list.flatMap((raw, index) => attributes(raw, index, request.n) ?? [])
    const processed = list.length - errors.length
    return {
      status: 201,
      body: { attributes_processed: processed, message: 'success', ...(errors.length > 0 && { errors }) },
    }
  }

  const remove = (request: SimulatorRequest): SimulatorReply => {
    const ids = membersOf(request).get('external_ids')?.items
    if (ids === undefined || ids.length === 0) return { status: 400, body: { message: 'No users were specified' } }
    if (ids.length > MOST_DELETED) return { status: 400, body: { message: 'Too many users in the request' } }
    let deleted = 0
    for (const id of ids) {
      const found = store.get('braze', rawText(id) ?? '')
      if (found === undefined) continue
      store.remove('braze', found, request.n)
      deleted++
    }
    return { status: 200, body: { deleted, message: 'success' } }
  }
  return [
    { method: 'POST', path: '/braze/users/track', handle: authorized(track) },
    { method: 'POST', path: '/braze/users/delete', handle: authorized(remove) },
  ]
}

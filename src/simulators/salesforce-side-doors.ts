import type { FieldValue } from './salesforce-model.ts'
import type { SalesforceSessions } from './salesforce-oauth.ts'
import { changeSettings } from './salesforce-options.ts'
import type { ObjectStore } from './salesforce-store.ts'
import type { SalesforceWorld } from './salesforce-world.ts'
import type { SimulatorLimits } from './simulator-limits.ts'
import { SimulatorOptionsError } from './simulator-options.ts'
import { jsonBody, type SimulatorReply, type SimulatorRequest } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

/**
 * What tests do behind the API's back:
 * - `POST /__settings {"lock_rate": 0.1}`: options that may change while it runs;
 * - `POST /__revoke {}`: ends all sessions; with `{"refresh": true}` the refresh tokens too;
 * - `POST /__limits {"window": "daily", "requests": 100}`: as if so many more requests had been sent;
 * - `POST /__records/OBJECT [{…}]`: somebody edits records by hand. With an `Id` it changes that record, or deletes it
 *   (`"IsDeleted": true`); without one it is created. No rule of the API is asked.
 */
export function salesforceSideDoors(
  world: SalesforceWorld,
  sessions: SalesforceSessions,
  limits: SimulatorLimits,
): SimulatorRoute[] {
  return [
    { method: 'POST', path: '/__settings', handle: (request) => change(world, request) },
    {
      method: 'POST',
      path: '/__revoke',
      handle(request) {
        sessions.revoke((jsonBody(request) as { refresh?: unknown } | undefined)?.refresh === true)
        return done({})
      },
    },
    { method: 'POST', path: '/__limits', handle: (request) => spend(world, limits, request) },
    { method: 'POST', path: '/__records/:object', handle: (request) => edit(world, request) },
  ]
}

const done = (body: unknown): SimulatorReply => ({ status: 200, body })
const wrong = (message: string): SimulatorReply => ({ status: 400, body: { message } })

function change({ settings }: SalesforceWorld, request: SimulatorRequest): SimulatorReply {
  try {
    changeSettings(settings, (jsonBody(request) ?? {}) as object)
    return done({})
  } catch (error) {
    if (error instanceof SimulatorOptionsError) return wrong(error.message)
    throw error
  }
}

function spend({ clock }: SalesforceWorld, limits: SimulatorLimits, request: SimulatorRequest): SimulatorReply {
  const { window, requests } = (jsonBody(request) ?? {}) as { window?: unknown; requests?: unknown }
  if (window !== 'daily' || !Number.isSafeInteger(requests) || (requests as number) < 0) {
    return wrong('give { "window": "daily", "requests": 100 }')
  }
  limits.spend(window, requests as number, clock.now())
  return done({ used: limits.use(window, clock.now()).used })
}

function edit(world: SalesforceWorld, request: SimulatorRequest): SimulatorReply {
  const store = world.records.of(request.params['object'] as string)
  const list = jsonBody(request)
  if (store === undefined || !Array.isArray(list)) return wrong('give a list of records of an object that exists')
  const ids: string[] = []
  for (const record of list as Record<string, FieldValue>[]) {
    const id = editOne(world, store, record)
    if (id === undefined) return wrong(`there is no such record, or no such field: ${JSON.stringify(record)}`)
    ids.push(id)
  }
  return done({ ids })
}

function editOne(
  { clock }: SalesforceWorld,
  store: ObjectStore,
  { Id: id, IsDeleted: deleted, ...set }: Record<string, FieldValue>,
): string | undefined {
  const { model } = store
  const context = { request: null, time: Math.floor(clock.now()) }
  const fields = Object.keys(set).map((name) => model.byName.get(name))
  const written = fields.filter((field) => field !== undefined)
  if (written.length < fields.length) return undefined
  const record = typeof id === 'string' ? store.byId(id) : undefined
  if (id !== undefined && (record === undefined || record.deletedAt !== undefined)) return undefined
  const values = [...(record?.values ?? model.fields.map(({ default: value }) => value ?? null))]
  const row = { fields: written, values: written.map(({ name }) => set[name] ?? null) }
  for (const { name, at } of written) values[at] = set[name] ?? null
  if (record === undefined) return store.insert(values, row, context).id
  if (deleted === true) store.remove(record, false, context)
  else store.update(record, values, row, context)
  return record.id
}

import { type HubspotAccount, hubspotAccount } from './hubspot-account.ts'
import { accountInfoRoutes } from './hubspot-account-info.ts'
import { type HubspotAuth, hubspotAuth } from './hubspot-auth.ts'
import { archiveBatch, readBatch, writeBatch } from './hubspot-batch.ts'
import { errorBody, refusal, statusReply, validation } from './hubspot-errors.ts'
import { hubspotLimits } from './hubspot-limits.ts'
import { createProperty, getProperty, getSchema, listProperties, listRules, listSchemas } from './hubspot-metadata.ts'
import { HUBSPOT_OPTION_CHECKS, type HubspotOptions } from './hubspot-options.ts'
import { archiveRecord, createRecord, getRecord, listRecords, mergeRecords, updateRecord } from './hubspot-records.ts'
import { searchRecords } from './hubspot-search.ts'
import type { HubspotStore } from './hubspot-store.ts'
import { checkRecord, sentValues } from './hubspot-write.ts'
import { jsonBody, type SimulatorReply, type SimulatorRequest, type SimulatorRequestHead } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'
import type { DefineSimulator } from './simulator-world.ts'

/** HubSpot's CRM: objects, properties, schemas and tokens. What it does is listed in hubspot-behaviours.ts. */
export const HUBSPOT = { options: HUBSPOT_OPTION_CHECKS, define: hubspotSimulator }

function hubspotSimulator(options: HubspotOptions): DefineSimulator {
  return (context) => {
    const account = hubspotAccount(options, context)
    const auth = hubspotAuth(account)
    const limits = hubspotLimits(account, context)
    const isToken = ({ path }: SimulatorRequestHead) => path.startsWith('/oauth/')
    return {
      routes: [
        ...objectRoutes(account, auth),
        ...metadataRoutes(account, auth),
        ...accountInfoRoutes(account, auth),
        ...tokenRoutes(auth),
      ],
      admit: (request) => (isToken(request) ? undefined : (auth.refuse(request) ?? limits.refuse(request))),
      finish: (request, reply) =>
        isToken(request) ? reply : { ...reply, headers: { ...limits.headers(request), ...reply.headers } },
      errorReply: (status, { n }) => statusReply(status, n, account.options.moving_seconds),
      faults: {
        'rate-limit-daily': (request) => limits.reply('DAILY', request),
        'rate-limit-rolling': (request) => limits.reply('TEN_SECONDLY_ROLLING', request),
        'rate-limit-message': (request) => limits.reply('message', request),
        'empty-results': () => ({ status: 200, body: emptyBatch(context.clock.now()) }),
        'batch-conflict': ({ n }) => ({
          status: 409,
          body: errorBody(n, 'CONFLICT', 'A value of one of the inputs is unique and belongs to another record'),
        }),
      },
      records: (object) => {
        const store = account.store(object)
        return store?.list(undefined, Number.POSITIVE_INFINITY, false, context.clock.now())
      },
      sideDoors: [
        { method: 'POST', path: '/__tokens', handle: auth.change },
        { method: 'POST', path: '/__limits', handle: limits.spend },
        { method: 'POST', path: '/__records/:object', handle: (request) => putRecords(account, request) },
      ],
    }
  }
}

/** A batch that was accepted, and of which nothing was done. */
function emptyBatch(now: number): object {
  const time = new Date(now).toISOString()
  return { status: 'COMPLETE', results: [], startedAt: time, completedAt: time }
}

type ObjectCall = (account: HubspotAccount, store: HubspotStore, request: SimulatorRequest) => SimulatorReply

/** The shapes that paths have: of v3, and of the versions that are dates. */
function shapes(v3: string, dated: string, rest: string): string[] {
  return [v3, dated].map((base) => `${base}/:object${rest}`)
}

function objectRoutes(account: HubspotAccount, auth: HubspotAuth): SimulatorRoute[] {
  const calls: readonly [method: string, rest: string, needs: 'read' | 'write', call: ObjectCall][] = [
    ['POST', '/batch/create', 'write', (...args) => writeBatch(args[0], args[1], 'create', args[2])],
    ['POST', '/batch/update', 'write', (...args) => writeBatch(args[0], args[1], 'update', args[2])],
    ['POST', '/batch/upsert', 'write', (...args) => writeBatch(args[0], args[1], 'upsert', args[2])],
    ['POST', '/batch/read', 'read', readBatch],
    ['POST', '/batch/archive', 'write', archiveBatch],
    ['POST', '/search', 'read', searchRecords],
    ['POST', '/merge', 'write', mergeContacts],
    ['GET', '', 'read', listRecords],
    ['POST', '', 'write', createRecord],
    ['GET', '/:id', 'read', getRecord],
    ['PATCH', '/:id', 'write', updateRecord],
    ['DELETE', '/:id', 'write', archiveRecord],
  ]
  return calls.flatMap(([method, rest, needs, call]) =>
    shapes('/crm/v3/objects', '/crm/objects/:version', rest).map((path) => ({
      method,
      path,
      handle: (request) => onObject(account, auth, request, ({ scopes }) => scopes[needs], call),
    })),
  )
}

const mergeContacts: ObjectCall = (account, store, request) =>
  store.type.name === 'contacts' ? mergeRecords(account, store, request) : statusReply(404, request.n, 0)

function metadataRoutes(account: HubspotAccount, auth: HubspotAuth): SimulatorRoute[] {
  const route = (
    method: string,
    paths: readonly string[],
    access: 'read' | 'write',
    call: ObjectCall,
  ): SimulatorRoute[] =>
    paths.map((path) => ({
      method,
      path,
      handle: (request) => onObject(account, auth, request, (type) => schemaScopes(type, access), call),
    }))
  const [properties, property] = ['', '/:name'].map((rest) =>
    shapes('/crm/v3/properties', '/crm/properties/:version', rest),
  )
  const rules = shapes('/crm/v3/property-validations', '/crm/property-validations/:version', '')
  const schemas = ['/crm/v3/schemas', '/crm-object-schemas/:version/schemas']
  return [
    ...route('GET', properties as string[], 'read', listProperties),
    ...route('POST', properties as string[], 'write', createProperty),
    ...route('GET', property as string[], 'read', getProperty),
    ...route('GET', rules, 'read', listRules),
    ...schemas.map((path) => ({
      method: 'GET',
      path,
      handle: (request: SimulatorRequest) =>
        wrongVersion(request) ?? auth.refuseScope(request, ['crm.schemas.custom.read']) ?? listSchemas(account),
    })),
    ...route(
      'GET',
      schemas.map((path) => `${path}/:object`),
      'read',
      getSchema,
    ),
  ]
}

/** Metadata can be read with the scope of the records, and written with that of the schema alone. */
function schemaScopes({ name, fullyQualifiedName, scopes }: HubspotStore['type'], access: 'read' | 'write'): string[] {
  const schema = `crm.schemas.${fullyQualifiedName === undefined ? name : 'custom'}`
  return access === 'read' ? [`${schema}.read`, ...scopes.read] : [`${schema}.write`]
}

function onObject(
  account: HubspotAccount,
  auth: HubspotAuth,
  request: SimulatorRequest,
  scopes: (type: HubspotStore['type']) => readonly string[],
  call: ObjectCall,
): SimulatorReply {
  const wrong = wrongVersion(request)
  if (wrong !== undefined) return wrong
  const object = request.params['object'] as string
  const store = account.store(object)
  if (store === undefined) return refusal(request.n, validation(`Unable to infer object type from: ${object}`))
  return auth.refuseScope(request, scopes(store.type)) ?? call(account, store, request)
}

const VERSIONS = ['v3', '2026-03', '2026-09']

function wrongVersion({ n, params }: SimulatorRequest): SimulatorReply | undefined {
  const version = params['version']
  return version === undefined || VERSIONS.includes(version) ? undefined : statusReply(404, n, 0)
}

function tokenRoutes(auth: HubspotAuth): SimulatorRoute[] {
  return ['/oauth/v1/token', '/oauth/2026-03/token'].map((path) => ({ method: 'POST', path, handle: auth.token }))
}

/** The side door: creates records as a person would in the browser. Answers their ids. */
function putRecords(account: HubspotAccount, request: SimulatorRequest): SimulatorReply {
  const store = account.store(request.params['object'] as string)
  const body = jsonBody(request)
  if (store === undefined || !Array.isArray(body)) {
    return {
      status: 400,
      body: { message: 'give a list of the properties of each record, of an object that there is' },
    }
  }
  const ids: string[] = []
  for (const properties of body) {
    const checked = checkRecord(store, sentValues(properties) ?? {}, undefined, 'v3')
    if ('problem' in checked) return { status: 400, body: checked.problem }
    ids.push(account.write(store, undefined, checked.values, account.clock.now(), null).id)
  }
  return { status: 200, body: { ids } }
}

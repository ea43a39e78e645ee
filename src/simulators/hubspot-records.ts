import type { HubspotAccount } from './hubspot-account.ts'
import { notFound } from './hubspot-batch.ts'
import { refusal, validation } from './hubspot-errors.ts'
import { historyOf, readRecord, writtenRecord } from './hubspot-replies.ts'
import type { HubspotRecord, HubspotStore } from './hubspot-store.ts'
import { checkRecord, sentValues } from './hubspot-write.ts'
import { jsonBody, type SimulatorReply, type SimulatorRequest } from './simulator-request.ts'

const MAX_PAGE = 100
/** Archived records can be seen for so long. */
const ARCHIVE_MS = 90 * 86_400_000

/** `GET …/{object}`: pages in the order of the ids. */
export function listRecords(
  { clock, options }: HubspotAccount,
  store: HubspotStore,
  request: SimulatorRequest,
): SimulatorReply {
  const { query } = request
  const limit = Number(query.get('limit') ?? 10)
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
    return refusal(
      request.n,
      validation(`limit has to be a number from 1 to ${MAX_PAGE}, and is ${query.get('limit')}`),
    )
  }
  const archived = query.get('archived') === 'true'
  // Of archived records those that are gone for good stand between the others.
  const most = archived ? Number.POSITIVE_INFINITY : limit + 1
  const found = store.list(query.get('after') ?? undefined, most, archived, clock.now() - options.list_lag_ms)
  const shown = archived ? found.filter((record) => isRestorable(record, clock.now())) : found
  const page = shown.slice(0, limit)
  const asked = listed(query, 'properties')
  const after = page.at(-1)?.id
  const link = `${request.path}?limit=${limit}&after=${after}`
  const paging = shown.length > limit && after !== undefined ? { paging: { next: { after, link } } } : {}
  return { status: 200, body: { results: page.map((record) => readRecord(store.type, record, asked)), ...paging } }
}

function isRestorable({ archivedAt }: HubspotRecord, now: number): boolean {
  return archivedAt !== undefined && Date.parse(archivedAt) > now - ARCHIVE_MS
}

/** `GET …/{object}/{id}`, and by `?idProperty=`. */
export function getRecord({ clock }: HubspotAccount, store: HubspotStore, request: SimulatorRequest): SimulatorReply {
  const found = findRecord(store, request)
  if ('status' in found) return found
  const archived = request.query.get('archived') === 'true' ? store.getArchived(idOf(request)) : undefined
  const record = found.record ?? (archived !== undefined && isRestorable(archived, clock.now()) ? archived : undefined)
  if (record === undefined) return missing(store, request)
  const history = listed(request.query, 'propertiesWithHistory')
  const body = readRecord(store.type, record, listed(request.query, 'properties'))
  const more = history.length === 0 ? {} : { propertiesWithHistory: historyOf(record, history) }
  return { status: 200, body: { ...body, ...more } }
}

/** `POST …/{object}`. */
export function createRecord(account: HubspotAccount, store: HubspotStore, request: SimulatorRequest): SimulatorReply {
  return writeOne(account, store, request, undefined)
}

/** `PATCH …/{object}/{id}`, and by `?idProperty=`. */
export function updateRecord(account: HubspotAccount, store: HubspotStore, request: SimulatorRequest): SimulatorReply {
  const found = findRecord(store, request)
  if ('status' in found) return found
  if (found.record === undefined) return missing(store, request)
  return writeOne(account, store, request, found.record)
}

function writeOne(
  account: HubspotAccount,
  store: HubspotStore,
  request: SimulatorRequest,
  current: HubspotRecord | undefined,
): SimulatorReply {
  const { properties } = (jsonBody(request) ?? {}) as { properties?: unknown }
  const sent = sentValues(properties)
  if (sent === undefined)
    return refusal(request.n, validation('Invalid input JSON: properties has to be an object of texts'))
  const checked = checkRecord(store, sent, current, request.params['version'] ?? 'v3')
  if ('problem' in checked) return refusal(request.n, checked.problem)
  const record = account.write(store, current, checked.values, account.clock.now(), request.n)
  return { status: current === undefined ? 201 : 200, body: writtenRecord(store.type, record, checked.values) }
}

/** `DELETE …/{object}/{id}`: 204 whatever was there. */
export function archiveRecord(account: HubspotAccount, store: HubspotStore, request: SimulatorRequest): SimulatorReply {
  account.archive(store, idOf(request), request.n)
  return { status: 204 }
}

/** `POST …/contacts/merge`. */
export function mergeRecords(account: HubspotAccount, store: HubspotStore, request: SimulatorRequest): SimulatorReply {
  const { primaryObjectId, objectIdToMerge } = (jsonBody(request) ?? {}) as Record<string, unknown>
  const ids = [String(primaryObjectId ?? ''), String(objectIdToMerge ?? '')] as const
  const [primary, other] = ids.map((id) => store.get(id))
  if (primary === undefined || other === undefined) {
    return refusal(
      request.n,
      notFound(
        store,
        ids.filter((id) => store.get(id) === undefined),
      ),
    )
  }
  if (primary.id === other.id) return refusal(request.n, validation('A record cannot be merged with itself'))
  const record = account.merge(store, primary.id, other.id, request.n)
  return { status: 200, body: readRecord(store.type, record, []) }
}

function findRecord(
  store: HubspotStore,
  request: SimulatorRequest,
): { record: HubspotRecord | undefined } | SimulatorReply {
  const idProperty = request.query.get('idProperty')
  if (idProperty === null) return { record: store.get(idOf(request)) }
  if (store.type.isUnique(idProperty)) return { record: store.findBy(idProperty, idOf(request)) }
  return refusal(request.n, validation(`Unable to find by a non-unique ${store.type.singular} property: ${idProperty}`))
}

function missing(store: HubspotStore, request: SimulatorRequest): SimulatorReply {
  const { category, context } = notFound(store, [idOf(request)])
  const message = 'Object not found.  objectId are usually numeric.'
  return refusal(request.n, { status: 404, category, message, ...(context === undefined ? {} : { context }) })
}

function idOf({ params }: SimulatorRequest): string {
  return params['id'] as string
}

/** `properties=a,b&properties=c`. */
function listed(query: URLSearchParams, name: string): readonly string[] {
  return query
    .getAll(name)
    .flatMap((part) => part.split(','))
    .filter((part) => part !== '')
}

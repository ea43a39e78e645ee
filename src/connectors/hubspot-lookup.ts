import { UnansweredError } from '../core/errors.ts'
import { errorOf, listOf, recordOf, systemic, textOf, unknownObject } from './hubspot-errors.ts'
import { type HubspotSession, objectOf } from './hubspot-session.ts'
import type { WebReply } from './web-client.ts'
import { jsonOf, unreadable } from './web-errors.ts'

/** A record that was found. */
export interface FoundRecord {
  readonly id: string
  /** A contact that has the address as another one, beside its own. */
  readonly isSecondary: boolean
}

/** Other addresses of a contact, which find it too [D]. */
const OTHER_EMAILS = 'hs_additional_emails'

/** What HubSpot compares where it matches: addresses without their case and the space around them. */
export function hubspotIdentity(property: string, value: string): string {
  return property === 'email' ? value.trim().toLowerCase() : value
}

/**
 * The records that these values of a unique property find, by the value. A value that is not in the answer has no
 * record. Never the search, which lags behind writes [D].
 */
export async function findRecords(
  session: HubspotSession,
  type: string,
  property: string,
  values: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, FoundRecord>> {
  const isEmail = property === 'email'
  const reply = await session.call('POST', `${session.paths.objects(type)}/batch/read`, signal, {
    idProperty: property,
    properties: isEmail ? [property, OTHER_EMAILS] : [property],
    propertiesWithHistory: [],
    inputs: values.map((id) => ({ id })),
  })
  if (reply.status === 404) {
    await proveMissing(session, type, reply, values, signal)
    return new Map()
  }
  const { results, absent, unnamed } = readOf(reply)
  const records = results.flatMap((one) => foundRecord(one, property))
  const byValue = new Map(records)
  // Values may come back in another case, and two that differ in nothing else may be two records.
  const byNormal = new Map(records.map(([value, record]) => [normal(value), record]))
  const found = new Map<string, FoundRecord>()
  const open: string[] = []
  for (const value of values) {
    const record = byValue.get(value) ?? (absent.has(value) ? undefined : byNormal.get(normal(value)))
    if (record !== undefined) found.set(value, record)
    else if (!unnamed && !absent.has(value) && !absent.has(normal(value))) open.push(value)
  }
  if (open.length === 0) return found
  if (values.length > 1) {
    // HubSpot may write a value in its own way (`1.5` for `1.50`). Asked for alone it is known which is meant.
    for (const value of open) {
      for (const entry of await findRecords(session, type, property, [value], signal)) found.set(...entry)
    }
    return found
  }
  const [only] = records
  if (only === undefined) throw new UnansweredError(`${reply.what} was answered without a word about the record`)
  // Whether the address is the contact's own is not known.
  return new Map([[open[0] as string, { id: only[1].id, isSecondary: isEmail }]])
}

/** By its own value, and a contact by its other addresses: its own value comes last, and wins. */
function foundRecord(said: unknown, property: string): (readonly [string, FoundRecord])[] {
  const { id, properties } = recordOf(said)
  const own = textOf(recordOf(properties)[property])
  if (textOf(id) === '') return []
  const others = property === 'email' ? textOf(recordOf(properties)[OTHER_EMAILS]).split(';') : []
  return [
    ...others.filter((other) => other !== '').map((other) => [other, { id: textOf(id), isSecondary: true }] as const),
    [own, { id: textOf(id), isSecondary: false }],
  ]
}

/** `merged`: into another record, which is what the id finds since [D]. */
export type RecordState = 'there' | 'gone' | 'merged'

/** What has become of records. An id that HubSpot says nothing about is not in the answer. */
export async function recordStates(
  session: HubspotSession,
  type: string,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, RecordState>> {
  const reply = await session.call('POST', `${session.paths.objects(type)}/batch/read`, signal, {
    properties: [],
    propertiesWithHistory: [],
    inputs: ids.map((id) => ({ id })),
  })
  if (reply.status === 404) {
    await proveMissing(session, type, reply, ids, signal)
    return new Map(ids.map((id) => [id, 'gone'] as const))
  }
  const { results, absent, unnamed } = readOf(reply)
  const read = new Set(results.map((one) => textOf(recordOf(one)['id'])))
  const states = new Map<string, RecordState>()
  for (const id of ids) {
    if (read.has(id)) states.set(id, 'there')
    else if (absent.has(id) || unnamed) states.set(id, 'gone')
    else if (ids.length > 1) {
      // Only alone it is sure that another record is the answer to this id.
      for (const entry of await recordStates(session, type, [id], signal)) states.set(...entry)
    } else if (read.size > 0) states.set(id, 'merged')
  }
  return states
}

/** What a read found, and what it says is not there: by id or value, or of some without saying which. */
function readOf(reply: WebReply) {
  const body = objectOf(reply)
  const errors = listOf(body['errors']).map(errorOf)
  return {
    results: listOf(body['results']),
    absent: new Set(errors.flatMap(({ context }) => context['ids'] ?? [])),
    unnamed: errors.some(({ category, context }) => category === 'OBJECT_NOT_FOUND' && !context['ids']?.length),
  }
}

/** Where none is found the answer may be 404 [C], as it is where the object itself is gone. */
async function proveMissing(
  session: HubspotSession,
  type: string,
  reply: WebReply,
  values: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const error = notFoundOf(reply)
  const named = new Set(error.context['ids']?.map(normal))
  if (error.category === 'OBJECT_NOT_FOUND' && values.every((value) => named.has(normal(value)))) return
  const { status } = await session.call('GET', `${session.paths.objects(type)}?limit=1`, signal)
  if (status === 404) throw unknownObject(error.message || type)
}

/** What a 404 says in HubSpot's words. Throws UnansweredError where they are somebody else's, FatalError where the object is gone. */
export function notFoundOf(reply: WebReply): ReturnType<typeof errorOf> {
  const error = errorOf(jsonOf(reply))
  if (error.category === '' && error.message === '') throw unreadable(reply, 'JSON')
  const fault = systemic(error)
  if (fault !== undefined) throw fault
  return error
}

/** Values as they may come back: without the space around them, and in another case. */
function normal(value: string): string {
  return value.trim().toLowerCase()
}

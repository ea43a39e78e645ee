import { UnansweredError } from '../core/errors.ts'
import { errorOf, listOf, recordOf, textOf, unknownObject } from './hubspot-errors.ts'
import { type HubspotSession, objectOf } from './hubspot-session.ts'
import { jsonOf } from './web-errors.ts'

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
    await proveMissing(session, type, errorOf(jsonOf(reply)), values, signal)
    return new Map()
  }
  const body = objectOf(reply)
  const records = listOf(body['results']).flatMap((one) => foundRecord(one, property))
  const byValue = new Map(records)
  // Values may come back in another case, and two that differ in nothing else may be two records.
  const byNormal = new Map(records.map(([value, record]) => [normal(value), record]))
  const errors = listOf(body['errors']).map(errorOf)
  const absent = new Set(errors.flatMap(({ context }) => context['ids'] ?? []))
  const unnamed = errors.some(({ category, context }) => category === 'OBJECT_NOT_FOUND' && !context['ids']?.length)
  const found = new Map<string, FoundRecord>()
  for (const value of values) {
    const record = byValue.get(value) ?? (absent.has(value) ? undefined : byNormal.get(normal(value)))
    if (record !== undefined) found.set(value, record)
    else if (!unnamed && !absent.has(value) && !absent.has(normal(value))) {
      throw new UnansweredError(`${reply.what} was answered without a word about one of ${values.length} records`)
    }
  }
  return found
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

/** Which of these records there are. */
export async function existingIds(
  session: HubspotSession,
  type: string,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const reply = await session.call('POST', `${session.paths.objects(type)}/batch/read`, signal, {
    properties: [],
    propertiesWithHistory: [],
    inputs: ids.map((id) => ({ id })),
  })
  if (reply.status !== 404) return new Set(listOf(objectOf(reply)['results']).map((one) => textOf(recordOf(one)['id'])))
  await proveMissing(session, type, errorOf(jsonOf(reply)), ids, signal)
  return new Set()
}

/** Where none is found the answer may be 404 [C], as it is where the object itself is gone. */
async function proveMissing(
  session: HubspotSession,
  type: string,
  { category, context, message }: ReturnType<typeof errorOf>,
  values: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const named = new Set(context['ids']?.map(normal))
  if (category === 'OBJECT_NOT_FOUND' && values.every((value) => named.has(normal(value)))) return
  const { status } = await session.call('GET', `${session.paths.objects(type)}?limit=1`, signal)
  if (status === 404) throw unknownObject(message || type)
}

/** Values as they may come back: without the space around them, and in another case. */
function normal(value: string): string {
  return value.trim().toLowerCase()
}

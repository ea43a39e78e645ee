import { suggestion } from '../core/did-you-mean.ts'
import { FatalError } from '../core/errors.ts'
import { listOf, recordOf, textOf, unknownObject } from './hubspot-errors.ts'
import { type HubspotSession, objectOf } from './hubspot-session.ts'
import type { WebReply } from './web-client.ts'
import { jsonOf, unreadable } from './web-errors.ts'

/** What HubSpot says of a property, as far as values depend on it [S]. */
export interface HubspotProperty {
  readonly name: string
  /** `string`, `number`, `enumeration` … */
  readonly type: string
  /** `checkbox` is an enumeration of which several options can be chosen. */
  readonly fieldType: string
  /** Values that can be sent and what people see instead. Empty where they are not listed (owners, pipelines). */
  readonly options: ReadonlyMap<string, string>
  readonly isUnique: boolean
  /** Why it cannot be set; undefined where it can. */
  readonly readOnly: 'calculated' | 'read-only' | 'archived' | undefined
}

/** What is known of the object of a sync. */
export interface HubspotObject {
  /** As paths name it: `contacts`, `2-7000001`. */
  readonly type: string
  readonly properties: ReadonlyMap<string, HubspotProperty>
  /** Without these no record can be made. */
  readonly required: readonly string[]
  /** Properties that an administrator has set rules on. */
  readonly ruled: readonly string[]
}

/** Objects that every account has, as paths name them. */
const STANDARD = new Map(
  ['contacts', 'companies', 'deals', 'tickets', 'products'].flatMap((name) => [
    [name, name],
    [name === 'companies' ? 'company' : name.slice(0, -1), name],
  ]),
)

/** Their ids: the rules of administrators are asked for by id [D]. */
const STANDARD_IDS: Readonly<Record<string, string>> = {
  contacts: '0-1',
  companies: '0-2',
  deals: '0-3',
  tickets: '0-5',
  products: '0-7',
}

/** `2-7000001`, `p1234567_car`, `0-1`: names that can stand in a path as they are. */
const BY_ID = /^(\d+-\d+|p\d+_\w+)$/

/**
 * Unique although the metadata does not say so of properties that HubSpot defines [C]. Companies and deals have none
 * but the record id: `domain` is not unique [D].
 */
const UNIQUE: Readonly<Record<string, readonly string[]>> = {
  contacts: ['email'],
  '0-1': ['email'],
  products: ['hs_sku'],
  '0-7': ['hs_sku'],
  tickets: ['hs_external_object_ids'],
  '0-5': ['hs_external_object_ids'],
}

/** Reads what HubSpot says of an object. Throws FatalError `unknown_object`. */
export async function readObject(session: HubspotSession, name: string, signal: AbortSignal): Promise<HubspotObject> {
  const { paths } = session
  const standard = STANDARD.get(name.toLowerCase())
  const schema = standard === undefined ? await schemaOf(session, name, signal) : undefined
  const type = standard ?? (textOf(schema?.['objectTypeId']) || name)
  const reply = await session.call('GET', paths.properties(type), signal)
  if (reply.status === 404) throw unknownObject(name)
  const unique = UNIQUE[type] ?? []
  const properties = new Map<string, HubspotProperty>()
  for (const one of resultsOf(reply)) {
    const property = propertyOf(recordOf(one), unique)
    properties.set(property.name, property)
  }
  if (properties.size === 0) throw unknownObject(`${name} has no properties`)
  return {
    type,
    properties,
    required: listOf(schema?.['requiredProperties']).filter((one) => typeof one === 'string'),
    ruled: await ruledProperties(session, STANDARD_IDS[type] ?? type, signal),
  }
}

/** The schema of a custom object, by its id, its full name, its name or its labels. */
async function schemaOf(
  session: HubspotSession,
  name: string,
  signal: AbortSignal,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  if (/^0-\d+$/.test(name)) return undefined
  const byId = BY_ID.test(name)
  const reply = await session.call('GET', session.paths.schemas, signal).catch((error: unknown) => {
    // A name that can stand in a path needs no schema: then only required properties are not known.
    if (byId && error instanceof FatalError && error.code === 'permission_denied') return undefined
    throw error
  })
  if (reply === undefined || reply.status === 404) return undefined
  const schemas = resultsOf(reply).map(recordOf)
  const namesOf = (schema: Readonly<Record<string, unknown>>) => {
    const { plural, singular } = recordOf(schema['labels'])
    return [schema['objectTypeId'], schema['fullyQualifiedName'], schema['name'], plural, singular].map(textOf)
  }
  const wanted = name.toLowerCase()
  const found = schemas.filter((schema) => namesOf(schema).some((one) => one.toLowerCase() === wanted))
  if (found.length > 1) throw unknownObject(`${found.length} objects are called ${name}`)
  if (found.length === 1 || byId) return found[0]
  const known = [...new Set(STANDARD.values()), ...schemas.map((schema) => textOf(schema['name']))]
  throw unknownObject(`${name}${suggestion(name, known)}; there are ${known.join(', ')}`)
}

/** Throws UnansweredError where there is no list: an answer without one does not say that there is nothing. */
function resultsOf(reply: WebReply): readonly unknown[] {
  const { results } = objectOf(reply)
  if (Array.isArray(results)) return results
  throw unreadable(reply, 'results')
}

function propertyOf(said: Readonly<Record<string, unknown>>, unique: readonly string[]): HubspotProperty {
  const name = textOf(said['name'])
  const type = textOf(said['type'])
  const external = said['externalOptions'] === true
  const options = listOf(said['options']).map((one) => {
    const { value, label } = recordOf(one)
    return [textOf(value), textOf(label)] as const
  })
  return {
    name,
    type,
    fieldType: textOf(said['fieldType']),
    options: new Map(external ? [] : options),
    isUnique: unique.includes(name) || said['hasUniqueValue'] === true,
    readOnly: readOnlyOf(said),
  }
}

function readOnlyOf(said: Readonly<Record<string, unknown>>): HubspotProperty['readOnly'] {
  if (said['archived'] === true) return 'archived'
  if (said['calculated'] === true) return 'calculated'
  return recordOf(said['modificationMetadata'])['readOnlyValue'] === true ? 'read-only' : undefined
}

const RULES_NOT_TOLD = new Set(['permission_denied', 'hubspot_error', 'unknown_object'])

/** Only for a note: whoever gets no answer to read the rules from is none the worse. */
async function ruledProperties(session: HubspotSession, type: string, signal: AbortSignal): Promise<readonly string[]> {
  const path = session.paths.rules(type)
  if (path === undefined) return []
  const reply = await session.call('GET', path, signal).catch((error: unknown) => {
    if (error instanceof FatalError && RULES_NOT_TOLD.has(error.code)) return undefined
    throw error
  })
  if (reply === undefined || reply.status === 404) return []
  return listOf(recordOf(jsonOf(reply))['results']).map((one) => textOf(recordOf(one)['propertyName']))
}

import { ownProperties, STANDARD_OBJECTS } from './hubspot-definitions.ts'
import { type HubspotObjectOption, type HubspotPropertyOption, wrongObject } from './hubspot-options.ts'

/** A property as the API knows it. */
export interface HubspotProperty {
  readonly name: string
  readonly label: string
  readonly type: string
  readonly fieldType: string
  readonly groupName: string
  readonly description: string
  readonly options: readonly { readonly label: string; readonly value: string }[]
  readonly externalOptions: boolean
  readonly hasUniqueValue: boolean
  readonly calculated: boolean
  readonly readOnlyValue: boolean
  readonly hubspotDefined: boolean
  readonly required: boolean
  readonly requiredWhen: { readonly property: string; readonly value: string } | undefined
  readonly rules: readonly { readonly type: string; readonly arguments: readonly string[] }[]
  readonly createdAt: number
}

export interface HubspotObjectType {
  /** `contacts`; of a custom object the name it was given. */
  readonly name: string
  readonly singular: string
  readonly typeId: string
  /** `p1234567_car`; undefined for HubSpot's own. */
  readonly fullyQualifiedName: string | undefined
  readonly shown: readonly string[]
  /** The properties that say when a record was created and changed. */
  readonly created: string
  readonly modified: string
  readonly required: readonly string[]
  readonly properties: Map<string, HubspotProperty>
  /** Those that version 2026-09 enforces something of. */
  readonly enforced: readonly HubspotProperty[]
  /** Whether a property identifies at most one record. */
  readonly isUnique: (property: string) => boolean
  readonly scopes: { readonly read: readonly string[]; readonly write: readonly string[] }
}

export interface HubspotCatalog {
  readonly types: readonly HubspotObjectType[]
  /** By plural, singular, type id, or full name. */
  find(name: string): HubspotObjectType | undefined
  /** More unique properties than this an object cannot have. */
  readonly maxUnique: number
}

export function hubspotCatalog(
  objects: Readonly<Record<string, HubspotObjectOption>>,
  portal: number,
  now: number,
): HubspotCatalog {
  const types: HubspotObjectType[] = STANDARD_OBJECTS.map((standard) => {
    const more = objects[standard.name] ?? {}
    const own = [...ownProperties('createdate', standard.modified), ...standard.properties]
    const properties = new Map([
      ...own.map((option) => [option.name, propertyOf(option, true, now)] as const),
      ...(more.properties ?? []).map((option) => [option.name, propertyOf(option, false, now)] as const),
    ])
    return {
      ...standard,
      fullyQualifiedName: undefined,
      created: 'createdate',
      required: more.required ?? [],
      properties,
      enforced: enforcedOf(properties),
      isUnique: (name) => standard.unique.includes(name) || properties.get(name)?.hasUniqueValue === true,
    }
  })
  const custom = Object.keys(objects).filter((name) => !STANDARD_OBJECTS.some((standard) => standard.name === name))
  for (const [at, name] of custom.entries())
    types.push(customObject(name, objects[name] ?? {}, `2-${7_000_001 + at}`, portal, now))
  const names = new Map<string, HubspotObjectType>()
  for (const type of types) {
    for (const name of [type.name, type.singular, type.typeId, type.fullyQualifiedName]) {
      if (name !== undefined) names.set(name.toLowerCase(), type)
    }
  }
  return { types, find: (name) => names.get(name.toLowerCase()), maxUnique: 10 }
}

function customObject(
  name: string,
  { properties: options = [], required = [] }: HubspotObjectOption,
  typeId: string,
  portal: number,
  now: number,
): HubspotObjectType {
  const own = ownProperties('hs_createdate', 'hs_lastmodifieddate').map((option) => propertyOf(option, true, now))
  const properties = new Map(
    [...own, ...options.map((option) => propertyOf(option, false, now))].map((property) => [property.name, property]),
  )
  const missing = required.find((one) => !properties.has(one))
  if (missing !== undefined) throw wrongObject(name, `it has no property ${missing}, which it requires`)
  const [first] = options
  return {
    name,
    singular: name,
    typeId,
    fullyQualifiedName: `p${portal}_${name}`,
    shown: ['hs_createdate', 'hs_lastmodifieddate', 'hs_object_id', ...(first === undefined ? [] : [first.name])],
    created: 'hs_createdate',
    modified: 'hs_lastmodifieddate',
    required,
    properties,
    enforced: enforcedOf(properties),
    isUnique: (property) => properties.get(property)?.hasUniqueValue === true,
    scopes: { read: ['crm.objects.custom.read'], write: ['crm.objects.custom.write'] },
  }
}

function enforcedOf(properties: ReadonlyMap<string, HubspotProperty>): HubspotProperty[] {
  const all = [...properties.values()]
  return all.filter(({ required, requiredWhen, rules }) => required || requiredWhen !== undefined || rules.length > 0)
}

const FIELD_TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'number',
  bool: 'booleancheckbox',
  date: 'date',
  datetime: 'date',
  enumeration: 'select',
  phone_number: 'phonenumber',
}

export function propertyOf(option: HubspotPropertyOption, hubspotDefined: boolean, now: number): HubspotProperty {
  const { name, type = 'string', label = name, options = [] } = option
  const shown = type === 'bool' ? ['true', 'false'] : options
  return {
    name,
    label,
    type,
    fieldType: option.calculated === true ? 'calculation_equation' : (option.field_type ?? FIELD_TYPES[type] ?? 'text'),
    groupName: hubspotDefined ? 'hubspot_information' : 'custom_information',
    description: '',
    options: shown.map((value) => ({ label: labelOf(value), value })),
    externalOptions: option.external_options === true,
    hasUniqueValue: option.unique === true,
    calculated: option.calculated === true,
    readOnlyValue: option.read_only === true || option.calculated === true,
    hubspotDefined,
    required: option.required === true,
    requiredWhen: option.required_when,
    rules: option.rules ?? [],
    createdAt: now,
  }
}

/** `PRODUCT_ISSUE` is shown to people as `Product issue`: a label is not a value. */
function labelOf(value: string): string {
  const words = value.replaceAll('_', ' ').toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

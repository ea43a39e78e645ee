import type { HubspotObjectType } from './hubspot-catalog.ts'
import { type RecordProblem, type ValueProblem, wrongValues } from './hubspot-errors.ts'
import type { HubspotRecord, HubspotStore, HubspotValues } from './hubspot-store.ts'
import { brokenRule, checkValue, normalEmail } from './hubspot-values.ts'

/** Values as they came, each as text: null is ''. */
export type SentValues = Readonly<Record<string, string>>

/** What is to be stored of one record, or why it cannot be. */
type CheckedRecord = { readonly values: HubspotValues } | { readonly problem: RecordProblem }

/**
 * The values of a body as text, as the API takes them; undefined where one is an object or a list, which no input of the
 * request survives.
 */
export function sentValues(properties: unknown): SentValues | undefined {
  if (typeof properties !== 'object' || properties === null || Array.isArray(properties)) return undefined
  const values: Record<string, string> = {}
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === 'string') values[name] = value
    else if (value === null) values[name] = ''
    else if (typeof value === 'number' || typeof value === 'boolean') values[name] = String(value)
    else return undefined
  }
  return values
}

/** Checks what was sent for a record that exists, or for a new one. `version`: `v3`, `2026-03`, `2026-09`. */
export function checkRecord(
  store: HubspotStore,
  sent: SentValues,
  current: HubspotRecord | undefined,
  version: string,
): CheckedRecord {
  const { type } = store
  const problems: ValueProblem[] = []
  const values: Record<string, string> = {}
  for (const name in sent) {
    const property = type.properties.get(name)
    if (property === undefined) {
      problems.push({ property: name, code: 'PROPERTY_DOESNT_EXIST', message: `Property "${name}" does not exist` })
      continue
    }
    const checked = checkValue(property, sent[name] as string, current?.properties[name])
    if ('code' in checked) problems.push({ property: name, ...checked })
    else values[name] = checked.value
  }
  const more = version === '2026-09' ? enforced(type, values, current) : []
  problems.push(...missing(type, values, current), ...more)
  if (problems.length > 0) return { problem: wrongValues(problems) }
  if (type.name === 'contacts' && values['email'] !== undefined) addAddresses(values, current)
  const conflict = conflictOf(store, values, current?.id)
  return conflict === undefined ? { values } : { problem: conflict }
}

/** What the schema requires of a new record. */
function missing(type: HubspotObjectType, values: HubspotValues, current: HubspotRecord | undefined): ValueProblem[] {
  if (current !== undefined) return []
  return type.required.filter((name) => (values[name] ?? '') === '').map(required)
}

/** What an administrator has set, and version 2026-09 enforces. */
function enforced(type: HubspotObjectType, values: HubspotValues, current: HubspotRecord | undefined): ValueProblem[] {
  const problems: ValueProblem[] = []
  const after = (name: string) => values[name] ?? current?.properties[name] ?? ''
  for (const property of type.enforced) {
    const { name, requiredWhen } = property
    const value = values[name] ?? ''
    const always = property.required && current === undefined && value === ''
    const then = requiredWhen !== undefined && after(requiredWhen.property) === requiredWhen.value && after(name) === ''
    if (always || then) problems.push(required(name))
    const broken = value === '' ? undefined : brokenRule(property, value)
    if (broken !== undefined) problems.push(broken)
  }
  return problems
}

function required(property: string): ValueProblem {
  return { property, code: 'REQUIRED_PROPERTY', message: `Required property ${property} was not set` }
}

/** A new primary address that was another one of the contact changes places with it. */
function addAddresses(values: Record<string, string>, current: HubspotRecord | undefined): void {
  const email = values['email'] as string
  values['hs_email_domain'] = email.slice(email.indexOf('@') + 1)
  const others = (values['hs_additional_emails'] ?? current?.properties['hs_additional_emails'] ?? '').split(';')
  if (email === '' || !others.includes(email)) return
  const before = current?.properties['email'] ?? ''
  values['hs_additional_emails'] = [...others.filter((one) => one !== email && one !== ''), before]
    .filter((one) => one !== '')
    .join(';')
}

/** Another record that has a value which only one may have. */
function conflictOf(store: HubspotStore, values: HubspotValues, id: string | undefined): RecordProblem | undefined {
  for (const [name, value] of uniqueValues(store.type, values)) {
    const owner = store.findBy(name, value)
    if (owner !== undefined && owner.id !== id) return conflict(store.type, name, value, owner.id)
  }
  return undefined
}

/** The property and value of everything that only one record may have: addresses one by one. */
export function uniqueValues(type: HubspotObjectType, values: HubspotValues): (readonly [string, string])[] {
  const found: (readonly [string, string])[] = []
  for (const name in values) {
    const value = values[name] as string
    if (value === '') continue
    if (type.isUnique(name)) found.push([name, value])
    else if (name === 'hs_additional_emails') for (const one of value.split(';')) found.push(['email', one])
  }
  return found
}

export function conflict(type: HubspotObjectType, name: string, value: string, existing: string): RecordProblem {
  const singular = type.singular.charAt(0).toUpperCase() + type.singular.slice(1)
  const message =
    name === 'email'
      ? `${singular} already exists. Existing ID: ${existing}`
      : `${value} is a value of ${name} that ${singular} ${existing} has already, and ${name} is unique.`
  const code = { message, code: 'CONFLICTING_UNIQUE_VALUE', context: { propertyName: [name] } }
  return {
    status: 409,
    category: 'CONFLICT',
    message,
    context: { existingId: [existing] },
    ...(name === 'email' ? {} : { errors: [code] }),
  }
}

/** An id as records are told apart by it: addresses without regard to case. */
export function normalId(idProperty: string | undefined, id: string): string {
  return idProperty === 'email' ? normalEmail(id) : id
}

import type { Field } from '../core/change.ts'
import type { ObjectRequest } from '../core/destination.ts'
import { suggestion } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'
import { SYNC_MODES } from '../core/sync-mode.ts'
import type { HubspotObject } from './hubspot-properties.ts'
import { kindProblem } from './hubspot-values.ts'

/** The property that every record has, and that nobody sets. */
export const RECORD_ID = 'hs_object_id'

/** What needs no look at the account. Throws FatalError `unusable_match`, `unsupported_mode`. */
export function checkRequest({ match, mode, name }: ObjectRequest): void {
  const [first] = match
  if (match.length !== 1) {
    const message = `HubSpot finds a record of ${name} by one property, and match has ${match.length}: match by one`
    throw configurationError('unusable_match', message)
  }
  const { insert } = SYNC_MODES[mode]
  if (first === RECORD_ID && insert) {
    const message = `${mode} makes records, and HubSpot gives them their ${RECORD_ID}: match by another unique property, or use update-only or delete-only`
    throw configurationError('unsupported_mode', message)
  }
}

/** Throws FatalError `destination_mismatch` that names every problem; returns the notes. */
export function checkObject(request: ObjectRequest, object: HubspotObject): readonly string[] {
  const { insert, delete: deletes } = SYNC_MODES[request.mode]
  const [match = ''] = request.match
  const problems = [
    ...matchProblems(match, request, object),
    ...request.fields.flatMap((field) => fieldProblem(field, match, object) ?? []),
    ...retireProblems(request, object),
    ...(insert ? requiredProblems(request, object) : []),
  ]
  if (problems.length > 0) {
    const message = `the HubSpot object ${request.name} does not fit this sync: ${problems.join('; ')}`
    throw configurationError('destination_mismatch', message)
  }
  const mapped = request.fields.map(({ name }) => name)
  const ruled = object.ruled.filter((name) => mapped.includes(name))
  return [
    ...(deletes && request.retires === undefined
      ? ['deleted records are archived: HubSpot keeps them for 90 days']
      : []),
    ...(ruled.length === 0
      ? []
      : [`HubSpot checks rules of an administrator on ${ruled.join(', ')}: rows that break them are rejected`]),
    ...(mapped.includes('lifecyclestage')
      ? ['HubSpot accepts an earlier lifecyclestage without a word, and keeps the later one']
      : []),
  ]
}

function matchProblems(match: string, { name }: ObjectRequest, { properties }: HubspotObject): string[] {
  const property = properties.get(match)
  // A property that is not there is a problem of its field.
  if (match === RECORD_ID || property === undefined || property.isUnique) return []
  const unique = [...properties.values()].filter((one) => one.isUnique && one.readOnly === undefined)
  const choice = unique.length === 0 ? '' : ` (${unique.map((one) => one.name).join(', ')})`
  return [
    `"${match}" is not unique, so no record can be found by it: match by a property of ${name} that is${choice}, or make one ` +
      'in HubSpot under Settings > Properties, with "Require unique values" on',
  ]
}

function fieldProblem(field: Field, match: string, { properties }: HubspotObject): string | undefined {
  const { name } = field
  if (name === RECORD_ID && name === match) return undefined
  const property = properties.get(name)
  if (property === undefined) return `there is no property "${name}"${suggestion(name, properties.keys())}`
  if (property.readOnly !== undefined) return `"${name}" is ${property.readOnly}, take it out of the fields`
  return kindProblem(field, property)
}

/** What is set instead of deleting a record need not be among the fields. */
function retireProblems({ fields, retires = [] }: ObjectRequest, { properties }: HubspotObject): string[] {
  return retires.flatMap((name) => {
    if (fields.some((field) => field.name === name)) return []
    const property = properties.get(name)
    if (property === undefined) return [`there is no property "${name}"${suggestion(name, properties.keys())}`]
    return property.readOnly === undefined ? [] : [`"${name}" is ${property.readOnly}, take it out of deletes.as`]
  })
}

function requiredProblems({ fields }: ObjectRequest, { required }: HubspotObject): string[] {
  return required
    .filter((name) => !fields.some((field) => field.name === name))
    .map((name) => `a new record needs "${name}", map it`)
}

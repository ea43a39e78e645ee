import type { Field } from '../core/change.ts'
import type { ObjectRequest } from '../core/destination.ts'
import { SYNC_MODES } from '../core/sync-mode.ts'
import { type DescribedField, isRequired, type ObjectDescription } from './salesforce-describe.ts'
import { type DescribeObject, resolveField, type SalesforceField } from './salesforce-fields.ts'
import { kindsTaken } from './salesforce-value-formats.ts'

/** What a check found: `problems` stop the sync, `notes` are for `plan`. */
export interface Findings {
  readonly problems: readonly string[]
  readonly notes: readonly string[]
  /** The fields of the mapping, those of the match first; without those that are wrong. */
  readonly fields: readonly SalesforceField[]
}

/** Holds the mapping of a sync against the description of its object. */
export async function checkObject(
  request: ObjectRequest,
  object: ObjectDescription,
  describe: DescribeObject,
): Promise<Findings> {
  const problems: string[] = []
  const notes: string[] = []
  const fields: SalesforceField[] = []
  const allows = SYNC_MODES[request.mode]
  if (allows.insert && !object.createable) problems.push('this user cannot create its records: grant Create')
  const updates = allows.update || (allows.delete && request.retires !== undefined)
  if (updates && !object.updateable) problems.push('this user cannot change its records: grant Edit')
  if (allows.delete && request.retires === undefined && !object.deletable) {
    problems.push('this user cannot delete its records: grant Delete')
  }
  for (const field of request.fields) {
    const found = await resolveField(field, object, describe)
    if (typeof found === 'string') problems.push(found)
    else {
      fields.push(found)
      problems.push(...fieldProblems(found, request))
    }
  }
  for (const name of request.retires ?? []) {
    const kept = fields.find(({ field }) => field.name === name) ?? request.fields.find((field) => field.name === name)
    if (kept !== undefined) continue
    const found = await resolveField(anyField(name), object, describe)
    if (typeof found === 'string') problems.push(found)
    else problems.push(...writableProblems(found, { creates: false, updates: true }))
  }
  const { problems: unmatched, notes: matchNotes } = matchFindings(request, object)
  problems.push(...unmatched)
  notes.push(...matchNotes)
  if (allows.insert) problems.push(...missingFields(object, fields))
  return { problems, notes, fields }
}

function anyField(name: string): Field {
  return { name, kind: 'other', type: 'text', nulls: 'write', on: 'always' }
}

function fieldProblems(found: SalesforceField, request: ObjectRequest): string[] {
  const { field, holds } = found
  const takes = kindsTaken(holds.type)
  if (takes === undefined)
    return [`"${field.name}" is of type ${holds.type}, which cannot be written: take it out of fields`]
  const problems: string[] = []
  if (!takes.includes(field.kind)) {
    problems.push(`"${field.name}" is of type ${holds.type} and takes ${takes.join(', ')}, but not ${field.kind}`)
  }
  if (field.name === 'Id') return problems
  const allows = SYNC_MODES[request.mode]
  const isMatch = request.match.includes(field.name)
  const updates = allows.update && field.on === 'always' && !isMatch
  // Deletes carry the match fields only to find a record.
  problems.push(...writableProblems(found, { creates: allows.insert, updates }))
  return problems
}

function writableProblems(
  { field, target }: SalesforceField,
  { creates, updates }: { creates: boolean; updates: boolean },
): string[] {
  const { name } = field
  if ((creates || updates) && (target.calculated || target.autoNumber)) {
    return [
      `"${name}" is ${target.calculated ? 'a formula' : 'an auto-number'}, which nobody can write: take it out of fields`,
    ]
  }
  if (creates && !target.createable && updates && !target.updateable) {
    return [`"${name}" is read-only for this user: grant Edit in its field-level security, or take it out of fields`]
  }
  if (creates && !target.createable) return [`"${name}" cannot be set when a record is created: take it out of fields`]
  if (!updates || target.updateable) return []
  const advice = creates ? 'give it `on: insert`' : 'take it out of fields'
  return [`"${name}" cannot be changed once a record is there, or not by this user: ${advice}`]
}

/** A record is found by one external id, or by its Id. */
function matchFindings(request: ObjectRequest, object: ObjectDescription): Omit<Findings, 'fields'> {
  const candidates = object.fields.filter(({ externalId }) => externalId).map(({ name }) => name)
  const usable = ['Id (modes update-only and delete-only)', ...candidates].join(', ')
  const [name] = request.match
  const allows = SYNC_MODES[request.mode]
  if (name === undefined || request.match.length !== 1) {
    const fields = request.match.join(', ')
    return { problems: [`match is ${fields}, and has to be one field: one of ${usable}`], notes: [] }
  }
  if (name === 'Id') {
    const problems = allows.insert ? [`nothing can be created by Id: match by one of ${usable}`] : []
    return { problems, notes: [] }
  }
  const described = object.fields.find((field) => field.name === name)
  if (described === undefined) return { problems: [], notes: [] }
  const problems: string[] = []
  const notes: string[] = []
  if (!described.externalId) {
    problems.push(`"${name}" is no external id, by which a record is found: match by one of ${usable}`)
  } else if (!described.unique && allows.insert && !allows.update) {
    problems.push(
      `"${name}" is not unique, so an insert that is sent twice would be two records: mark it unique in Salesforce, or use mode upsert`,
    )
  } else if (!described.unique) {
    notes.push(
      `"${name}" is not marked unique: changes of records that share a value are rejected (DUPLICATE_EXTERNAL_ID)`,
    )
  }
  if (allows.update && !described.updateable) {
    notes.push(`"${name}" cannot be changed once a record is there: a row that gets another one keeps the old`)
  }
  return { problems, notes }
}

function missingFields(object: ObjectDescription, fields: readonly SalesforceField[]): string[] {
  const isSet = (described: DescribedField) => fields.some(({ target }) => target.name === described.name)
  return object.fields
    .filter((described) => isRequired(described) && !isSet(described))
    .map(({ name, type }) => `"${name}" (${type}) is required to create a record: map it`)
}

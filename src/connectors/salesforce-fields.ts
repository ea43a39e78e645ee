import type { Field } from '../core/change.ts'
import { suggestion } from '../core/did-you-mean.ts'
import type { DescribedField, ObjectDescription } from './salesforce-describe.ts'

/** `Account.Ext__c`: the parent is found by an external id of its own. `Contact:Who.Ext__c` where it may be of several objects. */
export interface ParentLookup {
  readonly object: string
  readonly relationship: string
  readonly field: string
  /** The object has to be said with the record. */
  readonly polymorphic: boolean
}

/** A field of the mapping and what Salesforce says of it. */
export interface SalesforceField {
  readonly field: Field
  /** As it is written in a header of CSV. */
  readonly column: string
  /** What is written to: for a parent, the reference to it. */
  readonly target: DescribedField
  /** What the value has to fit: for a parent, its external id. */
  readonly holds: DescribedField
  readonly parent?: ParentLookup
}

/** Finds the description of a parent. */
export type DescribeObject = (name: string) => Promise<ObjectDescription>

const PARENT = /^(?:(\w+):)?(\w+)\.(\w+)$/

/** The field that a name of the mapping stands for, or why there is none. */
export async function resolveField(
  field: Field,
  object: ObjectDescription,
  describe: DescribeObject,
): Promise<SalesforceField | string> {
  const { name } = field
  const own = object.fields.find((candidate) => candidate.name === name)
  if (own !== undefined) return { field, column: name, target: own, holds: own }
  const match = PARENT.exec(name)
  if (match === null) return unknownName(name, object)
  const [, chosen, relationship = '', parentField = ''] = match
  const target = object.fields.find((candidate) => candidate.relationshipName === relationship)
  if (target === undefined) {
    const known = object.fields.flatMap(({ relationshipName }) => relationshipName ?? [])
    return `it has no relationship "${relationship}" to a parent; there are ${known.join(', ')}`
  }
  const objects = target.referenceTo ?? []
  const parent = chosen ?? (objects.length === 1 ? objects[0] : undefined)
  if (parent === undefined) {
    return `"${relationship}" may be of several objects (${objects.join(', ')}): write ${objects[0]}:${name}`
  }
  if (!objects.includes(parent)) return `"${relationship}" is no ${parent}; it is one of ${objects.join(', ')}`
  const holds = (await describe(parent)).fields.find((candidate) => candidate.name === parentField)
  if (holds === undefined) return `${parent} has no field "${parentField}", which "${name}" names`
  if (!holds.externalId && !holds.idLookup) {
    return `"${name}" finds no ${parent}: make ${parentField} an external id in Salesforce, or map ${target.name}`
  }
  const polymorphic = objects.length > 1
  return {
    field,
    column: name,
    target,
    holds,
    parent: { object: parent, relationship, field: parentField, polymorphic },
  }
}

function unknownName(name: string, object: ObjectDescription): string {
  return `it has no field "${name}"${nearest(name, object)}`
}

function nearest(name: string, object: ObjectDescription): string {
  const names = object.fields.map((field) => field.name)
  const custom = names.find((candidate) => candidate.toLowerCase() === `${name.toLowerCase()}__c`)
  return custom === undefined ? suggestion(name, names) : ` — did you mean "${custom}"?`
}

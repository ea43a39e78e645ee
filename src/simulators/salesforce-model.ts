type SalesforceFieldType =
  | 'id'
  | 'string'
  | 'textarea'
  | 'email'
  | 'phone'
  | 'url'
  | 'picklist'
  | 'multipicklist'
  | 'boolean'
  | 'int'
  | 'double'
  | 'currency'
  | 'percent'
  | 'date'
  | 'datetime'
  | 'reference'

/** What is stored: dates as `2026-11-23`, times as `2026-11-23T06:00:00.000+0000`. */
export type FieldValue = string | number | boolean | null

/** A field as a test or a user defines it. */
export interface SalesforceField {
  readonly name: string
  readonly type: SalesforceFieldType
  readonly label?: string
  /** Characters of a text. Default 255. */
  readonly length?: number
  /** Digits of a number in all, and behind its point. */
  readonly precision?: number
  readonly scale?: number
  readonly required?: boolean
  readonly externalId?: boolean
  readonly unique?: boolean
  /** Whether two values that differ by case only are two. Default false. */
  readonly caseSensitive?: boolean
  /** Found by an upsert though it is no external id, as `Contact.Email`. */
  readonly idLookup?: boolean
  /** Neither set on create nor on update. */
  readonly readOnly?: boolean
  readonly createOnly?: boolean
  readonly calculated?: boolean
  readonly autoNumber?: boolean
  readonly values?: readonly string[]
  /** A value outside `values` is refused. */
  readonly restricted?: boolean
  /** The objects that a lookup may point to; with several it is polymorphic. */
  readonly referenceTo?: readonly string[]
  /** Default: the name without `Id`, or `__r` for `__c`. */
  readonly relationshipName?: string
  /** Set on create where nothing else is. */
  readonly default?: FieldValue
}

/** Refuses a record whose field matches (or is null, for `matches: null`). */
interface ValidationRule {
  readonly field: string
  /** A regular expression. */
  readonly matches: string | null
  readonly message: string
}

/** Refuses (or lets pass, with the header that allows it) a record that equals another in these fields. */
export interface DuplicateRule {
  readonly name: string
  readonly fields: readonly string[]
  /** Whether `Sforce-Duplicate-Rule-Header: allowSave=true` lets it pass. Default true. */
  readonly allowSave?: boolean
}

/** An object as a test or a user defines it. A name that is known adds to it: fields of the same name are replaced. */
export interface SalesforceObject {
  readonly name: string
  readonly label?: string
  /** 3 characters. */
  readonly keyPrefix?: string
  readonly fields?: readonly SalesforceField[]
  /** False: nobody may. Default true. */
  readonly createable?: boolean
  readonly updateable?: boolean
  readonly deletable?: boolean
  readonly validationRules?: readonly ValidationRule[]
  /** The hook for what a rule cannot say: answers the message, or undefined. */
  readonly validate?: (values: Readonly<Record<string, FieldValue>>) => string | undefined
  readonly duplicateRule?: DuplicateRule
  /** The object does not exist any more. */
  readonly removed?: boolean
}

/** A field with everything decided. */
export interface Field extends SalesforceField {
  /** Its place in the values of a record. */
  readonly at: number
  readonly label: string
  readonly length: number
  readonly createable: boolean
  readonly updateable: boolean
}

/** An object with everything decided. */
export interface ObjectModel extends Omit<SalesforceObject, 'fields'> {
  readonly label: string
  readonly keyPrefix: string
  readonly fields: readonly Field[]
  /** By exact name. */
  readonly byName: ReadonlyMap<string, Field>
  /** By name in lower case: the REST API and SOQL do not tell case. */
  readonly byLowerName: ReadonlyMap<string, Field>
  /** Lookups by relationship name. */
  readonly byRelationship: ReadonlyMap<string, Field>
  /** Fields with an index: unique ones, external ids, those of `idLookup`. */
  readonly indexed: readonly Field[]
  /** What a create has to set. */
  readonly required: readonly Field[]
  /** First and last name, where `Name` is made of them. */
  readonly nameOf: readonly [Field, Field] | undefined
}

const SYSTEM: readonly SalesforceField[] = [
  { name: 'Id', type: 'id', label: 'Record ID', length: 18, readOnly: true, idLookup: true },
  { name: 'IsDeleted', type: 'boolean', label: 'Deleted', readOnly: true },
]
const STAMPS: readonly SalesforceField[] = [
  { name: 'CreatedDate', type: 'datetime', label: 'Created Date', readOnly: true },
  { name: 'LastModifiedDate', type: 'datetime', label: 'Last Modified Date', readOnly: true },
  { name: 'SystemModstamp', type: 'datetime', label: 'System Modstamp', readOnly: true },
]
const CUSTOM_NAME: SalesforceField = { name: 'Name', type: 'string', length: 80, idLookup: true }

/** The objects by exact name: the built-in ones with what a user adds to them, then the user's own. */
export function objectModels(
  builtIn: readonly SalesforceObject[],
  added: readonly SalesforceObject[],
): ReadonlyMap<string, ObjectModel> {
  const definitions = new Map<string, SalesforceObject>()
  for (const object of [...builtIn, ...added]) {
    const known = definitions.get(object.name)
    definitions.set(object.name, known === undefined ? object : { ...known, ...object, fields: merged(known, object) })
  }
  const models = new Map<string, ObjectModel>()
  let custom = 0
  for (const definition of definitions.values()) {
    if (definition.removed === true) continue
    const prefix = definition.keyPrefix ?? `a${(custom++).toString(36).toUpperCase().padStart(2, '0')}`
    models.set(definition.name, objectModel(definition, prefix))
  }
  return models
}

function merged(known: SalesforceObject, more: SalesforceObject): SalesforceField[] {
  const fields = new Map((known.fields ?? []).map((field) => [field.name, field]))
  for (const field of more.fields ?? []) fields.set(field.name, field)
  return [...fields.values()]
}

function objectModel(definition: SalesforceObject, keyPrefix: string): ObjectModel {
  const own = definition.fields ?? []
  const named = own.some(({ name }) => name === 'Name') ? own : [CUSTOM_NAME, ...own]
  const fields = [...SYSTEM, ...named, ...STAMPS].map(resolvedField)
  const byName = new Map(fields.map((field) => [field.name, field]))
  const first = byName.get('FirstName')
  const last = byName.get('LastName')
  return {
    ...definition,
    label: definition.label ?? definition.name.replace(/__c$/, '').replaceAll('_', ' '),
    keyPrefix,
    fields,
    byName,
    byLowerName: new Map(fields.map((field) => [field.name.toLowerCase(), field])),
    byRelationship: new Map(
      fields.filter(({ type }) => type === 'reference').map((field) => [relationshipOf(field), field]),
    ),
    indexed: fields.filter(
      ({ name, unique, externalId, idLookup }) => name !== 'Id' && (unique || externalId || idLookup),
    ),
    required: fields.filter(({ required, createable }) => required === true && createable),
    nameOf: byName.get('Name')?.calculated && first && last ? [first, last] : undefined,
  }
}

function resolvedField(field: SalesforceField, at: number): Field {
  const fixed = field.readOnly === true || field.calculated === true || field.autoNumber === true
  return {
    ...field,
    at,
    label: field.label ?? field.name.replace(/__c$/, '').replaceAll('_', ' '),
    length: field.length ?? lengthOf(field),
    createable: !fixed,
    updateable: !fixed && field.createOnly !== true,
  }
}

function lengthOf({ type }: SalesforceField): number {
  if (type === 'id' || type === 'reference') return 18
  if (type === 'email') return 80
  if (type === 'phone') return 40
  if (type === 'textarea') return 32_000
  return ['boolean', 'int', 'double', 'currency', 'percent', 'date', 'datetime'].includes(type) ? 0 : 255
}

/** The name under which a lookup's parent is reached: `Account` for `AccountId`, `Owner__r` for `Owner__c`. */
export function relationshipOf({ name, relationshipName }: SalesforceField): string {
  return relationshipName ?? (name.endsWith('__c') ? name.replace(/__c$/, '__r') : name.replace(/Id$/, ''))
}

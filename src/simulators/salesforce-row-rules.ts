import { type RowError, rowError } from './salesforce-errors.ts'
import { fullId } from './salesforce-id.ts'
import type { DuplicateRule, Field, FieldValue } from './salesforce-model.ts'
import type { RowContext } from './salesforce-rows.ts'
import { indexKey, type ObjectStore, type RecordStore, type StoredRecord, valuesOf } from './salesforce-store.ts'

/**
 * Why a record with these values is refused; undefined if it is not. `self`: the record that has them afterwards, if it is
 * there already. `written`: the fields that the request names.
 */
export function rowProblem(
  records: RecordStore,
  store: ObjectStore,
  values: FieldValue[],
  self: StoredRecord | undefined,
  written: readonly Field[],
  context: RowContext,
): RowError | undefined {
  return (
    missingFields(store, values, self, written) ??
    writtenProblem(records, store, values, self, written) ??
    validationProblem(store, values) ??
    duplicateProblem(store, values, self, context)
  )
}

function missingFields(
  { model }: ObjectStore,
  values: readonly FieldValue[],
  self: StoredRecord | undefined,
  written: readonly Field[],
): RowError | undefined {
  if (model.required.every(({ at }) => values[at] !== null)) return undefined
  const missing = model.required.filter((field) => {
    return values[field.at] === null && (self === undefined || written.includes(field))
  })
  if (missing.length === 0) return undefined
  const names = missing.map(({ name }) => name)
  return rowError('REQUIRED_FIELD_MISSING', `Required fields are missing: [${names.join(', ')}]`, ...names)
}

function writtenProblem(
  records: RecordStore,
  store: ObjectStore,
  values: FieldValue[],
  self: StoredRecord | undefined,
  written: readonly Field[],
): RowError | undefined {
  for (const field of written) {
    const value = values[field.at] as FieldValue
    if (value === null) {
      if (field.type !== 'boolean' || self === undefined) continue
      return rowError('INVALID_TYPE_ON_FIELD_IN_RECORD', `${field.label}: value not of required type: `, field.name)
    }
    if (field.type === 'reference') {
      const problem = lookupProblem(records, field, String(value))
      if (problem !== undefined) return problem
      values[field.at] = fullId(String(value)) as string
    } else if (field.unique === true) {
      const other = store.byIndex(field, value).find((record) => record !== self)
      if (other === undefined) continue
      const message = `duplicate value found: ${field.name} duplicates value on record with id: ${other.id}`
      return rowError('DUPLICATE_VALUE', message)
    }
  }
  return undefined
}

function lookupProblem(records: RecordStore, field: Field, value: string): RowError | undefined {
  const id = fullId(value)
  const parents = (field.referenceTo ?? []).map((name) => records.of(name)).filter((parent) => parent !== undefined)
  const parent = parents.find(({ model }) => id?.startsWith(model.keyPrefix))
  if (id === undefined || parent === undefined) {
    return rowError('MALFORMED_ID', `${field.label}: id value of incorrect type: ${value}`, field.name)
  }
  const record = parent.byId(id)
  if (record !== undefined && record.deletedAt === undefined) return undefined
  return rowError('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id', field.name)
}

function validationProblem({ model }: ObjectStore, values: readonly FieldValue[]): RowError | undefined {
  for (const { field, matches, message } of model.validationRules ?? []) {
    const value = values[model.byName.get(field)?.at ?? -1] ?? null
    const hit = matches === null ? value === null : value !== null && new RegExp(matches).test(String(value))
    if (hit) return rowError('FIELD_CUSTOM_VALIDATION_EXCEPTION', message, field)
  }
  const message = model.validate?.(valuesOf(values, model.fields))
  return message === undefined ? undefined : rowError('FIELD_CUSTOM_VALIDATION_EXCEPTION', message)
}

function duplicateProblem(
  store: ObjectStore,
  values: readonly FieldValue[],
  self: StoredRecord | undefined,
  { allowSave }: RowContext,
): RowError | undefined {
  const rule = store.model.duplicateRule
  if (rule === undefined || (allowSave && rule.allowSave !== false)) return undefined
  const fields = rule.fields.map((name) => store.model.byName.get(name)).filter((field) => field !== undefined)
  if (fields.some((field) => values[field.at] === null) || !hasTwin(store, fields, values, self, rule)) return undefined
  const message = 'Use one of these records?'
  return rowError('DUPLICATES_DETECTED', message)
}

function hasTwin(
  store: ObjectStore,
  fields: readonly Field[],
  values: readonly FieldValue[],
  self: StoredRecord | undefined,
  { fields: names }: DuplicateRule,
): boolean {
  const equal = (record: StoredRecord) =>
    record !== self &&
    record.deletedAt === undefined &&
    fields.every((field) => {
      const [mine, theirs] = [values[field.at] ?? null, record.values[field.at] ?? null]
      return theirs !== null && mine !== null && indexKey(field, mine) === indexKey(field, theirs)
    })
  const indexed = store.model.indexed.find(({ name }) => names.includes(name))
  if (indexed !== undefined) return store.byIndex(indexed, values[indexed.at] ?? null).some(equal)
  for (const record of store.all()) if (equal(record)) return true
  return false
}

import { RestError, type RowError, rowError } from './salesforce-errors.ts'
import { type Field, type FieldValue, relationshipOf } from './salesforce-model.ts'
import type { RowWriter } from './salesforce-rows.ts'
import type { ObjectStore, RecordStore, RowValues } from './salesforce-store.ts'
import { fromJson, isRowError } from './salesforce-values.ts'

/** A record of a JSON body. */
export interface JsonRow {
  /** What stands at `id` or `Id`; empty where nothing does. */
  readonly id: string
  /** The value of the field that the request matches by. */
  readonly key: FieldValue
  readonly row: RowValues
  /** The first value that is refused. */
  readonly error: RowError | undefined
}

interface JsonRowForm {
  readonly records: RecordStore
  readonly writer: RowWriter
  readonly store: ObjectStore
  /** The field that the request matches by. */
  readonly key?: Field
  /** Whether the record is there already: other fields may be written then. */
  readonly updating: boolean
}

/** Throws a {@link RestError} for what refuses the whole request: an unknown field, a value its type cannot hold. */
export function jsonRow(body: unknown, form: JsonRowForm): JsonRow {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new RestError(
      400,
      'JSON_PARSER_ERROR',
      'The HTTP entity body is required, but this request has none of that form.',
    )
  }
  const { model } = form.store
  const fields: Field[] = []
  const values: FieldValue[] = []
  let id = ''
  let key: FieldValue = null
  let error: RowError | undefined
  for (const [name, value] of Object.entries(body)) {
    const lower = name.toLowerCase()
    if (lower === 'attributes') continue
    if (lower === 'id') {
      id = value === null ? '' : String(value)
      continue
    }
    const field = model.byLowerName.get(lower)
    const parentOf = field === undefined ? model.byRelationship.get(name) : undefined
    const target = field ?? parentOf
    if (target === undefined) {
      throw new RestError(400, 'INVALID_FIELD', `No such column '${name}' on sobject of type ${model.name}`)
    }
    const checked = field === undefined ? parentId(target, value, form) : fromJson(target, value)
    if (target === form.key && !isRowError(checked)) key = checked
    if (isRowError(checked)) error ??= checked
    else if (!(form.updating ? target.updateable : target.createable)) error ??= notWritable([target.name])
    else {
      fields.push(target)
      values.push(checked)
    }
  }
  return { id, key, row: { fields, values }, error }
}

export function notWritable(names: readonly string[]): RowError {
  const message = `Unable to create/update fields: ${names.join(', ')}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`
  return rowError('INVALID_FIELD_FOR_INSERT_UPDATE', message, ...names)
}

/** `"Account": { "External_Id__c": "a-1" }`: the record that has this value. */
function parentId(field: Field, value: unknown, { records, writer }: JsonRowForm): FieldValue | RowError {
  if (value === null) return null
  const entries = typeof value === 'object' ? Object.entries(value).filter(([name]) => name !== 'attributes') : []
  const type = (value as { attributes?: { type?: string } }).attributes?.type
  const [entry] = entries
  if (entries.length !== 1 || entry === undefined) {
    throw new RestError(400, 'JSON_PARSER_ERROR', `${relationshipOf(field)}: give one external id field of the parent`)
  }
  const [name, parent] = entry
  const found = parentIndex(records, field, type, name)
  if (found === undefined) {
    throw new RestError(400, 'INVALID_FIELD', `No such external id field '${name}' on the parent of ${field.name}`)
  }
  const sought = fromJson(found.by, parent)
  return isRowError(sought) ? sought : writer.parent(found.store, found.by, sought, field)
}

/** The parent's object and its external id field; `type`: for a lookup that may point to several. */
export function parentIndex(
  records: RecordStore,
  field: Field,
  type: string | undefined,
  name: string,
): { readonly store: ObjectStore; readonly by: Field } | undefined {
  const allowed = field.referenceTo ?? []
  const object = type ?? (allowed.length === 1 ? allowed[0] : undefined)
  const store = object !== undefined && allowed.includes(object) ? records.of(object) : undefined
  const by = store?.model.byName.get(name)
  return store !== undefined && by !== undefined && store.model.indexed.includes(by) ? { store, by } : undefined
}

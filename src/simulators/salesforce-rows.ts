import { type RowError, rowError } from './salesforce-errors.ts'
import { fullId } from './salesforce-id.ts'
import type { Field, FieldValue, ObjectModel } from './salesforce-model.ts'
import { rowProblem } from './salesforce-row-rules.ts'
import type { ObjectStore, RecordStore, RowValues, StoredRecord, WriteContext } from './salesforce-store.ts'
import { isRowError } from './salesforce-values.ts'

export interface RowContext extends WriteContext {
  /** Whether duplicate rules that can be overruled are. */
  readonly allowSave: boolean
}

interface WrittenRow {
  readonly id: string
  readonly created: boolean
}

export type RowResult = WrittenRow | RowError

export function isWritten(result: RowResult): result is WrittenRow {
  return 'created' in result
}

/** One row at a time: every call either commits its change or answers why not. */
export interface RowWriter {
  create(store: ObjectStore, row: RowValues, context: RowContext): RowResult
  update(store: ObjectStore, id: string, row: RowValues, context: RowContext): RowResult
  /** By a field with an index, which is among those of the row. */
  upsert(store: ObjectStore, key: Field, value: FieldValue, row: RowValues, context: RowContext): RowResult
  remove(store: ObjectStore, id: string, forGood: boolean, context: RowContext): RowResult
  /** The id of the one record with this value, for a lookup by external id. */
  parent(object: ObjectStore, by: Field, value: FieldValue, field: Field): string | RowError
}

/** `locked` answers whether somebody else holds a row that this write needs. */
export function rowWriter(records: RecordStore, locked: () => boolean): RowWriter {
  const create = (store: ObjectStore, row: RowValues, context: RowContext): RowResult => {
    if (locked()) return lockError()
    if (store.model.createable === false) return accessError(store.model)
    const values = store.model.fields.map(({ default: value }) => value ?? null)
    apply(values, row)
    const problem = rowProblem(records, store, values, undefined, row.fields, context)
    return problem ?? { id: store.insert(values, row, context).id, created: true }
  }
  const change = (store: ObjectStore, record: StoredRecord, row: RowValues, context: RowContext): RowResult => {
    if (locked()) return lockError(record.id)
    if (store.model.updateable === false) return accessError(store.model)
    const values = [...record.values]
    apply(values, row)
    const written = row.fields.filter((_, at) => row.values[at] !== undefined)
    const problem = rowProblem(records, store, values, record, written, context)
    if (problem !== undefined) return problem
    store.update(record, values, row, context)
    return { id: record.id, created: false }
  }
  return {
    create,
    update(store, id, row, context) {
      const record = existing(store, id, 'update')
      return 'statusCode' in record ? record : change(store, record, row, context)
    },
    upsert(store, key, value, row, context) {
      if (value === null) return rowError('MISSING_ARGUMENT', `${key.name} not specified`, key.name)
      const found = store.byIndex(key, value)
      if (found.length > 1) return severalMatches(key, found)
      const [record] = found
      return record === undefined ? create(store, row, context) : change(store, record, row, context)
    },
    remove(store, id, forGood, context) {
      const record = existing(store, id, 'delete')
      if ('statusCode' in record) return record
      if (locked()) return lockError(record.id)
      if (store.model.deletable === false) return accessError(store.model)
      store.remove(record, forGood, context)
      return { id: record.id, created: false }
    },
    parent(object, by, value, field) {
      const found = object.byIndex(by, value)
      const [record] = found
      if (found.length > 1) return severalMatches(by, found)
      if (record !== undefined) return record.id
      const message = `Foreign key external ID: ${value} not found for field ${by.name} in entity ${object.model.name}`
      return rowError('INVALID_FIELD', message, field.name)
    },
  }
}

function apply(values: FieldValue[], { fields, values: written }: RowValues): void {
  for (let at = 0; at < fields.length; at++) {
    const value = written[at]
    if (value !== undefined) values[(fields[at] as Field).at] = value
  }
}

/** The record with this id, if it is this object's and not deleted. */
export function existing(store: ObjectStore, id: string, call: string): StoredRecord | RowError {
  if (id === '')
    return rowError(
      'MISSING_ARGUMENT',
      `Id not specified in ${call === 'update' ? 'an update' : `a ${call}`} call`,
      'Id',
    )
  const record = store.byId(id)
  if (record !== undefined) {
    return record.deletedAt === undefined ? record : rowError('ENTITY_IS_DELETED', 'entity is deleted')
  }
  const full = fullId(id)
  if (full === undefined) return rowError('MALFORMED_ID', `malformed id ${id}`, 'Id')
  if (!full.startsWith(store.model.keyPrefix)) {
    return rowError('MALFORMED_ID', `Record ID: id value of incorrect type: ${id}`, 'Id')
  }
  return rowError('INVALID_CROSS_REFERENCE_KEY', 'invalid cross reference id')
}

function severalMatches({ name }: Field, found: readonly StoredRecord[]): RowError {
  const ids = found.map(({ id }) => id).join(', ')
  return rowError('DUPLICATE_EXTERNAL_ID', `${name}: more than one record found for external id field: [${ids}]`, name)
}

/** Says that a row was not written because somebody else holds a record that it needs. */
export function lockError(id = 'unknown'): RowError {
  return rowError('UNABLE_TO_LOCK_ROW', `unable to obtain exclusive access to this record or 1 records: ${id}`)
}

function accessError({ name }: ObjectModel): RowError {
  return rowError('INSUFFICIENT_ACCESS_OR_READONLY', `insufficient access rights on object ${name}`)
}

/** Each value that occurs in more than one of the rows of a request: all of them are refused. */
export function repeated(keys: readonly (string | undefined)[]): ReadonlySet<string> {
  const seen = new Set<string>()
  const twice = new Set<string>()
  for (const key of keys) {
    if (key === undefined) continue
    if (seen.has(key)) twice.add(key)
    else seen.add(key)
  }
  return twice
}

export function firstError(values: readonly (FieldValue | undefined | RowError)[]): RowError | undefined {
  return values.find(isRowError)
}

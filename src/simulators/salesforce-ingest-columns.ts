import { CsvError, type CsvForm, csvCells } from './salesforce-csv.ts'
import type { RowError } from './salesforce-errors.ts'
import type { IngestOperation } from './salesforce-ingest-job.ts'
import { notWritable, parentIndex } from './salesforce-json-rows.ts'
import type { Field, FieldValue } from './salesforce-model.ts'
import type { RowWriter } from './salesforce-rows.ts'
import type { ObjectStore, RecordStore } from './salesforce-store.ts'
import { type Checked, fromText } from './salesforce-values.ts'

/** What the header of an upload says. */
export interface CsvColumns {
  readonly header: string
  readonly count: number
  /** Where the record id stands; -1 where it does not. */
  readonly idAt: number
  /** Which of the fields an upsert matches by; -1 where it is none. */
  readonly keyAt: number
  /** The fields that rows set, that of the key among them, and how their cells are read. */
  readonly fields: readonly Field[]
  readonly cells: readonly { readonly at: number; readonly read: (text: string) => Checked }[]
  readonly key: Field | undefined
}

interface ColumnContext {
  readonly records: RecordStore
  readonly writer: RowWriter
  readonly store: ObjectStore
  readonly operation: IngestOperation
  readonly key: Field | undefined
  readonly form: CsvForm
}

const MOST_COLUMNS = 5000

/** Throws a {@link CsvError} for a header that the job cannot be begun with. */
export function csvColumns(header: string, context: ColumnContext): CsvColumns {
  const { store, operation, key, form } = context
  const names = csvCells(header, form.delimiter)
  if (names.length > MOST_COLUMNS) throw batchError(`Too many columns: ${names.length}`)
  const again = names.find((name, at) => names.indexOf(name) < at)
  if (again !== undefined) throw batchError(`Duplicate field name : ${again}`)
  const removing = operation === 'delete' || operation === 'hardDelete'
  if (removing && (names.length !== 1 || names[0] !== 'Id')) {
    throw batchError(`Field name not found : ${names.find((name) => name !== 'Id') ?? 'Id'}`)
  }
  const byId = removing || operation === 'update' || (operation === 'upsert' && key?.name === 'Id')
  const idAt = names.indexOf('Id')
  if (byId && idAt < 0) throw batchError('Field name not found : Id')
  const byKey = operation === 'upsert' && key !== undefined && key.name !== 'Id'
  if (byKey && !names.includes(key.name)) throw batchError(`Field name not found : ${key.name}`)
  if (operation === 'insert' && idAt >= 0) throw batchError('Field name not found : Id')

  const fields: Field[] = []
  const cells: { at: number; read: (text: string) => Checked }[] = []
  for (const [at, name] of names.entries()) {
    if (at === idAt) continue
    const column = fieldColumn(name, at, context)
    const { createable, updateable } = column.field
    if (!(operation === 'update' ? updateable : createable)) throw batchError(notWritable([name]).message)
    fields.push(column.field)
    cells.push({ at, read: column.read })
  }
  const keyAt = byKey ? fields.indexOf(key) : -1
  return { header, count: names.length, idAt, keyAt, fields, cells, key: byKey ? key : undefined }

  function batchError(message: string): CsvError {
    return new CsvError(`InvalidBatch : ${message}`)
  }

  /** `Email`, `Account.External_Id__c`, or `Contact:Who.External_Id__c` for a lookup that may point to several objects. */
  function fieldColumn(name: string, at: number, { records, writer }: ColumnContext) {
    const field = store.model.byName.get(name)
    if (field !== undefined) return { field, read: fromText(field, at) }
    const [, type, relationship = '', parentName = ''] = /^(?:(\w+):)?(\w+)\.(\w+)$/.exec(name) ?? []
    const lookup = store.model.byRelationship.get(relationship)
    const parent = lookup === undefined ? undefined : parentIndex(records, lookup, type, parentName)
    if (lookup === undefined || parent === undefined) throw batchError(`Field name not found : ${name}`)
    const { by, store: object } = parent
    const read = fromText(by, at)
    return { field: lookup, read: (text: string) => parentOf(read(text)) }

    function parentOf(value: Checked): FieldValue | RowError {
      return typeof value === 'object' ? value : writer.parent(object, by, value, lookup as Field)
    }
  }
}

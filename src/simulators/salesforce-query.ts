import { RestError } from './salesforce-errors.ts'
import { type Field, type FieldValue, relationshipOf } from './salesforce-model.ts'
import { type Condition, parseSoql, type SoqlQuery, type SoqlValue } from './salesforce-soql.ts'
import type { ObjectStore, RecordStore, StoredRecord } from './salesforce-store.ts'

/** What a query found: the records' values as they were then. */
export interface QueryResult {
  readonly query: SoqlQuery
  readonly store: ObjectStore
  readonly columns: readonly QueryColumn[]
  /** The values of each record, in order. */
  readonly rows: readonly (readonly FieldValue[])[]
}

export interface QueryColumn {
  /** As the object spells it: `Id`, `Account.Name`. */
  readonly name: string
  readonly field: Field
  /** The lookup through which a parent's field is reached. */
  readonly through: Field | undefined
  read(values: readonly FieldValue[]): FieldValue
}

/** Throws a RestError for a query that is not understood. `all`: deleted records as well. */
export function runQuery(records: RecordStore, soql: string, all: boolean): QueryResult {
  const query = parseSoql(soql)
  const store = [records.of(query.object)].find((found) => found !== undefined)
  if (store === undefined) throw new RestError(400, 'INVALID_TYPE', `sObject type '${query.object}' is not supported.`)
  const column = (name: string) => columnOf(records, store, name)
  const columns = (query.fields ?? []).map(column)
  const test = query.where === undefined ? undefined : testOf(query.where, column)
  let rows: (readonly FieldValue[])[] = []
  for (const record of candidates(store, query.where, all)) {
    if (record.deletedAt !== undefined && !all) continue
    if (test === undefined || test(record.values)) rows.push(record.values)
  }
  for (const { field, descending } of [...query.orderBy].reverse()) {
    const { read } = column(field)
    rows.sort((left, right) => compare(read(left), read(right)) * (descending ? -1 : 1))
  }
  if (query.offset > 0 || query.limit < rows.length) rows = rows.slice(query.offset, query.offset + query.limit)
  return { query, store, columns, rows }
}

/** A condition `f = value` or `f IN (…)` on the id or an indexed field, alone or with AND, spares the look at every record. */
function candidates(store: ObjectStore, where: Condition | undefined, all: boolean): Iterable<StoredRecord> {
  for (const part of where?.kind === 'and' ? where.parts : where === undefined ? [] : [where]) {
    const values = equalTo(part)
    if (values === undefined || !('field' in part)) continue
    const field = store.model.byLowerName.get(part.field.toLowerCase())
    if (field?.name === 'Id') {
      return [...new Set(values.map((id) => store.byId(String(id))))].filter((record) => record !== undefined)
    }
    // Deleted records and those without a value are in no index.
    if (field === undefined || all || values.includes(null) || !store.model.indexed.includes(field)) continue
    return new Set(values.flatMap((value) => store.byIndex(field, value)))
  }
  return store.all()
}

function equalTo(part: Condition): readonly SoqlValue[] | undefined {
  if (part.kind === 'in') return part.not ? undefined : part.values
  return part.kind === 'compare' && part.operator === '=' ? [part.value] : undefined
}

function columnOf(records: RecordStore, { model }: ObjectStore, name: string): QueryColumn {
  const field = model.byLowerName.get(name.toLowerCase())
  if (field !== undefined)
    return { name: field.name, field, through: undefined, read: (values) => values[field.at] ?? null }
  const [relationship = '', parentName = '', ...deeper] = name.split('.')
  const through = [...model.byRelationship.entries()].find(
    ([known]) => known.toLowerCase() === relationship.toLowerCase(),
  )?.[1]
  const parent = through?.referenceTo?.[0] === undefined ? undefined : records.of(through.referenceTo[0])
  const parentField = parent?.model.byLowerName.get(parentName.toLowerCase())
  if (through === undefined || parent === undefined || parentField === undefined || deeper.length > 0) {
    const hint = "If you are attempting to use a custom field, be sure to append the '__c' after the custom field name."
    throw new RestError(400, 'INVALID_FIELD', `No such column '${name}' on entity '${model.name}'. ${hint}`)
  }
  return {
    name: `${relationshipOf(through)}.${parentField.name}`,
    field: parentField,
    through,
    read(values) {
      const id = values[through.at] ?? null
      return id === null ? null : (parent.byId(String(id))?.values[parentField.at] ?? null)
    },
  }
}

type Test = (values: readonly FieldValue[]) => boolean

function testOf(condition: Condition, column: (name: string) => QueryColumn): Test {
  if (condition.kind === 'not') {
    const part = testOf(condition.part, column)
    return (values) => !part(values)
  }
  if (condition.kind === 'and' || condition.kind === 'or') {
    const parts = condition.parts.map((part) => testOf(part, column))
    return condition.kind === 'and'
      ? (values) => parts.every((part) => part(values))
      : (values) => parts.some((part) => part(values))
  }
  const { field, read } = column(condition.field)
  if (condition.kind === 'in') {
    const keys = new Set(condition.values.map((value) => equalityKey(field, value)))
    return (values) => keys.has(equalityKey(field, read(values))) !== condition.not
  }
  const { operator, value } = condition
  if (operator === 'LIKE') {
    const escaped = String(value).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    const pattern = new RegExp(`^${escaped.replaceAll('%', '.*').replaceAll('_', '.')}$`, 'is')
    return (values) => pattern.test(String(read(values) ?? ''))
  }
  if (operator === '=' || operator === '!=') {
    const key = equalityKey(field, value)
    return (values) => (equalityKey(field, read(values)) === key) === (operator === '=')
  }
  const wanted = comparable(field, value)
  return (values) => {
    const found = read(values)
    if (found === null || wanted === null) return false
    const order = compare(comparable(field, found), wanted)
    if (operator === '<') return order < 0
    if (operator === '<=') return order <= 0
    return operator === '>' ? order > 0 : order >= 0
  }
}

/** Texts are compared without their case, ids by their first 15 characters, times as instants. */
function equalityKey(field: Field, value: SoqlValue): string {
  const known = comparable(field, value)
  if (known === null) return ''
  if (field.type === 'id' || field.type === 'reference') return `=${String(known).slice(0, 15)}`
  return `=${typeof known === 'string' && field.caseSensitive !== true ? known.toLowerCase() : known}`
}

function comparable({ type }: Field, value: SoqlValue): SoqlValue {
  if (type !== 'datetime' || typeof value !== 'string') return value
  return Date.parse(value.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'))
}

/** Nulls first; texts by their characters, without their case. */
function compare(left: SoqlValue, right: SoqlValue): number {
  if (left === right) return 0
  if (left === null) return -1
  if (right === null) return 1
  if (typeof left === 'string' && typeof right === 'string') {
    const [a, b] = [left.toLowerCase(), right.toLowerCase()]
    return a < b ? -1 : a > b ? 1 : left < right ? -1 : 1
  }
  return Number(left) - Number(right)
}

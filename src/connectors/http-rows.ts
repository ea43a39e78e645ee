import type { ChangeBatch, Field, Operation } from '../core/change.ts'
import { type JsonTree, rfc3339, type TimestampForm, valueToken } from './http-json.ts'
import type { FieldSet, Template, ValueForm } from './http-template.ts'

/** One change, as templates see it. */
export interface Row {
  /** Its place in the request, from 0 on. */
  readonly number: number
  readonly operation: Operation
  readonly fields: readonly Field[]
  /** How many of the fields, from the first on, find the record. */
  readonly match: number
  /** Canonical texts, one for each field. */
  readonly values: readonly (string | null)[]
  /** The service's own id of the record, where it is known. */
  readonly id: string | undefined
  readonly timestamps: TimestampForm
}

/** What a template is filled with. */
export interface Filling {
  readonly operation: Operation
  /** Those of the request: one in a single request. */
  readonly rows: readonly Row[]
  /** Of these rows: all of a request, or one of it. */
  idempotencyKey(rows: readonly Row[]): string
}

/** The changes of a batch, as those of that operation: an upsert that is sent as an insert writes what inserts write. */
export function rowsOf(
  batch: ChangeBatch,
  options: { readonly operation: Operation; readonly match: number; readonly timestamps: TimestampForm },
): Row[] {
  return Array.from({ length: batch.count }, (_, number) => ({
    number,
    ...options,
    fields: batch.fields,
    values: batch.values(number),
    id: batch.ids?.[number],
  }))
}

/** Whether changes of that kind write the field. */
export function isColumn(row: Row, at: number): boolean {
  return at < row.match || row.operation === 'insert' || row.fields[at]?.on !== 'insert'
}

/** Whether the change writes the field; otherwise it stays as it is. */
function isWritten(row: Row, at: number): boolean {
  const { nulls } = row.fields[at] as Field
  return isColumn(row, at) && (at < row.match || nulls === 'write' || row.values[at] !== null)
}

/** The match of a row as texts: what is compared with the replies. */
export function matchTexts(row: Row): readonly (string | null)[] {
  return row.values.slice(0, row.match)
}

/** Fills a template. Undefined for what is left out: a field that stays as it is, an id that nobody knows. */
export function fill(template: Template, filling: Filling, row?: Row): JsonTree | undefined {
  const only = row ?? (filling.rows.length === 1 ? filling.rows[0] : undefined)
  switch (template.kind) {
    case 'literal':
      return template.tree
    case 'operation':
      return { token: JSON.stringify(filling.operation) }
    case 'idempotency_key':
      return { token: JSON.stringify(filling.idempotencyKey(row === undefined ? filling.rows : [row])) }
    case 'list':
      return { items: template.items.flatMap((item) => fill(item, filling, row) ?? []) }
    case 'each':
      return { items: filling.rows.flatMap((one) => fill(template.item, filling, one) ?? []) }
    case 'map':
      return membersOf(template.members.map(([name, member]) => [name, fill(member, filling, row)]))
    case 'merge': {
      const parts = template.parts.map((part) => fill(part, filling, row))
      return membersOf(parts.flatMap((part) => (part !== undefined && 'members' in part ? [...part.members] : [])))
    }
    default:
      return only === undefined ? undefined : reference(template, only)
  }
}

function reference(template: Template, row: Row): JsonTree | undefined {
  switch (template.kind) {
    case 'id':
      return row.id === undefined ? undefined : { token: JSON.stringify(row.id) }
    case 'row':
      return { token: JSON.stringify(String(row.number)) }
    case 'key':
      if (row.match === 1) return tokenAt(row, 0, undefined)
      return membersOf(row.fields.slice(0, row.match).map(({ name }, at) => [name, tokenAt(row, at, undefined)]))
    case 'field': {
      const at = row.fields.findIndex(({ name }) => name === template.name)
      return at < 0 || !isWritten(row, at) ? undefined : tokenAt(row, at, template.form)
    }
    case 'fields':
      return membersOf(
        row.fields.flatMap(({ name, on }, at) => {
          const chosen = !template.except.has(name) && (template.only === undefined || template.only.has(name))
          return chosen && belongs(template.of, row, at, on) ? [[name, tokenAt(row, at, undefined)] as const] : []
        }),
      )
    default:
      return undefined
  }
}

function belongs(set: FieldSet, row: Row, at: number, on: Field['on']): boolean {
  if (set === 'on_insert') return on === 'insert' && at >= row.match
  return (set === 'record' || at >= row.match) && isWritten(row, at)
}

function membersOf(members: readonly (readonly [string, JsonTree | undefined])[]): JsonTree {
  return { members: new Map(members.flatMap(([name, tree]) => (tree === undefined ? [] : [[name, tree]]))) }
}

function tokenAt(row: Row, at: number, form: ValueForm | undefined): JsonTree {
  const { kind } = row.fields[at] as Field
  const value = row.values[at] as string | null
  if (value === null || form === undefined) return { token: valueToken(kind, value, row.timestamps) }
  switch (form) {
    case 'text':
      return { token: JSON.stringify(plainText(kind, value)) }
    case 'rfc3339':
      // `infinity` has no such form: whoever gets it says so.
      return { token: JSON.stringify(/^\d{4,}-\d\d-\d\d$/.test(value) ? `${value}T00:00:00Z` : rfc3339(value)) }
    case 'json':
      return { token: valueToken('json', value, row.timestamps) }
    default: {
      const milliseconds = Date.parse(kind === 'date' ? `${value}T00:00:00Z` : zoned(rfc3339(value)))
      // Nor is it a number.
      if (Number.isNaN(milliseconds)) return { token: JSON.stringify(value) }
      return { token: String(form === 'unix' ? Math.floor(milliseconds / 1000) : milliseconds) }
    }
  }
}

/** A time without a zone is taken for UTC, wherever this runs. */
function zoned(text: string): string {
  return /[Z+-][\d:]*$/.test(text.slice(19)) ? text : `${text}Z`
}

/** A value as part of a path, a query or a table. */
export function textAt(row: Row, at: number): string | null {
  const { kind } = row.fields[at] as Field
  const value = row.values[at] ?? null
  if (value === null) return null
  return kind === 'timestamp' && row.timestamps === 'rfc3339' ? rfc3339(value) : plainText(kind, value)
}

export function plainText(kind: Field['kind'], value: string): string {
  if (kind !== 'boolean') return value
  return value === 't' ? 'true' : value === 'f' ? 'false' : value
}

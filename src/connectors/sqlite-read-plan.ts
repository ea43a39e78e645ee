import type { Column, KeyEncoding } from '../core/column.ts'
import { suggestion } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'
import type { RowLayout } from '../core/row-batch.ts'
import type { ReadRequest } from '../core/source.ts'
import type { SqliteModel } from './sqlite-model.ts'
import { quote } from './sqlite-table.ts'

/** A name for the model that no table of a user has. */
const MODEL = quote('rowferry model')

/** How a model is read in key order. */
export interface SqliteReadPlan {
  readonly sql: string
  readonly layout: RowLayout
  /** Whether SQLite can sort by the bytes of these keys. */
  readonly sorted: boolean
  /** For each field of a line, what its key part holds; undefined for fields that are no part of the key. */
  readonly keyParts: readonly (KeyPart | undefined)[]
}

/** What the values of a key column have to be for their place in the order to be the one of their encoded bytes. */
export interface KeyPart {
  readonly column: string
  readonly encoding: KeyEncoding
  /** The column was declared as text, and is sorted as it is. All others of encoding `text` are sorted by their text. */
  readonly isText: boolean
}

/**
 * The model as a table to select from: columns by number, so that no name can be in the way. On lines of its own,
 * because it may end in a `--` comment.
 */
export function fromModel(model: SqliteModel, columns: readonly Column[], select: string): string {
  const names = columns.map((_, index) => columnName(index)).join(', ')
  return `WITH ${MODEL} (${names}) AS (\n${model.sql}\n) SELECT ${select} FROM ${MODEL}`
}

/**
 * Plans the read of `columns` in the byte order of `key`. Throws FatalError of kind `configuration` where the model
 * lacks a column. `utf8` says whether the file keeps its texts in that encoding: others sort otherwise.
 */
export function planSqliteRead(
  model: SqliteModel,
  columns: readonly Column[],
  request: Pick<ReadRequest, 'key' | 'columns' | 'part'>,
  utf8: boolean,
): SqliteReadPlan {
  const numbers = new Map(columns.map(({ name }, index) => [name, index]))
  const find = (name: string, what: 'key' | 'field'): number => {
    const number = numbers.get(name)
    if (number === undefined) throw missing(name, what, [...numbers.keys()])
    return number
  }
  const keys = request.key.map((name) => find(name, 'key'))
  const asked = request.columns.map((name) => find(name, 'field'))
  const extra = keys.filter((number) => !asked.includes(number))
  const fields = [...extra, ...asked]
  const part = (number: number): KeyPart => {
    const { name, kind, keyEncoding } = columns[number] as Column
    return { column: name, encoding: keyEncoding, isText: kind === 'text' }
  }
  const sorted = utf8 || keys.every((number) => part(number).encoding !== 'text')
  const order = keys.map((number) => orderOf(columnName(number), part(number)))
  const orderBy = sorted && order.length > 0 ? ` ORDER BY ${order.join(', ')}` : ''
  const { part: wanted } = request
  // One row more shows whether the last one's key occurs again behind it.
  const limit = sorted && wanted !== undefined && 'limit' in wanted ? ` LIMIT ${wanted.limit + 1}` : ''
  return {
    sql: fromModel(model, columns, fields.map(columnName).join(', ')) + orderBy + limit,
    layout: {
      key: keys.map((number) => ({ field: fields.indexOf(number), encoding: part(number).encoding })),
      extra: extra.length,
      columns: asked.map((number) => columns[number] as Column),
    },
    sorted,
    keyParts: fields.map((number) => (keys.includes(number) ? part(number) : undefined)),
  }
}

/** Numbers and blobs sort by themselves as their encodings do. Texts may have a collation, which an index may serve. */
function orderOf(column: string, { encoding, isText }: KeyPart): string {
  if (encoding !== 'text') return column
  return isText ? `${column} COLLATE BINARY` : `CAST(${column} AS TEXT) COLLATE BINARY`
}

function columnName(index: number): string {
  return `c${index}`
}

function missing(name: string, what: 'key' | 'field', known: readonly string[]): Error {
  const some = known.slice(0, 20).join(', ') + (known.length > 20 ? ', …' : '')
  const near = suggestion(name, known)
  return what === 'key'
    ? configurationError(
        'key_column_missing',
        `the key names "${name}", which is not a column of the model (it has ${some}): correct key, or select it${near}`,
      )
    : configurationError(
        'column_missing',
        `the fields use "${name}", which is not a column of the model (it has ${some}): correct fields, or select it${near}`,
      )
}

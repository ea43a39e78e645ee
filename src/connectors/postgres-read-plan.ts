import type { KeyEncoding } from '../core/column.ts'
import { suggestion } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'
import type { RowLayout } from '../core/row-batch.ts'
import type { DigestRequest, ModelPart } from '../core/source.ts'
import { digestExpression } from './postgres-digest.ts'
import { quoteIdentifier, quoteLiteral } from './postgres-identifiers.ts'
import type { PostgresColumn } from './postgres-types.ts'

/** How a model is read in key order: what is selected, how it is sorted, and where the key is in each line. */
export interface ReadPlan {
  readonly select: string
  /** Empty, unless only some keys are read. */
  readonly where: string
  readonly orderBy: string
  /** Empty, unless only the first rows are read. */
  readonly limit: string
  readonly layout: RowLayout
  /** The field of the fingerprint, if one is asked for: the one behind the key. */
  readonly digest: number | undefined
  /** The rows with these keys, each the canonical texts of its columns: a condition for `WHERE`. */
  having(keys: readonly (readonly string[])[]): string
  /** The first column of the key, by which the model is cut into ranges. Undefined for a model without a key. */
  readonly leading: KeyTerm | undefined
}

/** A key column as the rows are sorted by it. */
export interface KeyTerm {
  readonly encoding: KeyEncoding
  readonly expression: string
  /** The canonical text of a key as what compares with the expression. */
  literal(text: string): string
}

/**
 * Plans the read of `columns` in the byte order of `key`. Nulls sort where PostgreSQL puts them by itself, so that an
 * index serves. Throws FatalError of kind `configuration` where the model lacks a column.
 *
 * `encoding` is the database's own: only in UTF8 is the byte order of its texts the order of their UTF-8.
 */
export function planRead(
  model: readonly PostgresColumn[],
  request: {
    readonly key: readonly string[]
    readonly columns: readonly string[]
    readonly part?: ModelPart | undefined
    /** Lines begin with the key and the fingerprint of `columns`; the columns follow, where they are not left out. */
    readonly digest?: { readonly seed: DigestRequest['seed']; readonly columns: boolean } | undefined
  },
  encoding: string,
): ReadPlan {
  const byName = new Map(model.map((column) => [column.name, column]))
  const find = (name: string, what: 'key' | 'field') => {
    const column = byName.get(name)
    if (column === undefined) throw missing(name, what, [...byName.keys()])
    return column
  }
  const keys = request.key.map((name) => find(name, 'key'))
  const columns = request.columns.map((name) => find(name, 'field'))
  const expressions = keys.map((column) => keyExpression(column, encoding))

  const keyText = (column: PostgresColumn) =>
    isByteOrdered(encoding) || column.keyEncoding !== 'text' ? keyExpression(column, encoding) : asText(column)
  const { digest } = request
  const extra: string[] = []
  const positions = keys.map((column) => {
    const place = request.columns.indexOf(column.name)
    if (place >= 0 && digest === undefined) return { place }
    extra.push(keyText(column))
    return { extra: extra.length - 1 }
  })
  if (digest !== undefined) extra.push(digestExpression(columns, digest.seed))
  const sent = digest?.columns === false ? [] : columns
  // What a record is created with is what it is found and deleted by later: a char(3) without its blanks, an inet with
  // its mask.
  const select = (column: PostgresColumn) =>
    keys.includes(column) && column.keyEncoding === 'text' && !column.readsAsText ? keyText(column) : reference(column)
  return {
    select: [...extra, ...sent.map(select)].join(', '),
    where: whereOf(keys, expressions, request.part, encoding),
    // One row more shows whether the last one's key occurs again behind it.
    limit: request.part !== undefined && 'limit' in request.part ? ` LIMIT ${request.part.limit + 1}` : '',
    leading:
      keys[0] === undefined
        ? undefined
        : {
            encoding: keys[0].keyEncoding,
            expression: expressions[0] as string,
            literal: (text) => keyLiteral(keys[0] as PostgresColumn, text, encoding),
          },
    orderBy: expressions.length === 0 ? '' : ` ORDER BY ${expressions.join(', ')}`,
    layout: {
      key: keys.map((column, index) => {
        const position = positions[index] as (typeof positions)[number]
        return { field: position.extra ?? extra.length + (position.place as number), encoding: column.keyEncoding }
      }),
      extra: extra.length,
      columns: sent.map(({ name, type, kind, keyEncoding }) => ({ name, type, kind, keyEncoding })),
    },
    digest: digest && keys.length,
    having: (wanted) => oneOf(keys, expressions, wanted, encoding),
  }
}

function reference(column: PostgresColumn): string {
  return `model.${quoteIdentifier(column.name)}`
}

function asText(column: PostgresColumn): string {
  return `${reference(column)}::pg_catalog.text`
}

/** What sorts as the bytes of the key do. Where it is selected too, it is the same expression: computed once. */
function keyExpression(column: PostgresColumn, encoding: string): string {
  if (column.keyEncoding !== 'text') return reference(column)
  if (isByteOrdered(encoding)) return `${asText(column)} COLLATE pg_catalog."C"`
  return `pg_catalog.convert_to(${asText(column)}, 'UTF8')`
}

function whereOf(
  keys: readonly PostgresColumn[],
  expressions: readonly string[],
  part: ModelPart | undefined,
  encoding: string,
): string {
  return part !== undefined && 'keys' in part ? ` WHERE ${oneOf(keys, expressions, part.keys, encoding)}` : ''
}

/** Compares keys as they are sorted, so that an index serves for both, and texts are the same byte by byte. */
function oneOf(
  keys: readonly PostgresColumn[],
  expressions: readonly string[],
  wanted: readonly (readonly string[])[],
  encoding: string,
): string {
  const literal = (text: string, at: number) => keyLiteral(keys[at] as PostgresColumn, text, encoding)
  const rows = wanted.map((key) => `(${key.map(literal).join(', ')})`)
  // Keys of several columns are joined as a table: a list of them would be an OR of as many conditions, which an index
  // serves one by one. A list of single values is looked up in one scan, and also below a GROUP BY.
  const values = keys.length > 1 && rows.length > 1 ? 'VALUES ' : ''
  return `(${expressions.join(', ')}) IN (${values}${rows.join(', ')})`
}

/** The value of a key column. An integer that no smallint holds is still no error. */
function keyLiteral(column: PostgresColumn, text: string, encoding: string): string {
  if (column.keyEncoding === 'integer') return `${quoteLiteral(text)}::pg_catalog.int8`
  if (column.keyEncoding !== 'text') return `${quoteLiteral(text)}::${CASTS[column.keyEncoding]}`
  if (isByteOrdered(encoding)) return `${quoteLiteral(text)}::pg_catalog.text`
  return `pg_catalog.convert_to(${quoteLiteral(text)}, 'UTF8')`
}

const CASTS = {
  uuid: 'pg_catalog.uuid',
  bytes: 'pg_catalog.bytea',
  boolean: 'pg_catalog.bool',
  date: 'pg_catalog.date',
  timestamp: 'pg_catalog.timestamp',
  timestamptz: 'pg_catalog.timestamptz',
} as const

/** Whether collation "C" sorts as UTF-8 does. SQL_ASCII sends its bytes as they are. */
function isByteOrdered(encoding: string): boolean {
  return encoding === 'UTF8' || encoding === 'SQL_ASCII'
}

/** Throws FatalError of kind `configuration` where two columns have one name. */
export function refuseDuplicates(columns: readonly { readonly name: string }[]): void {
  const seen = new Set<string>()
  for (const { name } of columns) {
    if (seen.has(name)) {
      throw configurationError(
        'model_duplicate_column',
        `the model has more than one column named "${name}": give each its own name with AS`,
      )
    }
    seen.add(name)
  }
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

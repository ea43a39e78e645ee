import { suggestion } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'
import type { RowLayout } from '../core/row-batch.ts'
import { quoteIdentifier } from './postgres-identifiers.ts'
import type { PostgresColumn } from './postgres-types.ts'

/** How a model is read in key order: what is selected, how it is sorted, and where the key is in each line. */
export interface ReadPlan {
  readonly select: string
  readonly orderBy: string
  readonly layout: RowLayout
}

/**
 * Plans the read of `columns` in the byte order of `key`. Nulls sort where PostgreSQL puts them by itself, so that an
 * index serves. Throws FatalError of kind `configuration` where the model lacks a column.
 *
 * `encoding` is the database's own: only in UTF8 is the byte order of its texts the order of their UTF-8.
 */
export function planRead(
  model: readonly PostgresColumn[],
  request: { readonly key: readonly string[]; readonly columns: readonly string[] },
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

  const extra: string[] = []
  const positions = keys.map((column, index) => {
    const place = request.columns.indexOf(column.name)
    if (place >= 0 && (column.keyEncoding !== 'text' || column.readsAsText)) return { place }
    extra.push(
      column.keyEncoding === 'text' && !isByteOrdered(encoding) ? asText(column) : (expressions[index] as string),
    )
    return { extra: extra.length - 1 }
  })
  return {
    select: [...extra, ...columns.map(reference)].join(', '),
    orderBy: expressions.length === 0 ? '' : ` ORDER BY ${expressions.join(', ')}`,
    layout: {
      key: keys.map((column, index) => {
        const position = positions[index] as (typeof positions)[number]
        return { field: position.extra ?? extra.length + (position.place as number), encoding: column.keyEncoding }
      }),
      extra: extra.length,
      columns: columns.map(({ name, type, kind, keyEncoding }) => ({ name, type, kind, keyEncoding })),
    },
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

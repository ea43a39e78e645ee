import type pg from 'pg'
import type { Column, KeyEncoding, ValueKind } from '../core/column.ts'
import type { StatementColumn } from './postgres-statement.ts'

/** A column of a model, and what reading it in key order needs to know. */
export interface PostgresColumn extends Column {
  /** Whether the text that is read is the text that `::text` gives, by which a key of encoding `text` is sorted. */
  readonly readsAsText: boolean
}

interface KnownType {
  readonly kind: ValueKind
  readonly keyEncoding: KeyEncoding
}

/** Types with an encoding of their own, by oid (fixed in PostgreSQL's pg_type.dat). Any other is keyed by its text. */
const KNOWN: ReadonlyMap<number, KnownType> = new Map([
  [16, { kind: 'boolean', keyEncoding: 'boolean' }],
  [17, { kind: 'bytes', keyEncoding: 'bytes' }],
  [20, { kind: 'integer', keyEncoding: 'integer' }],
  [21, { kind: 'integer', keyEncoding: 'integer' }],
  [23, { kind: 'integer', keyEncoding: 'integer' }],
  [26, { kind: 'integer', keyEncoding: 'integer' }],
  [114, { kind: 'json', keyEncoding: 'text' }],
  [700, { kind: 'float', keyEncoding: 'text' }],
  [701, { kind: 'float', keyEncoding: 'text' }],
  [1082, { kind: 'date', keyEncoding: 'date' }],
  [1114, { kind: 'timestamp', keyEncoding: 'timestamp' }],
  [1184, { kind: 'timestamp', keyEncoding: 'timestamptz' }],
  [1700, { kind: 'decimal', keyEncoding: 'text' }],
  [2950, { kind: 'other', keyEncoding: 'uuid' }],
  [3802, { kind: 'json', keyEncoding: 'text' }],
])

/**
 * The columns with their types as PostgreSQL prints them, and the names of the parameters' types. A type that has a
 * cast of its own to text may print otherwise than it casts (`inet`, `character`): a type that has none casts by
 * printing.
 */
export async function describeTypes(
  client: pg.Client,
  columns: readonly StatementColumn[],
  parameters: readonly number[],
): Promise<{ readonly columns: PostgresColumn[]; readonly parameters: string[] }> {
  const asked = [...columns, ...parameters.map((type) => ({ type, modifier: -1 }))]
  if (asked.length === 0) return { columns: [], parameters: [] }
  const values = asked.map(({ type, modifier }, place) => `(${place}, ${type}::pg_catalog.oid, ${modifier})`)
  const { rows } = await client.query<{ printed: string; category: string; casts: string }>(
    `SELECT pg_catalog.format_type(v.type, v.modifier) AS printed, t.typcategory AS category,
       (EXISTS (SELECT FROM pg_catalog.pg_cast AS c WHERE c.castsource = v.type AND c.casttarget = 25))::text AS casts
     FROM (VALUES ${values.join(', ')}) AS v (place, type, modifier)
     LEFT JOIN pg_catalog.pg_type AS t ON t.oid = v.type
     ORDER BY v.place`,
  )
  return {
    columns: columns.map((column, place) => {
      const { printed, category, casts } = rows[place] as (typeof rows)[number]
      const known = KNOWN.get(column.type)
      const isText = TEXTS.has(column.type)
      return {
        name: column.name,
        type: printed,
        kind: known?.kind ?? (isText || category === 'S' || category === 'E' ? 'text' : 'other'),
        keyEncoding: known?.keyEncoding ?? 'text',
        readsAsText: isText || casts === 'false',
      }
    }),
    parameters: rows.slice(columns.length).map((row) => row.printed),
  }
}

/** name, text, varchar: they have a cast to text, and it changes nothing. */
const TEXTS: ReadonlySet<number> = new Set([19, 25, 1043])

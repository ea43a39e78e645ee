import type { Field } from '../core/change.ts'
import type { ValueKind } from '../core/column.ts'
import type { ObjectRequest } from '../core/destination.ts'
import { configurationError } from '../core/errors.ts'
import type { SqliteDatabase } from '../core/sqlite-driver.ts'

/**
 * What a column makes of the values it is given (https://www.sqlite.org/datatype3.html#type_affinity). `none` keeps
 * them as they are.
 */
export type Affinity = 'integer' | 'real' | 'numeric' | 'text' | 'none'

export interface SqliteColumn {
  readonly name: string
  /** Type as declared; may be empty. */
  readonly type: string
  readonly affinity: Affinity
  readonly notNull: boolean
  readonly hasDefault: boolean
  readonly generated: boolean
}

/** Columns of which no two records have the same values, in index order, and the collations that "same" refers to. */
export interface UniqueKey {
  readonly columns: readonly { readonly name: string; readonly collation: string }[]
}

export interface SqliteTable {
  /** As created; SQLite finds it in any case. */
  readonly name: string
  readonly type: 'table' | 'view' | 'virtual' | 'shadow'
  readonly columns: readonly SqliteColumn[]
  readonly uniqueKeys: readonly UniqueKey[]
  /** Column that is another name of the rowid: it numbers itself where nothing is given. */
  readonly rowid: string | undefined
  readonly triggers: boolean
  /** Whether text is stored, and therefore ordered, as UTF-8. */
  readonly utf8: boolean
}

/** A name as SQL, always in quotes. Throws FatalError for a NUL, at which SQLite would end the statement. */
export function quote(name: string): string {
  if (!name.includes('\0')) return `"${name.replaceAll('"', '""')}"`
  throw configurationError(
    'nul_character',
    `SQLite knows no NUL character in names: remove it from ${JSON.stringify(name)}`,
  )
}

/** Names are equal in SQLite when they are equal but for the case of ASCII letters. */
export function sameName(a: string, b: string): boolean {
  return foldAscii(a) === foldAscii(b)
}

function foldAscii(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

export function findColumn(table: SqliteTable, name: string): SqliteColumn | undefined {
  return table.columns.find((column) => sameName(column.name, name))
}

/** The unique key over exactly these columns, in any order. */
export function findUniqueKey(table: SqliteTable, match: readonly string[]): UniqueKey | undefined {
  return table.uniqueKeys.find(
    ({ columns }) =>
      columns.length === match.length && match.every((name) => columns.some((column) => sameName(column.name, name))),
  )
}

/** Names of the tables that could be meant. */
export function tableNames(database: SqliteDatabase): string[] {
  return database
    .prepare(
      `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`,
    )
    .pluck()
    .all() as string[]
}

/** What the database says about a table; undefined where there is none of that name. */
export function readTable(database: SqliteDatabase, name: string): SqliteTable | undefined {
  const found = database
    .prepare(`SELECT name, type, strict FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE`)
    .get(name) as { name: string; type: SqliteTable['type']; strict: number } | undefined
  if (found === undefined) return undefined
  const columns = database
    .prepare('SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)')
    .all(found.name) as ColumnRow[]
  const { uniqueKeys, rowid } = readKeys(database, found.name, columns)
  return {
    name: found.name,
    type: found.type,
    columns: columns.map((column) => ({
      name: column.name,
      type: column.type,
      affinity: affinityOf(column.type, found.strict === 1),
      notNull: column.notnull === 1,
      hasDefault: column.dflt_value !== null,
      generated: column.hidden > 1,
    })),
    uniqueKeys,
    rowid,
    triggers: hasTriggers(database, found.name),
    utf8: database.pragma('encoding', { simple: true }) === 'UTF-8',
  }
}

function hasTriggers(database: SqliteDatabase, table: string): boolean {
  const one = `SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE`
  return database.prepare(one).get(table) !== undefined
}

interface ColumnRow {
  readonly name: string
  readonly type: string
  readonly notnull: number
  readonly dflt_value: string | null
  readonly pk: number
  /** 0 ordinary, 1 hidden column of a virtual table, 2 and 3 generated. */
  readonly hidden: number
}

function readKeys(
  database: SqliteDatabase,
  table: string,
  columns: readonly ColumnRow[],
): { uniqueKeys: UniqueKey[]; rowid: string | undefined } {
  const indexes = database
    .prepare('SELECT name, origin FROM pragma_index_list(?) WHERE "unique" = 1 AND partial = 0')
    .all(table) as { name: string; origin: string }[]
  const indexColumns = database.prepare(
    'SELECT name, coll AS collation FROM pragma_index_xinfo(?) WHERE "key" = 1 ORDER BY seqno',
  )
  const uniqueKeys = indexes
    .map((index) => indexColumns.all(index.name) as { name: string | null; collation: string }[])
    // A column without a name is an expression.
    .filter((key): key is { name: string; collation: string }[] => key.every((column) => column.name !== null))
    .map((key) => ({ columns: key }))
  const primary = columns.find((column) => column.pk > 0)
  // A primary key without an index of its own is the rowid itself.
  if (primary === undefined || indexes.some((index) => index.origin === 'pk')) return { uniqueKeys, rowid: undefined }
  return {
    uniqueKeys: [{ columns: [{ name: primary.name, collation: 'BINARY' }] }, ...uniqueKeys],
    rowid: primary.name,
  }
}

function affinityOf(type: string, strict: boolean): Affinity {
  if (strict && /^any$/i.test(type)) return 'none'
  if (/int/i.test(type)) return 'integer'
  if (/char|clob|text/i.test(type)) return 'text'
  if (type === '' || /blob/i.test(type)) return 'none'
  return /real|floa|doub/i.test(type) ? 'real' : 'numeric'
}

const TYPES: Readonly<Partial<Record<ValueKind, string>>> = {
  integer: 'INTEGER',
  float: 'REAL',
  boolean: 'INTEGER',
  bytes: 'BLOB',
}

/** The statement that makes the table. Decimals, dates and all else become TEXT, which keeps them to the digit. */
export function createTableStatement(object: ObjectRequest): string {
  const column = (field: Field, index: number) =>
    `${quote(field.name)} ${TYPES[field.kind] ?? 'TEXT'}${index < object.match.length ? ' NOT NULL' : ''}`
  const columns = object.fields.map(column).join(', ')
  const key = object.match.map(quote).join(', ')
  return `CREATE TABLE IF NOT EXISTS ${quote(object.name)} (${columns}, PRIMARY KEY (${key}))`
}

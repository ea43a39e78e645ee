import type pg from 'pg'
import type { KeyEncoding } from '../core/column.ts'
import { parseQualifiedName, quoteIdentifier, quoteLiteral } from './postgres-identifiers.ts'
import { describeTypes } from './postgres-types.ts'

/** A column of a table that is written to. */
export interface TableColumn {
  readonly name: string
  /** As Postgres prints it (`numeric(12,2)`), with its schema where the search path does not lead to it. */
  readonly type: string
  /** The type below all domains, printed with and without its modifier. */
  readonly baseType: string
  readonly baseName: string
  /** How the column would be encoded as a key of a model. */
  readonly keyEncoding: KeyEncoding
  /** As SQL, where it is not the collation of the type itself. */
  readonly collation: string | null
  /** Equal values have equal text: not so for citext, numeric (1.0 = 1.00) and what they are part of. */
  readonly exact: boolean
  readonly notNull: boolean
  readonly hasDefault: boolean
  /** Takes no value of ours: computed, or numbered by Postgres alone. */
  readonly readOnly: 'generated' | 'identity' | null
  readonly mayInsert: boolean
  readonly mayUpdate: boolean
  readonly maySelect: boolean
}

/** Columns of which no two records have the same values, with the operator that "same" means, as SQL. */
export type UniqueKey = readonly { readonly column: string; readonly equals: string }[]

/** What the catalogue says about a table. */
export interface PostgresTable {
  readonly schema: string
  readonly name: string
  /** `pg_class.relkind`: r table, p partitioned, v view, m materialized view, f foreign, ... */
  readonly kind: string
  readonly columns: readonly TableColumn[]
  readonly uniqueKeys: readonly UniqueKey[]
  /** Names of the rules for inserts, updates and deletes. */
  readonly rules: readonly string[]
  /** Something may leave out, redirect or change the rows of a statement: triggers, policies, partitions, views. */
  readonly intervenes: boolean
  /** Runs statements of its own, whose plans the settings of the session would change. */
  readonly hasTriggers: boolean
  /** A trigger may fill in what an insert leaves out. */
  readonly fillsInserts: boolean
  /** What a view accepts; all true for a table. */
  readonly accepts: { readonly insert: boolean; readonly update: boolean; readonly delete: boolean }
  readonly mayUseSchema: boolean
  readonly mayDelete: boolean
}

/** What can be said about the place of a table whether it is there or not. */
export interface PostgresPlace {
  readonly user: string
  readonly database: string
  /** Where the table is, or where it would be created; null where the search path is empty. */
  readonly schema: string | null
  readonly schemaExists: boolean
  readonly mayCreateTable: boolean
  readonly mayCreateTemporary: boolean
  /** A standby, or a user or database whose transactions are read-only by default. */
  readonly readOnly: boolean
  /** `server_encoding` */
  readonly encoding: string
}

/** The table's name as SQL. */
export function quotedTable(table: { readonly schema: string; readonly name: string }): string {
  return `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`
}

/** The unique key over exactly these columns, in any order. */
export function findUniqueKey(table: PostgresTable, match: readonly string[]): UniqueKey | undefined {
  return table.uniqueKeys.find(
    (key) => key.length === match.length && match.every((name) => key.some(({ column }) => column === name)),
  )
}

export function findColumn(table: PostgresTable, name: string): TableColumn | undefined {
  return table.columns.find((column) => column.name === name)
}

/** Looks a table up as a statement would: `marts.contacts`, or `contacts` along the search path. */
export async function readTable(client: pg.Client, name: string): Promise<PostgresTable | undefined> {
  const { schema, table } = tableName(name)
  const found = await readJson<Found>(
    client,
    `${TABLE_QUERY} WHERE c.relname = ${quoteLiteral(table)} AND ${
      schema === undefined ? 'pg_catalog.pg_table_is_visible(c.oid)' : `n.nspname = ${quoteLiteral(schema)}`
    } AND n.nspname !~ '^pg_temp' AND c.relkind NOT IN ('i', 'I', 't')`,
  )
  if (found === undefined) return undefined
  const types = found.columns.map((column) => ({
    name: column.name,
    type: column.baseOid,
    modifier: column.baseModifier,
  }))
  const described = (await describeTypes(client, types, [])).columns
  return {
    ...found,
    columns: found.columns.map((column, index) => {
      const { type: baseType, keyEncoding } = described[index] as (typeof described)[number]
      return { ...column, baseType, keyEncoding }
    }),
  }
}

/** What the query knows; the rest is looked up by type. */
interface Found extends Omit<PostgresTable, 'columns'> {
  readonly columns: readonly (Omit<TableColumn, 'baseType' | 'keyEncoding'> & {
    readonly baseOid: number
    readonly baseModifier: number
  })[]
}

export async function readPlace(client: pg.Client, name: string): Promise<PostgresPlace> {
  const { schema } = tableName(name)
  const wanted = schema === undefined ? 'pg_catalog.current_schema()' : `${quoteLiteral(schema)}::name`
  const place = await readJson<PostgresPlace>(
    client,
    `SELECT pg_catalog.json_build_object(
      'user', current_user,
      'database', pg_catalog.current_database(),
      'schema', w.name,
      'schemaExists', n.oid IS NOT NULL,
      'mayCreateTable', coalesce(pg_catalog.has_schema_privilege(n.oid, 'CREATE'), false),
      'mayCreateTemporary', pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMP'),
      'readOnly', pg_catalog.pg_is_in_recovery() OR pg_catalog.current_setting('default_transaction_read_only') = 'on',
      'encoding', pg_catalog.current_setting('server_encoding')
    ) FROM (SELECT ${wanted} AS name) AS w LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = w.name`,
  )
  if (place === undefined) throw new RangeError('a query without conditions returned no row')
  return place
}

/** Names of the tables that could be meant: with their schema where one was given, or where they need one. */
export async function tableNames(client: pg.Client, name: string): Promise<string[]> {
  const { schema } = tableName(name)
  const { rows } = await client.query<[string]>({
    text: `SELECT CASE WHEN ${schema === undefined} AND pg_catalog.pg_table_is_visible(c.oid) THEN c.relname
        ELSE n.nspname || '.' || c.relname END
      FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
      ORDER BY 1 LIMIT 10000`,
    rowMode: 'array',
  })
  return rows.map(([found]) => found)
}

/** Schema and name; the schema may be left out. */
export function tableName(text: string): { readonly schema: string | undefined; readonly table: string } {
  const parts = parseQualifiedName(text)
  return { schema: parts.at(-2), table: parts.at(-1) as string }
}

async function readJson<T>(client: pg.Client, text: string): Promise<T | undefined> {
  const { rows } = await client.query<[string]>({ text, rowMode: 'array' })
  return rows[0] === undefined ? undefined : (JSON.parse(rows[0][0]) as T)
}

// Of these types, equal values print alike; a collation must be deterministic besides (citext is no text here).
const EXACT_TYPES =
  "'{bool,bytea,char,name,int2,int4,int8,oid,text,varchar,uuid,date,time,timestamp,timestamptz,bit,varbit,inet,cidr,macaddr,macaddr8,pg_lsn,money}'"

const COLUMNS = `SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
    'name', a.attname,
    'type', pg_catalog.format_type(a.atttypid, a.atttypmod),
    'baseName', pg_catalog.format_type(b.oid, NULL),
    'baseOid', b.oid::int8,
    'baseModifier', b.modifier,
    'collation', CASE WHEN a.attcollation <> t.typcollation
      THEN pg_catalog.quote_ident(ln.nspname) || '.' || pg_catalog.quote_ident(l.collname) END,
    'exact', (b.typname = ANY (${EXACT_TYPES}::name[]) AND b.typnamespace = 'pg_catalog'::regnamespace
        OR b.typtype = 'e' OR b.typname = 'numeric' AND b.modifier >= 0) AND coalesce(l.collisdeterministic, true),
    'notNull', a.attnotnull,
    'hasDefault', a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL,
    'readOnly', CASE WHEN a.attgenerated <> '' THEN 'generated' WHEN a.attidentity = 'a' THEN 'identity' END,
    'mayInsert', pg_catalog.has_column_privilege(c.oid, a.attnum, 'INSERT'),
    'mayUpdate', pg_catalog.has_column_privilege(c.oid, a.attnum, 'UPDATE'),
    'maySelect', pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')
  ) ORDER BY a.attnum)
  FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
  LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = a.attcollation
  LEFT JOIN pg_catalog.pg_namespace AS ln ON ln.oid = l.collnamespace
  CROSS JOIN LATERAL (
    WITH RECURSIVE below AS (
      SELECT a.atttypid AS oid, a.atttypmod AS modifier
      UNION ALL
      SELECT d.typbasetype, d.typtypmod FROM below JOIN pg_catalog.pg_type AS d ON d.oid = below.oid AND d.typtype = 'd'
    )
    SELECT below.*, y.typname, y.typnamespace, y.typtype
    FROM below JOIN pg_catalog.pg_type AS y ON y.oid = below.oid AND y.typtype <> 'd'
  ) AS b
  WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped`

// A deferrable constraint, a partial index and one that is still being built cannot decide what a conflict is. The
// operator is that of the index: the name = alone would miss one whose schema is not in the search path (citext).
const UNIQUE_KEYS = `SELECT pg_catalog.json_agg(k.columns) FROM (
    SELECT (
      SELECT pg_catalog.json_agg(pg_catalog.json_build_object(
        'column', a.attname,
        'equals', coalesce((
          SELECT 'OPERATOR(' || pg_catalog.quote_ident(s.nspname) || '.' || o.oprname || ')'
          FROM pg_catalog.pg_opclass AS oc
          JOIN pg_catalog.pg_amop AS ao ON ao.amopfamily = oc.opcfamily AND ao.amopstrategy = 3
            AND ao.amoplefttype = oc.opcintype AND ao.amoprighttype = oc.opcintype
          JOIN pg_catalog.pg_operator AS o ON o.oid = ao.amopopr
          JOIN pg_catalog.pg_namespace AS s ON s.oid = o.oprnamespace
          WHERE oc.oid = p.class AND s.nspname <> 'pg_catalog'
        ), '=')
      ) ORDER BY p.position)
      FROM ROWS FROM (pg_catalog.unnest(i.indkey::int2[]), pg_catalog.unnest(i.indclass::oid[]))
        WITH ORDINALITY AS p (attribute, class, position)
      JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = p.attribute
      WHERE p.position <= i.indnkeyatts
    ) AS columns
    FROM pg_catalog.pg_index AS i
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL
      AND i.indexprs IS NULL
    ORDER BY i.indisprimary DESC, i.indexrelid
  ) AS k`

// Bits of tgtype: 1 for each row, 2 before, 4 on insert, 64 instead. Bits of pg_relation_is_updatable: 4 update,
// 8 insert, 16 delete.
const TABLE_QUERY = `SELECT pg_catalog.json_build_object(
    'schema', n.nspname,
    'name', c.relname,
    'kind', c.relkind,
    'columns', coalesce((${COLUMNS}), '[]'),
    'uniqueKeys', coalesce((${UNIQUE_KEYS}), '[]'),
    'intervenes', c.relkind <> 'r' OR c.relhassubclass OR pg_catalog.row_security_active(c.oid)
      OR coalesce(g.intervene, false),
    'rules', coalesce((SELECT pg_catalog.json_agg(r.rulename) FROM pg_catalog.pg_rewrite AS r
      WHERE r.ev_class = c.oid AND r.ev_type <> '1'), '[]'),
    'hasTriggers', g.any,
    'fillsInserts', coalesce(g.fill, false),
    'accepts', pg_catalog.json_build_object('insert', u.bits & 8 <> 0, 'update', u.bits & 4 <> 0, 'delete', u.bits & 16 <> 0),
    'mayUseSchema', pg_catalog.has_schema_privilege(n.oid, 'USAGE'),
    'mayDelete', pg_catalog.has_table_privilege(c.oid, 'DELETE')
  )
  FROM pg_catalog.pg_class AS c
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
  CROSS JOIN LATERAL (SELECT pg_catalog.pg_relation_is_updatable(c.oid, true) AS bits) AS u
  CROSS JOIN LATERAL (
    SELECT count(*) > 0 AS any,
      bool_or(g.tgtype & 1 <> 0 AND g.tgtype & 66 <> 0) AS intervene,
      bool_or(g.tgtype & 1 <> 0 AND g.tgtype & 66 <> 0 AND g.tgtype & 4 <> 0) AS fill
    FROM pg_catalog.pg_trigger AS g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled IN ('O', 'A')
  ) AS g`

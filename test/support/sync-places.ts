import pg from 'pg'
import type { ValueKind } from '../../src/core/column.ts'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import type { ConfigInput, SyncOptions } from '../../src/index.ts'
import type { TestPostgres } from '../../src/testing/postgres.ts'
import { mapSource } from './map-source.ts'
import { column } from './row-batches.ts'
import { keyOf, type Text, type Values } from './sync-oracle.ts'

/** A model and a table to sync it to, as a test loads, edits and reads them: with no code of ours but the drivers'. */
export interface SyncPlace extends AsyncDisposable {
  readonly connections: ConfigInput['connections']
  readonly sourceTable: string
  readonly destinationTable: string
  readonly options: Pick<SyncOptions, 'sources'>
  load(model: readonly Values[]): Promise<void>
  /** What the table holds, by key, each value as text. */
  read(): Promise<Map<string, Values>>
  insert(record: Values): Promise<void>
  /** Sets columns of the record, or deletes it. */
  edit(key: Values, change: Values | 'delete'): Promise<void>
}

export interface PlaceColumns {
  readonly key: readonly string[]
  /** Columns of the model. */
  readonly model: Readonly<Record<string, ValueKind>>
  /** Columns of the table: its definition in SQL, without the key. */
  readonly table: Readonly<Record<string, string>>
}

const driver = await loadSqlite()

const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(', ')

function tableColumns({ key, model, table }: PlaceColumns): string {
  const keys = key.map((name) => `"${name}" ${model[name] === 'integer' ? 'bigint' : 'text'} NOT NULL`)
  const others = Object.entries(table).map(([name, type]) => `"${name}" ${type}`)
  return [...keys, ...others, `PRIMARY KEY (${quoted(key)})`].join(', ')
}

function numbered(columns: readonly string[], from = 1): string {
  return columns.map((name, index) => `"${name}" = $${from + index}`).join(', ')
}

/** A model in memory and a table in an SQLite file. */
export function sqlitePlace(folder: string, columns: PlaceColumns): SyncPlace {
  const path = `${folder}/app.db`
  const database = new driver(path)
  database.defaultSafeIntegers(true)
  database.exec(`CREATE TABLE records (${tableColumns(columns).replace(/bigint/g, 'INTEGER')})`)
  const source = mapSource(Object.entries(columns.model).map(([name, kind]) => column(name, kind)))
  source.extraKey = columns.key.length > 1
  const bind = (value: Text, name: string) =>
    value !== null && columns.model[name] === 'integer' ? BigInt(value) : value
  return {
    connections: { from: 'rows:', to: `sqlite:${path}` },
    sourceTable: 'model',
    destinationTable: 'records',
    options: { sources: [source.definition] },
    async load(model) {
      source.rows = model.map((row) => source.columns.map(({ name }) => row[name] ?? null))
      source.batchRows = 1 + (model.length % 7)
    },
    async read() {
      const rows = database.prepare('SELECT * FROM records').all() as Record<string, unknown>[]
      return byKey(columns.key, rows)
    },
    async insert(record) {
      const names = Object.keys(record)
      const values = names.map((name) => bind(record[name] as Text, name))
      database.prepare(`INSERT INTO records (${quoted(names)}) VALUES (${names.map(() => '?')})`).run(...values)
    },
    async edit(key, change) {
      const where = columns.key.map((name) => `"${name}" = ?`).join(' AND ')
      const keys = columns.key.map((name) => bind(key[name] as Text, name))
      if (change === 'delete') database.prepare(`DELETE FROM records WHERE ${where}`).run(...keys)
      else {
        const names = Object.keys(change)
        const set = names.map((name) => `"${name}" = ?`).join(', ')
        const values = names.map((name) => bind(change[name] as Text, name))
        database.prepare(`UPDATE records SET ${set} WHERE ${where}`).run(...values, ...keys)
      }
    },
    async [Symbol.asyncDispose]() {
      database.close()
    },
  }
}

/** A model and a table in a schema of their own in a real Postgres. */
export async function postgresPlace(postgres: TestPostgres, name: string, columns: PlaceColumns): Promise<SyncPlace> {
  const client = new pg.Client({
    connectionString: postgres.url,
    types: { getTypeParser: () => (text: string) => text },
  })
  await client.connect()
  const types = Object.entries(columns.model).map(
    ([column, kind]) => `"${column}" ${kind === 'integer' ? 'bigint' : 'text'}`,
  )
  await client.query(`
    CREATE SCHEMA ${name};
    CREATE TABLE ${name}.model (${types.join(', ')});
    CREATE TABLE ${name}.records (${tableColumns(columns)})`)
  return {
    connections: { from: postgres.url, to: postgres.url },
    sourceTable: `${name}.model`,
    destinationTable: `${name}.records`,
    options: {},
    async load(model) {
      await client.query(`TRUNCATE ${name}.model`)
      await client.query(`INSERT INTO ${name}.model SELECT * FROM json_populate_recordset(NULL::${name}.model, $1)`, [
        JSON.stringify(model),
      ])
    },
    async read() {
      const { rows } = await client.query<Record<string, unknown>>(`SELECT * FROM ${name}.records`)
      return byKey(columns.key, rows)
    },
    async insert(record) {
      const names = Object.keys(record)
      const places = names.map((_, index) => `$${index + 1}`).join(', ')
      await client.query(`INSERT INTO ${name}.records (${quoted(names)}) VALUES (${places})`, Object.values(record))
    },
    async edit(key, change) {
      const keys = columns.key.map((column) => key[column])
      const where = numbered(columns.key).replaceAll(', ', ' AND ')
      if (change === 'delete') await client.query(`DELETE FROM ${name}.records WHERE ${where}`, keys)
      else {
        const set = numbered(Object.keys(change), keys.length + 1)
        await client.query(`UPDATE ${name}.records SET ${set} WHERE ${where}`, [...keys, ...Object.values(change)])
      }
    },
    async [Symbol.asyncDispose]() {
      await client.end()
    },
  }
}

function byKey(key: readonly string[], rows: readonly Record<string, unknown>[]): Map<string, Values> {
  return new Map(
    rows.map((row) => {
      const texts = Object.entries(row).map(([name, value]) => [name, value === null ? null : String(value)])
      const values = Object.fromEntries(texts) as Values
      return [keyOf(key, values), values]
    }),
  )
}

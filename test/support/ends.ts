import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { loadSqlite, type SqliteDatabase } from '../../src/core/sqlite-driver.ts'
import type { ChangeSample, ConfigInput, Counts, Report, RowIssue, SyncOptions } from '../../src/index.ts'
import { sync } from '../../src/index.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { temporaryFolder } from './temporary-folder.ts'

/**
 * Both ends of a sync, made anew for each test, and seen by other means than our own code: a model in a schema of a
 * real Postgres, a table to write to in another schema or in an SQLite file, and a state folder.
 */

export const DESTINATIONS = ['sqlite', 'postgres'] as const
export type DestinationType = (typeof DESTINATIONS)[number]

export type SyncInput = ConfigInput['syncs'][string]

/** A database as a test sees it: tables are named without their schema. */
export interface Side {
  execute(sql: string): Promise<void>
  /** Each value as text, as the database prints it (SQLite: numbers in decimal, blobs as `\x…`). */
  rows(sql: string): Promise<(string | null)[][]>
}

/** A run of the sync and what it told on the way. */
export interface Run {
  readonly report: Report
  readonly notes: readonly string[]
  readonly issues: readonly RowIssue[]
  readonly changes: readonly ChangeSample[]
}

export interface Ends extends AsyncDisposable {
  readonly type: DestinationType
  /** Holds the SQLite file and the state; goes away with the ends. */
  readonly folder: string
  readonly state: string
  readonly sqliteFile: string
  readonly source: Side
  readonly destination: Side
  /** A configuration of one sync `users`: a mirror of table `model`, by `id`, into table `users`, unless said otherwise. */
  config(overrides?: Partial<SyncInput>): ConfigInput
  /** Runs that sync. Whatever the run, its counts have to add up. */
  run(overrides?: Partial<SyncInput>, options?: SyncOptions): Promise<Run>
}

/** A Postgres server for one test file. */
export interface Server extends AsyncDisposable {
  readonly postgres: TestPostgres
  readonly admin: pg.Client
  ends(type: DestinationType): Promise<Ends>
}

async function startServer(): Promise<Server> {
  const postgres = await startPostgres()
  const admin = await connect(postgres.url)
  let made = 0
  return {
    postgres,
    admin,
    ends: async (type) => {
      const schemas = [`source_${++made}`, `target_${made}`] as const
      await admin.query(schemas.map((schema) => `CREATE SCHEMA ${schema}`).join(';'))
      return openEnds(postgres, type, schemas)
    },
    async [Symbol.asyncDispose]() {
      await admin.end()
      await postgres[Symbol.asyncDispose]()
    },
  }
}

/** A server that lives as long as the tests of the file, and tests against it. Called once, at the top of the file. */
export function serverForTests(prepare: (server: Server) => Promise<void> = async () => {}): {
  /** Only inside of tests. */
  readonly server: Server
  /** Declares a test of the same behaviour towards each destination. */
  eachDestination(name: string, body: (ends: Ends) => Promise<void>): void
} {
  let server: Server | undefined
  before(async () => {
    server = await startServer()
    await prepare(server)
  })
  after(async () => {
    await server?.[Symbol.asyncDispose]()
  })
  const started = (): Server => {
    if (server === undefined) throw new Error('the server is there inside of tests only')
    return server
  }
  return {
    get server() {
      return started()
    },
    eachDestination(name, body) {
      for (const type of DESTINATIONS) {
        test(`${type}: ${name}`, async () => {
          await using ends = await started().ends(type)
          await body(ends)
        })
      }
    },
  }
}

/** Counts of a report: these, and nothing else. */
export function counts(expected: Partial<Counts>): Counts {
  return { ...NOTHING, ...expected }
}

const NOTHING: Counts = {
  read: 0,
  inserted: 0,
  updated: 0,
  unchanged: 0,
  skipped: 0,
  invalid: 0,
  rejected: 0,
  missing: 0,
  deleted: 0,
  kept: 0,
  held: 0,
  delete_rejected: 0,
}

/** The rows as a VALUES list, for either database. */
export function values(rows: readonly (readonly (string | number | null)[])[]): string {
  const literal = (value: string | number | null) =>
    typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value)
  return `VALUES ${rows.map((row) => `(${row.map(literal).join(', ')})`).join(', ')}`
}

/** Content of every file of a folder, by name; empty where there is no folder. */
export function filesIn(folder: string): Record<string, string> {
  const files: Record<string, string> = {}
  try {
    for (const name of readdirSync(folder).sort()) files[name] = readFileSync(join(folder, name), 'base64')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return files
}

/** Both identities of a run that reached the end of its model. */
export function assertIdentities({ counts: c }: Report): void {
  assert.equal(c.read, c.inserted + c.updated + c.unchanged + c.skipped + c.invalid + c.rejected, JSON.stringify(c))
  assert.equal(c.missing, c.deleted + c.kept + c.held + c.delete_rejected, JSON.stringify(c))
}

/** The connection string of a server with a search path of its own. */
export function urlOf(postgres: TestPostgres, schema: string): string {
  return `${postgres.url}?options=${encodeURIComponent(`-c search_path=${schema}`)}`
}

async function openEnds(
  postgres: TestPostgres,
  type: DestinationType,
  [sourceSchema, targetSchema]: readonly [string, string],
): Promise<Ends> {
  const folder = temporaryFolder()
  const sqliteFile = folder.file('app.db')
  const state = folder.file('state')
  const source = await postgresSide(urlOf(postgres, sourceSchema))
  const destination =
    type === 'sqlite' ? await sqliteSide(sqliteFile) : await postgresSide(urlOf(postgres, targetSchema))
  const config = (overrides: Partial<SyncInput> = {}): ConfigInput => ({
    version: 1,
    state,
    connections: {
      warehouse: urlOf(postgres, sourceSchema),
      target: type === 'sqlite' ? `sqlite:${sqliteFile}` : urlOf(postgres, targetSchema),
    },
    syncs: {
      users: {
        source: { connection: 'warehouse', table: 'model' },
        key: 'id',
        mode: 'mirror',
        destination: { connection: 'target', table: 'users' },
        ...overrides,
      },
    },
  })
  return {
    type,
    folder: folder.path,
    state,
    sqliteFile,
    source,
    destination,
    config,
    run: (overrides, options) => runConfig(config(overrides), options),
    async [Symbol.asyncDispose]() {
      await source.close()
      await destination.close()
      folder[Symbol.dispose]()
    },
  }
}

/** Runs a configuration as it is. */
export async function runConfig(config: ConfigInput, options: SyncOptions = {}): Promise<Run> {
  const notes: string[] = []
  const issues: RowIssue[] = []
  const changes: ChangeSample[] = []
  const report = await sync(config, {
    onNote: (note) => notes.push(note),
    onIssue: (issue) => issues.push(issue),
    onChange: (change) => changes.push(change),
    ...options,
  })
  if (report.status !== 'failed' && report.status !== 'cancelled') assertIdentities(report)
  assert.notEqual(report.error?.kind, 'bug', report.error?.message)
  return { report, notes, issues, changes }
}

interface OpenSide extends Side {
  close(): Promise<void>
}

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  // A server that goes away during a test is the test's business.
  client.on('error', () => {})
  await client.connect()
  return client
}

async function postgresSide(url: string): Promise<OpenSide> {
  const client = await connect(url)
  return {
    execute: async (sql) => void (await client.query(sql)),
    rows: async (sql) => {
      const types = { getTypeParser: () => (text: string) => text }
      return (await client.query<(string | null)[]>({ text: sql, rowMode: 'array', types })).rows
    },
    close: () => client.end(),
  }
}

async function sqliteSide(path: string): Promise<OpenSide> {
  const Sqlite = await loadSqlite()
  const database: SqliteDatabase = new Sqlite(path)
  return {
    execute: async (sql) => void database.exec(sql),
    rows: async (sql) => {
      const rows = database.prepare(sql).raw().safeIntegers().all() as unknown[][]
      return rows.map((row) => row.map(printed))
    },
    close: async () => void database.close(),
  }
}

function printed(value: unknown): string | null {
  if (value === null) return null
  return Buffer.isBuffer(value) ? `\\x${value.toString('hex')}` : String(value)
}

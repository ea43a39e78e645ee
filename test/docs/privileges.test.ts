import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { SYNC_MODE_NAMES, type SyncMode } from '../../src/core/sync-mode.ts'
import { type ConfigInput, type Report, sync } from '../../src/index.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { readPage } from '../support/markdown.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts'

const page = readPage('SECURITY.md')
const [reader = '', writer = ''] = page.blocks.filter(({ language }) => language === 'sql').map(({ text }) => text)

/** What the page says to grant on the table, by mode. */
const GRANTS = new Map(
  [...page.prose.matchAll(/^\| `([a-z-]+)` \| `([A-Z, ]+)` \|$/gm)].map(([, mode = '', grant = '']) => [mode, grant]),
)

let postgres: TestPostgres
let folder: TemporaryFolder
const clients = new Map<string, pg.Client>()

before(async () => {
  folder = temporaryFolder()
  postgres = await startPostgres()
  const admin = await connect('postgres')
  for (const name of ['warehouse', 'app']) {
    await admin.query(`CREATE DATABASE ${name}`)
    await admin.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`)
    await (await connect(name)).query('REVOKE ALL ON SCHEMA public FROM PUBLIC')
  }
  await on('warehouse', 'CREATE SCHEMA marts; CREATE TABLE marts.contacts (id bigint PRIMARY KEY, email text)')
  await on('app', 'CREATE SCHEMA crm')
  await on('warehouse', reader)
  await on('app', writer)
})
after(async () => {
  for (const client of clients.values()) await client.end()
  await postgres[Symbol.asyncDispose]()
  folder[Symbol.dispose]()
})

async function connect(database: string): Promise<pg.Client> {
  const client = new pg.Client(urlOf('postgres', database))
  await client.connect()
  clients.set(database, client)
  return client
}

async function on(database: string, sql: string): Promise<pg.QueryResult> {
  return (clients.get(database) ?? assert.fail(database)).query(sql)
}

function urlOf(user: string, database: string): string {
  return `postgres://${user}@127.0.0.1:${postgres.port}/${database}`
}

interface Variation {
  readonly create?: boolean
  readonly as?: Readonly<Record<string, boolean>>
}

async function run(mode: SyncMode, name: string, { create = false, as }: Variation = {}): Promise<Report> {
  const config: ConfigInput = {
    version: 1,
    state: folder.file('state'),
    connections: { warehouse: urlOf('rowferry_reader', 'warehouse'), app: urlOf('rowferry_writer', 'app') },
    syncs: {
      [name]: {
        source: { connection: 'warehouse', table: 'marts.contacts' },
        key: 'id',
        mode,
        destination: { connection: 'app', table: 'crm.contacts', create },
        ...(as === undefined ? {} : { deletes: { as } }),
      },
    },
  }
  return sync(config)
}

async function people(rows: readonly string[]): Promise<void> {
  const values = rows.map((row) => `(${row})`).join(', ')
  await on('warehouse', `TRUNCATE marts.contacts; INSERT INTO marts.contacts VALUES ${values}`)
}

async function table(): Promise<void> {
  await on('app', 'DROP TABLE IF EXISTS crm.contacts; CREATE TABLE crm.contacts (id bigint PRIMARY KEY, email text)')
}

/** What becomes of the records 1 a, 2 b and 9 z under the models 1 a, 2 B, 3 c and then 1 A, 3 c. */
const RESULTS: Readonly<Record<SyncMode, string>> = {
  mirror: '1 A, 3 c',
  upsert: '1 A, 2 B, 3 c, 9 z',
  'update-only': '1 A, 2 B, 9 z',
  'delete-only': '1 a',
  'insert-only': '1 a, 2 b, 3 c, 9 z',
}

for (const mode of SYNC_MODE_NAMES) {
  test(`${mode} works with the privileges that the page names, and with none of them less`, async () => {
    const grant = GRANTS.get(mode) ?? assert.fail(`no grant for ${mode}`)
    await table()
    await on('app', `INSERT INTO crm.contacts VALUES (1, 'a'), (2, 'b'), (9, 'z')`)
    await on('app', `GRANT ${grant} ON crm.contacts TO rowferry_writer`)
    for (const model of [
      ["1, 'a'", "2, 'B'", "3, 'c'"],
      ["1, 'A'", "3, 'c'"],
    ]) {
      await people(model)
      const report = await run(mode, mode)
      assert.equal(report.status, 'succeeded', report.error?.message)
    }
    const { rows } = await on('app', `SELECT string_agg(id || ' ' || email, ', ' ORDER BY id) AS all FROM crm.contacts`)
    assert.equal(rows[0]?.all, RESULTS[mode])

    for (const privilege of grant.split(', ')) {
      await on('app', `REVOKE ${privilege} ON crm.contacts FROM rowferry_writer`)
      const { error } = await run(mode, mode)
      assert.equal(error?.code, 'permission_denied', privilege)
      assert.match(error?.message ?? '', new RegExp(`GRANT ${privilege} `))
      assert.equal(error?.kind, 'configuration')
      await on('app', `GRANT ${privilege} ON crm.contacts TO rowferry_writer`)
    }
  })
}

test('what both roles get besides is needed, too', async () => {
  await table()
  await on('app', 'GRANT SELECT, INSERT, UPDATE, DELETE ON crm.contacts TO rowferry_writer')
  const grants = [
    ['warehouse', 'CONNECT ON DATABASE warehouse', 'rowferry_reader', /run GRANT CONNECT ON DATABASE/],
    ['warehouse', 'USAGE ON SCHEMA marts', 'rowferry_reader', /run GRANT USAGE ON SCHEMA "?marts/],
    ['warehouse', 'SELECT ON marts.contacts', 'rowferry_reader', /run GRANT SELECT ON .*contacts/],
    ['app', 'CONNECT ON DATABASE app', 'rowferry_writer', /run GRANT CONNECT ON DATABASE/],
    ['app', 'TEMPORARY ON DATABASE app', 'rowferry_writer', /run GRANT TEMPORARY ON DATABASE "app"/],
    ['app', 'USAGE ON SCHEMA crm', 'rowferry_writer', /run GRANT USAGE ON SCHEMA "crm"/],
  ] as const
  for (const [database, privilege, role, message] of grants) {
    await on(database, `REVOKE ${privilege} FROM ${role}`)
    const { error } = await run('mirror', 'besides')
    assert.deepEqual([error?.code, error?.kind], ['permission_denied', 'configuration'], privilege)
    assert.match(error?.message ?? '', message)
    await on(database, `GRANT ${privilege} TO ${role}`)
  }
  assert.equal((await run('mirror', 'besides')).status, 'succeeded')
})

test('create: true needs CREATE on the schema until the table is there', async () => {
  await on('app', 'DROP TABLE IF EXISTS crm.contacts')
  const refused = await run('mirror', 'creates', { create: true })
  assert.match(refused.error?.message ?? '', /GRANT CREATE ON SCHEMA "crm"/)
  await on('app', 'GRANT CREATE ON SCHEMA crm TO rowferry_writer')
  assert.equal((await run('mirror', 'creates', { create: true })).status, 'succeeded')
  await on('app', 'REVOKE CREATE ON SCHEMA crm FROM rowferry_writer')
  assert.equal((await run('mirror', 'creates', { create: true })).status, 'succeeded')
})

test('a soft delete is an update: it needs UPDATE of its fields, and no DELETE', async () => {
  for (const [mode, privileges] of [
    ['delete-only', 'SELECT, UPDATE'],
    ['mirror', 'SELECT, INSERT, UPDATE'],
  ] as const) {
    await table()
    await on('app', "ALTER TABLE crm.contacts ADD gone boolean; INSERT INTO crm.contacts VALUES (1, 'a'), (9, 'z')")
    await people(["1, 'a'"])
    await on('app', `GRANT ${privileges} ON crm.contacts TO rowferry_writer`)
    await on('app', 'REVOKE UPDATE ON crm.contacts FROM rowferry_writer')
    const refused = await run(mode, `soft-${mode}`, { as: { gone: true } })
    assert.match(refused.error?.message ?? '', /GRANT UPDATE/)
    assert.equal(refused.error?.kind, 'configuration')
    await on('app', 'GRANT UPDATE ON crm.contacts TO rowferry_writer')
    const { status, counts } = await run(mode, `soft-${mode}`, { as: { gone: true } })
    assert.deepEqual([status, counts.deleted], ['succeeded', 1])
    assert.equal((await on('app', 'SELECT id FROM crm.contacts WHERE gone')).rows[0]?.id, '9')
  }
})

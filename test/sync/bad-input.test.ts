import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { sqliteDestination } from '../../src/connectors/sqlite-destination.ts'
import { type ConfigInput, defineDestination, type SyncOptions } from '../../src/index.ts'
import { type DestinationType, type Ends, runConfig, type SyncInput, serverForTests, values } from '../support/ends.ts'

/** `outsider` may connect and nothing else; `guarded` needs a password, which is right. */
const tests = serverForTests(async ({ admin, postgres }) => {
  await admin.query(`CREATE ROLE outsider LOGIN; CREATE ROLE guarded LOGIN PASSWORD 'right'`)
  const file = join(postgres.dataDirectory, 'pg_hba.conf')
  writeFileSync(file, 'host all guarded 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n')
  await admin.query('SELECT pg_reload_conf()')
  const asksForPassword = async () => {
    const client = new pg.Client(`postgres://guarded:wrong@127.0.0.1:${postgres.port}/postgres`)
    return client.connect().then(
      () => client.end().then(() => false),
      () => true,
    )
  }
  while (!(await asksForPassword())) await admin.query('SELECT pg_sleep(0.01)')
})

interface BadInput {
  /** Where only one of the destinations has it. */
  readonly only?: DestinationType
  readonly arrange?: (ends: Ends) => Promise<void>
  readonly sync?: Partial<SyncInput>
  readonly change?: (config: ConfigInput, ends: Ends) => ConfigInput
  readonly options?: SyncOptions
  readonly code: string | Readonly<Record<DestinationType, string>>
  /** 78, for what a retry cannot help, unless said otherwise. */
  readonly exitCode?: 1
  readonly message: RegExp
}

const sql = (text: string): Partial<SyncInput> => ({ source: { connection: 'warehouse', sql: text } })

const connection = (name: 'warehouse' | 'target', change: (url: URL) => void) => (config: ConfigInput) => {
  const url = new URL(config.connections[name] as string)
  change(url)
  return { ...config, connections: { ...config.connections, [name]: url.href } }
}

const asOutsider = (url: URL) => {
  url.username = 'outsider'
}
const wrongPassword = (url: URL) => {
  url.username = 'guarded'
  url.password = 'wrong'
}
const nowhere = (url: URL) => {
  url.port = '1'
}
const noSuchDatabase = (url: URL) => {
  url.pathname = '/nowhere'
}

const grantUsage = (side: 'source' | 'destination') => async (ends: Ends) => {
  const [schema] = (await ends[side].rows('SELECT current_schema'))[0] ?? []
  await ends[side].execute(`GRANT USAGE ON SCHEMA ${schema} TO outsider`)
}

const neverUpdates = defineDestination({
  ...sqliteDestination,
  type: 'sqlite',
  object: (name, options) => ({ ...sqliteDestination.object(name, options), syncModes: ['upsert', 'insert-only'] }),
})

const CASES: Readonly<Record<string, BadInput>> = {
  'an unreachable source': {
    change: connection('warehouse', nowhere),
    code: 'connection_failed',
    exitCode: 1,
    message: /cannot connect to 127\.0\.0\.1:1\/postgres \(connection refused\): check host and port/,
  },
  'an unreachable destination': {
    only: 'postgres',
    change: connection('target', nowhere),
    code: 'connection_failed',
    exitCode: 1,
    message: /cannot connect to 127\.0\.0\.1:1\/postgres/,
  },
  'a destination file in a folder that is not there': {
    only: 'sqlite',
    change: (config, ends) => ({
      ...config,
      connections: { ...config.connections, target: `sqlite:${ends.folder}/nowhere/app.db` },
    }),
    code: 'no_such_file',
    message: /there is no \S+nowhere: check the path, or make it$/,
  },
  'a destination file that is no database': {
    only: 'sqlite',
    arrange: async (ends) => writeFileSync(join(ends.folder, 'notes.txt'), 'not a database '.repeat(1000)),
    change: (config, ends) => ({
      ...config,
      connections: { ...config.connections, target: `sqlite:${ends.folder}/notes.txt` },
    }),
    code: 'not_a_database',
    message: /is not an SQLite database.*: check the path$/,
  },
  'a wrong password of the source': {
    change: connection('warehouse', wrongPassword),
    code: 'authentication_failed',
    message: /refused the password of user "guarded": correct user and password/,
  },
  'a wrong password of the destination': {
    only: 'postgres',
    change: connection('target', wrongPassword),
    code: 'authentication_failed',
    message: /refused the password of user "guarded": correct user and password/,
  },
  'an unknown database as source': {
    change: connection('warehouse', noSuchDatabase),
    code: 'database_not_found',
    message: /has no database "nowhere": correct its name in the connection, or create it$/,
  },
  'an unknown database as destination': {
    only: 'postgres',
    change: connection('target', noSuchDatabase),
    code: 'database_not_found',
    message: /has no database "nowhere"/,
  },
  'a source that may not be read': {
    arrange: grantUsage('source'),
    change: connection('warehouse', asOutsider),
    code: 'permission_denied',
    message: /permission denied for table model: run GRANT SELECT ON "model" TO outsider$/,
  },
  'a destination that may not be written': {
    only: 'postgres',
    arrange: grantUsage('destination'),
    change: connection('target', asOutsider),
    code: 'permission_denied',
    message:
      /lacks privileges: run GRANT SELECT, INSERT, UPDATE( \("name"\))?, DELETE ON "target_\d+"\."users" TO "outsider"$/,
  },
  'a source table that is not there': {
    sync: { source: { connection: 'warehouse', table: 'modle' } },
    code: 'model_table_missing',
    message: /has no table "modle": correct its name/,
  },
  'a destination table that is not there': {
    sync: { destination: { connection: 'target', table: 'user' } },
    code: { sqlite: 'destination_mismatch', postgres: 'unknown_table' },
    message: /there is no such table.*did you mean "users"\?.*create: true/,
  },
  'a destination that lacks a column': {
    sync: sql('SELECT id, name, 1 AS nmae FROM model'),
    code: { sqlite: 'destination_mismatch', postgres: 'unknown_field' },
    message: /it has no column "nmae" — did you mean "name"\?/,
  },
  'a key that nothing makes unique in the destination': {
    sync: { key: 'name' },
    code: { sqlite: 'destination_mismatch', postgres: 'match_not_unique' },
    message: /makes name unique.*CREATE UNIQUE INDEX/,
  },
  'a destination column that an insert would leave null': {
    arrange: async ({ destination }) => {
      await destination.execute('CREATE TABLE strict (id bigint PRIMARY KEY, name text, plan text NOT NULL)')
    },
    sync: { destination: { connection: 'target', table: 'strict' } },
    code: { sqlite: 'destination_mismatch', postgres: 'unmapped_column' },
    message: /"plan" must not be null and has no default.*map/,
  },
  'a mode that the destination does not support': {
    only: 'sqlite',
    options: { destinations: [neverUpdates] },
    code: 'unsupported_mode',
    message: /users does not support mode mirror; it supports upsert, insert-only$/,
  },
  'deletes that the destination does not know': {
    sync: { deletes: { as: 'archive' } },
    code: 'unsupported_deletes',
    message: /users cannot archive; use deletes.as: delete, clear or a field to set$/,
  },
  'a key that is not in the model': {
    sync: { key: 'idd' },
    code: 'unknown_column',
    message: /key: the model has no column idd — did you mean "id"\?; it has id, name$/,
  },
  'a mapping of a column that is not in the model': {
    sync: { fields: { id: 'id', name: { template: '{name} {surname}' } } },
    code: 'unknown_column',
    message: /fields.name: the model has no column surname.*; it has id, name$/,
  },
  'a mapping that leaves the key out': {
    sync: { fields: { name: 'name' } },
    code: 'key_not_mapped',
    message: /no field carries the key column id, .* map it: fields: \{ id: id \}$/,
  },
  'a match that is not the key': {
    sync: { destination: { connection: 'target', table: 'users', match: 'name' } },
    code: 'match_is_not_key',
    message: /none of name is the plain column id; make the key the column that the match field gets/,
  },
  'two columns of one name': {
    sync: sql('SELECT id, name, name FROM model'),
    code: 'model_duplicate_column',
    message: /more than one column named "name": give each its own name with AS$/,
  },
  'two statements': {
    sync: sql('SELECT id, name FROM model; DELETE FROM model'),
    code: 'model_not_one_query',
    message: /more than one statement(.|\n)*keep a single SELECT$/,
  },
  'a model that writes': {
    sync: sql('DELETE FROM model RETURNING *'),
    code: 'model_not_a_query',
    message: /not a query that only reads: write a single SELECT/,
  },
  'a model that writes in passing': {
    sync: sql('WITH gone AS (DELETE FROM model RETURNING *) SELECT * FROM gone'),
    code: 'model_invalid',
    message: /a data-modifying statement must be at the top level(.|\n)*correct the model$/,
  },
  'a model with a mistake': {
    sync: sql('SELECT id, nmae FROM model'),
    code: 'model_invalid',
    message: /column "nmae" does not exist(.|\n)*correct the model$/,
  },
  'a connection of a system that is not there': {
    change: (config) => ({ ...config, connections: { ...config.connections, target: 'postgers://localhost/db' } }),
    code: 'unknown_connector',
    message: /there is no destination "postgers": did you mean "postgres"\?/,
  },
  'a configuration that is wrong': {
    change: (config) =>
      ({ ...config, syncs: { users: { ...config.syncs['users'], mode: 'miror' } } }) as unknown as ConfigInput,
    code: 'configuration_invalid',
    message: /did you mean "mirror"\?/,
  },
  'a sync that is not there': {
    options: { sync: 'user' },
    code: 'unknown_sync',
    message: /there is no sync user — did you mean "users"\?; there is users$/,
  },
}

for (const [name, bad] of Object.entries(CASES)) {
  for (const type of ['sqlite', 'postgres'] as const) {
    if (bad.only !== undefined && bad.only !== type) continue
    test(`${type}: ${name} is an error that says what to do, and nothing is touched`, async () => {
      await using ends = await tests.server.ends(type)
      await ends.source.execute('CREATE TABLE model (id bigint, name text)')
      await ends.destination.execute('CREATE TABLE users (id bigint PRIMARY KEY, name text)')
      await ends.source.execute(
        `INSERT INTO model ${values([
          [1, 'a'],
          [2, 'b'],
        ])}`,
      )
      await ends.destination.execute(
        `INSERT INTO users ${values([
          [2, 'old'],
          [9, 'foreign'],
        ])}`,
      )
      await bad.arrange?.(ends)
      const config = ends.config(bad.sync)
      const { report } = await runConfig(bad.change?.(config, ends) ?? config, bad.options)

      assert.equal(report.status, 'failed')
      assert.match(report.error?.message ?? '', bad.message)
      assert.equal(report.error?.code, typeof bad.code === 'string' ? bad.code : bad.code[type])
      assert.equal(exitCodeOf(report), bad.exitCode ?? 78)
      assert.equal(report.requests.sent, 0)
      assert.deepEqual(await ends.destination.rows('SELECT id, name FROM users ORDER BY id'), [
        ['2', 'old'],
        ['9', 'foreign'],
      ])
      assert.deepEqual(await ends.source.rows('SELECT count(*) FROM model'), [['2']])
      // Once it is mended, the sync goes on as if nothing had been.
      assert.equal((await ends.run()).report.status, 'succeeded')
    })
  }
}

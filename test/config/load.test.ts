// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax of references is what is tested
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import type { Config, SyncConfig } from '../../src/config/resolved.ts'
import { folderWith, loadText, problemsOf, syncYaml } from './config-folder.ts'

const EXAMPLE = `# yaml-language-server: $schema=./node_modules/rowferry/schema/v1.json
version: 1
state: .rowferry

connections:
  warehouse: \${DATABASE_URL}
  app: sqlite:./app.db
  crm:
    type: hubspot
    token: \${HUBSPOT_TOKEN:?create a private app token with crm.objects.contacts.write}

syncs:
  contacts:
    description: Paying customers, kept identical in the CRM
    tags: [crm, hourly]
    source:
      connection: warehouse
      sql: |
        select id, email, first_name, plan, lifetime_value from marts.contacts where consent = :consent
      params: { consent: true }
    key: id
    mode: mirror
    destination: { connection: crm, object: contacts, match: email }
    deletes: { scope: seen, as: archive }
    fields:
      email: email
      firstname: first_name
      plan_tier: plan
      ltv: { from: lifetime_value, type: number, nulls: skip }
      lifecyclestage: { value: customer, on: insert }
      full_name: { template: "{first_name} {last_name}" }
      email_sha256: { from: email, hash: sha256 }
      synced_at: { variable: run.started_at }
    guards: { max_deletes: 5%, min_rows: 1000, max_rejected: 1% }
    batch: { size: 100, concurrency: 4, rate: 100/10s }
`
const ENVIRONMENT = { DATABASE_URL: 'postgres://me:secret@db.example.com/app', HUBSPOT_TOKEN: 'pat-123' }

function syncOf(config: Config, name = 'users'): SyncConfig {
  const sync = config.syncs.get(name)
  assert.ok(sync)
  return sync
}

test('the documented example loads', async (t) => {
  const directory = folderWith(t, { 'rowferry.yaml': EXAMPLE })
  const config = await loadConfig({ directory, environment: ENVIRONMENT })
  assert.equal(config.state, join(directory, '.rowferry'))
  assert.deepEqual(
    [...config.connections.values()],
    [
      { name: 'warehouse', type: 'postgres', options: { url: ENVIRONMENT.DATABASE_URL }, baseDirectory: directory },
      { name: 'app', type: 'sqlite', options: { url: 'sqlite:./app.db' }, baseDirectory: directory },
      { name: 'crm', type: 'hubspot', options: { token: 'pat-123' }, baseDirectory: directory },
    ],
  )
  const { source, fields, ...rest } = syncOf(config, 'contacts')
  assert.deepEqual(
    { ...source, params: { ...source.params } },
    {
      connection: 'warehouse',
      rows: undefined,
      sql: 'select id, email, first_name, plan, lifetime_value from marts.contacts where consent = :consent\n',
      file: undefined,
      table: undefined,
      params: { consent: true },
      read: { method: 'auto', parallel: 1, digest: false },
      idleTimeoutMs: 600_000,
    },
  )
  const plain = { type: undefined, nulls: 'write', on: 'always' }
  assert.deepEqual(fields, [
    { field: 'email', from: { kind: 'column', column: 'email', hash: undefined }, ...plain },
    { field: 'firstname', from: { kind: 'column', column: 'first_name', hash: undefined }, ...plain },
    { field: 'plan_tier', from: { kind: 'column', column: 'plan', hash: undefined }, ...plain },
    {
      field: 'ltv',
      from: { kind: 'column', column: 'lifetime_value', hash: undefined },
      type: 'number',
      nulls: 'skip',
      on: 'always',
    },
    { field: 'lifecyclestage', from: { kind: 'constant', value: 'customer' }, ...plain, on: 'insert' },
    { field: 'full_name', from: { kind: 'template', parts: ['', 'first_name', ' ', 'last_name', ''] }, ...plain },
    { field: 'email_sha256', from: { kind: 'column', column: 'email', hash: 'sha256' }, ...plain },
    { field: 'synced_at', from: { kind: 'variable', variable: 'run.started_at' }, ...plain },
  ])
  assert.deepEqual(rest, {
    name: 'contacts',
    description: 'Paying customers, kept identical in the CRM',
    tags: ['crm', 'hourly'],
    key: ['id'],
    mode: 'mirror',
    destination: { connection: 'crm', object: 'contacts', match: ['email'], create: false },
    deletes: { scope: 'seen', as: { kind: 'archive' } },
    exclude: [],
    guards: { maxDeletes: { percent: 5 }, minRows: 1000, maxRejected: { percent: 1 } },
    index: { bootstrap: undefined, refresh: undefined },
    batch: { size: 100, concurrency: 4, rate: { requests: 100, perMs: 10_000 } },
  })
})

test('what is left out has its default, or stays open where the destination decides', async (t) => {
  const { source, ...sync } = syncOf(await loadText(t, syncYaml()))
  assert.deepEqual(
    [source.read, source.idleTimeoutMs, Object.keys(source.params)],
    [{ method: 'auto', parallel: 1, digest: false }, 600_000, []],
  )
  assert.deepEqual(sync, {
    name: 'users',
    description: undefined,
    tags: [],
    key: ['id'],
    mode: 'mirror',
    destination: { connection: 'db', object: 'copies', match: undefined, create: false },
    deletes: { scope: undefined, as: { kind: 'delete' } },
    fields: undefined,
    exclude: [],
    guards: { maxDeletes: undefined, minRows: undefined, maxRejected: undefined },
    index: { bootstrap: undefined, refresh: undefined },
    batch: { size: undefined, concurrency: undefined, rate: undefined },
  })
})

test('every other form of a value is understood', async (t) => {
  const config = await loadText(
    t,
    [
      syncYaml({
        source:
          '{ connection: pg, sql: select 1, read: cursor, idle_timeout: 90s, params: { a: null, b: 1.5, c: "x" } }',
        key: '[tenant_id, order_id]',
        destination: '{ connection: db, object: orders, match: [tenant, number], create: true }',
        deletes: '{ scope: all, as: { deleted: true, deleted_at: { variable: run.started_at }, note: null } }',
        fields: '{ a: { from: x, on: insert }, b: { value: null } }',
        guards: '{ max_deletes: 500, max_rejected: 0 }',
        index: '{ bootstrap: empty, refresh: 1d }',
        batch: '{ rate: 5/s }',
      }).replace('  db: sqlite:./app.db\n', '  db: sqlite:./app.db\n  pg: postgres://localhost/app\n'),
      '  more:\n    source: { connection: db, table: a }\n    key: id\n    mode: upsert\n',
      '    destination: { connection: db, table: b }\n    exclude: [notes]\n',
    ].join(''),
  )
  const sync = syncOf(config)
  assert.deepEqual({ ...sync.source.params }, { a: null, b: 1.5, c: 'x' })
  assert.deepEqual(
    [sync.source.read, sync.source.idleTimeoutMs],
    [{ method: 'cursor', parallel: 1, digest: false }, 90_000],
  )
  assert.deepEqual(sync.key, ['tenant_id', 'order_id'])
  assert.deepEqual(sync.destination, { connection: 'db', object: 'orders', match: ['tenant', 'number'], create: true })
  assert.deepEqual(sync.deletes, {
    scope: 'all',
    as: {
      kind: 'set',
      fields: [
        { name: 'deleted', value: { value: true } },
        { name: 'deleted_at', value: { variable: 'run.started_at' } },
        { name: 'note', value: { value: null } },
      ],
    },
  })
  assert.equal(sync.fields?.[0]?.on, 'insert')
  assert.deepEqual(sync.fields?.[1]?.from, { kind: 'constant', value: null })
  assert.deepEqual(syncOf(config, 'more').exclude, ['notes'])
  assert.deepEqual(sync.guards, { maxDeletes: { count: 500 }, minRows: undefined, maxRejected: { count: 0 } })
  assert.deepEqual(sync.index, { bootstrap: 'empty', refresh: 86_400_000 })
  assert.deepEqual(sync.batch.rate, { requests: 5, perMs: 1000 })
})

test('aliases are written out, and YAML 1.2 leaves NO and dates alone', async (t) => {
  const text = syncYaml({ source: '{ connection: db, sql: select 1, params: &p { a: NO, b: 2026-01-01 } }' })
  const config = await loadText(
    t,
    `${text}  more:\n    source: { connection: db, sql: select 2, params: *p }
    key: id\n    mode: upsert\n    destination: { connection: db, table: more }\n`,
  )
  assert.deepEqual({ ...syncOf(config, 'more').source.params }, { a: 'NO', b: '2026-01-01' })
})

test('names that objects have by themselves are names like any other', async (t) => {
  const text = syncYaml({ source: '{ connection: constructor, sql: select 1, params: { toString: 1 } }' })
    .replace('  users:', '  constructor:')
    .replace('  db:', '  constructor:')
    .replace('connection: db', 'connection: constructor')
  const config = await loadText(t, text)
  const { source } = syncOf(config, 'constructor')
  assert.equal(config.connections.get(String(source.connection))?.type, 'sqlite')
  assert.equal(source.params['toString'], 1)
  assert.equal(source.params['constructor'], undefined)
})

test('variables come from the process first, then from .env beside the file', async (t) => {
  const directory = folderWith(t, {
    'jobs/rowferry.yml': syncYaml().replace('sqlite:./app.db', '${URL}').replace('table: copies', 'table: "${TABLE}"'),
    'jobs/.env': '\uFEFFURL=sqlite:./from-file.db\nTABLE="quoted # name"\n',
    'other.env': 'URL=sqlite:./other.db\nTABLE=other\n',
  })
  const at = (options: { envFile?: string; environment: Record<string, string> }) =>
    loadConfig({ directory, file: 'jobs/rowferry.yml', ...options })

  const fromFile = await at({ environment: {} })
  assert.deepEqual(fromFile.connections.get('db')?.options, { url: 'sqlite:./from-file.db' })
  assert.equal(syncOf(fromFile).destination.object, 'quoted # name')
  const mixed = await at({ environment: { URL: 'sqlite:./real.db' } })
  assert.deepEqual(mixed.connections.get('db')?.options, { url: 'sqlite:./real.db' })
  const named = await at({ environment: {}, envFile: 'other.env' })
  assert.equal(syncOf(named).destination.object, 'other')
  await assert.rejects(at({ environment: {}, envFile: 'missing.env' }), { code: 'env_file_unreadable' })
})

test('the environment is not expanded in SQL, in model files, in keys or in its own values', async (t) => {
  const config = await loadText(
    t,
    syncYaml({
      source: '{ connection: db, sql: "select \'${A}\'", params: { a: "${A}", b: "$$${A}", "${A}": 1 } }',
    }),
    { A: '${B}' },
  )
  const { sql, params } = syncOf(config).source
  assert.equal(sql, "select '${A}'")
  assert.deepEqual({ ...params }, { a: '${B}', b: '$${B}', '${A}': 1 })
})

test('a variable is a number, true or false where nothing else will do', async (t) => {
  const text = syncYaml({
    source: '{ connection: db, sql: select 1, params: { limit: "${SIZE}" } }',
    destination: '{ connection: db, table: copies, create: "${CREATE}" }',
    batch: '{ size: "${SIZE}" }',
    guards: '{ max_deletes: "${SIZE}", min_rows: "${SIZE}" }',
  })
  const sync = syncOf(await loadText(t, text, { SIZE: '100', CREATE: 'true' }))
  assert.equal(sync.batch.size, 100)
  assert.equal(sync.destination.create, true)
  assert.deepEqual(sync.guards, { maxDeletes: { count: 100 }, minRows: 100, maxRejected: undefined })
  assert.equal(sync.source.params['limit'], '100')

  const { problems } = await problemsOf(loadText(t, text, { SIZE: 'many', CREATE: 'true' }))
  assert.deepEqual(
    problems.map((problem) => `${problem.path}: ${problem.message}`),
    [
      'syncs.users.batch.size: expected a number, got something that is not shown here',
      'syncs.users.guards.max_deletes: expected a number of records, or a share from 0% to 100%, got something that is not shown here',
      'syncs.users.guards.min_rows: expected a number, got something that is not shown here',
    ],
  )
})

test('a default is read like the value of a variable', async (t) => {
  const text = syncYaml({
    source: '{ connection: db, sql: select 1, params: { limit: "${LIMIT:-100}" } }',
    destination: '{ connection: db, table: copies, create: "${CREATE:-true}" }',
    batch: '{ size: "${SIZE:-${BATCH:-500}}", concurrency: "${CONCURRENCY:-2}" }',
    guards: '{ max_deletes: "${MOST:-50}" }',
  })
  const sync = syncOf(await loadText(t, text, { CONCURRENCY: '' }))
  assert.deepEqual(sync.batch, { size: 500, concurrency: 2, rate: undefined })
  assert.deepEqual([sync.destination.create, sync.guards.maxDeletes], [true, { count: 50 }])
  assert.equal(sync.source.params['limit'], '100')

  const { problems } = await problemsOf(loadText(t, syncYaml({ batch: '{ size: "${SIZE:-many}" }' })))
  assert.deepEqual(
    problems.map(({ message }) => message),
    ['expected a number, got "many"'],
    'a default stands in the file and is no secret',
  )
  await assert.rejects(loadText(t, syncYaml({ batch: '{ size: "$$500" }' })), /expected a number, got "\$500"/)
})

test('a folder without a configuration says how to get one', async (t) => {
  await assert.rejects(loadConfig({ directory: folderWith(t, {}), environment: {} }), {
    code: 'configuration_not_found',
    kind: 'configuration',
    message: /there is no rowferry\.yaml in .*; write one with `rowferry init`/,
  })
})

test('a named file that is missing, a folder, or not UTF-8 is told apart', async (t) => {
  const directory = folderWith(t, { 'latin.yaml': Buffer.from([0x61, 0x3a, 0x20, 0xe9]), 'folder/x': '' })
  const load = (file: string) => loadConfig({ directory, file, environment: {} })
  await assert.rejects(load('nope.yaml'), { code: 'configuration_unreadable', message: /there is no .*nope\.yaml/ })
  await assert.rejects(load('folder'), { code: 'configuration_unreadable', message: /cannot be read/ })
  await assert.rejects(load('latin.yaml'), { code: 'configuration_unreadable', message: /not UTF-8/ })
})

test('a byte order mark and Windows line ends do no harm', async (t) => {
  const text = `\uFEFF${syncYaml({ mode: 'miror' }).replaceAll('\n', '\r\n')}`
  const [problem] = (await problemsOf(loadText(t, text))).problems
  assert.deepEqual([problem?.line, problem?.column], [8, 11])
  assert.equal(problem?.frame, '    8 |     mode: miror\n      |           ^^^^^')
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { loadConfig } from '../../src/config/load.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { ROW_OPTIONS } from '../../src/config/rows-schema.ts'
import { jsonSchema } from '../../src/config/schema.ts'
import { CONNECTORS, type Connector } from '../../src/connectors/registry.ts'
import { rowOptions } from '../../src/connectors/row-options.ts'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import { sync } from '../../src/sync.ts'
import { readPage } from '../support/markdown.ts'
import { yamlExamplesOf } from '../support/yaml-examples.ts'
import { folderWith } from './config-folder.ts'

const configuration = readPage('docs/configuration.md')
const page = configuration.text

/** A line of a table of options: `syncs.*.mode`, `postgres.port`. */
interface Row {
  readonly path: string
  readonly takes: string
  readonly default: string
}

const rows = [...page.matchAll(/<!-- options: (\S+?)(?: only .+?)? -->\n([\s\S]*?)<!-- end -->/g)].flatMap(
  ([, at = '', table = '']) =>
    [...table.matchAll(/^\| \[?`(.+?)`.*? \| (.*?) \| (.*?) \| .* \|$/gm)].map(
      ([, name = '', takes = '', stated = '']): Row => ({
        path: at === 'top' ? name : `${at}.${name}`,
        takes,
        default: stated,
      }),
    ),
)

test('the tables of docs/configuration.md say what the schemas say', () => {
  const script = join(import.meta.dirname, '../../scripts/config-docs.mjs')
  const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script, '--check'], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})

type Schema = Readonly<Record<string, unknown>>

function* pathsOf(schema: unknown, at: string): Generator<string> {
  if (typeof schema !== 'object' || schema === null) return
  const { properties, additionalProperties, anyOf } = schema as Schema
  for (const [name, inner] of Object.entries((properties ?? {}) as Schema)) {
    const path = at === '' ? name : `${at}.${name}`
    yield path
    yield* pathsOf(inner, path)
  }
  yield* pathsOf(additionalProperties, `${at}.*`)
  for (const form of (anyOf ?? []) as Schema[]) yield* pathsOf(form, at)
}

/** The options of its connections; undefined where it has none. */
async function optionsOf(connector: Connector | undefined): Promise<z.ZodType | undefined> {
  const { source, destination, inline } = connector ?? {}
  const define = destination ?? (inline === undefined ? source : undefined)
  return (await define?.())?.options
}

test('every option is in exactly one table of docs/configuration.md', async () => {
  const expected = [...pathsOf(jsonSchema(), '')]
  for (const connector of CONNECTORS) {
    const { type } = connector
    const options = await optionsOf(connector)
    if (options === undefined) continue
    const schema = z.toJSONSchema(options, { io: 'input' })
    // What names the connector is an option of every connection.
    expected.push(...[...pathsOf(schema, type)].filter((path) => path !== `${type}.type`))
  }
  assert.ok(expected.includes('syncs.*.deletes.as.*.variable') && expected.includes('postgres.sslmode'))
  assert.deepEqual(rows.map(({ path }) => path).sort(), expected.sort())
})

test('every option is required, one of several, has parts or says what its default is', () => {
  const silent = rows.filter((row) => row.default === '' && !row.takes.startsWith('map'))
  assert.deepEqual(
    silent.map(({ path }) => path),
    [],
  )
})

/** What a connection of that type needs at least. */
const LEAST: Readonly<Record<string, Schema>> = {
  postgres: { database: 'app' },
  sqlite: { path: 'app.db' },
  file: { path: 'rows.csv' },
  stdout: {},
  generate: {},
  blackhole: {},
  hubspot: { token: 'any' },
  salesforce: { base_url: 'http://127.0.0.1:1', client_id: 'app', client_secret: 'any' },
  http: { base_url: 'https://api.example.com' },
}

function configWith(path: readonly string[], value: unknown): unknown {
  const [, , part = '', name = ''] = path
  const isOfRows = part === 'source' && ROW_OPTIONS.includes(name)
  const sync = {
    source: isOfRows ? { stdin: 'csv' } : { connection: 'db', table: 'people' },
    key: 'id',
    mode: 'mirror',
    destination: { connection: 'db', table: 'copies' },
    ...(part === 'fields' ? { fields: { any: { from: 'id' } } } : {}),
  }
  const config = { version: 1, connections: { db: 'postgres://localhost/app' }, syncs: { any: sync } }
  if (value === undefined) return config
  let at = config as Record<string, unknown>
  for (const step of path.slice(0, -1)) {
    const key = step === '*' ? 'any' : step
    at[key] ??= {}
    at = at[key] as Record<string, unknown>
  }
  at[path.at(-1) as string] = value
  return config
}

/** What a configuration comes to, with the defaults that the connector of its rows fills in. */
function meaning(input: unknown): unknown {
  const { state, syncs } = resolveConfig(input, { baseDirectory: '/' })
  return [...syncs.values()].map(({ source, ...rest }) => {
    const options = source.rows === undefined ? undefined : rowOptions.parse(source.rows.options)
    return { state, source: { ...source, rows: options }, ...rest }
  })
}

test('a default that the page states as a value is what the code takes without the option', async () => {
  const checked: string[] = []
  for (const { path, default: stated } of rows) {
    const literal = /^`([^`]+)`$/.exec(stated)?.[1]
    if (literal === undefined) continue
    const value: unknown = parse(literal)
    const [type = '', name = ''] = path.split('.')
    const least = LEAST[type]
    if (least === undefined) {
      assert.deepEqual(
        meaning(configWith(path.split('.'), value)),
        meaning(configWith(path.split('.'), undefined)),
        path,
      )
    } else {
      const connector = CONNECTORS.find((one) => one.type === type)
      const options = (await optionsOf(connector)) as z.ZodType
      assert.deepEqual(options.parse({ ...least, [name]: value }), options.parse(least), path)
    }
    checked.push(path)
  }
  for (const path of [
    'state',
    'syncs.*.source.idle_timeout',
    'syncs.*.fields.*.nulls',
    'postgres.port',
    'blackhole.rows',
    'generate.change_rate',
  ]) {
    assert.ok(checked.includes(path), path)
  }
  assert.ok(checked.length >= 20, `${checked.length} defaults were checked`)
})

test('the complete example runs', async (t) => {
  const [complete] = yamlExamplesOf(configuration)
  assert.ok(complete !== undefined && complete.part === 'file')
  const directory = folderWith(t, { 'rowferry.yaml': complete.text })
  const Sqlite = await loadSqlite()
  const warehouse = new Sqlite(join(directory, 'warehouse.db'))
  warehouse.exec(`
    CREATE TABLE contacts (id INTEGER PRIMARY KEY, email TEXT, first_name TEXT, last_name TEXT, plan TEXT, lifetime_value NUMERIC);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
      INSERT INTO contacts SELECT i, 'user' || i, 'Ada', 'Nr ' || i, iif(i % 4 = 0, 'free', 'pro'), i * 10 FROM n;
  `)
  warehouse.close()
  const environment = { DATABASE_URL: `sqlite:${join(directory, 'warehouse.db')}` }
  const config = await loadConfig({ directory, environment })
  const contacts = await sync(config, { sync: 'contacts' })
  assert.deepEqual([contacts.status, contacts.counts.inserted, contacts.error], ['succeeded', 1500, null])
  const signups = await sync(config, { sync: 'signups' })
  assert.deepEqual([signups.status, signups.counts.inserted, signups.error], ['succeeded', 2000, null])

  const app = new Sqlite(join(directory, 'app.db'), { readonly: true })
  const record = app.prepare('SELECT * FROM contacts WHERE id = 1').get() as Record<string, unknown>
  app.close()
  assert.deepEqual(
    [record['plan_tier'], record['full_name'], record['stage'], record['ltv']],
    ['pro', 'Ada Nr 1', 'customer', '10'],
  )
  assert.match(String(record['email_sha256']), /^[0-9a-f]{64}$/)
  const [line = ''] = readFileSync(join(directory, 'signups.ndjson'), 'utf8').split('\n')
  assert.deepEqual(Object.keys(JSON.parse(line)), ['id', 'email', 'first_name', 'last_name', 'plan'])
})

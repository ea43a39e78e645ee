// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax of references is what is tested
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { checkConnection, configProblem, connectionProblem, readConnection } from '../../src/config/connection.ts'
import { formatProblem } from '../../src/config/problem.ts'
import type { Config } from '../../src/config/resolved.ts'
import { loadText, syncYaml } from './config-folder.ts'

const TEXT = `${syncYaml()}`.replace(
  '  db: sqlite:./app.db\n',
  `  db: sqlite:./app.db
  crm:
    type: hubspot
    tokn: abc
    limits: { rows: "\${ROWS}" }
`,
)

async function check(t: Parameters<typeof loadText>[0], schema: z.ZodType, name = 'crm') {
  const config = await loadText(t, TEXT, { ROWS: 'canary' })
  const connection = config.connections.get(name)
  assert.ok(connection)
  const checked = checkConnection(config, connection, schema)
  return { config, checked, problems: checked.problems?.map(formatProblem) ?? [] }
}

test('the scheme of a URL names the connector', () => {
  for (const [url, type] of [
    ['postgres://u:p@h/d', 'postgres'],
    ['postgresql://h/d', 'postgresql'],
    ['sqlite:./app.db', 'sqlite'],
    ['blackhole:', 'blackhole'],
    ['HTTPS://example.com', 'https'],
  ] as const)
    assert.deepEqual(readConnection(url), { type, options: { url } })
  for (const text of ['', 'app.db', './app.db', 'C:\\app.db', ':x', '1:2'])
    assert.equal(readConnection(text), undefined)
})

test('options are checked by the schema of the connector, with their places in the file', async (t) => {
  const schema = z.object({ token: z.string(), limits: z.object({ rows: z.number() }) })
  const { problems } = await check(t, schema)
  assert.deepEqual(problems, [
    `rowferry.yaml:6:5  connections.crm.tokn: unknown key — did you mean "token"?
    6 |     tokn: ***
      |     ^^^^`.replace('***', 'abc'),
    `rowferry.yaml:7:21  connections.crm.limits.rows: expected a number, got something that is not shown here
    7 |     limits: { rows: "\${ROWS}" }
      |                     ^^^^^^^^^`,
  ])
})

test("a connector's own messages are kept, and show no values", async (t) => {
  const schema = z.looseObject({
    tokn: z.string().refine(() => false, { error: 'expected a token that starts with pat-' }),
  })
  const { problems } = await check(t, schema)
  assert.match(problems[0] ?? '', /connections\.crm\.tokn: expected a token that starts with pat-, got something that/)
})

test('what a connector says about an option that is not there is all that is said', async (t) => {
  const schema = z.looseObject({}).superRefine((_value, context) => {
    context.addIssue({ code: 'custom', path: ['database'], message: 'no database is named: add `database`' })
  })
  const { problems } = await check(t, schema)
  assert.match(
    problems[0] ?? '',
    /^rowferry\.yaml:4:3 {2}connections\.crm\.database: no database is named: add `database`\n/,
  )
})

test('options that are right come out as the schema makes them', async (t) => {
  const { checked } = await check(t, z.looseObject({ tokn: z.string(), retries: z.number().default(3) }))
  assert.deepEqual({ ...(checked.options as object), limits: null }, { tokn: 'abc', retries: 3, limits: null })
})

test('a problem with the URL form points at the URL', async (t) => {
  const { problems } = await check(t, z.object({ url: z.string().startsWith('sqlite://') }), 'db')
  assert.match(
    problems[0] ?? '',
    /^rowferry\.yaml:3:7 {2}connections\.db\.url: invalid string: must start with "sqlite:\/\/"\n {4}3 \| {3}db: sqlite:\.\/app\.db/,
  )
})

test('the engine can raise problems of its own at any place', async (t) => {
  const config: Config = await loadText(t, TEXT, { ROWS: '1' })
  const unknown = connectionProblem(config, 'crm', ['type'], 'no connector named "hubspot"', { suggestion: 'hubspott' })
  assert.deepEqual(
    [unknown.line, unknown.column, unknown.path, unknown.suggestion],
    [5, 11, 'connections.crm.type', 'hubspott'],
  )
  const mode = configProblem(config, ['syncs', 'users', 'mode'], 'blackhole supports only mirror')
  assert.deepEqual([mode.line, mode.column, mode.path], [12, 11, 'syncs.users.mode'])
  const absent = configProblem(config, ['syncs', 'users', 'deletes', 'as'], 'cannot be archived')
  assert.deepEqual([absent.line, absent.column], [9, 3])
})

test('what the environment says is read as a number, true or false where the connector wants one', async (t) => {
  const schema = z.object({
    rows: z.int(),
    rate: z.number().optional(),
    fast: z.boolean(),
    limits: z.object({ wait: z.number(), names: z.array(z.number()) }),
    token: z.string(),
  })
  const options = `type: x, rows: "\${ROWS}", rate: "\${RATE:-0.5}", fast: "\${FAST}", token: "\${TOKEN}"`
  const text = `connections:\n  crm: { ${options}, limits: { wait: "\${ROWS}", names: [1, "\${ROWS}"] } }\n`
  const environment = { ROWS: '12', FAST: 'false', TOKEN: '123456' }
  const config = await loadText(t, syncYaml().replace('connections:\n', text), environment)
  const connection = config.connections.get('crm')
  assert.ok(connection)
  const { options: read, problems } = checkConnection(config, connection, schema)
  assert.deepEqual(problems, undefined)
  assert.deepEqual(
    { ...read, limits: { ...read?.limits } },
    { rows: 12, rate: 0.5, fast: false, token: '123456', limits: { wait: 12, names: [1, 12] } },
  )
  assert.equal(connection.options['rows'], '12', 'the configuration is as it was')
})

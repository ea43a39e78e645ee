// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax of references is what is tested
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigurationProblems } from '../../src/config/problem.ts'
import { resolveConfig } from '../../src/config/resolve.ts'
import { type ConfigInput, defineConfig } from '../../src/config/schema.ts'
import { folderWith } from './config-folder.ts'

const config = defineConfig({
  version: 1,
  connections: { db: 'sqlite:./app.db', crm: { type: 'hubspot', token: 'pa$$word' } },
  syncs: {
    users: {
      source: { connection: 'db', sql: 'select 1', params: { since: '2026-01-01' } },
      key: ['tenant', 'id'],
      mode: 'mirror',
      destination: { connection: 'crm', object: 'contacts' },
      fields: {
        email: 'email',
        ltv: { from: 'value', type: 'number', nulls: 'skip' },
        stage: { value: 'customer', on: 'insert' },
        at: { variable: 'run.started_at' },
      },
      deletes: { as: { gone: true, at: { variable: 'run.started_at' } } },
      guards: { max_deletes: '5%', max_rejected: 10 },
      batch: { rate: '100/10s' },
    },
  },
})

// @ts-expect-error the modes are known to the types
defineConfig({ version: 1, connections: {}, syncs: { a: { ...config.syncs['users'], mode: 'miror' } } })
// @ts-expect-error so is that a sync has a key
const keyless: ConfigInput = { version: 1, connections: {}, syncs: { a: { mode: 'mirror' } } }

function problemsOf(input: unknown): readonly string[] {
  try {
    resolveConfig(input, { baseDirectory: '/tmp' })
  } catch (error) {
    assert.ok(error instanceof ConfigurationProblems)
    return error.message.split('\n')
  }
  return []
}

test('a program gives the same shape as the file', () => {
  const { state, connections, syncs, origin } = resolveConfig(config, { baseDirectory: '/srv/app' })
  assert.equal(state, join('/srv/app', '.rowferry'))
  assert.deepEqual(connections.get('db'), {
    name: 'db',
    type: 'sqlite',
    options: { url: 'sqlite:./app.db' },
    baseDirectory: '/srv/app',
  })
  assert.deepEqual(syncs.get('users')?.guards, {
    maxDeletes: { percent: 5 },
    minRows: undefined,
    maxRejected: { count: 10 },
  })
  assert.equal(origin.file, undefined)
})

test('a dollar is a dollar unless an environment is given', () => {
  const options = (environment?: Record<string, string>) =>
    resolveConfig(
      { ...config, connections: { ...config.connections, crm: { type: 'hubspot', token: '$$${T}' } } },
      { baseDirectory: '/', ...(environment === undefined ? {} : { environment }) },
    ).connections.get('crm')?.options
  assert.deepEqual(options(), { token: '$$${T}' })
  assert.deepEqual(options({ T: 'x' }), { token: '$x' })
})

test('problems are told by path alone', () => {
  assert.deepEqual(problemsOf({ ...config, syncs: { a: { ...config.syncs['users'], mode: 'miror', exclde: [] } } }), [
    'syncs.a.mode: expected mirror | upsert | update-only | delete-only | insert-only, got "miror" — did you mean "mirror"?',
    'syncs.a.exclde: unknown key — did you mean "exclude"?',
  ])
  assert.deepEqual(problemsOf(undefined), ['missing; expected a map'])
  assert.deepEqual(problemsOf(keyless), [
    'syncs.a.source: missing; expected a map',
    'syncs.a.key: missing; expected a column or a list of them',
    'syncs.a.destination: missing; expected a map',
  ])
})

test('numbers that were rounded before they got here are refused', () => {
  const source = { connection: 'db', sql: 'select 1', params: { id: 2 ** 53 } }
  assert.deepEqual(problemsOf({ ...config, syncs: { a: { ...config.syncs['users'], source } } }), [
    'syncs.a.source.params.id: this number has more digits than can be kept exactly; quote it',
  ])
})

test('an object that contains itself is refused', () => {
  const loop: Record<string, unknown> = { type: 'x' }
  loop['self'] = loop
  assert.match(problemsOf({ ...config, connections: { db: 'sqlite:x', crm: loop } }).join(), /nested deeper than 64/)
})

test('options that are no plain data reach the connector as they are', () => {
  const fetch = () => Promise.resolve('answer')
  const ca = Buffer.from('cert')
  const input = { ...config, connections: { ...config.connections, crm: { type: 'acme', fetch, tls: { ca } } } }
  const { options } = resolveConfig(input, { baseDirectory: '/' }).connections.get('crm') ?? {}
  assert.equal(options?.['fetch'], fetch)
  const tls = options?.['tls'] as { ca?: unknown } | undefined
  assert.equal(tls?.ca, ca)
})

test('what the program changes afterwards changes nothing', () => {
  const input = structuredClone(config) as unknown as { connections: { crm: { token: string } } }
  const resolved = resolveConfig(input, { baseDirectory: '/' })
  input.connections.crm.token = 'changed'
  assert.equal(resolved.connections.get('crm')?.options['token'], 'pa$$word')
})

test('an own property named __proto__ is refused and pollutes nothing', () => {
  const input = JSON.parse('{"version":1,"connections":{"__proto__":{"type":"x","polluted":1}},"syncs":{}}')
  assert.deepEqual(problemsOf(input), ['connections.__proto__: "__proto__" cannot be a name; choose another'])
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined)
})

test('model files are read from the base folder', (t) => {
  const baseDirectory = folderWith(t, { 'models/users.sql': 'select 2' })
  const source = { connection: 'db', file: 'models/users.sql' }
  const input = { ...config, syncs: { users: { ...config.syncs['users'], source } } }
  assert.equal(resolveConfig(input, { baseDirectory }).syncs.get('users')?.source.sql, 'select 2')
})

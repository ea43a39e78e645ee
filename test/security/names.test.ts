import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { quote } from '../../src/connectors/sqlite-table.ts'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import { counts, DESTINATIONS, runConfig, serverForTests } from '../support/ends.ts'

const tests = serverForTests()
const { eachDestination } = tests

/** Names that are code where somebody forgets to quote them, or that objects of JavaScript have by themselves. */
const NAMES = [
  'x"; drop table model;--',
  "x'; drop table model;--",
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'select',
  'order',
  'a.b',
  'a b',
  ' a ',
  'A',
  '$1',
  ':a',
  '{a}',
  '%s',
  '\\',
  'a\tb',
  'a\nb',
  '1',
  '*',
  'größe',
  '名前',
  '🚢',
  '\u202eabc',
  'n'.repeat(63),
]

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`

test('names are quoted so that SQLite reads them as they are', async (t) => {
  const database = new (await loadSqlite())(':memory:')
  const unit = fc.constantFrom('"', "'", '`', '[', ']', '\\', ';', '-', ' ', 'a', '\n', '😀', '%', 'é')
  const names = [...NAMES, ...fc.sample(fc.string({ unit, minLength: 1, maxLength: 20 }), { numRuns: 1000, seed: 7 })]
  for (const name of names) {
    const table = quote(`t${name}`)
    database.exec(`CREATE TABLE ${table} (${quote(name)} TEXT, other TEXT)`)
    database.exec(`INSERT INTO ${table} (${quote(name)}) VALUES ('v')`)
    const statement = database.prepare(`SELECT ${quote(name)} FROM ${table}`)
    assert.equal(statement.columns()[0]?.column, name)
    assert.equal(statement.pluck().get(), 'v')
    database.exec(`DROP TABLE ${table}`)
  }
  const left = database.prepare("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").pluck().get()
  assert.equal(left, 0)
  database.close()
  assert.throws(() => quote('a\0b'), { code: 'nul_character', kind: 'configuration' })
  t.diagnostic(`${names.length} names`)
})

for (const create of [true, false]) {
  eachDestination(`columns of any name arrive in a table that ${create ? 'is made' : 'exists'}`, async (ends) => {
    const { source, destination } = ends
    const columns = NAMES.map((name) => `${quoted(name)} text`).join(', ')
    const values = (of: string) => NAMES.map((_, index) => `'${of}${index}'`).join(', ')
    await source.execute(`CREATE TABLE model (id bigint PRIMARY KEY, ${columns})`)
    await source.execute(`INSERT INTO model VALUES (1, ${values('v')}), (2, ${values('w')})`)
    if (!create) await destination.execute(`CREATE TABLE users (id bigint PRIMARY KEY, ${columns})`)
    const sync = { destination: { connection: 'target', table: 'users', create } }
    const first = await ends.run(sync)
    assert.deepEqual(first.report.counts, counts({ read: 2, inserted: 2 }), first.report.error?.message)
    assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 2, unchanged: 2 }))
    await source.execute(`UPDATE model SET ${NAMES.map((name) => `${quoted(name)} = 'x'`).join(', ')} WHERE id = 1`)
    await source.execute('DELETE FROM model WHERE id = 2')
    assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 1, updated: 1, missing: 1, deleted: 1 }))
    const list = NAMES.map(quoted).join(', ')
    assert.deepEqual(await destination.rows(`SELECT id, ${list} FROM users`), [['1', ...NAMES.map(() => 'x')]])
    assert.deepEqual(await source.rows('SELECT count(*) FROM model'), [['1']])
  })
}

eachDestination('tables of any name are read and written by that name', async (ends) => {
  for (const name of NAMES) {
    // SQLite takes the name as it is, Postgres as it would stand in SQL.
    const table = ends.type === 'sqlite' ? name : quoted(name)
    await ends.source.execute(`CREATE TABLE ${quoted(name)} (id bigint, name text)`)
    await ends.source.execute(`INSERT INTO ${quoted(name)} VALUES (1, 'a')`)
    const source = { connection: 'warehouse', table: quoted(name) }
    const config = ends.config({ source, mode: 'upsert', destination: { connection: 'target', table, create: true } })
    const { report } = await runConfig({ ...config, state: join(ends.folder, `state ${NAMES.indexOf(name)}`) })
    assert.deepEqual(report.counts, counts({ read: 1, inserted: 1 }), `${name}: ${report.error?.message}`)
    assert.deepEqual(await ends.destination.rows(`SELECT * FROM ${quoted(name)}`), [['1', 'a']])
    if (ends.type === 'postgres') await ends.destination.execute(`DROP TABLE ${quoted(name)}`)
  }
})

eachDestination('fields, constants, templates, params and keys of such names are what they say', async (ends) => {
  await ends.source.execute(
    `CREATE TABLE model ("__proto__" bigint, "constructor" text, "valueOf" int); INSERT INTO model VALUES (1, 'c', 2)`,
  )
  const source = {
    connection: 'warehouse',
    sql: 'SELECT * FROM model WHERE :constructor = :toString',
    params: { constructor: 'x', toString: 'x' },
  }
  const sync = { source, key: '__proto__', destination: { connection: 'target', table: 'users', create: true } }
  const fields = {
    id: '__proto__',
    constructor: { template: '{constructor}-{__proto__}' },
    toString: { value: "v'; --" },
    hasOwnProperty: { variable: 'sync.name' as const },
    valueOf: 'valueOf',
  }
  const { report } = await ends.run({ ...sync, fields })
  assert.deepEqual(report.counts, counts({ read: 1, inserted: 1 }), report.error?.message)
  assert.deepEqual(await ends.destination.rows('SELECT * FROM users'), [['1', 'c-1', "v'; --", 'users', '2']])

  // In the configuration this one is taken for a mistake, wherever it is a name.
  const proto = Object.fromEntries([['__proto__', 'id']]) as Record<string, string>
  for (const bad of [{ fields: proto }, { source: { ...source, params: proto } }, { deletes: { as: proto } }]) {
    const { error } = (await ends.run({ ...sync, ...bad })).report
    assert.equal(error?.code, 'configuration_invalid')
    assert.match(error?.message ?? '', /"__proto__" cannot be a name; choose another/)
  }
})

eachDestination('rows of files keep such names, and nothing else gets them', async (ends) => {
  const path = join(ends.folder, 'rows.ndjson')
  writeFileSync(path, '{"__proto__":1,"constructor":{"__proto__":{"x":1}},"toString":"t"}\n')
  const { report } = await ends.run({
    source: { file: path, types: { toString: 'text' as const }, rows: 1 },
    key: '__proto__',
    destination: { connection: 'target', table: 'users', create: true },
  })
  assert.deepEqual(report.counts, counts({ read: 1, inserted: 1 }), report.error?.message)
  const [row = []] = await ends.destination.rows('SELECT * FROM users')
  assert.deepEqual([row[0], row[1]?.replaceAll(' ', ''), row[2]], ['1', '{"__proto__":{"x":1}}', 't'])
  assert.equal(({} as { x?: unknown }).x, undefined)
})

test('how many names were tried', (t) => {
  t.diagnostic(`${NAMES.length} names as columns and as tables, towards ${DESTINATIONS.join(' and ')}`)
})

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { sqliteDestination } from '../../src/connectors/sqlite-destination.ts'
import type { ObjectRequest } from '../../src/core/destination.ts'
import { FatalError } from '../../src/core/errors.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { never, openTable, sqliteFile } from '../support/sqlite-file.ts'

const FIELDS = [field('id', 'integer'), field('name')]

/** Everything a check finds wrong. */
async function problems(schema: string, overrides: Partial<ObjectRequest> = {}, fields = FIELDS): Promise<string> {
  using file = sqliteFile(schema)
  await using users = await openTable(file.path, fields, overrides)
  let message = ''
  await assert.rejects(users.check(), (error) => {
    assert(error instanceof FatalError)
    assert.equal(error.code, 'destination_mismatch')
    assert.equal(error.kind, 'configuration')
    message = error.message
    return true
  })
  return message
}

async function notes(
  schema: string,
  overrides: Partial<ObjectRequest> = {},
  fields = FIELDS,
): Promise<readonly string[]> {
  using file = sqliteFile(schema)
  await using users = await openTable(file.path, fields, overrides)
  return await users.check()
}

test('has nothing to say about a table that fits', async () => {
  assert.deepEqual(await notes('CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)'), [])
  assert.deepEqual(await notes('CREATE TABLE Users (ID INT, Name TEXT, UNIQUE (id))'), [])
  assert.deepEqual(await notes('CREATE TABLE users (id INT, name TEXT); CREATE UNIQUE INDEX u ON users (id)'), [])
  assert.deepEqual(await notes('CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT) WITHOUT ROWID'), [])
})

test('names the table that was probably meant', async () => {
  const message = await problems('CREATE TABLE user (id INTEGER PRIMARY KEY); CREATE TABLE orders (id)')
  assert.match(message, /"users".*there is no such table.*did you mean "user"\?.*create: true/)
})

test('refuses a view', async () => {
  assert.match(await problems('CREATE VIEW users AS SELECT 1 AS id, 2 AS name'), /it is a view, name a table/)
})

test('names everything that is wrong at once', async () => {
  const message = await problems(
    `CREATE TABLE users (id INTEGER, nam TEXT, tenant TEXT NOT NULL, plan TEXT NOT NULL DEFAULT 'free',
      total INT GENERATED ALWAYS AS (id * 2))`,
    {},
    [...FIELDS, field('total', 'integer')],
  )
  assert.match(message, /no column "name" — did you mean "nam"\?/)
  assert.match(message, /column "total" is generated/)
  assert.match(message, /nothing makes id unique.*CREATE UNIQUE INDEX "users_id_key" ON "users" \("id"\)/)
  assert.match(message, /column "tenant" must not be null and has no default/)
  assert.doesNotMatch(message, /plan/)
})

test('accepts a unique index over exactly the match fields only', async () => {
  const table = 'CREATE TABLE users (id INT, tenant TEXT, name TEXT);'
  const pair = { match: ['tenant', 'id'], keyEncodings: ['text', 'integer'] } as const
  const fields = [field('tenant'), field('id', 'integer')]
  assert.match(await problems(`${table} CREATE UNIQUE INDEX u ON users (id, tenant, name)`, pair, fields), /unique/)
  assert.match(await problems(`${table} CREATE UNIQUE INDEX u ON users (id)`, pair, fields), /unique/)
  assert.match(await problems(`${table} CREATE INDEX u ON users (id, tenant)`, pair, fields), /unique/)
  assert.match(
    await problems(`${table} CREATE UNIQUE INDEX u ON users (id, tenant) WHERE id > 0`, pair, fields),
    /unique/,
  )
  assert.match(await problems(`${table} CREATE UNIQUE INDEX u ON users (id, lower(tenant))`, pair, fields), /unique/)
  assert.deepEqual(await notes(`${table} CREATE UNIQUE INDEX u ON users (id, tenant)`, pair, fields), [])
})

test('asks for neither unique keys nor further columns where the mode does not insert', async () => {
  const schema = 'CREATE TABLE users (id INT, name TEXT, tenant TEXT NOT NULL)'
  for (const mode of ['update-only', 'delete-only'] as const) {
    const found = await notes(schema, { mode })
    assert.equal(found.length, 1)
    assert.match(found[0] ?? '', /no unique index on id.*CREATE UNIQUE INDEX/)
  }
})

test('notes columns that cannot keep every decimal', async () => {
  const fields = [field('id', 'integer'), field('price', 'decimal')]
  const [note] = await notes('CREATE TABLE users (id INTEGER PRIMARY KEY, price DECIMAL(38,10))', {}, fields)
  assert.match(note ?? '', /column "price" \(DECIMAL\(38,10\)\) keeps about 15 digits/)
})

test('announces what it will make and makes it only when asked to prepare', async () => {
  using file = sqliteFile()
  const path = join(file.folder, 'new.db')
  const fields = [
    field('tenant'),
    field('id', 'integer'),
    field('price', 'decimal'),
    field('ratio', 'float'),
    field('paid', 'boolean'),
    field('photo', 'bytes'),
    field('born', 'date'),
    field('a "b"', 'json'),
  ]
  const object = { create: true, match: ['tenant', 'id'], keyEncodings: ['text', 'integer'] } as const
  await using users = await openTable(path, fields, object)
  const found = await users.check()
  assert.match(found[0] ?? '', /new\.db will be created/)
  assert.match(found[1] ?? '', /CREATE TABLE IF NOT EXISTS "users" \("tenant" TEXT NOT NULL, "id" INTEGER NOT NULL, /)
  assert.equal(existsSync(path), false)
  await users.prepare()
  await users.prepare()
  assert.deepEqual(await users.check(), [])
  file.database.exec(`ATTACH '${path}' AS new`)
  assert.deepEqual(file.rows("SELECT name, type, pk FROM pragma_table_info('users', 'new')"), [
    ['tenant', 'TEXT', 1n],
    ['id', 'INTEGER', 2n],
    ['price', 'TEXT', 0n],
    ['ratio', 'REAL', 0n],
    ['paid', 'INTEGER', 0n],
    ['photo', 'BLOB', 0n],
    ['born', 'TEXT', 0n],
    ['a "b"', 'TEXT', 0n],
  ])
  assert.deepEqual(file.column('PRAGMA new.journal_mode'), ['wal'])
  const row = ['eu', '1', '1.10', '0.5', 't', '\\x00', '2024-01-01', '{}']
  assert.deepEqual(await users.write(changeBatch('upsert', fields, [row]), never), [{ status: 'done' }])
})

test('adds a table to a file that exists and leaves its journal mode alone', async () => {
  using file = sqliteFile('CREATE TABLE other (id INTEGER)')
  await using users = await openTable(file.path, FIELDS, { create: true })
  assert.equal((await users.check()).length, 1)
  await users.prepare()
  assert.deepEqual(file.column('PRAGMA journal_mode'), ['delete'])
  assert.deepEqual(file.column("SELECT count(*) FROM pragma_table_info('users')"), [2n])
})

test('makes nothing without being asked to create', async () => {
  using file = sqliteFile('CREATE TABLE other (id INTEGER)')
  await using users = await openTable(file.path, FIELDS)
  await users.prepare()
  await assert.rejects(users.write(changeBatch('upsert', FIELDS, [['1', 'one']]), never), {
    code: 'destination_mismatch',
  })
  const wrong = { code: 'no_such_file', kind: 'configuration' }
  await assert.rejects(openTable(join(file.folder, 'none.db'), FIELDS), { ...wrong, message: /none\.db.*create: true/ })
  const nowhere = join(file.folder, 'none', 'none.db')
  await assert.rejects(openTable(nowhere, FIELDS, { create: true }), { ...wrong, message: /none: check the path/ })
  assert.equal(existsSync(join(file.folder, 'none.db')), false)
})

test('says what is wrong with a file that is no database, or no file', async () => {
  using file = sqliteFile()
  const text = join(file.folder, 'notes.txt')
  writeFileSync(text, 'These are notes, and quite long ones. '.repeat(100))
  await using notADatabase = await openTable(text, FIELDS)
  await assert.rejects(notADatabase.check(), { code: 'not_a_database', kind: 'configuration', message: /notes\.txt/ })
  mkdirSync(join(file.folder, 'folder'))
  await using folder = await openTable(join(file.folder, 'folder'), FIELDS)
  await assert.rejects(folder.check(), { code: 'sqlite_cannot_open' })
})

test('reads the path from a URL or an option, relative to the folder of the configuration', () => {
  const identity = (written: Record<string, string>) => {
    const options = sqliteDestination.options.parse(written)
    return sqliteDestination.identity(sqliteDestination.locate?.(options, '/srv/sync') ?? options)
  }
  assert.equal(identity({ url: 'sqlite:./app.db' }), 'sqlite:/srv/sync/app.db')
  assert.equal(identity({ url: 'sqlite:app.db' }), 'sqlite:/srv/sync/app.db')
  assert.equal(identity({ url: 'sqlite:/var/app.db' }), 'sqlite:/var/app.db')
  assert.equal(identity({ url: 'sqlite:///var/app.db' }), 'sqlite:/var/app.db')
  assert.equal(identity({ type: 'sqlite', path: '../app.db' }), 'sqlite:/srv/app.db')
})

test('refuses options that name no file, or two', () => {
  const message = (options: Record<string, string>) => {
    const result = sqliteDestination.options.safeParse(options)
    return result.error?.issues.map((issue) => issue.message)
  }
  assert.deepEqual(message({}), ['expected either `url` or `path`'])
  assert.deepEqual(message({ url: 'sqlite:a', path: 'b' }), ['expected either `url` or `path`'])
  assert.deepEqual(message({ url: 'sqlite::memory:' }), ['expected the path of a file'])
  assert.deepEqual(message({ url: 'sqlite:' }), ['expected the path of a file'])
  assert.equal(message({ path: 'a', mode: 'wal' })?.length, 1)
})

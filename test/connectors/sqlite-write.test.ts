import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchRefusedError } from '../../src/core/errors.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { never, openTable, sqliteFile } from '../support/sqlite-file.ts'

const USERS = 'CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, plan TEXT, note TEXT)'
const FIELDS = [field('id', 'integer'), field('name'), field('plan')]
const KEY = FIELDS.slice(0, 1)
const DONE = { status: 'done' }

test('inserts what is new and leaves what exists as it is', async () => {
  using file = sqliteFile(`${USERS}; INSERT INTO users VALUES (1, 'old', 'free', 'mine')`)
  await using users = await openTable(file.path, FIELDS)
  const outcomes = await users.write(
    changeBatch('insert', FIELDS, [
      ['1', 'new', 'pro'],
      ['2', 'two', null],
    ]),
    never,
  )
  assert.deepEqual(outcomes, [{ status: 'exists' }, DONE])
  assert.deepEqual(file.rows('SELECT * FROM users'), [
    [1n, 'old', 'free', 'mine'],
    [2n, 'two', null, null],
  ])
})

test('upserts what is new and what exists, and touches no column that is not mapped', async () => {
  using file = sqliteFile(`${USERS}; INSERT INTO users VALUES (1, 'old', 'free', 'mine')`)
  await using users = await openTable(file.path, FIELDS)
  const batch = changeBatch('upsert', FIELDS, [
    ['1', 'one', null],
    ['2', 'two', 'pro'],
  ])
  assert.deepEqual(await users.write(batch, never), [DONE, DONE])
  assert.deepEqual(file.rows('SELECT * FROM users'), [
    [1n, 'one', null, 'mine'],
    [2n, 'two', 'pro', null],
  ])
})

test('leaves one record when the same batch is sent twice', async () => {
  using file = sqliteFile(USERS)
  await using users = await openTable(file.path, FIELDS)
  const upsert = changeBatch('upsert', FIELDS, [['1', 'one', 'pro']])
  const insert = changeBatch('insert', FIELDS, [['2', 'two', 'pro']])
  assert.deepEqual(await users.write(upsert, never), [DONE])
  assert.deepEqual(await users.write(upsert, never), [DONE])
  assert.deepEqual(await users.write(insert, never), [DONE])
  assert.deepEqual(await users.write(insert, never), [{ status: 'exists' }])
  assert.deepEqual(file.column('SELECT id FROM users'), [1n, 2n])
})

test('updates what exists and says so where there is no such record', async () => {
  using file = sqliteFile(`${USERS}; INSERT INTO users VALUES (1, 'old', 'free', 'mine')`)
  await using users = await openTable(file.path, FIELDS)
  const batch = changeBatch('update', FIELDS, [
    ['2', 'two', 'pro'],
    ['1', 'one', 'pro'],
  ])
  assert.deepEqual(await users.write(batch, never), [{ status: 'not_found' }, DONE])
  assert.deepEqual(file.rows('SELECT * FROM users'), [[1n, 'one', 'pro', 'mine']])
})

test('deletes what exists and is content where there is no such record', async () => {
  using file = sqliteFile(`${USERS}; INSERT INTO users (id) VALUES (1), (2)`)
  await using users = await openTable(file.path, FIELDS)
  assert.deepEqual(await users.write(changeBatch('delete', KEY, [['1'], ['3']]), never), [DONE, DONE])
  assert.deepEqual(file.column('SELECT id FROM users'), [2n])
})

test('a null that is to be skipped leaves the field of an existing record, and is null in a new one', async () => {
  using file = sqliteFile(`${USERS}; INSERT INTO users VALUES (1, 'one', 'free', NULL), (2, 'two', 'free', NULL)`)
  const fields = [field('id', 'integer'), field('name', 'text', { nulls: 'skip' }), field('plan')]
  await using users = await openTable(file.path, fields)
  await users.write(
    changeBatch('upsert', fields, [
      ['1', null, null],
      ['3', null, 'pro'],
    ]),
    never,
  )
  await users.write(changeBatch('update', fields, [['2', null, 'pro']]), never)
  assert.deepEqual(file.rows('SELECT id, name, plan FROM users'), [
    [1n, 'one', null],
    [2n, 'two', 'pro'],
    [3n, null, 'pro'],
  ])
})

test('a field that is written on insert only is set in new records and kept in others', async () => {
  using file = sqliteFile(`${USERS}; INSERT INTO users VALUES (1, 'one', 'free', NULL)`)
  const fields = [field('id', 'integer'), field('plan', 'text', { on: 'insert' }), field('name')]
  await using users = await openTable(file.path, fields)
  const rows = [
    ['1', 'trial', 'uno'],
    ['2', 'trial', 'dos'],
  ]
  await users.write(changeBatch('upsert', fields, rows), never)
  assert.deepEqual(file.rows('SELECT id, name, plan FROM users'), [
    [1n, 'uno', 'free'],
    [2n, 'dos', 'trial'],
  ])
  await users.write(changeBatch('update', fields, [['2', 'later', 'two']]), never)
  assert.deepEqual(file.rows('SELECT name, plan FROM users WHERE id = 2'), [['two', 'trial']])
})

test('writes records that are nothing but their key', async () => {
  using file = sqliteFile(USERS)
  await using users = await openTable(file.path, KEY)
  assert.deepEqual(await users.write(changeBatch('upsert', KEY, [['1'], ['1']]), never), [DONE, DONE])
  assert.deepEqual(await users.write(changeBatch('insert', KEY, [['1']]), never), [{ status: 'exists' }])
  assert.deepEqual(await users.write(changeBatch('update', KEY, [['1'], ['2']]), never), [
    DONE,
    { status: 'not_found' },
  ])
  assert.deepEqual(file.column('SELECT id FROM users'), [1n])
})

test('rejects the rows that violate a constraint without losing their neighbours', async () => {
  using file = sqliteFile(`
    CREATE TABLE plans (name TEXT PRIMARY KEY);
    INSERT INTO plans VALUES ('pro');
    CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, plan TEXT REFERENCES plans,
      CHECK (length(name) < 10))`)
  await using users = await openTable(file.path, FIELDS)
  const rows = [
    ['1', 'one', 'pro'],
    ['2', null, 'pro'],
    ['3', 'one', 'pro'],
    ['4', 'much too long a name', 'pro'],
    ['5', 'five', 'none'],
    ['abc', 'six', 'pro'],
    ['7', 'seven', 'pro'],
  ]
  const outcomes = await users.write(changeBatch('upsert', FIELDS, rows), never)
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.code : outcome.status)),
    [
      'done',
      'SQLITE_CONSTRAINT_NOTNULL',
      'SQLITE_CONSTRAINT_UNIQUE',
      'SQLITE_CONSTRAINT_CHECK',
      'SQLITE_CONSTRAINT_FOREIGNKEY',
      'invalid_value',
      'done',
    ],
  )
  assert.deepEqual(outcomes[2], {
    status: 'rejected',
    code: 'SQLITE_CONSTRAINT_UNIQUE',
    message: 'UNIQUE constraint failed: users.name',
  })
  assert.deepEqual(file.column('SELECT id FROM users'), [1n, 7n])
})

test('a bad row harms no other where the table asks for REPLACE or ROLLBACK on conflict', async () => {
  using file = sqliteFile(`CREATE TABLE users (id INTEGER PRIMARY KEY ON CONFLICT ROLLBACK,
    name TEXT UNIQUE ON CONFLICT REPLACE, plan TEXT NOT NULL ON CONFLICT ROLLBACK)`)
  await using users = await openTable(file.path, FIELDS)
  const rows = [
    ['1', 'one', 'pro'],
    ['2', 'one', 'pro'],
    ['3', 'three', null],
    ['1', 'uno', 'pro'],
  ]
  const outcomes = await users.write(changeBatch('upsert', FIELDS, rows), never)
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['done', 'rejected', 'rejected', 'done'],
  )
  assert.deepEqual(file.rows('SELECT * FROM users'), [[1n, 'uno', 'pro']])
})

test('refuses the batch as a whole where a trigger rolls the transaction back', async () => {
  using file = sqliteFile(`${USERS};
    CREATE TRIGGER guard BEFORE INSERT ON users WHEN new.id = 2 BEGIN SELECT RAISE(ROLLBACK, 'not this one'); END`)
  await using users = await openTable(file.path, FIELDS)
  const rows = [
    ['1', 'one', null],
    ['2', 'two', null],
  ]
  await assert.rejects(users.write(changeBatch('insert', FIELDS, rows), never), (error) => {
    assert(error instanceof BatchRefusedError)
    assert.equal(error.code, 'SQLITE_CONSTRAINT_TRIGGER')
    assert.equal(error.message, 'not this one')
    return true
  })
  assert.deepEqual(file.column('SELECT id FROM users'), [])
  assert.deepEqual(await users.write(changeBatch('insert', FIELDS, rows.slice(0, 1)), never), [DONE])
})

test('refuses the batch as a whole where a deferred foreign key fails at the commit, and none of it stays', async () => {
  using file = sqliteFile(`
    CREATE TABLE plans (name TEXT PRIMARY KEY);
    CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, plan TEXT REFERENCES plans DEFERRABLE INITIALLY DEFERRED)`)
  await using users = await openTable(file.path, FIELDS)
  const bad = changeBatch('upsert', FIELDS, [
    ['1', 'one', null],
    ['2', 'two', 'none'],
  ])
  await assert.rejects(users.write(bad, never), { name: 'BatchRefusedError', code: 'SQLITE_CONSTRAINT_FOREIGNKEY' })
  assert.deepEqual(file.column('SELECT id FROM users'), [])
  assert.deepEqual(await users.write(changeBatch('upsert', FIELDS, [['1', 'one', null]]), never), [DONE])
})

test('does not call a record written that a trigger ignored', async () => {
  using file = sqliteFile(`${USERS};
    CREATE TRIGGER ignore_two BEFORE INSERT ON users WHEN new.id = 2 BEGIN SELECT RAISE(IGNORE); END`)
  await using users = await openTable(file.path, FIELDS)
  const [outcome] = await users.write(changeBatch('upsert', FIELDS, [['2', 'two', null]]), never)
  assert(outcome?.status === 'rejected')
  assert.equal(outcome.code, 'not_written')
})

test('never makes up a key for a row that has none', async () => {
  using file = sqliteFile(USERS)
  await using users = await openTable(file.path, FIELDS)
  const [outcome] = await users.write(changeBatch('upsert', FIELDS, [[null, 'nobody', null]]), never)
  assert(outcome?.status === 'rejected')
  assert.equal(outcome.code, 'missing_match')
  assert.deepEqual(file.column('SELECT id FROM users'), [])
})

test('finds records by a composite key in any order of the index', async () => {
  using file = sqliteFile('CREATE TABLE users (name TEXT, tenant TEXT, id INT, PRIMARY KEY (id, tenant)) WITHOUT ROWID')
  const fields = [field('tenant'), field('id', 'integer'), field('name')]
  await using users = await openTable(file.path, fields, { match: ['tenant', 'id'], keyEncodings: ['text', 'integer'] })
  await users.write(
    changeBatch('upsert', fields, [
      ['eu', '1', 'a'],
      ['us', '1', 'b'],
      ['eu', '2', 'c'],
      ['eu', '1', 'd'],
    ]),
    never,
  )
  await users.write(changeBatch('delete', fields.slice(0, 2), [['us', '1']]), never)
  assert.deepEqual(file.rows('SELECT tenant, id, name FROM users'), [
    ['eu', 1n, 'd'],
    ['eu', 2n, 'c'],
  ])
})

test('takes names with quotes, spaces, reserved words and other scripts', async () => {
  const names = ['order', 'a "b"', "it's", 'sel;ect --', 'größe', '名前']
  const columns = names.map((name) => `"${name.replaceAll('"', '""')}" TEXT`)
  using file = sqliteFile(`CREATE TABLE "group ""x""" (${columns.join(', ')}, PRIMARY KEY ("order", "a ""b"""))`)
  const fields = names.map((name) => field(name))
  const match = names.slice(0, 2)
  await using table = await openTable(file.path, fields, { name: 'group "x"', match, keyEncodings: ['text', 'text'] })
  assert.deepEqual(await table.check(), [])
  const row = ['1', '2', '3', '4', '5', '6']
  for (const operation of ['insert', 'upsert', 'update'] as const) {
    const outcomes = await table.write(changeBatch(operation, fields, [row]), never)
    assert.deepEqual(outcomes, [DONE])
  }
  assert.deepEqual(file.rows('SELECT * FROM "group ""x"""'), [row])
  await table.write(changeBatch('delete', fields.slice(0, 2), [['1', '2']]), never)
  assert.deepEqual(file.rows('SELECT * FROM "group ""x"""'), [])
})

test('tells keys apart that the collation of the column calls equal', async () => {
  using file = sqliteFile(
    `CREATE TABLE users (email TEXT COLLATE NOCASE PRIMARY KEY, name TEXT); INSERT INTO users VALUES ('ANN', 'old')`,
  )
  const fields = [field('email'), field('name')]
  await using users = await openTable(file.path, fields, { match: ['email'], keyEncodings: ['text'] })
  assert.deepEqual(await users.write(changeBatch('update', fields, [['ann', 'x']]), never), [{ status: 'not_found' }])
  assert.deepEqual(await users.write(changeBatch('upsert', fields, [['ann', 'new']]), never), [DONE])
  // The index of a mirror sync now drops the old spelling; the record it became must survive that.
  assert.deepEqual(await users.write(changeBatch('delete', fields.slice(0, 1), [['ANN']]), never), [DONE])
  assert.deepEqual(file.rows('SELECT * FROM users'), [['ann', 'new']])
})

test('answers an empty batch with nothing and stops at an aborted signal', async () => {
  using file = sqliteFile(USERS)
  await using users = await openTable(file.path, FIELDS)
  assert.deepEqual(await users.write(changeBatch('upsert', FIELDS, []), never), [])
  const gone = AbortSignal.abort(new Error('stop'))
  await assert.rejects(users.write(changeBatch('upsert', FIELDS, [['1', 'one', null]]), gone), /stop/)
  assert.deepEqual(file.column('SELECT id FROM users'), [])
})

test('many rows at once: the bad ones are rejected, the others land, and each is answered in its place', async () => {
  using file = sqliteFile(`CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT CHECK (name <> 'no'), plan TEXT)`)
  await using users = await openTable(file.path, FIELDS)
  const bad = new Map([
    [0, 'rejected'],
    [37, 'rejected'],
    [38, 'rejected'],
    [99, 'rejected'],
  ])
  const rows = Array.from({ length: 100 }, (_, n) => [
    n === 38 ? 'x' : String(n),
    bad.has(n) ? 'no' : `name ${n}`,
    null,
  ])
  const outcomes = await users.write(changeBatch('upsert', FIELDS, rows), never)
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    rows.map((_, n) => bad.get(n) ?? 'done'),
  )
  const good = rows.filter((_, n) => !bad.has(n))
  assert.deepEqual(
    file.rows('SELECT id, name FROM users ORDER BY id'),
    good.map(([id, name]) => [BigInt(id as string), name]),
  )
})

test('many rows at once: the last of a key wins, as one by one', async () => {
  using file = sqliteFile(USERS)
  await using users = await openTable(file.path, FIELDS)
  const rows = Array.from({ length: 50 }, (_, n) => [String(n % 3), `name ${n}`, null])
  const outcomes = await users.write(changeBatch('upsert', FIELDS, rows), never)
  assert.deepEqual(
    outcomes,
    rows.map(() => DONE),
  )
  assert.deepEqual(file.column('SELECT name FROM users ORDER BY id'), ['name 48', 'name 49', 'name 47'])
})

test('a trigger fires once for each row of many, also where it refuses one and keeps what came before', async () => {
  using file = sqliteFile(`${USERS}; CREATE TABLE log (id INTEGER);
    CREATE TRIGGER track AFTER INSERT ON users BEGIN INSERT INTO log VALUES (new.id); END;
    CREATE TRIGGER refuse BEFORE INSERT ON users WHEN new.id = 30 BEGIN SELECT RAISE(FAIL, 'not this one'); END`)
  await using users = await openTable(file.path, FIELDS)
  const rows = Array.from({ length: 40 }, (_, n) => [String(n), `name ${n}`, null])
  const outcomes = await users.write(changeBatch('upsert', FIELDS, rows), never)
  assert.deepEqual(
    outcomes.flatMap(({ status }, n) => (status === 'done' ? [] : [n])),
    [30],
  )
  const expected = rows.flatMap((_, n) => (n === 30 ? [] : [BigInt(n)]))
  assert.deepEqual(file.column('SELECT id FROM log ORDER BY id'), expected)
})

test('takes lines longer than what it decodes at once, with escapes and every script', async () => {
  using file = sqliteFile(USERS)
  await using users = await openTable(file.path, FIELDS)
  const long = 'größe\t\\ 名前 \n'.repeat(20_000)
  const rows = Array.from({ length: 30 }, (_, n) => [
    String(n),
    n % 7 === 3 ? long : `name ${n}`,
    n % 2 === 0 ? null : '\\N',
  ])
  await users.write(changeBatch('upsert', FIELDS, rows), never)
  const expected = rows.map(([id, name, plan]) => [BigInt(id as string), name, plan])
  assert.deepEqual(file.rows('SELECT id, name, plan FROM users ORDER BY id'), expected)
})

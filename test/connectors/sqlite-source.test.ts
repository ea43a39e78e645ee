import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { FatalError } from '../../src/core/errors.ts'
import { sync } from '../../src/index.ts'
import { sqliteFile } from '../support/sqlite-file.ts'
import { openSqlite, readSqlite } from '../support/sqlite-reading.ts'

const fails = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof FatalError, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, message)
  return true
}

test('takes the kinds and the key encodings of columns from what they were declared as', async () => {
  using file = sqliteFile(`
    CREATE TABLE model (a INTEGER, b BIGINT, c TEXT, d VARCHAR(20), e BLOB, f REAL, g DOUBLE PRECISION, h DECIMAL(10, 2),
      i BOOLEAN, j JSON, k DATETIME, l);
    CREATE VIEW summary AS SELECT c, max(a) AS most, 1 + 1 AS two FROM model GROUP BY c`)
  await using source = await openSqlite(file.path, { table: 'model' })
  const columns = await source.describe()
  assert.deepEqual(
    columns.map(({ name, kind, type, keyEncoding }) => `${name} ${kind} ${type} ${keyEncoding}`),
    [
      'a integer bigint integer',
      'b integer bigint integer',
      'c text text text',
      'd text text text',
      'e bytes bytea bytes',
      'f float double precision text',
      'g float double precision text',
      'h decimal numeric text',
      'i boolean boolean boolean',
      'j json jsonb text',
      'k other text text',
      'l other text text',
    ],
  )
  await using view = await openSqlite(file.path, { table: 'summary' })
  assert.deepEqual(
    (await view.describe()).map(({ name, kind }) => [name, kind]),
    [
      ['c', 'text'],
      ['most', 'other'],
      ['two', 'other'],
    ],
  )
})

test('prints values as they are, whatever the column was declared as', async () => {
  using file = sqliteFile(`
    CREATE TABLE model (id INTEGER, v);
    INSERT INTO model VALUES (1, 9223372036854775807), (2, 0.1), (3, 1e300), (4, 'a' || char(9) || 'b'), (5, x'00ff'),
      (6, NULL), (7, ''), (8, 5.0), (9, -9e999), (10, -0.0), (11, x'')`)
  const { rows } = await readSqlite(file.path, { table: 'model' }, 'id')
  assert.deepEqual(
    rows.map(([, value]) => value),
    ['9223372036854775807', '0.1', '1e+300', 'a\tb', '\\x00ff', null, '', '5', '-Infinity', '-0', '\\x'],
  )
})

test('prints 0 and 1 of a boolean column as f and t, and anything else as it is', async () => {
  using file = sqliteFile(
    `CREATE TABLE model (id INTEGER, v BOOLEAN); INSERT INTO model VALUES (1, 0), (2, 1), (3, 2), (4, 'yes'), (5, NULL)`,
  )
  const { rows } = await readSqlite(file.path, { table: 'model' }, 'id')
  assert.deepEqual(
    rows.map(([, value]) => value),
    ['f', 't', '2', 'yes', null],
  )
})

test('sorts texts by byte, whatever the collation of their column is', async () => {
  using file = sqliteFile(`
    CREATE TABLE model (name TEXT COLLATE NOCASE PRIMARY KEY, n INTEGER) WITHOUT ROWID;
    INSERT INTO model VALUES ('b', 1), ('C', 2), ('a', 3), ('Ä', 4), ('B ', 5)`)
  const { rows, sorted } = await readSqlite(file.path, { table: 'model' }, 'name')
  assert.equal(sorted, true)
  assert.deepEqual(
    rows.map(([name]) => name),
    ['B ', 'C', 'a', 'b', 'Ä'],
  )
})

test('sorts by the text of what a column without a type holds', async () => {
  using file = sqliteFile(
    `CREATE TABLE model (code, n INTEGER); INSERT INTO model VALUES (10, 1), ('9', 2), ('B', 3), (2, 4), ('a', 5)`,
  )
  const { rows } = await readSqlite(file.path, { sql: 'SELECT code FROM model' }, 'code')
  assert.deepEqual(rows, [['10'], ['2'], ['9'], ['B'], ['a']])
})

test('sorts composite keys column by column, blobs and integers by themselves', async () => {
  using file = sqliteFile(`
    CREATE TABLE model (tenant BLOB, id INTEGER);
    INSERT INTO model VALUES (x'ff', 2), (x'00', 10), (x'ff', -3), (x'00', 9), (x'', 1)`)
  const { rows } = await readSqlite(file.path, { table: 'model' }, 'tenant', 'id')
  assert.deepEqual(rows, [
    ['\\x', '1'],
    ['\\x00', '9'],
    ['\\x00', '10'],
    ['\\xff', '-3'],
    ['\\xff', '2'],
  ])
})

test('hands out a row whose key is of another class as unreadable, and says what to write', async () => {
  using file = sqliteFile(`
    CREATE TABLE model (id INTEGER, v TEXT);
    INSERT INTO model VALUES (1, 'a'), ('x7', 'b'), (2.5, 'c'), (x'01', 'd'), (3, 'e'), (NULL, 'f')`)
  const { rows, invalid, end } = await readSqlite(file.path, { table: 'model' }, 'id')
  assert.deepEqual(
    rows.map(([id]) => id),
    [null, '1', '3'],
  )
  assert.deepEqual(
    invalid.map(({ code, payload }) => [code, payload]),
    [
      ['unreadable_key', '["2.5","c"]'],
      ['unreadable_key', '["x7","b"]'],
      ['unreadable_key', '["\\\\x01","d"]'],
    ],
  )
  assert.match(invalid[0]?.message ?? '', /"id" holds the number 2.5 where an integer belongs.*CAST\("id" AS TEXT\)/)
  assert.equal(end?.rows, 6)
})

test('hands out keys that are no text, or no UTF-8, as unreadable where texts are sorted', async () => {
  using file = sqliteFile(`
    CREATE TABLE model (name TEXT, code);
    INSERT INTO model VALUES ('a', 1), (x'6162', 2), (CAST(x'ff41' AS TEXT), 2.5), ('b', 'c')`)
  const byName = await readSqlite(file.path, { table: 'model' }, 'name')
  assert.deepEqual(
    byName.rows.map(([name]) => name),
    ['a', 'b'],
  )
  assert.match(
    byName.invalid.map(({ message }) => message).join(),
    /no UTF-8.*hex\("name"\).*a blob where a text.*CAST/,
  )
  const byCode = await readSqlite(file.path, { table: 'model' }, 'code')
  assert.deepEqual(
    byCode.rows.map(([, code]) => code),
    ['1', '2', 'c'],
  )
  assert.equal(byCode.invalid.length, 1)
})

test('says that it does not sort texts that are stored as UTF-16', async () => {
  using file = sqliteFile(`
    PRAGMA encoding = 'UTF-16le'; CREATE TABLE model (name TEXT, id INTEGER); INSERT INTO model VALUES ('ab', 1), ('b', 2)`)
  assert.equal((await readSqlite(file.path, { table: 'model' }, 'name')).sorted, false)
  assert.equal((await readSqlite(file.path, { table: 'model' }, 'id')).sorted, true)
})

test('reads the key beside the columns where those do not hold it', async () => {
  using file = sqliteFile(`CREATE TABLE model (id INTEGER, v TEXT); INSERT INTO model VALUES (2, 'b'), (1, 'a')`)
  await using source = await openSqlite(file.path, { table: 'model' })
  await source.describe()
  const { layout, rows } = await source.read({ key: ['id'], columns: ['v'], signal: new AbortController().signal })
  assert.deepEqual([layout.extra, layout.key[0]?.field, layout.columns.map(({ name }) => name)], [1, 0, ['v']])
  const [batch] = (await rows.toArray()) as { bytes: Buffer }[]
  assert.equal(batch?.bytes.toString(), '1\ta\n2\tb\n')
})

test('takes a model that is hard to wrap: its own WITH, a comment at its end, names that are no names', async () => {
  using file = sqliteFile(`CREATE TABLE "rowferry model" (id INTEGER); INSERT INTO "rowferry model" VALUES (1)`)
  const sql = `WITH model AS (SELECT id, ':no' AS "it's", "id" AS [a; b] FROM "main"."rowferry model")
    SELECT *, count(*) OVER () FROM model -- ; all of them`
  const { rows } = await readSqlite(file.path, { sql }, 'id')
  assert.deepEqual(rows, [['1', ':no', '1', '1']])
})

test('binds parameters: integers as integers, booleans as 0 and 1, a name as often as it is used', async () => {
  using file = sqliteFile('CREATE TABLE t (x)')
  const { rows } = await readSqlite(
    file.path,
    {
      sql: `SELECT :i AS id, typeof(:i) AS a, typeof(:f) AS b, :t AS c, typeof(:b) || :b AS d, :n AS e, ':i' AS f`,
      params: { i: 5, f: 2.5, t: "o'; --", b: true, n: null },
    },
    'id',
  )
  assert.deepEqual(rows, [['5', 'integer', 'real', "o'; --", 'integer1', null, ':i']])
})

test('reads one state of the file, whatever is written meanwhile', async () => {
  using file = sqliteFile(
    `PRAGMA journal_mode = WAL; CREATE TABLE model (id INTEGER); INSERT INTO model VALUES (1), (2)`,
  )
  await using source = await openSqlite(file.path, { table: 'model' })
  assert.deepEqual(await source.hasAtLeast(3), { enough: false, rows: 2 })
  file.database.exec('INSERT INTO model VALUES (3); DELETE FROM model WHERE id = 1')
  const { rows } = await source.read({ key: ['id'], columns: ['id'], signal: new AbortController().signal })
  const [batch] = (await rows.toArray()) as { bytes: Buffer }[]
  assert.equal(batch?.bytes.toString(), '1\n2\n')
})

test('refuses what is no model, before a row is read', async () => {
  using file = sqliteFile('CREATE TABLE users (id INTEGER, name TEXT)')
  const open = async (model: Parameters<typeof openSqlite>[1], path = file.path) => {
    await using source = await openSqlite(path, model)
    await source.describe()
    await source.hasAtLeast(1)
  }
  const refused: readonly (readonly [Parameters<typeof openSqlite>[1], string, RegExp])[] = [
    [{ sql: ' -- nothing\n;' }, 'model_empty', /no statement/],
    [{ sql: 'SELECT 1; SELECT 2' }, 'model_not_one_query', /more than one statement \(at 1:9/],
    [{ sql: 'SELEC 1' }, 'model_invalid', /near "SELEC"/],
    [{ sql: 'SELECT nam FROM users' }, 'model_invalid', /no such column: nam/],
    [{ sql: 'DELETE FROM users RETURNING id' }, 'model_not_a_query', /only reads/],
    [{ sql: 'INSERT INTO users VALUES (1, 2)' }, 'model_not_a_query', /only reads/],
    [{ sql: 'PRAGMA table_info(users)' }, 'model_not_a_query', /cannot be selected from/],
    [{ sql: 'SELECT id, name AS ID FROM users' }, 'model_duplicate_column', /more than one column named "ID"/],
    [{ table: 'user' }, 'model_table_missing', /no table "user" — did you mean "users"/],
    [{ sql: 'SELECT * FROM user' }, 'model_table_missing', /"user" — did you mean "users"/],
    [{ sql: 'SELECT :who' }, 'param_unknown', /params has no who/],
    [{ sql: 'SELECT ?', params: { who: 1 } }, 'param_unknown', /the model uses \?[\s\S]*write :name/],
    [{ sql: 'SELECT 1', params: { who: 1 } }, 'param_unused', /does not use :who/],
    [{ table: 'users', params: { who: 1 } }, 'param_unused', /a whole table takes no parameters/],
  ]
  for (const [model, code, message] of refused)
    await assert.rejects(open(model), fails(code, message), JSON.stringify(model))
  await assert.rejects(open({ table: 'users' }, join(file.folder, 'none.db')), fails('no_such_file', /check the path/))
  const text = join(file.folder, 'text.db')
  writeFileSync(
    text,
    'this is no database, and long enough to be taken for one if nobody looks closely at it. '.repeat(10),
  )
  await assert.rejects(open({ table: 'users' }, text), fails('not_a_database', /not an SQLite database/))
})

test('ends in an error where the query fails on the way', async () => {
  using file = sqliteFile(`
    CREATE TABLE model (id INTEGER PRIMARY KEY, extra TEXT);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9000) INSERT INTO model SELECT i, '{}' FROM n;
    UPDATE model SET extra = 'no json' WHERE id = 9000`)
  const sql = `SELECT id, json_extract(extra, '$.a') AS a FROM model`
  await assert.rejects(
    readSqlite(file.path, { sql }, 'id'),
    fails('model_failed', /failed after 8999 rows \(malformed JSON\)/),
  )
})

test('says who is in the way where the file is locked', async () => {
  using file = sqliteFile('CREATE TABLE model (id INTEGER)')
  file.database.exec('BEGIN EXCLUSIVE')
  await using source = await openSqlite(file.path, { table: 'model' })
  await assert.rejects(source.describe(), fails('source_locked', /locked by another connection/))
})

test('never changes the file that it reads', async () => {
  using file = sqliteFile(`CREATE TABLE model (id INTEGER); INSERT INTO model VALUES (1)`)
  const before = readFileSync(file.path)
  await readSqlite(file.path, { table: 'model' }, 'id')
  assert.deepEqual(readFileSync(file.path), before)
})

test('mirrors an SQLite query into another SQLite file, with rows that cannot be read held back', async () => {
  using from = sqliteFile(`
    CREATE TABLE people (id INTEGER, name TEXT, balance REAL, photo BLOB);
    INSERT INTO people VALUES (1, 'Zoë', 0.1, x'00ff'), (2, NULL, 1e20, NULL), (9007199254740993, '', -0.5, x'')`)
  using to = sqliteFile()
  const config = {
    version: 1,
    state: join(to.folder, 'state'),
    connections: { from: `sqlite:${from.path}`, to: `sqlite:${to.path}` },
    syncs: {
      people: {
        source: { connection: 'from', sql: 'SELECT * FROM people WHERE id > :least', params: { least: 0 } },
        key: 'id',
        mode: 'mirror',
        destination: { connection: 'to', table: 'people', create: true },
      },
    },
  } as const
  const first = await sync(config)
  assert.deepEqual([first.status, first.counts.inserted], ['succeeded', 3], first.error?.message)
  assert.deepEqual(to.rows('SELECT * FROM people ORDER BY id'), [
    [1n, 'Zoë', 0.1, Buffer.from([0, 255])],
    [2n, null, 1e20, null],
    [9007199254740993n, '', -0.5, Buffer.alloc(0)],
  ])
  from.database.exec(`DELETE FROM people WHERE id = 1; INSERT INTO people (id, name) VALUES ('seven', 'no integer')`)
  const second = await sync(config)
  assert.equal(second.status, 'deletes_held')
  assert.deepEqual([second.counts.unchanged, second.counts.invalid, second.counts.held], [2, 1, 1])
})

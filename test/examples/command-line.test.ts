import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import type { Report } from '../../src/index.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { type ExampleFolder, exampleFolder } from '../support/example-folder.ts'

const Sqlite = await loadSqlite()

let postgres: TestPostgres
let admin: pg.Client

before(async () => {
  postgres = await startPostgres()
  admin = new pg.Client(postgres.url)
  await admin.connect()
})
after(async () => {
  await admin.end()
  await postgres[Symbol.asyncDispose]()
})

async function rows(sql: string): Promise<unknown[][]> {
  return (await admin.query<unknown[]>({ text: sql, rowMode: 'array' })).rows
}

function sqliteRows(path: string, sql: string): unknown[][] {
  const database = new Sqlite(path, { readonly: true })
  try {
    return database.prepare(sql).raw().safeIntegers().all() as unknown[][]
  } finally {
    database.close()
  }
}

function run(example: ExampleFolder): Report {
  const ended = example.run('run', '--json', '--quiet')
  assert.equal(ended.status, 0, ended.stderr)
  return ended.json<Report>()
}

test('Postgres to Postgres: a composite key under other names, and a field that is written once', async () => {
  using example = exampleFolder('postgres-to-postgres', { DATABASE_URL: postgres.url })
  await admin.query(readFileSync(example.file('tables.sql'), 'utf8'))
  assert.equal(run(example).counts.inserted, 3)
  const before = await rows('SELECT customer, order_number, amount, state FROM app.invoices ORDER BY 1, 2')
  assert.deepEqual(before, [
    ['acme', '1001', '19.90', 'paid'],
    ['acme', '1002', '5.00', 'open'],
    ['bolt', '1001', '123456789.10', 'paid'],
  ])
  const [first] = await rows('SELECT min(first_seen) FROM app.invoices')
  await admin.query(
    "UPDATE warehouse.orders SET status = 'paid' WHERE number = 1002; DELETE FROM warehouse.orders WHERE tenant = 'bolt'",
  )
  const { counts } = run(example)
  assert.deepEqual([counts.updated, counts.deleted, counts.unchanged], [1, 1, 1])
  assert.deepEqual(await rows('SELECT customer, order_number, state FROM app.invoices ORDER BY 1, 2'), [
    ['acme', '1001', 'paid'],
    ['acme', '1002', 'paid'],
  ])
  assert.deepEqual(await rows('SELECT max(first_seen) FROM app.invoices'), [first])
})

test('Postgres to SQLite: a query in a file, a template, a hash, a table that is made', async () => {
  using example = exampleFolder('postgres-to-sqlite', { DATABASE_URL: postgres.url })
  await admin.query(readFileSync(example.file('tables.sql'), 'utf8'))
  assert.equal(run(example).counts.inserted, 2)
  const [ada, grace] = sqliteRows(example.file('app.db'), 'SELECT * FROM contacts ORDER BY id')
  assert.deepEqual(ada?.slice(0, 4), [1n, 'ada@example.com', 'Ada Lovelace', 'pro'])
  assert.match(String(grace?.[4]), /^[0-9a-f]{64}$/)
})

test('psql into rowferry: no configuration, and the index is found again', async () => {
  using example = exampleFolder('psql-pipe', { DATABASE_URL: postgres.url })
  await admin.query(
    "CREATE TABLE customers (id bigint, name text, plan text); INSERT INTO customers VALUES (1, 'Zoë', NULL), (2, 'Kim, K', 'pro')",
  )
  example.execute('sh', 'sync.sh')
  await admin.query("UPDATE customers SET plan = 'free' WHERE id = 1")
  example.execute('sh', 'sync.sh')
  assert.deepEqual(sqliteRows(example.file('app.db'), 'SELECT * FROM customers ORDER BY id'), [
    ['1', 'Zoë', 'free'],
    ['2', 'Kim, K', 'pro'],
  ])
})

test('NDJSON from another process: long integers, nested values, and deletes on the proof of a trailer', () => {
  using example = exampleFolder('ndjson-from-node')
  assert.equal(example.execute(process.execPath, 'sync.mjs', '25'), 'succeeded: 25 inserted, 0 deleted\n')
  assert.equal(example.execute(process.execPath, 'sync.mjs', '24'), 'succeeded: 0 inserted, 1 deleted\n')
  const [last] = sqliteRows(example.file('app.db'), 'SELECT * FROM people ORDER BY id DESC LIMIT 1')
  assert.deepEqual(last?.slice(0, 3), [9007199254741014n, 'Person 24', '["a",{"n":24}]'])
})

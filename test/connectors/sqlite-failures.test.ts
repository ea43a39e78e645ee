import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainSqlite } from '../../src/connectors/sqlite-error.ts'
import { readTable } from '../../src/connectors/sqlite-table.ts'
import { SqliteWriter } from '../../src/connectors/sqlite-writer.ts'
import { FatalError, RetryableError } from '../../src/core/errors.ts'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { never, openTable, type SqliteFile, sqliteFile } from '../support/sqlite-file.ts'

const USERS = 'CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)'
const FIELDS = [field('id', 'integer'), field('name')]
const BATCH = changeBatch('upsert', FIELDS, [['1', 'one']])

/** A writer on a connection that the test can set limits on. */
async function openWriter(file: SqliteFile, timeout = 5_000) {
  const database = new (await loadSqlite())(file.path, { timeout })
  const table = readTable(database, 'users')
  assert(table !== undefined)
  const writer = new SqliteWriter(database, table, 1)
  return { database, write: writer.write.bind(writer), [Symbol.dispose]: () => void database.close() }
}

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return assert.fail('nothing was thrown')
}

test('may be tried again while another connection holds the lock, and then works', async () => {
  using file = sqliteFile(USERS)
  await using users = await openTable(file.path, FIELDS)
  file.database.exec('BEGIN IMMEDIATE')
  await assert.rejects(users.write(BATCH, never), (error) => {
    assert(error instanceof RetryableError)
    assert.match(error.message, /app\.db is locked by another connection \(SQLITE_BUSY: .*let it finish/)
    return true
  })
  file.database.exec('COMMIT')
  assert.deepEqual(await users.write(BATCH, never), [{ status: 'done' }])
})

test('may be tried again where a reader keeps the commit from happening, and keeps nothing until then', async () => {
  using file = sqliteFile(`${USERS}; INSERT INTO users VALUES (7, 'seven'), (8, 'eight')`)
  using writer = await openWriter(file, 0)
  const reader = file.database.prepare('SELECT * FROM users').iterate()
  reader.next()
  assert(
    explainSqlite(
      thrownBy(() => writer.write(BATCH)),
      file.path,
    ) instanceof RetryableError,
  )
  reader.return?.()
  assert.deepEqual(file.column('SELECT id FROM users'), [7n, 8n])
  assert.deepEqual(writer.write(BATCH), [{ status: 'done' }])
})

test('a full disk fails the whole batch, keeps none of it, and says what to do', async () => {
  using file = sqliteFile(USERS)
  using writer = await openWriter(file)
  writer.database.pragma('max_page_count = 10')
  const rows = Array.from({ length: 100 }, (_, id) => [String(id), 'x'.repeat(1000)])
  const batch = changeBatch('upsert', FIELDS, rows)
  const error = explainSqlite(
    thrownBy(() => writer.write(batch)),
    file.path,
  )
  assert(error instanceof FatalError)
  assert.equal(error.code, 'sqlite_full')
  assert.match(error.message, /no room left for .*app\.db \(SQLITE_FULL.*free some space/)
  assert.deepEqual(file.column('SELECT count(*) FROM users'), [0n])
  writer.database.pragma('max_page_count = 1000')
  assert.equal(writer.write(batch).length, 100)
})

test('fails with the words of SQLite where the table is no longer what it was', async () => {
  using file = sqliteFile(USERS)
  await using users = await openTable(file.path, FIELDS)
  await users.write(BATCH, never)
  file.database.exec('ALTER TABLE users RENAME COLUMN name TO label')
  await assert.rejects(users.write(BATCH, never), {
    name: 'FatalError',
    code: 'sqlite_error',
    message: /name.*rowferry validate/,
  })
})

test('says which column is missing where a batch carries one that no check has seen', async () => {
  using file = sqliteFile(USERS)
  await using users = await openTable(file.path, FIELDS)
  const batch = changeBatch('update', [field('id', 'integer'), field('deleted_at')], [['1', 'now']])
  await assert.rejects(users.write(batch, never), { code: 'destination_mismatch', message: /no column "deleted_at"/ })
})

test('knows what each result code of SQLite asks of the user, and leaves all other errors alone', () => {
  const failure = (code: string) => Object.assign(new Error('x'), { name: 'SqliteError', code })
  const code = (result: string) => (explainSqlite(failure(result), '/app.db') as { code?: string }).code
  assert.equal(code('SQLITE_READONLY_DBMOVED'), 'sqlite_read_only')
  assert.equal(code('SQLITE_IOERR_WRITE'), 'sqlite_io_error')
  assert.equal(code('SQLITE_CORRUPT_INDEX'), 'sqlite_damaged')
  assert.equal(code('SQLITE_CANTOPEN_ISDIR'), 'sqlite_cannot_open')
  assert.equal(code('SQLITE_ERROR'), 'sqlite_error')
  assert(explainSqlite(failure('SQLITE_BUSY_SNAPSHOT'), '/app.db') instanceof RetryableError)
  const bug = new TypeError('x is not a function')
  assert.equal(explainSqlite(bug, '/app.db'), bug)
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { retold, tell } from '../../src/connectors/sqlite-thread-messages.ts'
import { WriterThread } from '../../src/connectors/sqlite-writer-thread.ts'
import { BatchRefusedError, FatalError, RetryableError } from '../../src/core/errors.ts'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { commandLine } from '../support/command-line.ts'
import { never, openTable, type SqliteFile, sqliteFile, threaded, threadedAfter } from '../support/sqlite-file.ts'

const USERS = `CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT CHECK (name <> 'no'), plan TEXT);
  INSERT INTO users VALUES (1, 'old', 'free'), (2, 'old', 'free')`
const FIELDS = [field('id', 'integer'), field('name'), field('plan')]
const ONE = changeBatch('upsert', FIELDS, [['1', 'one', 'pro']])
const DONE = { status: 'done' }

const rowsOf = (file: SqliteFile) => file.rows('SELECT * FROM users ORDER BY id')

/** A thread that runs that code and not ours. */
function threadThatRuns(code: string): WriterThread {
  const entry = new URL(`data:text/javascript,${encodeURIComponent(code)}`)
  return new WriterThread({ path: '/data/app.db', name: 'users', match: 1 }, entry)
}

test('answers the same as without a thread, whatever becomes of a change', async () => {
  const batches = [
    changeBatch('insert', FIELDS, [
      ['1', 'new', null],
      ['3', 'no', 'pro'],
      ['4', 'four', 'pro'],
      [null, 'nobody', null],
      ['5', 'fünf\t\\ \n"5"', null],
    ]),
    changeBatch('update', FIELDS, [
      ['2', 'two', 'pro'],
      ['9', 'nine', 'pro'],
      ['x', 'x', 'pro'],
    ]),
    changeBatch('delete', FIELDS.slice(0, 1), [['4'], ['8']]),
    changeBatch('upsert', FIELDS, []),
    changeBatch('upsert', FIELDS, [
      ['1', 'uno', null],
      ['6', 'six', 'pro'],
    ]),
  ]
  using here = sqliteFile(USERS)
  using there = sqliteFile(USERS)
  const run = async (file: SqliteFile, definition?: typeof threaded) => {
    await using users = await openTable(file.path, FIELDS, {}, definition)
    const answers = []
    for (const batch of batches) answers.push(await users.write(batch, never))
    return answers
  }
  const answers = await run(there, threaded)
  assert.deepEqual(answers, await run(here))
  assert.deepEqual(
    answers[0]?.map(({ status }) => status),
    ['exists', 'rejected', 'done', 'rejected', 'done'],
  )
  assert.deepEqual(rowsOf(there), rowsOf(here))
})

test('batches that wait for one another are applied in the order in which they were given', async () => {
  using file = sqliteFile(USERS)
  await using users = await openTable(file.path, FIELDS, {}, threaded)
  const finished: number[] = []
  const writes = Array.from({ length: 20 }, async (_, n) => {
    // Batches of every size, so that buffers are used again and grow.
    const rows = Array.from({ length: 1 + ((n * 7) % 20) * 40 }, (_, row) => [
      String(row),
      `name ${n}`,
      `${n}`.repeat(9),
    ])
    const outcomes = await users.write(changeBatch('upsert', FIELDS, rows), never)
    assert.deepEqual(
      outcomes,
      rows.map(() => DONE),
    )
    finished.push(n)
  })
  await Promise.all(writes)
  assert.deepEqual(finished, [...finished.keys()])
  assert.deepEqual(file.rows('SELECT name, plan FROM users WHERE id = 0'), [['name 19', '19'.repeat(9)]])
})

test('a thread takes over from the one that wrote the first rows', async () => {
  using file = sqliteFile(USERS)
  await using users = await openTable(file.path, FIELDS, {}, threadedAfter(2))
  const write = async (id: string) => users.write(changeBatch('upsert', FIELDS, [[id, `name ${id}`, null]]), never)
  assert.deepEqual(await Promise.all(['1', '2', '3', '4'].map(write)), [[DONE], [DONE], [DONE], [DONE]])
  assert.deepEqual(file.column('SELECT name FROM users'), ['name 1', 'name 2', 'name 3', 'name 4'])
})

test('this thread goes on while the other waits for a lock', async () => {
  using file = sqliteFile(USERS)
  await using users = await openTable(file.path, FIELDS, {}, threaded)
  await users.write(ONE, never)
  file.database.exec('BEGIN IMMEDIATE')
  const write = users.write(changeBatch('upsert', FIELDS, [['2', 'two', null]]), never)
  for (let turn = 0; turn < 100; turn++) await nextTurn()
  file.database.exec('COMMIT')
  assert.deepEqual(await write, [DONE])
})

test('a batch that is refused, or a table that is gone, is the same error as without a thread', async () => {
  using file = sqliteFile(`${USERS};
    CREATE TRIGGER guard BEFORE INSERT ON users WHEN new.id = 7 BEGIN SELECT RAISE(ROLLBACK, 'not this one'); END`)
  await using users = await openTable(file.path, FIELDS, {}, threaded)
  const seven = changeBatch('upsert', FIELDS, [['7', 'seven', null]])
  await assert.rejects(users.write(seven, never), (error) => {
    assert.ok(error instanceof BatchRefusedError)
    assert.deepEqual([error.code, error.message], ['SQLITE_CONSTRAINT_TRIGGER', 'not this one'])
    return true
  })
  assert.deepEqual(await users.write(ONE, never), [DONE])
  file.database.exec('DROP TABLE users')
  await assert.rejects(users.write(ONE, never), (error) => {
    assert.ok(error instanceof FatalError)
    assert.equal(error.code, 'sqlite_error')
    assert.match(error.message, /no such table: .*users.*rowferry validate/)
    return true
  })
})

test('an error keeps its class, its words and its cause on the way out of the thread', () => {
  const cause = Object.assign(new Error('database is locked'), { name: 'SqliteError', code: 'SQLITE_BUSY' })
  for (const error of [
    new RetryableError('app.db is locked', { cause }),
    new BatchRefusedError('SQLITE_CONSTRAINT', 'a bad row', { cause }),
    new FatalError('not_a_database', 'app.db is none', { kind: 'configuration', cause }),
  ]) {
    const again = retold(structuredClone(tell(error)))
    assert.ok(again instanceof error.constructor)
    assert.equal(again.message, error.message)
    // What an error has besides the words: code and kind.
    assert.deepEqual(Object.entries(again), Object.entries(error))
    assert.ok(again.cause instanceof Error)
    assert.deepEqual([again.cause.message, again.cause.stack], [cause.message, cause.stack])
    assert.deepEqual(Object.entries(again.cause).sort(), [
      ['code', 'SQLITE_BUSY'],
      ['name', 'SqliteError'],
    ])
  }
  const bug = retold(structuredClone(tell(new TypeError('x is not a function'))))
  assert.deepEqual([bug.name, bug.message], ['TypeError', 'x is not a function'])
  assert.match(bug.stack ?? '', /sqlite-thread\.test/)
})

for (const [how, code, reason] of [
  ['fails while it starts', `throw new Error('no room')`, /no room/],
  ['fails over a batch', `${onMessage(`throw new Error('no room')`)}`, /no room/],
  ['ends the process over a batch', `${onMessage('process.exit(3)')}`, /exit code 3/],
  ['just ends', `${onMessage('parentPort.close()')}`, /exit code 0/],
] as const) {
  test(`a thread that ${how} fails what waits for it and what comes after, and nothing waits for ever`, async () => {
    await using thread = threadThatRuns(code)
    const ended = (error: unknown) => {
      assert.ok(error instanceof FatalError)
      assert.equal(error.code, 'sqlite_writer_ended')
      assert.match(error.message, /^the thread that writes \/data\/app\.db ended before its time \(.*\): run again$/)
      assert.match(error.message, reason)
      return true
    }
    const writes = [thread.write(ONE, never), thread.write(ONE, never)]
    for (const write of writes) await assert.rejects(write, ended)
    await assert.rejects(thread.write(ONE, never), ended)
  })
}

function onMessage(code: string): string {
  return `import { parentPort } from 'node:worker_threads'; parentPort.on('message', () => { ${code} })`
}

test('who stops a batch does not wait for it, nor does closing', async () => {
  await using thread = threadThatRuns(onMessage(''))
  const controller = new AbortController()
  const write = thread.write(ONE, controller.signal)
  controller.abort(new Error('that is enough'))
  await assert.rejects(write, /that is enough/)
})

test('the process ends by itself, whether the destination was closed or forgotten', () => {
  using file = sqliteFile(USERS)
  const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
  for (const end of ['await users[Symbol.asyncDispose]()', '']) {
    const script = `
      const { openTable, threaded, never } = await import(${url('../support/sqlite-file.ts')})
      const { changeBatch } = await import(${url('../../src/testing/contract-record.ts')})
      const { field } = await import(${url('../support/batch-field.ts')})
      const fields = [field('id', 'integer'), field('name')]
      const users = await openTable(${JSON.stringify(file.path)}, fields, {}, threaded)
      console.log(JSON.stringify(await users.write(changeBatch('upsert', fields, [['1', 'one']]), never)))
      ${end}`
    const argv = ['--import', 'tsx', '--input-type=module', '-e', script]
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 60_000 })
    assert.deepEqual([status, stdout], [0, '[{"status":"done"}]\n'], stderr)
  }
})

const GENERATED = `
version: 1
connections: { made: 'generate:?rows=40000', app: 'sqlite:./app.db' }
syncs:
  all:
    source: { connection: made, table: rows }
    key: id
    mode: mirror
    destination: { connection: app, table: contacts, create: true }
    batch: { size: 1000 }
`
const TELL = `process.on('worker', (worker) => { process._rawDebug('a thread has started')
  worker.on('exit', (code) => process._rawDebug('a thread has ended: ' + code)) })`

/** The bundled command line in a folder of its own; it tells of its threads on stderr. */
function generated() {
  const preload = `data:text/javascript,${encodeURIComponent(TELL).replaceAll("'", '%27')}`
  return commandLine(GENERATED, { NODE_OPTIONS: `--import=${preload}` })
}

async function contactsOf(path: string): Promise<unknown[]> {
  const database = new (await loadSqlite())(path, { timeout: 10_000 })
  try {
    return database.prepare('SELECT count(*), count(DISTINCT id), sum(length(email)) FROM contacts').raw().get() as []
  } finally {
    database.close()
  }
}

test('the command line as it is shipped starts the thread for many rows, and none for few', async () => {
  using line = generated()
  const few = line.run('run', 'all', '--json', '--limit', '5000')
  assert.equal(few.status, 0, few.stderr)
  assert.doesNotMatch(few.stderr, /a thread has/)
  const all = line.run('run', 'all', '--json')
  assert.equal(all.status, 0, all.stderr)
  assert.match(all.stderr, /a thread has started\n(.*\n)*a thread has ended: 0\n/)
  assert.equal(all.json<{ counts: { inserted: number } }>().counts.inserted, 35_000)
  assert.deepEqual((await contactsOf(line.file('app.db'))).slice(0, 2), [40_000, 40_000])
})

test('after a kill -9 while the thread writes, the next run brings the table to the model', async () => {
  using line = generated()
  using whole = generated()
  assert.equal(whole.run('run', 'all').status, 0)
  const child = line.start('run', 'all', '--quiet')
  let told = ''
  for await (const chunk of child.stderr) {
    told += String(chunk)
    if (told.includes('a thread has started')) child.kill('SIGKILL')
  }
  const again = line.run('run', 'all', '--json')
  assert.equal(again.status, 0, again.stderr)
  assert.deepEqual(await contactsOf(line.file('app.db')), await contactsOf(whole.file('app.db')))
  const counts = line.run('run', 'all', '--json').json<{ counts: { unchanged: number } }>().counts
  assert.equal(counts.unchanged, 40_000)
})

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import type { Report } from '../../src/core/report.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'

const PASSWORD = 'canary/7f3a b'
const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

const CONFIGURATION = `version: 1
connections:
  warehouse: \${DATABASE_URL}
  app: sqlite:./app.db
syncs:
  contacts:
    tags: [crm]
    source: { connection: warehouse, table: contacts }
    key: id
    mode: mirror
    destination: { connection: app, table: contacts, create: true }
  slow:
    source:
      connection: warehouse
      sql: select id, case when pg_sleep(0.02) is null then 1 end as nothing from contacts, generate_series(1, 100)
    key: id
    mode: upsert
    destination: { connection: app, table: slow, create: true }
`

let postgres: TestPostgres
let client: pg.Client
let folder: string
let environment: NodeJS.ProcessEnv

before(async () => {
  postgres = await startPostgres()
  client = new pg.Client(postgres.url)
  await client.connect()
})

after(async () => {
  await client.end()
  await postgres[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

beforeEach(async () => {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  folder = mkdtempSync(join(tmpdir(), 'rowferry-cli-'))
  writeFileSync(join(folder, 'rowferry.yaml'), CONFIGURATION)
  const url = new URL(postgres.url)
  url.password = PASSWORD
  environment = { ...process.env, DATABASE_URL: url.href }
  await client.query(`
    DROP TABLE IF EXISTS contacts;
    CREATE TABLE contacts AS SELECT i AS id, 'a' || i || '@example.com' AS email FROM generate_series(1, 100) i`)
})

function rowferry(...argv: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', TSX, MAIN, ...argv], {
    cwd: folder,
    encoding: 'utf8',
    env: environment,
  })
  return { status, stdout, stderr, report: () => JSON.parse(stdout) as Report }
}

test('runs, says so, and prints nothing but data on stdout', () => {
  const first = rowferry('run', 'contacts', '--report', 'report.json')
  assert.equal(first.status, 0, first.stderr)
  assert.equal(first.stdout, '')
  assert.match(first.stderr, /^contacts {2}mirror {2}100 inserted {3}/m)
  const [reported] = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as Report[]
  assert.equal(reported?.counts.inserted, 100)

  const again = rowferry('run', 'contacts', '--json', '-q')
  assert.equal(again.status, 0)
  assert.equal(again.report().counts.unchanged, 100)
  assert.equal(again.stdout.split('\n').length, 2)
  assert.equal(again.stderr, '')
})

test('a plan shows the changes and makes none', async () => {
  rowferry('run', 'contacts')
  await client.query(`
    UPDATE contacts SET email = 'new' WHERE id = 1;
    DELETE FROM contacts WHERE id = 2;
    INSERT INTO contacts VALUES (101, null)`)
  const plan = rowferry('plan', 'contacts', '--detailed-exitcode')
  assert.equal(plan.status, 2)
  assert.equal(plan.stdout, '')
  assert.match(plan.stderr, /^ {2}\+ 101 .*email=null$/m)
  assert.match(plan.stderr, /^ {2}~ 1 .*email=new$/m)
  assert.match(plan.stderr, /^ {2}- 2$/m)
  assert.match(plan.stderr, /^ {2}\+ 1 {3}~ 1 {3}- 1 {3}= 98 unchanged/m)

  assert.equal(rowferry('plan', 'contacts', '--json', '--rows', '1').report().counts.updated, 1)
  assert.equal(rowferry('run', 'contacts', '--json').report().counts.updated, 1)
})

test('held deletes exit 4 and say what to type, which then works', async () => {
  rowferry('run', 'contacts')
  await client.query('DELETE FROM contacts WHERE id > 50')
  const held = rowferry('run', 'contacts')
  assert.equal(held.status, 4)
  assert.match(held.stderr, /50 deletes held/)
  const [, ...typed] = /(--allow-deletes) (\d+)/.exec(held.stderr) ?? []
  const allowed = rowferry('run', 'contacts', ...typed, '--json')
  assert.equal(allowed.status, 0)
  assert.equal(allowed.report().counts.deleted, 50)
})

test('bad rows exit 3 with their reason', async () => {
  await client.query(`INSERT INTO contacts VALUES (null, 'x')`)
  const run = rowferry('run', 'contacts')
  assert.equal(run.status, 3)
  assert.match(run.stderr, /^ {2}invalid {2}1 × missing_key /m)
})

test('what a run found wrong with the systems decides its exit code', async () => {
  await client.query('DROP TABLE contacts')
  const missing = rowferry('run', 'contacts', '--json')
  assert.equal(missing.status, 78)
  assert.equal(missing.report().status, 'failed')
  assert.match(missing.stderr, /error model_table_missing/)
  assert.equal(rowferry('validate', 'contacts').status, 78)

  environment['DATABASE_URL'] = 'postgres://127.0.0.1:1/db?connect_timeout=2'
  const unreachable = rowferry('validate', 'contacts')
  assert.equal(unreachable.status, 1)
  assert.match(unreachable.stderr, /^contacts {2}problem {2}/m)
  const offline = rowferry('validate', '--no-connect')
  assert.equal(offline.status, 0)
  assert.equal(offline.stderr, 'contacts  ok\nslow      ok\n')

  const spare = '  spare: { type: sqlite, path: ./spare.db, mode: wal }\n'
  writeFileSync(join(folder, 'spare.yaml'), CONFIGURATION.replace('syncs:\n', `${spare}syncs:\n`))
  const unused = rowferry('validate', '--no-connect', '-f', 'spare.yaml')
  assert.equal(unused.status, 78)
  assert.match(unused.stderr, /^spare\.yaml:\d+:\d+ {2}connections\.spare\.mode: unknown key$/m)
  assert.doesNotMatch(unused.stderr, /ok/)
  const named = rowferry('validate', '--no-connect', '-f', 'spare.yaml', 'contacts')
  assert.deepEqual([named.status, named.stderr], [0, 'contacts  ok\n'])
})

test('a configuration that is wrong exits 78 with all its problems, and a sync that is not there exits 64', () => {
  writeFileSync(join(folder, 'bad.yaml'), CONFIGURATION.replace('mode: mirror', 'mode: miror'))
  const bad = rowferry('run', '-f', 'bad.yaml')
  assert.equal(bad.status, 78)
  assert.match(bad.stderr, /^bad\.yaml:10:\d+ .*did you mean "mirror"\?$/m)

  const unknown = rowferry('run', 'contcts')
  assert.equal(unknown.status, 64)
  assert.equal(unknown.stderr, 'rowferry: no sync named "contcts" — did you mean "contacts"?\nsyncs: contacts, slow\n')
  assert.equal(rowferry('plan', '--select', 'tag:ops').status, 64)
  assert.equal(rowferry('run', '--report', 'no/such/folder.json').status, 64)
})

test('no secret is printed or stored', async () => {
  await client.query(`UPDATE contacts SET email = '${PASSWORD}' WHERE id = 1`)
  const printed = [
    rowferry('plan', 'contacts', '--json', '-v'),
    rowferry('run', 'contacts', '--json', '-v', '--log-format', 'json', '--report', 'report.json'),
    rowferry('validate', 'contacts', '-v'),
  ].flatMap(({ stdout, stderr }) => [stdout, stderr])
  const stored = ['rowferry.yaml', 'app.db']
  for (const name of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (name.isFile() && !stored.includes(name.name))
      printed.push(readFileSync(join(name.parentPath, name.name), 'latin1'))
  }
  for (const text of printed) {
    assert.ok(!text.includes(PASSWORD))
    assert.ok(!text.includes(encodeURIComponent(PASSWORD)))
  }
})

test('an interrupted run stops in good order, and meanwhile nobody else may run the sync', async () => {
  const child = spawn(process.execPath, ['--import', TSX, MAIN, 'run', 'slow', '--json'], {
    cwd: folder,
    env: environment,
    stdio: 'pipe',
  })
  const exit = once(child, 'close')
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const running = `SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(0.02)%' AND state = 'active' AND pid <> pg_backend_pid()`
  while ((await client.query(running)).rowCount === 0) await client.query('SELECT pg_sleep(0.02)')

  assert.equal(rowferry('run', 'slow').status, 75)

  child.kill('SIGINT')
  assert.deepEqual(await exit, [130, null], stderr)
  assert.match(stderr, /^stopping: finishing the batches in flight \(again to stop at once\)$/m)
  assert.equal((JSON.parse(stdout) as Report).status, 'cancelled')
})

test('a reader that has read enough is no error', async () => {
  const child = spawn(process.execPath, ['--import', TSX, MAIN, 'schema'], { cwd: folder, stdio: 'pipe' })
  child.stdout.destroy()
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  assert.deepEqual(await once(child, 'close'), [0, null])
  assert.equal(stderr, '')

  const schema = JSON.parse(rowferry('schema').stdout) as { properties: Record<string, unknown> }
  assert.ok('syncs' in schema.properties)
})

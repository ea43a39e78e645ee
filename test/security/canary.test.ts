// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to the environment are what is tested
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { quoteLiteral } from '../../src/connectors/postgres-identifiers.ts'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { CanaryHunt, canary } from '../support/canaries.ts'
import { type CommandLine, commandLine } from '../support/command-line.ts'

const SOURCE = canary('source')
const TARGET = canary('target')
const WRONG = canary('wrong')
const PARAM = canary('param')
const CONSTANT = canary('constant')
const UNUSED = canary('unused')

let postgres: TestPostgres
let admin: pg.Client
let cli: CommandLine

const url = (user: string, password: string, { port = postgres.port, more = '' } = {}) =>
  `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres${more}`

/** Where connections lead that do not work, each with a password in it. */
const BROKEN: Readonly<Record<string, () => string>> = {
  wrong: () => url('reader', WRONG),
  nowhere: () => url('reader', WRONG, { port: 1 }),
  untrusted: () => url('reader', SOURCE, { more: '?sslmode=verify-full' }),
  unreadable: () => url('reader', SOURCE, { more: '?sslmode=verify-ca&sslrootcert=nowhere.pem' }),
  malformed: () => `postgres://reader:${WRONG}@127.0.0.1/postgres`,
  misspelled: () => url('reader', WRONG, { more: '?sslmod=require' }),
  elsewhere: () => url('reader', SOURCE).replace(/postgres$/, 'nodb'),
}

function configuration(): string {
  const sync = (source: string, more = '') =>
    `{ source: ${source}, key: id, mode: mirror, destination: { connection: app, table: users }${more} }`
  const model =
    '{ connection: warehouse, sql: "select id, name from model where :token <> \'\'", params: { token: "${PARAM}" } }'
  return `version: 1
state: state
connections:
  warehouse: \${WAREHOUSE_URL}
  app: { type: postgres, host: 127.0.0.1, port: ${postgres.port}, database: postgres, user: writer, password: "\${TARGET}" }
  file: sqlite:./app.db
${Object.keys(BROKEN)
  .map((name) => `  ${name}: \${${name.toUpperCase()}_URL}`)
  .join('\n')}
syncs:
  good: ${sync(model)}
  constant: ${sync(model, ', fields: { id: id, note: { value: "${CONSTANT}" } }')}
  refused: ${sync(model, ', fields: { id: id, number: { value: "${CONSTANT}", type: text } }')}
  sqlite: { source: ${model}, key: id, mode: upsert, destination: { connection: file, table: strict }, fields: { id: id, note: { value: "\${CONSTANT}" } } }
  cast: ${sync('{ connection: warehouse, sql: "select id, name from model where id = :token::int", params: { token: "${PARAM}" } }')}
  division: ${sync('{ connection: warehouse, sql: "select id, (name || :token)::int as name from model", params: { token: "${PARAM}" } }')}
  soft: ${sync('{ connection: warehouse, sql: "select id, name from model where id < 0" }', ', deletes: { as: { note: "${CONSTANT}" } }')}
${Object.keys(BROKEN)
  .map((name) => `  ${name}: ${sync(`{ connection: ${name}, table: model }`)}`)
  .join('\n')}
`
}

/** A run that takes long enough to be looked at, and killed. */
const SLOW = `version: 1
state: state
connections: { warehouse: "\${WAREHOUSE_URL}", file: sqlite:./app.db }
syncs:
  slow:
    source:
      connection: warehouse
      sql: select id, :token::text as token, pg_sleep(0.001)::text as slept from generate_series(1, 100000) id
      params: { token: "\${PARAM}" }
    key: id
    mode: upsert
    destination: { connection: file, table: slow, create: true }
`

before(async () => {
  postgres = await startPostgres()
  admin = new pg.Client(postgres.url)
  await admin.connect()
  await admin.query(`
    CREATE ROLE reader LOGIN PASSWORD ${quoteLiteral(SOURCE)};
    CREATE ROLE writer LOGIN PASSWORD ${quoteLiteral(TARGET)};
    CREATE TABLE model (id bigint PRIMARY KEY, name text); INSERT INTO model SELECT i, 'n' || i FROM generate_series(1, 5) i;
    CREATE TABLE users (id bigint PRIMARY KEY, name text, note text CHECK (length(note) < 3), number int);
    INSERT INTO users VALUES (99, 'foreign', NULL, NULL);
    GRANT ALL ON model, users TO reader, writer`)
  const rules = join(postgres.dataDirectory, 'pg_hba.conf')
  writeFileSync(rules, 'host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n')
  const { uid, gid } = statSync(postgres.dataDirectory)
  chownSync(rules, uid, gid)
  await admin.query('SELECT pg_reload_conf()')
  const variables = Object.entries(BROKEN).map(([name, value]) => [`${name.toUpperCase()}_URL`, value()])
  cli = commandLine(configuration(), {
    WAREHOUSE_URL: url('reader', SOURCE),
    TARGET,
    PARAM,
    UNUSED,
    ...Object.fromEntries(variables),
  })
  // One of them comes from the file beside the configuration.
  cli.write('.env', `CONSTANT=\`${CONSTANT}\`\n`)
  cli.write('slow.yaml', SLOW)
  const database = new (await loadSqlite())(cli.file('app.db'))
  database.exec('CREATE TABLE strict (id INTEGER PRIMARY KEY, note TEXT CHECK (length(note) < 3))')
  database.close()
})
after(async () => {
  cli?.[Symbol.dispose]()
  await admin?.end()
  await postgres?.[Symbol.asyncDispose]()
})

/** Where the secrets are meant to be, and the databases that got them as data. */
const MEANT = ['.env', 'app.db', 'app.db-wal', 'app.db-shm']

/** Every command, in the ways that print most, over syncs that succeed and that fail in every way. `ID` is the run before. */
const COMMANDS: readonly string[] = [
  'run good --json -v',
  'run constant -v',
  'run nowhere -v',
  'run -v --log-format json --report report.json',
  'run --json --no-color --full --allow-deletes 100%',
  'run good --dry-run -v --keys 1 2',
  'plan --json -v',
  'plan -v --log-format json',
  'validate -v',
  'validate --no-connect',
  'validate --json -v --log-format json',
  ...['constant', 'cast', 'wrong', 'untrusted'].flatMap((sync) => [`preview ${sync} -v`, `test ${sync} -v`]),
  'index show refused -v --json',
  'index rebuild malformed -v',
  'index rebuild constant -v',
  'index forget constant -v',
  'status -v',
  'status --json',
  'history -v',
  'history --json',
  'show ID -v',
  'show ID --json',
  'rejected -v',
  'rejected --format ndjson',
  'rejected --sync refused --format ndjson',
  'connectors --json',
  'schema',
  'completion bash',
  'complete -- run ',
  '--help',
  'run --help',
  'init --help',
  'run goood -v',
  'run --ful',
]

test('no secret is printed, logged, reported or kept, by any command, however it ends', (t) => {
  const hunt = new CanaryHunt()
  const codes = new Map<number | null, number>()
  let id = 'none'
  for (const command of COMMANDS) {
    const argv = command.split(' ').map((word) => (word === 'ID' ? id : word))
    const { status, stdout, stderr } = cli.run(...argv)
    codes.set(status, (codes.get(status) ?? 0) + 1)
    assert.doesNotMatch(stderr, /mistake in rowferry/, command)
    id = /"run_id":"([^"]+)"/.exec(stdout)?.[1] ?? id
    hunt.look(`stdout of ${command}`, stdout)
    hunt.look(`stderr of ${command}`, stderr)
    hunt.lookIn(cli.folder, MEANT)
  }
  assert.deepEqual(hunt.found, [])
  t.diagnostic(
    `${COMMANDS.length} commands (exit codes ${[...codes].map(([code, times]) => `${code}: ${times}`).join(', ')}), ` +
      `${hunt.places} outputs and files, ${hunt.bytes} bytes: no canary`,
  )
  // It would be no proof if nothing had failed, or nothing been rejected.
  for (const code of [0, 1, 3, 64, 78]) assert.ok((codes.get(code) ?? 0) > 0, `nothing ended with ${code}`)
  const rejected = cli.run('rejected', '--sync', 'constant', '--format', 'ndjson')
  assert.match(rejected.stdout, /\*\*\*/)
})

test('a run that is killed leaves none in its log, its journal or its arguments', async (t) => {
  const hunt = new CanaryHunt()
  const child = cli.start('run', '-f', 'slow.yaml', '-v', '--json')
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (printed += text))
  const wal = cli.file('state/slow.sqlite-wal')
  while (child.exitCode === null && !(existsSync(wal) && statSync(wal).size > 0)) await new Promise(setImmediate)
  hunt.lookAt(child.pid as number)
  // Others of the server's users see what runs, if they may.
  const { rows } = await admin.query(`SELECT application_name FROM pg_stat_activity WHERE usename = 'reader'`)
  for (const { application_name } of rows) hunt.look('the name of the connection', application_name)
  hunt.lookIn(cli.folder, MEANT)
  child.kill('SIGKILL')
  await once(child, 'close')
  assert.ok(readdirSync(cli.file('state')).includes('slow.sqlite-wal'))
  hunt.lookIn(cli.folder, MEANT)
  hunt.look('what it printed', printed)
  assert.deepEqual(hunt.found, [])
  t.diagnostic(`${hunt.places} places, ${hunt.bytes} bytes: no canary`)
})

test('options of the command line are masked where they are repeated', (t) => {
  const hunt = new CanaryHunt()
  cli.write('rows.csv', 'id,name\n1,a\n')
  mkdirSync(cli.file('fresh'))
  const secret = encodeURIComponent(WRONG)
  const places = [
    `postgres://reader:${secret}@127.0.0.1:${postgres.port}/postgres#users`,
    `postgres://reader:${secret}@127.0.0.1:1/postgres#users`,
    `postgres://reader:${secret}@127.0.0.1/postgres`,
    `postgres://reader:${secret}@127.0.0.1/postgres?sslmode=perhaps#users`,
    `postgres://127.0.0.1:1/postgres?user=reader&password=${secret}#users`,
    `postgres://127.0.0.1/postgres?password=${secret}`,
    `postgres://reader:${WRONG}@127.0.0.1/postgres#users`,
  ]
  const commands = places.flatMap((place) => [
    ['run', '--from', 'rows.csv', '--key', 'id', '--to', place, '-v', '--state', 'fresh/state'],
    ['init', '--chdir', 'fresh', '--from', place, '--table', 'x', '--key', 'id', '--to', 'mysql://x'],
  ])
  for (const argv of commands) {
    const { status, stdout, stderr } = cli.run(...argv)
    assert.notEqual(status, 0)
    hunt.look(`stdout of ${argv.join(' ').slice(0, 40)}`, stdout)
    hunt.look(`stderr of ${argv.join(' ').slice(0, 40)}`, stderr)
    hunt.lookIn(cli.folder, MEANT)
  }
  assert.deepEqual(hunt.found, [])
  t.diagnostic(`${commands.length} commands: no canary`)
})

test('the hunt finds what is not masked: in what is printed, and in the state', async () => {
  const hunt = new CanaryHunt()
  // What is written into the file in the clear and named like nothing is no secret to anybody.
  using bare = commandLine(
    `version: 1
connections: { file: "sqlite:./app.db", from: "sqlite:./app.db" }
syncs:
  open: { source: { file: rows.csv }, key: id, mode: upsert, destination: { connection: file, table: strict },
          fields: { id: id, note: { value: "${WRONG.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}" } } }
`,
  )
  bare.write('rows.csv', 'id\n1\n')
  const database = new (await loadSqlite())(bare.file('app.db'))
  database.exec('CREATE TABLE strict (id TEXT PRIMARY KEY, note TEXT CHECK (length(note) < 3))')
  database.close()
  const run = bare.run('run', 'open')
  assert.equal(run.status, 3, run.stderr)
  hunt.lookIn(bare.folder, ['rowferry.yaml'])
  hunt.look('printed', bare.run('preview', 'open').stdout)
  for (const form of ['base64', 'hex', 'utf16le'] as const) {
    hunt.look(form, form === 'utf16le' ? Buffer.from(WRONG, form) : Buffer.from(WRONG).toString(form))
  }
  const places = hunt.found.map((found) => found.split(': ')[0]?.split('/').at(-1))
  assert.deepEqual(places, ['history.sqlite', 'printed', 'base64', 'hex', 'utf16le'])
})

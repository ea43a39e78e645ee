import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import { type CommandLine, commandLine, type Ended } from '../support/command-line.ts'

const CONFIGURATION = `version: 1
connections: { shop: sqlite:./shop.db, app: sqlite:./app.db }
syncs:
  contacts:
    tags: [crm]
    source: { connection: shop, table: contacts }
    key: id
    mode: mirror
    destination: { connection: app, table: contacts, create: true }
  leavers:
    source: { connection: shop, table: contacts }
    key: id
    mode: delete-only
    destination: { connection: app, table: contacts, create: true }
  piped: { source: { stdin: csv }, key: id, mode: upsert, destination: { connection: app, table: piped, create: true } }
`

let cli: CommandLine
let untouched: readonly string[]

before(async () => {
  cli = commandLine(CONFIGURATION)
  const shop = new (await loadSqlite())(cli.file('shop.db'))
  shop.exec(
    "CREATE TABLE contacts (id INTEGER PRIMARY KEY, email TEXT); INSERT INTO contacts VALUES (1, 'a@example.com')",
  )
  shop.close()
  mkdirSync(cli.file('folder'))
  writeFileSync(cli.file('latin.yaml'), Buffer.from('version: 1 # \xe9\n', 'latin1'))
  cli.write('rows.csv', 'id,email\n1,a@example.com\n')
  cli.write('notes.txt', 'not a database '.repeat(1000))
  untouched = listing()
})
after(() => cli[Symbol.dispose]())

function listing(): string[] {
  return readdirSync(cli.folder, { recursive: true, encoding: 'utf8' }).sort()
}

type Printed = Pick<Ended, 'status' | 'stdout' | 'stderr'>

/** One message of at most two lines, of which the second says what to type; and nothing was written. */
function isRefused({ status, stdout, stderr }: Printed, exit: number, said: RegExp): void {
  assert.equal(status, exit, stderr)
  assert.equal(stdout, '')
  assert.match(stderr, /^rowferry: .+\n(?:.+\n)?$/)
  assert.match(stderr, said)
  assert.deepEqual(listing(), untouched)
}

const MEANT = /^rowferry: no sync named "contcts" — did you mean "contacts"\?\nsyncs: contacts, leavers, piped\n$/
const NUMBER = /'(.*)' is invalid: give a whole number, 0 or more\nsee rowferry \w+ --help\n$/

/** What is typed, in a folder with a configuration that is right. */
const COMMANDS: readonly (readonly [argv: string, exit: number, said: RegExp])[] = [
  ...['run', 'plan', 'validate', 'preview', 'test', 'status', 'history', 'rejected --sync'].map(
    (command) => [`${command} contcts`, 64, MEANT] as const,
  ),
  ...['show', 'rebuild', 'forget'].map((verb) => [`index ${verb} contcts`, 64, MEANT] as const),
  ...['preview', 'test', 'index show', 'index forget', 'index rebuild'].map(
    (command) =>
      [command, 64, /^rowferry: missing required argument 'sync'\nsee rowferry (index )?\w+ --help\n$/] as const,
  ),
  ['show', 64, /missing required argument 'run'\nsee rowferry show --help/],
  ['show 1a2b', 64, /^rowferry: there are no runs yet\nbegin with `rowferry run`\n$/],
  ['rejected 1a2b', 64, /^rowferry: there are no runs yet\nbegin with `rowferry run`\n$/],
  ['run --limit -1', 64, NUMBER],
  ['run --limit abc', 64, NUMBER],
  ['plan --limit 1.5', 64, NUMBER],
  ['plan --rows many', 64, NUMBER],
  ['preview contacts -n x', 64, NUMBER],
  ['run piped --rows -5', 64, NUMBER],
  ['history --limit 0', 64, /'0' is invalid: give a whole number, 1 or more/],
  ['run --keys 1', 64, /^rowferry: --keys is for one sync, not for 3\nname one of contacts, leavers, piped\n$/],
  ['run contacts --keys 1 --limit 1', 64, /cannot be used with option '--limit <count>'/],
  ['run --select crm', 64, /'crm' is invalid: give a tag \(tag:crm\); name syncs without --select/],
  ['run --select tag:cmr', 64, /^rowferry: no sync has the tag "cmr" — did you mean "crm"\?\ntags: crm\n$/],
  ['run --allow-deletes some', 64, /'some' is invalid: give a number of records \(500\) or a share of them \(5%\)/],
  ['run --allow-deletes 101%', 64, /'101%' is invalid: give a number of records/],
  ['run --ful', 64, /^rowferry: unknown option '--ful' — did you mean --full\?\nsee rowferry run --help\n$/],
  ['status --log-format xml', 64, /'xml' is invalid: Allowed choices are text, json\./],
  ['rejected --format xml', 64, /'xml' is invalid: Allowed choices are text, ndjson\./],
  ['index vacuum contacts', 64, /^rowferry: unknown command 'vacuum'\nsee rowferry index --help\n$/],
  ['index show contacts leavers', 64, /too many arguments for 'show'.*\nsee rowferry index show --help\n$/],
  ['completion tcsh', 64, /'tcsh' is invalid.* Allowed choices are bash, zsh, fish\./],
  ['completion', 64, /missing required argument 'shell'/],
  ['schema v1', 64, /too many arguments/],
  ['connectors postgres', 64, /too many arguments/],
  ['init', 64, /^rowferry: there is a rowferry\.yaml already\nedit it, or begin in another folder with --chdir\n$/],
  ['init --mode copy --chdir folder', 64, /'copy' is invalid: Allowed choices are mirror, upsert/],
  ['init --to mysql://db/shop --chdir folder', 64, /no destination answers to mysql:.*\nthere are .*sqlite:/],
  ['init --name Orders! --chdir folder', 64, /"Orders!" cannot name a sync\nuse a-z, 0-9, _ and -/],
  ['init --key id, --chdir folder', 64, /^rowferry: --key has an empty part\nsuch as --table users --key id/],
  ['init --to sqlite:./app.db# --chdir folder', 64, /^rowferry: --to has an empty part\n/],
  [
    'test leavers',
    64,
    /leavers has mode delete-only, which sends no records\nsee what it would delete with `rowferry plan`/,
  ],
  [
    'run --report nowhere/report.json',
    64,
    /cannot write nowhere.report\.json: no folder .*nowhere to write to\ngive --report a file/,
  ],
  ['run --report folder', 64, /^rowferry: folder is a folder\ngive --report the name of a file\n$/],
  ['run --chdir nowhere', 64, /^rowferry: there is no folder nowhere\ngive --chdir a folder that exists\n$/],
  ['run --chdir rows.csv', 64, /^rowferry: there is no folder rows\.csv\ngive --chdir a folder that exists\n$/],
  ['run -f nowhere.yaml', 78, /^rowferry: there is no .*nowhere\.yaml; give the path of the configuration\n$/],
  ['run -f folder', 78, /^rowferry: the configuration .*folder cannot be read; check it: EISDIR/],
  ['run -f latin.yaml', 78, /^rowferry: latin\.yaml is not UTF-8; save it as UTF-8\n$/],
  [
    'run --chdir folder',
    78,
    /there is no rowferry\.yaml in .*folder; write one with .*\nthere is \.\..rowferry\.yaml: add --chdir \.\.\n$/,
  ],
  [
    'preview piped',
    1,
    /^rowferry: stdin is empty: CSV starts with a header line, or needs `columns`: look at what writes it\n$/,
  ],
]
for (const [argv, exit, said] of COMMANDS) {
  test(`rowferry ${argv}: exit ${exit}, what to do, and nothing else`, () => {
    isRefused(cli.run(...argv.split(' ')), exit, said)
  })
}

const FROM = ['run', '--from', 'rows.csv', '--key', 'id']

/** Where rows are to go, without a configuration. */
const DESTINATIONS: readonly (readonly [to: string, said: RegExp])[] = [
  ['sqlite:./app.db', /^rowferry: --to sqlite:\.\/app\.db does not say which table\nput it behind a #/],
  ['app.db#users', /^rowferry: --to app\.db#users is no URL\nwrite it like sqlite:/],
  ['ftp://host/db#users', /^rowferry: --to: there is no destination "ftp": use one of postgres, /],
  ['sqlit:./app.db#users', /there is no destination "sqlit": did you mean "sqlite"\?/],
  ['stdin:#users', /stdin cannot be a destination: use one of postgres, /],
  ['sqlite:#users', /^rowferry: --to: expected the path of a file\nwrite it like sqlite:/],
  ['file:./out.txt#users', /the name of the file does not say its format: end it in \.csv or \.ndjson/],
  ['postgres://me:hunter22@host/db?sslmode=maybe#users', /^rowferry: --to: sslmode in the URL/],
  ['postgres://me:hunter22@host/db', /^rowferry: --to postgres:\/\/me:…@host\/db does not say which table/],
  [
    'postgres://host/db?password=hunter22',
    /^rowferry: --to postgres:\/\/host\/db\?password=… does not say which table/,
  ],
  ['postgres//me:hunter22@host/db#users', /^rowferry: --to postgres\/\/me:…@host\/db#users is no URL/],
]
for (const [to, said] of DESTINATIONS) {
  test(`--to ${to.replace('hunter22', '…')} is a mistake on the command line, and no password is printed`, () => {
    const ended = cli.run(...FROM, '--to', to)
    isRefused(ended, 64, said)
    assert.doesNotMatch(ended.stderr, /hunter22/)
  })
}

test('what the options of a sync come to is a mistake on the command line, too', () => {
  for (const [argv, said] of [
    [['--key', 'id'], /^rowferry: --key: "id" is there twice; name it once\n$/],
    [['--from', '', '--format', 'csv'], /^rowferry: --from: expected the path of a file, got ""\n$/],
    [['--state', ''], /^rowferry: --state: /],
  ] as const) {
    isRefused(cli.run(...FROM, '--to', 'sqlite:./app.db#users', ...argv), 64, said)
  }
})

test('a file for the environment that is not there, or is none, is named', () => {
  // Behind `--` Node leaves the option alone, which it has as well.
  const main = cli.program.split(' ').at(-1) as string
  for (const [file, said] of [
    ['nowhere.env', /^rowferry: there is no .*nowhere\.env; give the path of the environment file\n$/],
    ['folder', /^rowferry: the environment file .*folder cannot be read; check it: EISDIR.*\n$/],
  ] as const) {
    const argv = ['--', main, 'run', '--env-file', file]
    const { status, stdout, stderr } = spawnSync(process.execPath, argv, { cwd: cli.folder, encoding: 'utf8' })
    isRefused({ status, stdout, stderr }, 78, said)
  }
  assert.notEqual(cli.run('run', '--env-file', 'nowhere.env').status, 0)
})

test('a state folder that is a file is a mistake on the command line', () => {
  const said = /^rowferry: --state rows\.csv is no folder\ngive --state a folder; it is made if it is missing\n$/
  isRefused(cli.run(...FROM, '--to', 'sqlite:./app.db#users', '--state', 'rows.csv'), 64, said)
})

test('the code of a failure is there for who asks for more, and for programs', () => {
  const verbose = cli.run('status', '-f', 'nowhere.yaml', '-v')
  assert.match(verbose.stderr, /^rowferry: there is no .*\ncode configuration_unreadable\n$/)
  const { code, level } = JSON.parse(cli.run('status', '-f', 'nowhere.yaml', '--log-format', 'json').stderr)
  assert.deepEqual([code, level], ['configuration_unreadable', 'error'])
})

test('an index without a verb is answered with its help', () => {
  const { status, stdout, stderr } = cli.run('index')
  assert.deepEqual([status, stdout], [64, ''])
  assert.match(stderr, /^Usage: rowferry index /)
})

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import { type CommandLine, commandLine, type Ended } from '../support/command-line.ts'
import { asOrdinaryUser } from '../support/ordinary-user.ts'

const TO = ['--to', 'sqlite:./app.db#users', '--key', 'id']

function folderWith(name: string, content: string | Buffer | null | undefined): CommandLine {
  const folder = commandLine()
  if (content === null) mkdirSync(folder.file(name))
  else if (content !== undefined) writeFileSync(folder.file(name), content)
  return folder
}

type Printed = Pick<Ended, 'status' | 'stdout' | 'stderr'>

/** A run that began is in the history, so a state folder is made; of `folder` what it was to write is not there. */
function isFailed(run: Printed, folder: CommandLine | undefined, code: string, exit: number, said: RegExp): void {
  assert.equal(run.stdout, '')
  const [verdict = '', error = '', ...more] = run.stderr.split('\n')
  assert.match(verdict, /^(users|x)-[0-9a-f]{8} {2}\S+ {2}failed {3}/)
  assert.match(error, new RegExp(`^ {2}error ${code} {2}`))
  assert.match(error, said)
  assert.deepEqual(more, [''], 'one message')
  assert.equal(run.status, exit)
  const written = /^(app\.db|out\.|nowhere)/
  if (folder !== undefined)
    assert.deepEqual(
      readdirSync(folder.folder).filter((name) => written.test(name)),
      [],
    )
}

const PNG = Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex')
const ZIP = Buffer.from('504b03041400060008000000210062ee9d680a', 'hex')
const CSV = 'id,email\n1,a@example.com\n2,b@example.com\n'

type File = readonly [
  what: string,
  name: string,
  content: string | Buffer | null | undefined,
  code: string,
  exit: number,
  said: RegExp,
]

/** What is in the file that `--from` names; null is a folder, undefined nothing at all. */
const FILES: readonly File[] = [
  ['a file that is not there', 'a.csv', undefined, 'no_such_file', 78, /there is no file .*a\.csv: check the path$/],
  ['a folder', 'a.csv', null, 'file_unreadable', 78, /a\.csv is a folder: name a file$/],
  ['an empty CSV', 'a.csv', '', 'input_empty', 1, /a\.csv is empty: CSV starts with a header line/],
  ['an empty NDJSON', 'a.ndjson', '', 'no_columns', 1, /holds no row, so its columns are not known: list them/],
  [
    'a header in capitals',
    'a.csv',
    'ID,email\n1,a\n',
    'unknown_column',
    78,
    /key: the model has no column id — did you mean "ID"\?; it has ID, email$/,
  ],
  [
    'a header without the key',
    'a.csv',
    'email\na\n',
    'unknown_column',
    78,
    /the model has no column id; it has email$/,
  ],
  [
    'rows without a header',
    'a.csv',
    '1,a@example.com\n2,b\n',
    'unknown_column',
    78,
    /no column id; it has 1, a@example\.com$/,
  ],
  [
    'semicolons',
    'a.csv',
    'id;email\n1;a\n',
    'wrong_delimiter',
    1,
    /the header of .* is one column, "id;email": if ";" divides the fields, say so with delimiter: ";"/,
  ],
  ['tabs in a .csv', 'a.csv', 'id\temail\n1\ta\n', 'wrong_delimiter', 1, /if "\\t" divides the fields/],
  ['commas in a .tsv', 'a.tsv', CSV, 'wrong_delimiter', 1, /if "," divides the fields/],
  ['a picture', 'a.csv', PNG, 'not_utf8', 1, /line 1 of .*a\.csv is not UTF-8: convert it first/],
  [
    'a spreadsheet',
    'a.csv',
    ZIP,
    'not_text',
    1,
    /a\.csv holds binary data: name a file of rows as text, CSV or NDJSON$/,
  ],
  ['binary NDJSON', 'a.ndjson', ZIP, 'not_(ndjson|utf8)', 1, /line 1 of .*a\.ndjson is not/],
  ['UTF-16', 'a.csv', Buffer.from(`\uFEFF${CSV}`, 'utf16le'), 'not_utf8', 1, /is UTF-16: write it as UTF-8/],
  ['gzip of something else', 'a.csv.gz', gzipSync(PNG), 'not_utf8', 1, /line 1 of .*a\.csv\.gz/],
  ['a JSON list', 'a.ndjson', '[{"id":1}]\n', 'not_ndjson', 1, /turn the list into lines with jq -c '\.\[\]'$/],
  ['CSV that is called NDJSON', 'a.ndjson', CSV, 'not_ndjson', 1, /is it CSV\? Then say csv$/],
]
for (const [what, name, content, code, exit, said] of FILES) {
  test(`--from ${what}: ${code}, exit ${exit}, and nothing is written`, () => {
    using folder = folderWith(name, content)
    isFailed(folder.run('run', '--from', name, ...TO), folder, code, exit, said)
  })
}

/** What is found when there are rows before it: the table has been made by then. */
const BROKEN: readonly File[] = [
  [
    'gzip that is cut',
    'a.csv.gz',
    gzipSync(CSV).subarray(0, -4),
    'input_failed',
    1,
    /unexpected end of file\): look at what writes it, and run again$/,
  ],
  [
    'a last line that is cut',
    'a.csv',
    CSV.slice(0, -5),
    'input_truncated',
    1,
    /the last line of .*, number 3, is not complete/,
  ],
  ['a quote that is never closed', 'a.csv', 'id,email\n1,"a\n', 'unclosed_quote', 1, /of the row at line 2/],
]
for (const [what, name, content, code, exit, said] of BROKEN) {
  test(`--from ${what}: ${code}, exit ${exit}, and no row is written`, async () => {
    using folder = folderWith(name, content)
    const { stderr, ...run } = folder.run('run', '--from', name, ...TO)
    isFailed({ ...run, stderr: stderr.replace(/^[\d:]+ info .*\n/gm, '') }, undefined, code, exit, said)
    const database = new (await loadSqlite())(folder.file('app.db'))
    assert.equal(database.prepare('SELECT count(*) FROM users').pluck().get(), 0)
    database.close()
  })
}

test('--from a file that this user may not read says so', () => {
  using folder = folderWith('a.csv', CSV)
  chmodSync(folder.file('a.csv'), 0)
  const [program, argv] = asOrdinaryUser([...folder.program.split(' '), 'run', '--from', 'a.csv', ...TO])
  const run = spawnSync(program, argv, { cwd: folder.folder, encoding: 'utf8', env: folder.environment })
  isFailed(run, folder, 'file_unreadable', 78, /EACCES.*check it$/)
})

test('a name with a delimiter in it is a name where it is quoted', () => {
  using folder = folderWith('a.csv', '"id;email"\n1\n')
  const run = folder.run('run', '--from', 'a.csv', '--to', 'sqlite:./app.db#users', '--key', 'id;email', '--json')
  assert.equal(run.status, 0, run.stderr)
})

/** Places that cannot be written to. */
const PLACES: readonly (readonly [to: string, more: string, code: string, exit: number, said: RegExp])[] = [
  ['sqlite:./nowhere/app.db#users', '', 'no_such_file', 78, /there is no .*nowhere: check the path, or make it$/],
  ['sqlite:./folder#users', '', 'sqlite_cannot_open', 1, /folder cannot be opened .*: check the path/],
  ['sqlite:./notes.txt#users', '', 'not_a_database', 78, /is not an SQLite database.*: check the path$/],
  ['file:./out.csv#x', '', 'unsupported_mode', 78, /x does not support mode upsert; it supports insert-only$/],
  [
    'file:./nowhere/out.csv#x',
    '--mode insert-only',
    'no_such_file',
    78,
    /there is no folder .*nowhere: make it, or check the path$/,
  ],
  ['file:./folder/a.csv#x', '--mode insert-only', 'destination_mismatch', 78, /it is no file, name one$/],
]
for (const [to, more, code, exit, said] of PLACES) {
  test(`--to ${to}: ${code}, exit ${exit}, and nothing is written`, () => {
    using folder = folderWith('rows.csv', CSV)
    folder.write('notes.txt', 'not a database '.repeat(1000))
    mkdirSync(folder.file('folder/a.csv'), { recursive: true })
    isFailed(
      folder.run('run', '--from', 'rows.csv', '--key', 'id', '--to', to, ...more.split(' ').filter(Boolean)),
      folder,
      code,
      exit,
      said,
    )
  })
}

import assert from 'node:assert/strict'
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import type { Report } from '../../src/index.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const USAGE = pathToFileURL(join(import.meta.dirname, '../../bench/usage.mjs')).href
const SLOW_RUN = join(import.meta.dirname, '../support/slow-run.ts')
const NODE = [process.execPath, '--import', TSX]
const posix = { skip: process.platform === 'win32' && 'Windows has no such pipes and files' }

/** A bash script in which `rowferry` is the command. `status` is that of the last process of a pipe that failed. */
function bash(folder: string, script: string) {
  const rowferry = [...NODE, MAIN].map((word) => `'${word}'`).join(' ')
  const { status, stdout, stderr } = spawnSync('bash', ['-c', `rowferry() { ${rowferry} "$@"; }\n${script}`], {
    cwd: folder,
    encoding: 'utf8',
  })
  return { status, stdout, stderr, report: () => JSON.parse(stdout) as Report }
}

function start(folder: string, ...argv: string[]): ChildProcess {
  return spawn(process.execPath, ['--import', TSX, MAIN, ...argv], { cwd: folder, stdio: 'pipe' })
}

async function rowsOf(path: string, table = 'users'): Promise<unknown[][]> {
  const database = new (await loadSqlite())(path)
  try {
    return database.prepare(`SELECT * FROM ${table} ORDER BY id`).raw().all() as unknown[][]
  } finally {
    database.close()
  }
}

const PSQL = 'id,email,name\n2,b@example.com,"Bea, ""B"""\n10,,\n1,a@example.com,""\n'
const TO = '--to sqlite:./app.db#users --key id'

test('rows from a pipe make a table, and the next call finds its own index again', posix, async () => {
  using folder = temporaryFolder()
  writeFileSync(folder.file('rows.csv'), PSQL)
  const run = `cat rows.csv | rowferry run --from - --format csv ${TO}`
  const first = bash(folder.path, `${run} --json`)
  assert.equal(first.status, 0, first.stderr)
  assert.equal(first.report().counts.inserted, 3)
  assert.match(first.report().sync, /^users-[0-9a-f]{8}$/)
  assert.deepEqual(await rowsOf(folder.file('app.db')), [
    ['1', 'a@example.com', ''],
    ['10', null, null],
    ['2', 'b@example.com', 'Bea, "B"'],
  ])
  assert.deepEqual(
    readdirSync(folder.file('.rowferry')).filter((file) => file.startsWith('users')),
    [`${first.report().sync}.sqlite`],
  )

  // The same place in other words, and from a file.
  const second = bash(
    folder.path,
    `rowferry run --from rows.csv --to sqlite:${folder.file('app.db')}#users --key id --json`,
  )
  assert.equal(second.report().counts.unchanged, 3, second.stderr)
  assert.equal(second.report().sync, first.report().sync)
})

test('in mirror mode a pipe that just ends deletes nothing; told how many rows there are, it does', posix, async () => {
  using folder = temporaryFolder()
  writeFileSync(folder.file('rows.csv'), PSQL)
  writeFileSync(folder.file('fewer.csv'), PSQL.replace(/^10.*\n/m, ''))
  const run = (file: string, more = '') =>
    bash(folder.path, `cat ${file} | rowferry run --from - --format csv ${TO} --mode mirror ${more}`)
  assert.equal(run('rows.csv').status, 0)
  const held = run('fewer.csv')
  assert.equal(held.status, 4)
  assert.match(held.stderr, /unproven_end {2}.*stdin just ended after 2 rows.*--rows N.*--trust-eof/)
  assert.equal(run('fewer.csv', '--rows 3').status, 4)
  const planned = bash(
    folder.path,
    `cat fewer.csv | rowferry plan --from - --format csv ${TO} --mode mirror --trust-eof --json`,
  )
  assert.equal(planned.report().counts.deleted, 1)
  const done = run('fewer.csv', '--rows 2')
  assert.equal(done.status, 0, done.stderr)
  assert.match(done.stderr, /1 deleted/)
})

test('a composite key, NDJSON, another state folder', posix, async () => {
  using folder = temporaryFolder()
  writeFileSync(folder.file('rows.ndjson'), '{"id":2,"tenant":"x","n":1}\n{"id":1,"tenant":"x","n":9007199254740993}\n')
  const run = bash(
    folder.path,
    'rowferry run --from - --format ndjson --to sqlite:./app.db#users --key tenant,id --state var --json < rows.ndjson',
  )
  assert.equal(run.status, 0, run.stderr)
  assert.equal(run.report().counts.inserted, 2)
  assert.ok(statSync(folder.file('var')).isDirectory())
  const database = new (await loadSqlite())(folder.file('app.db'))
  assert.deepEqual(database.prepare('SELECT n FROM users ORDER BY id').safeIntegers().pluck().all(), [
    9007199254740993n,
    1n,
  ])
  database.close()
})

test('a reader that has read enough ends the pipe quietly', posix, () => {
  using folder = temporaryFolder()
  const rows = Array.from({ length: 50_000 }, (_, id) => `${(id * 7919) % 50_000},some text of ordinary length\n`).join(
    '',
  )
  writeFileSync(folder.file('big.csv'), `id,name\n${rows}`)
  const { stdout, stderr } = bash(
    folder.path,
    `cat big.csv | rowferry run --from - --format csv ${TO} --json | head -1; echo "\${PIPESTATUS[@]}"`,
  )
  const [report, statuses] = stdout.trim().split('\n')
  assert.equal((JSON.parse(report ?? '') as Report).counts.inserted, 50_000)
  assert.equal(statuses, '0 0 0')
  assert.doesNotMatch(stderr, /EPIPE|at .*\.ts/)
})

test('a run that fails early ends its producer, which is not left waiting', posix, () => {
  using folder = temporaryFolder()
  const { stdout, stderr } = bash(
    folder.path,
    `yes '{"id":1}' | rowferry run --from - --format csv ${TO}; echo "\${PIPESTATUS[@]}"`,
  )
  // 141 is 128 + SIGPIPE.
  assert.equal(stdout, '141 1\n')
  assert.match(stderr, /stray_quote/)
  assert.match(stderr, /line 1 of stdin/)
})

test('nothing on stdin, and a closed stdin, are told apart from rows', posix, () => {
  using folder = temporaryFolder()
  const run = `rowferry run --from - --format csv ${TO}`
  for (const input of ['< /dev/null', '<&-']) {
    const { status, stderr } = bash(folder.path, `${run} ${input}`)
    assert.equal(status, 1, stderr)
    assert.match(stderr, /input_empty {2}stdin is empty/)
  }
})

test('a sync from stdin is validated without touching stdin, and two of them cannot share it', posix, () => {
  using folder = temporaryFolder()
  const sync = (name: string) =>
    `  ${name}: { source: { stdin: csv }, key: id, mode: upsert, destination: { connection: app, table: ${name}, create: true } }\n`
  writeFileSync(
    folder.file('rowferry.yaml'),
    `version: 1\nconnections: { app: sqlite:./app.db }\nsyncs:\n${sync('one')}${sync('two')}`,
  )
  writeFileSync(folder.file('rows.csv'), PSQL)
  const valid = bash(folder.path, '(rowferry validate && cat) < rows.csv')
  assert.equal(valid.status, 0, valid.stderr)
  assert.equal(valid.stdout, PSQL)
  assert.match(valid.stderr, /its rows come from stdin/)
  const both = bash(folder.path, 'rowferry run < rows.csv')
  assert.equal(both.status, 78)
  assert.match(both.stderr, /^one .*3 inserted/m)
  assert.match(both.stderr, /stdin_used_up {2}stdin was read to its end by another sync/)
})

const USAGE_ERRORS: readonly (readonly [name: string, argv: string[], said: RegExp])[] = [
  [
    'a destination without a source',
    ['--to', 'sqlite:./a.db#t'],
    /--to belongs to a sync on the command line\nadd --from/,
  ],
  ['a source without a destination', ['--from', 'a.csv', '--key', 'id'], /where the rows go\nadd --to/],
  ['no key', ['--from', 'a.csv', '--to', 'sqlite:./a.db#t'], /what identifies a row\nadd --key/],
  ['an empty part of a key', ['--from', 'a.csv', '--to', 'sqlite:./a.db#t', '--key', 'a,'], /add --key/],
  [
    'a destination without a table',
    ['--from', 'a.csv', '--to', 'sqlite:./a.db', '--key', 'id'],
    /which table\nput it behind a #/,
  ],
  [
    'a destination that is no URL',
    ['--from', 'a.csv', '--to', 'a.db#t', '--key', 'id'],
    /is no URL\nwrite it like sqlite:/,
  ],
  [
    'stdin without a format',
    ['--from', '-', '--to', 'sqlite:./a.db#t', '--key', 'id'],
    /the format of stdin is not known\nadd --format/,
  ],
  ['a file of unknown format', ['--from', 'a.txt', '--to', 'sqlite:./a.db#t', '--key', 'id'], /the format of a\.txt/],
  ['a query', ['--from', 'a.sql', '--to', 'sqlite:./a.db#t', '--key', 'id'], /a query needs a connection/],
  [
    'a sync beside it',
    ['users', '--from', 'a.csv', '--to', 'sqlite:./a.db#t', '--key', 'id'],
    /users cannot be run with it/,
  ],
  [
    'a configuration beside it',
    ['-f', 'x.yaml', '--from', 'a.csv', '--to', 'sqlite:./a.db#t', '--key', 'id'],
    /--from.*cannot be used with.*--file/,
  ],
  [
    'an unknown mode',
    ['--from', 'a.csv', '--to', 'sqlite:./a.db#t', '--key', 'id', '--mode', 'copy'],
    /--mode.*upsert/,
  ],
]
for (const [name, argv, said] of USAGE_ERRORS) {
  test(`${name} is a usage error that says what to add`, async () => {
    using folder = temporaryFolder()
    const child = start(folder.path, 'run', ...argv)
    let stderr = ''
    child.stderr?.on('data', (chunk) => {
      stderr += chunk
    })
    assert.deepEqual(await once(child, 'close'), [64, null], stderr)
    assert.match(stderr, said)
  })
}

test('a slow destination slows the program that writes the pipe, and fills no memory', posix, async (t) => {
  using folder = temporaryFolder()
  const child = fork(SLOW_RUN, [folder.file('state'), '10'], {
    execArgv: ['--import', TSX],
    stdio: ['pipe', 'inherit', 'inherit', 'ipc'],
  })
  const exit = once(child, 'close')
  const stdin = child.stdin as NonNullable<ChildProcess['stdin']>
  const rows = 200_000
  const row = (id: number) => `${id + 1_000_000},${'x'.repeat(91)}\n`
  let [accepted, answered, most] = [0, 0, 0]
  let report: Report | undefined
  child.on('message', (message: { answered?: number; report?: Report }) => {
    answered += message.answered ?? 0
    report ??= message.report
  })
  stdin.write('id,name\n')
  for (let from = 0; from < rows; from += 500) {
    const block = Array.from({ length: 500 }, (_, at) => row(from + at)).join('')
    await new Promise<void>((resolve, reject) => stdin.write(block, (error) => (error ? reject(error) : resolve())))
    accepted += 500
    most = Math.max(most, accepted - answered)
  }
  stdin.end()
  assert.deepEqual(await exit, [0, null])
  assert.equal(report?.counts.inserted, rows)
  const ahead = (most * row(0).length) / 1e6
  t.diagnostic(`the producer was at most ${ahead.toFixed(1)} MB of 20 MB ahead of the destination`)
  assert.ok(ahead < 4, `${ahead} MB`)
})

test('200,000 unsorted rows of NDJSON are mirrored into SQLite in less than 256 MiB', posix, async () => {
  using folder = temporaryFolder()
  const rows = 200_000
  const file = createWriteStream(folder.file('rows.ndjson'))
  for (let from = 0; from < rows; from += 1000) {
    const lines = Array.from({ length: 1000 }, (_, at) => {
      const id = ((from + at) * 7919) % rows
      return `{"id":${id},"email":"user${id}@example.com","name":"First Last ${id}","balance":${id}.25,"active":true}\n`
    })
    file.write(lines.join(''))
  }
  file.end()
  await finished(file)
  const usage = folder.file('usage.json')
  const { status, stderr } = bash(
    folder.path,
    `export ROWFERRY_BENCH_USAGE=${usage} NODE_OPTIONS='--import ${USAGE}'
     rowferry run --from - --format ndjson ${TO} --mode mirror --rows ${rows} < rows.ndjson`,
  )
  assert.equal(status, 0, stderr)
  assert.equal((await rowsOf(folder.file('app.db'))).length, rows)
  const { peakMiB } = JSON.parse(readFileSync(usage, 'utf8')) as { peakMiB: number }
  assert.ok(peakMiB < 256, `peak RSS ${Math.round(peakMiB)} MiB`)
})

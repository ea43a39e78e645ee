import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { BenchResult, BenchRun } from '../../src/index.ts'
import { type CommandLine, commandLine } from '../support/command-line.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const CONFIGURATION = `version: 1
connections:
  rows: generate:?rows=20000&seed=3
  app: sqlite:./app.db
syncs:
  contacts:
    source: { connection: rows, table: contacts }
    key: id
    mode: mirror
    destination: { connection: app, table: contacts, create: true }
    guards: { min_rows: 1000000 }
  piped:
    source: { stdin: csv }
    key: id
    mode: upsert
    destination: { connection: app, table: piped, create: true }
  wrong:
    source: { connection: app, table: nothing }
    key: id
    mode: upsert
    destination: { connection: app, table: wrong, create: true }
`

const temporary = temporaryFolder()
const cli: CommandLine = commandLine(CONFIGURATION, { TMPDIR: temporary.path })
after(() => {
  cli[Symbol.dispose]()
  temporary[Symbol.dispose]()
})

const STAGES = ['waiting', 'source', 'keying', 'diff', 'filter', 'writer', 'index', 'other']

function assertPlausible(run: BenchRun): void {
  const { stages, duration_ms, rows } = run
  assert.deepEqual(
    stages.map(({ stage }) => stage),
    STAGES,
  )
  const shares = stages.reduce((sum, { share }) => sum + share, 0)
  assert.ok(Math.abs(shares - 1) < 0.01, `the shares of "${run.work}" add up to ${shares}`)
  for (const { stage, ms, us_per_row, rows_per_second, share } of stages) {
    assert.ok(ms >= 0 && ms <= duration_ms, `${stage}: ${ms} of ${duration_ms} ms`)
    assert.ok(Math.abs(us_per_row - (ms * 1000) / rows) < 0.01, `${stage}: ${us_per_row} µs a row`)
    assert.ok(Math.abs(share - ms / duration_ms) < 0.01, `${stage}: a share of ${share}`)
    if (rows_per_second === null) assert.equal(ms, 0)
    else assert.ok(rows_per_second > 0)
  }
  assert.ok(Math.abs(run.rows_per_second - (rows / duration_ms) * 1000) <= run.rows_per_second / 100)
  assert.ok(run.cpu_ms > 0 && run.peak_rss_bytes > 20_000_000 && run.peak_rss_bytes < 1e9)
  assert.match(run.limit.message, /./)
  assert.ok(STAGES.includes(run.limit.stage))
}

test('generated rows: a line of JSON with every figure, and counts that are exact', () => {
  const ended = cli.run('bench', '--rows', '20,000', '--runs', '2', '--key', 'uuid', '--changed', '2.5%', '--json')
  assert.equal(ended.status, 0, ended.stderr)
  assert.equal(ended.stderr, '')
  const result = ended.json<BenchResult>()
  assert.deepEqual(
    [result.format_version, result.sync, result.source, result.node],
    ['1', 'generated', 'generate', process.versions.node],
  )
  for (const run of result.runs) assertPlausible(run)
  assert.deepEqual(
    result.runs.map(({ work, rows, counts }) => {
      return [work, rows, counts.inserted, counts.updated, counts.deleted, counts.unchanged]
    }),
    [
      ['first', 20_000, 20_000, 0, 0, 0],
      ['unchanged', 20_000, 0, 0, 0, 20_000],
      ['changed', 20_000, 50, 500, 50, 19_450],
    ],
  )
  assert.ok(result.peak_rss_bytes >= Math.max(...result.runs.map((run) => run.peak_rss_bytes)) * 0.9)
  assert.deepEqual(readdirSync(temporary.path), [])
})

test('a table a run, with what limits it in words', () => {
  const ended = cli.run('bench', '--rows', '5000', '--runs', '1')
  assert.equal(ended.status, 0, ended.stderr)
  for (const line of [
    /^generated {2}5,000 rows · source generate · Node \d/m,
    /^first run {2}\S+ m?s · [\d,]+ rows\/s · 5,000 inserted · [\d.]+ µs of CPU a row · peak RSS \d+ MiB$/m,
    /^nothing changed {2}.* · 5,000 unchanged · /m,
    /^some changed {2}.* · 5 inserted · 50 updated · 5 deleted · 4,945 unchanged · /m,
    /^ {2}stage +rows\/s +µs a row +share$/m,
    /^ {2}keying +[\d,]+ +\d+\.\d\d +\d+\.\d%$/m,
    /^ {2}all of it +[\d,]+ +\d+\.\d\d +100\.0%$/m,
    /^ {2}(this process is the limit; the largest part is .+: [\d.]+ of [\d.]+ µs a row|starting and ending is .+)$/m,
  ]) {
    assert.match(ended.stdout, line)
  }
})

test('a sync is measured without its destination, its index, its history and its guards', () => {
  const ended = cli.run('bench', 'contacts', '--runs', '1', '--json')
  assert.equal(ended.status, 0, ended.stderr)
  const { sync, source, runs } = ended.json<BenchResult>()
  assert.deepEqual([sync, source], ['contacts', 'generate'])
  assert.deepEqual(
    runs.map(({ work, rows, counts }) => [work, rows, counts.inserted, counts.unchanged]),
    [
      ['first', 20_000, 20_000, 0],
      ['unchanged', 20_000, 0, 20_000],
    ],
  )
  for (const run of runs) assertPlausible(run)
  assert.deepEqual(readdirSync(cli.folder), ['rowferry.yaml'])
  assert.deepEqual(readdirSync(temporary.path), [])
})

test('an index that there is stays as it is', () => {
  const files = () => {
    const folder = join(cli.folder, 'kept')
    return readdirSync(folder).map((name) => [
      name,
      statSync(join(folder, name)).mtimeMs,
      readFileSync(join(folder, name)),
    ])
  }
  cli.write('kept.yaml', `state: kept\n${CONFIGURATION.replace('min_rows: 1000000', 'min_rows: 1')}`)
  mkdirSync(join(cli.folder, 'kept'), { mode: 0o700 })
  const run = cli.run('run', 'contacts', '-f', 'kept.yaml')
  assert.equal(run.status, 0, run.stderr)
  const before = files()
  const { status, stderr } = cli.run('bench', 'contacts', '-f', 'kept.yaml', '--rows', '100', '--runs', '1')
  assert.equal(status, 0, stderr)
  assert.deepEqual(files(), before)
})

test('of a sync, --rows takes the first rows', () => {
  const { runs } = cli.run('bench', 'contacts', '--rows', '300', '--runs', '1', '--json').json<BenchResult>()
  assert.deepEqual(
    runs.map(({ rows, counts }) => [rows, counts.inserted, counts.unchanged]),
    [
      [300, 300, 0],
      [300, 0, 300],
    ],
  )
})

test('what makes no sense is refused, and what fails says why', () => {
  const refusals: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['contacts', '--key', 'uuid'], 64, /--key is for generated rows/],
    [['contacts', '--changed', '5%'], 64, /--changed is for generated rows/],
    [['--changed', '5'], 64, /give a share of the rows \(5%\)/],
    [['--rows', '0'], 64, /1 or more/],
    [['--key', 'serial'], 64, /integer, text, uuid/],
    [['-f', 'rowferry.yaml'], 64, /--file is for a sync, and none is named/],
    [['contact'], 64, /contacts/],
    [['piped'], 78, /piped reads stdin, which can be read once/],
    [['wrong'], 78, /nothing/],
  ]
  for (const [argv, status, message] of refusals) {
    const ended = cli.run('bench', ...argv)
    assert.equal(ended.status, status, `${argv.join(' ')}: ${ended.stderr}`)
    assert.match(ended.stderr, message)
    assert.equal(ended.stdout, '')
  }
  assert.deepEqual(readdirSync(temporary.path), [])
})

test('Ctrl-C ends it, and the temporary folder goes', async () => {
  const begun = new Promise<void>((resolve) => {
    const watcher = watch(temporary.path, { recursive: true }, () => {
      watcher.close()
      resolve()
    })
  })
  const child = cli.start('bench', '--rows', '50000000')
  const ended = once(child, 'exit')
  await Promise.race([begun, ended])
  child.kill('SIGINT')
  assert.deepEqual(await ended, [130, null])
  assert.deepEqual(readdirSync(temporary.path), [])
})

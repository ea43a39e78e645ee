import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import type { ConnectorInfo, PreviewRow, Report, Validation } from '../../src/index.ts'
import { KeyIndexFile } from '../../src/state/key-index-file.ts'
import { contactsForTests } from '../support/contacts-cli.ts'
import { unlessHere } from '../support/unless-here.ts'

const world = contactsForTests()

interface StatusLine {
  readonly sync: string
  readonly running: boolean
  readonly last_run: Report | null
  readonly index: { readonly state: string; readonly entries?: number; readonly listed_at?: string }
}

// The tests of this file are one story: they build on one another.

test('before the first run there is nothing to look at, and nothing is made', () => {
  const { cli } = world
  const status = cli.run('status', '--json')
  assert.equal(status.status, 0, status.stderr)
  assert.deepEqual(
    status.lines<StatusLine>().map(({ sync, last_run, index }) => [sync, last_run, index]),
    ['contacts', 'rejecting', 'missing'].map((sync) => [sync, null, { state: 'none' }]),
  )
  const history = cli.run('history')
  assert.deepEqual([history.status, history.stdout], [0, ''])
  assert.equal(history.stderr, 'no runs yet; begin with `rowferry run`\n')
  assert.equal(cli.run('rejected').stderr, 'no run has rejected or invalid rows\n')
  const show = cli.run('show', 'last')
  assert.deepEqual([show.status, show.stderr], [64, 'rowferry: there are no runs yet\nbegin with `rowferry run`\n'])
  assert.equal(existsSync(cli.file('.rowferry')), false)
})

test('a preview is a line of JSON a row where it is piped, and writes nothing', () => {
  const { cli } = world
  const preview = cli.run('preview', 'contacts', '-n', '2')
  assert.equal(preview.status, 0, preview.stderr)
  assert.deepEqual(preview.lines<PreviewRow>(), [
    { key: '1', fields: { id: '1', email: 'a1@example.com' }, issue: null },
    { key: '2', fields: { id: '2', email: 'a2@example.com' }, issue: null },
  ])
  assert.equal(preview.stderr, '2 rows of contacts, as they would be sent; nothing was written\n')
  assert.equal(existsSync(cli.file('app.db')), false)
  assert.equal(existsSync(cli.file('.rowferry')), false)
})

test('on a terminal a preview is a table (needs script)', { skip: unlessHere('script', '--version') }, () => {
  const { cli } = world
  const command = `${cli.program} preview contacts -n 2 --chdir ${cli.folder}`
  const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
    encoding: 'utf8',
    env: { ...cli.environment, NO_COLOR: '1' },
  })
  assert.match(
    stdout.replaceAll('\r', ''),
    /^key {2}id {2}email\n1 {4}1 {3}a1@example\.com\n2 {4}2 {3}a2@example\.com\n/,
  )
})

test('after some runs they are listed, newest first', () => {
  const { cli } = world
  for (const name of ['contacts', 'rejecting', 'missing']) cli.run('run', name)
  const history = cli.run('history', '--json')
  const runs = history.lines<Report>()
  assert.deepEqual(
    runs.map(({ sync, status }) => [sync, status]),
    [
      ['missing', 'failed'],
      ['rejecting', 'completed_with_errors'],
      ['contacts', 'succeeded'],
    ],
  )
  assert.equal(runs[2]?.counts.inserted, 100)
  assert.equal(cli.run('history', 'contacts', '--json', '--limit', '1').lines().length, 1)
  const [titles, newest] = cli.run('history').stdout.split('\n')
  assert.match(titles ?? '', /^started +run +sync +status +read +inserted +updated +deleted +bad +time$/)
  assert.match(newest ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ {2}\S+ {2}missing +failed /)
})

test('a status shows the last run of each sync, and a running one as running', async () => {
  const { cli } = world
  const held = await KeyIndexFile.open(cli.file('.rowferry/contacts.sqlite'), 'contacts', { keep: true })
  const [contacts, rejecting] = cli.run('status', '--json').lines<StatusLine>()
  held.close()
  assert.deepEqual([contacts?.running, contacts?.index], [true, { state: 'in_use' }])
  assert.equal(contacts?.last_run?.counts.inserted, 100)
  assert.equal(rejecting?.index.state, 'ready')

  const table = cli.run('status', 'contacts')
  assert.match(
    table.stdout,
    /^contacts {2}mirror {2}succeeded {2}.* ago +100 +100 +0 +0 +0 {2}100 keys, .*, listed .* ago$/m,
  )
  const unknown = cli.run('status', 'contcts')
  assert.deepEqual([unknown.status, unknown.stdout], [64, ''])
  assert.match(unknown.stderr, /no sync named "contcts" — did you mean "contacts"\?/)
})

test('one run is shown with all its counts and the reasons', () => {
  const { cli } = world
  const [, { run_id, counts }] = cli.run('history', '--json').lines<Report>() as [Report, Report]
  const shown = cli.run('show', run_id.slice(-8), '--json')
  assert.equal(shown.status, 0, shown.stderr)
  const { reasons, ...report } = shown.json<Report & { reasons: { code: string; count: number }[] }>()
  assert.equal(report.run_id, run_id)
  assert.deepEqual(report.counts, counts)
  assert.deepEqual(
    reasons.map(({ code, count }) => [code, count]),
    [['blackhole_rejected', counts.rejected]],
  )
  const text = cli.run('show', run_id).stdout
  assert.match(text, new RegExp(`rows {5}100 read = ${counts.inserted} inserted \\+ ${counts.rejected} rejected$`, 'm'))
  assert.match(text, new RegExp(`see them with \`rowferry rejected ${run_id}\`$`, 'm'))
  assert.match(cli.run('show', 'last').stdout, /error model_table_missing/)

  const unknown = cli.run('show', `${run_id}x`)
  assert.equal(unknown.status, 64)
  assert.match(unknown.stderr, new RegExp(`^rowferry: no run "${run_id}x" — did you mean "${run_id}"\\?`))
  assert.match(cli.run('show', '20').stderr, /^rowferry: 3 runs are like "20"$/m)
})

test('rejected rows are lines of JSON where they are piped, and groups for people', () => {
  const { cli } = world
  const piped = cli.run('rejected')
  const rows = piped.lines<{ sync: string; key: string; code: string; payload: string; operation: string }>()
  assert.ok(rows.length > 10)
  for (const { sync, key, code, operation, payload } of rows) {
    assert.deepEqual([sync, code, operation], ['rejecting', 'blackhole_rejected', 'upsert'])
    assert.deepEqual(JSON.parse(payload), { id: key, email: `a${key}@example.com` })
  }
  const text = cli.run('rejected', '--format', 'text', '--sync', 'rejecting').stdout
  assert.match(text, new RegExp(`^ {2}${rows.length} × rejected blackhole_rejected$`, 'm'))
  assert.match(text, new RegExp(`^ {4}keys ${rows[0]?.key}, ${rows[1]?.key}, ${rows[2]?.key}, …$`, 'm'))
  assert.equal(cli.run('rejected', '--sync', 'contacts').stderr, 'no run of contacts has rejected or invalid rows\n')
  assert.match(cli.run('rejected', '--sync', 'rejectin').stderr, /did you mean "rejecting"\?/)
  const both = cli.run('rejected', 'last', '--sync', 'contacts')
  assert.deepEqual([both.status, both.stdout], [64, ''])
})

test('who has read enough of a long list has not failed', () => {
  const { cli } = world
  const command = `set -o pipefail; ${cli.program} rejected --chdir ${cli.folder} | head -1`
  const { status, stdout, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8', env: cli.environment })
  assert.deepEqual([status, stdout.split('\n').length, stderr], [0, 2, ''])
})

test('connectors and verdicts are lines of JSON, too', () => {
  const { cli } = world
  const connectors = cli.run('connectors', '--json').lines<ConnectorInfo>()
  assert.deepEqual(connectors.find(({ type }) => type === 'blackhole')?.destination?.deletesAs, ['delete', 'archive'])
  const table = cli.run('connectors')
  assert.match(table.stdout, /^postgres +yes +yes +postgres: postgresql: /m)
  assert.match(table.stdout, /^sqlite +all +10,000 rows +2 +in one scan +delete +yes +all$/m)
  const verdicts = cli.run('validate', 'contacts', 'missing', '--json')
  assert.equal(verdicts.status, 78)
  assert.deepEqual(
    verdicts.lines<Validation>().map(({ sync, error }) => [sync, error?.code ?? null]),
    [
      ['contacts', null],
      ['missing', 'model_table_missing'],
    ],
  )
})

test('without a configuration every one of them says what is missing', () => {
  const { cli } = world
  for (const argv of [['status'], ['preview', 'x'], ['history'], ['show', 'x'], ['rejected'], ['index', 'show', 'x']]) {
    const { status, stdout, stderr } = cli.run(...argv, '-f', 'nothing.yaml')
    assert.deepEqual([status, stdout], [78, ''], argv[0])
    assert.match(stderr, /there is no .*nothing\.yaml/)
  }
})

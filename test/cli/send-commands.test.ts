import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import type { Exchange, Report } from '../../src/index.ts'
import { KeyIndexFile } from '../../src/state/key-index-file.ts'
import { contactsForTests } from '../support/contacts-cli.ts'

const world = contactsForTests()

type Tested = Report & { readonly exchanges: readonly Exchange[] }

beforeEach(async () => {
  await world.client.query(`
    TRUNCATE contacts; INSERT INTO contacts SELECT i, 'a' || i || '@example.com' FROM generate_series(1, 100) i`)
})

test('one record is sent and its answer is shown; then it is known, and sent again when it is tested again', async () => {
  const { cli } = world
  const first = cli.run('test', 'contacts', '--json')
  assert.equal(first.status, 0, first.stderr)
  assert.match(first.stderr, /^contacts: this writes one record to the destination$/m)
  const { exchanges, counts } = first.json<Tested>()
  assert.deepEqual(exchanges, [
    {
      operation: 'upsert',
      values: { id: '1', email: 'a1@example.com' },
      outcome: { status: 'done' },
      error: null,
      requests: [],
    },
  ])
  assert.deepEqual([counts.read, counts.inserted], [1, 1])

  const again = cli.run('test', 'contacts', '--key', '1')
  assert.equal(again.status, 0, again.stderr)
  assert.match(again.stdout, /^ {2}sent {6}update\n {4}id {5}1\n {4}email {2}a1@example\.com\n {2}answer {4}done$/m)
  const run = cli.run('run', 'contacts', '--json').json<Report>()
  assert.deepEqual([run.counts.inserted, run.counts.unchanged, run.counts.deleted], [99, 1, 0])
})

test('a record that is refused is shown with the reason, and exits 3', () => {
  const { cli } = world
  const rejected = cli.run('run', 'rejecting', '--json', '-q').json<Report>()
  assert.ok(rejected.counts.rejected > 0)
  const [{ key }] = cli.run('rejected').lines<{ key: string }>() as [{ key: string }]
  const tested = cli.run('test', 'rejecting', '--key', key)
  assert.equal(tested.status, 3)
  assert.match(tested.stdout, /^ {2}answer {4}rejected blackhole_rejected {2}this key is among/m)
})

test('a key that is wrong, or of no row, is a mistake on the command line that names keys that would do', async () => {
  const { cli, client } = world
  const unknown = cli.run('test', 'contacts', '--key', '4711')
  assert.equal(unknown.status, 64)
  assert.match(unknown.stderr, /no row with key "4711"\nits first keys are 1, 2, 3\n$/)
  const wrong = cli.run('test', 'contacts', '--key', 'x1')
  assert.equal(wrong.status, 64)
  assert.match(wrong.stdout, /error unreadable_key {2}"x1" is no key of the model: the key is id \(integer\)/)
  assert.equal(cli.run('test', 'contacs').status, 64)
  await client.query('TRUNCATE contacts')
  const empty = cli.run('test', 'contacts')
  assert.deepEqual([empty.status, empty.stdout], [1, ''])
  assert.match(empty.stderr, /the model of contacts has no rows, so there is nothing to send/)
})

test('a row that is no record is not sent', async () => {
  const { cli, client } = world
  await client.query(`INSERT INTO contacts VALUES (5, 'twice')`)
  const tested = cli.run('test', 'contacts', '--key', '5')
  assert.equal(tested.status, 3)
  assert.match(tested.stdout, /nothing was sent {2}duplicate_key: several rows have the key 5/)
})

test('some keys are run alone, and nothing is deleted', async () => {
  const { cli, client } = world
  cli.run('run', 'contacts')
  await client.query(`UPDATE contacts SET email = 'new'; DELETE FROM contacts WHERE id = 9`)
  const plan = cli.run('plan', 'contacts', '--keys', '7', '8', '9', '--json')
  assert.deepEqual(plan.json<Report>().counts.updated, 2)
  const run = cli.run('run', 'contacts', '--keys', '7', '8', '9', '--json')
  assert.equal(run.status, 0, run.stderr)
  const { counts, guards } = run.json<Report>()
  assert.deepEqual([counts.read, counts.updated, counts.missing], [2, 2, 0])
  assert.equal(guards[0]?.guard, 'partial_run')
  assert.match(run.stderr, /the model has no row with key 9$/m)
  assert.match(
    run.stderr,
    /^ {2}partial_run {2}only part of the model was compared \(3 keys\), so nothing counts as missing/m,
  )
  const limited = cli.run('run', 'contacts', '--limit', '10', '--json').json<Report>()
  assert.deepEqual([limited.counts.read, limited.counts.updated, limited.counts.unchanged], [10, 8, 2])
  const full = cli.run('run', 'contacts', '--limit', '10', '--full', '--json').json<Report>()
  assert.equal(full.counts.updated, 10)
})

test('what cannot be asked for is refused before anything is done', () => {
  const { cli } = world
  for (const [argv, message] of [
    [
      ['run', '--keys', '1'],
      /^rowferry: --keys is for one sync, not for 3\nname one of contacts, rejecting, missing$/m,
    ],
    [['plan', 'contacts', 'rejecting', '--keys', '1'], /--keys is for one sync, not for 2/],
    [['run', 'contacts', '--keys', '1', '--limit', '1'], /'--keys <key\.\.\.>' cannot be used with option '--limit/],
    [['run', 'contacts', '--limit', 'x'], /give a whole number/],
    [['run', 'contacts', '--keys'], /argument missing/],
    [['run', 'contacts', '--keys', 'x'], /unreadable_key/],
  ] as const) {
    const { status, stderr } = cli.run(...argv)
    assert.equal(status, 64, argv.join(' '))
    assert.match(stderr, message)
  }
})

test('several syncs end with one table, and with the first that failed where that is asked for', () => {
  const { cli } = world
  const all = cli.run('run', 'missing', 'rejecting', 'contacts')
  assert.equal(all.status, 78)
  const [titles, ...rows] = all.stderr.trimEnd().split('\n').slice(-4)
  assert.match(titles ?? '', /^sync +mode +status +read +inserted +updated +deleted +bad +time$/)
  assert.deepEqual(
    rows.map((row) => row.split(/ {2,}/).slice(0, 3)),
    [
      ['missing', 'upsert', 'failed'],
      ['rejecting', 'upsert', 'completed with errors'],
      ['contacts', 'mirror', 'succeeded'],
    ],
  )
  const fast = cli.run('run', 'missing', 'rejecting', 'contacts', '--fail-fast', '--json')
  assert.equal(fast.status, 78)
  assert.deepEqual(
    fast.lines<Report>().map(({ sync }) => sync),
    ['missing'],
  )
  assert.match(fast.stderr, /^not run: rejecting, contacts$/m)
})

test('while a run holds the sync nothing is tested', async () => {
  const { cli } = world
  const held = await KeyIndexFile.open(cli.file('.rowferry/contacts.sqlite'), 'contacts', { keep: true })
  const tested = cli.run('test', 'contacts')
  held.close()
  assert.equal(tested.status, 75)
  assert.match(tested.stdout, /another run of contacts is going on/)
})

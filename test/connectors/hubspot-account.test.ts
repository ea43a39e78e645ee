import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { type ConfigInput, forgetIndex, rebuildIndex, type SyncOptions, sync } from '../../src/index.ts'
import { type HubspotAccount, hubspotAccount } from '../support/hubspot-account.ts'
import { mapSource } from '../support/map-source.ts'
import { memoryFolder } from '../support/memory-folder.ts'
import { some } from '../support/model-run.ts'
import { column, type Row } from '../support/row-batches.ts'

let account: HubspotAccount
before(async () => {
  const tokens = { token: { portal: 1 }, renewed: { portal: 1 }, foreign: { portal: 2 } }
  account = await hubspotAccount({ burst_limit: 100_000, tokens })
})
after(() => account[Symbol.asyncDispose]())
beforeEach(() => account.reset())

const ROWS: readonly Row[] = [
  ['ann@x.co', 'Ann'],
  ['bob@x.co', 'Bob'],
]

interface Connection {
  readonly token?: string
  readonly version?: 'v3' | '2026-03'
}

function people() {
  const folder = memoryFolder()
  const source = mapSource([column('mail'), column('name')], ROWS)
  const config = ({ token = 'token', version = 'v3' }: Connection): ConfigInput => ({
    version: 1,
    state: folder.file('state'),
    connections: { from: 'rows:', crm: { type: 'hubspot', token, version, base_url: account.url } },
    syncs: {
      people: {
        source: { connection: 'from', table: 'people' },
        key: 'mail',
        mode: 'mirror',
        destination: { connection: 'crm', object: 'contacts', match: 'email' },
        fields: { email: 'mail', firstname: 'name' },
        guards: { max_deletes: '100%' },
      },
    },
  })
  const own = { sources: [source.definition] }
  return {
    source,
    async run(connection: Connection = {}, options: SyncOptions = {}) {
      const notes: string[] = []
      const onNote = (note: string) => void notes.push(note)
      const report = await sync(config(connection), { ...own, onNote, ...options })
      return { report, counts: some(report.counts), notes }
    },
    rebuild: (connection: Connection) => rebuildIndex(config(connection), own),
    forget: () => forgetIndex(config({})),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

/** Whatever writes, and whatever lists. */
async function used(): Promise<string[]> {
  return (await account.calls()).filter((call) => /batch|^GET contacts /.test(call))
}

const CANNOT_TELL = /does not tell this token which account it is of \(scope oauth\)/

for (const version of ['v3', '2026-03'] as const) {
  test(`the token of another account ends the run before anything is sent (${version})`, async () => {
    using world = people()
    assert.deepEqual((await world.run({ version })).counts, { read: 2, inserted: 2 })
    const before = await used()
    world.source.rows = [['ann@x.co', 'Anna']]
    for (const options of [{}, { dryRun: true }]) {
      const { report } = await world.run({ version, token: 'foreign' }, options)
      assert.deepEqual([report.error?.code, exitCodeOf(report)], ['index_foreign', 78])
      assert.match(
        report.error?.message ?? '',
        /is for HubSpot account 1, not HubSpot account 2; put the old credential back, .* `rowferry index rebuild people`$/,
      )
    }
    assert.deepEqual(await used(), before)
    // The index is as it was.
    assert.deepEqual((await world.run({ version })).counts, { read: 1, updated: 1, missing: 1, deleted: 1 })
  })
}

test('another token of the same account goes on with the index', async () => {
  using world = people()
  await world.run()
  const { counts, notes } = await world.run({ token: 'renewed' })
  assert.deepEqual(counts, { read: 2, unchanged: 2 })
  assert.ok(!notes.some((note) => CANNOT_TELL.test(note)), notes.join('\n'))
})

test('a dry run remembers no account', async () => {
  using world = people()
  assert.equal((await world.run({}, { dryRun: true })).report.status, 'succeeded')
  const { report, counts } = await world.run({ token: 'foreign' })
  assert.equal(report.status, 'succeeded', report.error?.message)
  assert.deepEqual(counts, { read: 2, inserted: 2 })
})

test('index rebuild is of the account of its token, and index forget of none', async () => {
  using world = people()
  await world.run()
  await world.rebuild({ token: 'foreign' })
  assert.equal((await world.run()).report.error?.code, 'index_foreign')
  assert.equal((await world.run({ token: 'foreign' })).report.status, 'succeeded')
  assert.equal(await world.forget(), true)
  assert.equal((await world.run()).report.status, 'succeeded')
})

test('a token that may not read its account works and says so, and what is remembered stays', async () => {
  using world = people()
  const scopes = ['crm.objects.contacts.read', 'crm.objects.contacts.write']
  await account.door('/__tokens', { token: 'token', scopes })
  const first = await world.run()
  assert.equal(first.report.status, 'succeeded', first.report.error?.message)
  assert.equal(first.notes.filter((note) => CANNOT_TELL.test(note)).length, 1)
  // The first token that tells it decides.
  assert.equal((await world.run({ token: 'renewed' })).report.status, 'succeeded')
  assert.equal((await world.run()).report.status, 'succeeded')
  assert.equal((await world.run({ token: 'foreign' })).report.error?.code, 'index_foreign')
})

test('an account information API that is not there is no obstacle', async () => {
  using world = people()
  await account.faults({ fault: 'status-404', when: 'before', match: { path: 'account-info' } })
  const { report, notes } = await world.run()
  assert.equal(report.status, 'succeeded', report.error?.message)
  assert.ok(
    notes.some((note) => CANNOT_TELL.test(note)),
    notes.join('\n'),
  )
})

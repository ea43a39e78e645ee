import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { type ConfigInput, forgetIndex, rebuildIndex, type SyncOptions, sync } from '../../src/index.ts'
import { mapSource } from '../support/map-source.ts'
import { memoryFolder } from '../support/memory-folder.ts'
import { some } from '../support/model-run.ts'
import { column, type Row } from '../support/row-batches.ts'
import { startOrg, type TestOrg } from './salesforce-org.ts'

const CLIENTS = [
  { id: 'simulator', secret: 'simulator-secret' },
  { id: 'renewed', secret: 'renewed-secret' },
  { id: 'foreign', secret: 'foreign-secret', organization: 2 },
]

let org: TestOrg
before(async () => {
  org = await startOrg({ clients: CLIENTS })
})
after(() => org[Symbol.asyncDispose]())
beforeEach(() => org.reset())

const ROWS: readonly Row[] = [
  ['a', 'Able'],
  ['b', 'Baker'],
]

type Client = 'simulator' | 'renewed' | 'foreign'
type Credential = { readonly client: Client } | { readonly token: string }

function people() {
  const folder = memoryFolder()
  const source = mapSource([column('id'), column('name')], ROWS)
  const config = (credential: Credential): ConfigInput => {
    const given =
      'token' in credential
        ? { access_token: credential.token }
        : { client_id: credential.client, client_secret: `${credential.client}-secret` }
    return {
      version: 1,
      state: folder.file('state'),
      connections: { from: 'rows:', crm: { type: 'salesforce', base_url: org.url, ...given } },
      syncs: {
        people: {
          source: { connection: 'from', table: 'people' },
          key: 'id',
          mode: 'mirror',
          destination: { connection: 'crm', object: 'Contact', match: 'External_Id__c' },
          fields: { External_Id__c: 'id', LastName: 'name' },
          guards: { max_deletes: '100%' },
        },
      },
    }
  }
  const own = { sources: [source.definition] }
  return {
    source,
    async run(credential: Credential, options: SyncOptions = {}) {
      const notes: string[] = []
      const onNote = (note: string) => void notes.push(note)
      const report = await sync(config(credential), { ...own, onNote, ...options })
      return { report, counts: some(report.counts), notes }
    },
    rebuild: (credential: Credential) => rebuildIndex(config(credential), own),
    forget: () => forgetIndex(config(OWN)),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

const OWN: Credential = { client: 'simulator' }
const FOREIGN: Credential = { client: 'foreign' }

/** What a client gets whom others ask for tokens: the token alone. */
async function bareToken(client: Client): Promise<Credential> {
  const form = { grant_type: 'client_credentials', client_id: client, client_secret: `${client}-secret` }
  const reply = await fetch(`${org.url}/services/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) })
  return { token: ((await reply.json()) as { access_token: string }).access_token }
}

const FLOWS: Readonly<Record<string, (client: Client) => Promise<Credential>>> = {
  'client credentials': async (client) => ({ client }),
  'access token': bareToken,
}

for (const [flow, credentialOf] of Object.entries(FLOWS)) {
  test(`the credentials of another org end the run before anything is sent: ${flow}`, async () => {
    using world = people()
    assert.deepEqual((await world.run(OWN)).counts, { read: 2, inserted: 2 })
    const written = (await org.writes()).length
    world.source.rows = [['a', 'Abel']]
    const foreign = await credentialOf('foreign')
    for (const options of [{}, { dryRun: true }]) {
      const { report } = await world.run(foreign, options)
      assert.deepEqual([report.error?.code, exitCodeOf(report)], ['index_foreign', 78])
      assert.match(
        report.error?.message ?? '',
        /is for Salesforce org 00D\w{12}, not Salesforce org 00D\w{12}; put the old credential back, .* `rowferry index rebuild people`$/,
      )
    }
    assert.equal((await org.writes()).length, written)
    const calls = (await org.requests()).map(({ call }) => call).filter((call) => /^(DELETE|PATCH|PUT)/.test(call))
    // Those of the first run.
    assert.equal(calls.length, 1, calls.join('\n'))
    const own = await credentialOf('simulator')
    assert.deepEqual((await world.run(own)).counts, { read: 1, updated: 1, missing: 1, deleted: 1 })
  })
}

test('another client of the same org goes on with the index', async () => {
  using world = people()
  await world.run(OWN)
  const { counts, notes } = await world.run({ client: 'renewed' })
  assert.deepEqual([counts, notes], [{ read: 2, unchanged: 2 }, []])
})

test('a dry run remembers no org', async () => {
  using world = people()
  assert.equal((await world.run(OWN, { dryRun: true })).report.status, 'succeeded')
  const { report, counts } = await world.run(FOREIGN)
  assert.equal(report.status, 'succeeded', report.error?.message)
  assert.deepEqual(counts, { read: 2, inserted: 2 })
})

test('index rebuild is of the org of its credentials, and index forget of none', async () => {
  using world = people()
  await world.run(OWN)
  await world.rebuild(FOREIGN)
  assert.equal((await world.run(OWN)).report.error?.code, 'index_foreign')
  assert.equal((await world.run(FOREIGN)).report.status, 'succeeded')
  assert.equal(await world.forget(), true)
  assert.equal((await world.run(OWN)).report.status, 'succeeded')
})

test('a user who may not read the Organization works, and is told what is not checked', async () => {
  using world = people()
  const bare = await bareToken('simulator')
  await org.faults({ rules: [{ fault: 'object-hidden', when: 'before', match: { path: '/query' } }] })
  const { report, notes } = await world.run(bare)
  assert.equal(report.status, 'succeeded', report.error?.message)
  assert.ok(
    notes.some((note) => /does not show this user the Organization/.test(note)),
    notes.join('\n'),
  )
})

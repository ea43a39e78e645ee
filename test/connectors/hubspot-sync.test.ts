import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { type ConfigInput, type Exchange, type Report, type RowIssue, type SyncOptions, sync } from '../../src/index.ts'
import { type HubspotAccount, hubspotAccount } from '../support/hubspot-account.ts'
import { mapSource } from '../support/map-source.ts'
import { memoryFolder } from '../support/memory-folder.ts'
import { some } from '../support/model-run.ts'
import { column, type Row } from '../support/row-batches.ts'

let account: HubspotAccount
before(async () => {
  account = await hubspotAccount({ burst_limit: 100_000 })
})
after(() => account[Symbol.asyncDispose]())
beforeEach(() => account.reset())

const ROWS: Row[] = [
  ['1', 'ann@x.co', 'Ann', 'lead'],
  ['2', 'bob@x.co', 'Bob', 'lead'],
  ['3', 'cat@x.co', 'Cat', 'lead'],
]

type Sync = ConfigInput['syncs'][string]

/** A sync of people to contacts, with its state in a folder that goes with its scope. */
function people(rows: readonly Row[] = ROWS, at: HubspotAccount = account) {
  const folder = memoryFolder()
  const source = mapSource([column('id', 'integer'), column('mail'), column('name'), column('stage')], rows)
  // The key is not among the fields.
  source.extraKey = true
  const config = (overrides: Partial<Sync>): ConfigInput => ({
    version: 1,
    state: folder.file('state'),
    connections: { from: 'rows:', crm: { type: 'hubspot', token: 'token', base_url: at.url } },
    syncs: {
      people: {
        source: { connection: 'from', table: 'people' },
        key: 'id',
        mode: 'mirror',
        destination: { connection: 'crm', object: 'contacts', match: 'email' },
        fields: { email: 'mail', firstname: 'name', lifecyclestage: 'stage' },
        guards: { max_deletes: '100%' },
        ...overrides,
      },
    },
  })
  const run = (overrides: Partial<Sync> = {}, options: SyncOptions = {}): Promise<Report> =>
    sync(config(overrides), { sources: [source.definition], ...options })
  return { source, run, [Symbol.dispose]: () => folder[Symbol.dispose]() }
}

/** `ann@x.co Ann`, sorted. */
async function contacts(): Promise<string[]> {
  const found = await account.records('contacts')
  return found.map(({ properties }) => `${properties['email']} ${properties['firstname'] ?? '-'}`).sort()
}

async function writes(): Promise<string[]> {
  return (await account.calls()).filter((call) => /batch\/(create|update|upsert|archive)/.test(call))
}

test('mirror: makes, changes and archives by the ids it has learnt, and a second run writes nothing', async () => {
  using world = people()
  const first = await world.run()
  assert.equal(first.status, 'succeeded', first.error?.message)
  assert.deepEqual(some(first.counts), { read: 3, inserted: 3 })
  assert.deepEqual(some((await world.run()).counts), { read: 3, unchanged: 3 })
  assert.deepEqual(await writes(), ['POST batch/upsert 200'])
  world.source.rows = [['1', 'anna@x.co', 'Anna', 'lead'], ROWS[2] as Row]
  assert.deepEqual(some((await world.run()).counts), { read: 2, updated: 1, unchanged: 1, missing: 1, deleted: 1 })
  assert.deepEqual(await contacts(), ['anna@x.co Anna', 'cat@x.co Cat'])
  // An address that changed is a change of the same record. Only what is to be archived is looked at before.
  const calls = (await account.calls()).filter((call) => call.includes('batch/'))
  assert.deepEqual(calls.slice(1), ['POST batch/update 200', 'POST batch/read 200', 'POST batch/archive 204'])
})

test('upsert: takes over contacts that are there, and deletes none', async () => {
  using world = people()
  await account.put('contacts', [{ email: 'ann@x.co', phone: '42' }, { email: 'zoe@x.co' }])
  assert.deepEqual(some((await world.run({ mode: 'upsert' })).counts), { read: 3, inserted: 2, updated: 1 })
  world.source.rows = ROWS.slice(0, 1)
  assert.deepEqual(some((await world.run({ mode: 'upsert' })).counts), { read: 1, unchanged: 1, missing: 2, kept: 2 })
  assert.equal((await account.records('contacts')).length, 4)
})

test('update-only: changes contacts that are there, and makes none', async () => {
  using world = people()
  await account.put('contacts', [{ email: 'ann@x.co' }])
  assert.deepEqual(some((await world.run({ mode: 'update-only' })).counts), { read: 3, updated: 1, skipped: 2 })
  assert.deepEqual(await contacts(), ['ann@x.co Ann'])
})

test('insert-only: makes contacts, and changes none that are there', async () => {
  using world = people()
  await account.put('contacts', [{ email: 'ann@x.co', firstname: 'Own' }])
  assert.deepEqual(some((await world.run({ mode: 'insert-only' })).counts), { read: 3, inserted: 2, skipped: 1 })
  assert.deepEqual(await contacts(), ['ann@x.co Own', 'bob@x.co Bob', 'cat@x.co Cat'])
})

test('delete-only: archives the contacts that the model lost, by the addresses that are keys', async () => {
  using world = people()
  await account.put('contacts', [{ email: 'ann@x.co' }, { email: 'zoe@x.co' }])
  const own: Partial<Sync> = {
    mode: 'delete-only',
    key: 'mail',
    fields: { email: 'mail' },
    deletes: { scope: 'all', as: 'archive' },
  }
  const report = await world.run(own)
  assert.equal(report.status, 'succeeded', report.error?.message)
  assert.deepEqual(some(report.counts), { read: 3, skipped: 3, missing: 1, deleted: 1 })
  assert.deepEqual(await contacts(), ['ann@x.co -'])
})

test('a bad row is rejected by itself with its reason, and tried again by the next run', async () => {
  const bad: Row = ['4', 'no address', 'Dee', 'lead']
  using world = people([...ROWS, bad, ['5', 'eve@x.co', 'Eve', 'nowhere']])
  const issues: RowIssue[] = []
  const report = await world.run({}, { onIssue: (issue) => void issues.push(issue) })
  assert.deepEqual(some(report.counts), { read: 5, inserted: 3, rejected: 2 })
  assert.deepEqual(issues.map(({ key, code }) => [key, code]).sort(), [
    ['4', 'INVALID_EMAIL'],
    ['5', 'invalid_option'],
  ])
  world.source.rows = [...ROWS, ['4', 'dee@x.co', 'Dee', 'lead'], ['5', 'eve@x.co', 'Eve', 'lead']]
  assert.deepEqual(some((await world.run()).counts), { read: 5, inserted: 2, unchanged: 3 })
})

test('one conflict that refuses whole batches costs a few calls, and rejects one row', async () => {
  await using whole = await hubspotAccount({
    burst_limit: 100_000,
    whole_batch_conflicts: true,
    objects: { contacts: { properties: [{ name: 'ext_id', unique: true }] } },
  })
  await whole.put('contacts', [{ email: 'own@x.co', ext_id: 'n7' }])
  const rows = Array.from({ length: 50 }, (_, n): Row => [String(n), `n${n}@x.co`, `n${n}`, 'lead'])
  using world = people(rows, whole)
  const report = await world.run({ mode: 'upsert', fields: { email: 'mail', ext_id: 'name' } })
  assert.deepEqual(some(report.counts), { read: 50, inserted: 49, rejected: 1 })
  const sent = (await whole.calls()).filter((call) => call.startsWith('POST')).length
  assert.ok(sent <= 2 * Math.ceil(Math.log2(50)) + 1, `${sent} calls`)
})

interface Accident {
  readonly begin: () => Promise<void>
  readonly sync?: Partial<Sync>
  readonly code: string
  readonly exitCode: number
  readonly advice: RegExp
}

const token = (change: object) => account.door('/__tokens', { token: 'token', ...change })

const ACCIDENTS: Readonly<Record<string, Accident>> = {
  'a token that was revoked': {
    begin: () => token({ revoked: true }),
    code: 'authentication_failed',
    exitCode: 78,
    advice: /give a valid one in the connection/,
  },
  'a scope that is missing': {
    begin: () => token({ scopes: ['crm.objects.contacts.read'] }),
    code: 'permission_denied',
    exitCode: 78,
    advice: /give the app the scope crm\.objects\.contacts\.write/,
  },
  'a property that is not there': {
    begin: async () => {},
    sync: { fields: { email: 'mail', firstnam: 'name' } },
    code: 'destination_mismatch',
    exitCode: 78,
    advice: /did you mean "firstname"/,
  },
  'an object that is not there': {
    begin: async () => {},
    sync: { destination: { connection: 'crm', object: 'contakts', match: 'email' } },
    code: 'unknown_object',
    exitCode: 78,
    advice: /did you mean "contacts"/,
  },
  'a daily limit that is used up': {
    begin: () => account.faults({ fault: 'rate-limit-daily', match: { method: 'POST' } }),
    code: 'daily_limit',
    exitCode: 1,
    advice: /run again after midnight/,
  },
}

for (const [name, { begin, sync: overrides, code, exitCode, advice }] of Object.entries(ACCIDENTS)) {
  test(`${name} ends the run with what to do, and the next run finds what it would have found`, async () => {
    using world = people()
    await world.run()
    const before = await account.records('contacts')
    world.source.rows = [['1', 'ann@x.co', 'Annie', 'lead'], ROWS[1] as Row, ['4', 'dee@x.co', 'Dee', 'lead']]
    await begin()
    const report = await world.run(overrides)
    assert.deepEqual([report.error?.code, exitCodeOf(report)], [code, exitCode], report.error?.message)
    assert.match(String(report.error?.message), advice)
    assert.deepEqual(await account.records('contacts'), before)
    await account.faults()
    await token({ revoked: false, scopes: ['crm.objects.contacts.read', 'crm.objects.contacts.write'] })
    const next = await world.run()
    assert.deepEqual(some(next.counts), { read: 3, updated: 1, inserted: 1, unchanged: 1, missing: 1, deleted: 1 })
    assert.deepEqual(await contacts(), ['ann@x.co Annie', 'bob@x.co Bob', 'dee@x.co Dee'])
  })
}

test('a dry run reads what HubSpot has to say, and writes nothing', async () => {
  using world = people()
  const report = await world.run({}, { dryRun: true })
  assert.deepEqual(some(report.counts), { read: 3, inserted: 3 })
  assert.deepEqual(await writes(), [])
})

test('an answer that is lost after the contacts were made leaves one contact each', async () => {
  using world = people()
  await account.faults({ fault: 'reset', when: 'after', times: 2, match: { path: 'batch' } })
  const report = await world.run()
  assert.equal(report.status, 'succeeded', report.error?.message)
  assert.equal(report.requests.retried, 2)
  assert.deepEqual(await contacts(), ['ann@x.co Ann', 'bob@x.co Bob', 'cat@x.co Cat'])
})

test('a look at one record shows the requests that wrote it, and none that asks for a token or what properties there are', async () => {
  using world = people()
  const exchanges: Exchange[] = []
  const report = await world.run({}, { limit: 1, onExchange: (exchange) => exchanges.push(exchange) })
  assert.equal(report.status, 'succeeded', report.error?.message)
  const [exchange] = exchanges
  assert.deepEqual(
    exchange?.requests.map(({ request, response }) => [
      request.split(' ')[0],
      /^\S+ (\S+)/.exec(request)?.[1],
      response?.slice(0, 4),
    ]),
    [['POST', `${account.url}/crm/objects/2026-09/contacts/batch/upsert`, '200 ']],
  )
  assert.match(exchange?.requests[0]?.request ?? '', /"email":"ann@x.co"/)
  assert.match(exchange?.requests[0]?.response ?? '', /"firstname":"Ann"/)
})

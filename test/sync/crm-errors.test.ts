import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { type ConfigInput, indexSummary, type Report, sync } from '../../src/index.ts'
import { HTTP_PEOPLE } from '../support/crm-http-people.ts'
import type { CrmRow } from '../support/crm-oracle.ts'
import { type CrmTarget, type CrmTargetName, crmTarget, writingRequests } from '../support/crm-target.ts'
import { mapSource } from '../support/map-source.ts'
import { memoryFolder } from '../support/memory-folder.ts'
import { column } from '../support/row-batches.ts'

/** What a user has to mend: the run ends with what to do, and knows afterwards what it knew before. */

type SyncInput = ConfigInput['syncs'][string]

interface Accident {
  readonly target: CrmTargetName
  readonly begin?: (target: CrmTarget) => Promise<unknown>
  readonly sync?: Partial<SyncInput>
  readonly connection?: object
  readonly code: string
  readonly exit: 1 | 78
  readonly advice: RegExp
}

const CONTACT = { External_Id__c: 'id', Email: 'email', LastName: 'name' }
const to = (object: string, match: string): SyncInput['destination'] => ({ connection: 'crm', object, match })

const ACCIDENTS: Readonly<Record<string, Accident>> = {
  'hubspot: a token that was revoked': {
    target: 'hubspot by email',
    begin: (target) => target.door('tokens', { token: 'token', revoked: true }),
    code: 'authentication_failed',
    exit: 78,
    advice: /give a valid one in the connection$/,
  },
  'hubspot: a token that was revoked in the middle': {
    target: 'hubspot by email',
    begin: (target) => target.faults([{ fault: 'status-401', match: { path: '/batch/' } }]),
    code: 'authentication_failed',
    exit: 78,
    advice: /give a valid one in the connection$/,
  },
  'hubspot: a scope that is missing': {
    target: 'hubspot by email',
    begin: (target) => target.door('tokens', { token: 'token', scopes: ['crm.objects.contacts.read'] }),
    code: 'permission_denied',
    exit: 78,
    advice: /give the app the scope crm\.objects\.contacts\.write$/,
  },
  'hubspot: a property that is not there': {
    target: 'hubspot by email',
    sync: { fields: { email: 'email', firstnam: 'name' } },
    code: 'destination_mismatch',
    exit: 78,
    advice: /did you mean "firstname"/,
  },
  'hubspot: an object that is not there': {
    target: 'hubspot by email',
    sync: { destination: to('contakts', 'email') },
    code: 'unknown_object',
    exit: 78,
    advice: /did you mean "contacts"/,
  },
  'salesforce: a secret that is wrong': {
    target: 'salesforce collections',
    connection: { client_secret: 'wrong' },
    code: 'token_refused',
    exit: 78,
    advice: /correct the client and its credentials in the connection, or authorize the app again$/,
  },
  'salesforce: a session that ends again and again': {
    target: 'salesforce collections',
    begin: (target) => target.faults([{ fault: 'status-401', match: { path: '/services/data/' } }]),
    code: 'authentication_failed',
    exit: 78,
    advice: /token|user|app/,
  },
  'salesforce: an app without rights': {
    target: 'salesforce collections',
    begin: (target) => target.faults([{ fault: 'api-disabled', match: { path: '/services/data/' } }]),
    code: 'salesforce_refused',
    exit: 1,
    advice: /grant this user "API Enabled"$/,
  },
  'salesforce: a field that is not there': {
    target: 'salesforce collections',
    sync: { fields: { ...CONTACT, FirstNam: 'name' } },
    code: 'destination_mismatch',
    exit: 78,
    advice: /did you mean "FirstName"/,
  },
  'salesforce: an object that is not there': {
    target: 'salesforce bulk',
    sync: { destination: to('Kontact', 'External_Id__c') },
    code: 'unknown_object',
    exit: 78,
    advice: /did you mean "Contact"|correct destination\.object/,
  },
  'http: credentials that are not taken': {
    target: 'http batch',
    begin: (target) => target.faults([{ fault: 'status-401' }]),
    code: 'authentication_failed',
    exit: 78,
    advice: /correct|give|check/,
  },
  'http: rights that are missing': {
    target: 'http batch',
    begin: (target) => target.faults([{ fault: 'status-403' }]),
    code: 'permission_denied',
    exit: 78,
    advice: /correct|give|grant|check/,
  },
  'http: an object that is not described': {
    target: 'http batch',
    sync: { destination: { connection: 'crm', object: 'peopel' } },
    code: 'unknown_object',
    exit: 78,
    advice: /did you mean "people"|it has people/,
  },
}

const ROWS: readonly CrmRow[] = Array.from({ length: 12 }, (_, n) => ({
  id: String(n + 1),
  email: `p${n + 1}@x.co`,
  name: `name ${n + 1}`,
}))

/** A sync that has run once, of a model that has changed since. */
async function worldOf(target: CrmTarget) {
  await target.reset()
  const folder = memoryFolder()
  const source = mapSource([column('id', 'integer'), column('email'), column('name')])
  source.extraKey = true
  const config = ({ sync: more = {}, connection = {} }: Pick<Accident, 'sync' | 'connection'> = {}): ConfigInput =>
    ({
      version: 1,
      state: folder.path,
      connections: { from: 'rows:', crm: target.connection(connection) },
      syncs: {
        people: {
          source: { connection: 'from', table: 'people' },
          key: 'id',
          mode: 'mirror',
          destination: to(target.sync.object, target.sync.match),
          fields: target.sync.fields,
          guards: { max_deletes: '100%' },
          ...more,
        },
      },
    }) as ConfigInput
  const world = {
    rows: ROWS,
    run(accident: Pick<Accident, 'sync' | 'connection'> = {}): Promise<Report> {
      source.rows = world.rows.map(({ id, email, name }) => [id, email, name])
      return sync(config(accident), { sources: [source.definition] })
    },
    /** What the index says, and what is in its file. */
    async index() {
      const options = { sync: 'people', sources: [source.definition] }
      return { summary: await indexSummary(config(), options), bytes: readFileSync(join(folder.path, 'people.sqlite')) }
    },
    printed: async () => (await target.records()).map(({ ref, email, name }) => `${ref} ${email} ${name}`).toSorted(),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
  const first = await world.run()
  assert.deepEqual([first.error, first.counts.inserted], [null, ROWS.length])
  world.rows = [
    ...ROWS.slice(1),
    { ...(ROWS[0] as CrmRow), name: 'changed' },
    { id: '90', email: 'p90@x.co', name: 'new' },
  ].slice(1)
  return world
}

const expected = (rows: readonly CrmRow[]) => rows.map(({ id, email, name }) => `${id} ${email} ${name}`).toSorted()

describe('what a user has to mend', () => {
  const targets = new Map<CrmTargetName, CrmTarget>()
  const targetOf = (name: CrmTargetName) => targets.get(name) as CrmTarget
  before(async () => {
    for (const name of new Set(Object.values(ACCIDENTS).map(({ target }) => target)))
      targets.set(name, await crmTarget(name))
  })
  after(async () => {
    for (const target of targets.values()) await target[Symbol.asyncDispose]()
  })

  for (const [name, accident] of Object.entries(ACCIDENTS)) {
    test(`${name}: the run says what to do, nothing is written, and the index is as it was`, async () => {
      const target = targetOf(accident.target)
      using world = await worldOf(target)
      const [records, index, { last }] = [await world.printed(), await world.index(), await target.journal()]
      await accident.begin?.(target)
      const report = await world.run(accident)
      assert.deepEqual([report.error?.code, exitCodeOf(report)], [accident.code, accident.exit], report.error?.message)
      assert.match(String(report.error?.message), accident.advice)
      const { deleted, inserted, updated, rejected } = report.counts
      assert.deepEqual([deleted, inserted, updated, rejected], [0, 0, 0, 0])
      const journal = await target.journal(last)
      assert.deepEqual(
        journal.writes.filter(({ request }) => request !== null),
        [],
      )
      assert.deepEqual(await world.printed(), records)
      const now = await world.index()
      const reached = writingRequests(journal).length > 0
      // Before anything was about to be sent not one byte may differ. What was about to be is unsure: a row and a delete.
      if (!reached) assert.deepEqual(now, index)
      else assert.ok((now.summary?.by_state.acknowledged ?? 0) >= ROWS.length - 2, JSON.stringify(now.summary))

      await target.faults([])
      if (target.kind === 'hubspot') {
        const scopes = ['crm.objects.contacts.read', 'crm.objects.contacts.write']
        await target.door('tokens', { token: 'token', revoked: false, scopes })
      }
      const next = await world.run()
      const { updated: changed, inserted: added, deleted: gone } = next.counts
      assert.deepEqual([next.error, changed, added, gone], [null, 1, 1, 1])
      assert.deepEqual(await world.printed(), expected(world.rows))
    })
  }
})

describe('a limit of the day', () => {
  const CASES: Readonly<Record<string, { target: CrmTargetName; options: object; batch: number }>> = {
    hubspot: { target: 'hubspot by email', options: {}, batch: 10 },
    salesforce: { target: 'salesforce collections', options: {}, batch: 10 },
  }
  for (const [name, { target: targetName, batch }] of Object.entries(CASES)) {
    test(`${name}: what was answered before it is kept, and the next run goes on from there`, async () => {
      await using target = await crmTarget(targetName)
      using world = await worldOf(target)
      const many = Array.from(
        { length: 60 },
        (_, n): CrmRow => ({ id: String(100 + n), email: `q${n}@x.co`, name: 'q' }),
      )
      world.rows = [...ROWS, ...many]
      const own = { sync: { batch: { size: batch, concurrency: 1 } } }
      const used = name === 'hubspot' ? 'rate-limit-daily' : 'limit'
      if (name === 'hubspot') {
        await target.faults([{ fault: used, match: { method: 'POST', path: '/batch/' }, skip: 2 }])
      } else {
        // Two calls that write are left after the token, the description and what else is asked first.
        const { requests } = await target.journal()
        const beginning = requests.filter(({ path }) => path.includes('/services/data/')).length
        await target.door('limits', { window: 'daily', requests: 10_000_000 - 2 * beginning - 1 })
      }
      const report = await world.run(own)
      assert.deepEqual([report.error?.code, exitCodeOf(report)], ['daily_limit', 1], report.error?.message)
      const landed = (await target.records()).length - ROWS.length
      assert.ok(landed > 0 && landed < many.length, `${landed} landed`)
      assert.equal(report.counts.inserted, landed)
      await target.faults([])
      await target.door('clock', { ms: 25 * 3_600_000 })
      const next = await world.run(own)
      assert.equal(next.error, null)
      const { inserted, updated, unchanged } = next.counts
      // At most one batch was unsure.
      assert.ok(unchanged >= ROWS.length + landed - batch, JSON.stringify(next.counts))
      assert.equal(inserted + updated + unchanged, world.rows.length)
      assert.deepEqual(await world.printed(), expected(world.rows))
    })
  }
})

test('an object of an HTTP API without what its mode needs is refused with the reason, before anything is sent', async () => {
  await using target = await crmTarget('http single')
  using world = await worldOf(target)
  const { delete: _delete, ...people } = HTTP_PEOPLE.single
  const { last } = await target.journal()
  const report = await world.run({ connection: { objects: { people } } })
  assert.deepEqual([report.error?.code, exitCodeOf(report)], ['unsupported_mode', 78])
  assert.match(String(report.error?.message), /there is no `delete`/)
  assert.deepEqual((await target.journal(last)).requests, [])
})

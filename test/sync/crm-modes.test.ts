import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import pg from 'pg'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { type ConfigInput, type Report, type RowIssue, SYNC_MODES, type SyncMode, sync } from '../../src/index.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { HTTP_PEOPLE } from '../support/crm-http-people.ts'
import { type CrmRow, crmOracle, printCrm } from '../support/crm-oracle.ts'
import { CRM_TARGETS, type CrmRecord, type CrmTarget, crmTarget, writingRequests } from '../support/crm-target.ts'
import { memoryFolder } from '../support/memory-folder.ts'

/** A model in a real Postgres, to each simulated system, in each mode: what it holds is what the mode says. */

let postgres: TestPostgres
let client: pg.Client
before(async () => {
  postgres = await startPostgres()
  client = new pg.Client(postgres.url)
  await client.connect()
  await client.query('CREATE TABLE model (id bigint, email text, name text)')
})
after(async () => {
  await client.end()
  await postgres[Symbol.asyncDispose]()
})

type SyncInput = ConfigInput['syncs'][string]

const row = (n: number, name = `name ${n}`): CrmRow => ({ id: String(n), email: `p${n}@x.co`, name })

/** More rows than a call takes. */
const FIRST: readonly CrmRow[] = Array.from({ length: 130 }, (_, n) => row(n + 1))

/** Records that somebody made by hand: some of rows of the model, with a field that no sync maps, and two of nobody. */
function byHand({ sync: { foundBy } }: CrmTarget): Omit<CrmRecord, 'id'>[] {
  const ref = (n: number) => (foundBy === 'ref' ? String(n) : null)
  const some = [2, 3, 50, 104, 120].map((n) => ({
    ref: ref(n),
    email: `p${n}@x.co`,
    name: 'by hand',
    note: `note ${n}`,
  }))
  const others = [9001, 9002].map((n) => ({ ref: ref(n), email: `p${n}@x.co`, name: 'somebody', note: null }))
  return [...some, ...others]
}

/** Rows change, leave and join; where an address is no key, it changes too. */
function changed({ sync: { key } }: CrmTarget): CrmRow[] {
  const kept = FIRST.filter(({ id }) => ![3, 7, 120, 111].includes(Number(id)))
  const news = kept.map((one): CrmRow => {
    const n = Number(one.id)
    if (n % 10 === 0) return row(n, `changed ${n}`)
    return n % 45 === 1 && key === 'id' ? { ...one, email: `moved${n}@x.co` } : one
  })
  return [...news, ...[301, 302, 303].map((n) => row(n))]
}

async function setModel(rows: readonly CrmRow[]): Promise<void> {
  await client.query('TRUNCATE model')
  const columns = [rows.map(({ id }) => id), rows.map(({ email }) => email), rows.map(({ name }) => name)]
  await client.query('INSERT INTO model SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[])', columns)
}

function config(target: CrmTarget, state: string, overrides: Partial<SyncInput>, connection = {}): ConfigInput {
  const { key, object, match, fields } = target.sync
  return {
    version: 1,
    state,
    connections: { warehouse: postgres.url, crm: target.connection(connection) } as ConfigInput['connections'],
    syncs: {
      people: {
        source: { connection: 'warehouse', table: 'model' },
        key,
        mode: 'mirror',
        destination: { connection: 'crm', object, match },
        fields: fields as SyncInput['fields'],
        guards: { max_deletes: '100%' },
        ...overrides,
      } as SyncInput,
    },
  }
}

/** Counts have to add up, and nothing may be wrong with any row. */
function assertClean(report: Report, issues: readonly RowIssue[], what: string): void {
  assert.deepEqual([report.error, report.status, issues], [null, 'succeeded', []], what)
  const { read, inserted, updated, unchanged, skipped, missing, deleted, kept } = report.counts
  assert.equal(inserted + updated + unchanged + skipped, read, what)
  assert.equal(deleted + kept, missing, what)
}

interface Variant {
  readonly mode: SyncMode
  readonly scope: 'seen' | 'all'
}
const VARIANTS: readonly Variant[] = [
  ...(Object.keys(SYNC_MODES) as SyncMode[]).map((mode) => ({ mode, scope: 'seen' as const })),
  { mode: 'mirror', scope: 'all' },
]

const needsList = ({ mode, scope }: Variant) => mode === 'delete-only' || scope === 'all'

for (const name of CRM_TARGETS) {
  describe(name, () => {
    let target: CrmTarget
    before(async () => {
      target = await crmTarget(name)
    })
    after(() => target[Symbol.asyncDispose]())

    for (const variant of VARIANTS) {
      const { mode, scope } = variant
      test(`${mode}, deletes ${scope}: the records are what the mode says, and a run of no news sends nothing`, async (t) => {
        await target.reset()
        using folder = memoryFolder()
        const overrides: Partial<SyncInput> = {
          mode,
          ...(scope === 'all' && { deletes: { scope } }),
          // What the list does not have is not asked for again by each run.
          ...(mode === 'update-only' && target.sync.lists && { index: { bootstrap: 'list' as const } }),
        }
        const run = async (what: string) => {
          const issues: RowIssue[] = []
          const report = await sync(config(target, folder.path, overrides), { onIssue: (one) => issues.push(one) })
          return { report, issues, what }
        }
        await setModel(FIRST)
        if (needsList(variant) && !target.sync.lists) {
          const { report } = await run('refused')
          assert.match(String(report.error?.code), /^(cannot_list|unsupported_mode)$/)
          assert.equal(exitCodeOf(report), 78)
          const reasons = /needs the keys of the records at the destination|there is no `list`/
          assert.match(String(report.error?.message), reasons)
          assert.deepEqual(writingRequests(await target.journal()), [])
          return
        }
        const hand = byHand(target)
        await target.put(hand)
        const oracle = crmOracle(target.sync, mode, scope, hand)
        let calls = 0
        for (const model of [FIRST, changed(target)]) {
          await setModel(model)
          const before = (await target.journal()).last
          const { report, issues } = await run('news')
          assertClean(report, issues, `${mode} with news`)
          const expected = oracle.run(model)
          const { inserted, updated, deleted } = report.counts
          assert.deepEqual(printCrm(await target.records()), oracle.print())
          assert.deepEqual({ inserted, updated, deleted }, expected)
          const between = await target.journal(before)
          calls += writingRequests(between).length

          const again = await run('no news')
          assertClean(again.report, again.issues, `${mode} without news`)
          const quiet = await target.journal(between.last)
          assert.deepEqual([writingRequests(quiet), quiet.writes], [[], []], 'a run of no news writes nothing')
        }
        assert.deepEqual(await target.door('violations'), [])
        t.diagnostic(`${oracle.records.length} records after ${calls} calls that write`)
      })
    }
  })
}

const without = (...names: string[]) =>
  Object.fromEntries(Object.entries(HTTP_PEOPLE.single).filter(([name]) => !names.includes(name)))

const REFUSALS: Readonly<Record<string, readonly [mode: SyncMode, people: object, reason: RegExp]>> = {
  'a mirror where nothing deletes': ['mirror', without('delete'), /there is no `delete`/],
  'an upsert where nothing changes records': ['upsert', without('upsert', 'update'), /there is no `upsert`/],
  'an update where nothing changes records': ['update-only', without('update', 'upsert'), /there is no `update`/],
  'deletes where nobody knows the records': ['delete-only', without('list'), /there is no `list`/],
  'inserts where nothing makes records': ['insert-only', without('insert'), /there is no `insert`/],
}

describe('what an API does not allow', () => {
  for (const [name, [mode, people, reason]] of Object.entries(REFUSALS)) {
    test(`${name} is refused before anything is sent, with the reason`, async () => {
      await using target = await crmTarget('http single')
      using folder = memoryFolder()
      await setModel(FIRST)
      const report = await sync(config(target, folder.path, { mode }, { objects: { people } }))
      assert.deepEqual([report.error?.code, exitCodeOf(report)], ['unsupported_mode', 78], report.error?.message)
      assert.match(String(report.error?.message), reason)
      assert.deepEqual((await target.journal()).requests, [])
    })
  }

  test('ids that HubSpot gives are no match for new records', async () => {
    await using target = await crmTarget('hubspot by email')
    using folder = memoryFolder()
    await setModel(FIRST)
    const own = { destination: { connection: 'crm', object: 'contacts', match: 'hs_object_id' } }
    const fields = { hs_object_id: 'id', email: 'email' }
    for (const mode of ['mirror', 'upsert', 'insert-only'] as const) {
      const report = await sync(config(target, folder.path, { mode, ...own, fields }))
      assert.equal(exitCodeOf(report), 78, mode)
      assert.match(String(report.error?.message), /hs_object_id/)
      assert.deepEqual(writingRequests(await target.journal()), [])
    }
  })

  test('a field of Salesforce that finds no records is no match', async () => {
    await using target = await crmTarget('salesforce collections')
    using folder = memoryFolder()
    await setModel(FIRST)
    const own = { destination: { connection: 'crm', object: 'Contact', match: 'Email' }, key: 'email' }
    const report = await sync(config(target, folder.path, { ...own, fields: { Email: 'email', LastName: 'name' } }))
    assert.equal(exitCodeOf(report), 78)
    assert.match(String(report.error?.message), /Email/)
    assert.deepEqual(writingRequests(await target.journal()), [])
  })
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { FaultRule } from '../../src/simulators/simulator-faults.ts'
import { type CrmDeath, type CrmHistory, crmHistory } from '../support/crm-history.ts'
import type { CrmRow } from '../support/crm-oracle.ts'
import { CRM_TARGETS, type CrmTarget, type CrmTargetName, crmTarget, writingRequests } from '../support/crm-target.ts'
import { type Random, seeds, withSeed } from '../support/seeded-random.ts'

/**
 * Small models that change between runs, over the three simulators: faults before and after the commit, lost answers, killed
 * runs, rows that are refused. What has to hold is computed from the model and the simulator's journal alone.
 * `ROWFERRY_SEEDS=5000 node scripts/test.mjs test/sync/crm-histories` runs more of them.
 */

/** In all at least 300. */
const SEEDS: Readonly<Record<CrmTargetName, number>> = {
  'hubspot by email': 70,
  'hubspot by key': 30,
  'salesforce collections': 50,
  'salesforce bulk': 50,
  'http single': 34,
  'http batch': 33,
  'http by email': 33,
}

const KEYS = 22
const ADDRESSES = 16

const EVERYWHERE = ['status-503', 'status-429', 'reset', 'reset-early', 'cut', 'truncate', 'html', 'html-200', 'empty']
const OWN: Readonly<Record<CrmTarget['kind'], readonly string[]>> = {
  hubspot: ['rate-limit-rolling', 'rate-limit-message', 'empty-results', 'batch-conflict', 'status-423', 'status-500'],
  salesforce: ['session-ends', 'status-500'],
  http: ['status-500', 'status-504', 'status-408'],
}

function newRow(target: CrmTarget, key: number, random: Random): CrmRow {
  const email = target.sync.key === 'email' ? `k${key}@x.co` : `a${random.below(ADDRESSES)}@x.co`
  return { id: String(key), email, name: `n${random.below(5)}` }
}

/** A row that the system refuses, or refuses at first. */
function badRow(target: CrmTarget, row: CrmRow, random: Random): CrmRow {
  if (target.kind === 'http') return { ...row, name: random.chance(0.5) ? '!refuse it' : `!lock ${random.below(3)}` }
  return target.sync.key === 'email' ? row : { ...row, email: `no address ${row.id}` }
}

function changeModel(target: CrmTarget, model: Map<string, CrmRow>, random: Random): void {
  for (let steps = 1 + random.below(8); steps > 0; steps--) {
    const key = 1 + random.below(KEYS)
    const row = model.get(String(key))
    if (row === undefined) {
      model.set(String(key), newRow(target, key, random))
      continue
    }
    const what = random.pick(['delete', 'name', 'name', 'address', 'rename', 'bad'])
    if (what === 'delete') model.delete(row.id)
    if (what === 'name') model.set(row.id, { ...row, name: `n${random.below(5)}` })
    if (what === 'address') model.set(row.id, { ...newRow(target, key, random), name: row.name })
    if (what === 'rename') rename(target, model, row, 1 + random.below(KEYS))
    if (what === 'bad') model.set(row.id, badRow(target, row, random))
  }
}

/** The same person under another key. */
function rename(target: CrmTarget, model: Map<string, CrmRow>, row: CrmRow, key: number): void {
  if (model.has(String(key))) return
  model.delete(row.id)
  const email = target.sync.key === 'email' ? `k${key}@x.co` : row.email
  model.set(String(key), { ...row, id: String(key), email })
}

function faultsOf({ kind }: CrmTarget, random: Random): FaultRule[] {
  return Array.from({ length: random.below(5) }, (): FaultRule => {
    const stalls = kind !== 'salesforce' && random.chance(0.03)
    const fault = stalls ? random.pick(['stall', 'hang']) : random.pick([...EVERYWHERE, ...OWN[kind]])
    const when = random.chance(0.5) ? 'before' : 'after'
    return {
      fault,
      // A conflict says that nothing was done, and no system says so of what it did.
      when: fault === 'batch-conflict' ? 'before' : when,
      rate: random.pick([0.1, 0.3, 1]),
      times: stalls ? 1 : 1 + random.below(4),
      skip: random.below(random.pick([3, 12])),
    }
  })
}

function deathOf(random: Random): CrmDeath | undefined {
  if (random.chance(0.4)) return undefined
  return { request: 1 + random.below(random.pick([4, 8, 16])), moment: random.pick(['before', 'sent', 'answered']) }
}

/** Time-outs that a stall does not make long. Salesforce's cannot be set. */
const QUICK: Readonly<Record<CrmTarget['kind'], object>> = {
  hubspot: { timeout: 0.4 },
  http: { timeout: '400ms' },
  salesforce: {},
}

interface Tally {
  runs: number
  killed: number
  failed: number
  rejected: number
  faults: number
}

/** One history: runs with faults, then one without, then one that has nothing to do. */
async function live(target: CrmTarget, random: Random, tally: Tally): Promise<void> {
  await target.reset()
  const mode = random.chance(0.75) ? 'mirror' : 'upsert'
  const foreign = [
    { ref: target.sync.foundBy === 'ref' ? '900' : null, email: 'foreign@x.co', name: 'foreign', note: 'mine' },
    // A row may come for this one, or never.
    {
      ref: target.sync.foundBy === 'ref' ? '3' : null,
      email: target.sync.key === 'email' ? 'k3@x.co' : 'a3@x.co',
      name: 'by hand',
      note: 'mine',
    },
  ]
  await target.put(foreign)
  using history = crmHistory(target, mode, QUICK[target.kind])
  for (let key = 1; key <= KEYS; key += 1 + random.below(3)) history.model.set(String(key), newRow(target, key, random))
  const batch = { size: 1 + random.below(9), concurrency: 1 + random.below(3) }
  for (let runs = 1 + random.below(3); runs > 0; runs--) {
    changeModel(target, history.model, random)
    if (target.kind === 'salesforce') await trouble(target, random)
    await target.faults(faultsOf(target, random), random.below(1_000_000))
    const { killed, report } = await history.run({ death: deathOf(random), batch })
    tally.runs++
    tally.rejected += report.counts.rejected
    const { rules } = (await target.door('faults')) as { rules: { hit: number }[] }
    for (const { hit } of rules) tally.faults += hit
    if (killed) tally.killed++
    else if (report.status === 'failed') tally.failed++
  }
  await settle(target, history, mode)
}

/** Rows that somebody else holds, and jobs that fail in the middle. */
async function trouble(target: CrmTarget, random: Random): Promise<void> {
  const fails = random.chance(0.3)
    ? { after_batches: random.below(2), times: 1 + random.below(2) }
    : { after_batches: 99 }
  const settings = { row_lock_rate: random.chance(0.3) ? 0.3 : 0, batch_size: 1 + random.below(6), fail_jobs: fails }
  await target.door('settings', settings)
}

async function settle(target: CrmTarget, history: CrmHistory, mode: string): Promise<void> {
  const { model } = history
  await target.faults([])
  if (target.kind === 'salesforce') {
    await target.door('settings', { row_lock_rate: 0, batch_size: 100, fail_jobs: { after_batches: 99 } })
  }
  for (const [id, row] of model) {
    // Every row is one that can be taken, and has an address of its own.
    const email = target.sync.key === 'email' ? row.email : `final-${id}@x.co`
    model.set(id, { id, email, name: `final ${row.name.replace('!', '')}` })
  }
  const { report, issues } = await history.run()
  const said = issues.map(({ key, code, message }) => `${key}: ${code}, ${message}`).join('; ')
  assert.equal(report.status, 'succeeded', report.error?.message ?? said)
  const records = await target.records()
  const ours = records.filter(({ ref }) => ref !== null && (mode === 'mirror' || model.has(ref)) && ref !== '900')
  const print = (rows: readonly { ref: string | null; email: string | null; name: string | null }[]) =>
    rows.map(({ ref, email, name }) => `${ref} ${email} ${name}`).toSorted()
  const untouched = ({ note, name }: { note: string | null; name: string | null }) =>
    note === 'mine' && name === 'by hand'
  const expected = [...model.values()].map(({ id, email, name }) => ({ ref: id, email, name }))
  assert.deepEqual(
    print(ours.filter((one) => !untouched(one))),
    print(expected),
    'one record for each row, and no other',
  )
  assert.ok(records.some(({ email, name, note }) => email === 'foreign@x.co' && name === 'foreign' && note === 'mine'))
  const { last } = await target.journal()
  const again = await history.run()
  assert.equal(again.report.status, 'succeeded')
  const quiet = await target.journal(last)
  assert.deepEqual([writingRequests(quiet).length, quiet.writes], [0, []], 'a run of no news writes nothing')
}

for (const name of CRM_TARGETS) {
  describe(name, () => {
    let target: CrmTarget
    before(async () => {
      target = await crmTarget(name)
    })
    after(() => target[Symbol.asyncDispose]())

    test('whatever happens, the first complete run brings the records to the model, one for each row', async (t) => {
      const tally: Tally = { runs: 0, killed: 0, failed: 0, rejected: 0, faults: 0 }
      const all = seeds(SEEDS[name])
      for (const seed of all) {
        await withSeed(seed, 'test/sync/crm-histories', (random) => live(target, random, tally))
      }
      t.diagnostic(`${all.length} seeds, ${JSON.stringify(tally)}`)
      if (all.length > 20) assert.ok(tally.killed > all.length / 5, `${tally.killed} kills`)
    })
  })
}

/** What the row was when its first write was killed; later it has another address. */
const IN_DOUBT: Readonly<Record<string, readonly [CrmTargetName, CrmRow]>> = {
  'an address that changed': ['hubspot by email', { id: '1', email: 'a1@x.co', name: 'n' }],
  'an address that was none': ['hubspot by email', { id: '1', email: 'no address', name: 'n' }],
  'an address that changed where records are updated by ids': [
    'http by email',
    { id: '1', email: 'a1@x.co', name: 'n' },
  ],
}

for (const [what, [name, row]] of Object.entries(IN_DOUBT)) {
  test(`${name}: ${what} while its insert was in doubt is one record, wherever the run was killed`, async () => {
    await using target = await crmTarget(name)
    for (let request = 1, killed = true; killed; request++) {
      await target.reset()
      using history = crmHistory(target, 'mirror', {})
      history.model.set('1', row)
      killed = (await history.run({ death: { request, moment: 'sent' } })).killed
      history.model.set('1', { ...row, email: 'new@x.co' })
      const { report, issues } = await history.run()
      assert.equal(report.status, 'succeeded', JSON.stringify(issues))
      const records = (await target.records()).map(({ ref, email }) => `${ref} ${email}`)
      assert.deepEqual(records, ['1 new@x.co'], `killed in request ${request}`)
      assert.ok(request < 20)
    }
  })
}

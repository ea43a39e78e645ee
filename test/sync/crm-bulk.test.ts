import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { type Report, sync } from '../../src/index.ts'
import type { FaultRule } from '../../src/simulators/simulator-faults.ts'
import { type BuiltCli, buildCli } from '../support/cli-process.ts'
import { stallUploads, writeConfig, writeModel } from '../support/crm-cli.ts'
import type { CrmRow } from '../support/crm-oracle.ts'
import { type SimulatorProcess, simulatorProcess } from '../support/crm-process.ts'
import { type CrmJournal, type CrmTarget, crmTarget } from '../support/crm-target.ts'
import { reportOf } from '../support/kill-rounds.ts'
import { memoryFolder } from '../support/memory-folder.ts'

/** Jobs of Bulk API 2.0 as the whole product makes them: large ones, and those of runs that are killed with SIGKILL. */

const USAGE = pathToFileURL(join(import.meta.dirname, '../../bench/usage.mjs')).href

/** What a run may take at its peak: measured were 138 to 142, and more than 600 where the rows of a job were held. */
const MOST_MIB = 160

const row = (n: number, name = `name ${n}`): CrmRow => ({ id: String(n), email: `p${n}@x.co`, name })

const jobCall = /\/jobs\/ingest(\/(?<id>[^/?]+))?(\/(?<part>[^?]+))?(\?|$)/

/** `POST`, `PUT batches`, `PATCH`, `GET`, `GET successfulResults`, in the order in which they arrived. */
function jobCalls({ requests }: Pick<CrmJournal, 'requests'>): string[] {
  return requests.flatMap(({ method, path }) => {
    const found = jobCall.exec(path)
    return found === null ? [] : [[method, found.groups?.['part']].filter((part) => part !== undefined).join(' ')]
  })
}

describe('many rows', () => {
  let cli: BuiltCli
  before(() => {
    cli = buildCli()
  })
  after(() => cli[Symbol.dispose]())

  // Some that Salesforce refuses, so that two files have rows.
  const isBad = (n: number) => n % 1000 === 500
  function* model(count: number): Generator<CrmRow> {
    for (let n = 1; n <= count; n++) yield isBad(n) ? { ...row(n), email: 'no address' } : row(n)
  }

  /** Runs the command line as it is shipped, and says what its process took; then what the org was asked. */
  async function load(t: TestContext, simulator: SimulatorProcess, count: number, connection: object) {
    using folder = memoryFolder()
    await writeModel(folder.file('model.db'), model(count))
    const crm = {
      type: 'salesforce',
      base_url: simulator.url,
      client_id: 'simulator',
      client_secret: 'simulator-secret',
    }
    const sync = { key: 'id', object: 'Contact', match: 'External_Id__c' }
    const fields = { External_Id__c: 'id', Email: 'email', LastName: 'name' }
    writeConfig(folder, {
      sync: { ...sync, fields, foundBy: 'ref', lists: true },
      connection: () => ({ ...crm, ...connection }),
    })
    const usage = folder.file('usage.json')
    const env = { ROWFERRY_BENCH_USAGE: usage, NODE_OPTIONS: `--import ${USAGE}` }
    const began = performance.now()
    const exit = await cli.startWith(env, folder.path, 'run', 'people', '--json').exit
    const seconds = (performance.now() - began) / 1000
    const report = reportOf(exit)
    const { peakMiB, cpuMs } = JSON.parse(readFileSync(usage, 'utf8')) as { peakMiB: number; cpuMs: number }
    const { routes } = (await simulator.get('counts')) as { routes: Readonly<Record<string, number>> }
    const called = (call: string, path = '') => {
      const found = Object.entries(routes).find(
        ([route]) => route.startsWith(call) && route.endsWith(`/jobs/ingest${path}`),
      )
      return found?.[1] ?? 0
    }
    t.diagnostic(
      `${count} rows by ${called('POST')} jobs, ${report.requests.sent} requests: ${seconds.toFixed(1)} s, ` +
        `${(cpuMs / 1000).toFixed(1)} s of CPU, peak RSS ${peakMiB.toFixed(0)} MiB`,
    )
    const bad = count / 1000
    assert.deepEqual([report.error, report.status], [null, 'completed_with_errors'])
    assert.deepEqual([report.counts.inserted, report.counts.rejected], [count - bad, bad])
    assert.ok(peakMiB < MOST_MIB, `peak RSS ${Math.round(peakMiB)} MiB`)
    await assertStored(simulator, count - bad)
    return called
  }

  async function assertStored(simulator: SimulatorProcess, count: number): Promise<void> {
    const stored = (await simulator.get('records/Contact?fields=External_Id__c,LastName')) as Record<string, string>[]
    const seen = new Set<string>()
    for (const { External_Id__c: id, LastName: name } of stored) {
      assert.ok(!isBad(Number(id)) && name === `name ${id}` && !seen.has(id as string), `${id} ${name}`)
      seen.add(id as string)
    }
    assert.equal(seen.size, count)
  }

  test('200,000 are one job, whose three files have every row once, in memory that does not depend on them', async (t) => {
    await using simulator = await simulatorProcess('salesforce', { queue_ms: 0, batch_ms: 1 })
    const called = await load(t, simulator, 200_000, {})
    assert.deepEqual([called('POST'), called('PUT', '/:id/batches'), called('PATCH', '/:id')], [1, 1, 1])
    for (const file of ['failedResults', 'unprocessedrecords']) assert.equal(called('GET', `/:id/${file}`), 1, file)
    // 50,000 rows a page.
    assert.equal(called('GET', '/:id/successfulResults'), 4)
  })

  test('they are many jobs where each may only hold so much, in the same memory', async (t) => {
    await using simulator = await simulatorProcess('salesforce', { queue_ms: 0, batch_ms: 1 })
    const called = await load(t, simulator, 60_000, { load: 'bulk', job_bytes: 100_000 })
    const read = called('GET', '/:id/failedResults')
    // More than are loaded at the same time.
    assert.ok(read > 16, `${read} jobs`)
    assert.equal(called('GET', '/:id/unprocessedrecords'), read)
  })
})

describe('batches that are gathered', () => {
  let target: CrmTarget
  before(async () => {
    target = await crmTarget('salesforce bulk')
  })
  after(() => target[Symbol.asyncDispose]())

  /** Runs a sync of so many rows that gathers 500 of them at most. */
  async function run(count: number): Promise<Report> {
    using folder = memoryFolder()
    await writeModel(
      folder.file('model.db'),
      Array.from({ length: count }, (_, n) => row(n + 1)),
    )
    const { key, object, match, fields } = target.sync
    const report = await sync({
      version: 1,
      state: folder.file('state'),
      connections: { from: `sqlite:${folder.file('model.db')}`, crm: target.connection() },
      syncs: {
        people: {
          source: { connection: 'from', table: 'people' },
          key,
          mode: 'mirror',
          destination: { connection: 'crm', object, match },
          fields,
          batch: { size: 10, concurrency: 50 },
        },
      },
    })
    assert.deepEqual([report.error, report.counts.inserted], [null, count])
    assert.equal((await target.journal()).writes.length, count)
    return report
  }

  const jobs = async () => jobCalls(await target.journal()).filter((call) => call === 'POST').length

  test('go by jobs that are as large as they may be', async () => {
    await target.reset()
    await run(5_000)
    // Ten, if nobody ever had to wait for the source.
    assert.ok((await jobs()) <= 20, `${await jobs()} jobs`)
  })

  test('and whose upload is lost go by one other job, together', async () => {
    await target.reset()
    await target.faults([{ fault: 'reset', when: 'after', times: 1, match: { method: 'PUT', path: '/batches' } }])
    const { requests } = await run(500)
    assert.equal(requests.retried, 50)
    assert.equal(await jobs(), 2)
  })
})

type Place = Omit<FaultRule, 'fault' | 'times'>

interface Step {
  /** Where the run gets stuck, so that it can be killed there. */
  readonly stuckAt: Place
  /** The run is there when this call has been made. */
  readonly call: string
  /** Whether the killed run's job has done its rows. */
  readonly done: boolean
}

const at = (when: 'before' | 'after', method: string, path: string): Place => ({
  when,
  match: { method, path },
})

const STEPS: Readonly<Record<string, Step>> = {
  'after the job was made': { stuckAt: at('before', 'PUT', '/batches'), call: 'PUT batches', done: false },
  'when the rows are there and no answer is': {
    stuckAt: at('after', 'PUT', '/batches'),
    call: 'PUT batches',
    done: false,
  },
  'before the job was closed': { stuckAt: at('before', 'PATCH', 'jobs/ingest/'), call: 'PATCH', done: false },
  'after the job was closed': { stuckAt: at('after', 'PATCH', 'jobs/ingest/'), call: 'PATCH', done: true },
  'before the first result file': {
    stuckAt: at('before', 'GET', 'successfulResults'),
    call: 'GET successfulResults',
    done: true,
  },
  'between the result files': {
    stuckAt: at('after', 'GET', 'failedResults'),
    call: 'GET failedResults',
    done: true,
  },
  'before the last result file': {
    stuckAt: at('before', 'GET', 'unprocessedrecords'),
    call: 'GET unprocessedrecords',
    done: true,
  },
}

const ROWS: readonly CrmRow[] = Array.from({ length: 500 }, (_, n) => row(n + 1))
const HOUR = 3_600_000

describe('a run that is killed', () => {
  let cli: BuiltCli
  let target: CrmTarget
  before(async () => {
    cli = buildCli()
    target = await crmTarget('salesforce bulk')
  })
  after(async () => {
    cli[Symbol.dispose]()
    await target[Symbol.asyncDispose]()
  })

  const until = async (what: string, isSo: (journal: CrmJournal) => boolean) => {
    for (const end = performance.now() + 60_000; ; await delay(20)) {
      if (isSo(await target.journal())) return
      assert.ok(performance.now() < end, `waited a minute for ${what}`)
    }
  }

  /** States of all jobs, as Salesforce's own list has them. */
  const jobStates = async (): Promise<string[]> => {
    const form = { grant_type: 'client_credentials', client_id: 'simulator', client_secret: 'simulator-secret' }
    const body = new URLSearchParams(form)
    const token = (await (await fetch(`${target.url}/services/oauth2/token`, { method: 'POST', body })).json()) as {
      access_token: string
    }
    const headers = { authorization: `Bearer ${token.access_token}` }
    const reply = await fetch(`${target.url}/services/data/v66.0/jobs/ingest`, { headers })
    const { records } = (await reply.json()) as { records: { state: string }[] }
    return records.map(({ state }) => state)
  }

  const printed = async () =>
    (await target.records()).map(({ ref, email, name }) => `${ref} ${email} ${name}`).toSorted()
  const asPrinted = (rows: readonly CrmRow[]) => rows.map(({ id, email, name }) => `${id} ${email} ${name}`).toSorted()

  /** The next run makes everything right, with each record made once and nothing written for no reason. */
  async function assertResumed(folder: string, rows: readonly CrmRow[], changed = 0): Promise<void> {
    const { code, stdout, stderr } = await cli.start(folder, 'run', 'people', '--json').exit
    assert.equal(code, 0, stdout + stderr)
    assert.deepEqual(await printed(), asPrinted(rows))
    const { writes, last } = await target.journal()
    const kinds = writes.map(({ change }) => change)
    const created = kinds.filter((kind) => kind === 'created').length
    assert.deepEqual(
      [created, kinds.length - created],
      [rows.length, changed],
      'made once, and changed where it is news',
    )
    assert.deepEqual(
      (await jobStates()).filter((state) => !['JobComplete', 'Aborted'].includes(state)),
      [],
    )
    const quiet = await cli.start(folder, 'run', 'people', '--json').exit
    assert.equal(reportOf(quiet).counts.unchanged, rows.length)
    assert.deepEqual(
      jobCalls({ requests: (await target.journal(last)).requests.filter(({ method }) => method !== 'GET') }),
      [],
    )
  }

  for (const mode of ['mirror', 'insert-only'] as const) {
    for (const [name, { stuckAt, call, done }] of Object.entries(STEPS)) {
      // What differs between the modes is what becomes of rows that are there already.
      if (mode === 'insert-only' && !done) continue
      test(`${mode}: ${name} loses nothing and doubles nothing`, async () => {
        await target.reset()
        using folder = memoryFolder()
        await writeModel(folder.file('model.db'), ROWS)
        writeConfig(folder, target, { sync: { mode } })
        await target.faults([{ fault: 'hang', times: 1, ...stuckAt }])
        const killed = cli.start(folder.path, 'run', 'people', '--json')
        await until(call, (journal) => jobCalls(journal).includes(call))
        // It is stuck in that call, whose work is done by now or never will be.
        await delay(100)
        killed.child.kill('SIGKILL')
        assert.equal((await killed.exit).signal, 'SIGKILL')
        assert.equal((await target.records()).length, done ? ROWS.length : 0)
        await target.faults([])
        await assertResumed(folder.path, ROWS)
      })
    }
  }

  test('in the middle of the upload loses nothing and doubles nothing', async () => {
    await target.reset()
    using folder = memoryFolder()
    await writeModel(folder.file('model.db'), ROWS)
    await using way = await stallUploads(target.url, 4_000)
    writeConfig(folder, target, { connection: { base_url: way.url } })
    const killed = cli.start(folder.path, 'run', 'people', '--json')
    await way.stuck
    killed.child.kill('SIGKILL')
    await killed.exit
    assert.deepEqual(await jobStates(), ['Open'])
    await assertResumed(folder.path, ROWS)
    assert.deepEqual((await jobStates()).toSorted(), ['Aborted', 'JobComplete'])
  })

  test('while the job is processed loses nothing and doubles nothing, and rows that changed since are sent', async () => {
    await target.reset()
    using folder = memoryFolder()
    await writeModel(folder.file('model.db'), ROWS)
    writeConfig(folder, target)
    await target.door('settings', { batch_size: 50, parallel_batches: 1, batch_ms: HOUR })
    const killed = cli.start(folder.path, 'run', 'people', '--json')
    await until('a look at the job', (journal) => jobCalls(journal).includes('GET'))
    await target.door('clock', { ms: 3.5 * HOUR })
    assert.equal((await target.records()).length, 150)
    killed.child.kill('SIGKILL')
    await killed.exit
    const rows = ROWS.map((one) => (Number(one.id) % 100 === 7 ? row(Number(one.id), 'changed since') : one))
    await writeModel(folder.file('model.db'), rows)
    // The next run looks at the job, and it ends.
    const looks = jobCalls(await target.journal()).length
    const resumed = assertResumed(folder.path, rows, 5)
    await until('the next look', (journal) => jobCalls(journal).length > looks)
    await target.door('clock', { ms: 20 * HOUR })
    await target.door('settings', { batch_size: 10_000, batch_ms: 0 })
    await resumed
  })

  test('before it was told the id of a job leaves that job open and empty, and nothing else', async () => {
    await target.reset()
    using folder = memoryFolder()
    await writeModel(folder.file('model.db'), ROWS)
    writeConfig(folder, target)
    await target.faults([{ fault: 'hang', when: 'after', times: 1, match: { method: 'POST', path: 'jobs/ingest' } }])
    const killed = cli.start(folder.path, 'run', 'people', '--json')
    await until('the job', (journal) => jobCalls(journal).includes('POST'))
    await delay(100)
    killed.child.kill('SIGKILL')
    await killed.exit
    await target.faults([])
    const { code, stderr } = await cli.start(folder.path, 'run', 'people', '--json').exit
    assert.equal(code, 0, stderr)
    assert.deepEqual(await printed(), asPrinted(ROWS))
    assert.equal((await target.journal()).writes.length, ROWS.length)
    assert.deepEqual((await jobStates()).toSorted(), ['JobComplete', 'Open'])
  })
})

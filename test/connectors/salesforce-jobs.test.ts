import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { waitForJob } from '../../src/connectors/salesforce-job.ts'
import type { SalesforceSession } from '../../src/connectors/salesforce-session.ts'
import { FatalError, RetryableError } from '../../src/core/errors.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { testContext } from '../../src/testing/test-context.ts'
import { virtualClock } from '../support/virtual-clock.ts'
import { between, startOrg, type TestOrg } from './salesforce-org.ts'
import { beginThing, dyingGate, keys, openThing, THING, type ThingOptions } from './salesforce-sync.ts'

/** Jobs that end badly, whose answers are lost, and whose process is killed. */
let org: TestOrg
before(async () => {
  org = await startOrg({ objects: [THING] })
})
after(() => org[Symbol.asyncDispose]())
beforeEach(() => org.reset())

const BULK: ThingOptions = { options: { load: 'bulk' } }
const ROWS = keys(40)

async function created(): Promise<number> {
  return (await org.writes()).filter(({ object, change }) => object === 'Thing__c' && change === 'created').length
}

async function stored(): Promise<string[]> {
  return (await org.records('Thing__c')).map(({ Key__c, Name__c }) => `${Key__c} ${Name__c}`).toSorted()
}

const expected = (rows: readonly string[][]) => rows.map(([key, name]) => `${key} ${name}`).toSorted()

function kinds(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status } of outcomes) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

for (const operation of ['upsert', 'insert', 'update', 'delete'] as const) {
  test(`${operation}: a process that is killed before any of its requests, and its next run, lose nothing and double nothing`, async () => {
    const mode = operation === 'insert' ? 'insert-only' : 'mirror'
    const request = { mode } as const
    for (let after = 0, ended = false; !ended; after++) {
      await org.reset()
      let ids: string[] | undefined
      if (operation === 'update' || operation === 'delete') {
        await using maker = await beginThing(org)
        const made = await maker.write(
          'upsert',
          keys(40).map(([key]) => [key as string, 'old']),
        )
        ids = made.map((outcome) => (outcome.status === 'done' ? (outcome.id ?? '') : ''))
      }
      const context = testContext()
      const gate = dyingGate(after)
      const run = async (killed: boolean) => {
        await using thing = await openThing(org, { ...BULK, request, context: killed ? { ...context, gate } : context })
        await thing.destination.check()
        await thing.destination.prepare()
        return await thing.write(operation, ROWS, ids)
      }
      const first = await run(true).catch((error: unknown) => error)
      ended = gate.passed < after
      if (ended) assert.ok(Array.isArray(first))
      // Where the first run got through, and has nothing to find again, its inserts are there.
      const done = operation === 'insert' && context.notes.all().size === 0 && Array.isArray(first) ? 'exists' : 'done'
      const outcomes = await run(false)
      assert.deepEqual(kinds(outcomes), { [done]: ROWS.length }, `killed after ${after} requests`)
      assert.deepEqual(await stored(), operation === 'delete' ? [] : expected(ROWS))
      assert.equal(await created(), 40, `killed after ${after} requests`)
      assert.equal(context.notes.all().size, 0, 'no job is left noted down')
      assert.ok(after < 40)
    }
  })
}

test('what a job of a killed run has written is answered without being sent again, where it is the same', async () => {
  const context = testContext()
  // Token, describe, create, upload, close: then nothing asks for the results.
  await assert.rejects(
    (async () => {
      await using thing = await beginThing(org, { ...BULK, context: { ...context, gate: dyingGate(5) } })
      await thing.write('upsert', ROWS)
    })(),
    /killed/,
  )
  assert.equal(context.notes.all().size, 1)
  assert.equal((await org.records('Thing__c')).length, ROWS.length)
  const before = (await org.writes()).length
  await using thing = await beginThing(org, { context })
  assert.equal(context.notes.all().size, 0)
  const rows = ROWS.map(([key, name], index) => [key as string, index === 7 ? 'another' : (name as string)])
  const outcomes = await thing.write('upsert', rows)
  const ids = Object.fromEntries((await org.records('Thing__c')).map(({ Key__c, Id }) => [Key__c, Id]))
  assert.deepEqual(
    outcomes,
    rows.map(([key], index) => ({ status: 'done', id: ids[key as string], created: index !== 7 })),
  )
  assert.equal((await org.writes()).length, before + 1)
})

test('a run that is killed before it has read what an earlier one left leaves it to the next', async () => {
  const context = testContext()
  await assert.rejects(
    (async () => {
      await using thing = await beginThing(org, { ...BULK, context: { ...context, gate: dyingGate(5) } })
      await thing.write('upsert', ROWS)
    })(),
    /killed/,
  )
  let killed = 0
  for (let ended = false; !ended; ) {
    const begun = beginThing(org, { ...BULK, context: { ...context, gate: dyingGate(killed) } })
    ended = await begun.then(
      (thing) => thing[Symbol.asyncDispose]().then(() => true),
      () => false,
    )
    assert.equal(context.notes.all().size, ended ? 0 : 1, `killed after ${killed} requests`)
    if (!ended) killed++
  }
  assert.ok(killed >= 4, 'token, describe, job, results')
})

for (const [step, requests] of [
  ['made', 3],
  ['uploaded', 4],
] as const) {
  test(`a job that was ${step} and never closed is aborted by the next run`, async () => {
    const context = testContext()
    await assert.rejects(
      (async () => {
        await using thing = await beginThing(org, { ...BULK, context: { ...context, gate: dyingGate(requests) } })
        await thing.write('upsert', ROWS)
      })(),
      /killed/,
    )
    await using _next = await beginThing(org, { ...BULK, context })
    const calls = (await org.requests()).map(({ call }) => call)
    assert.equal(calls.filter((call) => call.startsWith('PATCH jobs/ingest/')).length, 1)
    assert.equal((await org.records('Thing__c')).length, 0)
    assert.equal(context.notes.all().size, 0)
  })
}

test('a noted job that Salesforce knows nothing of is forgotten, and no note of somebody else', async () => {
  const context = testContext()
  context.notes.set('salesforce job 750000000000zzzAAA', '{"step":"closed"}')
  context.notes.set('something else', 'kept')
  await using _thing = await beginThing(org, { ...BULK, context })
  assert.deepEqual([...context.notes.all().keys()], ['something else'])
})

test('a job that is kept for seven days and not eight is forgotten with its rows', async () => {
  const context = testContext()
  await assert.rejects(
    (async () => {
      await using thing = await beginThing(org, { ...BULK, context: { ...context, gate: dyingGate(5) } })
      await thing.write('upsert', ROWS)
    })(),
    /killed/,
  )
  await org.pass(8 * 86_400_000)
  await using thing = await beginThing(org, { ...BULK, context })
  assert.deepEqual(kinds(await thing.write('upsert', ROWS)), { done: ROWS.length })
  assert.equal(await created(), ROWS.length)
})

test('a job of a killed run that does not end is aborted, so that nothing lands behind what comes next', async () => {
  await org.settings({ queue_ms: 3_600_000 })
  const context = testContext({ clock: virtualClock() })
  await assert.rejects(
    (async () => {
      await using thing = await beginThing(org, { ...BULK, context: { ...context, gate: dyingGate(5) } })
      await thing.write('upsert', ROWS)
    })(),
    /killed/,
  )
  await using thing = await beginThing(org, { context })
  assert.equal(context.notes.all().size, 0)
  const newer = ROWS.map(([key]) => [key as string, 'newer'])
  assert.deepEqual(kinds(await thing.write('upsert', newer)), { done: ROWS.length })
  await org.pass(2 * 3_600_000)
  assert.deepEqual(await stored(), expected(newer))
})

test('rows that a failed job did not come to are deferred, and the others are known', async () => {
  await org.settings({ batch_size: 10, parallel_batches: 1, fail_jobs: { after_batches: 2 } })
  await using thing = await beginThing(org, BULK)
  const outcomes = await thing.write('upsert', ROWS)
  assert.deepEqual(kinds(outcomes), { done: 20, deferred: 20 })
  assert.deepEqual(await stored(), expected(ROWS.filter((_, index) => outcomes[index]?.status === 'done')))
  const again = ROWS.filter((_, index) => outcomes[index]?.status === 'deferred')
  assert.deepEqual(kinds(await thing.write('upsert', again)), { done: 20 })
  assert.deepEqual(await stored(), expected(ROWS))
})

test('results come in pages and in any order, and each finds its row', async () => {
  await org.settings({ results_page: 7, batch_size: 10 })
  await using thing = await beginThing(org, BULK)
  const outcomes = await thing.write('upsert', ROWS)
  const ids = Object.fromEntries((await org.records('Thing__c')).map(({ Key__c, Id }) => [Key__c, Id]))
  assert.deepEqual(
    outcomes,
    ROWS.map(([key]) => ({ status: 'done', id: ids[key as string], created: true })),
  )
  const reads = (await org.requests()).filter(({ call }) => call.endsWith('/successfulResults'))
  assert.equal(reads.length, Math.ceil(ROWS.length / 7))
})

for (const empty of ['header', 'no_content'] as const) {
  test(`a result file without rows may be a ${empty}`, async () => {
    await org.settings({ empty_results: empty })
    await using thing = await beginThing(org, BULK)
    assert.deepEqual(kinds(await thing.write('upsert', ROWS)), { done: ROWS.length })
  })
}

test('looks that fail, and files that break off, are asked for again; the rows are not', async () => {
  const clock = virtualClock()
  for (const fault of ['status-503', 'reset', 'truncate', 'cut', 'html', 'html-200', 'empty']) {
    await org.reset()
    await using thing = await beginThing(org, { ...BULK, context: { clock } })
    const get = (path: string, times: number) => ({
      fault,
      when: 'after' as const,
      match: { method: 'GET', path },
      times,
    })
    await org.faults({ rules: [get('Results', 2), get('unprocessedrecords', 1), get('jobs/ingest/', 2)] })
    assert.deepEqual(kinds(await thing.write('upsert', ROWS)), { done: ROWS.length }, fault)
    assert.equal(await created(), ROWS.length)
    const requests = await org.requests()
    assert.equal(requests.filter(({ call }) => call.endsWith('/batches')).length, 1, fault)
    assert.ok(requests.filter(({ call }) => /Results|unprocessed/.test(call)).length >= 5, fault)
  }
})

test('a file that was cut off between two rows is read once more', async () => {
  let reads = 0
  await using proxy = await between(org, (path, text) => {
    if (!path.includes('successfulResults') || reads++ > 0) return text
    return `${text.split('\n').slice(0, 9).join('\n')}\n`
  })
  await using thing = await beginThing(proxy, BULK)
  assert.deepEqual(kinds(await thing.write('upsert', ROWS)), { done: ROWS.length })
  assert.equal(reads, 2)
})

test('an answer to the closing of a job that is lost does not close it twice or lose it', async () => {
  const clock = virtualClock()
  for (const when of ['before', 'after'] as const) {
    await org.reset()
    await using thing = await beginThing(org, { ...BULK, context: { clock } })
    await org.faults({ rules: [{ fault: 'reset', when, match: { method: 'PATCH', path: 'jobs/ingest/' }, times: 1 }] })
    assert.deepEqual(kinds(await thing.write('upsert', ROWS)), { done: ROWS.length })
    assert.equal(await created(), ROWS.length)
  }
})

test('a lost upload is given up with its job, and may be sent again', async () => {
  for (const when of ['before', 'after'] as const) {
    await org.reset()
    await using thing = await beginThing(org, BULK)
    await org.faults({ rules: [{ fault: 'reset', when, match: { path: '/batches' }, times: 1 }] })
    await assert.rejects(thing.write('upsert', ROWS), (error) => error instanceof RetryableError)
    assert.equal(thing.context.notes.all().size, 0)
    assert.deepEqual(kinds(await thing.write('upsert', ROWS)), { done: ROWS.length })
    assert.equal(await created(), ROWS.length)
  }
})

test('a job whose results cannot be had ends the run, and is found by the next one', async () => {
  const context = testContext({ clock: virtualClock() })
  {
    await using thing = await beginThing(org, { ...BULK, context })
    await org.faults({ rules: [{ fault: 'status-503', match: { method: 'GET', path: 'successfulResults' } }] })
    const failed = (error: unknown) => error instanceof FatalError && error.code === 'job_unfinished'
    await assert.rejects(thing.write('upsert', ROWS), failed)
  }
  assert.equal(context.notes.all().size, 1)
  await org.faults({ rules: [] })
  const before = (await org.writes()).length
  await using thing = await beginThing(org, { ...BULK, context })
  assert.deepEqual(kinds(await thing.write('upsert', ROWS)), { done: ROWS.length })
  assert.equal((await org.writes()).length, before)
})

test('a job of which Salesforce says nothing for a day ends the run, and does not hold it', async () => {
  const busy = new RetryableError('GET jobs/ingest/750 was answered with status 503', { retryAfterMs: 86_400_000 })
  const session = { json: () => Promise.reject(busy) } as unknown as SalesforceSession
  const clock = virtualClock()
  const waiting = waitForJob({ ...testContext({ clock }), session }, '750', new AbortController().signal)
  await assert.rejects(waiting, { name: 'FatalError', code: 'job_unfinished' })
  assert.deepEqual(clock.slept, [])
})

test('a token that ends while a job runs is renewed, and the call repeated', async () => {
  await using thing = await beginThing(org, BULK)
  await org.faults({
    rules: ['POST', 'PUT', 'PATCH', 'GET'].map((method) => ({
      fault: 'session-ends',
      match: { method, path: 'jobs/ingest' },
      times: 1,
    })),
  })
  assert.deepEqual(kinds(await thing.write('upsert', ROWS)), { done: ROWS.length })
  const tokens = (await org.requests()).filter(({ call }) => call === 'POST /services/oauth2/token')
  assert.equal(tokens.length, 5)
})

test('a job that somebody aborted ends the run with its rows unknown', { timeout: 30_000 }, async () => {
  await org.settings({ queue_ms: 60_000 })
  await using thing = await beginThing(org, BULK)
  const writing = thing.write('upsert', ROWS)
  const failed = assert.rejects(writing, (error) => error instanceof FatalError && error.code === 'job_aborted')
  let id: string | undefined
  while (id === undefined) {
    const noted = [...thing.context.notes.all()].find(([, note]) => note.includes('"closed"'))
    id = noted?.[0].slice('salesforce job '.length)
    await new Promise((resolve) => setImmediate(resolve))
  }
  const token = (await (
    await fetch(`${org.url}/services/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'simulator',
        client_secret: 'simulator-secret',
      }),
    })
  ).json()) as { access_token: string }
  const abort = () =>
    fetch(`${org.url}/services/data/v66.0/jobs/ingest/${id}`, {
      method: 'PATCH',
      headers: { authorization: `Bearer ${token.access_token}`, 'content-type': 'application/json' },
      body: '{"state":"Aborted"}',
    })
  // It is noted down as closed right before it is.
  for (let status = 0; status !== 200; ) {
    const state = (await (
      await fetch(`${org.url}/services/data/v66.0/jobs/ingest/${id}`, {
        headers: { authorization: `Bearer ${token.access_token}` },
      })
    ).json()) as { state: string }
    if (state.state === 'UploadComplete') status = (await abort()).status
  }
  await failed
  assert.equal((await org.records('Thing__c')).length, 0)
})

test('results that are not as many as the rows, or of other rows, are no results', async () => {
  const lie: Record<string, (lines: string[]) => string[]> = {
    'one is missing': (lines) => lines.filter((_, at) => at !== 3),
    'one is of another row': (lines) =>
      lines.map((line, at) => (at === 3 ? line.replaceAll(/key \d+/g, 'key x') : line)),
    'there is one more': (lines) => [
      ...lines.slice(0, 3),
      (lines[2] as string).replaceAll(/key \d+/g, 'key x'),
      ...lines.slice(3),
    ],
  }
  for (const [name, change] of Object.entries(lie)) {
    await org.reset()
    await using proxy = await between(org, (path, text) =>
      path.includes('successfulResults') ? change(text.split('\n')).join('\n') : text,
    )
    await using thing = await beginThing(proxy, BULK)
    const missing = (error: unknown) => error instanceof FatalError && error.code === 'results_missing'
    await assert.rejects(thing.write('upsert', ROWS), missing, name)
  }
})

test('a call that is answered with fewer results than records is not believed', async () => {
  await using proxy = await between(org, (path, text) =>
    path.includes('composite/') ? JSON.stringify((JSON.parse(text) as unknown[]).slice(1)) : text,
  )
  await using thing = await beginThing(proxy)
  const missing = (error: unknown) => error instanceof FatalError && error.code === 'results_missing'
  await assert.rejects(thing.write('upsert', ROWS), missing)
})

for (const load of ['collections', 'bulk'] as const) {
  test(`by ${load}: a field that went away while the run was on ends it`, async () => {
    await using proxy = await between(org, (path, text) =>
      path.endsWith('/describe') ? text.replaceAll('"Name__c"', '"Gone__c"') : text,
    )
    await using thing = await beginThing(proxy, { options: { load }, fields: ['Key__c', 'Gone__c'] })
    const refused = (error: unknown) =>
      error instanceof FatalError && error.code === 'salesforce_refused' && /Gone__c/.test(error.message)
    await assert.rejects(thing.write('upsert', ROWS), refused)
    assert.equal((await org.records('Thing__c')).length, 0)
  })
}

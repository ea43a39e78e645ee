import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { FatalError, RetryableError } from '../../src/core/errors.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { between, startOrg, type TestOrg } from './salesforce-org.ts'
import { beginThing, keys, THING, thingFields } from './salesforce-sync.ts'

let org: TestOrg
before(async () => {
  org = await startOrg({ objects: [THING], hard_delete: true })
})
after(() => org[Symbol.asyncDispose]())
beforeEach(() => org.reset())

/** How often each call was made, describe and tokens left out. */
async function calls(): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { call, status } of await org.requests()) {
    if (status >= 400 || /oauth2|describe|\/__/.test(call)) continue
    const name = call.replace(/(jobs\/\w+\/)[^/]+/, '$1ID')
    counts[name] = (counts[name] ?? 0) + 1
  }
  return counts
}

const statuses = (outcomes: readonly Outcome[]) => {
  const counts: Record<string, number> = {}
  for (const { status } of outcomes) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

test('up to 2,000 changes go by calls of 200, one more by a job', async () => {
  await using thing = await beginThing(org)
  assert.deepEqual(statuses(await thing.write('upsert', keys(2_000))), { done: 2_000 })
  assert.deepEqual(await calls(), { 'PATCH composite/sobjects/Thing__c/Key__c': 10 })
  await org.reset()
  assert.deepEqual(statuses(await thing.write('upsert', keys(2_001))), { done: 2_001 })
  const { 'GET jobs/ingest/ID': looks, ...others } = await calls()
  assert.ok(looks !== undefined && looks >= 1)
  assert.deepEqual(others, {
    'POST jobs/ingest': 1,
    'PUT jobs/ingest/ID/batches': 1,
    'PATCH jobs/ingest/ID': 1,
    'GET jobs/ingest/ID/successfulResults': 1,
    'GET jobs/ingest/ID/failedResults': 1,
    'GET jobs/ingest/ID/unprocessedrecords': 1,
  })
  assert.equal((await org.records('Thing__c')).length, 2_001)
})

test('load: collections and load: bulk decide whatever the number', async () => {
  await using calling = await beginThing(org, { options: { load: 'collections' } })
  await calling.write('upsert', keys(2_400))
  assert.deepEqual(await calls(), { 'PATCH composite/sobjects/Thing__c/Key__c': 12 })
  await using loading = await beginThing(org, { options: { load: 'bulk' } })
  assert.deepEqual(await loading.write('upsert', [['key 0', 'changed']]), [
    { status: 'done', id: (await idsByKey())['key 0'], created: false },
  ])
  assert.equal((await calls())['POST jobs/ingest'], 1)
})

test('nothing is sent until the engine waits', async () => {
  await using thing = await beginThing(org)
  const batch = changeBatch('upsert', thingFields(), keys(3))
  const first = thing.destination.write(batch, new AbortController().signal)
  const second = thing.destination.write(changeBatch('upsert', thingFields(), keys(3, 3)), new AbortController().signal)
  await org.records('Thing__c')
  assert.deepEqual(await calls(), {})
  thing.destination.flush?.()
  assert.deepEqual([(await first).length, (await second).length], [3, 3])
  // What was gathered goes together.
  assert.deepEqual(await calls(), { 'PATCH composite/sobjects/Thing__c/Key__c': 1 })
})

async function idsByKey(): Promise<Record<string, string>> {
  const records = await org.records('Thing__c')
  return Object.fromEntries(records.map(({ Key__c, Id }) => [String(Key__c), String(Id)]))
}

test('rows beyond job_bytes make another job', async () => {
  await using thing = await beginThing(org, { options: { load: 'bulk', job_bytes: 10_000 } })
  // A row is about 17 bytes of CSV.
  assert.deepEqual(statuses(await thing.write('upsert', keys(1_000))), { done: 1_000 })
  const { 'POST jobs/ingest': jobs } = await calls()
  assert.equal(jobs, 2)
  assert.equal((await org.records('Thing__c')).length, 1_000)
})

test('jobs that run at the same time are told apart, and what each says of its rows', async () => {
  await org.settings({ batch_size: 500, results_page: 900 })
  const options = { load: 'bulk', job_bytes: 8_000 }
  await using thing = await beginThing(org, { options, fields: ['Key__c', 'Name__c', 'Owner__c'] })
  // Too long, which is seen before it is sent; and of nobody, which only Salesforce can say.
  const name = (row: number) => (row % 50 === 48 ? 'x'.repeat(81) : `name ${row}`)
  const owner = (row: number) => (row % 50 === 49 ? '001000000000zzzAAA' : null)
  const rows = keys(4_000).map(([key], row) => [key as string, name(row), owner(row)])
  const outcomes = await thing.write('upsert', rows)
  const ids = await idsByKey()
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'done' ? outcome.id : 'code' in outcome && outcome.code)),
    rows.map(([key], row) => ['STRING_TOO_LONG', 'INVALID_CROSS_REFERENCE_KEY'][(row % 50) - 48] ?? ids[key as string]),
  )
  assert.deepEqual(statuses(outcomes), { done: 3_840, rejected: 160 })
  const { 'POST jobs/ingest': jobs = 0 } = await calls()
  assert.ok(jobs > 10, `${jobs} jobs`)
})

test('what comes while batches are answered goes together, as soon as all are', async () => {
  await using thing = await beginThing(org, { options: { load: 'bulk' } })
  const { signal } = new AbortController()
  const { destination } = thing
  const write = (row: number) => destination.write(changeBatch('upsert', thingFields(), keys(1, row)), signal)
  // As the engine does: each answer makes room for one batch, and then it waits.
  const later: Promise<readonly Outcome[]>[] = []
  const first = Array.from({ length: 50 }, (_, row) =>
    write(row).then(() => {
      later.push(write(100 + row))
      destination.flush?.()
    }),
  )
  destination.flush?.()
  await Promise.all(first)
  await Promise.all(later)
  assert.equal((await org.records('Thing__c')).length, 100)
  assert.equal((await calls())['POST jobs/ingest'], 2)
})

test('two rows of one match are never in one job, whose results could not tell them apart', async () => {
  await using thing = await beginThing(org, { options: { load: 'bulk' } })
  const outcomes = await thing.write('upsert', [...keys(3), ['key 1', 'again']])
  assert.deepEqual(statuses(outcomes), { done: 4 })
  assert.equal((await calls())['POST jobs/ingest'], 2)
  assert.equal((await org.records('Thing__c')).length, 3)
})

for (const load of ['collections', 'bulk'] as const) {
  test(`by ${load}: outcomes carry the Id, and say what was created`, async () => {
    await using thing = await beginThing(org, { options: { load } })
    const first = await thing.write('upsert', keys(3))
    const ids = await idsByKey()
    assert.deepEqual(
      first,
      [0, 1, 2].map((n) => ({ status: 'done', id: ids[`key ${n}`], created: true })),
    )
    assert.deepEqual(await thing.write('upsert', [['key 1', 'x']]), [
      { status: 'done', id: ids['key 1'], created: false },
    ])
    // Without an Id, an update of an upsert sync makes what is not there, and says so.
    const updated = await thing.write('update', [
      ['key 1', 'y'],
      ['key 9', 'z'],
    ])
    const id = (await idsByKey())['key 9']
    assert.deepEqual(updated, [
      { status: 'done', id: ids['key 1'], created: false },
      { status: 'done', id, created: true },
    ])
  })

  test(`by ${load}: a change with an Id is of that record, whatever its match is now`, async () => {
    await using thing = await beginThing(org, { options: { load }, request: { mode: 'mirror' } })
    await thing.write('upsert', keys(3))
    const ids = await idsByKey()
    const [id0, id1, id2] = [ids['key 0'], ids['key 1'], ids['key 2']] as [string, string, string]
    assert.deepEqual(await thing.write('update', [['moved', 'new']], [id1]), [{ status: 'done', id: id1 }])
    assert.deepEqual(
      (await org.records('Thing__c')).map(({ Key__c }) => Key__c),
      ['key 0', 'moved', 'key 2'],
    )
    assert.deepEqual(await thing.write('delete', [['whatever'], ['key 2']], [id0, id2]), [
      { status: 'done' },
      { status: 'done' },
    ])
    assert.deepEqual(
      (await org.records('Thing__c')).map(({ Key__c }) => Key__c),
      ['moved'],
    )
    // In the recycle bin: deleting is done, changing finds nothing. So is an Id that never was.
    assert.deepEqual(await thing.write('delete', [['key 0'], ['key 9']], [id0, 'a0200000000zzzzAAA']), [
      { status: 'done' },
      { status: 'done' },
    ])
    assert.deepEqual(
      await thing.write(
        'update',
        [
          ['key 0', 'x'],
          ['key 9', 'x'],
        ],
        [id0, 'a0200000000zzzzAAA'],
      ),
      [{ status: 'not_found' }, { status: 'not_found' }],
    )
  })

  test(`by ${load}: what is not known is looked up where nothing may be created`, async () => {
    await using maker = await beginThing(org)
    await maker.write('upsert', [
      ['key 0', 'a'],
      ["o'clock \\", 'b'],
    ])
    await using thing = await beginThing(org, { options: { load }, request: { mode: 'update-only' } })
    // Case does not count in that field.
    const outcomes = await thing.write('update', [
      ['KEY 0', 'x'],
      ["o'clock \\", 'y'],
      ['nobody', 'z'],
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['done', 'done', 'not_found'],
    )
    assert.deepEqual(
      (await org.records('Thing__c')).map(({ Name__c }) => Name__c),
      ['x', 'y'],
    )
    await using remover = await beginThing(org, { options: { load }, request: { mode: 'delete-only' } })
    assert.deepEqual(await remover.write('delete', [['key 0'], ['nobody']]), [{ status: 'done' }, { status: 'done' }])
    assert.equal((await org.records('Thing__c')).length, 1)
  })

  test(`by ${load}: a bad row is rejected with its reason, and what cannot be sent is not`, async () => {
    const fields = [
      'Key__c',
      'Name__c',
      { name: 'Size__c', kind: 'decimal' },
      'Account:Owner__r.External_Id__c',
    ] as const
    await using thing = await beginThing(org, {
      options: { load },
      fields: [...fields.slice(0, 3), 'Owner__r.External_Id__c'],
    })
    const outcomes = await thing.write('upsert', [
      ['good', 'fine', '1.5', null],
      ['long', 'x'.repeat(81), '1', null],
      ['huge', 'x', '123456789', null],
      ['orphan', 'x', '1', 'no such account'],
      ['', 'x', '1', null],
    ])
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.code : outcome.status)),
      ['done', 'STRING_TOO_LONG', 'NUMBER_OUTSIDE_VALID_RANGE', 'INVALID_FIELD', 'missing_match'],
    )
    const [, long] = outcomes
    assert.match(long?.status === 'rejected' ? long.message : '', /^Name__c holds 80 characters/)
    // Rows that are wrong by themselves have not been there.
    const writes = (await org.writes()).filter(({ object }) => object === 'Thing__c')
    assert.equal(writes.length, 1)
  })

  test(`by ${load}: a parent is set by its external id, and cleared`, async () => {
    await using accounts = await beginThing(org, {
      fields: ['External_Id__c', 'Name'],
      request: { name: 'Account' },
    })
    const [acme] = await accounts.write('upsert', [['acme', 'Acme']])
    await using thing = await beginThing(org, { options: { load }, fields: ['Key__c', 'Owner__r.External_Id__c'] })
    assert.deepEqual(
      statuses(
        await thing.write('upsert', [
          ['a', 'acme'],
          ['b', null],
        ]),
      ),
      { done: 2 },
    )
    const owners = async () => (await org.records('Thing__c')).map(({ Owner__c }) => Owner__c)
    assert.ok(acme?.status === 'done')
    assert.deepEqual(await owners(), [acme.id, null])
    assert.deepEqual(statuses(await thing.write('upsert', [['a', null]])), { done: 1 })
    assert.deepEqual(await owners(), [null, null])
  })

  test(`by ${load}: null clears, a null to be skipped leaves, and so does a field for inserts`, async () => {
    await using maker = await beginThing(org, {
      fields: ['Key__c', 'Name__c', { name: 'Size__c', kind: 'decimal' }, 'Loose__c'],
    })
    await maker.write('upsert', [
      ['a', 'name', '1', 'loose'],
      ['b', 'name', '1', 'loose'],
    ])
    await using thing = await beginThing(org, {
      options: { load },
      fields: [
        'Key__c',
        'Name__c',
        { name: 'Size__c', kind: 'decimal', nulls: 'skip' },
        { name: 'Loose__c', on: 'insert' },
      ],
    })
    const outcomes = await thing.write('upsert', [
      ['a', null, null, 'other'],
      ['b', '', '2', 'other'],
      ['c', 'x', null, 'first'],
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['done', 'done', 'done'],
    )
    const found = (await org.records('Thing__c')).map(({ Key__c, Name__c, Size__c, Loose__c }) => [
      Key__c,
      Name__c,
      Size__c,
      Loose__c,
    ])
    assert.deepEqual(found, [
      ['a', null, 1, 'loose'],
      ['b', null, 2, 'loose'],
      ['c', 'x', null, 'first'],
    ])
  })

  test(`by ${load}: rows that meet a lock are deferred, and only those`, async () => {
    await using thing = await beginThing(org, { options: { load } })
    await org.settings({ row_lock_rate: 0.2 })
    let rows = keys(300)
    const outcomes = await thing.write('upsert', rows)
    const { done = 0, deferred = 0 } = statuses(outcomes)
    assert.ok(done > 150 && deferred > 20 && done + deferred === 300, `${done} done, ${deferred} deferred`)
    assert.equal((await org.records('Thing__c')).length, done)
    rows = rows.filter((_, index) => outcomes[index]?.status === 'deferred')
    await org.settings({ row_lock_rate: 0 })
    assert.deepEqual(statuses(await thing.write('upsert', rows)), { done: deferred })
    const writes = (await org.writes()).filter(({ object }) => object === 'Thing__c')
    assert.equal(writes.length, 300)
  })
}

test('an update that stands for a delete makes no record', async () => {
  await using thing = await beginThing(org, {
    request: { mode: 'mirror', retires: ['Name__c'] },
    fields: ['Key__c', 'Name__c', 'Loose__c'],
  })
  const batch = changeBatch('update', thingFields(['Key__c', 'Name__c']), [['nobody', null]])
  const writing = thing.destination.write(batch, new AbortController().signal)
  thing.destination.flush?.()
  assert.deepEqual(await writing, [{ status: 'not_found' }])
  assert.equal((await org.records('Thing__c')).length, 0)
})

test('an external id that several records share is rejected, not guessed', async () => {
  await using maker = await beginThing(org, { fields: ['Key__c', 'Loose__c'] })
  await maker.write('upsert', [
    ['a', 'same'],
    ['b', 'same'],
  ])
  const fields = ['Loose__c', 'Name__c', { name: 'Key__c', on: 'insert' }] as const
  for (const [mode, operation] of [
    ['upsert', 'upsert'],
    ['update-only', 'update'],
  ] as const) {
    await using thing = await beginThing(org, { fields: [...fields], request: { mode } })
    const [outcome] = await thing.write(operation, [['same', 'x', 'c']])
    assert.ok(outcome?.status === 'rejected')
    assert.equal(outcome.code, 'DUPLICATE_EXTERNAL_ID')
  }
})

test('hard deletes go by a job and leave nothing in the recycle bin', async () => {
  await using thing = await beginThing(org, { options: { hard_delete: true }, request: { mode: 'mirror' } })
  await thing.write('upsert', keys(2))
  assert.deepEqual(await thing.write('delete', [['key 0']]), [{ status: 'done' }])
  const [last] = (await org.writes()).slice(-1)
  assert.equal(last?.change, 'hard_deleted')
})

test('a job without the permission to delete for good ends the run', async () => {
  await org.settings({ hard_delete: false })
  await using thing = await beginThing(org, { options: { hard_delete: true }, request: { mode: 'mirror' } })
  await thing.write('upsert', keys(1))
  await assert.rejects(thing.write('delete', [['key 0']]), (error) => error instanceof FatalError)
  assert.equal((await org.records('Thing__c')).length, 1)
})

test('duplicate rules refuse a record unless they are told not to', async () => {
  await using strict = await startOrg({
    objects: [{ ...THING, duplicateRule: { name: 'Names', fields: ['Name__c'] } }],
  })
  await using thing = await beginThing(strict)
  const [, second] = await thing.write('upsert', [
    ['a', 'same'],
    ['b', 'same'],
  ])
  assert.ok(second?.status === 'rejected')
  assert.equal(second.code, 'DUPLICATES_DETECTED')
  await using lax = await beginThing(strict, { options: { allow_duplicates: true } })
  assert.equal((await lax.write('upsert', [['b', 'same']]))[0]?.status, 'done')
})

test('all keys are listed, page by page, to a proven end', async () => {
  await org.settings({ results_page: 1_000 })
  await using thing = await beginThing(org)
  await thing.write('upsert', keys(2_500))
  const list = thing.destination.list?.(new AbortController().signal)
  const found: string[] = []
  let end: unknown
  for await (const batch of list?.rows ?? []) {
    found.push(
      ...batch.bytes
        .toString('utf8', 0, batch.offsets[batch.count])
        .split('\n')
        .filter((line) => line !== ''),
    )
    end = batch.end
  }
  assert.deepEqual(
    found.toSorted(),
    keys(2_500)
      .map(([key]) => key)
      .toSorted(),
  )
  assert.equal((end as { rows: number }).rows, 2_500)
  assert.ok(((await calls())['GET jobs/query/ID/results'] ?? 0) >= 3)
})

test('a list with fewer keys than its job says has no end', async () => {
  const cut = (path: string, text: string) => (path.endsWith('/results') ? text.replace(/[^\n]*\n$/, '') : text)
  await using proxy = await between(org, cut)
  await using thing = await beginThing(proxy)
  await thing.write('upsert', keys(10))
  const list = thing.destination.list?.(new AbortController().signal)
  const ends: unknown[] = []
  await assert.rejects(
    (async () => {
      for await (const { end } of list?.rows ?? []) if (end !== undefined) ends.push(end)
    })(),
    (error) => error instanceof RetryableError && /has 10 rows, and 9 came/.test(error.message),
  )
  assert.deepEqual(ends, [])
})

test('a list whose job does not say how many there are has no end', async () => {
  const silent = (path: string, text: string) =>
    path.includes('jobs/query/') ? text.replace(/,?"numberRecordsProcessed":\d+/, '') : text
  await using proxy = await between(org, silent)
  await using thing = await beginThing(proxy)
  await thing.write('upsert', keys(3))
  const list = thing.destination.list?.(new AbortController().signal)
  await assert.rejects(
    (async () => {
      for await (const { end } of list?.rows ?? []) assert.equal(end, undefined)
    })(),
    (error) => error instanceof RetryableError && /an unknown number of rows, and 3 came/.test(error.message),
  )
})

for (const load of ['collections', 'bulk'] as const) {
  test(`by ${load}: an Id of 15 characters is the one of 18`, async () => {
    const short = (path: string, text: string) =>
      /successfulResults|composite/.test(path) ? text.replace(/\b(a02\w{12})\w{3}\b/g, '$1') : text
    await using proxy = await between(org, short)
    await using thing = await beginThing(proxy, { options: { load } })
    const [outcome] = await thing.write('upsert', keys(1))
    const id = (await idsByKey())['key 0'] as string
    assert.equal(id.length, 18)
    assert.deepEqual(outcome, { status: 'done', id, created: true })
    const changed = await thing.write('update', [['key 0', 'x']], [id.slice(0, 15)])
    assert.deepEqual(changed, [{ status: 'done', id }])
  })
}

test('a match that is no number finds no record by a number, and spoils no query', async () => {
  await using numbers = await startOrg({
    objects: [
      { ...THING, fields: [{ name: 'Number__c', type: 'double', externalId: true, unique: true }, ...THING.fields] },
    ],
  })
  const fields = [{ name: 'Number__c', kind: 'text' }, 'Key__c', 'Name__c'] as const
  await using maker = await beginThing(numbers, { fields: [...fields] })
  await maker.write('upsert', [['7', 'a', 'x']])
  await using thing = await beginThing(numbers, { fields: [...fields], request: { mode: 'update-only' } })
  const outcomes = await thing.write('update', [
    ['7', 'a', 'y'],
    ["8) OR Key__c IN ('a'", 'b', 'y'],
  ])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['done', 'not_found'],
  )
})

test('more keys than queries are good for are looked up by a query job', async () => {
  await using thing = await beginThing(org)
  await thing.write('upsert', keys(2_500))
  await using updating = await beginThing(org, { request: { mode: 'update-only' } })
  const before = (await calls())['GET query'] ?? 0
  const rows = [...keys(2_100).map(([key]) => [key as string, 'x']), ['nobody', 'y']]
  assert.deepEqual(statuses(await updating.write('update', rows)), { done: 2_100, not_found: 1 })
  assert.equal((await calls())['GET query'] ?? 0, before)
})

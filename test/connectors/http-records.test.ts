import assert from 'node:assert/strict'
import { test } from 'node:test'
import { httpDestination } from '../../src/connectors/http-destination.ts'
import { UnansweredError } from '../../src/core/errors.ts'
import { testContext } from '../../src/testing/test-context.ts'
import { fatal, openHttp, statuses } from '../support/http-connection.ts'
import { httpSimulator } from '../support/http-simulator.ts'

const simulator = await httpSimulator({ keys: { people: ['email'] } })
const base_url = `${simulator.url}/v1`
const error = { code: '/error/code', message: '/error/message' }
const fields = { email: 'text', name: 'text' } as const
const requested = { fields, match: ['email'], mode: 'mirror' } as const

const insert = {
  method: 'POST',
  path: '/people',
  body: '$record',
  response: { exists: [409], record_id: '/id', error },
}
const update = { method: 'PATCH', path: '/people/ids/{$id}', body: '$record', response: { not_found: [404], error } }
const remove = { method: 'DELETE', path: '/people/ids/{$id}' }
const lookup = {
  path: '/people/search',
  query: { email: '{email}' },
  items: '/found',
  keys: { email: '/email' },
  record_id: '/_id',
}

/** Makes a record, whatever is there. */
const appended = (fields: object) =>
  fetch(`${base_url}/people/append`, { method: 'POST', body: JSON.stringify(fields) })

test('learns the ids of records, and updates and deletes by them, whatever becomes of the match', async () => {
  await simulator.reset()
  const people = { insert, update, delete: remove }
  const options = httpDestination.options.parse({ base_url, objects: { people } })
  assert.equal(httpDestination.object('people', options).links, true)
  await using http = await openHttp({ base_url, objects: { people } }, requested)
  const [made] = await http.write('upsert', [{ email: 'ann@x.test', name: 'Ann' }])
  assert.deepEqual(made, { status: 'done', id: '1001', created: true })
  const changed = await http.write('update', [{ email: 'ann@y.test', name: 'Ann' }], ['1001'])
  assert.deepEqual(statuses(changed), ['done'])
  assert.deepEqual(await simulator.fields('people'), [{ email: 'ann@y.test', name: 'Ann' }])
  assert.deepEqual(statuses(await http.write('update', [{ email: 'x', name: 'y' }], [undefined])), [
    'rejected no_record_id',
  ])
  assert.deepEqual(statuses(await http.write('delete', [{ email: 'x', name: null }], ['1001'])), ['done'])
  assert.deepEqual(await simulator.fields('people'), [])
})

test('finds the id of a record by its match where nobody knows it', async () => {
  await simulator.reset()
  await using http = await openHttp(
    { base_url, objects: { people: { insert, update, delete: remove, lookup } } },
    requested,
  )
  await http.write('upsert', [{ email: 'ann@x.test', name: 'Ann' }])
  // Found by a fuzzy search, and not the record that is meant.
  await http.write('upsert', [{ email: 'ann@x.test.au', name: 'Other' }])
  assert.deepEqual(statuses(await http.write('update', [{ email: 'ann@x.test', name: 'Anna' }])), ['done'])
  assert.deepEqual(statuses(await http.write('update', [{ email: 'bob@x.test', name: 'Bob' }])), ['not_found'])
  assert.deepEqual(statuses(await http.write('delete', [{ email: 'bob@x.test', name: null }])), ['done'])
  assert.deepEqual(statuses(await http.write('delete', [{ email: 'ann@x.test', name: null }])), ['done'])
  assert.deepEqual(await simulator.fields('people'), [{ email: 'ann@x.test.au', name: 'Other' }])
})

test('inserts, and updates where the service says that the record is there', async () => {
  await simulator.reset()
  await using http = await openHttp(
    { base_url, objects: { people: { insert, update, lookup } } },
    { ...requested, mode: 'upsert' },
  )
  const write = (name: string) => http.write('upsert', [{ email: 'ann@x.test', name }])
  assert.deepEqual(await write('Ann'), [{ status: 'done', id: '1001', created: true }])
  assert.deepEqual(await write('Anna'), [{ status: 'done', id: '1001', created: false }])
  assert.deepEqual(await simulator.fields('people'), [{ email: 'ann@x.test', name: 'Anna' }])
})

test('looks first where inserts are not recognised and a lookup can be relied upon', async () => {
  await simulator.reset()
  const append = { method: 'POST', path: '/people/append', body: '$record', response: { record_id: '/id' } }
  const people = {
    insert: append,
    update,
    lookup: { ...lookup, path: '/people', query: {}, items: '/items', consistent: true },
  }
  await using http = await openHttp({ base_url, objects: { people } }, { ...requested, mode: 'upsert' })
  const write = (name: string) => http.write('upsert', [{ email: 'ann@x.test', name }])
  assert.deepEqual(await write('Ann'), [{ status: 'done', id: '1001', created: true }])
  assert.deepEqual(await write('Anna'), [{ status: 'done', id: '1001', created: false }])
  assert.deepEqual(await simulator.fields('people'), [{ email: 'ann@x.test', name: 'Anna' }])
})

test('takes no second record of the same match for the one that is meant', async () => {
  await simulator.reset()
  const people = {
    insert: { method: 'POST', path: '/people/append', body: '$record', idempotent: true },
    update,
    lookup: { ...lookup, path: '/people', query: {}, items: '/items' },
  }
  await using http = await openHttp({ base_url, objects: { people } }, { ...requested, mode: 'upsert' })
  for (const name of ['one', 'two']) await appended({ email: 'ann@x.test', name })
  const [refused, ...others] = await http.write('update', [{ email: 'ann@x.test', name: 'x' }])
  assert.ok(refused?.status === 'rejected' && refused.code === 'match_not_unique')
  assert.match(refused.message, /found 2 records/)
  assert.deepEqual(others, [])
})

test('rejects a row that the service refuses to look for, and stops where it refuses to look at all', async () => {
  await simulator.reset()
  await using http = await openHttp({ base_url, objects: { people: { insert, update, lookup } } }, requested)
  const write = () => http.write('update', [{ email: 'no mail', name: 'x' }])
  for (const status of [400, 422]) {
    await simulator.door('faults', { rules: [{ fault: `status-${status}`, match: { path: '/search' } }] })
    assert.deepEqual(statuses(await write()), ['rejected lookup_failed'])
  }
  await simulator.door('faults', { rules: [{ fault: 'status-410', match: { path: '/search' } }] })
  await assert.rejects(write(), fatal('lookup_failed', /correct `lookup` of the object/))
  await simulator.door('faults', { rules: [] })
  // Nothing was looked for there.
  const nowhere = { ...lookup, path: '/no/such/search' }
  await using lost = await openHttp({ base_url, objects: { people: { insert, update, lookup: nowhere } } }, requested)
  await assert.rejects(lost.write('update', [{ email: 'ann@x.test', name: 'x' }]), fatal('lookup_failed', /no\/such/))
  const told = { ...nowhere, not_found: [404] }
  await using again = await openHttp({ base_url, objects: { people: { insert, update, lookup: told } } }, requested)
  assert.deepEqual(statuses(await again.write('update', [{ email: 'ann@x.test', name: 'x' }])), ['not_found'])
})

test('looks before it inserts where the answer to an insert would not say that the record is there', async () => {
  await simulator.reset()
  const people = {
    insert: { method: 'POST', path: '/people/append', body: '$record', response: { record_id: '/id' } },
    lookup: { ...lookup, path: '/people', query: {}, items: '/items', consistent: true },
  }
  const once = { ...requested, mode: 'insert-only' } as const
  const options = httpDestination.options.parse({ base_url, objects: { people } })
  assert.equal(httpDestination.object('people', options).insertsAgain, 'once')
  await using http = await openHttp({ base_url, objects: { people } }, once)
  await http.destination.check()
  await simulator.door('faults', { rules: [{ fault: 'reset', when: 'after', match: { path: '/append' }, times: 1 }] })
  const write = () => http.write('insert', [{ email: 'ann@x.test', name: 'Ann' }])
  await assert.rejects(write(), UnansweredError)
  assert.deepEqual(statuses(await write()), ['exists'])
  assert.equal((await simulator.records('people')).length, 1)
})

test('compares matches as the service does where case means nothing to it', async () => {
  const people = (ignore_case: boolean) => ({ insert, update, ignore_case })
  await using http = await openHttp({ base_url, objects: { people: people(true) } }, { ...requested, mode: 'upsert' })
  await using strict = await openHttp(
    { base_url, objects: { people: people(false) } },
    { ...requested, mode: 'upsert' },
  )
  const identity = (opened: typeof http, text: string) => opened.destination.identity?.([text])
  assert.equal(identity(http, 'Ann@X.test'), identity(http, 'ann@x.test'))
  assert.notEqual(identity(strict, 'Ann@X.test'), identity(strict, 'ann@x.test'))
})

test('leaves one record of an insert that is sent again with its idempotency key', async () => {
  await simulator.reset()
  const people = {
    insert: {
      method: 'POST',
      path: '/people/append',
      body: '$record',
      idempotency_key: { header: 'Idempotency-Key' },
      response: { record_id: '/id' },
    },
  }
  await simulator.door('faults', { rules: [{ fault: 'reset', when: 'after', times: 1 }] })
  const once = { ...requested, mode: 'insert-only' } as const
  await using http = await openHttp({ base_url, objects: { people } }, once)
  const write = () => http.write('insert', [{ email: 'ann@x.test', name: 'Ann' }])
  await assert.rejects(write(), UnansweredError)
  assert.deepEqual(await write(), [{ status: 'done', id: '1001' }])
  await using nextRun = await openHttp({ base_url, objects: { people } }, once)
  assert.deepEqual(await nextRun.write('insert', [{ email: 'ann@x.test', name: 'Ann' }]), [
    { status: 'done', id: '1001' },
  ])
  assert.equal((await simulator.records('people')).length, 1)
})

test('sends a row that has become what it was before as another change than the first', async () => {
  await simulator.reset()
  const keyed = { idempotency_key: { header: 'Idempotency-Key' } }
  const people = {
    insert,
    update: { method: 'PATCH', path: '/people/{email}', body: '$fields', ...keyed, response: { not_found: [404] } },
  }
  await appended({ email: 'ann@x.test' })
  const key = (await simulator.records('people'))[0]?.key ?? ''
  const update = async (name: string) => {
    await using run = await openHttp({ base_url, objects: { people } }, requested)
    return statuses(await run.write('update', [{ email: key, name }]))
  }
  for (const name of ['Ann', 'Anna', 'Ann']) assert.deepEqual(await update(name), ['done'])
  assert.equal((await simulator.fields('people'))[0]?.['name'], 'Ann')
  // Within a run it is the same change that is sent again.
  await using http = await openHttp({ base_url, objects: { people } }, requested)
  await http.write('update', [{ email: key, name: 'Anna' }])
  const writes = async () => ((await simulator.door('counts')) as { writes: number }).writes
  const before = await writes()
  assert.deepEqual(statuses(await http.write('update', [{ email: key, name: 'Anna' }])), ['done'])
  assert.equal(await writes(), before)
})

test('makes a record anew that was deleted and comes back as it was', async () => {
  await simulator.reset()
  const people = {
    insert: {
      method: 'POST',
      path: '/people',
      body: '$record',
      idempotency_key: { header: 'Idempotency-Key' },
      response: { record_id: '/id' },
    },
    delete: { method: 'DELETE', path: '/people/{email}' },
    update: { ...update, path: '/people/{email}' },
  }
  const { notes } = testContext()
  const run = async (operation: 'upsert' | 'delete') => {
    await using http = await openHttp({ base_url, objects: { people } }, { ...requested, context: { notes } })
    return statuses(await http.write(operation, [{ email: 'ann@x.test', name: 'Ann' }]))
  }
  for (const operation of ['upsert', 'upsert', 'delete', 'upsert', 'upsert'] as const) {
    assert.deepEqual(await run(operation), ['done'], operation)
  }
  assert.deepEqual(
    (await simulator.records('people')).map(({ id }) => id),
    ['1002'],
  )
})

test('writes CSV of updates without what is for inserts only', async () => {
  await simulator.reset()
  const response = { rows: { items: '/results', match: { by: 'index' }, ok: { path: '/error', exists: false }, error } }
  const csv = { method: 'POST', path: '/people/lines', mode: 'batch', format: 'csv', response }
  const rules = { name: { on: 'insert' } } as const
  const people = { insert, upsert: csv, update: csv }
  await using http = await openHttp({ base_url, objects: { people } }, { ...requested, rules })
  await http.write('insert', [{ email: 'a@x.test', name: 'first' }])
  assert.deepEqual(statuses(await http.write('update', [{ email: 'a@x.test', name: 'second' }])), ['done'])
  assert.deepEqual(await simulator.fields('people'), [{ email: 'a@x.test', name: 'first' }])
})

test('sends CSV, NDJSON and forms that the service understands', async () => {
  const rows = [
    { email: 'a@x.test', name: 'a,"b"\nc' },
    { email: 'b@x.test', name: null },
  ]
  const results = { items: '/results', match: { by: 'index' }, ok: { path: '/error', exists: false }, error }
  for (const format of ['csv', 'ndjson']) {
    await simulator.reset()
    const body = format === 'csv' ? {} : { body: '$record' }
    const upsert = {
      method: 'POST',
      path: '/people/lines',
      mode: 'batch',
      format,
      ...body,
      response: { rows: results },
    }
    await using http = await openHttp({ base_url, objects: { people: { upsert } } }, { ...requested, mode: 'upsert' })
    assert.deepEqual(statuses(await http.write('upsert', rows)), ['done', 'done'], format)
    assert.deepEqual(await simulator.fields('people'), rows, format)
  }
  await simulator.reset()
  const upsert = { method: 'POST', path: '/people/form', format: 'form', body: '$record', response: { error } }
  await using http = await openHttp({ base_url, objects: { people: { upsert } } }, { ...requested, mode: 'upsert' })
  await http.write('upsert', rows.slice(0, 1))
  assert.deepEqual(await simulator.fields('people'), rows.slice(0, 1))
})

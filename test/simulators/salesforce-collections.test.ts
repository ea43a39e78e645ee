import assert from 'node:assert/strict'
import { SALESFORCE_COLLECTION_BEHAVIOURS } from '../../src/simulators/salesforce-collection-behaviours.ts'
import type { SalesforceOptions } from '../../src/simulators/salesforce-options.ts'
import { codesOf, contact, type Org, recordsOf, withOrg } from './salesforce-org.ts'
import { behaviourTests } from './simulator-behaviour.ts'

const behaviour = behaviourTests(SALESFORCE_COLLECTION_BEHAVIOURS)

function on(id: string, work: (org: Org) => Promise<void>, options: SalesforceOptions = {}): void {
  behaviour(id, () => withOrg(options, work))
}

const COLLECTION = '/composite/sobjects'
const UPSERT = `${COLLECTION}/Contact/External_Id__c`
const LEGACY = { name: 'Contact', fields: [{ name: 'Legacy__c', type: 'string', externalId: true }] } as const

const create = ({ ask }: Org, records: object[], allOrNone = false, headers = {}) =>
  ask('POST', COLLECTION, { allOrNone, records }, headers)

on('collection.order', async (org) => {
  const records = [{ LastName: 'A' }, { FirstName: 'nobody' }, { LastName: 'C' }, { LastName: 'D', Email: 'x' }]
  const { status, body } = await create(org, recordsOf('Contact', ...records))
  assert.equal(status, 200)
  assert.deepEqual(codesOf(body), ['ok', 'REQUIRED_FIELD_MISSING', 'ok', 'INVALID_EMAIL_ADDRESS'])
  const stored = await org.records('Contact')
  assert.deepEqual(
    stored.map(({ Id, LastName }) => [Id, LastName]),
    [
      [body[0].id, 'A'],
      [body[2].id, 'C'],
    ],
  )
  const { writes } = await org.door('/__journal')
  assert.deepEqual(
    writes.map(({ id, change, values }: { id: string; change: string; values: { LastName: string } }) => [
      id,
      change,
      values.LastName,
    ]),
    [
      [body[0].id, 'created', 'A'],
      [body[2].id, 'created', 'C'],
    ],
  )
})

on('collection.cap', async (org) => {
  const many = (count: number) =>
    recordsOf('Contact', ...Array.from({ length: count }, (_, at) => ({ LastName: `L${at}` })))
  const refused = await create(org, many(201))
  assert.deepEqual([refused.status, refused.body[0].errorCode], [400, 'EXCEEDED_ID_LIMIT'])
  assert.equal((await org.records('Contact')).length, 0)
  assert.equal((await create(org, many(200))).body.length, 200)
})

on('collection.all-or-none', async (org) => {
  const id = await contact(org, { FirstName: 'before', External_Id__c: 'k' })
  const records = [
    { External_Id__c: 'new', LastName: 'A' },
    { External_Id__c: 'k', FirstName: 'after' },
    { External_Id__c: 'bad', Email: 'x' },
  ]
  const { status, body } = await org.ask('PATCH', UPSERT, {
    allOrNone: true,
    records: recordsOf('Contact', ...records),
  })
  assert.equal(status, 200)
  const rolledBack = 'ALL_OR_NONE_OPERATION_ROLLED_BACK'
  assert.deepEqual(codesOf(body), [rolledBack, rolledBack, 'INVALID_EMAIL_ADDRESS'])
  const [only, ...others] = await org.records('Contact')
  assert.deepEqual([only.Id, only.FirstName, others.length], [id, 'before', 0])
  const found = await org.ask('GET', "/query?q=SELECT Id FROM Contact WHERE External_Id__c IN ('new','k')")
  assert.equal(found.body.totalSize, 1)
  assert.equal((await org.door('/__journal')).writes.length, 1)
  const good = await org.ask('PATCH', UPSERT, {
    allOrNone: true,
    records: recordsOf('Contact', ...records.slice(0, 2)),
  })
  assert.deepEqual(codesOf(good.body), ['ok', 'ok'])
})

on('collection.update', async (org) => {
  const id = await contact(org)
  const account = (await org.ask('POST', '/sobjects/Account', { Name: 'Acme' })).body.id
  const records = [
    ...recordsOf('Contact', { id, FirstName: 'Jane' }),
    ...recordsOf('Account', { id: account, Phone: '1' }),
    ...recordsOf('Contact', { FirstName: 'no id' }),
  ]
  const { body } = await org.ask('PATCH', COLLECTION, { records })
  assert.deepEqual(codesOf(body), ['ok', 'ok', 'MISSING_ARGUMENT'])
  assert.deepEqual(Object.keys(body[0]), ['id', 'success', 'errors'])
  assert.equal((await org.records('Contact'))[0].Name, 'Jane Doe')
  assert.equal((await org.records('Account'))[0].Phone, '1')
})

on('collection.upsert', async (org) => {
  const upsert = (...records: object[]) => org.ask('PATCH', UPSERT, { records: recordsOf('Contact', ...records) })
  const first = await upsert({ External_Id__c: 'a', LastName: 'A' })
  const { id } = first.body[0]
  assert.deepEqual(first.body, [{ id, success: true, errors: [], created: true }])
  const again = await upsert({ External_Id__c: 'a', FirstName: 'B' }, { External_Id__c: 'b', Id: id, LastName: 'B' })
  assert.deepEqual(codesOf(again.body), ['ok', 'INVALID_FIELD'])
  assert.deepEqual([again.body[0].created, again.body[0].id], [false, id])
  const { status, body } = await org.ask('PATCH', `${COLLECTION}/Contact/Title`, { records: [] })
  assert.deepEqual([status, body[0].errorCode], [404, 'NOT_FOUND'])
})

on('collection.delete', async (org) => {
  const id = await contact(org)
  const account = (await org.ask('POST', '/sobjects/Account', { Name: 'Acme' })).body.id
  const { status, body } = await org.ask(
    'DELETE',
    `${COLLECTION}?ids=${id},${account.slice(0, 15)},zzz&allOrNone=false`,
  )
  assert.equal(status, 200)
  assert.deepEqual(codesOf(body), ['ok', 'ok', 'MALFORMED_ID'])
  assert.deepEqual(await org.records('Contact'), [])
  assert.deepEqual(await org.records('Account'), [])
})

on('collection.malformed', async ({ ask }) => {
  const code = async (body: unknown) => {
    const reply = await ask('POST', COLLECTION, body)
    return [reply.status, reply.body[0].errorCode]
  }
  assert.deepEqual(await code('{"records": ['), [400, 'JSON_PARSER_ERROR'])
  assert.deepEqual(await code({ allOrNone: true }), [400, 'MISSING_ARGUMENT'])
  assert.deepEqual(await code({ records: [{ LastName: 'A' }] }), [400, 'INVALID_INPUT'])
  assert.deepEqual(await code({ records: recordsOf('Nothing', {}) }), [400, 'INVALID_TYPE'])
})

on('collection.types', async (org) => {
  const { status, body } = await org.ask('PATCH', UPSERT, {
    records: recordsOf('Account', { External_Id__c: 'a', Name: 'A' }),
  })
  assert.deepEqual([status, body[0].errorCode], [400, 'INVALID_INPUT'])
})

on('collection.unknown-field', async (org) => {
  const { status, body } = await create(org, recordsOf('Contact', { LastName: 'A' }, { LastName: 'B', Nothing__c: 1 }))
  assert.deepEqual([status, body[0].errorCode], [400, 'INVALID_FIELD'])
  assert.equal(body[0].message, "No such column 'Nothing__c' on sobject of type Contact")
  assert.deepEqual(await org.records('Contact'), [])
})

on('collection.json-type', async (org) => {
  const bad = [
    { Birthdate: '2026-11-23T00:00:00' },
    { Birthdate: '2026-02-30' },
    { LastContacted__c: '2026-11-23 10:00:00' },
  ]
  for (const record of [
    ...bad,
    { LifetimeValue__c: 'much' },
    { HasOptedOutOfEmail: 'perhaps' },
    { Title: ['a'] },
    { Birthdate: '' },
  ]) {
    const { status, body } = await create(org, recordsOf('Contact', { LastName: 'A' }, { LastName: 'B', ...record }))
    assert.deepEqual([status, body[0].errorCode], [400, 'JSON_PARSER_ERROR'], JSON.stringify(record))
    assert.match(body[0].message, /^Cannot deserialize instance of \w+ from (VALUE_STRING|START_ARRAY) value/)
  }
  assert.deepEqual(await org.records('Contact'), [])
})

on('collection.duplicate', async (org) => {
  const records = recordsOf(
    'Contact',
    { External_Id__c: 'a', LastName: '1' },
    { External_Id__c: 'b', LastName: '2' },
    { External_Id__c: 'A', LastName: '3' },
  )
  const { body } = await org.ask('PATCH', UPSERT, { records })
  assert.deepEqual(codesOf(body), ['DUPLICATE_VALUE', 'ok', 'DUPLICATE_VALUE'])
  assert.match(body[0].errors[0].message, /Duplicate external id specified: a/)
})

on('collection.duplicate-id', async (org) => {
  const id = await contact(org)
  const records = recordsOf('Contact', { id, Title: '1' }, { id: id.slice(0, 15), Title: '2' })
  const { body } = await org.ask('PATCH', COLLECTION, { records })
  assert.deepEqual(codesOf(body), ['DUPLICATE_VALUE', 'DUPLICATE_VALUE'])
  assert.equal((await org.records('Contact'))[0].Title, null)
})

on('single.create', async (org) => {
  const { status, body } = await org.ask('POST', '/sobjects/Contact', { LastName: 'A' })
  assert.deepEqual([status, body.success, body.errors], [201, true, []])
  const bad = await org.ask('POST', '/sobjects/Contact', { FirstName: 'A' })
  assert.deepEqual(
    [bad.status, bad.body[0].errorCode, bad.body[0].fields],
    [400, 'REQUIRED_FIELD_MISSING', ['LastName']],
  )
})

on('single.upsert', async (org) => {
  const path = '/sobjects/Contact/External_Id__c/a%2Fb%20c'
  const first = await org.ask('PATCH', path, { LastName: 'A' })
  assert.deepEqual([first.status, first.body.created], [201, true])
  assert.equal((await org.records('Contact'))[0].External_Id__c, 'a/b c')
  const second = await org.ask('PATCH', path, { LastName: 'B' })
  assert.deepEqual([second.status, second.body.created, second.body.id], [200, false, first.body.id])
  const old = await org.ask('PATCH', `/services/data/v45.0${path}`, { LastName: 'C' })
  assert.deepEqual([old.status, old.body], [204, ''])
  assert.equal((await org.records('Contact'))[0].LastName, 'C')
})

on(
  'single.several',
  async (org) => {
    const ids = [await contact(org, { Legacy__c: 'x' }), await contact(org, { Legacy__c: 'X' })]
    const { status, body } = await org.ask('PATCH', '/sobjects/Contact/Legacy__c/x', { LastName: 'B' })
    assert.equal(status, 300)
    assert.deepEqual(
      body,
      ids.map((id) => `/services/data/v66.0/sobjects/Contact/${id}`),
    )
  },
  { objects: [LEGACY] },
)

on('single.update-only', async (org) => {
  const path = '/sobjects/Contact/External_Id__c/a?updateOnly=true'
  const missing = await org.ask('PATCH', path, { LastName: 'A' })
  assert.deepEqual([missing.status, missing.body[0].errorCode], [404, 'NOT_FOUND'])
  await contact(org, { External_Id__c: 'a' })
  assert.equal((await org.ask('PATCH', path, { LastName: 'B' })).status, 200)
})

on('single.id-in-body', async (org) => {
  const id = await contact(org, { External_Id__c: 'a' })
  for (const body of [{ Id: id }, { External_Id__c: 'a' }]) {
    const reply = await org.ask('PATCH', '/sobjects/Contact/External_Id__c/a', { LastName: 'B', ...body })
    assert.deepEqual([reply.status, reply.body[0].errorCode], [400, 'INVALID_FIELD'])
  }
})

on('single.read', async (org) => {
  const id = await contact(org, { External_Id__c: 'a', FirstName: 'Jane' })
  const { status, body } = await org.ask('GET', `/sobjects/Contact/${id}`)
  assert.equal(status, 200)
  assert.deepEqual(body.attributes, { type: 'Contact', url: `/services/data/v66.0/sobjects/Contact/${id}` })
  assert.deepEqual([body.Id, body.Name, body.IsDeleted, body.Email], [id, 'Jane Doe', false, null])
  const some = await org.ask('GET', '/sobjects/Contact/External_Id__c/A?fields=Id,FirstName')
  assert.deepEqual(Object.keys(some.body), ['attributes', 'Id', 'FirstName'])
  assert.equal((await org.ask('GET', '/sobjects/Contact/External_Id__c/b')).status, 404)
})

on('single.delete', async (org) => {
  const id = await contact(org)
  assert.equal((await org.ask('DELETE', `/sobjects/Contact/${id}`)).status, 204)
  for (const method of ['DELETE', 'GET', 'PATCH']) {
    const { status, body } = await org.ask(method, `/sobjects/Contact/${id}`, method === 'PATCH' ? {} : undefined)
    assert.deepEqual([status, body[0].errorCode], [404, 'ENTITY_IS_DELETED'], method)
  }
})

on('single.not-key', async (org) => {
  const { status, body } = await org.ask('PATCH', '/sobjects/Contact/Title/Boss', { LastName: 'A' })
  assert.deepEqual([status, body[0].errorCode], [404, 'NOT_FOUND'])
  assert.equal(body[0].message, 'Provided external ID field does not exist or is not accessible: Title')
})

on('single.suffix', async (org) => {
  assert.equal((await org.ask('PATCH', '/sobjects/Contact/External_Id__c/acme.inc', { LastName: 'A' })).status, 404)
  assert.equal((await org.ask('PATCH', '/sobjects/Contact/External_Id__c/acme.com', { LastName: 'A' })).status, 201)
})

on('id.forms', async (org) => {
  for (let count = 0; count < 20; count++) await contact(org)
  const id = await contact(org)
  assert.equal(id, '0035f000000000LAAQ')
  assert.equal((await org.ask('GET', `/sobjects/Contact/${id.slice(0, 15)}`)).body.Id, id)
  assert.equal((await org.ask('GET', `/sobjects/Contact/${id.toLowerCase()}`)).body.Id, id)
  const wrongSuffix = id.slice(0, 15) + (id.endsWith('AAA') ? 'BBB' : 'AAA')
  assert.equal((await org.ask('GET', `/sobjects/Contact/${wrongSuffix}`)).status, 404)
})

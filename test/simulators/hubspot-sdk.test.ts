import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Client } from '@hubspot/api-client'
import { FilterOperatorEnum } from '@hubspot/api-client/lib/codegen/crm/contacts/models/Filter.js'
import type { RunningSimulator } from '../../src/simulators/simulator-server.ts'
import { startSimulator } from '../../src/simulators/start-simulator.ts'

/** HubSpot's own client takes the simulator for HubSpot. */
let simulator: RunningSimulator
let client: Client

before(async () => {
  simulator = await startSimulator('hubspot', {
    search_lag_ms: 0,
    objects: {
      contacts: { properties: [{ name: 'ext_id', unique: true }] },
      car: { properties: [{ name: 'vin', unique: true }] },
    },
  })
  client = new Client({ accessToken: 'token', basePath: simulator.url })
})
after(() => simulator.close())

const contact = (email: string, firstname = 'Ann') => ({ properties: { email, firstname }, associations: [] })
const byId = (one: { id: string }, other: { id: string }) => Number(one.id) - Number(other.id)

test('the SDK creates, reads, updates and archives contacts in batches', async () => {
  const { batchApi } = client.crm.contacts
  const created = await batchApi.create({ inputs: [contact('a@b.co'), contact('c@d.co')] })
  assert.equal(created.status, 'COMPLETE')
  const [first, second] = created.results.sort(byId)
  assert.ok(first?.createdAt instanceof Date && second !== undefined)
  assert.equal(first.archived, false)

  const updated = await batchApi.update({ inputs: [{ id: first.id, properties: { firstname: 'Bea' } }] })
  assert.equal(updated.results[0]?.properties['firstname'], 'Bea')

  const inputs = [{ id: 'A@b.co' }, { id: 'nobody@b.co' }]
  const read = await batchApi.read({
    idProperty: 'email',
    inputs,
    properties: ['firstname'],
    propertiesWithHistory: [],
  })
  assert.deepEqual([read.results[0]?.id, read.results[0]?.properties['firstname']], [first.id, 'Bea'])
  assert.ok('errors' in read && Array.isArray(read.errors))
  assert.equal(read.errors[0]?.category, 'OBJECT_NOT_FOUND')

  await batchApi.archive({ inputs: [{ id: first.id }, { id: second.id }, { id: '7' }] })
  const page = await client.crm.contacts.basicApi.getPage(100)
  assert.deepEqual(page.results, [])
})

test('the SDK upserts with trace ids, and sees which input failed', async () => {
  const input = (id: string, email: string) => ({
    id,
    idProperty: 'ext_id',
    objectWriteTraceId: `row ${id}`,
    properties: { ext_id: id, email },
  })
  const answer = await client.crm.contacts.batchApi.upsert({ inputs: [input('1', 'x@y.co'), input('2', 'nonsense')] })
  assert.deepEqual(
    answer.results.map(({ _new, objectWriteTraceId }) => [_new, objectWriteTraceId]),
    [[true, 'row 1']],
  )
  assert.ok('errors' in answer && Array.isArray(answer.errors) && 'numErrors' in answer)
  assert.deepEqual([answer.numErrors, answer.errors[0]?.context], [1, { objectWriteTraceId: ['row 2'] }])
  const again = await client.crm.contacts.batchApi.upsert({ inputs: [input('1', 'x@y.co')] })
  assert.equal(again.results[0]?._new, false)
})

test('the SDK works on single records, pages and searches', async () => {
  const { basicApi, searchApi } = client.crm.companies
  const names = Array.from({ length: 5 }, (_, at) => `Company ${at}`)
  for (const name of names) await basicApi.create({ properties: { name }, associations: [] })
  const seen: unknown[] = []
  let next: string | undefined
  do {
    const page = await basicApi.getPage(2, next, ['name'])
    seen.push(...page.results.map(({ properties }) => properties['name']))
    next = page.paging?.next?.after
  } while (next !== undefined)
  assert.deepEqual(seen, names)

  const filters = [{ propertyName: 'name', operator: FilterOperatorEnum.Eq, value: 'Company 3' }]
  const found = await searchApi.doSearch({ filterGroups: [{ filters }], properties: ['name'], limit: 10 })
  assert.deepEqual([found.total, found.results[0]?.properties['name']], [1, 'Company 3'])

  const id = found.results[0]?.id ?? ''
  await basicApi.update(id, { properties: { name: 'Other' } })
  assert.equal((await basicApi.getById(id, ['name'])).properties['name'], 'Other')
  await basicApi.archive(id)
  await assert.rejects(basicApi.getById(id), { code: 404 })
})

test('the SDK lists and creates properties, and sees custom objects', async () => {
  const { coreApi } = client.crm.properties
  const before = await coreApi.getAll('contacts')
  assert.equal(before.results.find(({ name }) => name === 'createdate')?.modificationMetadata?.readOnlyValue, true)
  const { PropertyCreateFieldTypeEnum, PropertyCreateTypeEnum } = await import(
    '@hubspot/api-client/lib/codegen/crm/properties/models/PropertyCreate.js'
  )
  const made = await coreApi.create('contacts', {
    name: 'made_here',
    label: 'Made here',
    groupName: 'contactinformation',
    type: PropertyCreateTypeEnum.String,
    fieldType: PropertyCreateFieldTypeEnum.Text,
  })
  assert.deepEqual([made.name, made.hasUniqueValue], ['made_here', false])
  const schemas = await client.crm.schemas.coreApi.getAll()
  assert.equal(schemas.results[0]?.objectTypeId, '2-7000001')
  const cars = client.crm.objects
  const car = await cars.basicApi.create('car', { properties: { vin: 'x' }, associations: [] })
  assert.equal((await cars.basicApi.getById('2-7000001', car.id, ['vin'])).properties['vin'], 'x')
})

test('the SDK merges contacts and refreshes tokens', async () => {
  const [one, two] = await Promise.all(
    ['m1@b.co', 'm2@b.co'].map((email) => client.crm.contacts.basicApi.create(contact(email))),
  )
  assert.ok(one !== undefined && two !== undefined)
  const merged = await client.crm.contacts.basicApi.merge({ primaryObjectId: one.id, objectIdToMerge: two.id })
  assert.equal(merged.id, one.id)
  const token = await client.oauth.tokensApi.create(
    'refresh_token',
    undefined,
    undefined,
    'client',
    'secret',
    'refresh',
  )
  assert.deepEqual([token.tokenType, token.expiresIn], ['bearer', 1800])
})

test('the SDK understands refusals', async () => {
  const { basicApi } = client.crm.contacts
  await basicApi.create(contact('taken@b.co'))
  await assert.rejects(basicApi.create(contact('taken@b.co')), { code: 409 })
  await assert.rejects(basicApi.create(contact('nonsense')), /HTTP-Code: 400.*INVALID_EMAIL/s)
  const plan = { rules: [{ fault: 'rate-limit-message', times: 1 }] }
  await fetch(`${simulator.url}/__faults`, { method: 'POST', body: JSON.stringify(plan) })
  await assert.rejects(basicApi.getPage(), { code: 429 })
})

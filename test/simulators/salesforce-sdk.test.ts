import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Connection } from '@jsforce/jsforce-node'
import type { RunningSimulator } from '../../src/simulators/simulator-server.ts'
import { startSimulator } from '../../src/simulators/start-simulator.ts'

/** Salesforce's own client for Node runs against the simulator: from the other side, with its own idea of the API. */
let simulator: RunningSimulator
let connection: Connection

before(async () => {
  simulator = await startSimulator('salesforce', { queue_ms: 1, batch_ms: 1, batch_size: 2 })
  connection = await connected()
})
after(() => simulator.close())

async function connected(): Promise<Connection> {
  const oauth2 = { loginUrl: simulator.url, clientId: 'simulator', clientSecret: 'simulator-secret' }
  const made = new Connection({ loginUrl: simulator.url, version: '66.0', oauth2 })
  await made.authorize({ grant_type: 'client_credentials' })
  return made
}

/** The records of an object that are not deleted, by a field of theirs. */
async function stored(object: string, field: string): Promise<Record<string, Record<string, unknown>>> {
  const records = (await (await fetch(`${simulator.url}/__records/${object}`)).json()) as Record<string, unknown>[]
  return Object.fromEntries(records.map((record) => [String(record[field]), record]))
}

const FAST = { pollInterval: 10, pollTimeout: 10_000 }

test('jsforce signs in with client credentials and takes the instance from the reply', async () => {
  assert.equal(connection.instanceUrl, simulator.url)
  assert.match(connection.userInfo?.organizationId ?? '', /^00D\w{15}$/)
  assert.match(connection.userInfo?.id ?? '', /^005\w{15}$/)
  await connection.request('/services/data/v66.0/limits')
  assert.deepEqual(connection.limitInfo.apiUsage?.limit, 100_000)
})

test('jsforce names the error of wrong credentials', async () => {
  const oauth2 = { loginUrl: simulator.url, clientId: 'simulator', clientSecret: 'wrong' }
  const made = new Connection({ loginUrl: simulator.url, version: '66.0', oauth2 })
  await assert.rejects(made.authorize({ grant_type: 'client_credentials' }), { name: 'invalid_client' })
})

test('jsforce describes the objects and their fields', async () => {
  const { sobjects } = await connection.describeGlobal()
  assert.ok(sobjects.some(({ name, createable }) => name === 'Contact' && createable))
  const { fields, keyPrefix } = await connection.sobject('Contact').describe()
  assert.equal(keyPrefix, '003')
  const key = fields.find(({ name }) => name === 'External_Id__c')
  assert.deepEqual([key?.externalId, key?.unique, key?.type, key?.length], [true, true, 'string', 255])
  assert.deepEqual(fields.find(({ name }) => name === 'LeadSource')?.picklistValues?.[0]?.value, 'Web')
})

test('jsforce creates, updates, upserts, reads and destroys through sObject Collections', async () => {
  const accounts = connection.sobject('Account')
  const created = await accounts.create([{ Name: 'One' }, { Phone: 'no name' }, { Name: 'Three', External_Id__c: '3' }])
  assert.deepEqual(
    created.map(({ success }) => success),
    [true, false, true],
  )
  const [one, two] = created
  assert.deepEqual(two?.errors?.[0], {
    statusCode: 'REQUIRED_FIELD_MISSING',
    message: 'Required fields are missing: [Name]',
    fields: ['Name'],
  })
  const id = one?.id as string
  const updated = await accounts.update([{ Id: id, Phone: '123' }])
  assert.deepEqual(updated, [{ id, success: true, errors: [] }])
  const upserted = await accounts.upsert(
    [
      { External_Id__c: '3', Phone: '3' },
      { External_Id__c: '4', Name: 'Four' },
    ],
    'External_Id__c',
  )
  assert.deepEqual(
    upserted.map((result) => [result.success, 'created' in result && result.created]),
    [
      [true, false],
      [true, true],
    ],
  )
  const byName = await stored('Account', 'Name')
  assert.deepEqual(
    [byName['One']?.['Phone'], byName['Three']?.['Phone'], byName['Four']?.['External_Id__c']],
    ['123', '3', '4'],
  )
  const read = await accounts.retrieve(id)
  assert.equal(read['Name'], 'One')
  const destroyed = await accounts.destroy([id, id])
  assert.deepEqual(
    destroyed.map(({ success, errors }) => [success, (errors as { statusCode?: string }[])[0]?.statusCode]),
    [
      [true, undefined],
      [false, 'ENTITY_IS_DELETED'],
    ],
  )
  assert.deepEqual(Object.keys(await stored('Account', 'Name')).sort(), ['Four', 'Three'])
})

test('jsforce splits more than 200 records into requests of 200', async () => {
  const records = Array.from({ length: 450 }, (_, at) => ({ LastName: `L${at}`, Company: 'Many' }))
  const created = await connection.sobject('Lead').create(records, { allowRecursive: true })
  assert.ok(created.every(({ success }) => success))
  assert.equal(Object.keys(await stored('Lead', 'LastName')).length, 450)
})

test('jsforce writes single rows and meets their errors', async () => {
  const contacts = connection.sobject('Contact')
  const created = await contacts.create({ LastName: 'Single', External_Id__c: 's 1' })
  const id = (created as { id: string }).id
  assert.equal((await contacts.update({ Id: id, Title: 'Boss' })).success, true)
  const upserted = await contacts.upsert({ External_Id__c: 's 1', Title: 'Chief' }, 'External_Id__c')
  assert.equal((upserted as { id: string }).id, id)
  await assert.rejects(contacts.create({ FirstName: 'nobody' }), { errorCode: 'REQUIRED_FIELD_MISSING' })
  await assert.rejects(contacts.create({ LastName: 'x', Nothing__c: 1 }), { errorCode: 'INVALID_FIELD' })
  assert.equal((await contacts.destroy(id)).success, true)
  await assert.rejects(contacts.retrieve(id), { errorCode: 'ENTITY_IS_DELETED' })
})

test('jsforce loads jobs of Bulk API 2.0: insert, upsert and delete, with all three results', async () => {
  const load = (operation: 'insert' | 'upsert' | 'delete', input: object[], key?: string) =>
    connection.bulk2.loadAndWaitForResults({
      object: 'Contact',
      operation,
      input: input as Record<string, string>[],
      ...(key === undefined ? {} : { externalIdFieldName: key }),
      ...FAST,
    })
  const people = Array.from({ length: 7 }, (_, at) => ({
    LastName: `Bulk "${at}",\nof 7`,
    External_Id__c: `bulk-${at}`,
  }))
  const inserted = await load('insert', [...people, { LastName: '', External_Id__c: 'bulk-7' }])
  assert.equal(inserted.successfulResults.length, 7)
  assert.ok(
    inserted.successfulResults.every((row) => row['sf__Created'] === 'true' && /^003/.test(row['sf__Id'] ?? '')),
  )
  assert.equal(inserted.failedResults.length, 1)
  assert.equal(
    inserted.failedResults[0]?.['sf__Error'],
    'REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --',
  )
  assert.deepEqual(inserted.unprocessedRecords, [])
  const byKey = await stored('Contact', 'External_Id__c')
  assert.equal(byKey['bulk-3']?.['LastName'], 'Bulk "3",\nof 7')

  const changes = [
    { External_Id__c: 'bulk-0', LastName: 'Changed', Title: null },
    { External_Id__c: 'bulk-9', LastName: 'Nine', Title: 'New' },
  ]
  const upserted = await load('upsert', changes, 'External_Id__c')
  const created = Object.fromEntries(
    upserted.successfulResults.map((row) => [
      (row as unknown as Record<string, string>)['External_Id__c'],
      row['sf__Created'],
    ]),
  )
  assert.deepEqual(created, { 'bulk-0': 'false', 'bulk-9': 'true' })
  assert.equal((await stored('Contact', 'External_Id__c'))['bulk-0']?.['LastName'], 'Changed')

  const ids = Object.values(await stored('Contact', 'Id')).map(({ Id }) => ({ Id: Id as string }))
  const deleted = await load('delete', ids)
  assert.equal(deleted.successfulResults.length, 8)
  assert.deepEqual(await stored('Contact', 'Id'), {})
})

test('jsforce hears of a job that fails', async () => {
  const input = [{ LastName: 'A', Nothing__c: 'x' }]
  const load = connection.bulk2.loadAndWaitForResults({ object: 'Contact', operation: 'insert', input, ...FAST })
  await assert.rejects(load, /InvalidBatch : Field name not found : Nothing__c/)
})

test('jsforce runs queries, page by page, and bulk queries', async () => {
  const people = Array.from({ length: 2300 }, (_, at) => ({ LastName: `Q${at}`, External_Id__c: `q-${at}` }))
  await fetch(`${simulator.url}/__records/Contact`, { method: 'POST', body: JSON.stringify(people) })
  const first = await connection.query("SELECT Id, LastName FROM Contact WHERE LastName LIKE 'Q%'")
  assert.deepEqual([first.totalSize, first.done, first.records.length], [2300, false, 2000])
  const rest = await connection.queryMore(first.nextRecordsUrl as string)
  assert.deepEqual([rest.done, rest.records.length], [true, 300])
  const { totalSize } = await connection.query("SELECT COUNT() FROM Contact WHERE External_Id__c IN ('q-1', 'q-2')")
  assert.equal(totalSize, 2)
  const stream = await connection.bulk2.query('SELECT Id, External_Id__c FROM Contact', FAST)
  const keys = new Set((await stream.toArray()).map((row: Record<string, string>) => row['External_Id__c']))
  assert.equal(keys.size, 2300)
})

test('jsforce signs in again when its session ended', async () => {
  const refreshed = new Connection({
    instanceUrl: simulator.url,
    accessToken: 'ended',
    refreshToken: 'simulator-refresh-token',
    version: '66.0',
    oauth2: { loginUrl: simulator.url, clientId: 'simulator', clientSecret: 'simulator-secret' },
  })
  const { totalSize } = await refreshed.query('SELECT COUNT() FROM Lead')
  assert.equal(totalSize, 450)
})

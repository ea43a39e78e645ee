import assert from 'node:assert/strict'
import type { SalesforceOptions } from '../../src/simulators/salesforce-options.ts'
import { SALESFORCE_QUERY_BEHAVIOURS } from '../../src/simulators/salesforce-query-behaviours.ts'
import { askToken, codeOf, DATA, type Org, withOrg } from './salesforce-org.ts'
import { behaviourTests } from './simulator-behaviour.ts'

const behaviour = behaviourTests(SALESFORCE_QUERY_BEHAVIOURS)

function on(id: string, work: (org: Org) => Promise<void>, options: SalesforceOptions = {}): void {
  behaviour(id, () => withOrg(options, work))
}

/** Three contacts, one of them with an account. */
async function withContacts(org: Org): Promise<void> {
  await org.door('/__records/Account', [{ Name: 'Acme', External_Id__c: 'acme' }])
  const AccountId = (await org.records('Account'))[0].Id
  await org.door('/__records/Contact', [
    { LastName: 'Able', External_Id__c: 'a', LifetimeValue__c: 1, AccountId },
    { LastName: 'baker', External_Id__c: 'b', LifetimeValue__c: 20, LastContacted__c: '2026-11-23T10:00:00.000+0000' },
    { LastName: "O'Neil", External_Id__c: 'c' },
  ])
}

const query = (org: Org, soql: string, resource = 'query') =>
  org.ask('GET', `/${resource}?q=${encodeURIComponent(soql)}`)
const found = async (org: Org, clauses: string) => {
  const { status, body } = await query(org, `SELECT LastName FROM Contact ${clauses}`)
  assert.equal(status, 200, JSON.stringify(body))
  return body.records.map(({ LastName }: { LastName: string }) => LastName)
}

on('query.where', async (org) => {
  await withContacts(org)
  const id = (await org.records('Contact'))[1].Id
  const cases: [string, string[]][] = [
    ["WHERE LastName = 'ABLE'", ['Able']],
    ["WHERE LastName = 'O\\'Neil'", ["O'Neil"]],
    ["WHERE LastName != 'able'", ['baker', "O'Neil"]],
    ["WHERE External_Id__c IN ('A', 'c', 'x')", ['Able', "O'Neil"]],
    ["WHERE External_Id__c NOT IN ('a')", ['baker', "O'Neil"]],
    [`WHERE Id = '${id.slice(0, 15)}'`, ['baker']],
    ['WHERE LifetimeValue__c > 1', ['baker']],
    ['WHERE LifetimeValue__c <= 20 AND LifetimeValue__c >= 1', ['Able', 'baker']],
    ['WHERE LifetimeValue__c = null', ["O'Neil"]],
    ["WHERE LastName LIKE '%a%e%'", ['Able', 'baker']],
    ["WHERE (LastName = 'able' OR LastName = 'baker') AND NOT LifetimeValue__c = 1", ['baker']],
    ['WHERE LastContacted__c > 2026-11-23T11:00:00+02:00', ['baker']],
    ['WHERE HasOptedOutOfEmail = false', ['Able', 'baker', "O'Neil"]],
  ]
  for (const [clauses, expected] of cases) assert.deepEqual(await found(org, clauses), expected, clauses)
})

on('query.order', async (org) => {
  await withContacts(org)
  assert.deepEqual(await found(org, 'ORDER BY LifetimeValue__c, Id'), ["O'Neil", 'Able', 'baker'])
  assert.deepEqual(await found(org, 'ORDER BY LastName DESC LIMIT 2'), ["O'Neil", 'baker'])
  assert.deepEqual(await found(org, 'ORDER BY LastName ASC LIMIT 2 OFFSET 1'), ['baker', "O'Neil"])
})

on('query.parent', async (org) => {
  await withContacts(org)
  const { body } = await query(org, 'SELECT Id, Account.Name, Account.External_Id__c FROM Contact ORDER BY LastName')
  assert.deepEqual(body.records[0].Account, { Name: 'Acme', External_Id__c: 'acme' })
  assert.equal(body.records[1].Account, null)
  assert.deepEqual(await found(org, "WHERE Account.Name = 'acme'"), ['Able'])
})

on('query.count', async (org) => {
  await withContacts(org)
  const { body } = await query(org, 'SELECT COUNT() FROM Contact WHERE LifetimeValue__c > 0')
  assert.deepEqual(body, { totalSize: 2, done: true, records: [] })
})

on('query.paging', async (org) => {
  const people = Array.from({ length: 4500 }, (_, at) => ({ LastName: `L${at}` }))
  await org.door('/__records/Contact', people)
  const seen: string[] = []
  let next: string | undefined = '/query?q=SELECT+LastName+FROM+Contact'
  const sizes: number[] = []
  while (next !== undefined) {
    const { body } = await org.ask('GET', next)
    assert.equal(body.totalSize, 4500)
    assert.equal(body.done, body.nextRecordsUrl === undefined)
    sizes.push(body.records.length)
    seen.push(...body.records.map(({ LastName }: { LastName: string }) => LastName))
    next = body.nextRecordsUrl
  }
  assert.deepEqual(sizes, [2000, 2000, 500])
  assert.deepEqual(seen.sort(), people.map(({ LastName }) => LastName).sort())
  const small = { 'sforce-query-options': 'batchSize=10' }
  assert.equal((await org.ask('GET', '/query?q=SELECT+Id+FROM+Contact', undefined, small)).body.records.length, 200)
})

on('query.deleted', async (org) => {
  await withContacts(org)
  const [first] = await org.records('Contact')
  await org.ask('DELETE', `/sobjects/Contact/${first.Id}`)
  assert.deepEqual(await found(org, "WHERE LastName = 'able'"), [])
  const { body } = await query(org, "SELECT Id FROM Contact WHERE LastName = 'able' AND IsDeleted = true", 'queryAll')
  assert.deepEqual(body.records[0].Id, first.Id)
})

behaviour('query.organization', async () => {
  const clients = [
    { id: 'simulator', secret: 'simulator-secret' },
    { id: 'other', secret: 'other-secret', organization: 2 },
  ]
  await withOrg({ clients }, async (org) => {
    const own = (await query(org, 'SELECT Id, Name FROM Organization')).body
    assert.deepEqual([own.totalSize, own.records[0].Name], [1, 'Org 1'])
    const form = { grant_type: 'client_credentials', client_id: 'other', client_secret: 'other-secret' }
    const { access_token: token, id } = (await askToken(org, form)).body
    const headers = { authorization: `Bearer ${token}` }
    const path = `${DATA}/query?q=${encodeURIComponent('SELECT Id FROM Organization')}`
    const { records } = (await org.ask('GET', path, undefined, headers)).body
    assert.notEqual(records[0].Id, own.records[0].Id)
    assert.ok(id.includes(`/id/${records[0].Id}/`), id)
  })
})

on('query.hidden', async (org) => {
  await org.door('/__faults', { rules: [{ fault: 'object-hidden', when: 'before', times: 1 }] })
  const { status, body } = await query(org, 'SELECT Id FROM Organization')
  assert.deepEqual([status, body[0].errorCode], [400, 'INVALID_TYPE'])
})

on('query.malformed', async (org) => {
  for (const soql of [
    '',
    'SELECT',
    'SELECT Id',
    'SELECT Id FROM Contact WHERE',
    'SELECT Id FROM Contact LIMIT x',
    'SELECT Id FROM Contact nonsense',
    'SELECT ? FROM Contact',
    "SELECT Id FROM Contact WHERE Id = 'a' OR Id = 'b' AND Id = 'c'",
  ]) {
    assert.deepEqual(codeOf(await query(org, soql)), [400, 'MALFORMED_QUERY'], soql)
  }
  assert.deepEqual(codeOf(await query(org, 'SELECT Nothing__c FROM Contact')), [400, 'INVALID_FIELD'])
  assert.deepEqual(codeOf(await query(org, "SELECT Id FROM Contact WHERE Nothing__c = 'a'")), [400, 'INVALID_FIELD'])
  assert.deepEqual(codeOf(await query(org, 'SELECT Id FROM Nothing')), [400, 'INVALID_TYPE'])
})

on('query.locator', async (org) => {
  assert.deepEqual(codeOf(await org.ask('GET', '/query/01g000-2000')), [400, 'INVALID_QUERY_LOCATOR'])
})

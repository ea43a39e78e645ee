import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { salesforceDestination } from '../../src/connectors/salesforce-destination.ts'
import { salesforceOptions } from '../../src/connectors/salesforce-options.ts'
import { audienceOf } from '../../src/connectors/salesforce-tokens.ts'
import { FatalError } from '../../src/core/errors.ts'
import { startOrg, type TestOrg } from './salesforce-org.ts'
import { openThing, THING, type ThingOptions } from './salesforce-sync.ts'

const WIDE = {
  ...THING,
  fields: [
    ...THING.fields,
    { name: 'Formula__c', type: 'string', calculated: true },
    { name: 'Number__c', type: 'string', autoNumber: true },
    { name: 'Locked__c', type: 'string', readOnly: true },
    { name: 'Once__c', type: 'string', createOnly: true },
    { name: 'When__c', type: 'datetime' },
    { name: 'Flag__c', type: 'boolean', default: false },
    { name: 'Must__c', type: 'string', required: true },
    { name: 'About__c', type: 'reference', referenceTo: ['Account', 'Contact'] },
  ],
} as const

let org: TestOrg
before(async () => {
  org = await startOrg({ objects: [WIDE, { ...THING, name: 'Fixed__c', updateable: false, deletable: false }] })
})
after(() => org[Symbol.asyncDispose]())

/** What the check says: its notes, or the error. */
async function check(given: ThingOptions): Promise<string> {
  await using thing = await openThing(org, given)
  try {
    return (await thing.destination.check()).join('; ')
  } catch (error) {
    assert.ok(error instanceof FatalError, String(error))
    assert.equal(error.kind, 'configuration')
    return `${error.code}: ${error.message}`
  }
}

const must = { name: 'Must__c' }

test('a mapping that fits has nothing to say', async () => {
  assert.equal(await check({ fields: ['Key__c', 'Name__c', must] }), '')
})

test('everything that is wrong with a mapping is said at once', async () => {
  const said = await check({
    fields: [
      'Key__c',
      'Nmae__c',
      'name',
      'Formula__c',
      'Number__c',
      'Locked__c',
      'Once__c',
      { name: 'When__c', kind: 'boolean' },
    ],
  })
  for (const part of [
    /^destination_mismatch: the Salesforce object "Thing__c" does not fit this sync: /,
    /no field "Nmae__c" — did you mean "Name__c"\?/,
    /no field "name" — did you mean "Name__c"\?/,
    /"Formula__c" is a formula, which nobody can write/,
    /"Number__c" is an auto-number/,
    /"Locked__c" is read-only for this user: grant Edit in its field-level security/,
    /"Once__c" cannot be changed once a record is there, or not by this user: give it `on: insert`/,
    /"When__c" is of type datetime and takes date, timestamp, text, other, but not boolean/,
    /"Must__c" \(string\) is required to create a record: map it/,
  ]) {
    assert.match(said, part)
  }
})

test('what only a mode needs is asked for in that mode only', async () => {
  const fields = ['Key__c', 'Name__c']
  assert.match(await check({ fields }), /"Must__c"/)
  assert.equal(await check({ fields, request: { mode: 'update-only' } }), '')
  assert.equal(await check({ fields: ['Key__c', { name: 'Once__c', on: 'insert' }, must] }), '')
  assert.equal(await check({ fields: ['Key__c', 'Once__c', must], request: { mode: 'insert-only' } }), '')
  const fixed = { name: 'Fixed__c' }
  assert.match(
    await check({ fields, request: { ...fixed, mode: 'update-only' } }),
    /cannot change its records: grant Edit/,
  )
  assert.match(
    await check({ fields: ['Key__c'], request: { ...fixed, mode: 'delete-only' } }),
    /cannot delete its records: grant Delete/,
  )
})

test('a match is one external id, unique where inserts must not be two', async () => {
  assert.match(
    await check({ fields: ['Name__c', must] }),
    /"Name__c" is no external id.*match by one of Id .*Key__c, Loose__c/,
  )
  assert.match(await check({ fields: ['Loose__c', 'Key__c', must] }), /^"Loose__c" is not marked unique/)
  assert.match(
    await check({ fields: ['Loose__c', 'Key__c', must], request: { mode: 'insert-only' } }),
    /"Loose__c" is not unique, so an insert that is sent twice would be two records/,
  )
  assert.match(await check({ fields: ['Id', 'Key__c', must] }), /nothing can be created by Id/)
  assert.equal(await check({ fields: ['Id', 'Name__c'], request: { mode: 'update-only' } }), '')
  assert.match(
    await check({ fields: ['Key__c', 'Loose__c', must], request: { match: ['Key__c', 'Loose__c'] } }),
    /match is Key__c, Loose__c, and has to be one field/,
  )
})

test('a parent is named by its relationship and an external id of its own', async () => {
  const fields = (name: string) => ['Key__c', must, name]
  assert.equal(await check({ fields: fields('Owner__r.External_Id__c') }), '')
  assert.equal(await check({ fields: fields('Contact:About__r.External_Id__c') }), '')
  assert.match(
    await check({ fields: fields('Ownr__r.External_Id__c') }),
    /no relationship "Ownr__r" to a parent; there are .*Owner__r/,
  )
  assert.match(await check({ fields: fields('Owner__r.Nothing__c') }), /Account has no field "Nothing__c"/)
  assert.match(await check({ fields: fields('Owner__r.Phone') }), /finds no Account: make Phone an external id/)
  assert.match(await check({ fields: fields('About__r.External_Id__c') }), /write Account:About__r.External_Id__c/)
  assert.match(
    await check({ fields: fields('Lead:About__r.External_Id__c') }),
    /is no Lead; it is one of Account, Contact/,
  )
})

test('an object that is not there for this user is a configuration error', async () => {
  assert.match(
    await check({ request: { name: 'Nothing__c' } }),
    /^unknown_object: Salesforce has no object "Nothing__c"/,
  )
})

test('case does not count in what a match compares, where the field says so', async () => {
  await using thing = await openThing(org, { fields: ['Key__c', must] })
  await thing.destination.check()
  const identity = (value: string | null) => thing.destination.identity?.([value])
  assert.equal(identity('A@b.C'), identity('a@B.c'))
  assert.notEqual(identity('a'), identity('b'))
})

test('a connection says which flow it is, and what that flow lacks', () => {
  const base = { login_url: 'https://acme.my.salesforce.com/' }
  const said = (options: object) => {
    const read = salesforceOptions.safeParse(options)
    return read.success ? read.data.login_url : read.error.issues.map(({ message }) => message).join('; ')
  }
  assert.equal(said({ ...base, client_id: 'a', client_secret: 'b' }), 'https://acme.my.salesforce.com')
  assert.match(String(said({ client_id: 'a', client_secret: 'b' })), /expected `login_url`/)
  assert.match(String(said(base)), /`client_id` and `client_secret`; or/)
  assert.match(
    String(said({ ...base, client_id: 'a', private_key: 'x' })),
    /the flow "JWT bearer" needs `username` too/,
  )
  assert.match(String(said({ ...base, access_token: 'x' })), /the flow "access token" needs `instance_url` too/)
  assert.match(String(said({ ...base, refresh_token: 'x' })), /the flow "refresh token" needs `client_id` too/)
  assert.match(String(said({ ...base, client_id: 'a', client_secret: 'b', version: '66' })), /v66\.0/)
  assert.match(String(said({ login_url: 'ftp://acme', client_id: 'a', client_secret: 'b' })), /https:\/\/HOST/)
})

test('assertions are for the login host, or the test host of a sandbox', () => {
  assert.equal(audienceOf('https://acme.my.salesforce.com'), 'https://login.salesforce.com')
  assert.equal(audienceOf('https://acme--uat.sandbox.my.salesforce.com'), 'https://test.salesforce.com')
  assert.equal(audienceOf('https://test.salesforce.com'), 'https://test.salesforce.com')
  assert.equal(audienceOf('http://127.0.0.1:8080'), 'http://127.0.0.1:8080')
})

test('two connections to one org are one place, and no secret is in its name', () => {
  const read = (options: object) => salesforceOptions.parse(options)
  const secret = { client_id: 'app', client_secret: 'very-secret' }
  const one = read({ login_url: 'https://acme.my.salesforce.com', ...secret })
  const other = read({ instance_url: 'https://acme.my.salesforce.com', access_token: 'very-secret' })
  assert.equal(salesforceDestination.identity(one), salesforceDestination.identity(other))
  assert.doesNotMatch(salesforceDestination.identity(one), /secret/)
  assert.doesNotMatch(JSON.stringify(salesforceDestination.pacing?.(one)), /secret/)
})

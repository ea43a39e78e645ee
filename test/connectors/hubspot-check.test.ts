import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { hubspotDestination } from '../../src/connectors/hubspot-destination.ts'
import type { FatalError } from '../../src/core/errors.ts'
import { SYNC_MODE_NAMES } from '../../src/core/sync-mode.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { type HubspotAccount, hubspotAccount, type OpenRequest } from '../support/hubspot-account.ts'

let account: HubspotAccount
before(async () => {
  account = await hubspotAccount({
    burst_limit: 100_000,
    tokens: {
      token: {},
      reader: { scopes: ['crm.objects.contacts.read'] },
      nobody: { scopes: [] },
      writer: { scopes: ['crm.objects.custom.read', 'crm.objects.custom.write'] },
    },
    objects: {
      contacts: {
        properties: [
          { name: 'ext_id', unique: true },
          { name: 'nick', rules: [{ type: 'MIN_LENGTH', arguments: ['2'] }] },
        ],
      },
      car: { properties: [{ name: 'vin', unique: true }, { name: 'brand' }], required: ['brand'] },
    },
  })
})
after(() => account[Symbol.asyncDispose]())
beforeEach(() => account.reset())

async function checked(request: OpenRequest): Promise<readonly string[]> {
  await using destination = await account.open(request)
  return await destination.check()
}

/** The FatalError that checking ends in. */
async function refused(request: OpenRequest): Promise<FatalError> {
  const error: unknown = await checked(request).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof Error && error.name === 'FatalError', String(error))
  assert.equal((error as FatalError).kind, 'configuration')
  return error as FatalError
}

const EMAIL = field('email')

test('everything that is wrong with a mapping is said at once, before a record is touched', async () => {
  const fields = [
    field('firstname'),
    field('lastnam'),
    field('hs_email_domain'),
    field('createdate', 'timestamp'),
    field('annualrevenue', 'date'),
  ]
  const { code, message } = await refused({ fields })
  assert.equal(code, 'destination_mismatch')
  for (const part of [
    /"firstname" is not unique.*\(email, ext_id\)/,
    /no property "lastnam" — did you mean "lastname"\?/,
    /"hs_email_domain" is calculated/,
    /"createdate" is read-only/,
    /"annualrevenue" is of the type number and would get date/,
  ]) {
    assert.match(message, part)
  }
  assert.deepEqual(
    (await account.calls()).filter((call) => !call.startsWith('GET')),
    [],
  )
})

test('metadata is read once, whatever is asked of the destination', async () => {
  await using destination = await account.open({ fields: [EMAIL] })
  await destination.check()
  await destination.check()
  const signal = new AbortController().signal
  await destination.write(changeBatch('upsert', [EMAIL], [['a@b.co']]), signal)
  const calls = await account.calls()
  assert.equal(calls.filter((call) => call.includes('properties')).length, 1)
  assert.equal(destination.context.requests, calls.length)
})

test('a match is any property with unique values, built-in or of its own', async () => {
  for (const [name, match] of [
    ['contacts', 'email'],
    ['contacts', 'ext_id'],
    ['car', 'vin'],
    ['products', 'hs_sku'],
  ] as const) {
    const fields = name === 'car' ? [field(match), field('brand')] : [field(match)]
    await checked({ name, fields })
  }
  for (const [name, match] of [
    ['companies', 'domain'],
    ['deals', 'dealname'],
    ['car', 'brand'],
  ] as const) {
    assert.match(
      (await refused({ name, fields: [field(match), field('brand')] })).message,
      new RegExp(`"${match}" is not unique`),
    )
  }
})

test('records can be found by their id where none is made', async () => {
  const fields = [field('hs_object_id'), field('firstname')]
  for (const mode of SYNC_MODE_NAMES) {
    if (mode === 'update-only' || mode === 'delete-only') await checked({ fields, mode })
    else assert.equal((await refused({ fields, mode })).code, 'unsupported_mode', mode)
  }
})

test('a match of two properties is refused', async () => {
  const fields = [EMAIL, field('firstname')]
  assert.equal((await refused({ fields, match: ['email', 'firstname'] })).code, 'unusable_match')
})

test('an object is named as people or paths name it', async () => {
  const fields = [field('vin'), field('brand')]
  for (const name of ['car', 'CAR', 'p1234567_car', '2-7000001']) await checked({ name, fields })
  for (const name of ['contact', 'Contacts', '0-1']) await checked({ name, fields: [EMAIL] })
  const { code, message } = await refused({ name: 'cra', fields })
  assert.equal(code, 'unknown_object')
  assert.match(message, /did you mean "car"\?; there are contacts, companies, deals, tickets, products, car/)
  assert.equal((await refused({ name: '2-999', fields })).code, 'unknown_object')
})

test('what a new record needs has to be mapped where records are made', async () => {
  const { message } = await refused({ name: 'car', fields: [field('vin')], mode: 'upsert' })
  assert.match(message, /a new record needs "brand", map it/)
  await checked({ name: 'car', fields: [field('vin')], mode: 'update-only' })
})

test('a plan says what HubSpot does of its own', async () => {
  const fields = [EMAIL, field('lifecyclestage'), field('nick')]
  const notes = (await checked({ fields, mode: 'mirror' })).join('\n')
  assert.match(notes, /archived: HubSpot keeps them for 90 days/)
  assert.match(notes, /rules of an administrator on nick/)
  assert.match(notes, /earlier lifecyclestage/)
  assert.deepEqual(await checked({ fields: [EMAIL], mode: 'upsert' }), [])
  assert.doesNotMatch((await checked({ fields, mode: 'mirror', retires: ['nick'] })).join('\n'), /archived/)
})

test('rules that HubSpot does not tell are no obstacle', async () => {
  for (const fault of ['status-400', 'status-403', 'status-404', 'empty']) {
    await account.faults({ fault, match: { path: 'property-validations/2026-09/0-1' } })
    assert.deepEqual(await checked({ fields: [EMAIL, field('nick')], mode: 'upsert' }), [], fault)
  }
  await account.faults()
  assert.equal((await checked({ fields: [EMAIL, field('nick')], mode: 'upsert' })).length, 1)
})

test('what is set instead of deleting a record has to be there, and writable', async () => {
  const { message } = await refused({ fields: [EMAIL], retires: ['lifecyclestge', 'createdate'] })
  assert.match(message, /no property "lifecyclestge" — did you mean "lifecyclestage"/)
  assert.match(message, /"createdate" is read-only, take it out of deletes\.as/)
  await checked({ fields: [EMAIL], retires: ['lifecyclestage'] })
})

test('every version of the API has its own paths', async () => {
  for (const version of ['v3', '2026-03', '2026-09']) {
    await checked({ name: 'car', fields: [field('vin'), field('brand')], options: { version } })
  }
  assert.deepEqual(new Set((await account.calls()).map((call) => call.split(' ').at(-1))), new Set(['200']))
})

test('a token that is not known, or has too few scopes, is told apart', async () => {
  const unknown = await refused({ fields: [EMAIL], options: { token: 'wrong' } })
  assert.equal(unknown.code, 'authentication_failed')
  assert.match(unknown.message, /give a valid one/)
  const scopeless = await refused({ fields: [EMAIL], options: { token: 'nobody' } })
  assert.equal(scopeless.code, 'permission_denied')
  assert.match(scopeless.message, /give the app the scope crm\.schemas\.contacts\.read or crm\.objects\.contacts\.read/)
})

test('a custom object can be used by its id without the scope of schemas', async () => {
  const fields = [field('vin'), field('brand')]
  await checked({ name: '2-7000001', fields, options: { token: 'writer' } })
  assert.match(
    (await refused({ name: 'car', fields, options: { token: 'writer' } })).message,
    /crm\.schemas\.custom\.read/,
  )
})

test('options are read with their defaults, and contradictions are refused', () => {
  const parse = (options: object) => hubspotDestination.options.safeParse(options)
  assert.deepEqual(parse({ token: 'x' }).data, {
    token: 'x',
    base_url: 'https://api.hubapi.com',
    version: '2026-09',
    timeout: 60,
  })
  const oauth = { client_id: 'a', client_secret: 'b', refresh_token: 'c' }
  for (const wrong of [
    {},
    { token: 'x', oauth },
    { token: '' },
    { token: 'x', plan: 'free', rate: '5/1s' },
    { token: 'x', rate: 'fast' },
    { token: 'x', version: 'v4' },
  ]) {
    assert.equal(parse(wrong).success, false, JSON.stringify(wrong))
  }
})

test('the limit that is kept is that of the plan, of the user, or of the smallest plan', () => {
  const ratesOf = (options: object) =>
    hubspotDestination.pacing?.(hubspotDestination.options.parse({ token: 'x', ...options })).rates
  assert.deepEqual(ratesOf({}), [{ requests: 100, perMs: 10_000 }])
  assert.deepEqual(ratesOf({ plan: 'professional' }), [{ requests: 190, perMs: 10_000 }])
  assert.deepEqual(ratesOf({ rate: '5/s' }), [{ requests: 5, perMs: 1_000 }])
  assert.deepEqual(ratesOf({ rate: '50/10s' }), [{ requests: 50, perMs: 10_000 }])
})

test('limits are shared by whoever has the same token, which cannot be read from what they are shared by', () => {
  const of = (token: string) => hubspotDestination.pacing?.(hubspotDestination.options.parse({ token })).credential
  assert.equal(of('pat-1'), of('pat-1'))
  assert.notEqual(of('pat-1'), of('pat-2'))
  assert.doesNotMatch(String(of('pat-1')), /pat/)
})

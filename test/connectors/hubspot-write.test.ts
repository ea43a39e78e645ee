import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Destination } from '../../src/core/destination.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { hubspotAccount } from '../support/hubspot-account.ts'
import { contactsForTests, EMAIL, idOf, NAME, statuses } from '../support/hubspot-contacts.ts'
import { answerJson, bodyText, loopbackServer } from '../support/loopback-server.ts'

const contacts = contactsForTests()
const { write, dataCalls, stored } = contacts

test('an upsert of a hundred contacts is one call, and says which were made', async () => {
  await contacts.account.put('contacts', [{ email: 'n7@x.co' }])
  const rows = Array.from({ length: 100 }, (_, n) => [`n${n}@x.co`, `name ${n}`])
  const outcomes = await write('upsert', [EMAIL, NAME], rows)
  assert.deepEqual(await dataCalls(), ['POST batch/upsert 200'])
  assert.equal(outcomes.filter((one) => one.status === 'done' && one.created === true).length, 99)
  assert.deepEqual(outcomes[7]?.status === 'done' && outcomes[7].created, false)
  const ids = new Map(
    (await contacts.account.records('contacts')).map(({ id, properties }) => [properties['email'], id]),
  )
  // The simulator answers in any order: each outcome has the id of its own record.
  for (const [n, outcome] of outcomes.entries()) assert.equal(idOf(outcome), ids.get(`n${n}@x.co`))
})

test('a bad row is rejected with what was sent and what came back, and costs no call of its own', async () => {
  const rows = [
    ['a@x.co', 'Ann'],
    ['no address', 'Bob'],
    ['c@x.co', 'Cat'],
  ]
  const outcomes = await write('upsert', [EMAIL, NAME], rows)
  assert.deepEqual(statuses(outcomes), ['done', 'rejected', 'done'])
  const [, bad] = outcomes
  assert.ok(bad?.status === 'rejected')
  assert.equal(bad.code, 'INVALID_EMAIL')
  assert.match(bad.message, /Email address no address is invalid/)
  assert.match(String(bad.request), /"firstname":"Bob"/)
  assert.match(String(bad.response), /VALIDATION_ERROR/)
  assert.deepEqual(await dataCalls(), ['POST batch/upsert 207'])
})

test('values that HubSpot would refuse are rejected before they are sent', async () => {
  const fields = [EMAIL, field('annualrevenue'), field('tags'), field('hs_lead_status')]
  const rows = [
    ['a@x.co', 'much', 'a', 'NEW'],
    ['b@x.co', '1', 'a;d', 'NEW'],
    ['c@x.co', '1', 'a', 'New'],
    ['d@x.co', '1', 'c;a', 'NEW'],
  ]
  const outcomes = await write('upsert', fields, rows)
  assert.deepEqual(
    outcomes.map((one) => (one.status === 'rejected' ? one.code : one.status)),
    ['invalid_value', 'invalid_option', 'invalid_option', 'done'],
  )
  assert.match((outcomes[2] as { message: string }).message, /^hs_lead_status: .*its value is "NEW"/)
  assert.deepEqual(await stored('tags'), { 'd@x.co': 'a;c' })
  await contacts.account.reset()
  assert.deepEqual(statuses(await write('upsert', fields, rows.slice(0, 3))), ['rejected', 'rejected', 'rejected'])
  assert.deepEqual(await dataCalls(), [], 'a batch with nothing to send sends nothing')
})

test('a null clears a property, or leaves it where nulls are to be skipped', async () => {
  await contacts.account.put('contacts', [{ email: 'a@x.co', firstname: 'Ann', lastname: 'Lee' }])
  await write('upsert', [EMAIL, NAME, field('lastname', 'text', { nulls: 'skip' })], [['a@x.co', null, null]])
  assert.deepEqual([await stored(), await stored('lastname')], [{ 'a@x.co': undefined }, { 'a@x.co': 'Lee' }])
})

test('records whose ids are known are updated by them in one call, also to another address', async () => {
  const [one, two] = await contacts.account.put('contacts', [{ email: 'old@x.co' }, { email: 'b@x.co' }])
  const rows = [
    ['new@x.co', 'Ann'],
    ['b@x.co', 'Bob'],
    ['c@x.co', 'Cat'],
  ]
  const outcomes = await write('update', [EMAIL, NAME], rows, { ids: [one, two, '404'] })
  assert.deepEqual(outcomes, [
    { status: 'done', id: one, created: false },
    { status: 'done', id: two, created: false },
    { status: 'not_found' },
  ])
  assert.deepEqual(await stored(), { 'new@x.co': 'Ann', 'b@x.co': 'Bob' })
  assert.deepEqual(await dataCalls(), ['POST batch/update 207'])
})

test('records whose ids are not known are found by their match first', async () => {
  const [id] = await contacts.account.put('contacts', [{ email: 'a@x.co' }])
  const outcomes = await write(
    'update',
    [EMAIL, NAME],
    [
      ['A@x.co', 'Ann'],
      ['b@x.co', 'Bob'],
    ],
  )
  assert.deepEqual([statuses(outcomes), idOf(outcomes[0])], [['done', 'not_found'], id])
  assert.deepEqual(await dataCalls(), ['POST batch/read 207', 'POST batch/update 200'])
})

test('where no record is found none is updated, though the answer is 404', async () => {
  assert.deepEqual(statuses(await write('update', [EMAIL, NAME], [['a@x.co', 'Ann']])), ['not_found'])
  assert.deepEqual(await dataCalls(), ['POST batch/read 404'])
})

test('ids that are missing and not named are looked up', async () => {
  await using blank = await hubspotAccount({ burst_limit: 100_000, blank_missing_ids: true })
  const [id] = await blank.put('contacts', [{ email: 'a@x.co' }])
  const outcomes = await write(
    'update',
    [EMAIL, NAME],
    [
      ['a@x.co', 'Ann'],
      ['b@x.co', 'Bob'],
    ],
    { ids: [id, '404'], at: blank },
  )
  assert.deepEqual(statuses(outcomes), ['done', 'not_found'])
  assert.deepEqual(await dataCalls(blank), ['POST batch/update 207', 'POST batch/read 404'])
})

test('an upsert of a record whose id is known stays with that record, and one that is gone is made again', async () => {
  const [id] = await contacts.account.put('contacts', [{ email: 'old@x.co' }])
  const outcomes = await write(
    'upsert',
    [EMAIL, NAME],
    [
      ['new@x.co', 'Ann'],
      ['b@x.co', 'Bob'],
    ],
    { ids: [id, '404'] },
  )
  assert.deepEqual([statuses(outcomes), idOf(outcomes[0])], [['done', 'done'], id])
  assert.deepEqual(await stored(), { 'new@x.co': 'Ann', 'b@x.co': 'Bob' })
})

test('records can be found by their own id', async () => {
  const [one, two] = await contacts.account.put('contacts', [{ email: 'a@x.co' }, { email: 'b@x.co' }])
  const fields = [field('hs_object_id'), NAME]
  const updates = await write(
    'update',
    fields,
    [
      [one ?? '', 'Ann'],
      ['404', 'Bob'],
    ],
    { mode: 'update-only' },
  )
  assert.deepEqual(statuses(updates), ['done', 'not_found'])
  assert.deepEqual(await stored(), { 'a@x.co': 'Ann', 'b@x.co': undefined })
  await write('delete', fields.slice(0, 1), [[two ?? '']], { mode: 'delete-only' })
  assert.deepEqual(Object.keys(await stored()), ['a@x.co'])
})

test('addresses are one record in any case, other values only as they are', async () => {
  const identity = async (name: string, value: string) => {
    await using destination = await contacts.account.open({ fields: [field(name)] })
    return destination.identity?.([value])
  }
  assert.equal(await identity('email', ' Ann@X.co '), 'ann@x.co')
  assert.equal(await identity('ext_id', ' A '), ' A ')
})

test('every input has a trace id of its own, over all batches of the process', async () => {
  const seen: string[] = []
  await using server = await loopbackServer(async (request, response) => {
    if (request.method === 'GET') {
      const properties = ['email', 'firstname'].map((name) => ({ name, type: 'string', fieldType: 'text' }))
      return answerJson(response, 200, { results: request.url?.includes('/properties/') ? properties : [] })
    }
    const { inputs } = JSON.parse(await bodyText(request)) as { inputs: { objectWriteTraceId: string }[] }
    const traceIds = inputs.map((input) => input.objectWriteTraceId)
    seen.push(...traceIds)
    answerJson(response, 200, {
      results: traceIds.map((objectWriteTraceId, n) => ({ id: String(n + 1), objectWriteTraceId })),
    })
  })
  const options = { base_url: server.url }
  const destinations: Destination[] = [
    await contacts.account.open({ fields: [EMAIL, NAME], options }),
    await contacts.account.open({ fields: [EMAIL, NAME], options }),
  ]
  for (const destination of destinations) {
    for (const from of [0, 3]) {
      const rows = [0, 1, 2].map((n) => [`n${from + n}@x.co`, 'x'])
      await destination.write(changeBatch('upsert', [EMAIL, NAME], rows), new AbortController().signal)
    }
    await destination[Symbol.asyncDispose]()
  }
  assert.equal(new Set(seen).size, 12)
})

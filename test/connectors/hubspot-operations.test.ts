import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BatchRefusedError } from '../../src/core/errors.ts'
import { field } from '../support/batch-field.ts'
import { hubspotAccount } from '../support/hubspot-account.ts'
import { CONTACT_PROPERTIES, contactsForTests, EMAIL, idOf, NAME, statuses } from '../support/hubspot-contacts.ts'

const contacts = contactsForTests()
const { write, dataCalls, stored } = contacts

test('an insert makes records, and leaves those that are there', async () => {
  await contacts.account.put('contacts', [{ email: 'a@x.co', firstname: 'Own' }])
  const outcomes = await write(
    'insert',
    [EMAIL, NAME],
    [
      ['a@x.co', 'Ann'],
      ['b@x.co', 'Bob'],
      ['nobody', 'Cat'],
    ],
  )
  assert.deepEqual(statuses(outcomes), ['exists', 'done', 'rejected'])
  assert.deepEqual(await stored(), { 'a@x.co': 'Own', 'b@x.co': 'Bob' })
})

test('an insert that conflicts with another property than its match is rejected, and does not exist', async () => {
  await contacts.account.put('contacts', [{ email: 'a@x.co', ext_id: '7' }])
  const [outcome] = await write('insert', [EMAIL, field('ext_id')], [['b@x.co', '7']])
  assert.ok(outcome?.status === 'rejected')
  assert.equal(outcome.code, 'conflict')
  assert.match(outcome.message, /7 is a value of ext_id that Contact \d+ has already/)
})

test('a conflict that refuses a whole batch of inserts leaves the others to be made, without halving', async () => {
  await using whole = await hubspotAccount({ burst_limit: 100_000, whole_batch_conflicts: true })
  await whole.put('contacts', [{ email: 'n3@x.co', firstname: 'Own' }])
  const rows = Array.from({ length: 10 }, (_, n) => [`n${n}@x.co`, `name ${n}`])
  const outcomes = await write('insert', [EMAIL, NAME], rows, { at: whole })
  assert.deepEqual(
    statuses(outcomes),
    rows.map((_, n) => (n === 3 ? 'exists' : 'done')),
  )
  assert.deepEqual(await dataCalls(whole), ['POST batch/create 409', 'POST batch/read 207', 'POST batch/create 201'])
})

test('a conflict with another property that refuses a whole batch of inserts is for the engine to halve', async () => {
  await using whole = await hubspotAccount({
    burst_limit: 100_000,
    whole_batch_conflicts: true,
    objects: CONTACT_PROPERTIES,
  })
  await whole.put('contacts', [{ email: 'a@x.co', ext_id: '7' }])
  const rows = [
    ['b@x.co', '7'],
    ['c@x.co', '8'],
  ]
  await assert.rejects(write('insert', [EMAIL, field('ext_id')], rows, { at: whole }), BatchRefusedError)
})

test('a conflict that refuses a whole batch of upserts is for the engine to halve', async () => {
  await using whole = await hubspotAccount({
    burst_limit: 100_000,
    whole_batch_conflicts: true,
    objects: CONTACT_PROPERTIES,
  })
  await whole.put('contacts', [{ email: 'a@x.co', ext_id: '7' }])
  const rows = [
    ['b@x.co', '7'],
    ['c@x.co', '8'],
  ]
  await assert.rejects(write('upsert', [EMAIL, field('ext_id')], rows, { at: whole }), (error) => {
    return error instanceof BatchRefusedError && error.code === 'conflict'
  })
  assert.deepEqual(statuses(await write('upsert', [EMAIL, field('ext_id')], rows.slice(1), { at: whole })), ['done'])
})

test('fields for inserts only are set when a record is made, and in no later write', async () => {
  const fields = [EMAIL, NAME, field('lifecyclestage', 'text', { on: 'insert' })]
  await contacts.account.put('contacts', [{ email: 'a@x.co', lifecyclestage: 'lead' }])
  const rows = [
    ['a@x.co', 'Ann', 'customer'],
    ['b@x.co', 'Bob', 'customer'],
  ]
  const outcomes = await write('upsert', fields, rows)
  assert.deepEqual(
    outcomes.map((one) => one.status === 'done' && one.created),
    [false, true],
  )
  assert.deepEqual(await stored('lifecyclestage'), { 'a@x.co': 'lead', 'b@x.co': 'customer' })
  assert.deepEqual(await stored(), { 'a@x.co': 'Ann', 'b@x.co': 'Bob' })
})

test('records are archived by their ids, whatever their match has become', async () => {
  const [one, two] = await contacts.account.put('contacts', [
    { email: 'a@x.co' },
    { email: 'b@x.co' },
    { email: 'c@x.co' },
  ])
  const known = await write('delete', [EMAIL], [['changed@x.co'], ['b@x.co']], { ids: [one, two] })
  assert.deepEqual(statuses(known), ['done', 'done'])
  assert.deepEqual(
    [Object.keys(await stored()), await dataCalls()],
    [['c@x.co'], ['POST batch/read 200', 'POST batch/archive 204']],
  )
  const found = await write('delete', [EMAIL], [['C@x.co'], ['gone@x.co']])
  assert.deepEqual([statuses(found), await stored()], [['done', 'done'], {}])
})

test('a contact that has the address beside its own is not archived for it', async () => {
  await contacts.account.put('contacts', [{ email: 'own@x.co', hs_additional_emails: 'other@x.co' }])
  const [outcome] = await write('delete', [EMAIL], [['other@x.co']])
  assert.equal(outcome?.status === 'rejected' && outcome.code, 'secondary_address')
  assert.deepEqual(Object.keys(await stored()), ['own@x.co'])
})

test('two rows that turn out to be one contact: the first keeps it, the second is rejected', async () => {
  const [id] = await contacts.account.put('contacts', [{ email: 'own@x.co', hs_additional_emails: 'other@x.co' }])
  const outcomes = await write(
    'upsert',
    [EMAIL, NAME],
    [
      ['own@x.co', 'Ann'],
      ['other@x.co', 'Bob'],
    ],
  )
  assert.equal(idOf(outcomes[0]), id)
  assert.equal(outcomes[1]?.status === 'rejected' && outcomes[1].code, 'same_record')
  const updates = await write(
    'update',
    [EMAIL, NAME],
    [
      ['x@x.co', 'Ann'],
      ['y@x.co', 'Bob'],
    ],
    { ids: [id, id] },
  )
  assert.deepEqual(statuses(updates), ['done', 'rejected'])
})

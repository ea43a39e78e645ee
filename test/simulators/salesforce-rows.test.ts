import assert from 'node:assert/strict'
import type { SalesforceOptions } from '../../src/simulators/salesforce-options.ts'
import { SALESFORCE_ROW_BEHAVIOURS } from '../../src/simulators/salesforce-row-behaviours.ts'
import { codesOf, contact, type Org, recordsOf, withOrg } from './salesforce-org.ts'
import { behaviourTests } from './simulator-behaviour.ts'

const behaviour = behaviourTests(SALESFORCE_ROW_BEHAVIOURS)

function on(id: string, work: (org: Org) => Promise<void>, options: SalesforceOptions = {}): void {
  behaviour(id, () => withOrg(options, work))
}

const COLLECTION = '/composite/sobjects'
const UPSERT = `${COLLECTION}/Contact/External_Id__c`
const LEGACY = { name: 'Contact', fields: [{ name: 'Legacy__c', type: 'string', externalId: true }] } as const

const create = ({ ask }: Org, records: object[], allOrNone = false, headers = {}) =>
  ask('POST', COLLECTION, { allOrNone, records }, headers)

/** The error of one contact that is created with these fields. */
async function errorOf(org: Org, record: object) {
  const { status, body } = await create(org, recordsOf('Contact', { LastName: 'Doe', ...record }))
  assert.equal(status, 200, JSON.stringify(body))
  return body[0].errors[0]
}

on('row.required', async (org) => {
  const missing = await errorOf(org, { LastName: null })
  assert.deepEqual(missing, {
    statusCode: 'REQUIRED_FIELD_MISSING',
    message: 'Required fields are missing: [LastName]',
    fields: ['LastName'],
  })
  const id = await contact(org)
  const cleared = await org.ask('PATCH', COLLECTION, { records: recordsOf('Contact', { id, LastName: null }) })
  assert.deepEqual(codesOf(cleared.body), ['REQUIRED_FIELD_MISSING'])
})

on('row.length', async (org) => {
  const error = await errorOf(org, { FirstName: 'x'.repeat(41) })
  assert.equal(error.statusCode, 'STRING_TOO_LONG')
  assert.equal(error.message, `First Name: data value too large: ${'x'.repeat(41)} (max length=40)`)
  assert.equal(await errorOf(org, { FirstName: 'x'.repeat(40) }), undefined)
})

on('row.picklist', async (org) => {
  const error = await errorOf(org, { LeadSource: 'web' })
  assert.equal(error.statusCode, 'INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST')
  assert.deepEqual(error.fields, ['LeadSource'])
  assert.equal(await errorOf(org, { LeadSource: 'Web', Salutation: 'Sir' }), undefined)
})

on('row.email', async (org) => {
  for (const Email of ['jane', 'jane@', 'jane@x', 'a b@x.com', '@x.com', 'jane@x..com']) {
    assert.equal((await errorOf(org, { Email })).statusCode, 'INVALID_EMAIL_ADDRESS', Email)
  }
  assert.equal(await errorOf(org, { Email: 'Jane.Doe+1@x.example.com' }), undefined)
})

on('row.number', async (org) => {
  assert.equal((await errorOf(org, { LifetimeValue__c: 1e16 })).statusCode, 'NUMBER_OUTSIDE_VALID_RANGE')
  assert.equal(await errorOf(org, { LifetimeValue__c: -999_999_999_999_999.5 }), undefined)
})

on('row.boolean-null', async (org) => {
  const id = await contact(org)
  const { body } = await org.ask('PATCH', COLLECTION, {
    records: recordsOf('Contact', { id, HasOptedOutOfEmail: null }),
  })
  assert.deepEqual(codesOf(body), ['INVALID_TYPE_ON_FIELD_IN_RECORD'])
})

on('row.dates', async (org) => {
  await contact(org, { Birthdate: '1980-02-29', LastContacted__c: '2026-11-23T10:00:00.987+02:00' })
  const [record] = await org.records('Contact')
  assert.deepEqual([record.Birthdate, record.LastContacted__c], ['1980-02-29', '2026-11-23T08:00:00.000+0000'])
})

on('row.trim', async (org) => {
  await contact(org, { FirstName: '  Jane ', Title: '   ' })
  const [record] = await org.records('Contact')
  assert.deepEqual([record.FirstName, record.Title], ['Jane', null])
})

on('row.lookup', async (org) => {
  const AccountId = (await org.ask('POST', '/sobjects/Account', { Name: 'Acme' })).body.id
  assert.equal(await errorOf(org, { AccountId: AccountId.slice(0, 15) }), undefined)
  assert.equal((await org.records('Contact'))[0].AccountId, AccountId)
  const own = await contact(org)
  for (const wrong of ['acme', own]) {
    assert.equal((await errorOf(org, { AccountId: wrong })).statusCode, 'MALFORMED_ID', wrong)
  }
  await org.ask('DELETE', `/sobjects/Account/${AccountId}`)
  assert.equal((await errorOf(org, { AccountId })).statusCode, 'INVALID_CROSS_REFERENCE_KEY')
})

on('row.lookup-external', async (org) => {
  const AccountId = (await org.ask('POST', '/sobjects/Account', { Name: 'Acme', External_Id__c: 'acme' })).body.id
  assert.equal(await errorOf(org, { Account: { External_Id__c: 'ACME' } }), undefined)
  assert.equal((await org.records('Contact'))[0].AccountId, AccountId)
  const error = await errorOf(org, { Account: { External_Id__c: 'nobody' } })
  assert.equal(error.statusCode, 'INVALID_FIELD')
  assert.equal(error.message, 'Foreign key external ID: nobody not found for field External_Id__c in entity Account')
})

on('row.read-only', async (org) => {
  for (const field of [{ Name: 'Jane Doe' }, { CreatedDate: '2026-11-23T10:00:00Z' }]) {
    assert.equal((await errorOf(org, field)).statusCode, 'INVALID_FIELD_FOR_INSERT_UPDATE')
  }
})

on(
  'row.validation',
  async (org) => {
    const ruled = await errorOf(org, { Phone: '0190 1' })
    assert.deepEqual([ruled.statusCode, ruled.message], ['FIELD_CUSTOM_VALIDATION_EXCEPTION', 'No premium numbers'])
    const hooked = await errorOf(org, { FirstName: 'Doe' })
    assert.deepEqual([hooked.statusCode, hooked.message], ['FIELD_CUSTOM_VALIDATION_EXCEPTION', 'Names differ'])
    assert.equal(await errorOf(org, { Phone: '0170 1' }), undefined)
  },
  {
    objects: [
      {
        name: 'Contact',
        validationRules: [{ field: 'Phone', matches: '^0190', message: 'No premium numbers' }],
        validate: ({ FirstName, LastName }) => (FirstName === LastName ? 'Names differ' : undefined),
      },
    ],
  },
)

on(
  'row.duplicate-rule',
  async (org) => {
    const record = { Email: 'jane@example.com' }
    await contact(org, record)
    assert.equal((await errorOf(org, { Email: 'JANE@example.com' })).statusCode, 'DUPLICATES_DETECTED')
    const allowed = { 'Sforce-Duplicate-Rule-Header': 'allowSave=true' }
    const saved = await create(org, recordsOf('Contact', { LastName: 'Doe', ...record }), false, allowed)
    assert.deepEqual(codesOf(saved.body), ['ok'])
    const { failed, successful } = await org.runJob(
      { operation: 'insert' },
      'LastName,Email\nDoe,jane@example.com\nDoe,j@example.com\n',
    )
    assert.equal(successful.length, 2)
    assert.match(failed[1] as string, /DUPLICATES_DETECTED/)
  },
  { objects: [{ name: 'Contact', duplicateRule: { name: 'Same e-mail', fields: ['Email', 'LastName'] } }] },
)

on('row.unique', async (org) => {
  const id = await contact(org, { External_Id__c: 'a' })
  const error = await errorOf(org, { External_Id__c: 'A' })
  assert.deepEqual(error, {
    statusCode: 'DUPLICATE_VALUE',
    message: `duplicate value found: External_Id__c duplicates value on record with id: ${id}`,
    fields: [],
  })
  const other = await contact(org, { External_Id__c: 'b' })
  const moved = await org.ask('PATCH', `/sobjects/Contact/${other}`, { External_Id__c: 'a' })
  assert.deepEqual([moved.status, moved.body[0].errorCode], [400, 'DUPLICATE_VALUE'])
  assert.equal((await org.ask('PATCH', `/sobjects/Contact/${id}`, { External_Id__c: 'a' })).status, 204)
})

on(
  'row.external-case',
  async (org) => {
    const twice = (object: string, field: string) =>
      org.ask('PATCH', `${COLLECTION}/${object}/${field}`, {
        records: recordsOf(object, { [field]: 'a', Name: '1' }, { [field]: 'A', Name: '2' }),
      })
    assert.deepEqual(codesOf((await twice('Account', 'External_Id__c')).body), ['DUPLICATE_VALUE', 'DUPLICATE_VALUE'])
    assert.deepEqual(codesOf((await twice('Thing__c', 'Code__c')).body), ['ok', 'ok'])
  },
  {
    objects: [
      {
        name: 'Thing__c',
        fields: [{ name: 'Code__c', type: 'string', externalId: true, unique: true, caseSensitive: true }],
      },
    ],
  },
)

on(
  'row.several',
  async (org) => {
    const ids = [await contact(org, { Legacy__c: 'x' }), await contact(org, { Legacy__c: 'x' })]
    const records = recordsOf('Contact', { Legacy__c: 'x', LastName: 'B' })
    const { body } = await org.ask('PATCH', `${COLLECTION}/Contact/Legacy__c`, { records })
    assert.deepEqual(codesOf(body), ['DUPLICATE_EXTERNAL_ID'])
    for (const id of ids) assert.ok(body[0].errors[0].message.includes(id))
  },
  { objects: [LEGACY] },
)

on('row.missing-key', async (org) => {
  const { body } = await org.ask('PATCH', UPSERT, {
    records: recordsOf('Contact', { LastName: 'A' }, { External_Id__c: '' }),
  })
  assert.deepEqual(codesOf(body), ['MISSING_ARGUMENT', 'MISSING_ARGUMENT'])
})

on(
  'row.locked',
  async (org) => {
    const all = recordsOf('Contact', ...Array.from({ length: 200 }, (_, at) => ({ LastName: `L${at}` })))
    let left = all
    for (let round = 0; round < 20 && left.length > 0; round++) {
      const codes = codesOf((await create(org, left)).body)
      assert.ok(codes.every((code) => code === 'ok' || code === 'UNABLE_TO_LOCK_ROW'))
      const again = left.filter((_, at) => codes[at] !== 'ok')
      if (round === 0) assert.ok(again.length > 20 && again.length < 180, `${again.length} rows were locked`)
      left = again
    }
    assert.equal((await org.records('Contact')).length, 200)
    await org.door('/__settings', { row_lock_rate: 0 })
    assert.deepEqual(codesOf((await create(org, all)).body), Array(200).fill('ok'))
  },
  { row_lock_rate: 0.5 },
)

on(
  'row.access',
  async (org) => {
    const { body } = await create(org, recordsOf('Lead', { LastName: 'A', Company: 'B' }))
    assert.deepEqual(codesOf(body), ['INSUFFICIENT_ACCESS_OR_READONLY'])
  },
  { objects: [{ name: 'Lead', createable: false }] },
)

on('row.recycle-bin', async (org) => {
  const id = await contact(org, { External_Id__c: 'a' })
  const remove = () => org.ask('DELETE', `${COLLECTION}?ids=${id}`)
  assert.deepEqual(codesOf((await remove()).body), ['ok'])
  assert.deepEqual(codesOf((await remove()).body), ['ENTITY_IS_DELETED'])
  const update = () => org.ask('PATCH', COLLECTION, { records: recordsOf('Contact', { id, Title: 'x' }) })
  assert.deepEqual(codesOf((await update()).body), ['ENTITY_IS_DELETED'])
  const again = await org.ask('PATCH', UPSERT, {
    records: recordsOf('Contact', { External_Id__c: 'a', LastName: 'B' }),
  })
  assert.equal(again.body[0].created, true)
  await org.door('/__clock', { ms: 15 * 86_400_000 })
  const token = await org.signIn()
  const late = await org.ask('DELETE', `${COLLECTION}?ids=${id}`, undefined, { authorization: `Bearer ${token}` })
  assert.deepEqual(codesOf(late.body), ['INVALID_CROSS_REFERENCE_KEY'])
})

on('row.gone', async (org) => {
  const id = await contact(org)
  const never = `${id.slice(0, 11)}zzzz`
  const { body } = await org.ask('PATCH', COLLECTION, { records: recordsOf('Contact', { id: never, Title: 'x' }) })
  assert.deepEqual(codesOf(body), ['INVALID_CROSS_REFERENCE_KEY'])
})

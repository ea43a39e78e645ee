import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { BatchRefusedError, FatalError, UnansweredError } from '../../src/core/errors.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { type HubspotAccount, hubspotAccount } from '../support/hubspot-account.ts'
import { answeringHubspot, type HubspotInputs, writtenResult as traced } from '../support/hubspot-answering.ts'
import { answerJson, loopbackServer } from '../support/loopback-server.ts'
import { thrown } from '../support/thrown.ts'

let account: HubspotAccount
before(async () => {
  account = await hubspotAccount({
    plan: 'professional',
    oauth: { client_id: 'app', client_secret: 'hush', refresh_token: 'refresh' },
  })
})
after(() => account[Symbol.asyncDispose]())
beforeEach(() => account.reset())

const { signal } = new AbortController()
const FIELDS = [field('email'), field('firstname')]
const upsert = (...rows: readonly (readonly string[])[]) => changeBatch('upsert', FIELDS, rows)

for (const fault of ['reset', 'stall', 'cut', 'truncate', 'status-500', 'status-504', 'html-200', 'empty']) {
  test(`an upsert that met ${fault} may have landed, and leaves one record when it is sent again`, async () => {
    // Only where nothing more comes does the time matter.
    const options = fault === 'stall' ? { timeout: 2 } : {}
    await using destination = await account.open({ fields: FIELDS, options })
    await destination.check()
    await account.faults({ fault, when: 'after', times: 1 })
    const error = await thrown(destination.write(upsert(['a@x.co', 'Ann']), signal))
    assert.ok(error instanceof UnansweredError, String(error))
    assert.equal((await account.records('contacts')).length, 1, 'it did land')
    const [outcome] = await destination.write(upsert(['a@x.co', 'Ann']), signal)
    assert.deepEqual(outcome?.status === 'done' && outcome.created, false)
    assert.equal((await account.records('contacts')).length, 1)
  })
}

test('an insert that landed before its answer was lost exists when it is sent again', async () => {
  await using destination = await account.open({ fields: FIELDS })
  await destination.check()
  await account.faults({ fault: 'reset', when: 'after', times: 1 })
  const insert = changeBatch('insert', FIELDS, [['a@x.co', 'Ann']])
  assert.ok((await thrown(destination.write(insert, signal))) instanceof UnansweredError)
  assert.deepEqual(await destination.write(insert, signal), [{ status: 'exists' }])
})

test('a success without results, or without one of them, proves nothing', async () => {
  await using destination = await account.open({ fields: FIELDS })
  await destination.check()
  await account.faults({ fault: 'empty-results' })
  const error = await thrown(destination.write(upsert(['a@x.co', 'Ann'], ['b@x.co', 'Bob']), signal))
  assert.ok(error instanceof UnansweredError)
  assert.match(error.message, /2 of 2 records are not in the answer/)
})

test('results are matched by trace id: not by position, not by value, not by number', async () => {
  const rows = [
    ['a@x.co', 'Ann'],
    ['b@x.co', 'Bob'],
  ] as const
  const write = async (results: (inputs: HubspotInputs) => object) => {
    await using server = await answeringHubspot((inputs) => ({ body: results(inputs) }))
    await using destination = await account.open({ fields: FIELDS, options: { base_url: server.url } })
    return await destination.write(upsert(...rows), signal)
  }
  const swapped = await write(([a, b]) => ({ results: [traced(b, '2'), traced(a, '1')] }))
  assert.deepEqual(
    swapped.map((one) => one.status === 'done' && one.id),
    ['1', '2'],
  )
  for (const results of [
    ([a]: HubspotInputs) => ({
      results: [traced(a, '1'), { id: '2', properties: { email: 'b@x.co' } }],
    }),
    ([a]: HubspotInputs) => ({ results: [traced(a, '1'), traced(a, '2')] }),
    ([a]: HubspotInputs) => ({ results: [traced(a, '1'), { id: '2', objectWriteTraceId: 'x' }] }),
    ([a]: HubspotInputs) => ({ results: [traced(a, '1')], errors: [], numErrors: 1 }),
    () => ({ results: [{ id: '1' }, { id: '2' }] }),
    () => ({}),
  ]) {
    assert.ok((await thrown(write(results))) instanceof UnansweredError)
  }
})

test('records that are not named among the missing, and are there, may have been written or not', async () => {
  await using server = await answeringHubspot((_, path) => {
    const errors = [{ category: 'OBJECT_NOT_FOUND', message: 'some are not there', context: {} }]
    return { status: 207, body: path.endsWith('/read') ? { results: [{ id: '2' }] } : { results: [], errors } }
  })
  await using destination = await account.open({ fields: FIELDS, options: { base_url: server.url } })
  const batch = changeBatch('update', FIELDS, [
    ['a@x.co', 'Ann'],
    ['b@x.co', 'Bob'],
  ])
  const error = await thrown(destination.write({ ...batch, ids: ['1', '2'] }, signal))
  assert.ok(error instanceof UnansweredError)
  assert.match(error.message, /what became of 1 of 2 records/)
})

test('an archive is done when HubSpot says so, and not at any success', async () => {
  await using destination = await account.open({ fields: FIELDS })
  await destination.check()
  const ids = await account.put('contacts', [{ email: 'a@x.co' }])
  const batch = { ...changeBatch('delete', FIELDS.slice(0, 1), [['a@x.co']]), ids }
  for (const fault of ['empty', 'html-200']) {
    await account.faults({ fault, times: 1, match: { path: 'batch/archive' } })
    assert.ok((await thrown(destination.write(batch, signal))) instanceof UnansweredError, fault)
  }
  assert.deepEqual(await destination.write(batch, signal), [{ status: 'done' }])
  assert.deepEqual(await account.records('contacts'), [])
})

test('a row that HubSpot could not take for a moment is sent again by the engine', async () => {
  await using server = await answeringHubspot(([input]) => {
    const context = { objectWriteTraceId: [input?.['objectWriteTraceId']] }
    return { body: { results: [], errors: [{ category: 'INTERNAL_ERROR', message: 'try later', context }] } }
  })
  await using destination = await account.open({ fields: FIELDS, options: { base_url: server.url } })
  const [outcome] = await destination.write(upsert(['a@x.co', 'Ann']), signal)
  assert.deepEqual([outcome?.status, (outcome as { message?: string }).message], ['deferred', 'try later'])
})

test('a value is no fault of the mapping, whatever it says', async () => {
  const message = 'Property values were not valid: [{"message":"Non-unique Ltd. does not exist"}]'
  const errors = [{ code: 'INVALID_OPTION', message: 'Non-unique Ltd. was not one of the allowed options' }]
  await using server = await answeringHubspot(() => ({
    status: 400,
    body: { category: 'VALIDATION_ERROR', message, errors },
  }))
  await using destination = await account.open({ fields: FIELDS, options: { base_url: server.url } })
  const error = await thrown(destination.write(upsert(['a@x.co', 'Non-unique Ltd.']), signal))
  assert.ok(error instanceof BatchRefusedError)
  assert.deepEqual([error.code, error.message], ['INVALID_OPTION', errors[0]?.message])
})

test('a run in which every record is refused, batch after batch, comes to an end', async () => {
  let accepts = false
  await using server = await answeringHubspot((inputs) => {
    const results = inputs.map(({ objectWriteTraceId }) => ({ id: '1', objectWriteTraceId }))
    return accepts ? { body: { results } } : { status: 400, body: { message: 'nobody knows why' } }
  })
  await using destination = await account.open({ fields: FIELDS, options: { base_url: server.url } })
  const one = () => thrown(destination.write(upsert(['a@x.co', 'Ann']), signal))
  for (let n = 0; n < 99; n++) assert.ok((await one()) instanceof BatchRefusedError)
  accepts = true
  await destination.write(upsert(['a@x.co', 'Ann']), signal)
  accepts = false
  for (let n = 0; n < 99; n++) {
    assert.ok((await one()) instanceof BatchRefusedError)
    assert.ok(
      (await thrown(destination.write(upsert(['a@x.co', 'A'], ['b@x.co', 'B']), signal))) instanceof BatchRefusedError,
    )
  }
  const error = await one()
  assert.ok(error instanceof FatalError && error.code === 'all_refused')
  assert.match(error.message, /nobody knows why/)
})

test('a fault of the mapping, or a match that is not unique, is never halved', async () => {
  const refusals = [
    [
      { errors: [{ code: 'PROPERTY_DOESNT_EXIST', message: 'x', context: { propertyName: ['firstname'] } }] },
      'unknown_field',
    ],
    [
      { errors: [{ code: 'READ_ONLY_VALUE', message: 'x', context: { propertyName: ['firstname'] } }] },
      'read_only_field',
    ],
    [{ message: 'Unable to upsert by a non-unique contact property: firstname' }, 'match_not_unique'],
    [{ message: 'Unable to infer object type from: contacts' }, 'unknown_object'],
    [{ message: 'Invalid input JSON on line 1' }, 'hubspot_error'],
  ] as const
  for (const [body, code] of refusals) {
    await using server = await answeringHubspot(() => ({
      status: 400,
      body: { category: 'VALIDATION_ERROR', ...body },
    }))
    await using destination = await account.open({ fields: FIELDS, options: { base_url: server.url } })
    const error = await thrown(destination.write(upsert(['a@x.co', 'Ann'], ['b@x.co', 'Bob']), signal))
    assert.ok(error instanceof FatalError, String(error))
    assert.equal(error.code, code)
  }
})

test('a property that goes missing during a run stops it, though other rows of the batch landed', async () => {
  await using server = await answeringHubspot(([bad, ...good]) => ({
    status: 207,
    body: {
      results: good.map(({ objectWriteTraceId }) => ({ id: '1', objectWriteTraceId })),
      errors: [
        {
          category: 'VALIDATION_ERROR',
          errors: [{ code: 'PROPERTY_DOESNT_EXIST', message: 'x', context: { propertyName: ['firstname'] } }],
          context: { objectWriteTraceId: [bad?.['objectWriteTraceId']] },
        },
      ],
    },
  }))
  await using destination = await account.open({ fields: FIELDS, options: { base_url: server.url } })
  const error = await thrown(destination.write(upsert(['a@x.co', 'Ann'], ['b@x.co', 'Bob']), signal))
  assert.ok(error instanceof FatalError && error.code === 'unknown_field')
})

test('nothing is taken for deleted where the object itself is gone', async () => {
  for (const status of [404, 400]) {
    await using server = await loopbackServer((request, response) => {
      const properties = [{ name: 'email', type: 'string', fieldType: 'text' }]
      if (request.url?.includes('/properties/')) return answerJson(response, 200, { results: properties })
      const message = 'Unable to infer object type from: contacts'
      answerJson(response, request.method === 'GET' ? status : 404, { category: 'OBJECT_NOT_FOUND', message })
    })
    await using destination = await account.open({ fields: FIELDS.slice(0, 1), options: { base_url: server.url } })
    const error = await thrown(destination.write(changeBatch('delete', FIELDS.slice(0, 1), [['a@x.co']]), signal))
    assert.ok(error instanceof FatalError && error.code === 'unknown_object', String(error))
  }
})

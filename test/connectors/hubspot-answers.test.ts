import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Operation } from '../../src/core/change.ts'
import { BatchRefusedError, FatalError, UnansweredError } from '../../src/core/errors.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { type HubspotAccount, hubspotAccount } from '../support/hubspot-account.ts'
import {
  answeringHubspot,
  type HubspotAnswer,
  type HubspotInputs,
  writtenResult,
} from '../support/hubspot-answering.ts'
import { answerJson, loopbackServer } from '../support/loopback-server.ts'
import { thrown } from '../support/thrown.ts'

let account: HubspotAccount
before(async () => {
  account = await hubspotAccount({})
})
after(() => account[Symbol.asyncDispose]())

const { signal } = new AbortController()
const FIELDS = [field('email'), field('firstname')]
const ROWS = [
  ['a@x.co', 'Ann'],
  ['b@x.co', 'Bob'],
  ['c@x.co', 'Cat'],
] as const

interface Told {
  readonly outcomes: readonly Outcome[]
  /** `upsert 3`: the calls, and how many inputs each had. */
  readonly calls: readonly string[]
}

/** Writes rows to a HubSpot that answers so. */
async function write(
  operation: Operation,
  rows: readonly (readonly string[])[],
  answer: (inputs: HubspotInputs, call: string) => HubspotAnswer,
  ids?: readonly string[],
): Promise<Told> {
  const calls: string[] = []
  await using server = await answeringHubspot((inputs, path) => {
    const call = path.split('/').at(-1) ?? ''
    calls.push(`${call} ${inputs.length}`)
    return answer(inputs, call)
  })
  await using destination = await account.open({ fields: FIELDS, options: { base_url: server.url } })
  const batch = { ...changeBatch(operation, FIELDS, rows), ...(ids !== undefined && { ids }) }
  return { outcomes: await destination.write(batch, signal), calls }
}

const codes = (outcomes: readonly Outcome[]) =>
  outcomes.map((one) => (one.status === 'rejected' ? one.code : one.status))
const traceOf = (input: HubspotInputs[number] | undefined) => ({ objectWriteTraceId: [input?.['objectWriteTraceId']] })

test('an error that names nobody costs a call for each record that it may be about, and no other row', async () => {
  const error = { category: 'VALIDATION_ERROR', message: 'no Bob', context: {} }
  const isBob = (input: HubspotInputs[number]) => input['id'] === 'b@x.co'
  const { outcomes, calls } = await write('upsert', ROWS, (inputs) => ({
    status: 207,
    body: {
      results: inputs.filter((one) => !isBob(one) && one['id'] !== 'c@x.co').map((one) => writtenResult(one, '1')),
      errors: inputs.some(isBob) ? [error] : [],
      // What was not mentioned beside an error is written alone.
      ...(inputs.length === 1 && !inputs.some(isBob) && { results: inputs.map((one) => writtenResult(one, '3')) }),
    },
  }))
  assert.deepEqual(codes(outcomes), ['done', 'VALIDATION_ERROR', 'done'])
  assert.match(String(outcomes[1]?.status === 'rejected' && outcomes[1].message), /no Bob/)
  assert.deepEqual(calls, ['upsert 3', 'upsert 1', 'upsert 1'])
})

test('where every row is refused by an error that names nobody, the run comes to an end', async () => {
  const error = { category: 'VALIDATION_ERROR', message: 'nobody knows why', context: {} }
  let calls = 0
  await using server = await answeringHubspot(() => {
    calls++
    return { status: 207, body: { results: [], errors: [error] } }
  })
  await using destination = await account.open({ fields: FIELDS, options: { base_url: server.url } })
  const rows = Array.from({ length: 60 }, (_, n) => [`n${n}@x.co`, 'x'])
  const batch = changeBatch('upsert', FIELDS, rows)
  const outcomes = await destination.write(batch, signal)
  assert.ok(outcomes.every(({ status }) => status === 'rejected'))
  const failed = await thrown(destination.write(batch, signal))
  assert.ok(failed instanceof FatalError && failed.code === 'all_refused', String(failed))
  assert.match(failed.message, /nobody knows why/)
  assert.equal(calls, 2 + 100)
})

test('two answers to one record prove nothing, whichever comes first', async () => {
  const error = { category: 'VALIDATION_ERROR', message: 'x' }
  const answers: readonly ((inputs: HubspotInputs) => object)[] = [
    ([a]) => ({ results: [writtenResult(a, '1'), writtenResult(a, '2')] }),
    ([a]) => ({ results: [writtenResult(a, '1')], errors: [{ ...error, context: traceOf(a) }] }),
  ]
  for (const answer of answers) {
    const failed = await thrown(write('upsert', ROWS.slice(0, 1), (inputs) => ({ body: answer(inputs) })))
    assert.ok(failed instanceof UnansweredError)
    assert.match(failed.message, /two outcomes of one record$/)
  }
  const twice = await write('upsert', ROWS.slice(0, 1), ([a]) => ({
    status: 207,
    body: {
      results: [],
      errors: [
        { ...error, context: traceOf(a) },
        { ...error, context: traceOf(a) },
      ],
    },
  }))
  assert.deepEqual(codes(twice.outcomes), ['VALIDATION_ERROR'], 'two errors of one record are one refusal')
})

test('a row that is to be made and is not found all the same is rejected', async () => {
  const notFound = { category: 'OBJECT_NOT_FOUND', message: 'gone meanwhile' }
  for (const context of [traceOf, () => ({})]) {
    const { outcomes } = await write('upsert', ROWS.slice(0, 1), ([a]) => ({
      status: 207,
      body: { results: [], errors: [{ ...notFound, context: context(a) }] },
    }))
    assert.deepEqual(codes(outcomes), ['OBJECT_NOT_FOUND'])
  }
})

test('records are not taken for missing where HubSpot does not say so', async () => {
  const unnamed = { status: 207, body: { results: [], errors: [{ category: 'OBJECT_NOT_FOUND', context: {} }] } }
  const page = { status: 404, body: '<html><body>404 Not Found</body></html>' }
  for (const silence of [{ body: {} }, { body: { results: [] } }, page]) {
    const answer = (_: HubspotInputs, call: string) => (call === 'read' ? silence : unnamed)
    assert.ok((await thrown(write('update', ROWS.slice(0, 1), answer, ['1']))) instanceof UnansweredError)
    assert.ok((await thrown(write('update', ROWS.slice(0, 1), () => silence))) instanceof UnansweredError)
  }
  assert.ok((await thrown(write('update', ROWS.slice(0, 1), () => page, ['1']))) instanceof UnansweredError)
})

test('a 404 without names is asked about, and is no object that is gone', async () => {
  const body = { category: 'OBJECT_NOT_FOUND', message: 'Could not get some CONTACT objects', context: {} }
  const { outcomes, calls } = await write('update', ROWS.slice(0, 2), () => ({ status: 404, body }), ['1', '2'])
  assert.deepEqual(
    [codes(outcomes), calls],
    [
      ['not_found', 'not_found'],
      ['update 2', 'read 2'],
    ],
  )
})

test('a value that HubSpot writes in its own way is asked for alone', async () => {
  const kept: Readonly<Record<string, string>> = { 'a@x.co': 'a@x.co', 'b@müller.de': 'b@xn--mller-kva.de' }
  const rows = [
    ['a@x.co', 'Ann'],
    ['b@müller.de', 'Bob'],
  ]
  const answer = (inputs: HubspotInputs, call: string) => ({
    body: {
      results: inputs.map((input, at) =>
        call === 'read'
          ? { id: String(input['id']).slice(0, 1), properties: { email: kept[String(input['id'])] } }
          : writtenResult(input, `${at + 1}`),
      ),
    },
  })
  const { outcomes, calls } = await write('update', rows, answer)
  assert.deepEqual(
    [codes(outcomes), calls],
    [
      ['done', 'done'],
      ['read 2', 'read 1', 'update 2'],
    ],
  )
  const [deleted] = (await write('delete', rows.slice(1), answer)).outcomes
  assert.equal(deleted?.status === 'rejected' && deleted.code, 'secondary_address', 'whose own it is nobody knows')
})

test('what is wrong with values is read from the message where it is said nowhere else', async () => {
  const message = (code: string, name: string) =>
    `Property values were not valid: ${JSON.stringify([{ isValid: false, message: `about ${name}`, error: code, name }])}`
  const refused = (text: string) => ({ status: 400, body: { category: 'VALIDATION_ERROR', message: text } })
  const email = await thrown(write('upsert', ROWS, () => refused(message('INVALID_EMAIL', 'email'))))
  assert.ok(email instanceof BatchRefusedError, String(email))
  assert.deepEqual([email.code, email.message], ['INVALID_EMAIL', 'about email'])
  const gone = await thrown(write('upsert', ROWS, () => refused(message('PROPERTY_DOESNT_EXIST', 'firstname'))))
  assert.ok(gone instanceof FatalError && gone.code === 'unknown_field', String(gone))
  // Half of it is no JSON, and what is in it is the row's.
  const half = await thrown(write('upsert', ROWS, () => refused(message('INVALID', 'non-unique').slice(0, -3))))
  assert.ok(half instanceof BatchRefusedError, String(half))
  const { outcomes } = await write('upsert', ROWS.slice(0, 1), ([a]) => ({
    status: 207,
    body: { results: [], errors: [{ category: 'X', message: message('INVALID_DATE', 'born'), context: traceOf(a) }] },
  }))
  assert.deepEqual(codes(outcomes), ['INVALID_DATE'])
})

test('an object that is described without a list is described again, and not taken for one without properties', async () => {
  await using server = await loopbackServer((_, response) => answerJson(response, 200, {}))
  for (const name of ['contacts', 'cars']) {
    await using destination = await account.open({ name, fields: FIELDS, options: { base_url: server.url } })
    assert.ok((await thrown(destination.check())) instanceof UnansweredError)
  }
})

test('a page that refuses a request is quoted by its words', async () => {
  await using server = await loopbackServer((_, response) => {
    response.writeHead(403, { 'content-type': 'text/html' })
    response.end('<html><head><style>p { x: y }</style></head><body>\n<h1>Access\n denied</h1></body></html>')
  })
  await using destination = await account.open({ fields: FIELDS, options: { base_url: server.url } })
  const error = await thrown(destination.check())
  assert.ok(error instanceof FatalError && error.code === 'permission_denied', String(error))
  assert.match(error.message, /\(Access denied\)/)
})

test('a record id that is none is rejected before it is sent, and the other rows land', async () => {
  const fields = [field('hs_object_id'), field('firstname')]
  const sent: unknown[] = []
  await using server = await answeringHubspot((inputs) => {
    sent.push(...inputs.map(({ id }) => id))
    return { body: { results: inputs.map((input) => writtenResult(input, String(input['id']))) } }
  })
  await using destination = await account.open({ fields, mode: 'update-only', options: { base_url: server.url } })
  const rows = [
    ['n/a', 'x'],
    ['17', 'Ann'],
    ['017', 'x'],
    [' 17', 'x'],
    ['-1', 'x'],
    ['1.0', 'x'],
  ]
  const outcomes = await destination.write(changeBatch('update', fields, rows), signal)
  assert.deepEqual(codes(outcomes), ['invalid_value', 'done', ...new Array<string>(4).fill('invalid_value')])
  assert.deepEqual(sent, ['17'])
})

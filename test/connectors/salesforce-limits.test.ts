import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { after, before, beforeEach, test } from 'node:test'
import { usageOf } from '../../src/connectors/salesforce-session.ts'
import { FatalError, RetryableError, UnansweredError } from '../../src/core/errors.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { stallUploads } from '../support/crm-cli.ts'
import { virtualClock } from '../support/virtual-clock.ts'
import { startOrg, type TestOrg } from './salesforce-org.ts'
import { beginThing, keys, THING, thingFields } from './salesforce-sync.ts'

/** Tokens, the day's allowance, and what is wrong with the whole sync. */
const pair = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const CLIENTS = [
  { id: 'simulator', secret: 'simulator-secret' },
  { id: 'signer', public_key: pair.publicKey },
  { id: 'narrow', secret: 'narrow-secret', scopes: ['refresh_token'] },
]

let org: TestOrg
before(async () => {
  org = await startOrg({ objects: [THING], clients: CLIENTS, daily_limit: 1_000 })
})
after(() => org[Symbol.asyncDispose]())
beforeEach(() => org.reset())

const NO_CLIENT = { client_id: undefined, client_secret: undefined }

function fatal(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof FatalError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  }
}

test('each flow gets a token, and renews it when it ends', async () => {
  const flows = {
    'client credentials': {},
    'JWT bearer': {
      ...NO_CLIENT,
      client_id: 'signer',
      username: 'integration@example.com',
      private_key: pair.privateKey,
    },
    'JWT bearer, with a key on one line': {
      ...NO_CLIENT,
      client_id: 'signer',
      username: 'integration@example.com',
      private_key: pair.privateKey.replaceAll('\n', '\\n'),
    },
    'refresh token': { client_secret: undefined, refresh_token: 'simulator-refresh-token' },
  }
  for (const [name, options] of Object.entries(flows)) {
    await using thing = await beginThing(org, { options })
    await org.pass(3 * 3_600_000)
    const outcomes = await thing.write('upsert', keys(1))
    assert.equal(outcomes[0]?.status, 'done', name)
  }
})

test('a token that is given is used until it is refused, and then there is no other', async () => {
  const reply = await fetch(`${org.url}/services/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      ...{ client_id: 'simulator', client_secret: 'simulator-secret' },
    }),
  })
  const { access_token } = (await reply.json()) as { access_token: string }
  await using thing = await beginThing(org, { options: { ...NO_CLIENT, access_token } })
  assert.equal((await thing.write('upsert', keys(1)))[0]?.status, 'done')
  await org.pass(3 * 3_600_000)
  const before = (await org.requests()).length
  await assert.rejects(
    thing.write('upsert', keys(1)),
    fatal('authentication_failed', /INVALID_SESSION_ID.*authorize the app again$/),
  )
  assert.equal((await org.requests()).length, before + 1)
})

test('credentials that are wrong, or that give no access, end the check', async () => {
  const wrong = { client_secret: 'wrong' }
  await assert.rejects(beginThing(org, { options: wrong }), fatal('token_refused', /invalid_client/))
  const narrow = { client_id: 'narrow', client_secret: 'narrow-secret' }
  await assert.rejects(beginThing(org, { options: narrow }), fatal('authentication_failed', /correct the credentials/))
  const foreign = { ...NO_CLIENT, client_id: 'signer', username: 'somebody@example.com', private_key: pair.privateKey }
  await assert.rejects(beginThing(org, { options: foreign }), fatal('token_refused', /hasn't approved/))
})

test('no new work begins when the share of the day is used up, and what runs is brought to its end', async () => {
  await using thing = await beginThing(org, { options: { api_budget: 0.5 } })
  assert.equal((await thing.write('upsert', keys(1)))[0]?.status, 'done')
  await org.spend(600)
  // Nothing has told the destination yet: this job begins, and its end is waited for.
  const outcomes = await thing.write('upsert', keys(2_001, 10))
  assert.ok(outcomes.every(({ status }) => status === 'done'))
  await assert.rejects(
    thing.write('upsert', keys(1)),
    fatal('daily_limit', /^\d+ of the 1000 API calls.*api_budget is 0\.5/),
  )
  await assert.rejects(thing.write('upsert', keys(2_001)), fatal('daily_limit', /run again later/))
})

test('a day that is used up by others ends the run', async () => {
  await using thing = await beginThing(org)
  await org.spend(2_000)
  await assert.rejects(thing.write('upsert', keys(1)), fatal('daily_limit', /TotalRequests Limit exceeded/))
})

test('usage is read from its header, whatever else stands there', () => {
  assert.deepEqual(usageOf({ 'sforce-limit-info': 'api-usage=18/5000' }), { used: 18, most: 5_000 })
  const two = 'api-usage=25/5000; per-app-api-usage=17/250(appName=sample-app)'
  assert.deepEqual(usageOf({ 'sforce-limit-info': two }), { used: 25, most: 5_000 })
  assert.equal(usageOf({ 'sforce-limit-info': 'per-app-api-usage=17/250' }), undefined)
  assert.equal(usageOf({}), undefined)
})

test('an org that does not let the app in, or is full, ends the run with what to do', async () => {
  for (const [fault, code, message] of [
    ['api-disabled', 'salesforce_refused', /API_DISABLED_FOR_ORG.*grant this user "API Enabled"/],
    ['storage-full', 'salesforce_refused', /STORAGE_LIMIT_EXCEEDED.*free storage/],
    ['status-403', 'daily_limit', /REQUEST|API calls/],
  ] as const) {
    await using thing = await beginThing(org)
    await org.faults({ rules: [{ fault, match: { path: 'composite' } }] })
    await assert.rejects(thing.write('upsert', keys(1)), fatal(code, message))
    await org.faults({ rules: [] })
  }
})

test('what passes is the engine\u2019s to send again: 5xx, a reset, half an answer, none', async () => {
  await using thing = await beginThing(org)
  for (const fault of ['status-503', 'status-429', 'reset', 'truncate', 'cut', 'html', 'html-200', 'empty']) {
    await org.faults({ rules: [{ fault, when: 'after', match: { path: 'composite' }, times: 1 }] })
    await assert.rejects(thing.write('upsert', keys(2)), (error) => error instanceof RetryableError, fault)
    const outcomes = await thing.write('upsert', keys(2))
    assert.ok(
      outcomes.every(({ status }) => status === 'done'),
      fault,
    )
  }
  assert.equal((await org.records('Thing__c')).length, 2)
})

test('a call that nobody answers is given up after the time-out, and may be sent again', {
  timeout: 20_000,
}, async () => {
  await using thing = await beginThing(org, { options: { timeout: 0.3 } })
  for (const [when, written] of [
    ['before', 0],
    ['after', 2],
  ] as const) {
    await org.faults({ rules: [{ fault: 'hang', when, match: { path: 'composite' }, times: 1 }] })
    const unanswered = (error: unknown) =>
      error instanceof UnansweredError && /PATCH .* was sent and not answered/.test(error.message)
    await assert.rejects(thing.write('upsert', keys(2)), unanswered, when)
    assert.equal((await org.records('Thing__c')).length, written, when)
    assert.ok((await thing.write('upsert', keys(2))).every(({ status }) => status === 'done'))
    await org.reset()
  }
})

test('a look that hangs, and a result file that stops in the middle, are asked for again', {
  timeout: 20_000,
}, async () => {
  const options = { timeout: 0.3, load: 'bulk' }
  await using thing = await beginThing(org, { options, context: { clock: virtualClock() } })
  const hang = (fault: string, path: string) => ({
    fault,
    when: 'after' as const,
    match: { method: 'GET', path },
    times: 1,
  })
  const rules = [hang('stall', 'successfulResults'), hang('hang', 'failedResults'), hang('hang', 'jobs/ingest/')]
  await org.faults({ rules })
  const outcomes = await thing.write('upsert', keys(50))
  assert.ok(outcomes.every(({ status }) => status === 'done'))
  const calls = (await org.requests()).map(({ call }) => call)
  assert.equal(calls.filter((call) => call === 'POST jobs/ingest').length, 1)
  assert.equal(calls.filter((call) => call.endsWith('successfulResults')).length, 2)
  assert.equal(calls.filter((call) => call.endsWith('failedResults')).length, 2)
})

test('an upload that stops in the middle is given up with its job', { timeout: 20_000 }, async () => {
  await using way = await stallUploads(org.url, 2_000)
  const options = { timeout: 0.5, load: 'bulk', base_url: way.url }
  await using thing = await beginThing(org, { options })
  await assert.rejects(thing.write('upsert', keys(500)), (error) => error instanceof UnansweredError)
  assert.equal(thing.context.notes.all().size, 0, 'the job is aborted')
  assert.ok((await thing.write('upsert', keys(500))).every(({ status }) => status === 'done'))
  assert.equal((await org.writes()).length, 500)
})

test('an object that was deleted ends the run, before it or in it', async () => {
  await using thing = await beginThing(org)
  await org.faults({ rules: [{ fault: 'status-404', match: { path: 'composite' } }] })
  await assert.rejects(
    thing.write('upsert', keys(3)),
    fatal('salesforce_refused', /nothing to write to any more \(NOT_FOUND/),
  )
  await using gone = await startOrg({ objects: [{ ...THING, removed: true }] })
  await assert.rejects(beginThing(gone), fatal('unknown_object', /no object "Thing__c"/))
})

test('a call that is malformed for one row of it is halved until that row is alone', async () => {
  await using thing = await beginThing(org)
  await org.faults({ rules: [{ fault: 'status-400', match: { path: 'composite' }, times: 3 }] })
  // 4, 2, 1: the first three calls are refused whole, the others are taken.
  const outcomes = await thing.write('upsert', keys(4))
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'done', 'done', 'done'],
  )
})

test('what is gathered ends with its signal, and with the destination', async () => {
  const thing = await beginThing(org)
  const controller = new AbortController()
  const writing = thing.destination.write(changeBatch('upsert', thingFields(), keys(1)), controller.signal)
  controller.abort(new Error('cancelled'))
  await assert.rejects(writing, /cancelled/)
  const left = thing.destination.write(changeBatch('upsert', thingFields(), keys(1)), new AbortController().signal)
  const ended = assert.rejects(left, /closed/)
  await thing[Symbol.asyncDispose]()
  await ended
  assert.equal((await org.records('Thing__c')).length, 0)
})

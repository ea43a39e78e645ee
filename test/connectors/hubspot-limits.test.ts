import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { FatalError, RetryableError, UnansweredError } from '../../src/core/errors.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { type HubspotAccount, hubspotAccount } from '../support/hubspot-account.ts'
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
const OAUTH = { token: undefined, oauth: { client_id: 'app', client_secret: 'hush', refresh_token: 'refresh' } }

test('a rolling limit holds the whole gate for its window', async () => {
  await using destination = await account.open({ fields: FIELDS })
  await destination.check()
  for (const fault of ['rate-limit-rolling', 'rate-limit-message']) {
    await account.faults({ fault, times: 1 })
    const error = await thrown(destination.write(upsert(['a@x.co', 'Ann']), signal))
    assert.ok(error instanceof RetryableError && !(error instanceof UnansweredError))
    assert.equal(error.retryAfterMs, 10_000)
    assert.equal(destination.context.seen.at(-1)?.blockedMs, 10_000)
  }
})

test('the daily limit stops the run and says when to go on', async () => {
  await using destination = await account.open({ fields: FIELDS })
  await destination.check()
  await account.door('/__limits', { window: 'daily', requests: 650_000 })
  const error = await thrown(destination.write(upsert(['a@x.co', 'Ann']), signal))
  assert.ok(error instanceof FatalError)
  assert.deepEqual([error.code, error.kind], ['daily_limit', 'failed'])
  assert.match(error.message, /run again after midnight/)
})

test('a limit is the daily one by its policy, its message or what is left of the day', async () => {
  const cases = [
    [{ policyName: 'DAILY', message: 'x' }, {}, 'FatalError'],
    [{ message: 'You have reached your daily limit.' }, {}, 'FatalError'],
    [
      { message: 'You have reached your secondly limit.' },
      { 'x-hubspot-ratelimit-daily-remaining': '0' },
      'FatalError',
    ],
    [{ policyName: 'SECONDLY', message: 'x' }, { 'x-hubspot-ratelimit-daily-remaining': '0' }, 'RetryableError'],
    [{ message: 'x' }, { 'x-hubspot-ratelimit-daily-remaining': '7', 'retry-after': '3' }, 'RetryableError'],
  ] as const
  for (const [body, headers, name] of cases) {
    await using server = await loopbackServer((_, response) =>
      answerJson(response, 429, { status: 'error', ...body }, headers),
    )
    await using destination = await account.open({ fields: FIELDS, options: { base_url: server.url } })
    const error = await thrown(destination.check())
    assert.equal(error.name, name, JSON.stringify(body))
    if (error instanceof RetryableError) {
      const wait = 'retry-after' in headers ? 3_000 : 10_000
      assert.deepEqual([error.retryAfterMs, destination.context.seen.at(-1)?.blockedMs], [wait, wait])
    }
  }
})

test('headers that cannot be true are no limits', async () => {
  const told = async (headers: object, status = 200) => {
    await using server = await loopbackServer((_, response) => answerJson(response, status, { results: [] }, headers))
    await using destination = await account.open({ fields: FIELDS, options: { base_url: server.url } })
    const error = await thrown(destination.check())
    return { error, seen: destination.context.seen.at(-1) }
  }
  const [max, interval] = ['x-hubspot-ratelimit-max', 'x-hubspot-ratelimit-interval-milliseconds']
  for (const lie of ['0', '-1', '1.5', 'Infinity', '1e999', 'many', '']) {
    assert.equal((await told({ [max]: lie, [interval]: '10000' })).seen, undefined, lie)
  }
  for (const lie of ['0', '1', '1e15', 'Infinity', 'long']) {
    const { seen } = await told({ [max]: '7', [interval]: lie })
    assert.deepEqual(seen?.rates, [{ requests: 7, perMs: 10_000 }], lie)
  }
  for (const lie of ['0', 'Mon, 01 Jan 2024 00:00:00 GMT']) {
    const { error, seen } = await told({ 'retry-after': lie, [interval]: '1e15' }, 429)
    assert.ok(error instanceof RetryableError, lie)
    assert.deepEqual([error.retryAfterMs, seen?.blockedMs], [10_000, 10_000], lie)
  }
})

test('the gate hears what the account allows, unless the user allows less', async () => {
  for (const [options, expected] of [
    [{}, [{ requests: 190, perMs: 10_000 }]],
    [{ rate: '500/10s' }, [{ requests: 190, perMs: 10_000 }]],
    [{ rate: '5/s' }, undefined],
  ] as const) {
    await using destination = await account.open({ fields: FIELDS, options })
    await destination.check()
    assert.deepEqual(destination.context.seen.at(-1)?.rates, expected, JSON.stringify(options))
  }
})

test('a short move to another data centre is waited for', async () => {
  await using moving = await hubspotAccount({ moving_seconds: 30 })
  await using destination = await moving.open({ fields: FIELDS })
  await destination.check()
  await moving.faults({ fault: 'status-477' })
  const error = await thrown(destination.write(upsert(['a@x.co', 'Ann']), signal))
  assert.ok(error instanceof RetryableError)
  assert.equal(error.retryAfterMs, 30_000)
})

test('an access token that has run out is renewed, and the batch is sent with the new one', async () => {
  await using destination = await account.open({ fields: FIELDS, options: OAUTH })
  await destination.check()
  // The clock of the account runs ahead of ours: the token is refused before we know that it has run out.
  await account.door('/__clock', { ms: 3_600_000 })
  const [outcome] = await destination.write(upsert(['a@x.co', 'Ann']), signal)
  assert.equal(outcome?.status, 'done')
  const calls = await account.calls()
  assert.equal(calls.filter((call) => call.includes('oauth')).length, 2)
  assert.deepEqual(
    calls.slice(-3).map((call) => call.split(' ').at(-1)),
    ['401', '200', '200'],
  )
})

test('a refresh token that was revoked ends the run with what to do', async () => {
  await account.door('/__tokens', { token: 'refresh', revoked: true })
  await using destination = await account.open({ fields: FIELDS, options: OAUTH })
  const error = await thrown(destination.check())
  assert.ok(error instanceof FatalError)
  assert.equal(error.code, 'token_refused')
  assert.match(error.message, /BAD_REFRESH_TOKEN.*authorize the app again$/)
  assert.doesNotMatch(error.message, /hush/)
})

test('a token that is revoked in the middle of a run, and a scope that is taken away, stop it', async () => {
  await using destination = await account.open({ fields: FIELDS })
  await destination.check()
  await account.door('/__tokens', { token: 'token', scopes: ['crm.objects.contacts.read'] })
  const scope = await thrown(destination.write(upsert(['a@x.co', 'Ann']), signal))
  assert.ok(scope instanceof FatalError && scope.code === 'permission_denied')
  assert.match(scope.message, /give the app the scope crm\.objects\.contacts\.write/)
  await account.door('/__tokens', { token: 'token', revoked: true })
  const revoked = await thrown(destination.write(upsert(['a@x.co', 'Ann']), signal))
  assert.ok(revoked instanceof FatalError && revoked.code === 'authentication_failed')
  assert.deepEqual(await account.records('contacts'), [])
})

test('a write and a list end when their signal aborts, also while the object is still described', {
  timeout: 10_000,
}, async () => {
  await using server = await loopbackServer(() => {})
  const stop = new Error('stop')
  for (const ask of ['write', 'list'] as const) {
    await using destination = await account.open({ fields: FIELDS, options: { base_url: server.url } })
    const abort = new AbortController()
    const rows = destination.list?.(abort.signal).rows[Symbol.asyncIterator]()
    const asked = ask === 'write' ? destination.write(upsert(['a@x.co', 'Ann']), abort.signal) : rows?.next()
    abort.abort(stop)
    assert.equal(await thrown(asked as Promise<unknown>), stop)
  }
})

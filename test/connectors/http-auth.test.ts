import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HttpSimulatorAuth } from '../../src/simulators/http-simulator-options.ts'
import { fatal, openHttp, statuses } from '../support/http-connection.ts'
import { httpSimulator } from '../support/http-simulator.ts'
import { virtualClock } from '../support/virtual-clock.ts'

const people = { upsert: { method: 'PUT', path: '/v1/people/{id}', query: { v: 2 }, body: '$record' } }
const rows = [{ id: '1', name: 'Zoë' }]

async function both(auth: HttpSimulatorAuth, right: object, wrong: object): Promise<void> {
  const simulator = await httpSimulator({ auth })
  const options = (given: object) => ({
    base_url: simulator.url,
    auth: given,
    objects: { people },
    check: '/me',
  })
  await using http = await openHttp(options(right))
  await http.destination.check()
  assert.deepEqual(statuses(await http.write('upsert', rows)), ['done'])
  await using other = await openHttp(options(wrong))
  await assert.rejects(other.destination.check(), fatal('authentication_failed', /correct the credentials/))
  await assert.rejects(other.write('upsert', rows), fatal('authentication_failed'))
}

test('signs in with a bearer token', () =>
  both({ type: 'bearer', token: 'abcd' }, { type: 'bearer', token: 'abcd' }, { type: 'bearer', token: 'wxyz' }))

test('signs in with a name and a password, in UTF-8', () =>
  both(
    { type: 'basic', username: 'zoë', password: 'pä:ss' },
    { type: 'basic', username: 'zoë', password: 'pä:ss' },
    { type: 'basic', username: 'zoë' },
  ))

test('signs in with a key in a header of any name', async () => {
  await both({ type: 'api_key', token: 'abcd' }, { type: 'api_key', token: 'abcd' }, { type: 'api_key', token: 'wxyz' })
  await both(
    { type: 'api_key', token: 'Key abcd', header: 'x-mine' },
    { type: 'api_key', token: 'abcd', header: 'X-Mine', prefix: 'Key ' },
    { type: 'api_key', token: 'abcd', header: 'X-Mine' },
  )
})

test('signs in with a key in the query, which no error shows', async () => {
  await both(
    { type: 'api_key', token: 'ab&c', query: 'key' },
    { type: 'api_key', token: 'ab&c', query: 'key' },
    { type: 'api_key', token: 'other', query: 'key' },
  )
  const simulator = await httpSimulator({ auth: { type: 'api_key', token: 'secret-key', query: 'key' } })
  await simulator.door('faults', { rules: [{ fault: 'status-500' }] })
  const auth = { type: 'api_key', token: 'secret-key', query: 'key' }
  await using http = await openHttp({ base_url: simulator.url, auth, objects: { people } })
  await assert.rejects(http.write('upsert', rows), (thrown: unknown) => !String(thrown).includes('secret-key'))
})

test('signs time, method, path and body of each request', () =>
  both(
    { type: 'hmac', secret: 'shared secret' },
    { type: 'hmac', secret: 'shared secret' },
    { type: 'hmac', secret: 'no' },
  ))

test('signs what it is told to, in the form it is told', async () => {
  const { httpSender } = await import('../../src/connectors/http-sender.ts')
  const { createHmac } = await import('node:crypto')
  const sent: Record<string, string>[] = []
  const client = {
    request: async ({ headers = {} }: { headers?: Record<string, string> }) => {
      sent.push(headers)
      return { status: 200, headers: {}, text: '', what: '' }
    },
  }
  const clock = virtualClock()
  const auth = {
    type: 'hmac' as const,
    secret: 'shh',
    header: 'X-Sig',
    prefix: 'sha256=',
    timestamp_header: 'X-When',
    timestamp: 'milliseconds' as const,
    sign: ['body' as const, 'timestamp' as const],
    separator: '.',
    encoding: 'base64' as const,
  }
  const sender = httpSender(client as never, { auth }, clock)
  await sender.send({ method: 'POST', url: 'https://x.test/p?q=1', body: '{"a":1}' }, new AbortController().signal)
  const when = String(Math.floor(clock.now()))
  const wanted = createHmac('sha256', 'shh').update(`{"a":1}.${when}`).digest('base64')
  assert.deepEqual(sent, [{ 'x-sig': `sha256=${wanted}`, 'x-when': when }])
})

test('gets tokens with client credentials, and another when one has run out', async () => {
  const simulator = await httpSimulator({
    auth: { type: 'oauth', client_id: 'me', client_secret: 'secret', expires_in: 60 },
  })
  const auth = {
    type: 'oauth_client_credentials',
    token_url: `${simulator.url}/oauth/token`,
    client_id: 'me',
    client_secret: 'secret',
  }
  await using http = await openHttp({ base_url: simulator.url, auth, objects: { people } })
  await http.destination.check()
  await http.write('upsert', rows)
  // The service forgets the token; the client's clock has not moved.
  await simulator.door('clock', { ms: 61_000 })
  assert.deepEqual(statuses(await http.write('upsert', rows)), ['done'])
  const paths = (await simulator.requests()).map(({ path, status }) => `${path} ${status}`)
  assert.deepEqual(
    paths,
    [
      '/oauth/token 200',
      '/v1/people/1?v=2 200',
      '/v1/people/1?v=2 401',
      '/oauth/token 200',
      '/v1/people/1?v=2 200',
    ].map((line, at) => (at === 1 ? line.replace('200', '201') : line)),
  )
  const wrong = { ...auth, client_secret: 'guess' }
  await using other = await openHttp({ base_url: simulator.url, auth: wrong, objects: { people } })
  await assert.rejects(other.destination.check(), fatal('token_refused', /no such client/))
})

test('says in a header which client it is, where the service wants it there', async () => {
  const client = { client_id: 'me', client_secret: 'a b:ü+' }
  for (const type of ['oauth_client_credentials', 'oauth_refresh']) {
    const refresh = type === 'oauth_refresh' ? { refresh_token: 'first' } : {}
    const simulator = await httpSimulator({ auth: { type: 'oauth', ...client, ...refresh, client_auth: 'basic' } })
    const auth = { type, token_url: `${simulator.url}/oauth/token`, ...client, ...refresh }
    await using http = await openHttp({
      base_url: simulator.url,
      auth: { ...auth, client_auth: 'basic' },
      objects: { people },
    })
    assert.deepEqual(statuses(await http.write('upsert', rows)), ['done'])
    await using other = await openHttp({ base_url: simulator.url, auth, objects: { people } })
    await assert.rejects(other.destination.check(), fatal('token_refused'))
  }
})

test('refreshes tokens, and goes on with the refresh token that came last', async () => {
  const simulator = await httpSimulator({
    auth: { type: 'oauth', client_id: 'me', client_secret: 'secret', refresh_token: 'first' },
  })
  const auth = {
    type: 'oauth_refresh',
    token_url: `${simulator.url}/oauth/token`,
    client_id: 'me',
    client_secret: 'secret',
    refresh_token: 'first',
  }
  await using http = await openHttp({ base_url: simulator.url, auth, objects: { people } })
  await http.write('upsert', rows)
  await simulator.door('clock', { ms: 4_000_000 })
  assert.deepEqual(statuses(await http.write('upsert', rows)), ['done'])
})

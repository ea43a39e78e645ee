import assert from 'node:assert/strict'
import { generateKeyPairSync, verify } from 'node:crypto'
import { test } from 'node:test'
import { openWebClient, type WebClient } from '../../src/connectors/web-client.ts'
import {
  authorized,
  basicAuth,
  clientCredentialsGrant,
  jwtBearerGrant,
  refreshGrant,
  renewedTokens,
  staticToken,
  type TokenGrant,
} from '../../src/connectors/web-tokens.ts'
import { RetryableError, UnansweredError } from '../../src/core/errors.ts'
import { testContext } from '../../src/testing/test-context.ts'
import { answerJson, bodyText, loopbackServer } from '../support/loopback-server.ts'
import { virtualClock } from '../support/virtual-clock.ts'

const { signal } = new AbortController()
const GRANT = refreshGrant({ clientId: 'app', clientSecret: 'hush', refreshToken: 'r0' })

/** Gives tokens t1, t2, … to `/token`, and takes those of `good` elsewhere. */
async function tokenWorld(answer: (n: number) => object = (n) => ({ access_token: `t${n}`, expires_in: 1800 })) {
  const forms: Record<string, string>[] = []
  const headers: (string | undefined)[] = []
  const used: (string | undefined)[] = []
  const good = new Set<string>()
  const server = await loopbackServer(async (request, response) => {
    if (request.url !== '/token') {
      used.push(request.headers.authorization)
      return answerJson(response, good.has(request.headers.authorization ?? '') ? 200 : 401, {})
    }
    forms.push(Object.fromEntries(new URLSearchParams(await bodyText(request))))
    headers.push(request.headers.authorization)
    const said = answer(forms.length)
    answerJson(response, 'status' in said && typeof said.status === 'number' ? said.status : 200, said)
  })
  const client = await openWebClient({ baseUrl: server.url, gate: testContext().gate })
  const clock = virtualClock()
  return {
    forms,
    headers,
    used,
    good,
    client,
    clock,
    tokens: (grant: TokenGrant = GRANT, more: object = {}) =>
      renewedTokens({ client, url: '/token', grant, clock, ...more }),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

const ask = (client: WebClient, tokens: Parameters<typeof authorized>[1]) =>
  authorized(client, tokens, { method: 'GET', url: '/people', signal })

test('a refresh token gives access tokens, each used until shortly before it runs out', async () => {
  await using world = await tokenWorld()
  const tokens = world.tokens()
  assert.equal(await tokens.get(signal), 't1')
  await world.clock.sleep(1_739_000)
  assert.equal(await tokens.get(signal), 't1')
  await world.clock.sleep(1_000)
  assert.equal(await tokens.get(signal), 't2')
  assert.deepEqual(world.forms[0], {
    grant_type: 'refresh_token',
    client_id: 'app',
    client_secret: 'hush',
    refresh_token: 'r0',
  })
})

test('a refresh token that the server replaces is used the next time', async () => {
  await using world = await tokenWorld((n) => ({ access_token: `t${n}`, refresh_token: `r${n}` }))
  const tokens = world.tokens()
  const first = await tokens.get(signal)
  assert.equal(tokens.refused(first), true)
  await tokens.get(signal)
  assert.deepEqual(
    world.forms.map((form) => form['refresh_token']),
    ['r0', 'r1'],
  )
})

test('client credentials go in the form or as basic authentication, with what else is asked for', async () => {
  await using world = await tokenWorld()
  const grant = clientCredentialsGrant({ clientId: 'app', clientSecret: 'hush' }, { scope: 'a b' })
  await world.tokens(grant).get(signal)
  assert.deepEqual(world.forms[0], {
    grant_type: 'client_credentials',
    client_id: 'app',
    client_secret: 'hush',
    scope: 'a b',
  })
  await world.tokens(() => ({ grant_type: 'client_credentials' }), { basic: { id: 'app', secret: 'hush' } }).get(signal)
  assert.deepEqual([world.forms[1], world.headers[1]], [{ grant_type: 'client_credentials' }, 'Basic YXBwOmh1c2g='])
  assert.equal(basicAuth({ id: 'app', secret: 'hush' }), 'Basic YXBwOmh1c2g=')
})

test('a claim is signed with the private key, and is new each time', async () => {
  await using world = await tokenWorld((n) => ({ access_token: `t${n}`, instance_url: 'https://acme.example' }))
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = String(privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const claim = { issuer: 'app', subject: 'me@acme.example', audience: 'https://login.example', privateKey: pem }
  const tokens = world.tokens(jwtBearerGrant({ ...claim, clock: world.clock }))
  const first = await tokens.get(signal)
  assert.equal(tokens.details['instance_url'], 'https://acme.example')
  tokens.refused(first)
  await world.clock.sleep(5_000)
  await tokens.get(signal)
  const now = Math.floor(world.clock.now() / 1000)
  for (const [at, form] of world.forms.entries()) {
    assert.equal(form['grant_type'], 'urn:ietf:params:oauth:grant-type:jwt-bearer')
    const [head = '', payload = '', signature = ''] = (form['assertion'] ?? '').split('.')
    assert.ok(verify('RSA-SHA256', Buffer.from(`${head}.${payload}`), publicKey, Buffer.from(signature, 'base64url')))
    const iat = now - (at === 0 ? 5 : 0)
    assert.deepEqual(JSON.parse(Buffer.from(payload, 'base64url').toString()), {
      iss: 'app',
      sub: 'me@acme.example',
      aud: 'https://login.example',
      iat,
      exp: iat + 180,
    })
  }
})

test('a private key that is none is refused, and so is one for other signatures', () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const claim = { issuer: 'a', subject: 'b', audience: 'c', clock: virtualClock() }
  for (const pem of ['canary', String(privateKey.export({ type: 'pkcs8', format: 'pem' }))]) {
    assert.throws(
      () => jwtBearerGrant({ ...claim, privateKey: pem }),
      (error: Error & { code?: string }) => {
        assert.equal(error.code, 'private_key_unreadable')
        assert.doesNotMatch(error.message, /canary|BEGIN/)
        return true
      },
    )
  }
})

test('requests that overlap wait for one renewal', async () => {
  await using world = await tokenWorld()
  const tokens = world.tokens()
  assert.deepEqual(new Set(await Promise.all(Array.from({ length: 10 }, () => tokens.get(signal)))), new Set(['t1']))
  assert.equal(world.forms.length, 1)
})

test('a renewal that one caller cancels is begun again by the others', async () => {
  await using world = await tokenWorld()
  const tokens = world.tokens()
  const abort = new AbortController()
  const first = tokens.get(abort.signal)
  const second = tokens.get(signal)
  abort.abort(new Error('stop'))
  await assert.rejects(first, /^Error: stop$/)
  assert.match(await second, /^t\d$/)
})

test('a 401 renews the token once and sends the request again; a second one is the answer', async () => {
  await using world = await tokenWorld()
  const tokens = world.tokens()
  world.good.add('Bearer t2')
  assert.equal((await ask(world.client, tokens)).status, 200)
  assert.deepEqual(world.used, ['Bearer t1', 'Bearer t2'])
  world.good.clear()
  assert.equal((await ask(world.client, tokens)).status, 401)
  assert.deepEqual(world.used.slice(2), ['Bearer t2', 'Bearer t3'])
})

test('requests whose old token is refused together renew it once', async () => {
  await using world = await tokenWorld()
  const tokens = world.tokens()
  await tokens.get(signal)
  world.good.add('Bearer t2')
  const replies = await Promise.all(Array.from({ length: 5 }, () => ask(world.client, tokens)))
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]))
  assert.equal(world.forms.length, 2)
})

test('a token that cannot be renewed is sent once', async () => {
  await using world = await tokenWorld()
  assert.equal((await ask(world.client, staticToken('fixed'))).status, 401)
  assert.deepEqual(world.used, ['Bearer fixed'])
})

test('credentials that are refused are an error of the configuration, without a secret in it', async () => {
  const refusals = [
    { status: 400, error: 'invalid_grant', error_description: 'expired access/refresh token' },
    { status: 401, error: 'invalid_client' },
    { status: 403 },
  ]
  for (const refusal of refusals) {
    await using world = await tokenWorld(() => refusal)
    await assert.rejects(world.tokens().get(signal), (error: Error & { code?: string; kind?: string }) => {
      assert.deepEqual([error.code, error.kind], ['token_refused', 'configuration'])
      assert.match(error.message, new RegExp(refusal.error ?? 'status 403'))
      assert.doesNotMatch(error.message, /hush|r0/)
      return true
    })
  }
})

test('an endpoint that is down or answers no token is asked again by the engine', async () => {
  for (const answer of [{ status: 503 }, { status: 429 }, { hello: 'world' }, { access_token: '' }]) {
    await using world = await tokenWorld(() => answer)
    // What was to be sent with the token was not sent.
    await assert.rejects(world.tokens().get(signal), (error) => {
      return error instanceof RetryableError && !(error instanceof UnansweredError)
    })
  }
})

test('an answer that cannot be read is not quoted: there may be a token in it', async () => {
  await using server = await loopbackServer((_, response) => response.end('access_token=canary&token_type=bearer'))
  await using client = await openWebClient({ baseUrl: server.url, gate: testContext().gate })
  const tokens = renewedTokens({ client, url: '/token', grant: GRANT, clock: virtualClock() })
  await assert.rejects(tokens.get(signal), (error: Error) => {
    assert.ok(error instanceof RetryableError, String(error))
    assert.match(error.message, /\/token was answered with status 200 and no token that can be read$/)
    return true
  })
})

test('a token that runs out at once is used once, and not asked for without end', async () => {
  const clock = virtualClock()
  await using world = await tokenWorld((n) => {
    // Longer on its way than it is good for.
    void clock.sleep(2_000)
    return n > 3 ? { status: 400, error: 'enough' } : { access_token: `t${n}`, expires_in: 1 }
  })
  const tokens = world.tokens(GRANT, { clock })
  assert.equal(await tokens.get(signal), 't1')
  assert.equal(await tokens.get(signal), 't2')
  assert.equal(world.forms.length, 2)
})

import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { SalesforceOptions } from '../../src/simulators/salesforce-options.ts'
import { SALESFORCE_SERVICE_BEHAVIOURS } from '../../src/simulators/salesforce-service-behaviours.ts'
import { askToken, CLIENT, codeOf, DATA, type Org, recordsOf, withOrg } from './salesforce-org.ts'
import { behaviourTests } from './simulator-behaviour.ts'

const behaviour = behaviourTests(SALESFORCE_SERVICE_BEHAVIOURS)

function on(id: string, work: (org: Org) => Promise<void>, options: SalesforceOptions = {}): void {
  behaviour(id, () => withOrg(options, work))
}

const GRANT = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const keys = generateKeyPairSync('rsa', { modulusLength: 2048 })
const PUBLIC_KEY = keys.publicKey.export({ type: 'spki', format: 'pem' }) as string
const SIGNING: SalesforceOptions = {
  clients: [
    { id: 'simulator', secret: 'simulator-secret' },
    { id: 'signer', public_key: PUBLIC_KEY, username: 'sync@example.com' },
  ],
}

function assertion(claims: object = {}, key: KeyObject = keys.privateKey): string {
  const seconds = Math.floor(Date.now() / 1000)
  const all = {
    iss: 'signer',
    sub: 'sync@example.com',
    aud: 'https://login.salesforce.com',
    exp: seconds + 120,
    ...claims,
  }
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = `${part({ alg: 'RS256' })}.${part(all)}`
  return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), key).toString('base64url')}`
}

const limits = (org: Org, token: string) => org.ask('GET', '/limits', undefined, { authorization: `Bearer ${token}` })
on('auth.client-credentials', async (org) => {
  const { status, body } = await askToken(org, { grant_type: 'client_credentials', ...CLIENT })
  assert.equal(status, 200)
  assert.deepEqual([body.instance_url, body.token_type, 'expires_in' in body], [org.url, 'Bearer', false])
  assert.match(body.id, /\/id\/00D\w{15}\/005\w{15}$/)
  assert.ok(Math.abs(Number(body.issued_at) - Date.now()) < 60_000)
  assert.equal((await limits(org, body.access_token)).status, 200)
  const basic = Buffer.from(`${CLIENT.client_id}:${CLIENT.client_secret}`).toString('base64')
  const second = await askToken(org, { grant_type: 'client_credentials' }, { authorization: `Basic ${basic}` })
  assert.equal(second.status, 200)
  assert.notEqual(second.body.access_token, body.access_token)
})

on('auth.wrong-client', async (org) => {
  const grant = { grant_type: 'client_credentials' }
  const unknown = await askToken(org, { ...grant, client_id: 'x', client_secret: 'y' })
  assert.deepEqual([unknown.status, unknown.body.error], [400, 'invalid_client_id'])
  for (const secret of [{ client_secret: 'y' }, {}]) {
    const wrong = await askToken(org, { ...grant, client_id: 'simulator', ...secret })
    assert.deepEqual([wrong.status, wrong.body.error], [400, 'invalid_client'])
  }
})

on(
  'auth.jwt',
  async (org) => {
    const { status, body } = await askToken(org, { grant_type: GRANT, assertion: assertion() })
    assert.equal(status, 200, JSON.stringify(body))
    assert.equal((await limits(org, body.access_token)).status, 200)
    assert.equal((await askToken(org, { grant_type: GRANT, assertion: assertion({ aud: org.url }) })).status, 200)
  },
  SIGNING,
)

on(
  'auth.jwt-refused',
  async (org) => {
    const seconds = Math.floor(Date.now() / 1000)
    const other = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
    const [head, payload, signature] = assertion().split('.')
    const changed = Buffer.from(JSON.stringify({ iss: 'signer', sub: 'admin@example.com' })).toString('base64url')
    const refused: [string, string][] = [
      ['invalid assertion', assertion({}, other)],
      ['invalid assertion', `${head}.${changed}.${signature}`],
      ['invalid assertion', `${head}.${payload}.`],
      ['invalid assertion', assertion({ iss: 'simulator' })],
      ['invalid assertion', assertion({ exp: seconds + 200 })],
      ['invalid assertion', 'nothing'],
      ['expired assertion', assertion({ exp: seconds - 1 })],
      ['audience is invalid', assertion({ aud: 'https://example.com' })],
      ["user hasn't approved this consumer", assertion({ sub: 'admin@example.com' })],
    ]
    for (const [description, text] of refused) {
      const { status, body } = await askToken(org, { grant_type: GRANT, assertion: text })
      assert.deepEqual([status, body], [400, { error: 'invalid_grant', error_description: description }])
    }
  },
  SIGNING,
)

on('auth.refresh', async (org) => {
  const grant = { grant_type: 'refresh_token', ...CLIENT }
  const good = await askToken(org, { ...grant, refresh_token: 'simulator-refresh-token' })
  assert.equal(good.status, 200)
  assert.equal((await limits(org, good.body.access_token)).status, 200)
  const wrong = await askToken(org, { ...grant, refresh_token: 'x' })
  assert.deepEqual([wrong.status, wrong.body.error_description], [400, 'expired access/refresh token'])
})

on('auth.grant', async (org) => {
  const { status, body } = await askToken(org, { grant_type: 'password', username: 'a', password: 'b', ...CLIENT })
  assert.deepEqual([status, body.error], [400, 'unsupported_grant_type'])
})

on('auth.none', async (org) => {
  assert.deepEqual(codeOf(await limits(org, 'nothing')), [401, 'INVALID_SESSION_ID'])
  const bare = await fetch(`${org.url}${DATA}/limits`)
  assert.equal(bare.status, 401)
  assert.deepEqual(await bare.json(), [{ message: 'Session expired or invalid', errorCode: 'INVALID_SESSION_ID' }])
})

on(
  'auth.expired',
  async (org) => {
    await org.door('/__clock', { ms: 59_000 })
    assert.equal((await org.ask('GET', '/limits')).status, 200)
    await org.door('/__clock', { ms: 1_000 })
    assert.deepEqual(codeOf(await org.ask('GET', '/limits')), [401, 'INVALID_SESSION_ID'])
    assert.equal((await limits(org, await org.signIn())).status, 200)
  },
  { session_ms: 60_000 },
)

on('auth.revoked', async (org) => {
  const form = new URLSearchParams({ token: org.token })
  assert.equal((await fetch(`${org.url}/services/oauth2/revoke`, { method: 'POST', body: form })).status, 200)
  assert.deepEqual(codeOf(await org.ask('GET', '/limits')), [401, 'INVALID_SESSION_ID'])
  const token = await org.signIn()
  await org.door('/__revoke', { refresh: true })
  assert.equal((await limits(org, token)).status, 401)
  const refresh = { grant_type: 'refresh_token', refresh_token: 'simulator-refresh-token', ...CLIENT }
  assert.equal((await askToken(org, refresh)).status, 400)
})

on(
  'auth.scope',
  async (org) => {
    const { status, body } = await org.ask('GET', '/limits')
    assert.deepEqual([status, body[0].message], [401, 'This session is not valid for use with the REST API'])
  },
  { clients: [{ id: 'simulator', secret: 'simulator-secret', scopes: ['id'] }] },
)

on(
  'limit.info',
  async (org) => {
    const info = async (method: string, path: string) => (await org.ask(method, path)).headers.get('sforce-limit-info')
    assert.equal(await info('GET', '/limits'), 'api-usage=1/500')
    assert.equal(await info('GET', '/sobjects/Nothing/describe'), 'api-usage=2/500')
    assert.equal(await info('DELETE', '/composite/sobjects'), 'api-usage=3/500')
    const token = await askToken(org, { grant_type: 'client_credentials', ...CLIENT })
    assert.equal(token.headers.get('sforce-limit-info'), null)
  },
  { daily_limit: 500 },
)

on(
  'limit.daily',
  async (org) => {
    await org.door('/__limits', { window: 'daily', requests: 998 })
    const statuses: number[] = []
    for (let count = 0; count < 3; count++) statuses.push((await org.ask('GET', '/sobjects')).status)
    assert.deepEqual(statuses, [200, 200, 403])
    const refused = await org.ask('POST', '/sobjects/Contact', { LastName: 'A' })
    assert.deepEqual(refused.body, [{ message: 'TotalRequests Limit exceeded.', errorCode: 'REQUEST_LIMIT_EXCEEDED' }])
    assert.deepEqual([refused.headers.get('retry-after'), await org.records('Contact')], [null, []])
    const violations = await org.door('/__violations')
    assert.deepEqual([violations.length, violations[0].window, violations[0].limit], [2, 'daily', 1000])
    await org.door('/__clock', { ms: 86_400_000 })
    assert.equal((await limits(org, await org.signIn())).status, 200)
  },
  { daily_limit: 1000 },
)

on(
  'limit.refused',
  async (org) => {
    await limits(org, 'nothing')
    const first = await org.ask('GET', '/limits')
    assert.equal(first.headers.get('sforce-limit-info'), 'api-usage=1/1')
    const refused = await org.ask('GET', '/limits')
    assert.deepEqual([refused.status, refused.headers.get('sforce-limit-info')], [403, 'api-usage=1/1'])
  },
  { daily_limit: 1 },
)

on(
  'limit.resource',
  async (org) => {
    await org.door('/__limits', { window: 'daily', requests: 99 })
    assert.deepEqual((await org.ask('GET', '/limits')).body.DailyApiRequests, { Max: 500, Remaining: 400 })
  },
  { daily_limit: 500 },
)

on('limit.uri', async (org) => {
  const query = (length: number) => org.ask('GET', `/query?q=${'x'.repeat(length)}`)
  assert.equal((await query(16_400)).status, 414)
  assert.equal((await query(15_000)).status, 400)
})

on('meta.versions', async (org) => {
  const versions = (await (await fetch(`${org.url}/services/data`)).json()) as { version: string }[]
  assert.deepEqual(
    versions.find(({ version }) => version === '66.0'),
    { label: 'Version 66', url: '/services/data/v66.0', version: '66.0' },
  )
})

on('meta.version-unknown', async (org) => {
  for (const version of ['v99.0', 'v66', '66.0', 'latest']) {
    assert.deepEqual(codeOf(await org.ask('GET', `/services/data/${version}/sobjects`)), [404, 'NOT_FOUND'], version)
  }
  assert.equal((await org.ask('GET', '/services/data/v41.0/sobjects')).status, 200)
})

on('meta.objects', async (org) => {
  const { body } = await org.ask('GET', '/sobjects')
  const names = body.sobjects.map(({ name }: { name: string }) => name)
  assert.deepEqual(names, ['User', 'Account', 'Contact', 'Lead', 'Organization'])
  assert.equal(body.sobjects[1].urls.describe, `${DATA}/sobjects/Account/describe`)
})

on(
  'meta.describe',
  async (org) => {
    const { body } = await org.ask('GET', '/sobjects/contact/describe')
    assert.deepEqual([body.name, body.keyPrefix, body.createable], ['Contact', '003', true])
    const fields = new Map(body.fields.map((field: { name: string }) => [field.name, field]))
    const shown = (name: string, ...keys: string[]) => {
      const field = fields.get(name) as Record<string, unknown>
      return keys.map((key) => field[key])
    }
    const rights = ['createable', 'updateable', 'nillable', 'defaultedOnCreate']
    assert.deepEqual(shown('Id', 'type', 'idLookup', ...rights), ['id', true, false, false, false, true])
    assert.deepEqual(shown('LastName', 'type', 'length', ...rights), ['string', 80, true, true, false, false])
    assert.deepEqual(shown('Name', ...rights), [false, false, true, false])
    assert.deepEqual(shown('CreatedDate', ...rights), [false, false, false, true])
    const key = ['externalId', 'idLookup', 'unique', 'caseSensitive']
    assert.deepEqual(shown('External_Id__c', ...key), [true, true, true, false])
    assert.deepEqual(shown('Code__c', ...key), [true, true, false, true])
    assert.deepEqual(shown('Email', ...key), [false, true, false, false])
    assert.deepEqual(shown('LeadSource', 'restrictedPicklist', 'type'), [true, 'picklist'])
    const [values] = shown('LeadSource', 'picklistValues') as { value: string; active: boolean }[][]
    assert.deepEqual([values?.[0]?.value, values?.[0]?.active], ['Web', true])
    assert.deepEqual(shown('AccountId', 'referenceTo', 'relationshipName'), [['Account'], 'Account'])
    assert.deepEqual(shown('LifetimeValue__c', 'type', 'precision', 'scale'), ['double', 18, 2])
    assert.deepEqual(shown('HasOptedOutOfEmail', 'nillable', 'defaultedOnCreate'), [false, true])
    assert.deepEqual(shown('Once__c', 'createable', 'updateable'), [true, false])
  },
  {
    objects: [
      {
        name: 'Contact',
        fields: [
          { name: 'Code__c', type: 'string', externalId: true, caseSensitive: true },
          { name: 'Once__c', type: 'string', createOnly: true },
        ],
      },
    ],
  },
)

on('meta.modified', async (org) => {
  for (const path of ['/sobjects', '/sobjects/Contact/describe']) {
    const first = await org.ask('GET', path)
    const since = first.headers.get('last-modified') as string
    const again = await org.ask('GET', path, undefined, { 'if-modified-since': since })
    assert.deepEqual([again.status, again.body], [304, ''])
    const before = new Date(Date.parse(since) - 1000).toUTCString()
    assert.equal((await org.ask('GET', path, undefined, { 'if-modified-since': before })).status, 200)
  }
})

on(
  'meta.unknown',
  async (org) => {
    for (const name of ['Nothing', 'Lead']) {
      assert.deepEqual(codeOf(await org.ask('GET', `/sobjects/${name}/describe`)), [404, 'NOT_FOUND'])
    }
  },
  { objects: [{ name: 'Lead', removed: true }] },
)

on(
  'meta.custom',
  async (org) => {
    const { body } = await org.ask('POST', '/sobjects/Thing__c', { Size__c: 3 })
    const [thing] = await org.records('Thing__c')
    assert.deepEqual([thing.Name, thing.Size__c, body.id.slice(0, 3)], [body.id, 3, 'a00'])
    const described = (await org.ask('GET', '/sobjects/Thing__c/describe')).body
    assert.deepEqual([described.custom, described.label], [true, 'Thing'])
  },
  { objects: [{ name: 'Thing__c', fields: [{ name: 'Size__c', type: 'int' }] }] },
)

on('fail.status', async (org) => {
  const records = recordsOf('Contact', { LastName: 'A' })
  const write = () => org.ask('POST', '/composite/sobjects', { records })
  await org.door('/__faults', { rules: [{ fault: 'status-503', times: 1 }] })
  const before = await write()
  assert.deepEqual(before.body, [{ message: 'Server Unavailable', errorCode: 'SERVER_UNAVAILABLE' }])
  assert.deepEqual([before.status, (await org.records('Contact')).length], [503, 0])
  assert.match(before.headers.get('sforce-limit-info') as string, /^api-usage=/)
  await org.door('/__faults', { rules: [{ fault: 'status-500', when: 'after', times: 1 }] })
  assert.deepEqual(codeOf(await write()), [500, 'UNKNOWN_EXCEPTION'])
  assert.equal((await org.records('Contact')).length, 1)
  assert.equal((await write()).status, 200)
})

on('fail.session', async (org) => {
  await org.door('/__faults', { rules: [{ fault: 'session-ends', match: { path: '/limits' }, times: 1 }] })
  assert.deepEqual(codeOf(await org.ask('GET', '/limits')), [401, 'INVALID_SESSION_ID'])
  assert.equal((await org.ask('GET', '/limits')).status, 401)
  assert.equal((await limits(org, await org.signIn())).status, 200)
})

on('fail.path', async (org) => {
  assert.deepEqual(codeOf(await org.ask('GET', '/nothing')), [404, 'NOT_FOUND'])
  assert.deepEqual(codeOf(await org.ask('PUT', '/sobjects')), [405, 'METHOD_NOT_ALLOWED'])
})

on('fail.org', async (org) => {
  const rules = [
    { fault: 'api-disabled', times: 1 },
    { fault: 'storage-full', times: 1 },
  ]
  await org.door('/__faults', { rules })
  assert.deepEqual(codeOf(await org.ask('GET', '/limits')), [403, 'API_DISABLED_FOR_ORG'])
  assert.deepEqual(codeOf(await org.ask('GET', '/limits')), [403, 'STORAGE_LIMIT_EXCEEDED'])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { request } from 'undici'
import type { HubspotOptions } from '../../src/simulators/hubspot-options.ts'
import { HUBSPOT_SERVICE_BEHAVIOURS } from '../../src/simulators/hubspot-service-behaviours.ts'
import { startSimulator } from '../../src/simulators/start-simulator.ts'
import { behaviourTests, type SimulatorAtHand, withSimulator } from './simulator-behaviour.ts'

const CONTACTS = '/crm/v3/objects/contacts'

const behaviour = behaviourTests(HUBSPOT_SERVICE_BEHAVIOURS)

function on(id: string, work: (simulator: SimulatorAtHand) => Promise<void>, options: HubspotOptions = {}): void {
  behaviour(id, () => withSimulator('hubspot', options, work))
}

const statuses = async ({ ask }: SimulatorAtHand, count: number, path = CONTACTS): Promise<Record<string, number>> => {
  const seen: Record<string, number> = {}
  for (let at = 0; at < count; at++) {
    const { status } = path.endsWith('/search') ? await ask('POST', path, {}) : await ask('GET', path)
    seen[status] = (seen[status] ?? 0) + 1
  }
  return seen
}

behaviour('limit.burst', async () => {
  const limits = { free: 100, professional: 190, enterprise: 190, oauth: 110 } as const
  for (const [plan, limit] of Object.entries(limits)) {
    await withSimulator('hubspot', { plan: plan as 'free' }, async (simulator) => {
      const { door, ask } = simulator
      await door('/__limits', { window: 'ten_secondly_rolling', requests: limit - 2 })
      assert.deepEqual(await statuses(simulator, 3), { 200: 2, 429: 1 }, plan)
      const [violation] = await door('/__violations')
      assert.deepEqual([violation.window, violation.limit, violation.count], ['ten_secondly_rolling', limit, limit + 1])
      await door('/__clock', { ms: 10_000 })
      assert.equal((await ask('GET', CONTACTS)).status, 200)
    })
  }
})

behaviour('limit.daily', async () => {
  const limits = { free: 250_000, professional: 650_000, enterprise: 1_000_000 } as const
  for (const [plan, limit] of Object.entries(limits)) {
    await withSimulator('hubspot', { plan: plan as 'free', utc_offset_minutes: 60 }, async (simulator) => {
      const { door, ask } = simulator
      await door('/__limits', { window: 'daily', requests: limit - 1 })
      assert.deepEqual(await statuses(simulator, 2), { 200: 1, 429: 1 }, plan)
      assert.equal((await ask('GET', CONTACTS)).body.policyName, 'DAILY')
      const { now } = await door('/__clock')
      const untilMidnight = 86_400_000 - ((now + 3_600_000) % 86_400_000)
      await door('/__clock', { ms: untilMidnight - 60_000 })
      assert.equal((await ask('GET', CONTACTS)).status, 429)
      await door('/__clock', { ms: 60_000 })
      assert.equal((await ask('GET', CONTACTS)).status, 200)
    })
  }
  await withSimulator('hubspot', { plan: 'oauth' }, async ({ door }) => {
    assert.match((await door('/__limits', { window: 'daily', requests: 1 })).message, /there are ten_secondly/)
  })
})

on(
  'limit.refused',
  async (simulator) => {
    assert.deepEqual(await statuses(simulator, 5), { 200: 2, 429: 3 })
    await simulator.door('/__clock', { ms: 10_000 })
    const reply = await simulator.ask('GET', CONTACTS)
    assert.equal(reply.headers.get('x-hubspot-ratelimit-daily-remaining'), '649997')
    assert.equal(reply.headers.get('x-hubspot-ratelimit-remaining'), '1')
  },
  { burst_limit: 2 },
)

on('limit.headers', async ({ ask }) => {
  await ask('GET', CONTACTS)
  const { headers } = await ask('GET', CONTACTS)
  const seen = [...headers].filter(([name]) => name.startsWith('x-hubspot-ratelimit'))
  assert.deepEqual(seen, [
    ['x-hubspot-ratelimit-daily', '650000'],
    ['x-hubspot-ratelimit-daily-remaining', '649998'],
    ['x-hubspot-ratelimit-interval-milliseconds', '10000'],
    ['x-hubspot-ratelimit-max', '190'],
    ['x-hubspot-ratelimit-remaining', '188'],
    ['x-hubspot-ratelimit-secondly', '19'],
    ['x-hubspot-ratelimit-secondly-remaining', '19'],
  ])
})

behaviour('limit.headers-daily', async () => {
  const expected = { all: 7, daily: 2, none: 0 } as const
  for (const [rate_limit_headers, count] of Object.entries(expected)) {
    const options = { rate_limit_headers: rate_limit_headers as 'all' }
    await withSimulator('hubspot', options, async ({ ask }) => {
      const { headers } = await ask('GET', CONTACTS)
      const seen = [...headers.keys()].filter((name) => name.startsWith('x-hubspot-ratelimit'))
      assert.equal(seen.length, count)
    })
  }
})

const refused = async (simulator: SimulatorAtHand) => {
  await statuses(simulator, 1)
  return simulator.ask('GET', CONTACTS)
}

on(
  'limit.body-policy',
  async (simulator) => {
    const { body } = await refused(simulator)
    assert.deepEqual([body.errorType, body.policyName], ['RATE_LIMIT', 'TEN_SECONDLY_ROLLING'])
    assert.ok(!('category' in body))
  },
  { burst_limit: 1 },
)

behaviour('limit.body-message', async () => {
  await withSimulator('hubspot', { burst_limit: 1, rate_limit_body: 'message' }, async (simulator) => {
    const { body } = await refused(simulator)
    assert.deepEqual([body.message, body.category], ['You have reached your secondly limit.', 'RATE_LIMITS'])
    assert.ok(!('policyName' in body))
  })
  await withSimulator('hubspot', { burst_limit: 1, rate_limit_body: 'mixed' }, async (simulator) => {
    const seen = new Set<boolean>()
    for (let at = 0; at < 20; at++) seen.add('policyName' in (await refused(simulator)).body)
    assert.equal(seen.size, 2)
  })
})

behaviour('limit.retry-after', async () => {
  await withSimulator('hubspot', { burst_limit: 1 }, async (simulator) => {
    assert.equal((await refused(simulator)).headers.get('retry-after'), null)
  })
  await withSimulator('hubspot', { burst_limit: 1, retry_after: true }, async (simulator) => {
    await statuses(simulator, 1)
    await simulator.door('/__clock', { ms: 4000 })
    assert.equal((await simulator.ask('GET', CONTACTS)).headers.get('retry-after'), '6')
  })
})

on('limit.search', async (simulator) => {
  assert.deepEqual(await statuses(simulator, 6, `${CONTACTS}/search`), { 200: 5, 429: 1 })
  const reply = await simulator.ask('POST', `${CONTACTS}/search`, {})
  assert.deepEqual([reply.status, reply.body.category], [429, 'RATE_LIMITS'])
  assert.equal(reply.headers.get('x-hubspot-ratelimit-max'), null)
  assert.equal((await simulator.door('/__violations'))[0].window, 'search')
  await simulator.door('/__clock', { ms: 1000 })
  const after = await simulator.ask('POST', `${CONTACTS}/search`, {})
  assert.equal(after.status, 200)
})

on('limit.search-daily', async ({ ask }) => {
  await ask('POST', `${CONTACTS}/search`, {})
  const { headers } = await ask('GET', CONTACTS)
  assert.equal(headers.get('x-hubspot-ratelimit-daily-remaining'), '649998')
  assert.equal(headers.get('x-hubspot-ratelimit-remaining'), '189')
})

/** The first names that a search finds. */
const search = async ({ ask, door }: SimulatorAtHand, body: object) => {
  await door('/__clock', { ms: 1000 })
  const reply = await ask('POST', `${CONTACTS}/search`, { properties: ['firstname'], limit: 200, ...body })
  assert.equal(reply.status, 200, JSON.stringify(reply.body))
  return reply.body.results
    .map(({ properties }: { properties: { firstname: string } }) => properties.firstname)
    .join('')
}

const people = [
  { firstname: 'A', numemployees: '5', city: 'New York', closedate: '2024-01-01T00:00:00Z' },
  { firstname: 'B', numemployees: '10', city: 'York' },
  { firstname: 'C', city: 'Yorkshire' },
]

on(
  'search.filters',
  async (simulator) => {
    await simulator.door('/__records/contacts', people)
    const expected: readonly (readonly [filter: object, found: string])[] = [
      [{ propertyName: 'firstname', operator: 'EQ', value: 'b' }, 'B'],
      [{ propertyName: 'numemployees', operator: 'NEQ', value: '5' }, 'B'],
      [{ propertyName: 'numemployees', operator: 'LT', value: '10' }, 'A'],
      [{ propertyName: 'numemployees', operator: 'LTE', value: '10' }, 'AB'],
      [{ propertyName: 'numemployees', operator: 'GT', value: '5' }, 'B'],
      [{ propertyName: 'numemployees', operator: 'GTE', value: '5' }, 'AB'],
      [{ propertyName: 'numemployees', operator: 'BETWEEN', value: '4', highValue: '6' }, 'A'],
      [{ propertyName: 'firstname', operator: 'IN', values: ['a', 'c'] }, 'AC'],
      [{ propertyName: 'firstname', operator: 'NOT_IN', values: ['a', 'c'] }, 'B'],
      [{ propertyName: 'numemployees', operator: 'HAS_PROPERTY' }, 'AB'],
      [{ propertyName: 'numemployees', operator: 'NOT_HAS_PROPERTY' }, 'C'],
      [{ propertyName: 'city', operator: 'CONTAINS_TOKEN', value: 'york' }, 'AB'],
      [{ propertyName: 'city', operator: 'CONTAINS_TOKEN', value: 'york*' }, 'ABC'],
      [{ propertyName: 'city', operator: 'CONTAINS_TOKEN', value: '*shire' }, 'C'],
      [{ propertyName: 'city', operator: 'NOT_CONTAINS_TOKEN', value: 'york' }, 'C'],
      [{ propertyName: 'closedate', operator: 'LT', value: '1704067200001' }, 'A'],
    ]
    for (const [filter, found] of expected) {
      assert.equal(await search(simulator, { filterGroups: [{ filters: [filter] }] }), found, JSON.stringify(filter))
    }
    const groups = [
      { filters: [expected[0]?.[0], expected[4]?.[0]] },
      { filters: [{ propertyName: 'firstname', operator: 'EQ', value: 'C' }] },
    ]
    assert.equal(await search(simulator, { filterGroups: groups }), 'BC')
    assert.equal(await search(simulator, { sorts: [{ propertyName: 'firstname', direction: 'DESCENDING' }] }), 'CBA')
    assert.equal(await search(simulator, { sorts: ['-numemployees'], query: 'york' }), 'BAC')
  },
  { search_lag_ms: 0 },
)

on(
  'search.paging',
  async ({ ask, door }) => {
    await door(
      '/__records/contacts',
      Array.from({ length: 12 }, () => ({})),
    )
    const page = async (body: object) => {
      await door('/__clock', { ms: 1000 })
      return ask('POST', `${CONTACTS}/search`, body)
    }
    const first = await page({ limit: 8 })
    assert.deepEqual(
      [first.body.total, first.body.results.length, first.body.paging],
      [12, 8, { next: { after: '8' } }],
    )
    const second = await page({ limit: 8, after: '8' })
    assert.deepEqual([second.body.results.length, second.body.paging], [4, undefined])
    assert.equal((await page({ limit: 200 })).status, 200)
    assert.equal((await page({ limit: 201 })).status, 400)
    assert.equal((await page({ limit: 100, after: '9900' })).status, 200)
    assert.equal((await page({ limit: 100, after: '9901' })).status, 400)
  },
  { search_lag_ms: 0 },
)

on('search.groups', async ({ ask, door }) => {
  const filter = { propertyName: 'firstname', operator: 'EQ', value: 'x' }
  const status = async (...sizes: number[]) => {
    await door('/__clock', { ms: 1000 })
    const filterGroups = sizes.map((size) => ({ filters: Array.from({ length: size }, () => filter) }))
    return (await ask('POST', `${CONTACTS}/search`, { filterGroups })).status
  }
  assert.deepEqual(
    [await status(1, 1, 1, 1, 1), await status(1, 1, 1, 1, 1, 1), await status(6, 6, 6), await status(7)],
    [200, 400, 200, 400],
  )
  assert.equal(await status(6, 6, 6, 1), 400)
})

on(
  'search.lag',
  async (simulator) => {
    const { ids } = await simulator.door('/__records/contacts', [{ firstname: 'A' }])
    assert.equal(await search(simulator, {}), '')
    await simulator.door('/__clock', { ms: 30_000 })
    assert.equal(await search(simulator, {}), 'A')
    await simulator.ask('PATCH', `${CONTACTS}/${ids[0]}`, { properties: { firstname: 'B' } })
    await simulator.door('/__clock', { ms: 10_000 })
    await simulator.ask('DELETE', `${CONTACTS}/${ids[0]}`)
    assert.equal(await search(simulator, {}), 'A')
    await simulator.door('/__clock', { ms: 19_000 })
    assert.equal(await search(simulator, {}), 'B')
    await simulator.door('/__clock', { ms: 10_000 })
    assert.equal(await search(simulator, {}), '')
  },
  { search_lag_ms: 30_000 },
)

on(
  'auth.none',
  async ({ ask, url }) => {
    const none = await fetch(url + CONTACTS)
    const { category } = (await none.json()) as { category: string }
    assert.deepEqual([none.status, category], [401, 'INVALID_AUTHENTICATION'])
    assert.equal((await ask('GET', CONTACTS)).status, 401)
    assert.equal((await ask('GET', CONTACTS, undefined, { authorization: 'Bearer mine' })).status, 200)
  },
  { tokens: { mine: {} } },
)

on('auth.revoked', async ({ ask, door }) => {
  assert.equal((await ask('GET', CONTACTS)).status, 200)
  await door('/__tokens', { token: 'token', revoked: true })
  const { status, body } = await ask('GET', CONTACTS)
  assert.deepEqual([status, body.category], [401, 'INVALID_AUTHENTICATION'])
  await door('/__tokens', { token: 'token', revoked: false })
  assert.equal((await ask('GET', CONTACTS)).status, 200)
})

const FORM = 'application/x-www-form-urlencoded'
const refresh = ({ ask }: SimulatorAtHand, more: object = {}, path = '/oauth/2026-03/token') => {
  const form = { grant_type: 'refresh_token', client_id: 'client', client_secret: 'secret', refresh_token: 'refresh' }
  return ask('POST', path, new URLSearchParams({ ...form, ...more }).toString(), { 'content-type': FORM })
}

on('auth.expired', async (simulator) => {
  const { ask, door } = simulator
  const { access_token } = (await refresh(simulator)).body
  const headers = { authorization: `Bearer ${access_token}` }
  await door('/__clock', { ms: 1_799_000 })
  assert.equal((await ask('GET', CONTACTS, undefined, headers)).status, 200)
  await door('/__clock', { ms: 3000 })
  const { status, body } = await ask('GET', CONTACTS, undefined, headers)
  assert.deepEqual([status, body.category], [401, 'EXPIRED_AUTHENTICATION'])
  assert.match(body.message, /expired [12] second\(s\) ago/)
  assert.match(body.context['expire time'][0], /^\d{4}-.*Z$/)
})

on(
  'auth.scopes',
  async ({ ask }) => {
    assert.equal((await ask('GET', CONTACTS)).status, 200)
    assert.equal((await ask('GET', '/crm/v3/properties/contacts')).status, 200)
    const refusals = [
      ['POST', `${CONTACTS}/batch/upsert`, 'crm.objects.contacts.write'],
      ['GET', '/crm/v3/objects/companies', 'crm.objects.companies.read'],
      ['GET', '/crm/v3/objects/tickets', 'tickets'],
      ['POST', '/crm/v3/properties/contacts', 'crm.schemas.contacts.write'],
      ['GET', '/crm/v3/schemas', 'crm.schemas.custom.read'],
    ] as const
    for (const [method, path, scope] of refusals) {
      const { status, body } = await ask(method, path, method === 'POST' ? {} : undefined)
      assert.deepEqual(
        [status, body.category, body.errors[0].context.requiredScopes[0]],
        [403, 'MISSING_SCOPES', scope],
      )
    }
  },
  { tokens: { token: { scopes: ['crm.objects.contacts.read'] } } },
)

on('auth.refresh', async (simulator) => {
  for (const path of ['/oauth/2026-03/token', '/oauth/v1/token']) {
    const { status, body } = await refresh(simulator, {}, path)
    assert.deepEqual([status, body.token_type, body.expires_in, body.refresh_token], [200, 'bearer', 1800, 'refresh'])
    const headers = { authorization: `Bearer ${body.access_token}` }
    assert.equal((await simulator.ask('GET', CONTACTS, undefined, headers)).status, 200)
  }
  const query = 'grant_type=refresh_token&client_id=client&client_secret=secret&refresh_token=refresh'
  assert.equal((await simulator.ask('POST', `/oauth/2026-03/token?${query}`)).status, 400)
})

on('auth.bad-refresh', async (simulator) => {
  const wrong = { refresh_token: 'BAD_REFRESH_TOKEN', client_id: 'BAD_CLIENT_ID', client_secret: 'BAD_CLIENT_SECRET' }
  for (const [name, expected] of Object.entries({ ...wrong, grant_type: 'BAD_GRANT_TYPE' })) {
    const { status, body } = await refresh(simulator, { [name]: 'other' })
    assert.deepEqual([status, body.status], [400, expected])
  }
  await simulator.door('/__tokens', { token: 'refresh', revoked: true })
  assert.equal((await refresh(simulator)).body.status, 'BAD_REFRESH_TOKEN')
})

on(
  'meta.account',
  async ({ ask, door }) => {
    const paths = ['/account-info/v3/details', '/account-info/2026-03/details']
    for (const path of paths) {
      const { status, body } = await ask('GET', path)
      assert.deepEqual(
        [status, body.portalId, body.utcOffset, body.utcOffsetMilliseconds],
        [200, 42, '-03:30', -12_600_000],
      )
      const other = await ask('GET', path, undefined, { authorization: 'Bearer other' })
      assert.equal(other.body.portalId, 43)
    }
    await door('/__tokens', { token: 'token', portal: 44 })
    assert.equal((await ask('GET', paths[0] as string)).body.portalId, 44)
    await door('/__tokens', { token: 'token', scopes: ['crm.objects.contacts.read'] })
    const { status, body } = await ask('GET', paths[0] as string)
    assert.deepEqual([status, body.errors[0].context.requiredScopes], [403, ['oauth']])
    assert.equal((await ask('GET', '/account-info/2020-01/details')).status, 404)
  },
  { portal: 42, utc_offset_minutes: -210, tokens: { token: {}, other: { portal: 43 } } },
)

on('meta.properties', async ({ ask }) => {
  const paths = ['/crm/v3/properties/contacts', '/crm/properties/2026-09/contacts']
  for (const path of paths) {
    const { body } = await ask('GET', path)
    const byName = new Map(body.results.map((property: { name: string }) => [property.name, property]))
    // biome-ignore lint/suspicious/noExplicitAny: what a server answers can have any shape.
    const get = (name: string) => byName.get(name) as any
    assert.deepEqual([get('createdate').type, get('createdate').modificationMetadata.readOnlyValue], ['datetime', true])
    assert.equal(get('num_associated_deals').calculated, true)
    assert.equal(get('hubspot_owner_id').externalOptions, true)
    assert.deepEqual(
      [get('hs_lead_status').options[0].value, get('hs_lead_status').options[2].label],
      ['NEW', 'In progress'],
    )
    assert.equal((await ask('GET', `${path}/email`)).body.fieldType, 'text')
    assert.equal((await ask('GET', `${path}/nothing`)).status, 404)
  }
})

const property = (name: string, more = {}) => ({
  name,
  label: name,
  type: 'string',
  fieldType: 'text',
  groupName: 'g',
  ...more,
})

on('meta.create-property', async ({ ask }) => {
  const path = '/crm/properties/2026-09/contacts'
  const choice = { type: 'enumeration', fieldType: 'select', options: [{ label: 'One', value: '1' }] }
  const { status, body } = await ask('POST', path, property('plan', choice))
  assert.deepEqual([status, body.options[0].label, body.hubspotDefined], [201, 'One', false])
  const set = (plan: string) => ask('POST', CONTACTS, { properties: { plan } })
  assert.deepEqual([(await set('1')).status, (await set('One')).status], [201, 400])
  assert.equal((await ask('POST', path, property('plan'))).status, 409)
  assert.equal((await ask('POST', path, { name: 'x' })).status, 400)
  assert.equal((await ask('POST', path, property('Not a name'))).status, 400)
})

on('meta.unique-properties', async ({ ask }) => {
  const made: number[] = []
  for (let at = 0; at < 11; at++) {
    const reply = await ask('POST', '/crm/v3/properties/deals', property(`u${at}`, { hasUniqueValue: true }))
    made.push(reply.status)
  }
  assert.deepEqual(made, [...Array(10).fill(201), 400])
})

on('meta.unique-email', async ({ ask }) => {
  assert.equal((await ask('GET', '/crm/v3/properties/contacts/email')).body.hasUniqueValue, false)
})

const CAR: HubspotOptions = {
  objects: {
    car: {
      properties: [{ name: 'vin', unique: true, rules: [{ type: 'REGEX', arguments: ['\\d+'] }] }],
      required: ['vin'],
    },
  },
}

on(
  'meta.schemas',
  async ({ ask }) => {
    for (const path of ['/crm/v3/schemas', '/crm-object-schemas/2026-09/schemas', '/crm-object-schemas/v3/schemas']) {
      const { body } = await ask('GET', path)
      const [{ objectTypeId, fullyQualifiedName, requiredProperties, properties }] = body.results
      assert.deepEqual([objectTypeId, fullyQualifiedName, requiredProperties], ['2-7000001', 'p1234567_car', ['vin']])
      assert.ok(
        properties.some(({ name, hasUniqueValue }: Record<string, unknown>) => name === 'vin' && hasUniqueValue),
      )
      assert.equal((await ask('GET', `${path}/car`)).body.objectTypeId, '2-7000001')
    }
  },
  CAR,
)

on(
  'meta.rules',
  async ({ ask }) => {
    for (const path of ['/crm/property-validations/2026-09/2-7000001', '/crm/v3/property-validations/car']) {
      const rule = { propertyName: 'vin', propertyValidationRules: [{ ruleType: 'REGEX', ruleArguments: ['\\d+'] }] }
      assert.deepEqual((await ask('GET', path)).body.results, [rule])
    }
  },
  CAR,
)

const create = ({ ask }: SimulatorAtHand, firstname = 'Ann') =>
  ask('POST', `${CONTACTS}/batch/create`, { inputs: [{ properties: { firstname }, objectWriteTraceId: '1' }] })

on('fail.status', async (simulator) => {
  const { door } = simulator
  for (const status of [423, 477, 502, 503, 504, 521, 524]) {
    for (const when of ['before', 'after']) {
      const before = (await door('/__records/contacts')).length
      await door('/__faults', { rules: [{ fault: `status-${status}`, when, times: 1 }] })
      const reply = await create(simulator)
      assert.equal(reply.status, status)
      assert.equal(reply.headers.get('retry-after'), status === 477 ? '3600' : null)
      const written = (await door('/__records/contacts')).length - before
      assert.equal(written, when === 'after' ? 1 : 0)
    }
  }
})

on('fail.pages', async (simulator) => {
  for (const status of [423, 477, 500, 502, 503, 504, 521, 524]) {
    await simulator.door('/__faults', { rules: [{ fault: `status-${status}` }] })
    const { headers } = await create(simulator)
    const isPage = headers.get('content-type')?.startsWith('text/html')
    assert.equal(isPage, [502, 504, 521, 524].includes(status))
  }
})

on('fail.empty-results', async (simulator) => {
  await simulator.door('/__faults', { rules: [{ fault: 'empty-results' }] })
  const { status, body } = await create(simulator)
  assert.deepEqual([status, body.status, body.results, body.errors], [200, 'COMPLETE', [], undefined])
  assert.deepEqual(await simulator.door('/__records/contacts'), [])
})

on('fail.batch-conflict', async (simulator) => {
  await simulator.door('/__faults', { rules: [{ fault: 'batch-conflict' }] })
  const { status, body } = await create(simulator)
  assert.deepEqual([status, body.category, body.context], [409, 'CONFLICT', undefined])
})

on('fail.rate-limit', async (simulator) => {
  const seen: unknown[] = []
  for (const fault of ['rate-limit-daily', 'rate-limit-rolling', 'rate-limit-message']) {
    await simulator.door('/__faults', { rules: [{ fault }] })
    const { status, body } = await create(simulator)
    seen.push([status, body.policyName ?? body.category])
  }
  assert.deepEqual(seen, [
    [429, 'DAILY'],
    [429, 'TEN_SECONDLY_ROLLING'],
    [429, 'RATE_LIMITS'],
  ])
  assert.deepEqual(await simulator.door('/__violations'), [])
})

test('options that make no sense are refused by name', async () => {
  const refusal = (options: object, message: RegExp) => assert.rejects(startSimulator('hubspot', options), { message })
  await refusal({ plan: 'starter' }, /^option plan has to be one of free, professional, enterprise, oauth$/)
  await refusal({ search_lag_ms: 60_001 }, /^option search_lag_ms has to be a whole number, from 0 to 60000$/)
  await refusal({ serch_lag_ms: 1 }, /^option serch_lag_ms is not known; there are port, seed/)
  await refusal({ objects: { car: { properties: [{ nam: 'x' }] } } }, /every property needs a name/)
  await refusal({ objects: { car: { properties: [{ name: 'x', typ: 1 }] } } }, /of car.x: typ is not known/)
  await refusal({ objects: { car: { required: ['vin'] } } }, /it has no property vin, which it requires$/)
  await refusal({ latency: { p50: 2, p99: 1 } }, /^option latency has to be/)
})

test('100,000 contacts are written by 1,000 batches in seconds, and the simulator holds them', async (t) => {
  await withSimulator('hubspot', { burst_limit: 10_000, search_lag_ms: 0 }, async ({ url, door }) => {
    const post = async (call: string, first: number) => {
      const inputs = Array.from({ length: 100 }, (_, at) => ({
        id: `p${first + at}@example.com`,
        idProperty: 'email',
        properties: { firstname: `Person ${first + at}`, city: 'Berlin', numemployees: String(at) },
        objectWriteTraceId: String(first + at),
      }))
      const reply = await request(`${url}/crm/objects/2026-09/contacts/batch/${call}`, {
        method: 'POST',
        headers: { authorization: 'Bearer token' },
        body: JSON.stringify({ inputs }),
      })
      assert.equal(reply.statusCode, 200)
      await reply.body.dump()
    }
    const began = process.cpuUsage()
    for (let batch = 0; batch < 1000; batch += 4) {
      await Promise.all([0, 1, 2, 3].map((lane) => post('upsert', (batch + lane) * 100)))
    }
    const { user, system } = process.cpuUsage(began)
    const { writes, requests, violations } = await door('/__counts')
    assert.deepEqual([writes, requests, violations], [100_000, 1000, 0])
    assert.ok((user + system) / 1e6 < 20, `${(user + system) / 1e6} s of CPU`)
    t.diagnostic(`1,000 batches of 100: ${((user + system) / 1e6).toFixed(1)} s of CPU, client included`)
  })
})

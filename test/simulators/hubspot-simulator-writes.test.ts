import assert from 'node:assert/strict'
import type { HubspotOptions } from '../../src/simulators/hubspot-options.ts'
import { HUBSPOT_WRITE_BEHAVIOURS } from '../../src/simulators/hubspot-write-behaviours.ts'
import { behaviourTests, type SimulatorAnswer, type SimulatorAtHand, withSimulator } from './simulator-behaviour.ts'

const CONTACTS = '/crm/v3/objects/contacts'
const OBJECTS: NonNullable<HubspotOptions['objects']> = {
  contacts: { properties: [{ name: 'ext_id', unique: true }] },
  car: { properties: [{ name: 'vin', unique: true }, { name: 'color' }], required: ['vin'] },
}

const behaviour = behaviourTests(HUBSPOT_WRITE_BEHAVIOURS)

/** A test on a simulator of its own, with `ext_id` as a unique property of contacts. */
function on(id: string, work: (simulator: SimulatorAtHand) => Promise<void>, options: HubspotOptions = {}): void {
  behaviour(id, () => withSimulator('hubspot', { objects: OBJECTS, ...options }, work))
}

const batch = ({ ask }: SimulatorAtHand, call: string, inputs: readonly unknown[], more = {}, path = CONTACTS) =>
  ask('POST', `${path}/batch/${call}`, { inputs, ...more })

/** Contacts as a person makes them; answers their ids. */
const given = async ({ door }: SimulatorAtHand, ...records: object[]): Promise<string[]> =>
  (await door('/__records/contacts', records)).ids

const stored = async ({ door }: SimulatorAtHand, object = 'contacts') =>
  (await door(`/__records/${object}`)).map(({ properties }: { properties: object }) => properties)

const traced = (email: string, more = {}, trace = email) => ({
  properties: { email, ...more },
  objectWriteTraceId: trace,
})

/** Trace ids of the errors and of the results. */
const outcome = ({ status, body }: SimulatorAnswer) => ({
  status,
  bad: (body.errors ?? []).map(({ category, context }: { category: string; context: Record<string, string[]> }) => [
    category,
    ...(context['objectWriteTraceId'] ?? []),
  ]),
  good: body.results.map(({ objectWriteTraceId }: { objectWriteTraceId: string }) => objectWriteTraceId).sort(),
})

on('batch.paths', async (simulator) => {
  for (const object of ['contacts', 'contact', '0-1']) {
    for (const base of ['/crm/v3/objects', '/crm/objects/2026-03', '/crm/objects/2026-09']) {
      const reply = await batch(simulator, 'create', [{ properties: { firstname: object } }], {}, `${base}/${object}`)
      assert.equal(reply.status, 201, `${base}/${object}`)
    }
  }
  assert.equal((await simulator.ask('GET', '/crm/objects/2025-03/contacts')).status, 404)
})

on('batch.cap', async (simulator) => {
  const inputs = (count: number) => Array.from({ length: count }, (_, at) => ({ id: `${at}`, properties: {} }))
  for (const call of ['create', 'update', 'read', 'archive']) {
    const many = inputs(101).map((input) => (call === 'archive' ? { id: input.id } : input))
    const reply = await batch(simulator, call, many)
    assert.deepEqual([reply.status, reply.body.category], [400, 'VALIDATION_ERROR'], call)
  }
  assert.equal((await batch(simulator, 'create', inputs(100))).status, 201)
  assert.equal((await stored(simulator)).length, 100)
})

on('batch.create', async (simulator) => {
  const { status, body } = await batch(simulator, 'create', [{ properties: { email: 'A@B.co', firstname: 'Ann' } }])
  assert.deepEqual([status, body.status], [201, 'COMPLETE'])
  const [{ id, properties, createdAt, updatedAt, archived }] = body.results
  assert.deepEqual(properties, {
    email: 'a@b.co',
    firstname: 'Ann',
    hs_email_domain: 'b.co',
    hs_object_id: id,
    createdate: createdAt,
    lastmodifieddate: updatedAt,
  })
  assert.match(createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.equal(archived, false)
  assert.ok(body.startedAt <= body.completedAt)
})

on('batch.upsert', async (simulator) => {
  const upsert = (id: string, firstname: string) =>
    batch(simulator, 'upsert', [{ id, idProperty: 'ext_id', properties: { firstname } }])
  const [first, second] = [await upsert('x', 'Ann'), await upsert('x', 'Bea')]
  assert.deepEqual([first.status, first.body.results[0].new], [200, true])
  assert.deepEqual([second.status, second.body.results[0].new], [200, false])
  assert.equal(first.body.results[0].id, second.body.results[0].id)
  const [{ ext_id, firstname }] = await stored(simulator)
  assert.deepEqual([ext_id, firstname], ['x', 'Bea'])
})

on('batch.update', async (simulator) => {
  const [id] = await given(simulator, { email: 'a@b.co', firstname: 'Ann', lastname: 'Lee' })
  const { status, body } = await batch(simulator, 'update', [{ id, properties: { firstname: 'Bea' } }])
  assert.deepEqual([status, body.results[0].id], [200, id])
  const [{ email, firstname, lastname }] = await stored(simulator)
  assert.deepEqual([email, firstname, lastname], ['a@b.co', 'Bea', 'Lee'])
})

on('batch.order', async (simulator) => {
  const emails = Array.from({ length: 30 }, (_, at) => `p${at}@b.co`)
  const order = async (at: SimulatorAtHand) =>
    (
      await batch(
        at,
        'create',
        emails.map((email) => traced(email)),
      )
    ).body.results.map(({ objectWriteTraceId }: { objectWriteTraceId: string }) => objectWriteTraceId)
  const seen = await order(simulator)
  assert.notDeepEqual(seen, emails)
  assert.deepEqual([...seen].sort(), [...emails].sort())
  await withSimulator('hubspot', {}, async (same) => assert.deepEqual(await order(same), seen))
  await withSimulator('hubspot', { seed: 2 }, async (other) => assert.notDeepEqual(await order(other), seen))
  await withSimulator('hubspot', { shuffle: false }, async (still) => assert.deepEqual(await order(still), emails))
})

on('batch.trace-ids', async (simulator) => {
  for (const call of ['create', 'upsert', 'update']) {
    await simulator.door('/__reset', {})
    const [one, two] = await given(simulator, { ext_id: 'a' }, { ext_id: 'b' })
    const ids = call === 'update' ? [one, two] : call === 'create' ? [undefined, undefined] : ['a', 'b']
    const inputs = ids.map((id, at) => ({
      ...traced(at === 0 ? 'a@b.co' : 'nonsense', {}, `row ${at}`),
      ...(id === undefined ? {} : { id }),
      ...(call === 'upsert' ? { idProperty: 'ext_id' } : {}),
    }))
    const reply = await batch(simulator, call, inputs)
    assert.deepEqual(outcome(reply), { status: 207, bad: [['VALIDATION_ERROR', 'row 1']], good: ['row 0'] }, call)
    assert.equal(reply.body.numErrors, 1)
    const emails = (await stored(simulator)).map(({ email }: { email?: string }) => email)
    assert.deepEqual(
      emails.filter((email?: string) => email !== undefined),
      ['a@b.co'],
      call,
    )
  }
})

on('batch.no-trace-ids', async (simulator) => {
  const inputs = [{ properties: { email: 'a@b.co' } }, { properties: { email: 'nonsense' } }, traced('c@d.co')]
  const { status, body } = await batch(simulator, 'create', inputs)
  assert.deepEqual([status, body.category, body.errors[0].code], [400, 'VALIDATION_ERROR', 'INVALID_EMAIL'])
  assert.deepEqual(await stored(simulator), [])
})

on('batch.duplicates', async (simulator) => {
  const input = { id: 'x', idProperty: 'ext_id', properties: {} }
  for (const more of [{}, { objectWriteTraceId: '1' }]) {
    const { status, body } = await batch(simulator, 'upsert', [input, { ...input, ...more }])
    assert.deepEqual([status, body.category, body.context], [400, 'VALIDATION_ERROR', { ids: ['x'] }])
  }
  assert.deepEqual(await stored(simulator), [])
})

on('batch.duplicate-emails', async (simulator) => {
  const inputs = ['A@b.co', ' a@B.co'].map((id) => ({
    id,
    idProperty: 'email',
    properties: {},
    objectWriteTraceId: id,
  }))
  assert.equal((await batch(simulator, 'upsert', inputs)).status, 400)
})

on('batch.id-property', async (simulator) => {
  const input = { id: 'x', idProperty: 'firstname', properties: {}, objectWriteTraceId: '1' }
  for (const call of ['upsert', 'update']) {
    const { status, body } = await batch(simulator, call, [input])
    assert.deepEqual([status, /non-unique contact property: firstname/.test(body.message)], [400, true])
  }
  const read = await batch(simulator, 'read', [{ id: 'x' }], { idProperty: 'nothing' })
  assert.deepEqual([read.status, read.body.message], [400, 'Property "nothing" does not exist'])
  const domain = [{ ...input, idProperty: 'domain' }]
  assert.equal((await batch(simulator, 'upsert', domain, {}, '/crm/v3/objects/companies')).status, 400)
})

on('batch.upsert-needs-property', async (simulator) => {
  assert.equal((await batch(simulator, 'upsert', [{ id: '1', properties: {} }])).status, 400)
})

on('batch.record-id', async (simulator) => {
  const [id] = await given(simulator, { firstname: 'Ann' })
  const input = { id, properties: { firstname: 'Bea' }, objectWriteTraceId: '1' }
  assert.equal((await batch(simulator, 'update', [{ ...input, idProperty: 'hs_object_id' }])).status, 400)
  assert.equal((await batch(simulator, 'update', [input])).status, 200)
})

on('batch.unknown-id', async (simulator) => {
  const [id] = await given(simulator, { firstname: 'Ann' })
  const inputs = [id, '7', '8'].map((id) => ({ id, properties: { firstname: 'Bea' } }))
  for (const more of [{}, { objectWriteTraceId: 'x' }]) {
    const { status, body } = await batch(
      simulator,
      'update',
      inputs.map((input) => ({ ...input, ...more })),
    )
    assert.deepEqual([status, body.results.length, body.errors.length], [207, 1, 1])
    assert.deepEqual([body.errors[0].category, body.errors[0].context], ['OBJECT_NOT_FOUND', { ids: ['7', '8'] }])
  }
})

on(
  'batch.unknown-id-blank',
  async (simulator) => {
    const { status, body } = await batch(simulator, 'update', [{ id: '7', properties: {} }])
    assert.deepEqual([status, body.errors[0].context, body.results], [207, { ids: [] }, []])
  },
  { blank_missing_ids: true },
)

on('batch.malformed', async (simulator) => {
  const bodies = [
    '{"inputs":',
    {},
    { inputs: {} },
    { inputs: [{}] },
    { inputs: [{ properties: { firstname: ['a'] } }] },
  ]
  for (const body of bodies) {
    const reply = await simulator.ask('POST', `${CONTACTS}/batch/create`, body)
    assert.deepEqual([reply.status, reply.body.category], [400, 'VALIDATION_ERROR'], JSON.stringify(body))
  }
  assert.equal((await batch(simulator, 'update', [{ properties: {} }])).status, 400)
  assert.match((await batch(simulator, 'update', [{ properties: {} }])).body.correlationId, /^[0-9a-f-]{36}$/)
})

on('batch.conflict', async (simulator) => {
  const [id] = await given(simulator, { email: 'a@b.co' }, { email: 'c@d.co' })
  const inputs = ['new@b.co', 'a@b.co', 'c@d.co'].map((email) => ({ properties: { email } }))
  const { status, body } = await batch(simulator, 'create', inputs)
  assert.deepEqual(
    [status, body.category, body.message],
    [409, 'CONFLICT', `Contact already exists. Existing ID: ${id}`],
  )
  assert.equal((await stored(simulator)).length, 2)
})

on('batch.conflict-traced', async (simulator) => {
  const [id] = await given(simulator, { email: 'a@b.co' })
  const reply = await batch(simulator, 'create', [traced('new@b.co'), traced('a@b.co')])
  assert.deepEqual(outcome(reply), { status: 207, bad: [['CONFLICT', 'a@b.co']], good: ['new@b.co'] })
  assert.deepEqual(reply.body.errors[0].context.existingId, [id])
  const upsert = { ...traced('a@b.co'), id: 'x', idProperty: 'ext_id' }
  assert.deepEqual(outcome(await batch(simulator, 'upsert', [upsert])).bad, [['CONFLICT', 'a@b.co']])
})

on(
  'batch.conflict-whole',
  async (simulator) => {
    await given(simulator, { email: 'a@b.co' })
    const upsert = (email: string, id: string) => ({ ...traced(email), id, idProperty: 'ext_id' })
    const reply = await batch(simulator, 'upsert', [upsert('new@b.co', 'x'), upsert('a@b.co', 'y')])
    assert.deepEqual([reply.status, reply.body.category], [409, 'CONFLICT'])
    const inside = await batch(simulator, 'upsert', [upsert('c@d.co', 'x'), upsert('c@d.co', 'y')])
    assert.equal(inside.status, 409)
    assert.equal((await stored(simulator)).length, 1)
    const bad = await batch(simulator, 'upsert', [upsert('nonsense', 'x'), upsert('e@f.co', 'y')])
    assert.deepEqual(outcome(bad), { status: 207, bad: [['VALIDATION_ERROR', 'nonsense']], good: ['e@f.co'] })
  },
  { whole_batch_conflicts: true },
)

on('batch.conflict-inside', async (simulator) => {
  const inputs = [traced('a@b.co', {}, '1'), traced('A@b.co', {}, '2')]
  assert.deepEqual(outcome(await batch(simulator, 'create', inputs)), {
    status: 207,
    bad: [['CONFLICT', '2']],
    good: ['1'],
  })
})

on('batch.read', async (simulator) => {
  const [id] = await given(simulator, { email: 'a@b.co', firstname: 'Ann' })
  const properties = ['firstname', 'lastname', 'nothing']
  const byId = await batch(simulator, 'read', [{ id }, { id }], { properties })
  assert.deepEqual([byId.status, byId.body.results.length, byId.body.results[0].id], [200, 1, id])
  const { createdate, lastmodifieddate, ...rest } = byId.body.results[0].properties
  assert.deepEqual(rest, { firstname: 'Ann', lastname: null, hs_object_id: id })
  assert.ok(createdate !== undefined && lastmodifieddate !== undefined)
  const byEmail = await batch(simulator, 'read', [{ id: 'A@B.co' }], { idProperty: 'email' })
  assert.deepEqual([byEmail.status, byEmail.body.results[0].properties.email], [200, 'a@b.co'])
})

on('batch.read-missing', async (simulator) => {
  const [id] = await given(simulator, { email: 'a@b.co' })
  const { status, body } = await batch(simulator, 'read', [{ id }, { id: '7' }])
  assert.deepEqual([status, body.numErrors, body.results.length], [207, 1, 1])
  assert.deepEqual([body.errors[0].category, body.errors[0].context], ['OBJECT_NOT_FOUND', { ids: ['7'] }])
})

on('batch.read-none', async (simulator) => {
  const { status, body } = await batch(simulator, 'read', [{ id: '7' }])
  assert.deepEqual([status, body.category], [404, 'OBJECT_NOT_FOUND'])
})

on('batch.read-history', async (simulator) => {
  const ids = await given(simulator, ...Array.from({ length: 51 }, () => ({ firstname: 'Ann' })))
  const inputs = ids.map((id) => ({ id }))
  const more = { propertiesWithHistory: ['firstname'] }
  assert.equal((await batch(simulator, 'read', inputs, more)).status, 400)
  const { status, body } = await batch(simulator, 'read', inputs.slice(1), more)
  assert.deepEqual([status, body.results[0].propertiesWithHistory.firstname[0].value], [200, 'Ann'])
})

on('batch.archive', async (simulator) => {
  const [id] = await given(simulator, { email: 'a@b.co' })
  const withProperty = await batch(simulator, 'archive', [{ id: 'a@b.co', idProperty: 'email' }])
  assert.equal(withProperty.status, 400)
  const { status, body } = await batch(simulator, 'archive', [{ id }])
  assert.deepEqual([status, body, await stored(simulator)], [204, '', []])
  const { writes } = await simulator.door('/__journal')
  assert.deepEqual([writes.at(-1).change, writes.at(-1).id], ['archived', id])
})

on('batch.archive-unknown', async (simulator) => {
  const [id] = await given(simulator, { email: 'a@b.co' })
  for (const ids of [['7', 'a@b.co'], [id], [id]]) {
    assert.equal(
      (
        await batch(
          simulator,
          'archive',
          ids.map((one) => ({ id: one })),
        )
      ).status,
      204,
    )
  }
  const { writes } = await simulator.door('/__journal')
  assert.deepEqual(
    writes.map(({ change }: { change: string }) => change),
    ['created', 'archived'],
  )
})

on('record.single', async (simulator) => {
  const { ask } = simulator
  const created = await ask('POST', CONTACTS, { properties: { email: 'a@b.co', ext_id: 'x' } })
  assert.deepEqual([created.status, created.body.properties.email], [201, 'a@b.co'])
  const changed = await ask('PATCH', `${CONTACTS}/x?idProperty=ext_id`, { properties: { firstname: 'Ann' } })
  assert.deepEqual([changed.status, changed.body.id], [200, created.body.id])
  const read = await ask('GET', `${CONTACTS}/a%40b.co?idProperty=email&properties=firstname,ext_id`)
  assert.deepEqual([read.body.properties.firstname, read.body.properties.ext_id], ['Ann', 'x'])
  assert.equal((await ask('PATCH', `${CONTACTS}/x?idProperty=firstname`, { properties: {} })).status, 400)
  assert.equal((await ask('DELETE', `${CONTACTS}/${created.body.id}`)).status, 204)
  assert.equal((await ask('GET', `${CONTACTS}/${created.body.id}`)).status, 404)
})

on('record.single-missing', async ({ ask }) => {
  for (const [method, body] of [['GET'], ['PATCH', { properties: {} }]] as const) {
    const reply = await ask(method, `${CONTACTS}/7`, body)
    assert.deepEqual([reply.status, reply.body.category], [404, 'OBJECT_NOT_FOUND'])
  }
})

on('record.single-delete', async ({ ask }) => {
  assert.equal((await ask('DELETE', `${CONTACTS}/7`)).status, 204)
})

on('record.single-conflict', async (simulator) => {
  const [id] = await given(simulator, { email: 'a@b.co' })
  const reply = await simulator.ask('POST', CONTACTS, { properties: { email: 'a@b.co' } })
  assert.deepEqual([reply.status, reply.body.message], [409, `Contact already exists. Existing ID: ${id}`])
})

on('record.list', async (simulator) => {
  const ids = await given(simulator, ...Array.from({ length: 250 }, (_, at) => ({ firstname: `${at}` })))
  const seen: string[] = []
  let after = ''
  for (let page = 0; page < 4; page++) {
    const { body } = await simulator.ask('GET', `${CONTACTS}?limit=100&properties=firstname${after}`)
    seen.push(...body.results.map(({ id }: { id: string }) => id))
    if (body.paging === undefined) break
    after = `&after=${body.paging.next.after}`
  }
  assert.deepEqual(seen, ids)
  assert.equal((await simulator.ask('GET', CONTACTS)).body.results.length, 10)
  assert.equal((await simulator.ask('GET', `${CONTACTS}?limit=101`)).status, 400)
})

on(
  'record.list-lag',
  async (simulator) => {
    const listed = async () =>
      (await simulator.ask('GET', `${CONTACTS}?properties=firstname`)).body.results.map(
        ({ properties }: { properties: { firstname: string } }) => properties.firstname,
      )
    const [id] = await given(simulator, { firstname: 'Ann' })
    assert.deepEqual(await listed(), [])
    await simulator.door('/__clock', { ms: 20_000 })
    await batch(simulator, 'update', [{ id, properties: { firstname: 'Bea' } }])
    assert.deepEqual(await listed(), ['Ann'])
    await simulator.door('/__clock', { ms: 20_000 })
    assert.deepEqual(await listed(), ['Bea'])
  },
  { list_lag_ms: 20_000 },
)

on('record.archived-unique', async (simulator) => {
  const [id] = await given(simulator, { email: 'a@b.co' })
  await simulator.ask('DELETE', `${CONTACTS}/${id}`)
  const { status, body } = await batch(simulator, 'create', [traced('a@b.co')])
  assert.deepEqual([status, body.results[0].id === id], [201, false])
})

on('record.archived', async (simulator) => {
  const [id] = await given(simulator, { email: 'a@b.co' })
  await simulator.ask('DELETE', `${CONTACTS}/${id}`)
  const archived = async () => (await simulator.ask('GET', `${CONTACTS}?archived=true`)).body.results
  assert.deepEqual([(await archived())[0].id, (await archived())[0].archived], [id, true])
  assert.equal((await simulator.ask('GET', `${CONTACTS}/${id}?archived=true`)).status, 200)
  const [second] = await given(simulator, { email: 'e@f.co' })
  await simulator.ask('DELETE', `${CONTACTS}/${second}`)
  await simulator.door('/__clock', { ms: 90 * 86_400_000 })
  assert.deepEqual(await archived(), [])
  assert.equal((await simulator.ask('GET', `${CONTACTS}/${id}?archived=true`)).status, 404)
  // Those that are gone for good do not hide those behind them.
  const [later] = await given(simulator, { email: 'c@d.co' })
  await simulator.ask('DELETE', `${CONTACTS}/${later}`)
  const { results, paging } = (await simulator.ask('GET', `${CONTACTS}?archived=true&limit=1`)).body
  assert.deepEqual([results[0]?.id, paging], [later, undefined])
})

on('record.merge', async (simulator) => {
  const people = [{ email: 'a@b.co' }, { email: 'c@d.co', firstname: 'Ann' }]
  const [primary, other] = await given(simulator, ...people)
  const merge = { primaryObjectId: primary, objectIdToMerge: other }
  const merged = await simulator.ask('POST', `${CONTACTS}/merge`, merge)
  assert.deepEqual([merged.status, merged.body.id, merged.body.properties.firstname], [200, primary, 'Ann'])
  for (const path of ['c@d.co?idProperty=email', 'a@b.co?idProperty=email']) {
    assert.equal((await simulator.ask('GET', `${CONTACTS}/${path}`)).body.id, primary, path)
  }
  const [{ hs_additional_emails, hs_merged_object_ids }] = await stored(simulator)
  assert.deepEqual([hs_additional_emails, hs_merged_object_ids], ['c@d.co', other])
  assert.equal((await simulator.ask('POST', `${CONTACTS}/merge`, merge)).status, 400)
  assert.equal((await simulator.ask('POST', `${CONTACTS}/merge`, { ...merge, objectIdToMerge: '7' })).status, 404)
})

on('record.merged-id', async (simulator) => {
  const [first, second, third] = await given(simulator, { firstname: 'A' }, { firstname: 'B' }, { firstname: 'C' })
  const merge = (primaryObjectId = '', objectIdToMerge = '') =>
    simulator.ask('POST', `${CONTACTS}/merge`, { primaryObjectId, objectIdToMerge })
  await merge(second, third)
  await merge(first, second)
  assert.equal((await simulator.ask('GET', `${CONTACTS}/${third}`)).body.id, first)
  assert.deepEqual((await batch(simulator, 'read', [{ id: second }, { id: third }])).body.results.length, 1)
  const updated = await batch(simulator, 'update', [{ id: third, properties: { firstname: 'D' } }])
  assert.deepEqual([updated.body.results[0].id, (await stored(simulator))[0].firstname], [first, 'D'])
  await batch(simulator, 'archive', [{ id: second }])
  assert.deepEqual(await stored(simulator), [])
})

on('record.unknown-object', async ({ ask }) => {
  const { status, body } = await ask('GET', '/crm/v3/objects/cows')
  assert.deepEqual([status, body.message], [400, 'Unable to infer object type from: cows'])
})

on('record.custom-object', async (simulator) => {
  for (const name of ['car', 'p1234567_car', '2-7000001']) {
    const input = [{ properties: { vin: name, color: 'red' } }]
    assert.equal((await batch(simulator, 'create', input, {}, `/crm/objects/2026-09/${name}`)).status, 201, name)
  }
  assert.equal((await stored(simulator, 'car')).length, 3)
})

on('record.required', async (simulator) => {
  for (const base of ['/crm/v3/objects/car', '/crm/objects/2026-09/car']) {
    const { status, body } = await batch(simulator, 'create', [{ properties: { color: 'red' } }], {}, base)
    assert.deepEqual([status, body.errors[0].code], [400, 'REQUIRED_PROPERTY'])
  }
})

on('email.lower-case', async (simulator) => {
  const upsert = (id: string) =>
    batch(simulator, 'upsert', [{ id, idProperty: 'email', properties: { email: id }, objectWriteTraceId: '1' }])
  const first = await upsert(' Ann@Example.COM ')
  assert.equal(first.body.results[0].properties.email, 'ann@example.com')
  assert.equal((await upsert('ANN@example.com')).body.results[0].id, first.body.results[0].id)
})

on('email.secondary', async (simulator) => {
  const [id] = await given(simulator, { email: 'a@b.co', hs_additional_emails: 'c@d.co;E@f.co' })
  for (const address of ['a@b.co', 'C@d.co', 'e@f.co']) {
    const { body } = await batch(simulator, 'read', [{ id: address }], { idProperty: 'email' })
    assert.equal(body.results[0].id, id, address)
  }
  const taken = await batch(simulator, 'create', [traced('e@f.co')])
  assert.deepEqual(taken.body.errors[0].context.existingId, [id])
  const claim = await batch(simulator, 'create', [traced('new@b.co', { hs_additional_emails: 'c@d.co' })])
  assert.deepEqual(outcome(claim).bad, [['CONFLICT', 'new@b.co']])
})

on('email.collision', async (simulator) => {
  const [id] = await given(simulator, { email: 'a@b.co', hs_additional_emails: 'c@d.co' })
  const inputs = ['a@b.co', 'c@d.co'].map((email) => ({
    id: email,
    idProperty: 'email',
    properties: { firstname: email },
    objectWriteTraceId: email,
  }))
  const { status, body } = await batch(simulator, 'upsert', inputs)
  assert.deepEqual([status, body.results.map((result: { id: string }) => result.id)], [200, [id, id]])
})

on('email.swap', async (simulator) => {
  const [id] = await given(simulator, { email: 'a@b.co', hs_additional_emails: 'c@d.co' })
  await batch(simulator, 'update', [{ id, properties: { email: 'c@d.co' } }])
  const [{ email, hs_additional_emails }] = await stored(simulator)
  assert.deepEqual([email, hs_additional_emails], ['c@d.co', 'a@b.co'])
  assert.equal((await simulator.ask('GET', `${CONTACTS}/a%40b.co?idProperty=email`)).body.id, id)
})

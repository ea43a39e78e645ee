import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { httpDestination } from '../../src/connectors/http-destination.ts'
import { HTTP_PRESETS, readPreset } from '../../src/connectors/http-presets.ts'
import { BatchRefusedError, FatalError } from '../../src/core/errors.ts'
import { fatal, type HttpRequested, openHttp, problemsOf, statuses } from '../support/http-connection.ts'
import { httpSimulator } from '../support/http-simulator.ts'

const simulator = await httpSimulator()

const connection = (preset: string, auth: object | undefined, extra: object = {}) => ({
  preset,
  base_url: `${simulator.url}/${preset}`,
  ...(auth !== undefined && { auth }),
  ...extra,
})
const modes = (preset: string, object: string, auth?: object) =>
  httpDestination.object(object, httpDestination.options.parse(connection(preset, auth))).syncModes

test('every preset is a file with its sources and tags, and says that it was not tested against the service', () => {
  const files = readdirSync(new URL('../../src/connectors/presets/', import.meta.url)).sort()
  assert.deepEqual(files, HTTP_PRESETS.map((name) => `${name}.json`).sort())
  const docs = readFileSync(new URL('../../docs/connectors/presets.md', import.meta.url), 'utf8')
  for (const name of HTTP_PRESETS) {
    const preset = readPreset(name)
    assert.equal(preset.tested, 'not tested against the live service')
    assert.ok(Object.keys(preset.objects).length > 0)
    assert.ok(docs.includes(`\`${name}\``), `docs/connectors/presets.md does not have ${name}`)
    for (const object of Object.keys(preset.objects)) assert.ok(docs.includes(`\`${object}\``), `${name}: ${object}`)
    for (const { url } of preset.sources) assert.ok(docs.includes(url), `${name}: ${url}`)
  }
})

test('a preset asks for what only the user has, and says what that is', () => {
  assert.match(
    problemsOf({ preset: 'braze' }).join('\n'),
    /base_url: expected the address of the API, your REST endpoint/,
  )
  assert.match(
    problemsOf({ preset: 'klaviyo', auth: {} }).join('\n'),
    /auth\.token: .*a private API key with profiles:write/,
  )
  assert.match(problemsOf({ preset: 'brase' }).join('\n'), /^preset: /)
})

test('objects of the user win over those of the preset, and the others stay', () => {
  const people = { insert: { method: 'POST', body: '$record' } }
  const given = connection('customerio', { username: 'site', password: 'key1' }, { objects: { people }, rate: '5/s' })
  const options = httpDestination.options.parse(given)
  assert.deepEqual(httpDestination.object('people', options).syncModes, ['insert-only'])
  assert.deepEqual(httpDestination.object('people_by_email', options).syncModes, ['mirror', 'upsert'])
  assert.deepEqual(options.rates, [{ requests: 5, perMs: 1000 }])
})

const open = (preset: string, auth: object | undefined, requested: HttpRequested) =>
  openHttp(connection(preset, auth), requested)

test('Customer.io: people by id and by e-mail, with an error for each bad one', async () => {
  const auth = { username: 'site', password: 'key1' }
  assert.deepEqual(modes('customerio', 'people', auth), ['mirror', 'upsert'])
  const requested = {
    object: 'people',
    fields: { id: 'integer', name: 'text', paid: 'boolean' },
    mode: 'mirror',
  } as const
  await using http = await open('customerio', auth, requested)
  assert.match(String((await http.destination.check())[0]), /customerio was not tested against the live service/)
  const rows = [
    { id: '1', name: 'Ann', paid: 't' },
    { id: '2', name: 'x'.repeat(40_000), paid: 'f' },
    { id: '3', name: null, paid: null },
  ]
  assert.deepEqual(statuses(await http.write('upsert', rows)), ['done', 'rejected too_large', 'done'])
  assert.deepEqual(await simulator.fields('customerio'), [
    { id: '1', name: 'Ann', paid: true },
    { id: '3', name: null, paid: null },
  ])
  assert.deepEqual(statuses(await http.write('delete', rows)), ['done', 'done', 'done'])
  assert.deepEqual(await simulator.fields('customerio'), [])
  const byMail = { object: 'people_by_email', fields: { email: 'text', name: 'text' }, match: ['email'] } as const
  await using mail = await open('customerio', auth, byMail)
  const people = [
    { email: 'Ann@x.test', name: 'Ann' },
    { email: 'nobody', name: 'Bob' },
  ]
  assert.deepEqual(statuses(await mail.write('upsert', people)), ['done', 'rejected invalid'])
  assert.equal(mail.destination.identity?.(['Ann@x.test']), mail.destination.identity?.(['ann@x.test']))
})

test('Braze: users in batches of 75, with errors by their place, and deletes', async () => {
  const auth = { token: 'rest key' }
  assert.deepEqual(modes('braze', 'users', auth), ['mirror', 'upsert'])
  const fields = { external_id: 'integer', email: 'text', plan: 'text' } as const
  await using http = await open('braze', auth, { object: 'users', fields, match: ['external_id'], mode: 'mirror' })
  const rows = Array.from({ length: 75 }, (_, n) => ({
    external_id: String(n),
    email: n === 40 ? 'no mail' : `p${n}@x.test`,
    plan: null,
  }))
  const outcomes = await http.write('upsert', rows)
  assert.deepEqual(
    outcomes.flatMap((outcome, at) =>
      outcome.status === 'done' ? [] : [[at, outcome.status, 'message' in outcome && outcome.message]],
    ),
    [[40, 'rejected', "'email' is not valid"]],
  )
  assert.equal((await simulator.records('braze')).length, 74)
  assert.deepEqual(new Set(statuses(await http.write('delete', rows))), new Set(['done']))
  assert.equal((await simulator.records('braze')).length, 0)
  const deletes = (await simulator.requests()).filter(({ path }) => path === '/braze/users/delete')
  assert.equal(deletes.length, 2)
})

test('Klaviyo: profiles, with custom fields in their properties', async () => {
  const auth = { token: 'pk_abcd' }
  assert.deepEqual(modes('klaviyo', 'profiles', auth), ['upsert'])
  const fields = { external_id: 'text', email: 'text', plan: 'text', seats: 'integer' } as const
  await using http = await open('klaviyo', auth, { object: 'profiles', fields, match: ['external_id'] })
  const row = { external_id: 'a', email: 'a@x.test', plan: 'pro', seats: '3' }
  const [made] = await http.write('upsert', [row])
  assert.ok(made?.status === 'done' && made.created === true && made.id?.startsWith('01K'))
  const [again] = await http.write('upsert', [{ ...row, plan: 'free' }])
  assert.ok(again?.status === 'done' && again.created === false && again.id === made.id)
  assert.deepEqual(await simulator.fields('klaviyo'), [
    { external_id: 'a', email: 'a@x.test', plan: 'free', seats: '3' },
  ])
  const [refused] = await http.write('upsert', [{ ...row, email: 'no mail' }])
  assert.ok(refused?.status === 'rejected')
  assert.deepEqual([refused.code, refused.message], ['invalid', 'Invalid email address'])
  const numbered = { ...fields, external_id: 'integer' } as const
  await using other = await open('klaviyo', auth, { object: 'profiles', fields: numbered, match: ['external_id'] })
  assert.deepEqual(statuses(await other.write('upsert', [{ ...row, external_id: '7' }])), ['done'])
})

test('Intercom: contacts are made, found, changed, listed and deleted by ids of its own', async () => {
  const auth = { token: 'access' }
  assert.deepEqual(modes('intercom', 'contacts', auth), [
    'mirror',
    'upsert',
    'update-only',
    'delete-only',
    'insert-only',
  ])
  const fields = { external_id: 'text', email: 'text', plan: 'text' } as const
  const requested = { object: 'contacts', fields, match: ['external_id'], mode: 'mirror' } as const
  await using http = await open('intercom', auth, requested)
  await http.destination.check()
  const write = (row: Record<string, string>) => http.write('upsert', [row])
  const [made] = await write({ external_id: '7', email: 'a@x.test', plan: 'pro' })
  assert.ok(made?.status === 'done' && made.created === true && made.id !== undefined)
  assert.deepEqual(statuses(await write({ external_id: '7', email: 'b@x.test', plan: 'free' })), ['done'])
  assert.deepEqual(
    statuses(await http.write('update', [{ external_id: '8', email: 'c@x.test', plan: 'free' }], [made.id])),
    ['done'],
  )
  assert.deepEqual(await simulator.fields('intercom'), [
    { role: 'user', external_id: '8', email: 'c@x.test', plan: 'free' },
  ])
  assert.deepEqual(statuses(await write({ external_id: '9', email: 'no mail', plan: '' })), [
    'rejected parameter_invalid',
  ])
  let listed = 0
  for await (const { count } of http.destination.list?.(new AbortController().signal).rows ?? []) listed += count
  assert.equal(listed, 1)
  assert.deepEqual(statuses(await http.write('delete', [{ external_id: '8', email: null, plan: null }])), ['done'])
  assert.deepEqual(await simulator.fields('intercom'), [])
  const numbered = { ...requested, fields: { ...fields, external_id: 'integer' } } as const
  await using other = await open('intercom', auth, numbered)
  const contact = (plan: string) => other.write('upsert', [{ external_id: '7', email: 'a@x.test', plan }])
  for (const plan of ['pro', 'free']) assert.deepEqual(statuses(await contact(plan)), ['done'])
  assert.deepEqual(
    (await simulator.fields('intercom')).map(({ external_id: id, plan }) => [id, plan]),
    [['7', 'free']],
  )
  await using wrong = await openHttp(
    { ...connection('intercom', { type: 'basic', username: 'a', password: 'b' }) },
    requested,
  )
  await assert.rejects(wrong.destination.check(), fatal('authentication_failed'))
})

test('Zendesk: users one by one, deleted by the id that a search finds', async () => {
  const auth = { username: 'me@x.test/token', password: 'key1' }
  assert.deepEqual(modes('zendesk', 'users', auth), ['mirror', 'upsert'])
  const fields = { external_id: 'text', name: 'text', plan: 'text' } as const
  await using http = await open('zendesk', auth, { object: 'users', fields, match: ['external_id'], mode: 'mirror' })
  await http.destination.check()
  const [made] = await http.write('upsert', [{ external_id: 'A1', name: 'Ann', plan: 'pro' }])
  assert.ok(made?.status === 'done' && made.created === true)
  const [refused] = await http.write('upsert', [{ external_id: 'B2', name: '', plan: 'pro' }])
  assert.ok(refused?.status === 'rejected')
  assert.deepEqual([refused.code, /cannot be blank/.test(refused.message)], ['RecordInvalid', true])
  assert.deepEqual(await simulator.fields('zendesk'), [{ external_id: 'A1', name: 'Ann', plan: 'pro' }])
  assert.deepEqual(statuses(await http.write('delete', [{ external_id: 'a1', name: null, plan: null }])), ['done'])
  assert.deepEqual(await simulator.fields('zendesk'), [])
})

test('Slack: a message for each new row, and none twice', async () => {
  assert.deepEqual(modes('slack', 'messages'), ['insert-only'])
  const fields = { id: 'integer', text: 'text', blocks: 'json' } as const
  const requested = { object: 'messages', fields, mode: 'insert-only', rules: { blocks: { nulls: 'skip' } } } as const
  const to = (token: string) =>
    openHttp({ preset: 'slack', base_url: `${simulator.url}/slack/services/T1/B1/${token}` }, requested)
  await using http = await to('abcd')
  assert.deepEqual(statuses(await http.write('insert', [{ id: '1', text: 'hello', blocks: null }])), ['done'])
  assert.deepEqual(await simulator.fields('slack'), [{ text: 'hello' }])
  assert.deepEqual(statuses(await http.write('insert', [{ id: '2', text: '', blocks: null }])), ['rejected http_400'])
  for (const token of ['archived', 'gone', 'prohibited']) {
    await using closed = await to(token)
    await assert.rejects(closed.write('insert', [{ id: '3', text: 'x', blocks: null }]), FatalError, token)
  }
  const options = httpDestination.options.parse({
    preset: 'slack',
    base_url: 'https://hooks.slack.test/services/T/B/X',
  })
  assert.equal(httpDestination.object('messages', options).insertsAgain, 'twice')
})

test('a batch of a preset that is refused as a whole is halved', async () => {
  const auth = { username: 'site', password: 'key1' }
  await simulator.door('faults', { rules: [{ fault: 'status-400' }] })
  await using http = await open('customerio', auth, { object: 'people' })
  await assert.rejects(
    http.write('upsert', [
      { id: '1', name: 'a' },
      { id: '2', name: 'b' },
    ]),
    BatchRefusedError,
  )
  await simulator.door('faults', { rules: [] })
})

import assert from 'node:assert/strict'
import { HTTP_VENDOR_BEHAVIOURS } from '../../src/simulators/http-vendor-behaviours.ts'
import { behaviourTests, type SimulatorAtHand, withSimulator } from './simulator-behaviour.ts'

const on = behaviourTests(HTTP_VENDOR_BEHAVIOURS)
const withHttp = (work: (simulator: SimulatorAtHand) => Promise<void>) => withSimulator('http', {}, work)
const count = async ({ door }: SimulatorAtHand, object: string) => (await door(`/__records/${object}`)).length

const BASIC = { authorization: 'Basic c2l0ZTprZXk=' }
const person = (identifiers: object, attributes: object | undefined = {}, action = 'identify') => {
  return { type: 'person', identifiers, action, ...(attributes !== undefined && { attributes }) }
}
const cio = (http: SimulatorAtHand, batch: unknown[]) => http.ask('POST', '/customerio/api/v2/batch', { batch }, BASIC)

on('customerio.batch', () =>
  withHttp(async (http) => {
    const { status, body } = await cio(http, [person({ id: '1' }, { plan: 'pro' }), person({ email: 'a@x.test' })])
    assert.deepEqual([status, body, await count(http, 'customerio')], [200, {}, 2])
    assert.equal((await http.ask('POST', '/customerio/api/v2/batch', { batch: [] }, BASIC)).status, 400)
  }),
)

on('customerio.errors', () =>
  withHttp(async (http) => {
    const bad = [
      { type: 'dog' },
      person({}),
      person({ id: 7 }),
      person({ email: 'x' }),
      person({ id: '1' }, undefined, 'jump'),
    ]
    const { status, body } = await cio(http, [person({ id: '1' }), ...bad])
    assert.equal(status, 207)
    assert.deepEqual(
      body.errors.map(({ batch_index, field, reason }: Record<string, unknown>) => [batch_index, field, reason]),
      [
        [1, 'type', 'invalid'],
        [2, 'identifiers', 'required'],
        [3, 'identifiers.id', 'required'],
        [4, 'identifiers.email', 'invalid'],
        [5, 'action', 'invalid'],
      ],
    )
    assert.equal(await count(http, 'customerio'), 1)
  }),
)

on('customerio.size', () =>
  withHttp(async (http) => {
    const { body } = await cio(http, [person({ id: '1' }, { x: 'x'.repeat(33_000) })])
    assert.equal(body.errors[0].reason, 'too_large')
    const many = Array.from({ length: 20 }, (_, n) => person({ id: `${n}` }, { x: 'x'.repeat(30_000) }))
    assert.equal((await cio(http, many)).status, 413)
  }),
)

on('customerio.email-case', () =>
  withHttp(async (http) => {
    await cio(http, [person({ email: 'Ann@X.test' }), person({ email: 'ann@x.test' })])
    assert.equal(await count(http, 'customerio'), 1)
  }),
)

on('customerio.delete', () =>
  withHttp(async (http) => {
    await cio(http, [person({ id: '1' })])
    const { status } = await cio(http, [
      person({ id: '1' }, undefined, 'delete'),
      person({ id: '2' }, undefined, 'delete'),
    ])
    assert.deepEqual([status, await count(http, 'customerio')], [200, 0])
  }),
)

on('braze.track', () =>
  withHttp(async (http) => {
    const { status, body } = await http.ask('POST', '/braze/users/track', {
      attributes: [{ external_id: '1', plan: 'pro' }],
    })
    assert.deepEqual([status, body], [201, { attributes_processed: 1, message: 'success' }])
    assert.equal((await http.ask('POST', '/braze/users/track', {})).status, 400)
  }),
)

on('braze.errors', () =>
  withHttp(async (http) => {
    const attributes = [{ external_id: '1' }, { plan: 'pro' }, { external_id: '2', email: 'no' }]
    const { status, body } = await http.ask('POST', '/braze/users/track', { attributes })
    assert.deepEqual([status, body.attributes_processed, body.message], [201, 1, 'success'])
    assert.deepEqual(
      body.errors.map(({ index, input_array }: Record<string, unknown>) => [index, input_array]),
      [
        [1, 'attributes'],
        [2, 'attributes'],
      ],
    )
  }),
)

const ids = (length: number) => Array.from({ length }, (_, n) => `u${n}`)

on('braze.limit', () =>
  withHttp(async (http) => {
    const track = async (length: number) =>
      (
        await http.ask('POST', '/braze/users/track', {
          attributes: ids(length).map((external_id) => ({ external_id })),
        })
      ).status
    assert.deepEqual([await track(75), await track(76)], [201, 400])
  }),
)

on('braze.delete', () =>
  withHttp(async (http) => {
    await http.ask('POST', '/braze/users/track', { attributes: [{ external_id: 'u0' }] })
    const remove = (length: number) => http.ask('POST', '/braze/users/delete', { external_ids: ids(length) })
    assert.deepEqual((await remove(50)).body, { deleted: 1, message: 'success' })
    assert.equal((await remove(51)).status, 400)
    assert.equal(await count(http, 'braze'), 0)
  }),
)

const KLAVIYO = { authorization: 'Klaviyo-API-Key pk', revision: '2025-07-15' }
const profile = (http: SimulatorAtHand, attributes: object, headers: Record<string, string> = KLAVIYO) =>
  http.ask('POST', '/klaviyo/api/profile-import', { data: { type: 'profile', attributes } }, headers)

on('klaviyo.import', () =>
  withHttp(async (http) => {
    const made = await profile(http, { email: 'a@x.test', properties: { plan: 'pro' } })
    const again = await profile(http, { email: 'a@x.test' })
    assert.deepEqual([made.status, again.status, again.body.data.id], [201, 200, made.body.data.id])
    assert.equal((await profile(http, { email: 'a@x.test' }, { ...KLAVIYO, revision: '' })).status, 400)
  }),
)

on('klaviyo.attributes', () =>
  withHttp(async (http) => {
    const { status, body } = await profile(http, { email: 'a@x.test', plan: 'pro' })
    assert.deepEqual([status, body.errors[0].source.pointer], [400, '/data/attributes/plan'])
  }),
)

on('klaviyo.external-id', () =>
  withHttp(async (http) => {
    const refused = await profile(http, { external_id: 7, email: 'a@x.test' })
    assert.deepEqual([refused.status, refused.body.errors[0].source.pointer], [400, '/data/attributes/external_id'])
    assert.equal((await profile(http, { external_id: '7' })).status, 201)
    assert.equal((await profile(http, { external_id: null, email: 'a@x.test' })).status, 201)
  }),
)

on('klaviyo.errors', () =>
  withHttp(async (http) => {
    const { status, body } = await profile(http, { email: 'no' })
    const [{ code, title, detail, source }] = body.errors
    assert.deepEqual([status, code, title], [400, 'invalid', 'invalid'])
    assert.deepEqual([detail, source.pointer], ['Invalid email address', '/data/attributes/email'])
  }),
)

const VERSION = { 'intercom-version': '2.11' }
const intercom = (http: SimulatorAtHand, method: string, path: string, body?: unknown) =>
  http.ask(method, `/intercom${path}`, body, VERSION)

on('intercom.create', () =>
  withHttp(async (http) => {
    const contact = { role: 'user', external_id: '7', email: 'a@x.test', custom_attributes: { plan: 'pro' } }
    const made = await intercom(http, 'POST', '/contacts', contact)
    assert.deepEqual([made.status, made.body.type, made.body.external_id], [200, 'contact', '7'])
    const again = await intercom(http, 'POST', '/contacts', contact)
    assert.deepEqual([again.status, again.body.errors[0].code], [409, 'conflict'])
    assert.match(again.body.errors[0].message, new RegExp(`id=${made.body.id}`))
    assert.equal((await intercom(http, 'POST', '/contacts', {})).status, 400)
    assert.equal((await intercom(http, 'POST', '/contacts', { external_id: '8', email: 'no' })).status, 400)
    assert.equal((await http.ask('POST', '/intercom/contacts', contact)).status, 400)
  }),
)

on('intercom.update', () =>
  withHttp(async (http) => {
    const { body } = await intercom(http, 'POST', '/contacts', { external_id: '7' })
    const changed = await intercom(http, 'PUT', `/contacts/${body.id}`, { external_id: '8', email: 'b@x.test' })
    assert.deepEqual([changed.status, changed.body.external_id], [200, '8'])
    assert.equal((await intercom(http, 'DELETE', `/contacts/${body.id}`)).body.deleted, true)
    for (const method of ['PUT', 'DELETE']) {
      const reply = await intercom(http, method, `/contacts/${body.id}`, {})
      assert.deepEqual([reply.status, reply.body.errors[0].code], [404, 'not_found'])
    }
  }),
)

on('intercom.conflict', () =>
  withHttp(async (http) => {
    const [first, second] = [
      (await intercom(http, 'POST', '/contacts', { external_id: '7' })).body.id,
      (await intercom(http, 'POST', '/contacts', { external_id: '8' })).body.id,
    ]
    const reply = await intercom(http, 'PUT', `/contacts/${second}`, { external_id: '7' })
    assert.deepEqual([reply.status, reply.body.errors[0].code], [409, 'conflict'])
    assert.match(reply.body.errors[0].message, new RegExp(`id=${first}$`))
    assert.equal((await intercom(http, 'PUT', `/contacts/${second}`, { external_id: '8' })).status, 200)
    assert.equal(await count(http, 'intercom'), 2)
  }),
)

on('intercom.search', () =>
  withHttp(async (http) => {
    await intercom(http, 'POST', '/contacts', { external_id: '7' })
    const search = (field: string, value: string) =>
      intercom(http, 'POST', '/contacts/search', { query: { field, operator: '=', value } })
    assert.equal((await search('external_id', '7')).body.data.length, 1)
    assert.equal((await search('external_id', '8')).body.total_count, 0)
    assert.equal((await search('plan', 'x')).status, 400)
  }),
)

on('intercom.list', () =>
  withHttp(async (http) => {
    for (let n = 0; n < 3; n++) await intercom(http, 'POST', '/contacts', { external_id: `${n}` })
    const first = (await intercom(http, 'GET', '/contacts?per_page=2')).body
    assert.deepEqual([first.data.length, first.pages.next.starting_after, first.total_count], [2, '2', 3])
    const last = (await intercom(http, 'GET', '/contacts?per_page=2&starting_after=2')).body
    assert.deepEqual([last.data.length, last.pages.next], [1, undefined])
  }),
)

const zendesk = (http: SimulatorAtHand, user: object) =>
  http.ask('POST', '/zendesk/api/v2/users/create_or_update', { user }, BASIC)

on('zendesk.upsert', () =>
  withHttp(async (http) => {
    const made = await zendesk(http, { external_id: 'A1', name: 'Ann' })
    const again = await zendesk(http, { external_id: 'a1', name: 'Anna', user_fields: { plan: 'pro' } })
    assert.deepEqual([made.status, again.status, again.body.user.id], [201, 200, made.body.user.id])
  }),
)

on('zendesk.invalid', () =>
  withHttp(async (http) => {
    for (const user of [{ external_id: '1', name: '' }, { name: 'x', email: 'no' }, { name: 'x' }]) {
      const { status, body } = await zendesk(http, user)
      assert.deepEqual([status, body.error, typeof body.details], [422, 'RecordInvalid', 'object'])
    }
  }),
)

on('zendesk.delete', () =>
  withHttp(async (http) => {
    const { body } = await zendesk(http, { external_id: 'A1', name: 'Ann' })
    const remove = async () =>
      (await http.ask('DELETE', `/zendesk/api/v2/users/${body.user.id}`, undefined, BASIC)).status
    assert.deepEqual([await remove(), await remove(), await count(http, 'zendesk')], [200, 404, 0])
  }),
)

on('zendesk.search', () =>
  withHttp(async (http) => {
    const { body } = await zendesk(http, { external_id: 'A1', name: 'Ann' })
    const search = async (id: string) =>
      (await http.ask('GET', `/zendesk/api/v2/users/search?external_id=${id}`, undefined, BASIC)).body
    assert.deepEqual((await search('a1')).users, [{ id: body.user.id, external_id: 'A1' }])
    assert.equal((await search('b2')).count, 0)
  }),
)

const slack = (http: SimulatorAtHand, body: unknown, token = 'X') =>
  http.ask('POST', `/slack/services/T/B/${token}`, body)

on('slack.message', () =>
  withHttp(async (http) => {
    for (let n = 0; n < 2; n++) assert.equal((await slack(http, { text: 'hello' })).body, 'ok')
    assert.equal(await count(http, 'slack'), 2)
  }),
)

on('slack.errors', () =>
  withHttp(async (http) => {
    const said = async (body: unknown, token?: string) => {
      const reply = await slack(http, body, token)
      return [reply.status, reply.body]
    }
    assert.deepEqual(await said('no JSON'), [400, 'invalid_payload'])
    assert.deepEqual(await said({ text: 'x' }, 'prohibited'), [403, 'action_prohibited'])
    assert.deepEqual(await said({ text: 'x' }, 'archived'), [410, 'channel_is_archived'])
  }),
)

on('slack.more-errors', () =>
  withHttp(async (http) => {
    const empty = await slack(http, { text: '' })
    const gone = await slack(http, { text: 'x' }, 'gone')
    assert.deepEqual([empty.status, empty.body, gone.status, gone.body], [400, 'no_text', 404, 'no_service'])
  }),
)

on('vendor.auth', () =>
  withHttp(async (http) => {
    const calls = [
      '/customerio/api/v2/batch',
      '/braze/users/track',
      '/klaviyo/api/profile-import',
      '/intercom/contacts',
      '/zendesk/api/v2/users/create_or_update',
    ]
    for (const path of calls) assert.equal((await http.ask('POST', path, {}, { authorization: '' })).status, 401, path)
  }),
)

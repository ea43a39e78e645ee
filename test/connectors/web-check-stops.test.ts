import assert from 'node:assert/strict'
import { test } from 'node:test'
import { httpDestination } from '../../src/connectors/http-destination.ts'
import { hubspotDestination } from '../../src/connectors/hubspot-destination.ts'
import { salesforceDestination } from '../../src/connectors/salesforce-destination.ts'
import type { Destination, ObjectRequest } from '../../src/core/destination.ts'
import { testContext } from '../../src/testing/test-context.ts'
import { field } from '../support/batch-field.ts'
import { loopbackServer } from '../support/loopback-server.ts'

const request: ObjectRequest = {
  name: 'people',
  mode: 'upsert',
  fields: [field('email'), field('name')],
  match: ['email'],
  keyEncodings: ['text'],
  create: false,
  deletesAs: 'delete',
}

const OPENED: Readonly<Record<string, (url: string) => Promise<Destination>>> = {
  hubspot: async (base_url) =>
    hubspotDestination.open(hubspotDestination.options.parse({ token: 'token', base_url }), request, testContext()),
  salesforce: async (instance_url) => {
    const options = salesforceDestination.options.parse({ instance_url, access_token: 'token' })
    return salesforceDestination.open(options, request, testContext())
  },
  http: async (base_url) => {
    const upsert = { method: 'PUT', path: '/people/{$key}', body: '$record' }
    const given = { base_url, allow_private_hosts: true, check: '/me', objects: { people: { upsert } } }
    return httpDestination.open(httpDestination.options.parse(given), request, testContext())
  },
}

const SOON = { timeout: 10_000 }

for (const [name, open] of Object.entries(OPENED)) {
  test(`${name}: a check ends when its signal aborts, although the service says nothing`, SOON, async () => {
    const controller = new AbortController()
    await using server = await loopbackServer(() => controller.abort('SIGINT'))
    await using destination = await open(server.url)
    const checking = destination.check(controller.signal)
    await assert.rejects(checking, (reason) => reason === 'SIGINT')
  })
}

test('salesforce: it waits no longer for the jobs of an earlier run when its signal aborts', SOON, async () => {
  const controller = new AbortController()
  await using server = await loopbackServer(() => controller.abort('SIGINT'))
  const options = salesforceDestination.options.parse({ instance_url: server.url, access_token: 'token' })
  const context = testContext()
  context.notes.set('salesforce job 750000000000001AAA', '{}')
  await using destination = await salesforceDestination.open(options, request, context)
  await assert.rejects(destination.prepare(controller.signal), (reason) => reason === 'SIGINT')
  assert.equal(context.notes.all().size, 1, 'the job is forgotten')
})

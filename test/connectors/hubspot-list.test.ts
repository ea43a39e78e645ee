import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRow } from '../../src/core/copy-text.ts'
import type { Destination } from '../../src/core/destination.ts'
import { UnansweredError } from '../../src/core/errors.ts'
import type { EndOfModel } from '../../src/core/row-batch.ts'
import { field } from '../support/batch-field.ts'
import { hubspotAccount } from '../support/hubspot-account.ts'
import { answerJson, loopbackServer } from '../support/loopback-server.ts'

async function listed(destination: Destination): Promise<{ keys: (string | null)[]; end: EndOfModel | undefined }> {
  const keys: (string | null)[] = []
  let end: EndOfModel | undefined
  for await (const batch of destination.list?.(new AbortController().signal).rows ?? []) {
    for (let row = 0; row < batch.count; row++) {
      const [key = null] = decodeRow(batch.bytes, batch.offsets[row] as number, batch.offsets[row + 1] as number)
      keys.push(key)
    }
    end = batch.end
  }
  return { keys, end }
}

test('lists by pages of a hundred, without those that have no value to match', async () => {
  await using account = await hubspotAccount()
  const rows = Array.from({ length: 250 }, (_, n) => (n % 50 === 7 ? { firstname: `${n}` } : { email: `n${n}@x.co` }))
  const ids = await account.put('contacts', rows)
  await using destination = await account.open({ fields: [field('email')] })
  const { keys, end } = await listed(destination)
  assert.equal(keys.length, 245)
  assert.deepEqual(new Set(keys), new Set(rows.flatMap(({ email }) => email ?? [])))
  assert.deepEqual([end?.rows, end?.proven], [245, true])
  const pages = (await account.calls()).filter((call) => call === 'GET contacts 200')
  assert.equal(pages.length, 3)
  await using byId = await account.open({ fields: [field('hs_object_id')], mode: 'update-only' })
  assert.deepEqual((await listed(byId)).keys, ids)
})

test('whole numbers are keys of that kind, and what is none is not taken for one', async () => {
  await using account = await hubspotAccount({
    objects: { car: { properties: [{ name: 'no', type: 'number', unique: true }] } },
  })
  await account.put('car', [{ no: '12' }, { no: '7' }])
  await using destination = await account.open({ name: 'car', fields: [field('no', 'integer')] })
  assert.deepEqual((await listed(destination)).keys, ['12', '7'])
  await account.put('car', [{ no: '1.5' }])
  await assert.rejects(listed(destination), { code: 'key_unreadable' })
})

test('a list that comes back to a page further up has no end', async () => {
  let page = 0
  await using server = await loopbackServer((request, response) => {
    const properties = [{ name: 'email', type: 'string', fieldType: 'text' }]
    if (!request.url?.includes('/objects/')) return answerJson(response, 200, { results: properties })
    // Whoever goes in circles is let out at some time, and has listed records again and again by then.
    const next = ++page > 50 ? {} : { paging: { next: { after: `${page % 3}` } } }
    answerJson(response, 200, { results: [{ id: '1', properties: { email: 'a@x.co' } }], ...next })
  })
  await using account = await hubspotAccount()
  await using destination = await account.open({ fields: [field('email')], options: { base_url: server.url } })
  await assert.rejects(listed(destination), UnansweredError)
  assert.equal(page, 4)
})

test('a list that just stops, or goes in circles, has no end', async () => {
  const replies = [
    { results: [{ id: '1', properties: { email: 'a@x.co' } }], paging: { next: { after: '1' } } },
    { results: [], paging: { next: {} } },
    { paging: {} },
  ]
  for (const reply of replies) {
    await using server = await loopbackServer((request, response) => {
      const properties = [{ name: 'email', type: 'string', fieldType: 'text' }]
      answerJson(response, 200, request.url?.includes('/objects/') ? reply : { results: properties })
    })
    await using account = await hubspotAccount()
    await using destination = await account.open({ fields: [field('email')], options: { base_url: server.url } })
    await assert.rejects(listed(destination), UnansweredError)
  }
})

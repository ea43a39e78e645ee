import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FatalError } from '../../src/core/errors.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { hubspotAccount } from '../support/hubspot-account.ts'
import { answerJson, loopbackServer } from '../support/loopback-server.ts'

test('records whose ids are known are not taken for archived where the object itself is gone', async () => {
  await using account = await hubspotAccount({})
  const archives: string[] = []
  await using server = await loopbackServer((request, response) => {
    if (request.method === 'GET') {
      const properties = [{ name: 'email', type: 'string', fieldType: 'text' }]
      return answerJson(response, 200, { results: properties })
    }
    archives.push(request.url ?? '')
    const message = 'Unable to infer object type from: contacts'
    answerJson(response, 404, { category: 'OBJECT_NOT_FOUND', message })
  })
  const fields = [field('email')]
  await using destination = await account.open({ fields, options: { base_url: server.url } })
  const batch = { ...changeBatch('delete', fields, [['a@x.co']]), ids: ['1'] }
  await assert.rejects(
    destination.write(batch, new AbortController().signal),
    (error) => error instanceof FatalError && error.code === 'unknown_object',
  )
  assert.equal(archives.length, 1)
  assert.match(archives[0] ?? '', /\/batch\/archive$/)
})

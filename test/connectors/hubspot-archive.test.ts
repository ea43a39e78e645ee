import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FatalError, UnansweredError } from '../../src/core/errors.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { hubspotAccount } from '../support/hubspot-account.ts'
import { answeringHubspot, type HubspotAnswer } from '../support/hubspot-answering.ts'
import { contactsForTests, EMAIL, idOf, NAME, statuses } from '../support/hubspot-contacts.ts'
import { thrown } from '../support/thrown.ts'

const { signal } = new AbortController()
const contacts = contactsForTests()

/** Merges contacts as a person would; answers the id that finds the other record since. */
async function merged(primary: string, other: string): Promise<string> {
  const reply = await fetch(`${contacts.account.url}/crm/v3/objects/contacts/merge`, {
    method: 'POST',
    headers: { authorization: 'Bearer token', 'content-type': 'application/json' },
    body: JSON.stringify({ primaryObjectId: primary, objectIdToMerge: other }),
  })
  assert.equal(reply.status, 200, await reply.text())
  return other
}

test('a record that was merged into another is not archived, and neither is the other one for it', async () => {
  const [own = '', lost = '', gone = ''] = await contacts.account.put('contacts', [
    { email: 'own@x.co' },
    { email: 'lost@x.co' },
    { email: 'gone@x.co' },
  ])
  await merged(own, lost)
  const alone = await contacts.write('delete', [EMAIL], [['lost@x.co']], { ids: [lost] })
  assert.equal(alone[0]?.status === 'rejected' && alone[0].code, 'merged_record')
  const some = await contacts.write('delete', [EMAIL], [['lost@x.co'], ['gone@x.co']], { ids: [lost, gone] })
  assert.deepEqual(statuses(some), ['rejected', 'done'])
  assert.deepEqual(Object.keys(await contacts.stored()), ['own@x.co'])
  // Whoever is to go by its own id goes, also beside one that was merged into it.
  const both = await contacts.write('delete', [EMAIL], [['lost@x.co'], ['own@x.co']], { ids: [lost, own] })
  assert.deepEqual([statuses(both), await contacts.stored()], [['rejected', 'done'], {}])
})

test('two rows whose records were merged are told by the answer to their updates', async () => {
  const [own = '', lost = ''] = await contacts.account.put('contacts', [{ email: 'own@x.co' }, { email: 'lost@x.co' }])
  await merged(own, lost)
  const rows = [
    ['own@x.co', 'Ann'],
    ['lost@x.co', 'Bob'],
  ]
  const outcomes = await contacts.write('update', [EMAIL, NAME], rows, { ids: [own, lost] })
  assert.deepEqual([idOf(outcomes[0]), outcomes[1]?.status === 'rejected' && outcomes[1].code], [own, 'same_record'])
})

test('a record that is gone is done, and costs no call that writes', async () => {
  const outcomes = await contacts.write('delete', [EMAIL], [['a@x.co']], { ids: ['404'] })
  assert.deepEqual(outcomes, [{ status: 'done' }])
  assert.deepEqual(await contacts.dataCalls(), ['POST batch/read 404'])
})

/** What becomes of a delete by id, and the paths that were called. */
async function archiving(answer: (path: string) => HubspotAnswer) {
  const paths: string[] = []
  await using server = await answeringHubspot((_, path) => {
    paths.push(path.split('/').at(-1) ?? '')
    return answer(path)
  })
  await using account = await hubspotAccount({})
  const fields = [field('email')]
  await using destination = await account.open({ fields, options: { base_url: server.url } })
  const batch = { ...changeBatch('delete', fields, [['a@x.co']]), ids: ['1'] }
  return { error: await thrown(destination.write(batch, signal)), paths }
}

test('records whose ids are known are not taken for archived where the object itself is gone', async () => {
  const message = 'Unable to infer object type from: contacts'
  const gone = { status: 404, body: { category: 'OBJECT_NOT_FOUND', message } }
  const before = await archiving(() => gone)
  assert.ok(before.error instanceof FatalError && before.error.code === 'unknown_object', String(before.error))
  assert.deepEqual(before.paths, ['read'])
  const between = await archiving((path) => (path.endsWith('/read') ? { body: { results: [{ id: '1' }] } } : gone))
  assert.ok(between.error instanceof FatalError && between.error.code === 'unknown_object', String(between.error))
  assert.deepEqual(between.paths, ['read', 'archive'])
})

test('records are not taken for gone where HubSpot says nothing of them', async () => {
  const page = '<html><body>404 Not Found</body></html>'
  for (const answer of [{ body: {} }, { body: { results: [] } }, { status: 404, body: page }]) {
    const { error, paths } = await archiving(() => answer)
    assert.ok(error instanceof UnansweredError, String(error))
    assert.deepEqual(paths, ['read'])
  }
})

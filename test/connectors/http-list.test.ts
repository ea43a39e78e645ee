import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRow } from '../../src/core/copy-text.ts'
import type { EndOfModel } from '../../src/core/row-batch.ts'
import { fatal, type HttpRequested, openHttp } from '../support/http-connection.ts'
import { httpSimulator } from '../support/http-simulator.ts'

const simulator = await httpSimulator({ keys: { pairs: ['tenant', 'id'] } })
const base_url = `${simulator.url}/v1`
const upsert = { method: 'PUT', path: '/people/{$key}', body: '$record' }
const listed = { path: '/people', query: { limit: 4 }, items: '/items', keys: { id: '/id' } }

async function listOf(list: object, requested: HttpRequested = {}, object: object = { upsert }) {
  await using http = await openHttp({ base_url, objects: { people: { ...object, list } } }, requested)
  const keys: (string | null)[][] = []
  let end: EndOfModel | undefined
  const rows = http.destination.list?.(new AbortController().signal).rows
  for await (const { bytes, offsets, count, end: last } of rows ?? []) {
    for (let at = 0; at < count; at++) keys.push(decodeRow(bytes, offsets[at] as number, offsets[at + 1] as number))
    end = last
  }
  return { keys, end }
}

async function fill(count: number): Promise<void> {
  await simulator.reset()
  await using http = await openHttp({ base_url, objects: { people: { upsert } } })
  for (let id = 1; id <= count; id++) await http.write('upsert', [{ id: String(id), name: 'x' }])
}

test('follows pages by cursor, number, offset and link, to a proven end', async () => {
  await fill(10)
  const all = Array.from({ length: 10 }, (_, at) => [String(at + 1)])
  const ways = [
    { cursor: '/next', query: 'after' },
    { page: 'page' },
    { offset: 'offset' },
    { link: 'header' },
    { link: '/next_url' },
  ]
  for (const next of ways) {
    const { keys, end } = await listOf({ ...listed, next, total: '/total' })
    assert.deepEqual(keys, all, JSON.stringify(next))
    assert.equal(end?.proven, true)
    assert.match(String(end?.evidence), /page \d was the last one, 10 records/)
  }
})

test('reads one page where it is told of no next', async () => {
  await fill(3)
  const { keys, end } = await listOf(listed)
  assert.deepEqual([keys.length, end?.proven, end?.rows], [3, true, 3])
})

test('proves no end where the service counts other records than it lists', async () => {
  await fill(10)
  const { end } = await listOf({ ...listed, total: '/total' })
  assert.equal(end?.proven, false)
  assert.match(String(end?.evidence), /says that there are 10 records, and listed 4/)
})

test('goes to no other host for the next page, and twice to none', async () => {
  await fill(5)
  const elsewhere = { ...listed, keys: { id: '/id' }, next: { link: '/items/0/name' } }
  await using http = await openHttp({ base_url, objects: { people: { upsert } } })
  await http.write('upsert', [{ id: '1', name: 'https://evil.example/steal' }])
  await assert.rejects(listOf(elsewhere), fatal('list_incomplete', /at another host/))
  await http.write('upsert', [{ id: '1', name: '/v1/people?limit=4' }])
  await assert.rejects(listOf(elsewhere), fatal('list_incomplete', /leads back/))
})

test('says which record has no key, and where a reply is no list', async () => {
  await fill(2)
  await assert.rejects(
    listOf({ ...listed, keys: { id: '/nope' } }),
    fatal('key_unreadable', /record 0 of a page has no id at \/nope/),
  )
  await assert.rejects(listOf({ ...listed, items: '/total' }), /no list at \/total/)
  await assert.rejects(listOf({ ...listed, path: '/people/no/such/path' }), fatal('list_failed', /correct `list`/))
})

test('leaves records out whose match is null: no row is theirs', async () => {
  await fill(3)
  await using http = await openHttp({ base_url, objects: { people: { upsert } } })
  await http.write('upsert', [{ id: '2', name: null }])
  const fields = { id: 'text', name: 'text' } as const
  const { keys, end } = await listOf({ ...listed, keys: { id: '/name' }, total: '/total' }, { fields })
  assert.deepEqual(keys, [['x'], ['x']])
  assert.deepEqual([end?.rows, end?.proven], [2, true])
})

test('ends where a service gives the same page for ever', async () => {
  await fill(6)
  for (const next of [{ page: 'seite' }, { offset: 'from' }]) {
    await assert.rejects(
      listOf({ ...listed, next }),
      fatal('list_incomplete', /page 2 has the records of the page before it/),
    )
  }
})

test('says at plan time where the list does not have the match', async () => {
  await using http = await openHttp({
    base_url,
    objects: { people: { upsert, list: { ...listed, keys: { email: '/e' } } } },
  })
  await assert.rejects(http.destination.check(), fatal('template_mismatch', /list\.keys: it does not say where id is/))
})

test('lists keys of several fields, and times and booleans as the source writes them', async () => {
  await simulator.reset()
  const fields = { tenant: 'boolean', id: 'timestamp', name: 'text' } as const
  const batch = {
    method: 'POST',
    path: '/pairs/batch',
    mode: 'batch',
    body: { records: { $each: { key: '$key', set: '$record' } } },
    response: { rows: { items: '/results', match: { by: 'index' }, ok: { path: '/error', exists: false } } },
  }
  const requested = { fields, match: ['tenant', 'id'] }
  const list = { path: '/pairs', items: '/items', keys: { tenant: '/tenant', id: '/id' } }
  await using http = await openHttp({ base_url, objects: { people: { upsert: batch, list } } }, requested)
  await http.write('upsert', [{ tenant: 't', id: '2024-02-29 23:59:59.5+00', name: 'x' }])
  assert.deepEqual((await listOf(list, requested, { upsert: batch })).keys, [['t', '2024-02-29 23:59:59.5+00']])
})

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { type ConfigInput, listConnectors, preview } from '../../src/index.ts'
import { rowsUpTo, smallWorld } from '../support/small-world.ts'

const plain = (rows: Awaited<ReturnType<typeof preview>>['rows']) =>
  rows.map(({ key, fields, issue }) => [key, fields === null ? issue?.code : { ...fields }])

test('the first rows are shown as they would be sent, in key order', async () => {
  using world = smallWorld(rowsUpTo(1000).reverse())
  const { sync, fields, rows } = await preview(world.config(), { ...world.own, rows: 2 })
  assert.equal(sync, 'users')
  assert.deepEqual(
    fields.map(({ name }) => name),
    ['id', 'v'],
  )
  assert.deepEqual(plain(rows), [
    ['1', { id: '1', v: 'v1' }],
    ['2', { id: '2', v: 'v2' }],
  ])
  assert.equal((await preview(world.config(), world.own)).rows.length, 10)
  assert.equal((await preview(world.config(), { ...world.own, rows: 0 })).rows.length, 0)
})

test('a mapping is applied, and what it cannot do is said in the place of the row', async () => {
  using world = smallWorld([
    ['1', '5'],
    ['2', 'x'],
    [null, '7'],
  ])
  const config = world.config({
    fields: {
      ext_id: 'id',
      amount: { from: 'v', type: 'integer' },
      __proto__x: { template: '{id}-{v}' },
      source: { value: 'shop' },
      run: { variable: 'run.id' },
    },
  })
  const { rows } = await preview(config, world.own)
  const shown = new Map(plain(rows).map(([key, what]) => [key, what]))
  assert.deepEqual(shown.get('1'), { ext_id: '1', amount: '5', __proto__x: '1-5', source: 'shop', run: 'preview' })
  assert.equal(shown.get('2'), 'unmappable_value')
  assert.equal(shown.get(null), 'missing_key')
})

test('nothing is written, nothing is locked, and the destination need not be there', async () => {
  using world = smallWorld(rowsUpTo(3))
  const config: ConfigInput = { ...world.config(), connections: { from: 'rows:', to: 'sqlite:/no/such/folder/app.db' } }
  const [one, two] = await Promise.all([preview(config, world.own), preview(config, world.own)])
  assert.deepEqual(one, two)
  assert.equal(existsSync(world.state), false)
})

test('what is wrong is thrown, and a source that breaks off too', async () => {
  using world = smallWorld(rowsUpTo(100))
  await assert.rejects(preview(world.config(), { ...world.own, sync: 'usres' }), { code: 'unknown_sync' })
  await assert.rejects(preview(world.config({ key: 'idd' }), world.own), /the model has no column idd/)
  await assert.rejects(preview(world.config(), { ...world.own, signal: AbortSignal.abort() }), { name: 'AbortError' })
  world.source.batchRows = 1
  world.source.breaksAfter = 5
  await assert.rejects(preview(world.config(), world.own), { code: 'connection_lost' })
  assert.equal((await preview(world.config(), { ...world.own, rows: 2 })).rows.length, 2)
})

test('connectors are listed with what they declare', async () => {
  const found = new Map((await listConnectors()).map((connector) => [connector.type, connector]))
  assert.equal(found.get('postgres')?.source, true)
  assert.equal(found.get('postgres')?.destination?.lists, 'cheap')
  assert.deepEqual(found.get('sqlite')?.destination?.deletesAs, ['delete'])
  assert.equal(found.get('blackhole')?.source, false)
  assert.equal(found.get('blackhole')?.destination?.limits.rows, 10_000)
})

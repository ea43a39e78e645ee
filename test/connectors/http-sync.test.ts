import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sync } from '../../src/index.ts'
import type { HttpSimulatorOptions } from '../../src/simulators/http-simulator-options.ts'
import { seededRandom } from '../../src/simulators/simulator-random.ts'
import { httpSimulator, type TestSimulator } from '../support/http-simulator.ts'
import { mapSource } from '../support/map-source.ts'
import { column } from '../support/row-batches.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { virtualClock } from '../support/virtual-clock.ts'

const error = { code: '/error/code', message: '/error/message' }
const rows = { items: '/results', match: { by: 'echo', path: '/ref' }, ok: { path: '/error', exists: false }, error }
const batch = (operation: string, more: object = {}) => ({
  method: 'POST',
  path: '/people/batch',
  mode: 'batch',
  batch: { max_records: 10 },
  body: { operation, records: { $each: { ref: '$row', key: '$key', set: '$record' } } },
  response: { rows: { ...rows, not_found: ['not_found'], exists: ['exists'], ...more } },
})
const people = {
  insert: { ...batch('insert'), idempotent: true },
  upsert: batch('upsert'),
  update: batch('update'),
  delete: batch('delete'),
  list: {
    path: '/people',
    query: { limit: 9 },
    items: '/items',
    keys: { id: '/id' },
    next: { cursor: '/next', query: 'after' },
  },
}

interface World extends Disposable {
  readonly simulator: TestSimulator
  /** Names by id. */
  readonly model: Map<number, string>
  run(mode: string, more?: object): Promise<Awaited<ReturnType<typeof sync>>>
  /** Names by id, as the service has them. */
  stored(): Promise<Record<string, unknown>>
  writes(): Promise<number>
}

async function world(objects: object = {}, options: HttpSimulatorOptions = {}): Promise<World> {
  const simulator = await httpSimulator(options)
  const folder = temporaryFolder()
  const model = new Map<number, string>()
  return {
    simulator,
    model,
    run: (mode, more = {}) => {
      const rowsOfModel = [...model].map(([id, name]) => [String(id), name])
      const source = mapSource([column('id', 'integer'), column('name')], rowsOfModel)
      // As sources do whose key is no field of the destination.
      source.extraKey = true
      return sync(
        {
          version: 1,
          state: folder.path,
          connections: {
            model: 'rows:',
            api: {
              type: 'http',
              base_url: `${simulator.url}/v1`,
              allow_private_hosts: true,
              objects: { people, ...objects },
            },
          },
          syncs: {
            people: {
              source: { connection: 'model', table: 'people' },
              key: 'id',
              mode,
              destination: { connection: 'api', object: 'people' },
              ...more,
            },
          },
        } as never,
        { sources: [source.definition], clock: virtualClock() },
      )
    },
    stored: async () =>
      Object.fromEntries((await simulator.fields('people')).map(({ id, name }) => [String(id), name])),
    writes: async () => (await simulator.requests()).filter(({ method }) => method !== 'GET').length,
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

function named(from: number, to: number, name = 'first'): [number, string][] {
  return Array.from({ length: to - from }, (_, at) => [from + at, `${name} ${from + at}`])
}
const expected = (model: ReadonlyMap<number, string>) =>
  Object.fromEntries([...model].map(([id, name]) => [String(id), name]))

test('mirrors a model, and sends nothing when nothing has changed', async () => {
  using it = await world()
  for (const [id, name] of named(0, 35)) it.model.set(id, name)
  const first = await it.run('mirror')
  assert.deepEqual([first.status, first.counts.inserted], ['succeeded', 35])
  assert.deepEqual(await it.stored(), expected(it.model))
  const before = await it.writes()
  assert.equal(before, 4)
  assert.equal((await it.run('mirror')).status, 'succeeded')
  assert.equal(await it.writes(), before)
  for (const [id, name] of named(30, 40, 'second')) it.model.set(id, name)
  for (let id = 0; id < 5; id++) it.model.delete(id)
  const next = await it.run('mirror')
  const { inserted, updated, deleted } = next.counts
  assert.deepEqual([next.status, inserted, updated, deleted], ['succeeded', 5, 5, 5])
  assert.deepEqual(await it.stored(), expected(it.model))
})

test('has all five modes where operations and a list are declared', async () => {
  using it = await world()
  for (const [id, name] of named(0, 10)) it.model.set(id, name)
  const only = async (mode: string, more: object = {}) => {
    const report = await it.run(mode, more)
    assert.equal(report.status, 'succeeded', JSON.stringify(report.error))
    return report.counts
  }
  assert.equal((await only('insert-only')).inserted, 10)
  for (const [id, name] of named(5, 12, 'second')) it.model.set(id, name)
  const { updated, skipped } = await only('update-only', { index: { refresh: 'always' } })
  assert.deepEqual([updated, skipped], [5, 2])
  assert.equal(Object.keys(await it.stored()).length, 10)
  assert.equal((await only('upsert')).inserted, 2)
  it.model.delete(3)
  assert.equal((await only('delete-only')).deleted, 1)
  assert.deepEqual(await it.stored(), expected(it.model))
})

test('rejects each bad row with what was sent and answered, and lands all others', async () => {
  using it = await world()
  for (const [id, name] of named(0, 30)) it.model.set(id, id % 10 === 3 ? '!refuse this' : name)
  const report = await it.run('mirror')
  assert.deepEqual([report.counts.inserted, report.counts.rejected], [27, 3])
  assert.equal(await it.writes(), 3)
})

test('sends rows again alone that a reply does not mention, and goes on', async () => {
  const upsert = { ...batch('upsert'), query: { omit: 4 } }
  using it = await world({ people: { ...people, upsert } })
  for (const [id, name] of named(0, 20)) it.model.set(id, name)
  const report = await it.run('mirror')
  assert.deepEqual([report.status, report.counts.inserted], ['succeeded', 20])
  assert.deepEqual(await it.stored(), expected(it.model))
})

test('comes to the state of the model, whatever goes wrong on the way', async () => {
  const names = ['reset', 'status-503', 'status-429', 'cut', 'truncate', 'html-200', 'empty', 'html', 'reset-early']
  for (let seed = 1; seed <= 16; seed++) {
    using it = await world()
    const random = seededRandom(seed)
    for (let round = 0; round < 3; round++) {
      for (let change = 0; change < 25; change++) {
        const id = random.below(40)
        if (random.next() < 0.25) it.model.delete(id)
        else it.model.set(id, `${seed} ${round} ${random.below(3)}`)
      }
      const rules = names.map((fault) => ({ fault, when: random.next() < 0.5 ? 'before' : 'after', rate: 0.04 }))
      await it.simulator.door('faults', { seed: seed * 10 + round, rules })
      await it.run('mirror', { guards: { max_deletes: '100%' } })
    }
    await it.simulator.door('faults', { rules: [] })
    const last = await it.run('mirror', { guards: { max_deletes: '100%' } })
    assert.equal(last.status, 'succeeded', `seed ${seed}: ${JSON.stringify(last.error)}`)
    assert.deepEqual(await it.stored(), expected(it.model), `seed ${seed}`)
    const before = await it.writes()
    await it.run('mirror')
    assert.equal(await it.writes(), before, `seed ${seed}: a quiet run wrote`)
  }
})

test('never makes a second record of an insert whose answer was lost', async () => {
  const insert = { method: 'POST', path: '/people/append', body: '$record' }
  using it = await world({ people: { insert } })
  for (const [id, name] of named(0, 5)) it.model.set(id, name)
  await it.simulator.door('faults', { rules: [{ fault: 'reset', when: 'after', skip: 1, times: 1 }] })
  const first = await it.run('insert-only')
  assert.deepEqual([first.counts.inserted, first.counts.rejected], [4, 1])
  const second = await it.run('insert-only')
  assert.equal(second.counts.rejected, 1)
  assert.equal((await it.simulator.records('people')).length, 5)
})

test('keeps the ids of records, so that one whose match has changed stays the same record', async () => {
  const byId = {
    match: ['email'],
    ignore_case: true,
    insert: { method: 'POST', path: '/people', body: '$record', response: { exists: [409], record_id: '/id', error } },
    update: { method: 'PATCH', path: '/people/ids/{$id}', body: '$record', response: { not_found: [404], error } },
    delete: { method: 'DELETE', path: '/people/ids/{$id}' },
    lookup: { path: '/people', query: { limit: 100 }, items: '/items', keys: { email: '/email' }, record_id: '/_id' },
  }
  using it = await world({ people: byId }, { keys: { people: ['email'] } })
  const mapped = { destination: { connection: 'api', object: 'people', match: 'email' }, fields: { email: 'name' } }
  for (const [id, name] of named(1, 4, 'p')) it.model.set(id, `${name.replace(' ', '')}@x.test`)
  const first = await it.run('mirror', mapped)
  assert.deepEqual([first.error, first.counts.inserted], [null, 3])
  const before = await it.simulator.records('people')
  it.model.set(2, 'new@x.test')
  it.model.delete(3)
  const { status, counts } = await it.run('mirror', mapped)
  assert.deepEqual([status, counts.updated, counts.deleted], ['succeeded', 1, 1])
  const after = await it.simulator.records('people')
  assert.deepEqual(
    after.map(({ id, key }) => [id, key]),
    [
      [before[0]?.id, 'p1@x.test'],
      [before[1]?.id, 'new@x.test'],
    ],
  )
  assert.equal((await it.run('mirror', mapped)).counts.updated, 0)
})

test('leaves the service as the model is where its answers are remembered by idempotency keys', async () => {
  const keyed = { idempotency_key: { header: 'Idempotency-Key' } }
  const one = {
    insert: { method: 'POST', path: '/people', body: '$record', ...keyed, response: { record_id: '/id' } },
    update: { method: 'PATCH', path: '/people/{id}', body: '$fields', ...keyed, response: { not_found: [404] } },
    delete: { method: 'DELETE', path: '/people/{id}' },
  }
  using it = await world({ people: one })
  const states: [number, string][][] = [
    [
      [1, 'Ann'],
      [2, 'Bob'],
    ],
    [[1, 'Anna']],
    [
      [1, 'Ann'],
      [2, 'Bob'],
    ],
    [[2, 'Bobby']],
    [
      [1, 'Ann'],
      [2, 'Bob'],
    ],
  ]
  for (const state of states) {
    it.model.clear()
    for (const [id, name] of state) it.model.set(id, name)
    const report = await it.run('mirror', { guards: { max_deletes: '100%' } })
    assert.equal(report.status, 'succeeded', JSON.stringify(report.error))
    assert.deepEqual(await it.stored(), Object.fromEntries(state))
  }
})

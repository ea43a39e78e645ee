import assert from 'node:assert/strict'
import { test } from 'node:test'
import { blackholeDestination } from '../../src/connectors/blackhole-destination.ts'
import type { Destination } from '../../src/core/destination.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { testContext } from '../../src/testing/test-context.ts'
import { field } from '../support/batch-field.ts'

const FIELDS = [field('id', 'integer'), field('name')]
const { signal } = new AbortController()

async function open(options: Record<string, unknown>): Promise<Destination> {
  return await blackholeDestination.open(
    blackholeDestination.options.parse(options),
    {
      name: 'anything',
      mode: 'mirror',
      fields: FIELDS,
      match: ['id'],
      keyEncodings: ['integer'],
      create: false,
      deletesAs: 'delete',
    },
    testContext(),
  )
}

test('accepts every change of every operation', async () => {
  await using destination = await open({ url: 'blackhole:' })
  assert.deepEqual(await destination.check(), [])
  await destination.prepare()
  for (const operation of ['insert', 'upsert', 'update', 'delete'] as const) {
    const batch = changeBatch(operation, FIELDS, [
      ['1', 'one'],
      ['2', null],
    ])
    assert.deepEqual(await destination.write(batch, signal), [{ status: 'done' }, { status: 'done' }])
  }
})

test('declares every mode and no list, and batches as large as asked for', () => {
  const declare = (options: object) => blackholeDestination.object('x', blackholeDestination.options.parse(options))
  assert.deepEqual(declare({}).limits, { rows: 10_000, bytes: 8 * 1024 * 1024, inFlight: 2 })
  assert.equal(declare({ rows: 7 }).limits.rows, 7)
  assert.equal(declare({}).syncModes.length, 5)
  assert.equal(declare({}).lists, 'never')
})

test('rejects its share of the keys, the same ones whatever is written', async () => {
  await using destination = await open({ reject_rate: 0.1 })
  const ids = Array.from({ length: 10_000 }, (_, id) => String(id))
  const insert = changeBatch(
    'insert',
    FIELDS,
    ids.map((id) => [id, `name ${id}`]),
  )
  const remove = changeBatch(
    'delete',
    FIELDS.slice(0, 1),
    ids.map((id) => [id]),
  )
  const inserted = await destination.write(insert, signal)
  assert.deepEqual(await destination.write(remove, signal), inserted)
  const rejected = inserted.filter((outcome) => outcome.status === 'rejected')
  assert(rejected.length > 900 && rejected.length < 1100, String(rejected.length))
  assert.equal(rejected[0]?.code, 'blackhole_rejected')
})

test('rejects everything at a rate of 1', async () => {
  await using destination = await open({ reject_rate: 1 })
  const [outcome] = await destination.write(changeBatch('upsert', FIELDS, [['1', 'one']]), signal)
  assert.equal(outcome?.status, 'rejected')
})

test('takes its time, and stops waiting when the run is cancelled', async () => {
  await using destination = await open({ latency: 600_000 })
  const controller = new AbortController()
  const answer = destination.write(changeBatch('upsert', FIELDS, [['1', 'one']]), controller.signal)
  controller.abort()
  await assert.rejects(answer, { name: 'AbortError' })
  await using quick = await open({ latency: 20 })
  const start = performance.now()
  await quick.write(changeBatch('upsert', FIELDS, [['1', 'one']]), signal)
  assert(performance.now() - start >= 15)
})

test('takes its options from the URL as well, and those beside it win', async () => {
  const { options } = blackholeDestination
  assert.deepEqual(options.parse({ url: 'blackhole:?latency=2.5&reject_rate=0.01&rows=7' }), {
    latency: 2.5,
    reject_rate: 0.01,
    rows: 7,
  })
  assert.equal(options.parse({ url: 'blackhole://?rows=7', rows: 8 }).rows, 8)
  assert.deepEqual(options.parse({ url: 'blackhole:' }), options.parse({}))
  await using destination = await open({ url: 'blackhole:?reject_rate=1' })
  const [outcome] = await destination.write(changeBatch('upsert', FIELDS, [['1', 'one']]), signal)
  assert.equal(outcome?.status, 'rejected')
})

test('says what is wrong with an option in the URL', () => {
  const refusal = (url: string) =>
    blackholeDestination.options.safeParse({ url }).error?.issues.map((one) => one.message)
  assert.deepEqual(refusal('blackhole:?latncy=5'), [
    'there is no option latncy — did you mean "latency"?; there are latency, reject_rate, rows',
  ])
  assert.match(refusal('blackhole:?reject_rate=2')?.[0] ?? '', /^reject_rate: too big: expected number to be <=1/)
  assert.match(refusal('blackhole:?latency=')?.[0] ?? '', /^latency: invalid input: expected number/)
})

test('refuses options it does not know', () => {
  assert.equal(blackholeDestination.options.safeParse({ reject_rate: 2 }).success, false)
  assert.equal(blackholeDestination.options.safeParse({ delay: 2 }).success, false)
  assert.equal(blackholeDestination.options.safeParse({ url: 'blackhole:x' }).success, false)
})

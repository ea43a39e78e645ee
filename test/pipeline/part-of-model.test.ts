import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRow } from '../../src/core/copy-text.ts'
import type { EndOfModel, RowBatch } from '../../src/core/row-batch.ts'
import type { Reading } from '../../src/core/source.ts'
import { KeySelection } from '../../src/pipeline/key-selection.ts'
import { partOfModel, type RowPart } from '../../src/pipeline/part-of-model.ts'
import { mapSource } from '../support/map-source.ts'
import { idAndV } from '../support/model-run.ts'
import { column, type Row } from '../support/row-batches.ts'

const ID = [{ name: 'id', keyEncoding: 'integer' as const }]

const keys = (...asked: string[]): RowPart => ({ keys: new KeySelection(asked, ID) })

/** The rows of a part, and what is said at its end. */
async function taken(reading: Reading, part: RowPart) {
  const rows: string[] = []
  const invalid: string[] = []
  const ends: EndOfModel[] = []
  for await (const batch of partOfModel(reading, part).rows as AsyncIterable<RowBatch>) {
    for (let row = 0; row < batch.count; row++) {
      rows.push(decodeRow(batch.bytes, batch.offsets[row] as number, batch.offsets[row + 1] as number).join(' '))
    }
    invalid.push(...(batch.invalid ?? []).map(({ code }) => code))
    if (batch.end !== undefined) ends.push(batch.end)
  }
  assert.equal(ends.length, 1)
  const [end] = ends as [EndOfModel]
  assert.equal(end.proven, false)
  assert.equal(end.rows, rows.length + invalid.length)
  return { rows, invalid, evidence: end.evidence }
}

const MODEL: readonly Row[] = [
  ['1', 'a'],
  ['2', 'b'],
  ['2', 'b again'],
  ['2', 'and again'],
  ['3', 'c'],
  ['-9', 'first'],
  ['9007199254740993', 'last'],
]

for (const batchRows of [1, 2, 3, 100]) {
  test(`the first rows in key order, with all rows of the last one's key, in batches of ${batchRows}`, async () => {
    const first = async (limit: number) => {
      const source = idAndV(MODEL)
      source.batchRows = batchRows
      return (await taken(source.read(['id']), { limit })).rows
    }
    assert.deepEqual(await first(0), [])
    assert.deepEqual(await first(2), ['-9 first', '1 a'])
    assert.deepEqual(await first(3), ['-9 first', '1 a', '2 b', '2 b again', '2 and again'])
    assert.deepEqual(await first(4), await first(3))
    assert.deepEqual(await first(5), await first(3))
    assert.equal((await first(6)).at(-1), '3 c')
    assert.equal((await first(100)).length, 7)
  })

  test(`the rows of some keys, wherever they are, in batches of ${batchRows}`, async () => {
    const source = idAndV(MODEL)
    source.batchRows = batchRows
    const part = keys('9007199254740993', '2', '-09', '77')
    const { rows, evidence } = await taken(source.read(['id']), part)
    assert.deepEqual(rows, ['-9 first', '2 b', '2 b again', '2 and again', '9007199254740993 last'])
    assert.equal(evidence, 'only part of the model was read (4 keys)')
    assert.deepEqual('keys' in part && part.keys.unmet(), ['77'])
  })
}

test('rows without a usable key count among the first, and are never among those asked for by key', async () => {
  const source = idAndV([
    ['1', 'a'],
    [null, 'b'],
    ['x', 'c'],
    ['2', 'd'],
  ])
  const all = (await taken(source.read(['id']), { limit: 4 })).rows
  assert.equal(all.length, 4)
  assert.deepEqual((await taken(source.read(['id']), { limit: 2 })).rows, all.slice(0, 2))
  assert.deepEqual((await taken(source.read(['id']), keys('1', '2'))).rows, ['1 a', '2 d'])
})

test('a source that has more to send is stopped, and one that is at its end is read to it', async () => {
  const source = idAndV(Array.from({ length: 1000 }, (_, id): Row => [String(id), 'v']))
  source.batchRows = 10
  const reading = source.read(['id'])
  await taken(reading, { limit: 15 })
  assert.equal(reading.rows.destroyed, true)
  assert.ok(source.pulled < 6, `${source.pulled} batches`)

  const few = source.read(['id'])
  await taken(few, keys('3'))
  assert.ok(source.pulled < 12, `${source.pulled} batches`)
})

test('a source that breaks off before its part is complete breaks the part off', async () => {
  const source = idAndV(MODEL)
  source.batchRows = 1
  source.breaksAfter = 3
  await assert.rejects(taken(source.read(['id']), { limit: 10 }), { code: 'connection_lost' })
  await assert.rejects(taken(source.read(['id']), keys('3')), { code: 'connection_lost' })
  assert.equal((await taken(source.read(['id']), { limit: 1 })).rows.length, 1)
})

test('keys are read as they are printed', () => {
  const texts = (asked: string, ...columns: Parameters<typeof column>[]) =>
    new KeySelection(
      [asked],
      columns.map((args) => column(...args)),
    ).texts[0]
  assert.deepEqual(texts('7', ['id', 'integer']), ['7'])
  assert.deepEqual(texts('a / b', ['t']), ['a / b'])
  assert.deepEqual(texts('["a / b"]', ['t']), ['a / b'])
  assert.deepEqual(texts('["a", "b"]', ['t']), ['["a", "b"]'])
  assert.deepEqual(texts('[a', ['t']), ['[a'])
  assert.deepEqual(texts('', ['t']), [''])
  assert.deepEqual(texts('eu / 1', ['t'], ['id', 'integer']), ['eu', '1'])
  assert.deepEqual(texts('["a / b", 1]', ['t'], ['id', 'integer']), ['a / b', '1'])
  assert.deepEqual(texts('\\N', ['t']), ['\\N'])
  for (const bad of ['', 'x', '1.0', ' 1', '99999999999999999999']) {
    assert.throws(() => texts(bad, ['id', 'integer']), { code: 'unreadable_key' }, bad)
  }
  assert.throws(() => texts('a / b / c', ['t'], ['u']), /2 parts, write them as t \/ u or as \["t…","u…"\]/)
})

test('a part of a part is counted by itself', async () => {
  const source = mapSource([column('id', 'integer')], [['1'], ['2'], ['3']])
  const part = partOfModel(source.read(['id']), { limit: 2 })
  assert.deepEqual((await taken(part, keys('2', '3'))).rows, ['2'])
})

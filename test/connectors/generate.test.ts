import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateSource } from '../../src/connectors/generate-source.ts'
import { FatalError } from '../../src/core/errors.ts'
import { openGenerated, type ReadGeneration, readGenerated } from '../support/generated-reading.ts'

const KEYS = ['integer', 'text', 'uuid'] as const

/** What became of the rows of one generation in the next. */
function difference(before: ReadGeneration, after: ReadGeneration) {
  const known = new Map(before.rows.map((row) => [row[0], row.join('\t')]))
  const counts = { changed: 0, deleted: known.size, added: 0 }
  for (const row of after.rows) {
    const line = known.get(row[0] as string)
    if (line === undefined) counts.added++
    else counts.deleted--
    if (line !== undefined && line !== row.join('\t')) counts.changed++
  }
  return counts
}

test('the same options make the same rows, in this version and in later ones', async () => {
  const rows = async (options: object) => (await readGenerated({ rows: 2, ...options })).bytes.toString()
  assert.equal(
    await rows({}),
    '1\tnoah.sato.1@example.com\tNoah\tSato\tSão Paulo\tteam\t28.98\t450\tf\t2024-01-01 08:13:21.231889+00\n' +
      '2\tlucia.suzuki.2@example.com\tLucia\tSuzuki\tKyoto\tenterprise\t7745.03\t252\tf\t2024-01-01 08:10:26.960264+00\n',
  )
  assert.match(await rows({ key: 'text' }), /^0000000001\t.*\n0000000002\tlucia/)
  assert.match(
    await rows({ key: 'uuid' }),
    /^018cc251-f400-7d2d-941c-9941115fadf6\t.*\n018cc251-f401-7e65-980f-4d80791115d3\tlucia/,
  )
  assert.match(await rows({ change_rate: 1, generation: 1 }), /^1\tnoah\.sato\.1@.*\t2024-01-02 08:/)
})

test('rows are the same however they are read, and others with another seed', async () => {
  const one = await readGenerated({ rows: 5000 })
  assert.deepEqual(await readGenerated({ rows: 5000, generation: 0, seed: 1 }), one)
  const other = await readGenerated({ rows: 5000, seed: 2 })
  assert.deepEqual(other.keys, one.keys)
  const same = other.rows.filter((row, index) => row[1] === one.rows[index]?.[1])
  assert.ok(same.length < 10, `${same.length} rows are the same`)
  const { rows } = await readGenerated({ rows: 5000 }, { columns: ['plan', 'id'] })
  assert.deepEqual(
    rows,
    one.rows.map((row) => [row[5], row[0]]),
  )
})

for (const key of KEYS) {
  test(`keys of type ${key} ascend by byte and are unique, through all batches`, async () => {
    const { keys, batches, sorted, end } = await readGenerated({ rows: 20_000, key, generation: 3, new_rate: 0.1 })
    assert.ok(sorted && batches > 20, `${batches} batches`)
    for (const [index, bytes] of keys.slice(1).entries()) {
      assert.ok(Buffer.compare(keys[index] as Buffer, bytes) < 0, `row ${index + 1} is not behind the one before it`)
    }
    assert.equal(keys.length, 20_000 - 3 * 20 + 3 * 2000)
    assert.deepEqual([end?.proven, end?.rows], [true, keys.length])
  })
}

test('from one generation to the next exactly its share of the rows changes, goes and comes', async () => {
  const options = { rows: 3001, seed: 77, change_rate: 0.1, delete_rate: 0.05, new_rate: 0.02 }
  let before = await readGenerated(options)
  assert.equal(before.rows.length, 3001)
  for (let generation = 1; generation <= 6; generation++) {
    const after = await readGenerated({ ...options, generation })
    assert.deepEqual(difference(before, after), { changed: 300, deleted: 150, added: 60 }, `generation ${generation}`)
    before = after
  }
})

test('what changes and what goes is spread evenly over the keys', async () => {
  const options = { rows: 10_000, change_rate: 0.1, delete_rate: 0.1, new_rate: 0 }
  const before = await readGenerated(options)
  const after = await readGenerated({ ...options, generation: 1 })
  for (let from = 0; from < 10_000; from += 1000) {
    const within = ({ rows, ...rest }: ReadGeneration) => {
      return { ...rest, rows: rows.filter(([id]) => Number(id) > from && Number(id) <= from + 1000) }
    }
    const { changed, deleted } = difference(within(before), within(after))
    assert.ok(Math.abs(changed - 100) <= 2 && Math.abs(deleted - 100) <= 2, `${changed} changed, ${deleted} deleted`)
  }
})

test('all rows may change each time, and all may go', async () => {
  const all = { rows: 1000, change_rate: 1, delete_rate: 0, new_rate: 0 }
  const [zero, one, two] = await Promise.all([0, 1, 2].map((generation) => readGenerated({ ...all, generation })))
  assert.equal(difference(zero as ReadGeneration, one as ReadGeneration).changed, 1000)
  assert.equal(difference(one as ReadGeneration, two as ReadGeneration).changed, 1000)
  const { rows, end } = await readGenerated({ rows: 1000, delete_rate: 0.4, new_rate: 0, generation: 9 })
  assert.deepEqual([rows, end?.rows, end?.proven], [[], 0, true])
})

test('a model of no rows, of one, and of as many as fill a batch', async () => {
  for (const rows of [0, 1, 2, 612, 613, 614]) {
    const { keys, end } = await readGenerated({ rows, generation: 1, new_rate: 0, delete_rate: 0 })
    assert.deepEqual([keys.length, end?.rows, end?.proven], [rows, rows, true])
  }
})

test('a part is the first rows, where they are in order', async () => {
  const first = await readGenerated({ rows: 1000 }, { part: { limit: 3 } })
  assert.deepEqual(
    first.rows.map(([id]) => id),
    ['1', '2', '3'],
  )
  const byEmail = await readGenerated({ rows: 1000 }, { key: ['email'], part: { limit: 3 } })
  assert.deepEqual([byEmail.sorted, byEmail.rows.length], [false, 1000])
})

test('options are written in the URL or beside it, and those beside it win', () => {
  const { options } = generateSource
  const defaults = options.parse({})
  assert.deepEqual(options.parse({ url: 'generate:' }), defaults)
  assert.deepEqual(options.parse({ url: 'generate://?seed=7&rows=10&key=uuid&change_rate=0.5' }), {
    ...defaults,
    seed: 7,
    rows: 10,
    key: 'uuid',
    change_rate: 0.5,
  })
  assert.equal(options.parse({ url: 'generate:?rows=10', rows: 20 }).rows, 20)
})

test('options that are wrong are refused with what would do', () => {
  const refusal = (input: object) => generateSource.options.safeParse(input).error?.issues.map(({ message }) => message)
  assert.deepEqual(refusal({ url: 'generate:?row=10' }), [
    'there is no option row — did you mean "rows"?; there are rows, seed, key, generation, change_rate, delete_rate, new_rate',
  ])
  assert.match(refusal({ url: 'generate:?rows=-1' })?.[0] ?? '', /^rows: too small: expected number to be >=0/)
  assert.match(refusal({ url: 'generate:?rows=many' })?.[0] ?? '', /^rows: invalid input: expected number/)
  assert.deepEqual(refusal({ url: 'generate:?rows=1&rows=2' }), ['rows is there twice; give it once'])
  assert.match(refusal({ url: 'generate:contacts' })?.[0] ?? '', /^expected generate:, or generate:\?rows=/)
  assert.match(refusal({ rows: 1e9, new_rate: 1, generation: 10 })?.[0] ?? '', /more rows than there are keys/)
  assert.ok(refusal({ change_rate: 1.5 }) !== undefined && refusal({ row: 1 }) !== undefined)
})

test('a query is refused, and so is a column that there is not', async () => {
  const coded = (code: string, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof FatalError)
    assert.deepEqual([error.code, error.kind], [code, 'configuration'])
    assert.match(error.message, message)
    return true
  }
  await assert.rejects(openGenerated({}, { sql: 'select 1' }), coded('model_invalid', /write table, with any name/))
  await assert.rejects(
    readGenerated({}, { columns: ['id', 'emial'] }),
    coded('column_missing', /no column emial — did you mean "email"\?/),
  )
})

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import fc from 'fast-check'
import { encodeRow } from '../../src/core/copy-text.ts'
import { KeyEncoder, keySpace } from '../../src/core/key.ts'
import type { RowBatch, RowLayout } from '../../src/core/row-batch.ts'
import type { ScratchFile } from '../../src/core/scratch-file.ts'
import { type SortingOptions, sorting } from '../../src/pipeline/sorting.ts'
import { UnnamedFile } from '../../src/state/unnamed-file.ts'
import { column, layoutOf, provenEnd, type Row, rowBatch, rowBatches } from '../support/row-batches.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { rowsOf } from '../support/text-rows.ts'

const INTEGER = layoutOf([column('id', 'integer'), column('v')])
const TEXT = layoutOf([column('id'), column('v')])
const COMPOSITE = layoutOf([column('a'), column('b', 'integer'), column('v')], 2)

/** Little enough memory that a few hundred rows fill it. */
const LITTLE = 16 * 1024

interface Sorted {
  readonly rows: readonly Row[]
  readonly batches: readonly RowBatch[]
  /** Files that were opened on the way. */
  readonly files: number
}

async function sort(
  layout: RowLayout,
  batches: Iterable<RowBatch>,
  options: Partial<SortingOptions> = {},
): Promise<Sorted> {
  using folder = temporaryFolder()
  let files = 0
  let open = 0
  const scratch = (): ScratchFile => {
    files++
    open++
    const file = new UnnamedFile(folder.file('users.sort'), 'users')
    let disposed = false
    return {
      get length() {
        return file.length
      },
      append: (bytes) => file.append(bytes),
      read: (into, position) => file.read(into, position),
      [Symbol.dispose]() {
        if (!disposed) open--
        disposed = true
        file[Symbol.dispose]()
      },
    }
  }
  const sorted: RowBatch[] = []
  const source = Readable.from(batches, { objectMode: true, highWaterMark: 1 })
  const stage = sorting(layout, { scratch, ...options })
  const sink = new Writable({
    objectMode: true,
    write(batch: RowBatch, _encoding, callback) {
      sorted.push(batch)
      callback()
    },
  })
  await pipeline(source, stage, sink)
  assert.equal(open, 0, 'a file was left open')
  if (process.platform !== 'win32') assert.deepEqual(readdirSync(folder.path), [])
  return { rows: sorted.flatMap(rowsOf), batches: sorted, files }
}

/** The keys' bytes, as the index compares them. */
function keyOf(layout: RowLayout, row: Row): Buffer {
  const line = Buffer.from(encodeRow(row))
  const key = Buffer.alloc(keySpace(line.length))
  return key.subarray(0, new KeyEncoder(layout.key).encode(line, 0, line.length, key, 0))
}

function inOrder(layout: RowLayout, rows: readonly Row[]): Row[] {
  return rows
    .map((row) => ({ row, key: keyOf(layout, row) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ row }) => row)
}

const text = fc.string({ unit: fc.constantFrom('a', 'b', '\u0000', '\uffff', '🚢', '\t', '\\'), maxLength: 12 })
const CASES: readonly (readonly [name: string, layout: RowLayout, row: fc.Arbitrary<Row>])[] = [
  ['integer keys', INTEGER, fc.tuple(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String), text)],
  ['few integer keys, many rows each', INTEGER, fc.tuple(fc.integer({ min: -3, max: 3 }).map(String), text)],
  ['text keys', TEXT, fc.tuple(text, text)],
  [
    'text keys that begin alike',
    TEXT,
    fc.tuple(
      text.map((end) => `customer-number-${end}`),
      text,
    ),
  ],
  ['composite keys', COMPOSITE, fc.tuple(text, fc.integer().map(String), text)],
]
for (const [name, layout, row] of CASES) {
  for (const memory of [LITTLE, 1024 * 1024]) {
    test(`sorts ${name} by their bytes, equal ones in the order they came, in ${memory} bytes`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(row, { maxLength: 400, size: 'max' }),
          fc.integer({ min: 1, max: 100 }),
          async (rows, size) => {
            const { rows: sorted, batches } = await sort(layout, rowBatches(rows, size), { memory })
            assert.deepEqual(sorted, inOrder(layout, rows))
            assert.deepEqual(batches.at(-1)?.end, provenEnd(rows.length))
            assert.ok(batches.slice(0, -1).every((batch) => batch.end === undefined))
          },
        ),
        { numRuns: 20 },
      ))
  }
}

test('more runs than can be read at once are merged into fewer first', async () => {
  const random = seededRandom(7)
  const rows = Array.from(
    { length: 30_000 },
    (_, at): Row => [String(random.below(20_000)), `${at} ${'x'.repeat(random.below(60))}`],
  )
  const { rows: sorted, files, batches } = await sort(INTEGER, rowBatches(rows, 500), { memory: LITTLE })
  assert.deepEqual(sorted, inOrder(INTEGER, rows))
  assert.ok(files >= 2, `${files} files`)
  assert.ok(batches.slice(0, -1).every(({ bytes }) => bytes.length >= 65_536 && bytes.length < 70_000))
})

test('what fits into memory never touches the disk', async () => {
  const { files, rows } = await sort(
    INTEGER,
    rowBatches([
      ['2', 'b'],
      ['1', 'a'],
    ]),
    {},
  )
  assert.deepEqual([files, rows.length], [0, 2])
})

test('a hundred thousand rows of long keys that begin alike, or are all the same, are sorted', async () => {
  for (const key of [
    (at: number) => `https://example.com/customers/${(at * 7919) % 100_000}`,
    () => 'https://example.com/',
  ]) {
    const rows = Array.from({ length: 100_000 }, (_, at): Row => [key(at), String(at)])
    const { rows: sorted } = await sort(TEXT, rowBatches(rows))
    assert.deepEqual(sorted, inOrder(TEXT, rows))
  }
})

test('rows larger than any buffer are sorted among small ones', async () => {
  const large = 'y'.repeat(9000)
  const rows = Array.from(
    { length: 300 },
    (_, at): Row => [String((at * 7) % 300), at % 5 === 0 ? large + at : String(at)],
  )
  const { rows: sorted } = await sort(INTEGER, rowBatches(rows, 20), { memory: LITTLE })
  assert.deepEqual(sorted, inOrder(INTEGER, rows))
})

test('a row that no memory holds is refused by its size', async () => {
  const rows: Row[] = [
    ['1', 'a'],
    ['2', 'y'.repeat(LITTLE)],
  ]
  await assert.rejects(
    sort(INTEGER, rowBatches(rows), { memory: LITTLE }),
    /a row of the model has \d+ bytes, more than can be sorted/,
  )
})

test('rows without a usable key, and rows that could not be read, go straight through', async () => {
  const unreadable = { code: 'ragged_row', message: 'line 3', payload: 'x' }
  const first = rowBatch([
    ['2', 'b'],
    [null, 'null'],
    ['x', 'no number'],
    ['1', 'a'],
  ])
  const { batches, rows } = await sort(INTEGER, [
    first,
    { ...rowBatch([]), invalid: [unreadable] },
    { ...rowBatch([[null, 'last']], provenEnd(6)), invalid: [unreadable] },
  ])
  assert.deepEqual(rows, [
    [null, 'null'],
    ['x', 'no number'],
    [null, 'last'],
    ['1', 'a'],
    ['2', 'b'],
  ])
  assert.deepEqual(
    batches.map(({ invalid, end, count }) => [count, invalid?.length ?? 0, end?.rows]),
    [
      [2, 0, undefined],
      [0, 1, undefined],
      [1, 1, undefined],
      [2, 0, 6],
    ],
  )
})

test('a source that stops without a word is not given an end', async () => {
  const { rows, batches } = await sort(INTEGER, [rowBatch([['1', 'a']])])
  assert.deepEqual([rows.length, batches.at(-1)?.end], [1, undefined])
})

test('tells how many rows it has taken, and when it begins to send them', async () => {
  const told: (number | 'sorted')[] = []
  const options = { onRows: (rows: number) => void told.push(rows), onSorted: () => void told.push('sorted') }
  await sort(
    INTEGER,
    rowBatches(
      [
        ['3', 'c'],
        ['2', 'b'],
        ['1', 'a'],
      ],
      2,
    ),
    options,
  )
  assert.deepEqual(told, [2, 3, 3, 'sorted'])
})

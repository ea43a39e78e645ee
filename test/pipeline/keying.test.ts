import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import { decodeRow } from '../../src/core/copy-text.ts'
import { FatalError } from '../../src/core/errors.ts'
import { MAX_KEY_BYTES } from '../../src/core/key.ts'
import { decodeKey } from '../../src/core/key-text.ts'
import { type KeyedBatch, ROW_DUPLICATE, ROW_KEYED, ROW_UNKEYED } from '../../src/core/keyed-batch.ts'
import type { RowIssue } from '../../src/core/report.ts'
import type { RowBatch, RowLayout } from '../../src/core/row-batch.ts'
import { Tally } from '../../src/core/tally.ts'
import { keying } from '../../src/pipeline/keying.ts'
import { column, ID_AND_V, layoutOf, provenEnd, type Row, rowBatch, rowBatches } from '../support/row-batches.ts'

const TEXT_KEY = layoutOf([column('id'), column('v')])

interface Keyed {
  readonly batches: readonly KeyedBatch[]
  readonly tally: Tally
  readonly issues: readonly RowIssue[]
  readonly error: unknown
}

interface KeyedRow {
  readonly row: Row
  readonly key: string
  readonly print: string
  readonly verdict: number
}

async function key(batches: readonly RowBatch[], layout: RowLayout = ID_AND_V, seed = 1): Promise<Keyed> {
  const issues: RowIssue[] = []
  const tally = new Tally((issue) => issues.push(issue))
  const keyed: KeyedBatch[] = []
  const names = layout.key.map(({ field }) => layout.columns[field - layout.extra]?.name ?? '')
  let error: unknown
  await pipeline(
    Readable.from(batches),
    keying(layout, { high: seed, low: 2 }, tally, { names }),
    async (stream: AsyncIterable<KeyedBatch>) => {
      for await (const batch of stream) keyed.push(batch)
    },
  ).catch((reason: unknown) => {
    error = reason
  })
  return { batches: keyed, tally, issues, error }
}

function rowsOf(batches: readonly KeyedBatch[], layout: RowLayout = ID_AND_V): KeyedRow[] {
  const encodings = layout.key.map((part) => part.encoding)
  return batches.flatMap(({ rows, keys, keyEnds, prints, verdicts }) =>
    Array.from({ length: rows.count }, (_, row) => {
      const bytes = keys.subarray(row === 0 ? 0 : keyEnds[row - 1], keyEnds[row])
      return {
        row: decodeRow(rows.bytes, rows.offsets[row] as number, rows.offsets[row + 1] as number),
        key: bytes.length === 0 ? '' : decodeKey(encodings, bytes).join('/'),
        print: `${prints[row * 2]}.${prints[row * 2 + 1]}`,
        verdict: verdicts[row] as number,
      }
    }),
  )
}

function stopsWith(error: unknown, ...words: readonly string[]): void {
  assert.ok(error instanceof FatalError, String(error))
  assert.equal(error.code, 'source_out_of_order')
  for (const word of words) assert.ok(error.message.includes(word), `${error.message} does not name ${word}`)
}

test('gives each row its key, and rows of equal lines equal fingerprints', async () => {
  const rows: Row[] = [
    ['-9223372036854775808', 'a'],
    ['-1', null],
    ['0', 'tab\tnewline\nbackslash\\'],
    ['9223372036854775807', 'a'],
  ]
  const once = rowsOf((await key(rowBatches(rows, 3))).batches)
  assert.deepEqual(
    once.map(({ row, key: text, verdict }) => ({ row, text, verdict })),
    rows.map((row) => ({ row, text: row[0], verdict: ROW_KEYED })),
  )
  const again = rowsOf((await key(rowBatches(rows, 1))).batches)
  assert.deepEqual(again, once)
  assert.equal(new Set(once.map(({ print }) => print)).size, rows.length)
})

test('a null, a text that looks like one and another seed all change the fingerprint', async () => {
  const printOf = async (row: Row, seed = 1) =>
    rowsOf((await key(rowBatches([row]), TEXT_KEY, seed)).batches, TEXT_KEY)[0]?.print
  const prints = await Promise.all([
    printOf(['k', null]),
    printOf(['k', '\\N']),
    printOf(['k', '']),
    printOf(['k', 'N']),
    printOf(['k', null], 7),
  ])
  assert.equal(new Set(prints).size, prints.length)
})

test('a key that is smaller than the one before stops the run, wherever the two meet', async () => {
  const wrong: Row[] = [
    ['1', 'a'],
    ['10', 'b'],
    ['9', 'c'],
  ]
  for (const size of [3, 2, 1]) stopsWith((await key(rowBatches(wrong, size))).error, ' 9 ', ' 10,')
  const withNullsBetween = [rowBatch([['10', 'a']]), rowBatch([[null, 'b']]), rowBatch([['9', 'c']], provenEnd(3))]
  stopsWith((await key(withNullsBetween)).error, ' 9 ', ' 10,')
})

test('a decrease behind a duplicate is still a decrease', async () => {
  const rows: Row[] = [
    ['2', 'a'],
    ['2', 'b'],
    ['1', 'c'],
  ]
  for (const size of [3, 2, 1]) stopsWith((await key(rowBatches(rows, size))).error, ' 1 ', ' 2,')
})

test('texts ascend by byte, not as JavaScript orders strings', async () => {
  // U+FF21 is EF BC A1 and U+1F600 is F0 9F 98 80, but as UTF-16 the second begins with D83D.
  const byByte: Row[] = [
    ['', 'a'],
    ['Z', 'a'],
    ['a', 'a'],
    ['\uff21', 'a'],
    ['\ufffd', 'a'],
    ['\u{1f600}', 'a'],
  ]
  const { error, batches } = await key(rowBatches(byByte), TEXT_KEY)
  assert.equal(error, undefined)
  assert.ok(rowsOf(batches, TEXT_KEY).every(({ verdict }) => verdict === ROW_KEYED))
  stopsWith((await key(rowBatches([...byByte].sort()), TEXT_KEY)).error, '\u{1f600}')
})

test('duplicates and rows without a key are found wherever the batches are cut', async () => {
  const ids = ['1', '1', null, '2', '3', '3', '3', null, '4', '5', '5']
  const rows: Row[] = ids.map((id, index) => [id, `v${index}`])
  const verdicts = ids.map((id) => {
    if (id === null) return ROW_UNKEYED
    return ids.filter((other) => other === id).length > 1 ? ROW_DUPLICATE : ROW_KEYED
  })
  for (let cuts = 0; cuts < 2 ** (rows.length - 1); cuts++) {
    const pieces: Row[][] = [[]]
    for (const [index, row] of rows.entries()) {
      if (index > 0 && (cuts >> (index - 1)) & 1) pieces.push([])
      pieces.at(-1)?.push(row)
    }
    const { batches, tally, issues, error } = await key([
      ...pieces.map((piece) => rowBatch(piece)),
      rowBatch([], provenEnd(rows.length)),
    ])
    assert.equal(error, undefined)
    const found = new Map(rowsOf(batches).map(({ row, verdict }) => [row[1], verdict]))
    assert.deepEqual(
      rows.map((row) => found.get(row[1] as string)),
      verdicts,
      `cut as ${pieces.map((piece) => piece.length).join(', ')}`,
    )
    const keyed = rowsOf(batches).filter(({ verdict }) => verdict !== ROW_UNKEYED)
    assert.deepEqual(
      keyed.map(({ key: text }) => text),
      ids.filter((id) => id !== null),
    )
    assert.equal(tally.counts.read, rows.length)
    assert.equal(tally.counts.invalid, 9)
    assert.deepEqual(issues.map(({ payload }) => (JSON.parse(payload as string) as string[])[1]).sort(), [
      'v0',
      'v1',
      'v10',
      'v2',
      'v4',
      'v5',
      'v6',
      'v7',
      'v9',
    ])
    assert.ok(batches.at(-1)?.rows.end?.proven)
  }
})

test('every copy of a duplicate is reported, with its key and its row', async () => {
  const { issues } = await key(
    rowBatches(
      [
        ['7', 'a'],
        ['7', 'a'],
      ],
      1,
    ),
  )
  assert.equal(issues.length, 2)
  for (const issue of issues) {
    assert.equal(issue.code, 'duplicate_key')
    assert.equal(issue.key, '7')
    assert.equal(issue.payload, '["7","a"]')
    assert.match(issue.message, /make the key unique/)
  }
})

test('a key with a null part, of another type or too long may stand for any record', async () => {
  const layout = layoutOf([column('tenant'), column('id', 'integer'), column('v')], 2)
  const long = 'x'.repeat(MAX_KEY_BYTES)
  const { batches, issues, tally } = await key(
    rowBatches([
      ['eu', '1', 'fine'],
      [null, '1', 'no tenant'],
      ['eu', null, 'no id'],
      ['eu', '1.5', 'no integer'],
      ['eu', '9223372036854775808', 'too large'],
      [long, '1', 'too long'],
      ['us', '1', 'fine'],
    ]),
    layout,
  )
  assert.deepEqual(
    rowsOf(batches, layout).map(({ verdict }) => verdict),
    [ROW_KEYED, ...new Array(5).fill(ROW_UNKEYED), ROW_KEYED],
  )
  assert.deepEqual(
    issues.map(({ code, key: text }) => [code, text]),
    ['missing_key', 'missing_key', 'unreadable_key', 'unreadable_key', 'key_too_long'].map((code) => [code, null]),
  )
  assert.equal(tally.counts.invalid, 5)
  assert.deepEqual(
    issues.slice(0, 4).map(({ message }) => message),
    [
      'the key column tenant is null; leave such rows out of the model',
      'the key column id is null; leave such rows out of the model',
      'the key column id is not of the type the model says; cast it to text',
      'the key column id is not of the type the model says; cast it to text',
    ],
  )
})

test('the longest key that an index entry can hold is a key', async () => {
  const { batches } = await key(rowBatches([['x'.repeat(MAX_KEY_BYTES), 'a']]), TEXT_KEY)
  assert.equal(rowsOf(batches, TEXT_KEY)[0]?.verdict, ROW_KEYED)
})

test('rows that the source could not read count as read and as invalid', async () => {
  const invalid = [{ code: 'ragged_row', message: 'has 3 fields, not 2; mend it', payload: 'a,b,c' }]
  const { tally, issues, batches } = await key([
    { ...rowBatch([['1', 'a']]), invalid },
    { ...rowBatch([], provenEnd(3)), invalid },
  ])
  assert.equal(tally.counts.read, 3)
  assert.equal(tally.counts.invalid, 2)
  assert.deepEqual(
    issues.map(({ code, payload }) => [code, payload]),
    [
      ['ragged_row', 'a,b,c'],
      ['ragged_row', 'a,b,c'],
    ],
  )
  assert.equal(
    batches.reduce((sum, { rows }) => sum + (rows.invalid?.length ?? 0), 0),
    2,
  )
})

test('the end of the model comes out last, whatever the last batch holds', async () => {
  const end = provenEnd(2)
  const cases: RowBatch[][] = [
    [rowBatch([['1', 'a']]), rowBatch([['2', 'b']], end)],
    [
      rowBatch([
        ['1', 'a'],
        ['2', 'b'],
      ]),
      rowBatch([], end),
    ],
    [rowBatch([['1', 'a']]), rowBatch([[null, 'b']], end)],
    [rowBatch([[null, 'a']]), rowBatch([[null, 'b']], end)],
    [rowBatch([], end)],
  ]
  for (const batches of cases) {
    const keyed = await key(batches)
    assert.deepEqual(
      keyed.batches.map(({ rows }) => rows.end),
      [...batches.slice(1).map(() => undefined), end],
    )
  }
})

test('an end without a proof passes as it is', async () => {
  const end = { rows: 1, proven: false, evidence: 'the pipe closed' }
  const { batches } = await key([rowBatch([['1', 'a']], end)])
  assert.deepEqual(batches.at(-1)?.rows.end, end)
})

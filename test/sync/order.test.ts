import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import type { RowBatch } from '../../src/core/row-batch.ts'
import { mapSource } from '../support/map-source.ts'
import { column, type Row, rowBatch } from '../support/row-batches.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { smallWorld } from '../support/small-world.ts'

/** Texts whose order by bytes, by UTF-16 and by a dictionary differ. */
const KEYS = [
  'B',
  'Z',
  'a',
  'b',
  'z',
  'Ä',
  'ä',
  'é',
  'ß',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '😀',
  '𐀀',
  '\u{10ffff}',
  'a b',
  'a-b',
  'ab',
].flatMap((text) => [text, `${text}1`])
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** Sends these rows as they are, whatever their order, and swears that they are sorted and complete. */
function asGiven(rows: readonly Row[]) {
  const source = mapSource([column('id'), column('v')])
  const { definition } = source
  return {
    ...definition,
    async open(...given: Parameters<typeof definition.open>) {
      const opened = await definition.open(...given)
      const read = opened.read.bind(opened)
      return Object.assign(opened, {
        read: async (request: Parameters<typeof read>[0]) => {
          const { layout } = await read(request)
          const batches: RowBatch[] = []
          for (let row = 0; row < rows.length; row += 5) batches.push(rowBatch(rows.slice(row, row + 5)))
          batches.push(rowBatch([], { rows: rows.length, proven: true, evidence: 'the test says so' }))
          return { layout, rows: Readable.from(batches, { objectMode: true, highWaterMark: 1 }) }
        },
      })
    },
  }
}

/** Runs over an index that knows all keys and some more, which a run that believes the order would delete. */
async function runOver(keys: readonly string[]) {
  const others = ['0', 'A', 'mm', '\u{1f000}']
  using world = smallWorld([])
  world.source.columns = [column('id'), column('v')]
  world.source.rows = [...KEYS, ...others].map((key): Row => [key, 'old'])
  assert.equal((await world.run()).counts.inserted, KEYS.length + others.length)
  const rows = keys.map((key): Row => [key, 'new'])
  const report = await world.run({ ...world.own, sources: [asGiven(rows)], allowDeletes: { percent: 100 } })
  const kept = [...KEYS, ...others].filter((key) => world.destination.records.has(key))
  return { report, kept, others }
}

test('the byte order is accepted, and what is missing is deleted: the feeds below fail for their order alone', async () => {
  const { report, kept } = await runOver(KEYS.toSorted(byBytes))
  assert.equal(report.status, 'succeeded', report.error?.message)
  assert.equal(report.counts.deleted, 4)
  assert.deepEqual(kept, KEYS)
})

const random = seededRandom(7)
const MISORDERED: Readonly<Record<string, readonly string[]>> = {
  'sorted by UTF-16, as JavaScript does': KEYS.toSorted(),
  'sorted by a dictionary, as ICU does': KEYS.toSorted(new Intl.Collator('en').compare),
  'sorted without regard to case': KEYS.toSorted((a, b) => byBytes(a.toLowerCase(), b.toLowerCase())),
  reversed: KEYS.toSorted(byBytes).toReversed(),
  shuffled: random.shuffled(KEYS),
  'sorted, and the first key once more at the end': [...KEYS.toSorted(byBytes), KEYS.toSorted(byBytes)[0] as string],
}
for (const [how, keys] of Object.entries(MISORDERED)) {
  test(`a feed that is ${how} stops with 0 deletes`, async () => {
    const { report, kept, others } = await runOver(keys)
    assert.equal(report.error?.code, 'source_out_of_order', JSON.stringify(report))
    assert.equal(report.counts.deleted, 0)
    assert.deepEqual(kept, [...KEYS, ...others])
  })
}

test('two neighbours that are swapped, wherever they are, stop the run with 0 deletes', async () => {
  const sorted = KEYS.toSorted(byBytes)
  for (let at = 1; at < sorted.length; at++) {
    const swapped = [
      ...sorted.slice(0, at - 1),
      sorted[at] as string,
      sorted[at - 1] as string,
      ...sorted.slice(at + 1),
    ]
    const { report, kept, others } = await runOver(swapped)
    assert.equal(report.error?.code, 'source_out_of_order')
    assert.equal(report.counts.deleted, 0)
    assert.equal(kept.length, KEYS.length + others.length)
  }
})

test('a key that comes twice in a row makes its rows invalid, and its record is left alone', async () => {
  const sorted = KEYS.toSorted(byBytes)
  for (let at = 0; at < sorted.length; at++) {
    const { report, kept } = await runOver([...sorted.slice(0, at + 1), ...sorted.slice(at)])
    assert.equal(report.status, 'completed_with_errors')
    assert.deepEqual([report.counts.invalid, report.counts.updated, report.counts.deleted], [2, KEYS.length - 1, 4])
    assert.deepEqual(kept, KEYS)
  }
})

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { KeyEncoding } from '../../src/core/column.ts'
import type { KeyList } from '../../src/core/destination.ts'
import { FatalError } from '../../src/core/errors.ts'
import { ACKNOWLEDGED, ADOPTED, RETIRED, SEEN, UNSURE, UNSURE_NEW } from '../../src/core/key-entry.ts'
import type { KeyIndex } from '../../src/core/key-index.ts'
import type { RowBatch } from '../../src/core/row-batch.ts'
import { type RefreshCounts, refresh } from '../../src/pipeline/refresh.ts'
import { KeyIndexFile } from '../../src/state/key-index-file.ts'
import { KeySorterFile } from '../../src/state/key-sorter-file.ts'
import { KeySpoolFile } from '../../src/state/key-spool-file.ts'
import { type Entry, entriesOf, segmentOf } from '../support/keys.ts'
import { provenEnd, rowBatch, rowBatches } from '../support/row-batches.ts'
import { seeds, withSeed } from '../support/seeded-random.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { putEntries, testIndex } from '../support/test-index.ts'

function listOf(keys: readonly (string | null)[], sorted: boolean, size = 7): KeyList {
  return listing(
    rowBatches(
      keys.map((key) => [key]),
      size,
    ),
    sorted,
  )
}

function listing(batches: readonly RowBatch[], sorted: boolean): KeyList {
  async function* rows() {
    yield* batches
  }
  return { sorted, rows: rows() }
}

async function merge(
  index: KeyIndex,
  list: KeyList,
  folder: string,
  encodings: readonly KeyEncoding[] = ['integer'],
): Promise<RefreshCounts> {
  const spool = new KeySpoolFile(folder, 'vanished')
  try {
    return await refresh({ list, index, encodings, sorter: () => KeySorterFile.open(), spool })
  } finally {
    spool.close()
  }
}

const STATES = [ACKNOWLEDGED, UNSURE, UNSURE_NEW, ADOPTED, SEEN, RETIRED] as const

for (const sorted of [true, false]) {
  test(`what a ${sorted ? 'sorted' : 'disordered'} list holds joins the index, and what it lacks leaves it`, async () => {
    for (const seed of seeds(60)) {
      await withSeed(seed, 'test/pipeline/refresh', async (random) => {
        using state = await testIndex()
        const ids = Array.from({ length: random.below(80) }, (_, index) => index - 30)
        const known = new Map(
          random.some(ids, random.unit()).map((key): [number, Required<Entry>] => {
            const chosen = random.pick(STATES)
            return [key, { key, state: chosen, print: chosen === ACKNOWLEDGED ? 1 + random.below(1000) : 0 }]
          }),
        )
        putEntries(state.index, [...known.values()])
        const held = random.some(ids, random.unit())
        const doubled = held.flatMap((key) => (random.chance(0.2) ? [key, key, key] : [key]))
        const keys: (string | null)[] = (sorted ? doubled : random.shuffled(doubled)).map(String)
        for (let nulls = random.below(3); nulls > 0; nulls--) keys.splice(random.below(keys.length + 1), 0, null)

        const counts = await merge(state.index, listOf(keys, sorted, 1 + random.below(20)), state.folder)
        const expected = held.map((key) => known.get(key) ?? { key, state: ADOPTED, print: 0 })
        assert.deepEqual(entriesOf(state.index.scan()), expected)
        assert.deepEqual(counts, {
          listed: held.length,
          adopted: held.filter((key) => !known.has(key)).length,
          vanished: [...known.keys()].filter((key) => !held.includes(key)).length,
        })
      })
    }
  })
}

test('a disordered list of many keys is sorted by its bytes', async () => {
  using state = await testIndex()
  // In byte order, not in that of strings: U+FF21 comes before U+1F600.
  const keys = ['\u{1f600}', '\uff21', 'b', '', 'a']
  const counts = await merge(state.index, listOf(keys, false), state.folder, ['text'])
  assert.equal(counts.adopted, 5)
  const scan = state.index.scan()
  const found: string[] = []
  while (scan.next()) found.push(scan.bytes.toString('utf8', scan.keyStart, scan.keyEnd))
  assert.deepEqual(found, ['', 'a', 'b', '\uff21', '\u{1f600}'])
})

test('an empty list empties the index', async () => {
  using state = await testIndex({ key: 1 }, { key: 2 })
  assert.deepEqual(await merge(state.index, listOf([], true), state.folder), { listed: 0, adopted: 0, vanished: 2 })
  assert.deepEqual(entriesOf(state.index.scan()), [])
})

const MANY = 20_000
const last = [[String(MANY)]]
const BROKEN: readonly [string, readonly RowBatch[]][] = [
  ['that stops without an end', [rowBatch(last)]],
  ['whose end is not proven', [rowBatch(last), rowBatch([], { ...provenEnd(1), proven: false })]],
  ['that lost a row', [rowBatch(last), rowBatch([], provenEnd(2))]],
  ['that has a row too many', [rowBatch([...last, [String(MANY + 1)]]), rowBatch([], provenEnd(1))]],
]

for (const [what, batches] of BROKEN) {
  for (const sorted of [true, false]) {
    test(`a ${sorted ? 'sorted' : 'disordered'} list ${what} removes nothing, not even from the next run`, async () => {
      using folder = temporaryFolder()
      const open = () => KeyIndexFile.open(join(folder.path, 'test.sqlite'), 'test', { keep: true })
      const index = await open()
      // More than fits one segment, so that some of it is written before the list breaks off.
      const keys = Array.from({ length: MANY }, (_, key) => ({ key }))
      index.lane().put(0, segmentOf(...keys))
      index.compact()
      await assert.rejects(
        merge(index, listing(batches, sorted), folder.path),
        (error) => error instanceof FatalError && error.code === 'list_incomplete',
      )
      index.close()
      const again = await open()
      const entries = entriesOf(again.scan())
      again.close()
      assert.equal(entries.filter(({ key, state }) => key < MANY && state === ACKNOWLEDGED).length, MANY)
    })
  }
}

test('a list that fails fails the refresh with its own error, and removes nothing', async () => {
  using state = await testIndex({ key: 1 }, { key: 2 })
  async function* rows(): AsyncGenerator<RowBatch> {
    yield rowBatch([['2']])
    throw new FatalError('connection_lost', 'the connection broke; run again')
  }
  await assert.rejects(
    merge(state.index, { sorted: true, rows: rows() }, state.folder),
    (error) => error instanceof FatalError && error.code === 'connection_lost',
  )
  state.index.compact()
  assert.equal(entriesOf(state.index.scan()).length, 2)
})

test('a list that says it is sorted and is not is refused', async () => {
  using state = await testIndex({ key: 1 })
  await assert.rejects(
    merge(state.index, listOf(['2', '10', '9'], true), state.folder),
    (error) => error instanceof FatalError && error.code === 'list_out_of_order' && / 9 /.test(error.message),
  )
  state.index.compact()
  assert.equal(entriesOf(state.index.scan()).find(({ key }) => key === 1)?.state, ACKNOWLEDGED)
})

test('a record whose key is no value of the model stops the run and names it', async () => {
  for (const sorted of [true, false]) {
    using state = await testIndex()
    await assert.rejects(
      merge(state.index, listOf(['1', 'one', '2'], sorted), state.folder),
      (error) =>
        error instanceof FatalError &&
        error.kind === 'configuration' &&
        error.code === 'unmatchable_key' &&
        /"one"/.test(error.message),
    )
  }
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import { decodeRow } from '../../src/core/copy-text.ts'
import { CHANGE_INSERT, CHANGE_NOTE, CHANGE_UPDATE, type DiffBatch, type EndOfDiff } from '../../src/core/diff-batch.ts'
import { FatalError } from '../../src/core/errors.ts'
import {
  ACKNOWLEDGED,
  ADOPTED,
  type EntryState,
  GONE,
  RETIRED,
  SEEN,
  SegmentBuilder,
  SegmentReader,
  UNSURE,
  UNSURE_NEW,
} from '../../src/core/key-entry.ts'
import type { KeyIndex } from '../../src/core/key-index.ts'
import type { RowBatch } from '../../src/core/row-batch.ts'
import { Tally } from '../../src/core/tally.ts'
import { keying } from '../../src/pipeline/keying.ts'
import { mergeDiff } from '../../src/pipeline/merge-diff.ts'
import { KeyIndexFile } from '../../src/state/key-index-file.ts'
import { integerKey, segmentOf } from '../support/keys.ts'
import { ID_AND_V, provenEnd, type Row, rowBatch, rowBatches } from '../support/row-batches.ts'
import { seeds, withSeed } from '../support/seeded-random.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

interface Known {
  readonly state: EntryState
  /** The fingerprint, as two words. */
  readonly print: readonly [number, number]
}

interface Diff {
  /** Changed rows: `kind id v state-before print-before`. */
  readonly changes: string[]
  /** Missing keys: `id state print`. */
  readonly missing: string[]
  readonly end: EndOfDiff | null
  readonly tally: Tally
}

/** An index that lives as long as the test; nothing of it is kept. */
async function openIndex(folder: string): Promise<KeyIndexFile> {
  return await KeyIndexFile.open(`${folder}/test.sqlite`, 'test', { keep: false })
}

function put(index: KeyIndex, entries: ReadonlyMap<number, Known>): void {
  const builder = new SegmentBuilder()
  for (const id of [...entries.keys()].sort((a, b) => a - b)) {
    const { state, print } = entries.get(id) as Known
    builder.push(state, integerKey(id), 0, 8, ...print)
  }
  index.lane().put(0, builder.take())
  index.compact()
}

async function diff(index: KeyIndex, batches: readonly RowBatch[], resend = false): Promise<Diff> {
  const tally = new Tally()
  const result: Diff = { changes: [], missing: [], end: null, tally }
  let end: EndOfDiff | null = null
  await pipeline(
    Readable.from(batches),
    keying(ID_AND_V, { high: 1, low: 2 }, tally),
    mergeDiff(index, tally, { resend }),
    async (stream: AsyncIterable<DiffBatch>) => {
      for await (const batch of stream) {
        assert.ok(batch.count > 0 || batch.missing !== null || batch.end !== null, 'nothing was passed on')
        assert.notEqual(batch.missing?.count, 0, 'a segment of nothing was passed on')
        result.changes.push(...changesOf(batch))
        result.missing.push(...missingOf(batch))
        assert.equal(end, null, 'something came behind the end')
        end = batch.end
      }
    },
  )
  return { ...result, end }
}

function changesOf({ keyed, count, rows, kinds, previous, previousPrints }: DiffBatch): string[] {
  const { bytes, offsets } = keyed.rows
  return Array.from({ length: count }, (_, index) => {
    const row = rows[index] as number
    const [id, v] = decodeRow(bytes, offsets[row] as number, offsets[row + 1] as number)
    const print = `${previousPrints[index * 2]}.${previousPrints[index * 2 + 1]}`
    return `${kinds[index]} ${id} ${v} ${previous[index]} ${print}`
  })
}

function missingOf({ missing }: DiffBatch): string[] {
  if (missing === null) return []
  const found: string[] = []
  const reader = new SegmentReader(missing.bytes)
  while (reader.next()) {
    const id = reader.bytes.readBigUInt64BE(reader.keyStart) - 2n ** 63n
    found.push(`${id} ${reader.state} ${reader.printHigh}.${reader.printLow}`)
  }
  assert.equal(found.length, missing.count)
  return found
}

/** The fingerprints of rows, as keying gives them. */
async function printsOf(rows: readonly Row[]): Promise<Map<string, readonly [number, number]>> {
  const prints = new Map<string, readonly [number, number]>()
  const stream = keying(ID_AND_V, { high: 1, low: 2 }, new Tally())
  await pipeline(Readable.from(rowBatches(rows)), stream, async (keyed: AsyncIterable<DiffBatch['keyed']>) => {
    for await (const batch of keyed)
      for (let row = 0; row < batch.rows.count; row++) {
        const [id] = decodeRow(
          batch.rows.bytes,
          batch.rows.offsets[row] as number,
          batch.rows.offsets[row + 1] as number,
        )
        prints.set(id as string, [batch.prints[row * 2] as number, batch.prints[row * 2 + 1] as number])
      }
  })
  return prints
}

const STATES = [GONE, ACKNOWLEDGED, UNSURE, UNSURE_NEW, ADOPTED, SEEN, RETIRED] as const
/** Indexes by random layers and models by random edits, against a map that is walked key by key. */
const CASES = 150

test(`finds exactly what differs between ${CASES} random models and indexes`, async () => {
  using folder = temporaryFolder()
  for (const seed of seeds(CASES)) {
    await withSeed(seed, 'test/pipeline/merge-diff', async (random) => {
      const ids = Array.from({ length: random.below(60) }, (_, index) => index - 20)
      const old: Row[] = ids.map((id) => [String(id), 'old'])
      const prints = await printsOf(old)
      const known = new Map<number, Known>()
      const index = await openIndex(folder.path)
      try {
        for (let layers = random.below(4); layers > 0; layers--) {
          const layer = new Map<number, Known>()
          for (const id of random.some(ids, random.unit())) {
            const state = random.pick(STATES)
            const print = state === ACKNOWLEDGED ? (prints.get(String(id)) as [number, number]) : ([0, 0] as const)
            layer.set(id, { state, print })
            if (state === GONE) known.delete(id)
            else known.set(id, { state, print })
          }
          put(index, layer)
        }

        const rows: Row[] = random.some(ids, random.unit()).map((id) => [String(id), random.pick(['old', 'new'])])
        const doubled = random.chance(0.5) ? random.below(rows.length + 1) : -1
        if (rows[doubled] !== undefined) rows.splice(doubled, 0, rows[doubled])
        const copies = doubled >= 0 && rows.length > 0 ? rows[doubled]?.[0] : undefined
        const unkeyed = random.below(3)
        for (let count = 0; count < unkeyed; count++) rows.splice(random.below(rows.length + 1), 0, [null, 'old'])
        const resend = random.chance(0.1)
        const found = await diff(index, rowBatches(rows, 1 + random.below(20)), resend)

        const present = new Set(rows.map(([id]) => id))
        const changes: string[] = []
        let unchanged = 0
        let noted = 0
        for (const [id, v] of rows) {
          if (id === null) continue
          const entry = known.get(Number(id))
          if (id === copies) {
            // Its record is left alone, and remembered as one that the model held: once.
            if (entry?.state === ADOPTED && noted++ === 0) changes.push(`${CHANGE_NOTE} ${id} ${v} ${ADOPTED} 0.0`)
            continue
          }
          if (!resend && entry?.state === ACKNOWLEDGED && v === 'old') unchanged++
          else {
            const isInsert = entry === undefined || entry.state === UNSURE_NEW
            const kind = isInsert ? CHANGE_INSERT : CHANGE_UPDATE
            changes.push(`${kind} ${id} ${v} ${entry?.state ?? GONE} ${(entry?.print ?? [0, 0]).join('.')}`)
          }
        }
        const missing = [...known]
          .filter(([id, { state }]) => !present.has(String(id)) && state !== RETIRED)
          .sort(([a], [b]) => a - b)
          .map(([id, { state, print }]) => `${id} ${state} ${print.join('.')}`)
        assert.deepEqual(found.changes, changes)
        assert.deepEqual(found.missing, missing)
        assert.equal(found.tally.counts.unchanged, unchanged)
        assert.equal(found.tally.counts.missing, missing.length)
        assert.equal(found.end?.rows, rows.length)
        assert.equal(found.end?.unkeyed, unkeyed)
        const entries = (state: EntryState) => [...known.values()].filter((entry) => entry.state === state).length
        assert.deepEqual([...Object.values(found.end?.entriesByState ?? {})].slice(0, 7), STATES.map(entries))
      } finally {
        index.close()
      }
    })
  }
})

test('an empty model leaves every key of the index missing', async () => {
  using folder = temporaryFolder()
  const index = await openIndex(folder.path)
  put(index, new Map([[5, { state: ADOPTED, print: [0, 0] }]]))
  const { missing, end } = await diff(index, [rowBatch([], provenEnd(0))])
  assert.deepEqual(missing, [`5 ${ADOPTED} 0.0`])
  assert.equal(end?.rows, 0)
  index.close()
})

test('rows that the source could not read have no key, and count as rows', async () => {
  using folder = temporaryFolder()
  const index = await openIndex(folder.path)
  const invalid = [{ code: 'ragged_row', message: 'is ragged; mend it', payload: '' }]
  const { end } = await diff(index, [{ ...rowBatch([['1', 'a']]), invalid }, rowBatch([], provenEnd(2))])
  assert.equal(end?.rows, 2)
  assert.equal(end?.unkeyed, 1)
  index.close()
})

test('a model without an end comes to no end', async () => {
  using folder = temporaryFolder()
  const index = await openIndex(folder.path)
  put(index, new Map([[5, { state: ADOPTED, print: [0, 0] }]]))
  const { end, missing } = await diff(index, [rowBatch([['1', 'a']])])
  assert.equal(end, null)
  assert.deepEqual(missing, [], 'a key behind the last row is judged before the end is known')
  index.close()
})

const MANY = 200_000

async function largeIndex(folder: string): Promise<KeyIndexFile> {
  const index = await openIndex(folder)
  const lane = index.lane()
  for (let from = 0; from < MANY; from += 5000)
    lane.put(from / 5000, segmentOf(...Array.from({ length: 5000 }, (_, offset) => ({ key: from + offset + 1 }))))
  index.compact()
  return index
}

for (const [where, rows] of [
  [
    'between two rows',
    [
      ['0', 'a'],
      ['9999999', 'b'],
    ],
  ],
  ['behind the last row', [['0', 'a']]],
] as [string, Row[]][]) {
  test(`${MANY} missing keys ${where} are handed on as they are taken, not gathered`, async () => {
    using folder = temporaryFolder()
    const index = await largeIndex(folder.path)
    const tally = new Tally()
    const stage = mergeDiff(index, tally)
    const flow = pipeline(
      Readable.from(rowBatches(rows)),
      keying(ID_AND_V, { high: 1, low: 2 }, tally),
      stage,
      async (stream: AsyncIterable<DiffBatch>) => {
        let taken = 0
        let last = 0
        for await (const batch of stream) {
          // Whatever can run without us taking more has run by now.
          for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
          taken += batch.missing?.count ?? 0
          const ahead = tally.counts.missing - taken
          assert.ok(ahead < 20_000, `${ahead} keys were gathered ahead`)
          for (const line of missingOf(batch)) {
            const id = Number.parseInt(line, 10)
            assert.equal(id, last + 1)
            last = id
          }
        }
        assert.equal(last, MANY)
      },
    )
    await flow
    assert.equal(tally.counts.missing, MANY)
    index.close()
  })
}

test('a run that stops while missing keys wait for the next stage reads no further', async () => {
  using folder = temporaryFolder()
  const index = await largeIndex(folder.path)
  const tally = new Tally()
  await assert.rejects(
    pipeline(
      Readable.from([rowBatch([['0', 'a']], provenEnd(1))]),
      keying(ID_AND_V, { high: 1, low: 2 }, tally),
      mergeDiff(index, tally),
      new Writable({
        objectMode: true,
        highWaterMark: 1,
        write: (_batch, _encoding, callback) => callback(new Error('the next stage failed')),
      }),
    ),
    /the next stage failed/,
  )
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
  assert.ok(tally.counts.missing < 20_000, `${tally.counts.missing} keys were read for nobody`)
  index.close()
})

test('a row is unchanged only where its entry is acknowledged and has both halves of its fingerprint', async () => {
  using folder = temporaryFolder()
  const row: Row = ['7', 'v']
  const [high, low] = (await printsOf([row])).get('7') as readonly [number, number]
  const flipped = [
    [high, low],
    [high ^ 1, low],
    [high, low ^ 1],
    [high ^ 1, low ^ 1],
  ] as const
  for (const state of STATES.filter((one) => one !== GONE)) {
    for (const print of flipped) {
      const index = await openIndex(folder.path)
      put(index, new Map([[7, { state, print: [print[0] >>> 0, print[1] >>> 0] }]]))
      const { changes } = await diff(index, rowBatches([row]))
      const unchanged = state === ACKNOWLEDGED && print === flipped[0]
      assert.equal(changes.length, unchanged ? 0 : 1, `state ${state}, ${print}`)
      index.close()
    }
  }
})

test('rows that come with the end are compared like all others', async () => {
  using folder = temporaryFolder()
  const index = await openIndex(folder.path)
  const { changes, end } = await diff(index, [rowBatch([['1', 'a']], provenEnd(1))])
  assert.deepEqual(changes, [`${CHANGE_INSERT} 1 a ${GONE} 0.0`])
  assert.equal(end?.rows, 1)
  index.close()
})

test('nothing is sent again, and everything is compared, unless it is asked for', async () => {
  using folder = temporaryFolder()
  const rows: Row[] = [['5', 'v']]
  const print = (await printsOf(rows)).get('5') as readonly [number, number]
  for (const [options, missing] of [
    [undefined, 1],
    [{ partial: true }, 0],
  ] as const) {
    const index = await openIndex(folder.path)
    put(
      index,
      new Map([
        [1, { state: SEEN, print: [0, 0] }],
        [5, { state: ACKNOWLEDGED, print }],
      ]),
    )
    const tally = new Tally()
    const passed: DiffBatch[] = []
    const stage = mergeDiff(index, tally, options)
    await pipeline(
      Readable.from(rowBatches(rows)),
      keying(ID_AND_V, { high: 1, low: 2 }, tally),
      stage,
      async (diffs) => {
        for await (const batch of diffs as AsyncIterable<DiffBatch>) passed.push(batch)
      },
    )
    assert.deepEqual(passed.flatMap(changesOf), [])
    assert.equal(passed.flatMap(missingOf).length, missing)
    assert.equal(tally.counts.unchanged, 1)
    index.close()
  }
})

/** An index of so many keys that their segments fill several times what is handed on at once. */
async function manySeen(folder: string): Promise<KeyIndexFile> {
  const index = await openIndex(folder)
  put(index, new Map(Array.from({ length: 20_000 }, (_, id) => [id, { state: SEEN, print: [0, 0] }] as const)))
  return index
}

test('missing keys are handed on in segments of 64 KiB, before a row as well as behind the last', async () => {
  using folder = temporaryFolder()
  for (const id of ['30000', '-5']) {
    const index = await manySeen(folder.path)
    const tally = new Tally()
    const sizes: number[] = []
    await pipeline(
      Readable.from([rowBatch([[id, 'v']], provenEnd(1))]),
      keying(ID_AND_V, { high: 1, low: 2 }, tally),
      mergeDiff(index, tally),
      async (diffs: AsyncIterable<DiffBatch>) => {
        for await (const { missing } of diffs) if (missing !== null) sizes.push(missing.bytes.length)
      },
    )
    // 20,000 entries of 18 bytes: five full segments, each by less than an entry above the limit, and the rest.
    assert.equal(sizes.length, 6)
    for (const size of sizes.slice(0, 5)) assert.ok(size >= 65_536 && size < 65_536 + 18, `${size} bytes`)
    index.close()
  }
})

test('a stage that is destroyed while it waits for the next one is closed', async () => {
  using folder = temporaryFolder()
  const index = await manySeen(folder.path)
  const tally = new Tally()
  const keyed = keying(ID_AND_V, { high: 1, low: 2 }, tally)
  const stage = mergeDiff(index, tally)
  keyed.pipe(stage)
  keyed.end(rowBatch([['30000', 'v']], provenEnd(1)))
  await once(stage, 'readable')
  const closed = once(stage, 'close')
  stage.destroy()
  await closed
  index.close()
})

test('what the index throws ends the stage', { timeout: 20_000 }, async () => {
  using folder = temporaryFolder()
  const index = await manySeen(folder.path)
  const scan = () => {
    const sound = index.scan()
    let left = 1000
    const next = () => {
      if (left-- === 0) throw new FatalError('index_damaged', 'planned')
      return sound.next()
    }
    return new Proxy(sound, { get: (_, name) => (name === 'next' ? next : Reflect.get(sound, name, sound)) })
  }
  const broken = new Proxy(index, { get: (_, name) => (name === 'scan' ? scan : Reflect.get(index, name, index)) })
  await assert.rejects(diff(broken, rowBatches([['30000', 'v']])), { code: 'index_damaged' })
  index.close()
})

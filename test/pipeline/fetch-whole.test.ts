import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test } from 'node:test'
import { decodeRow } from '../../src/core/copy-text.ts'
import { CHANGE_NOTE, CHANGE_UPDATE, type DiffBatch } from '../../src/core/diff-batch.ts'
import type { FatalError } from '../../src/core/errors.ts'
import { KeyEncoder, keySpace } from '../../src/core/key.ts'
import { ACKNOWLEDGED, ADOPTED } from '../../src/core/key-entry.ts'
import type { RowLayout } from '../../src/core/row-batch.ts'
import type { WholeRows } from '../../src/core/source.ts'
import { fetchWhole } from '../../src/pipeline/fetch-whole.ts'
import { segmentOf } from '../support/keys.ts'
import { column, provenEnd, type Row, rowBatch, rowBatches } from '../support/row-batches.ts'

/** Lines of key, fingerprint, key and text. */
const LAYOUT: RowLayout = {
  key: [{ field: 0, encoding: 'integer' }],
  extra: 2,
  columns: [column('id', 'integer'), column('v')],
}

const rowOf = (id: number, digest = `-${id}`): Row => [String(id), digest, String(id), `value ${id}`]

/** A model that answers for each key with `answer`, a few rows a batch, and remembers what it was asked. */
class Model implements WholeRows {
  readonly layout = LAYOUT
  readonly most: number
  readonly asked: string[][] = []
  readonly open: Readable[] = []
  closed = 0
  readonly #answer: (keys: readonly string[]) => readonly Row[]

  constructor(
    most: number,
    answer = (keys: readonly string[]): readonly Row[] => keys.map((key) => rowOf(Number(key))),
  ) {
    this.most = most
    this.#answer = answer
  }

  fetch(keys: readonly (readonly string[])[]): Readable {
    const wanted = keys.map(([key]) => key as string)
    this.asked.push(wanted)
    assert.ok(
      this.open.every((rows) => rows.closed),
      'one stream at a time',
    )
    const rows = Readable.from(rowBatches(this.#answer(wanted), 3), { highWaterMark: 1 })
    this.open.push(rows)
    return rows
  }

  async close(): Promise<void> {
    this.closed++
  }
}

/** What the filter passes on for these keys: of keys and fingerprints alone, each key with number 100 more as its old one. */
function diffOf(
  ids: readonly number[],
  parts: Partial<DiffBatch> = {},
  kind = (_id: number) => CHANGE_UPDATE,
): DiffBatch {
  const rows = rowBatch([['-1000', '1'], ...ids.map((id) => [String(id), `-${id}`])])
  const encoder = new KeyEncoder(LAYOUT.key)
  const keys = Buffer.alloc(keySpace(rows.bytes.length, rows.count))
  const keyEnds = new Uint32Array(rows.count)
  let at = 0
  for (let row = 0; row < rows.count; row++) {
    at = encoder.encode(rows.bytes, rows.offsets[row] as number, rows.offsets[row + 1] as number, keys, at)
    keyEnds[row] = at
  }
  const prints = Uint32Array.from([0, -1000, ...ids].flatMap((id) => [0xffff_ffff, -id])).slice(2)
  return {
    keyed: { rows, keys: keys.subarray(0, at), keyEnds, prints, verdicts: new Uint8Array(rows.count) },
    count: ids.length,
    rows: Uint32Array.from(ids, (_, index) => index + 1),
    kinds: Uint8Array.from(ids, kind),
    previous: Uint8Array.from(ids, (id) => (id % 2 === 0 ? ADOPTED : ACKNOWLEDGED)),
    previousPrints: Uint32Array.from(ids.flatMap((id) => [id + 100, id + 101])),
    missing: null,
    end: null,
    ...parts,
  }
}

const END = { model: provenEnd(0), rows: 0, unkeyed: 0, entriesByState: {} as never }

/** Each change as the writer finds it: its row and what else is known of it. */
function changesOf({ keyed, count, rows, kinds, previous, previousPrints }: DiffBatch): unknown[] {
  return Array.from({ length: count }, (_, index) => {
    const row = rows[index] as number
    const { bytes, offsets } = keyed.rows
    const [start, end] = [offsets[row] as number, offsets[row + 1] as number]
    return {
      key: Number(keyed.keys.readBigUInt64BE(row === 0 ? 0 : keyed.keyEnds[row - 1]) - 2n ** 63n),
      line: start === end ? null : decodeRow(bytes, start, end).slice(2),
      prints: [...keyed.prints.subarray(row * 2, row * 2 + 2)],
      kind: kinds[index],
      previous: previous[index],
      old: [...previousPrints.subarray(index * 2, index * 2 + 2)],
    }
  })
}

async function run(model: Model, diffs: readonly DiffBatch[]): Promise<{ given: DiffBatch[]; changes: unknown[] }> {
  const given: DiffBatch[] = []
  const sink = new Writable({
    objectMode: true,
    highWaterMark: 1,
    write(diff: DiffBatch, _encoding, callback) {
      given.push(diff)
      setImmediate(callback)
    },
  })
  await pipeline(Readable.from(diffs, { highWaterMark: 1 }), fetchWhole(model, 1), sink)
  return { given, changes: given.flatMap(changesOf) }
}

function expected(ids: readonly number[], notes: readonly number[] = []): unknown[] {
  return ids.map((id) => ({
    key: id,
    line: notes.includes(id) ? null : [String(id), `value ${id}`],
    prints: [0xffff_ffff, -id >>> 0],
    kind: notes.includes(id) ? CHANGE_NOTE : CHANGE_UPDATE,
    previous: id % 2 === 0 ? ADOPTED : ACKNOWLEDGED,
    old: [id + 100, id + 101],
  }))
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

test('changes of many batches are fetched together, at most so many at once, and passed on in their order', async () => {
  const model = new Model(10)
  const all = numbers(1, 48)
  const diffs = [all.slice(0, 4), all.slice(4, 7), all.slice(7, 40), all.slice(40)].map((ids) => diffOf(ids))
  const { changes } = await run(model, [...diffs, diffOf([], { end: END })])
  assert.deepEqual(changes, expected(all))
  assert.deepEqual(
    model.asked.map((keys) => keys.length),
    [10, 10, 10, 10, 7],
  )
  assert.equal(model.closed, 1)
})

test('what only its key is needed of is not fetched, and stays in its place', async () => {
  for (const notes of [[1, 2], [5], [3, 4, 7, 8, 11, 12], numbers(1, 13)]) {
    const model = new Model(5)
    const kind = (id: number) => (notes.includes(id) ? CHANGE_NOTE : CHANGE_UPDATE)
    const { changes } = await run(model, [diffOf(numbers(1, 13), {}, kind), diffOf([], { end: END })])
    assert.deepEqual(changes, expected(numbers(1, 13), notes))
    assert.deepEqual(
      model.asked.flat().map(Number),
      numbers(1, 13).filter((id) => !notes.includes(id)),
    )
  }
})

test('missing keys and the end go through, the end behind every change', async () => {
  const missing = segmentOf({ key: 1 })
  const model = new Model(100)
  const { given } = await run(model, [diffOf([1, 2], { missing }), diffOf([3], { end: END })])
  assert.equal(given.filter((diff) => diff.missing === missing).length, 1)
  assert.equal(given.at(-1)?.end, END)
  assert.deepEqual(
    given.map((diff) => diff.count).reduce((sum, count) => sum + count),
    3,
  )
})

const UNSTABLE: Readonly<Record<string, (keys: readonly string[]) => readonly Row[]>> = {
  'is gone': (keys) => keys.filter((key) => key !== '5').map((key) => rowOf(Number(key))),
  'is there twice': (keys) => keys.flatMap((key) => (key === '5' ? [rowOf(5), rowOf(5)] : [rowOf(Number(key))])),
  'has another fingerprint': (keys) => keys.map((key) => rowOf(Number(key), key === '5' ? '5' : `-${key}`)),
  'has another key': (keys) => keys.map((key) => (key === '5' ? ['55', '-5', '5', 'v'] : rowOf(Number(key)))),
  'has no key': (keys) => keys.map((key) => (key === '5' ? [null, '-5', '5', 'v'] : rowOf(Number(key)))),
  'and all others are gone': () => [],
}

for (const [what, answer] of Object.entries(UNSTABLE)) {
  test(`the run ends where a row ${what} when it is fetched, and nothing stays open`, async () => {
    const model = new Model(100, answer)
    await assert.rejects(run(model, [diffOf(numbers(1, 10)), diffOf([], { end: END })]), (error: FatalError) => {
      assert.equal(error.code, 'model_unstable')
      return true
    })
    assert.equal(model.closed, 1)
    assert.ok(model.open.every((rows) => rows.destroyed))
  })
}

test('a fetch that fails ends the run with its error', async () => {
  const broken = new Model(2)
  broken.fetch = () =>
    Readable.from(
      (async function* () {
        yield rowBatch([rowOf(1)])
        throw new Error('cut')
      })(),
    )
  await assert.rejects(run(broken, [diffOf([1, 2, 3])]), /cut/)
  assert.equal(broken.closed, 1)
})

test('a next stage that takes its time makes the source wait', async () => {
  const model = new Model(10)
  let taken = 0
  const source = Readable.from(
    (function* () {
      for (; taken < 100; taken++) yield diffOf(numbers(taken * 10 + 1, taken * 10 + 11))
    })(),
    { highWaterMark: 1 },
  )
  const stage = source.pipe(fetchWhole(model, 1))
  stage.read(0)
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(taken < 8, `${taken} batches were taken`)
  assert.ok(model.asked.length < 6, `${model.asked.length} fetches were made`)
  source.destroy()
  stage.destroy()
  await once(stage, 'close')
  assert.equal(model.closed, 1)
})

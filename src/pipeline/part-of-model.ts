import { Readable } from 'node:stream'
import { compareKeys, KeyEncoder, keySpace } from '../core/key.ts'
import type { RowBatch, RowLayout } from '../core/row-batch.ts'
import type { Reading } from '../core/source.ts'
import type { KeySelection } from './key-selection.ts'

/** Which rows a partial run is about: the first so many in key order, or those with certain keys. */
export type RowPart = { readonly limit: number } | { readonly keys: KeySelection }

/** What a partial run says about itself: `the first 10 rows`. */
export function describePart(part: RowPart): string {
  if ('keys' in part) return part.keys.count === 1 ? 'one key' : `${part.keys.count} keys`
  return part.limit === 1 ? 'the first row' : `the first ${part.limit} rows`
}

/**
 * Part of a model as a model of its own: every stage counts its rows and no others. All rows of a key belong together,
 * so that duplicates are still found. Its end proves nothing about the keys it lacks, and says so; a source that has
 * more to send is stopped.
 */
export function partOfModel(reading: Reading, part: RowPart): Reading {
  return { ...reading, rows: Readable.from(batches(reading, part), { objectMode: true, highWaterMark: 1 }) }
}

async function* batches({ rows, layout }: Reading, part: RowPart): AsyncGenerator<RowBatch> {
  const picker = 'keys' in part ? new PickedKeys(layout, part.keys) : new FirstRows(layout, part.limit)
  let taken = 0
  for await (const batch of rows as AsyncIterable<RowBatch>) {
    // A source that sent just what was asked for ends by itself: stopping it would cost a connection.
    if (picker.done && batch.end === undefined) break
    const picked = picker.pick(batch)
    const count = picked.count + (picked.invalid?.length ?? 0)
    taken += count
    if (count > 0) yield picked
    if (batch.end !== undefined) break
  }
  const evidence = `only part of the model was read (${describePart(part)})`
  const end = { rows: taken, proven: false, evidence }
  yield { bytes: Buffer.alloc(0), offsets: new Uint32Array(1), count: 0, end }
}

interface Picker {
  /** Nothing behind this belongs to the part. */
  readonly done: boolean
  /** The rows of a batch that belong to it, without its end. */
  pick(batch: RowBatch): RowBatch
}

/** One key at a time, in a buffer that is used again. */
class KeyReader {
  readonly #encoder: KeyEncoder
  bytes = Buffer.allocUnsafe(1024)
  /** Negative where the row has no usable key. */
  length = 0

  constructor(layout: RowLayout) {
    this.#encoder = new KeyEncoder(layout.key)
  }

  read({ bytes, offsets }: RowBatch, row: number): boolean {
    const start = offsets[row] as number
    const end = offsets[row + 1] as number
    if (this.bytes.length < keySpace(end - start)) this.bytes = Buffer.allocUnsafe(keySpace(end - start))
    this.length = this.#encoder.encode(bytes, start, end, this.bytes, 0)
    return this.length >= 0
  }
}

class FirstRows implements Picker {
  done = false
  #left: number
  #last: Buffer | undefined
  readonly #key: KeyReader

  constructor(layout: RowLayout, limit: number) {
    this.#left = limit
    this.#key = new KeyReader(layout)
  }

  pick({ end: _, ...batch }: RowBatch): RowBatch {
    const invalid = batch.invalid?.slice(0, this.#left) ?? []
    this.#left -= invalid.length
    let count = 0
    while (count < batch.count && !this.done) {
      const keyed = this.#key.read(batch, count)
      const { bytes, length } = this.#key
      if (this.#left > 0) this.#left--
      else if (!keyed || this.#last?.equals(bytes.subarray(0, length)) !== true) {
        this.done = true
        break
      }
      if (keyed) this.#last = Buffer.from(bytes.subarray(0, length))
      count++
    }
    return { ...batch, count, ...(batch.invalid === undefined ? {} : { invalid }) }
  }
}

class PickedKeys implements Picker {
  done = false
  readonly #keys: KeySelection
  readonly #key: KeyReader

  constructor(layout: RowLayout, keys: KeySelection) {
    this.#keys = keys
    this.#key = new KeyReader(layout)
  }

  pick(batch: RowBatch): RowBatch {
    const { greatest } = this.#keys
    const lines: Buffer[] = []
    const ends = [0]
    for (let row = 0; row < batch.count && !this.done; row++) {
      if (!this.#key.read(batch, row)) continue
      const { bytes, length } = this.#key
      if (this.#keys.meets(bytes, 0, length)) {
        const line = batch.bytes.subarray(batch.offsets[row], batch.offsets[row + 1])
        lines.push(line)
        ends.push((ends.at(-1) as number) + line.length)
      } else if (compareKeys(bytes, 0, length, greatest, 0, greatest.length) > 0) this.done = true
    }
    return { bytes: Buffer.concat(lines), offsets: Uint32Array.from(ends), count: lines.length }
  }
}

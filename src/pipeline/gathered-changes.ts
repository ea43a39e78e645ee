import { CHANGE_NOTE, type DiffBatch } from '../core/diff-batch.ts'

/** Keys are at most 8 KiB long, but a thousand of those should not wait. */
const MOST_KEY_BYTES = 256 * 1024

/** Changes of any number of diff batches, without their rows: what they need of the memory does not depend on those. */
export class GatheredChanges {
  count = 0
  keys = Buffer.allocUnsafe(16 * 1024)
  readonly keyEnds: Uint32Array
  readonly prints: Uint32Array
  readonly kinds: Uint8Array
  readonly previous: Uint8Array
  readonly previousPrints: Uint32Array
  readonly #most: number

  /** Holds at most `most` changes. */
  constructor(most: number) {
    this.#most = most
    this.keyEnds = new Uint32Array(most)
    this.prints = new Uint32Array(most * 2)
    this.kinds = new Uint8Array(most)
    this.previous = new Uint8Array(most)
    this.previousPrints = new Uint32Array(most * 2)
  }

  get isFull(): boolean {
    return this.count === this.#most || this.keyStart(this.count) >= MOST_KEY_BYTES
  }

  keyStart(change: number): number {
    return change === 0 ? 0 : (this.keyEnds[change - 1] as number)
  }

  key(change: number): Buffer {
    return this.keys.subarray(this.keyStart(change), this.keyEnds[change])
  }

  /** Whether the row of a change is needed; for the others its key is enough. */
  wants(change: number): boolean {
    return this.kinds[change] !== CHANGE_NOTE
  }

  /** Copies change `index` of the batch; there has to be room for it. */
  add({ keyed, rows, kinds, previous, previousPrints }: DiffBatch, index: number): void {
    const row = rows[index] as number
    const start = row === 0 ? 0 : (keyed.keyEnds[row - 1] as number)
    const end = keyed.keyEnds[row] as number
    const change = this.count++
    const at = this.keyStart(change)
    if (at + end - start > this.keys.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.keys.length * 2, at + end - start))
      this.keys.copy(larger, 0, 0, at)
      this.keys = larger
    }
    keyed.keys.copy(this.keys, at, start, end)
    this.keyEnds[change] = at + end - start
    this.prints[change * 2] = keyed.prints[row * 2] as number
    this.prints[change * 2 + 1] = keyed.prints[row * 2 + 1] as number
    this.kinds[change] = kinds[index] as number
    this.previous[change] = previous[index] as number
    this.previousPrints[change * 2] = previousPrints[index * 2] as number
    this.previousPrints[change * 2 + 1] = previousPrints[index * 2 + 1] as number
  }

  /** The changes `from .. to` as a batch. Line `change` is `bytes[offsets[change] .. offsets[change + 1])`. */
  batch(from: number, to: number, bytes: Buffer, offsets: Uint32Array): DiffBatch {
    const { count, keys, keyEnds, prints } = this
    return {
      keyed: { rows: { bytes, offsets, count }, keys, keyEnds, prints, verdicts: new Uint8Array(count) },
      count: to - from,
      rows: Uint32Array.from({ length: to - from }, (_, index) => from + index),
      kinds: this.kinds.subarray(from, to),
      previous: this.previous.subarray(from, to),
      previousPrints: this.previousPrints.subarray(from * 2, to * 2),
      missing: null,
      end: null,
    }
  }
}

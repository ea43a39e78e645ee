import type { RowBatch } from '../core/row-batch.ts'
import { copyBytes } from './row-arena.ts'

const BATCH_BYTES = 64 * 1024

/** Copies lines into batches of about 64 KiB. One instance is reused; what it hands out is never touched again. */
export class RowPacker {
  #bytes = Buffer.alloc(0)
  #offsets = new Uint32Array(1025)
  #at = 0
  #count = 0

  /** Whether the batch is large enough now to be taken. */
  add(bytes: Buffer, start: number, end: number): boolean {
    const size = end - start
    if (this.#at + size > this.#bytes.length) this.#grow(size)
    this.#at = copyBytes(bytes, start, end, this.#bytes, this.#at)
    this.#count++
    if (this.#count === this.#offsets.length) {
      const more = new Uint32Array(this.#offsets.length * 2)
      more.set(this.#offsets)
      this.#offsets = more
    }
    this.#offsets[this.#count] = this.#at
    return this.#at >= BATCH_BYTES
  }

  take(): RowBatch {
    const bytes = this.#bytes.subarray(0, this.#at)
    const batch = { bytes, offsets: this.#offsets.slice(0, this.#count + 1), count: this.#count }
    this.#bytes = Buffer.alloc(0)
    this.#at = 0
    this.#count = 0
    return batch
  }

  #grow(size: number): void {
    // Room for one more line of ordinary length behind the last.
    const larger = Buffer.allocUnsafe(Math.max(BATCH_BYTES + 4096, this.#at + size))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
  }
}

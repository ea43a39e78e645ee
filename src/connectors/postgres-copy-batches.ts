const NEWLINE = 10
/** Chunks are joined up to this size: each batch costs every stage some microseconds, whatever it holds. */
const BATCH_BYTES = 48 * 1024
/** But a slow query's rows wait no longer than this for more. */
const BATCH_MS = 50

/** Joins the bytes of one COPY into batches of whole lines, with as little copying as there can be. */
export class CopyBatches {
  readonly #batch: (bytes: Buffer) => void
  /** What arrived since the last batch, and how much of it is whole lines. Joined once, however large a row is. */
  #pieces: Buffer[] = []
  #size = 0
  #whole = 0
  #last = performance.now()

  /** `batch` takes whole lines; the buffer is given away. */
  constructor(batch: (bytes: Buffer) => void) {
    this.#batch = batch
  }

  /** Bytes of the row that has begun and not yet ended. */
  get unfinished(): number {
    return this.#size - this.#whole
  }

  /** Takes the next chunk; it is given away. */
  push(chunk: Buffer): void {
    const end = chunk.lastIndexOf(NEWLINE) + 1
    if (end > 0) this.#whole = this.#size + end
    this.#pieces.push(chunk)
    this.#size += chunk.length
    if (this.#whole === 0) return
    if (this.#size >= BATCH_BYTES || performance.now() - this.#last > BATCH_MS) this.#flush(this.#whole)
  }

  /** Everything has come: what is left is a batch, too. */
  end(): void {
    if (this.#size > 0) this.#flush(this.#size)
  }

  #flush(length: number): void {
    const bytes = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces, this.#size)
    const rest = bytes.subarray(length)
    this.#pieces = rest.length === 0 ? [] : [rest]
    this.#size = rest.length
    this.#whole = 0
    this.#last = performance.now()
    this.#batch(length === bytes.length ? bytes : bytes.subarray(0, length))
  }
}

import { type Readable, Transform, type TransformCallback } from 'node:stream'
import type { KeyEncoding } from '../core/column.ts'
import type { DiffBatch } from '../core/diff-batch.ts'
import { readDigests } from '../core/digest-field.ts'
import { FatalError } from '../core/errors.ts'
import { KeyEncoder, keySpace } from '../core/key.ts'
import { decodeKey, printKey } from '../core/key-text.ts'
import type { RowBatch } from '../core/row-batch.ts'
import type { WholeRows } from '../core/source.ts'
import { GatheredChanges } from './gathered-changes.ts'

/**
 * Gives changes their rows, where the source sent only keys and fingerprints: gathers changes, fetches their rows by
 * key, and passes them on as they come. While some are fetched, the next are gathered; the memory they need depends
 * neither on the model nor on the size of its rows. `digest` is the field of the fingerprints.
 *
 * What is fetched has to be what was compared: a row that is missing, or that has another key or another fingerprint,
 * ends the run (FatalError `model_unstable`). In one snapshot only a model that answers differently each time does that.
 */
export function fetchWhole(whole: WholeRows, digest: number): Transform {
  return new FetchWhole(whole, digest)
}

class FetchWhole extends Transform {
  readonly #whole: WholeRows
  readonly #digest: number
  readonly #encodings: readonly KeyEncoding[]
  readonly #encoder: KeyEncoder
  #gathered: GatheredChanges
  #fetched: Readable | undefined
  #underWay: Promise<void> = Promise.resolve()
  #waiting: (() => void)[] = []
  #scratch = Buffer.allocUnsafe(1024)

  constructor(whole: WholeRows, digest: number) {
    super({ objectMode: true, highWaterMark: 1 })
    this.#whole = whole
    this.#digest = digest
    this.#encodings = whole.layout.key.map(({ encoding }) => encoding)
    this.#encoder = new KeyEncoder(whole.layout.key)
    this.#gathered = new GatheredChanges(whole.most)
  }

  override _transform(diff: DiffBatch, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#take(diff).then(
      () => callback(),
      (error: Error) => callback(error),
    )
  }

  override _flush(callback: TransformCallback): void {
    this.#passAll().then(
      () => callback(),
      (error: Error) => callback(error),
    )
  }

  override _read(size: number): void {
    this.#resume()
    super._read(size)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#resume()
    this.#fetched?.destroy()
    this.#close().then(
      () => callback(error),
      (failure: Error) => callback(error ?? failure),
    )
  }

  async #close(): Promise<void> {
    // What is under way has failed by now, and whoever waited for it knows.
    await this.#underWay.catch(() => {})
    await this.#whole.close()
  }

  async #take(diff: DiffBatch): Promise<void> {
    for (let index = 0; index < diff.count; index++) {
      this.#gathered.add(diff, index)
      if (this.#gathered.isFull) await this.#start()
    }
    if (diff.end !== null) await this.#passAll()
    if (diff.missing !== null || diff.end !== null) await this.#pass({ ...diff, count: 0 })
  }

  async #passAll(): Promise<void> {
    await this.#start()
    await this.#underWay
  }

  /** Begins to fetch what was gathered, once what was gathered before is passed on. */
  async #start(): Promise<void> {
    await this.#underWay
    const changes = this.#gathered
    if (changes.count === 0) return
    this.#gathered = new GatheredChanges(this.#whole.most)
    this.#underWay = this.#fetch(changes)
    this.#underWay.catch((error: Error) => this.destroy(error))
  }

  async #fetch(changes: GatheredChanges): Promise<void> {
    const keys: string[][] = []
    for (let change = 0; change < changes.count; change++) {
      if (changes.wants(change)) keys.push(decodeKey(this.#encodings, changes.key(change)))
    }
    let passed = 0
    if (keys.length > 0) {
      this.#fetched = this.#whole.fetch(keys)
      for await (const rows of this.#fetched as AsyncIterable<RowBatch>) {
        passed = await this.#give(changes, passed, rows)
      }
      this.#fetched = undefined
    }
    for (let change = passed; change < changes.count; change++) {
      if (changes.wants(change)) throw this.#unstable(changes, change)
    }
    const none = new Uint32Array(changes.count + 1)
    if (passed < changes.count) await this.#pass(changes.batch(passed, changes.count, Buffer.alloc(0), none))
  }

  /** Passes on the changes from `from` on that these rows belong to; answers how many are passed on by then. */
  async #give(changes: GatheredChanges, from: number, rows: RowBatch): Promise<number> {
    const { bytes, offsets, count } = rows
    if (count === 0) return from
    const prints = new Uint32Array(count * 2)
    readDigests(rows, this.#digest, prints)
    const lines = new Uint32Array(changes.count + 1).fill(offsets[0] as number)
    let change = from
    for (let row = 0; row < count; row++) {
      for (; change < changes.count && !changes.wants(change); change++) lines[change + 1] = lines[change] as number
      const same =
        change < changes.count &&
        changes.key(change).equals(this.#keyOf(rows, row)) &&
        changes.prints[change * 2] === prints[row * 2] &&
        changes.prints[change * 2 + 1] === prints[row * 2 + 1]
      if (!same) throw this.#unstable(changes, Math.min(change, changes.count - 1))
      lines[++change] = offsets[row + 1] as number
    }
    await this.#pass(changes.batch(from, change, bytes, lines))
    return change
  }

  /** In a buffer that is used again. */
  #keyOf({ bytes, offsets }: RowBatch, row: number): Buffer {
    const [start, end] = [offsets[row] as number, offsets[row + 1] as number]
    if (this.#scratch.length < keySpace(end - start)) this.#scratch = Buffer.allocUnsafe(keySpace(end - start))
    return this.#scratch.subarray(0, Math.max(0, this.#encoder.encode(bytes, start, end, this.#scratch, 0)))
  }

  #unstable(changes: GatheredChanges, change: number): FatalError {
    return new FatalError(
      'model_unstable',
      `the model answered otherwise when the row with key ${printKey(this.#encodings, changes.key(change))} was fetched ` +
        'from the same snapshot: take out of it what differs each time (random(), clock_timestamp(), a LIMIT without a ' +
        'unique order), or remove read.digest of the source',
    )
  }

  #resume(): void {
    for (const resume of this.#waiting.splice(0)) resume()
  }

  /** Waits for the next stage. Throws once nobody wants more. */
  async #pass(diff: DiffBatch): Promise<void> {
    if (!this.destroyed && !this.push(diff)) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    if (this.destroyed) throw new Error('the stream was destroyed')
  }
}

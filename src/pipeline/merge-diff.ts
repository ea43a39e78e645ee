import { Transform, type TransformCallback } from 'node:stream'
import { CHANGE_INSERT, CHANGE_NOTE, CHANGE_UPDATE, type DiffBatch, type EndOfDiff } from '../core/diff-batch.ts'
import { compareKeys } from '../core/key.ts'
import {
  ACKNOWLEDGED,
  ADOPTED,
  type EntryState,
  GONE,
  RETIRED,
  type Segment,
  SegmentBuilder,
  UNSURE_NEW,
} from '../core/key-entry.ts'
import type { KeyIndex, KeyScan } from '../core/key-index.ts'
import { type KeyedBatch, ROW_DUPLICATE, ROW_KEYED, ROW_UNKEYED } from '../core/keyed-batch.ts'
import type { Tally } from '../core/tally.ts'

/**
 * Walks the model and the key index side by side, both ascending by key, and passes on what differs. Invariant:
 * when a row has been handled, every index entry with a smaller key has been handled too. So a key of the index
 * that is passed over is missing from the model, provided that the model turns out to be complete; that is why
 * missing keys are only ever collected here and judged at the end.
 *
 * `resend` takes every row for changed. `partial` says that the rows are only part of the model: no key is missing
 * then, and what of the index lies behind the last row is not read.
 */
export function mergeDiff(
  index: KeyIndex,
  tally: Tally,
  options: { resend?: boolean; partial?: boolean } = {},
): Transform {
  return new MergeDiff(index.scan(), tally, options)
}

/** Keys are handed on in segments of about this size, so that an emptied model does not fill the memory. */
const MISSING_BYTES = 64 * 1024

class MergeDiff extends Transform {
  readonly #scan: KeyScan
  readonly #tally: Tally
  readonly #resend: boolean
  readonly #partial: boolean
  readonly #missing = new SegmentBuilder(MISSING_BYTES + 16 * 1024)
  readonly #entries = new Float64Array(8)
  #started = false
  #more = false
  #rows = 0
  #unkeyed = 0
  #resume: (() => void) | undefined

  constructor(scan: KeyScan, tally: Tally, options: { resend?: boolean; partial?: boolean }) {
    super({ objectMode: true, highWaterMark: 1 })
    this.#scan = scan
    this.#tally = tally
    this.#resend = options.resend ?? false
    this.#partial = options.partial ?? false
  }

  override _transform(keyed: KeyedBatch, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#merge(keyed).then(
      () => callback(),
      (error: Error) => callback(error),
    )
  }

  override _read(size: number): void {
    const resume = this.#resume
    this.#resume = undefined
    resume?.()
    super._read(size)
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#resume?.()
    super._destroy(error, callback)
  }

  async #merge(keyed: KeyedBatch): Promise<void> {
    if (!this.#started) {
      this.#started = true
      this.#advance()
    }
    const { rows, keys, keyEnds, prints, verdicts } = keyed
    const scan = this.#scan
    const resend = this.#resend
    const changed = new Uint32Array(rows.count)
    const kinds = new Uint8Array(rows.count)
    const previous = new Uint8Array(rows.count)
    const previousPrints = new Uint32Array(rows.count * 2)
    let count = 0
    let unchanged = 0
    let start = 0
    for (let row = 0; row < rows.count; row++) {
      const end = keyEnds[row] as number
      const verdict = verdicts[row]
      if (verdict === ROW_UNKEYED) {
        this.#unkeyed++
        continue
      }
      let order = 1
      while (this.#more) {
        order = compareKeys(scan.bytes, scan.keyStart, scan.keyEnd, keys, start, end)
        if (order >= 0) break
        this.#miss()
        if (this.#missing.length >= MISSING_BYTES) await this.#pass(emptyDiff(keyed, this.#takeMissing()))
        this.#advance()
      }
      start = end
      const known = this.#more && order === 0
      if (known && verdict === ROW_DUPLICATE && scan.state === ADOPTED) {
        changed[count] = row
        kinds[count] = CHANGE_NOTE
        previous[count++] = ADOPTED
      } else if (verdict === ROW_KEYED) {
        if (
          known &&
          scan.state === ACKNOWLEDGED &&
          scan.printHigh === prints[row * 2] &&
          scan.printLow === prints[row * 2 + 1] &&
          !resend
        ) {
          unchanged++
        } else {
          const state = known ? scan.state : GONE
          changed[count] = row
          kinds[count] = state === GONE || state === UNSURE_NEW ? CHANGE_INSERT : CHANGE_UPDATE
          previous[count] = state
          if (known) {
            previousPrints[count * 2] = scan.printHigh
            previousPrints[count * 2 + 1] = scan.printLow
          }
          count++
        }
      }
      if (known) this.#advance()
    }
    this.#rows += rows.count + (rows.invalid?.length ?? 0)
    this.#unkeyed += rows.invalid?.length ?? 0
    this.#tally.counts.unchanged += unchanged
    const diff: DiffBatch = { keyed, count, rows: changed, kinds, previous, previousPrints, missing: null, end: null }
    if (rows.end === undefined) {
      if (count > 0) await this.#pass({ ...diff, missing: this.#takeMissing() })
      return
    }
    if (count > 0) await this.#pass(diff)
    await this.#drain(keyed)
  }

  /** Behind the last row: what is left of the index is missing, and its last entry proves it sound. */
  async #drain(keyed: KeyedBatch): Promise<void> {
    while (this.#more && !this.#partial) {
      this.#miss()
      if (this.#missing.length >= MISSING_BYTES) await this.#pass(emptyDiff(keyed, this.#takeMissing()))
      this.#advance()
    }
    const model = keyed.rows.end
    if (model === undefined) return
    const end: EndOfDiff = {
      model,
      rows: this.#rows,
      unkeyed: this.#unkeyed,
      entriesByState: Array.from(this.#entries) as unknown as Record<EntryState, number>,
    }
    await this.#pass({ ...emptyDiff(keyed, this.#takeMissing()), end })
  }

  #advance(): void {
    this.#more = this.#scan.next()
    if (this.#more) (this.#entries[this.#scan.state] as number)++
  }

  #miss(): void {
    const { bytes, keyStart, keyEnd, state, printHigh, printLow } = this.#scan
    if (state === RETIRED || this.#partial) return
    this.#tally.counts.missing++
    this.#missing.push(state, bytes, keyStart, keyEnd, printHigh, printLow)
  }

  #takeMissing(): Segment | null {
    return this.#missing.count === 0 ? null : this.#missing.take()
  }

  /** Waits for the next stage: one batch of rows may bring any number of missing keys. Throws once nobody wants more. */
  async #pass(diff: DiffBatch): Promise<void> {
    if (!this.destroyed && !this.push(diff)) {
      await new Promise<void>((resolve) => {
        this.#resume = resolve
      })
    }
    if (this.destroyed) throw new Error('the stream was destroyed')
  }
}

function emptyDiff(keyed: KeyedBatch, missing: Segment | null): DiffBatch {
  const none = new Uint32Array(0)
  const nothing = new Uint8Array(0)
  return { keyed, count: 0, rows: none, kinds: nothing, previous: nothing, previousPrints: none, missing, end: null }
}

import { Transform, type TransformCallback } from 'node:stream'
import { decodeRow } from '../core/copy-text.ts'
import { readDigests } from '../core/digest-field.ts'
import { FatalError } from '../core/errors.ts'
import { fingerprintRows } from '../core/fingerprint.ts'
import { compareKeys, KeyEncoder, keySpace, MAX_KEY_BYTES } from '../core/key.ts'
import { KEY_MISSING, KEY_TOO_LONG } from '../core/key-parts.ts'
import { printKey } from '../core/key-text.ts'
import { type KeyedBatch, ROW_DUPLICATE, ROW_UNKEYED } from '../core/keyed-batch.ts'
import type { RowBatch, RowLayout } from '../core/row-batch.ts'
import type { Tally } from '../core/tally.ts'

/**
 * Gives every row its key and its fingerprint, and proves the order: each key must be greater than the one before.
 * A smaller one ends the run (FatalError `source_out_of_order`), because a merge over unsorted rows reads as mass
 * deletes; equal ones make all their rows duplicates. A batch is held back until the next key is known.
 *
 * The fingerprint is that of the whole line, seeded, or what the field `digest` says, where the source computed it.
 * `names` are the key columns, for messages.
 */
export function keying(
  layout: RowLayout,
  seed: { high: number; low: number },
  tally: Tally,
  { digest, names = [] }: { readonly digest?: number | undefined; readonly names?: readonly string[] | undefined } = {},
): Transform {
  return new Keying(layout, seed, tally, digest, names)
}

class Keying extends Transform {
  readonly #layout: RowLayout
  readonly #encoder: KeyEncoder
  readonly #seed: { high: number; low: number }
  readonly #tally: Tally
  readonly #digest: number | undefined
  readonly #names: readonly string[]
  #scratch = Buffer.allocUnsafe(64 * 1024)
  /** The last batch with a key in it, and the row and the bytes of its last key. */
  #held: KeyedBatch | undefined
  #heldRow = 0
  #lastKey: Buffer | undefined

  constructor(
    layout: RowLayout,
    seed: { high: number; low: number },
    tally: Tally,
    digest: number | undefined,
    names: readonly string[],
  ) {
    super({ objectMode: true, highWaterMark: 1 })
    this.#layout = layout
    this.#encoder = new KeyEncoder(layout.key)
    this.#seed = seed
    this.#tally = tally
    this.#digest = digest
    this.#names = names
  }

  override _transform(rows: RowBatch, _encoding: BufferEncoding, callback: TransformCallback): void {
    this.#tally.counts.read += rows.count + (rows.invalid?.length ?? 0)
    for (const { code, message, payload } of rows.invalid ?? []) {
      this.#tally.invalid({ key: null, code, message, payload })
    }
    try {
      this.#key(rows)
      callback()
    } catch (error) {
      callback(error as Error)
    }
  }

  override _flush(callback: TransformCallback): void {
    this.#release()
    callback()
  }

  #key(rows: RowBatch): void {
    const { bytes, offsets, count } = rows
    const needed = keySpace((offsets[count] as number) - (offsets[0] as number), count)
    if (this.#scratch.length < needed) this.#scratch = Buffer.allocUnsafe(needed)
    const scratch = this.#scratch
    const keyEnds = new Uint32Array(count)
    const prints = new Uint32Array(count * 2)
    const verdicts = new Uint8Array(count)
    if (this.#digest !== undefined) readDigests(rows, this.#digest, prints)
    else fingerprintRows(bytes, offsets, count, this.#seed.high, this.#seed.low, prints)
    let previous = this.#lastKey
    let previousStart = 0
    let previousEnd = previous?.length ?? 0
    let previousRow = -1
    let at = 0
    for (let row = 0; row < count; row++) {
      const start = offsets[row] as number
      const end = offsets[row + 1] as number
      const to = this.#encoder.encode(bytes, start, end, scratch, at)
      if (to < 0) {
        verdicts[row] = ROW_UNKEYED
        keyEnds[row] = at
        this.#reportUnkeyed(rows, row, to)
        continue
      }
      if (previous !== undefined) {
        const order = compareKeys(scratch, at, to, previous, previousStart, previousEnd)
        if (order <= 0) {
          if (order < 0) throw this.#outOfOrder(scratch.subarray(at, to), previous.subarray(previousStart, previousEnd))
          verdicts[row] = ROW_DUPLICATE
          if (previousRow >= 0) verdicts[previousRow] = ROW_DUPLICATE
          else if (this.#held !== undefined) this.#held.verdicts[this.#heldRow] = ROW_DUPLICATE
        }
      }
      keyEnds[row] = to
      previous = scratch
      previousStart = at
      previousEnd = to
      previousRow = row
      at = to
    }
    const keyed = { rows, keys: Buffer.from(scratch.subarray(0, at)), keyEnds, prints, verdicts }
    if (previousRow < 0 && rows.end === undefined) {
      // Rows without keys have no place in the order: they may overtake the batch that is held.
      this.push(keyed)
      return
    }
    this.#release()
    this.#held = keyed
    if (previousRow >= 0) {
      this.#heldRow = previousRow
      this.#lastKey = keyed.keys.subarray(previousStart, previousEnd)
    }
  }

  #release(): void {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    let start = 0
    for (let row = 0; row < held.rows.count; row++) {
      const end = held.keyEnds[row] as number
      if (held.verdicts[row] === ROW_DUPLICATE) {
        const key = this.#print(held.keys.subarray(start, end))
        const message = `several rows have the key ${key}; make the key unique in the model`
        this.#tally.invalid({ key, code: 'duplicate_key', message, payload: this.#payload(held.rows, row) })
      }
      start = end
    }
    this.push(held)
  }

  #reportUnkeyed(rows: RowBatch, row: number, reason: number): void {
    const [code, message] =
      reason === KEY_MISSING
        ? (['missing_key', `${this.#culprit(rows, row, reason)} is null; leave such rows out of the model`] as const)
        : reason === KEY_TOO_LONG
          ? ([
              'key_too_long',
              `the key is longer than ${MAX_KEY_BYTES} bytes; use a shorter key, or a hash of it`,
            ] as const)
          : ([
              'unreadable_key',
              `${this.#culprit(rows, row, reason)} is not of the type the model says; cast it to text`,
            ] as const)
    this.#tally.invalid({ key: null, code, message, payload: this.#payload(rows, row) })
  }

  /** The column for which the key could not be encoded: looked for only here, to keep it out of the encoder's way. */
  #culprit({ bytes, offsets }: RowBatch, row: number, reason: number): string {
    const [start, end] = [offsets[row] as number, offsets[row + 1] as number]
    const out = Buffer.allocUnsafe(keySpace(end - start))
    const at = this.#layout.key.findIndex((part) => new KeyEncoder([part]).encode(bytes, start, end, out, 0) === reason)
    const name = this.#names[at]
    return name === undefined ? 'a key column' : `the key column ${name}`
  }

  #outOfOrder(key: Buffer, previous: Buffer): FatalError {
    return new FatalError(
      'source_out_of_order',
      `the source sent key ${this.#print(key)} after ${this.#print(previous)}, which is not the byte order that the ` +
        'comparison needs; nothing was deleted: let rowferry sort the model, or sort it by byte (COLLATE "C")',
    )
  }

  /** The row for a report. A fingerprint, and the key in front of it, tell nothing that the columns do not. */
  #payload({ bytes, offsets }: RowBatch, row: number): string {
    const fields = decodeRow(bytes, offsets[row] as number, offsets[row + 1] as number)
    const { columns, extra } = this.#layout
    if (this.#digest === undefined) return JSON.stringify(fields)
    return JSON.stringify(columns.length > 0 ? fields.slice(extra) : fields.slice(0, this.#digest))
  }

  #print(key: Buffer): string {
    return printKey(
      this.#layout.key.map((part) => part.encoding),
      key,
    )
  }
}

import type { ChangeBatch, Field, Operation } from '../core/change.ts'
import { decodeRow, encodeRow } from '../core/copy-text.ts'
import { type EntryState, type Segment, SegmentBuilder } from '../core/key-entry.ts'
import type { Claim } from './claims.ts'

/** Up to this length bytes are copied here: a call costs more. */
const SHORT = 40

/**
 * Changes of one operation on their way to the destination: their lines, their keys and what the index knew before.
 * Everything is copied in: a slice of a received chunk would keep the whole chunk in memory. The buffers are used
 * again for the next batch once `reset`.
 */
export class PendingBatch {
  count = 0
  bytes = 0
  /** Only for destinations that know records by ids: what each change claims, and the id of its record. */
  readonly claims: Claim[] = []
  ids: (string | undefined)[] | undefined
  #text = Buffer.allocUnsafe(64 * 1024)
  #ends = new Uint32Array(1024)
  #keys = Buffer.allocUnsafe(16 * 1024)
  #keyEnds = new Uint32Array(1024)
  #states = new Uint8Array(1024)
  /** Four words a change: the old fingerprint, then the new one. */
  #prints = new Uint32Array(4096)
  /** The last segment that was packed. */
  readonly #packed = new SegmentBuilder(32 * 1024)

  reset(): void {
    this.count = 0
    this.bytes = 0
    this.claims.length = 0
    this.ids = undefined
  }

  /** Adds a change whose line is `source[start .. end)`, newline included. */
  addBytes(source: Buffer, start: number, end: number): void {
    this.#room(end - start)
    if (end - start > SHORT) source.copy(this.#text, this.bytes, start, end)
    else for (let at = start, to = this.bytes; at < end; ) this.#text[to++] = source[at++] as number
    this.#closeLine(end - start)
  }

  /** Adds a change whose line is a string, newline included. */
  addLine(line: string): void {
    const length = Buffer.byteLength(line)
    this.#room(length)
    this.#text.write(line, this.bytes, length, 'utf8')
    this.#closeLine(length)
  }

  /** Says what the change just added is about. */
  describe(
    keys: Buffer,
    start: number,
    end: number,
    state: EntryState,
    oldHigh: number,
    oldLow: number,
    newHigh: number,
    newLow: number,
  ): void {
    const index = this.count - 1
    const from = index === 0 ? 0 : (this.#keyEnds[index - 1] as number)
    if (from + end - start > this.#keys.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#keys.length * 2, from + end - start))
      this.#keys.copy(larger, 0, 0, from)
      this.#keys = larger
    }
    if (end - start > SHORT) keys.copy(this.#keys, from, start, end)
    else for (let at = start, to = from; at < end; ) this.#keys[to++] = keys[at++] as number
    this.#keyEnds[index] = from + end - start
    this.#states[index] = state
    this.#prints[index * 4] = oldHigh
    this.#prints[index * 4 + 1] = oldLow
    this.#prints[index * 4 + 2] = newHigh
    this.#prints[index * 4 + 3] = newLow
  }

  key(index: number): Buffer {
    return this.#keys.subarray(index === 0 ? 0 : this.#keyEnds[index - 1], this.#keyEnds[index])
  }

  state(index: number): EntryState {
    return this.#states[index] as EntryState
  }

  /**
   * Packs the entries that `stateOf` names; undefined leaves one out. `print` says which fingerprint goes with it. The
   * segment is valid until the next one is packed: it has to be committed by then.
   */
  segment(stateOf: (index: number) => Packed | undefined): Segment {
    const builder = this.#packed
    let start = 0
    for (let index = 0; index < this.count; index++) {
      const end = this.#keyEnds[index] as number
      const packed = stateOf(index)
      if (packed !== undefined) {
        const at = index * 4 + (packed.print === 'new' ? 2 : 0)
        const none = packed.print === 'none'
        builder.push(
          packed.state,
          this.#keys,
          start,
          end,
          none ? 0 : (this.#prints[at] as number),
          none ? 0 : (this.#prints[at + 1] as number),
        )
      }
      start = end
    }
    return builder.lend()
  }

  /** The changes `from .. to` as the destination gets them. Valid until the next `reset`. */
  changes(operation: Operation, fields: readonly Field[], from = 0, to = this.count): ChangeBatch {
    const start = from === 0 ? 0 : (this.#ends[from - 1] as number)
    const text = this.#text.subarray(start, to === 0 ? 0 : this.#ends[to - 1])
    const ends = start === 0 ? this.#ends.subarray(from, to) : this.#ends.slice(from, to).map((end) => end - start)
    return changeBatch(operation, fields, text, ends, this.ids?.slice(from, to))
  }

  /** Chosen changes as the destination gets them. */
  pick(operation: Operation, fields: readonly Field[], indices: readonly number[]): ChangeBatch {
    return pickedBatch(
      operation,
      fields,
      indices.map((index) => this.#line(index)),
      this.ids && indices.map((index) => this.ids?.[index]),
    )
  }

  /** Chosen changes to records that are to be found by another match than the one that the changes give them. */
  pickFormer(operation: Operation, fields: readonly Field[], indices: readonly number[]): ChangeBatch {
    const lines = indices.map((index) => {
      const line = this.#line(index)
      const former = this.claims[index]?.former
      return former == null
        ? line
        : Buffer.from(encodeRow([...former, ...decodeRow(line, 0, line.length).slice(former.length)]))
    })
    return pickedBatch(operation, fields, lines, new Array<undefined>(indices.length).fill(undefined))
  }

  #line(index: number): Buffer {
    return this.#text.subarray(index === 0 ? 0 : this.#ends[index - 1], this.#ends[index])
  }

  #room(length: number): void {
    if (this.bytes + length > this.#text.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#text.length * 2, this.bytes + length))
      this.#text.copy(larger, 0, 0, this.bytes)
      this.#text = larger
    }
    if (this.count < this.#ends.length) return
    const grow = <Words extends Uint32Array | Uint8Array>(words: Words): Words => {
      const larger = new (words.constructor as new (length: number) => Words)(words.length * 2)
      larger.set(words)
      return larger
    }
    this.#ends = grow(this.#ends)
    this.#keyEnds = grow(this.#keyEnds)
    this.#states = grow(this.#states)
    this.#prints = grow(this.#prints)
  }

  #closeLine(length: number): void {
    this.bytes += length
    this.#ends[this.count++] = this.bytes
  }
}

/** What an entry becomes: its state and which of the two fingerprints it carries. */
export interface Packed {
  readonly state: EntryState
  readonly print: 'old' | 'new' | 'none'
}

function pickedBatch(
  operation: Operation,
  fields: readonly Field[],
  lines: readonly Buffer[],
  ids: readonly (string | undefined)[] | undefined,
): ChangeBatch {
  const ends = new Uint32Array(lines.length)
  let end = 0
  for (const [index, line] of lines.entries()) {
    end += line.length
    ends[index] = end
  }
  return changeBatch(operation, fields, Buffer.concat(lines), ends, ids)
}

function changeBatch(
  operation: Operation,
  fields: readonly Field[],
  text: Buffer,
  ends: Uint32Array,
  ids: readonly (string | undefined)[] | undefined,
): ChangeBatch {
  const values = (index: number) =>
    decodeRow(text, index === 0 ? 0 : (ends[index - 1] as number), ends[index] as number)
  const batch = { operation, fields, count: ends.length, text, ends, values }
  return ids === undefined ? batch : { ...batch, ids }
}

import type { ChangeBatch, Field, Operation } from '../core/change.ts'
import { decodeRow, encodeRow } from '../core/copy-text.ts'
import type { EntryState, Segment } from '../core/key-entry.ts'
import { type BatchBuffers, batchBuffers, growChanges, growKeys, growText, NO_BUFFERS } from './batch-buffers.ts'
import type { Claim } from './claims.ts'
import type { ParkedBatch, ParkedBatches } from './parked-batches.ts'

/** Up to this length bytes are copied here: a call costs more. */
const SHORT = 40

/**
 * Changes of one operation on their way to the destination: their lines, their keys and what the index knew before.
 * Everything is copied in: a slice of a received chunk would keep the whole chunk in memory. The buffers are used
 * again for the next batch once `reset`. While it is parked only `changes` and `pick` may be called.
 */
export class PendingBatch {
  count = 0
  bytes = 0
  /** Only for destinations that know records by ids: what each change claims, and the id of its record. */
  readonly claims: Claim[] = []
  ids: (string | undefined)[] | undefined
  #buffers = NO_BUFFERS
  readonly #disk: ParkedBatches | undefined
  #parked: ParkedBatch | undefined

  /** `disk`: where it may be parked. */
  constructor(disk?: ParkedBatches) {
    this.#disk = disk
  }

  reset(): void {
    this.count = 0
    this.bytes = 0
    this.claims.length = 0
    this.ids = undefined
    this.#leave()
  }

  /** Moves it to the disk, where there is one, until `fetch`. Throws FatalError where there is no room. */
  park(): void {
    if (this.#disk === undefined) return
    const { count, bytes, claims, ids } = this
    const { text, ends, keys, keyEnds, states, prints } = this.#buffers
    this.#parked = this.#disk.put({
      count,
      text: text.subarray(0, bytes),
      ends: ends.subarray(0, count),
      keys: keys.subarray(0, keyEnds[count - 1]),
      keyEnds: keyEnds.subarray(0, count),
      states: states.subarray(0, count),
      prints: prints.subarray(0, count * 4),
      claims,
      ids,
    })
    claims.length = 0
    this.ids = undefined
    this.#leave()
  }

  /** Has it back as it was. */
  fetch(): void {
    const parked = this.#parked
    const disk = this.#disk
    if (parked === undefined || disk === undefined) return
    const buffers = disk.buffers()
    growText(buffers, 0, this.bytes)
    growKeys(buffers, 0, parked.parts.keys.length)
    growChanges(buffers, this.count)
    disk.fill(parked, buffers)
    for (const claim of disk.claims(parked)) this.claims.push(claim)
    this.ids = disk.ids(parked)
    this.#buffers = buffers
    this.#parked = undefined
    disk.release(parked)
  }

  /** Adds a change whose line is `source[start .. end)`, newline included. */
  addBytes(source: Buffer, start: number, end: number): void {
    const { text } = this.#room(end - start)
    if (end - start > SHORT) source.copy(text, this.bytes, start, end)
    else for (let at = start, to = this.bytes; at < end; ) text[to++] = source[at++] as number
    this.#closeLine(end - start)
  }

  /** Adds a change whose line is a string, newline included. */
  addLine(line: string): void {
    const length = Buffer.byteLength(line)
    this.#room(length).text.write(line, this.bytes, length, 'utf8')
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
    const buffers = this.#buffers
    const { keyEnds, states, prints } = buffers
    const from = index === 0 ? 0 : (keyEnds[index - 1] as number)
    growKeys(buffers, from, from + end - start)
    const into = buffers.keys
    if (end - start > SHORT) keys.copy(into, from, start, end)
    else for (let at = start, to = from; at < end; ) into[to++] = keys[at++] as number
    keyEnds[index] = from + end - start
    states[index] = state
    prints[index * 4] = oldHigh
    prints[index * 4 + 1] = oldLow
    prints[index * 4 + 2] = newHigh
    prints[index * 4 + 3] = newLow
  }

  key(index: number): Buffer {
    const { keys, keyEnds } = this.#buffers
    return keys.subarray(index === 0 ? 0 : keyEnds[index - 1], keyEnds[index])
  }

  state(index: number): EntryState {
    return this.#buffers.states[index] as EntryState
  }

  /**
   * Packs the entries that `stateOf` names; undefined leaves one out. `print` says which fingerprint goes with it. The
   * segment is valid until the next one is packed: it has to be committed by then.
   */
  segment(stateOf: (index: number) => Packed | undefined): Segment {
    const { keys, keyEnds, prints, packed: builder } = this.#buffers
    let start = 0
    for (let index = 0; index < this.count; index++) {
      const end = keyEnds[index] as number
      const packed = stateOf(index)
      if (packed !== undefined) {
        const at = index * 4 + (packed.print === 'new' ? 2 : 0)
        const none = packed.print === 'none'
        builder.push(
          packed.state,
          keys,
          start,
          end,
          none ? 0 : (prints[at] as number),
          none ? 0 : (prints[at + 1] as number),
        )
      }
      start = end
    }
    // The memory of a batch that may be parked is another one's before the commit.
    return this.#disk === undefined ? builder.lend() : builder.take()
  }

  /** The changes `from .. to` as the destination gets them. Valid until the next `reset`. */
  changes(operation: Operation, fields: readonly Field[], from = 0, to = this.count): ChangeBatch {
    if (this.#parked !== undefined) {
      const range = { count: to - from, at: (index: number) => from + index }
      return (this.#disk as ParkedBatches).changes(this.#parked, operation, fields, range)
    }
    const { text: all, ends: allEnds } = this.#buffers
    const start = from === 0 ? 0 : (allEnds[from - 1] as number)
    const text = all.subarray(start, to === 0 ? 0 : allEnds[to - 1])
    const ends = start === 0 ? allEnds.subarray(from, to) : allEnds.slice(from, to).map((end) => end - start)
    return changeBatch(operation, fields, text, ends, this.ids?.slice(from, to))
  }

  /** Chosen changes as the destination gets them. */
  pick(operation: Operation, fields: readonly Field[], indices: readonly number[]): ChangeBatch {
    if (this.#parked !== undefined) {
      const chosen = { count: indices.length, at: (index: number) => indices[index] as number }
      return (this.#disk as ParkedBatches).changes(this.#parked, operation, fields, chosen)
    }
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
    const { text, ends } = this.#buffers
    return text.subarray(index === 0 ? 0 : ends[index - 1], ends[index])
  }

  #room(length: number): BatchBuffers {
    if (this.#buffers === NO_BUFFERS) this.#buffers = this.#disk?.buffers() ?? batchBuffers()
    const buffers = this.#buffers
    growText(buffers, this.bytes, this.bytes + length)
    growChanges(buffers, this.count + 1)
    return buffers
  }

  #closeLine(length: number): void {
    this.bytes += length
    this.#buffers.ends[this.count++] = this.bytes
  }

  /** Lets another batch have the memory, where it is shared. */
  #leave(): void {
    if (this.#disk === undefined || this.#buffers === NO_BUFFERS) return
    this.#disk.giveBack(this.#buffers)
    this.#buffers = NO_BUFFERS
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

import type { Database, Statement } from 'better-sqlite3'
import { fingerprint } from '../core/fingerprint.ts'
import { type EntryState, type Segment, SegmentBuilder, SegmentReader } from '../core/key-entry.ts'
import { giveBack } from './give-back.ts'
import { damaged, stateError } from './state-file.ts'

/**
 * A layer is a sorted sequence of packed segments:
 * - `base`: the index as it was folded last,
 * - `delta`: changes since, newer than the base; its entries may be gone,
 * - `lane`: what one run put, sorted by itself,
 * - `building`, `garbage`: half written or replaced; dropped when the file is opened.
 *
 * Each segment carries a checksum seeded with the index's seed and its own place, and each layer row the number of
 * entries and the sum of the checksums, kept in the same transactions. A flipped bit, a lost, stale or foreign
 * segment is found when it is read, before anything is concluded from it. (SQLite's own checks miss a flip inside
 * a blob.) Reading costs one statement per segment, which leaves the connection free to write in between.
 */
export type LayerKind = 'base' | 'delta' | 'lane' | 'building' | 'garbage'

export interface LayerRow {
  readonly id: number
  readonly kind: LayerKind
  readonly entries: number
  readonly sum_high: number
  readonly sum_low: number
}

export const LAYER_SCHEMA = `
  CREATE TABLE layer (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, entries INTEGER NOT NULL DEFAULT 0,
                      sum_high INTEGER NOT NULL DEFAULT 0, sum_low INTEGER NOT NULL DEFAULT 0) STRICT;
  CREATE TABLE segment (id INTEGER PRIMARY KEY, count INTEGER NOT NULL, data BLOB NOT NULL) STRICT;
`

const CHECKSUM_BYTES = 8
/** A segment's id is its layer's times this, plus its sequence number. */
export const LAYER_SPAN = 2 ** 32
/** Bytes of entries in a folded segment: a scan costs one statement per so many. */
const SEGMENT_BYTES = 64 * 1024

export interface Seed {
  readonly high: number
  readonly low: number
}

interface SegmentRow {
  readonly id: number
  readonly count: number
  readonly data: Buffer
}

const words = new Uint32Array(2)

function checksum(bytes: Buffer, end: number, id: number, seed: Seed): void {
  fingerprint(bytes, 0, end, seed.high ^ Math.floor(id / LAYER_SPAN), seed.low ^ (id % LAYER_SPAN), words, 0)
}

/** Where its entries end; leaves its checksum in `words`. Throws FatalError `index_damaged`. */
function checkSegment({ id, data }: SegmentRow, seed: Seed, sync: string): number {
  // What a flipped bit makes of a record may be of any type.
  const end = Buffer.isBuffer(data) ? data.length - CHECKSUM_BYTES : -1
  if (end < 0) throw damaged(sync, `segment ${id} is cut short`)
  checksum(data, end, id, seed)
  if (data.readUInt32LE(end) !== words[0] || data.readUInt32LE(end + 4) !== words[1]) {
    throw damaged(sync, `segment ${id} does not match its checksum`)
  }
  return end
}

/** Writes segments of layers and keeps the layers' totals. The caller owns the transactions. */
export class LayerWriter {
  readonly #seed: Seed
  readonly #put: Statement<[number, number, Buffer]>
  readonly #drop: Statement<[number]>
  readonly #create: Statement<[number, LayerKind]>
  readonly #total: Statement<[number, number, number, number]>
  /** What is put, with its checksum: SQLite copies it. */
  #scratch = Buffer.allocUnsafe(SEGMENT_BYTES * 2)
  /** Totals of the layers that this writer made; nobody else writes them. */
  #totals = new Map<number, { entries: number; high: number; low: number }>()
  readonly #changed = new Set<number>()
  /** Intents: segments that will be put again, with the acknowledgement. By segment id. */
  #intents = new Map<number, { count: number; high: number; low: number }>()

  constructor(database: Database, seed: Seed) {
    this.#seed = seed
    this.#put = database.prepare('INSERT OR REPLACE INTO segment (id, count, data) VALUES (?, ?, ?)')
    this.#drop = database.prepare('DELETE FROM segment WHERE id = ?')
    this.#create = database.prepare('INSERT INTO layer (id, kind) VALUES (?, ?)')
    this.#total = database.prepare('UPDATE layer SET entries = ?, sum_high = ?, sum_low = ? WHERE id = ?')
  }

  /** Adds an empty layer. */
  create(layer: number, kind: LayerKind): void {
    this.#create.run(layer, kind)
    this.#totals.set(layer, { entries: 0, high: 0, low: 0 })
  }

  /** Entries put into a layer that this writer made. */
  entries(layer: number): number {
    return this.#totals.get(layer)?.entries ?? 0
  }

  /**
   * Puts a segment. An `intent` will be put once more under the same number: that replaces it, and an empty
   * segment then leaves nothing.
   */
  put(layer: number, sequence: number, segment: Segment, intent: boolean): void {
    const id = layer * LAYER_SPAN + sequence
    const total = this.#totals.get(layer)
    if (total === undefined) throw new Error(`layer ${layer} is not being written`)
    this.#changed.add(layer)
    const replaced = this.#intents.get(id)
    if (replaced !== undefined) {
      this.#intents.delete(id)
      total.entries -= replaced.count
      total.high ^= replaced.high
      total.low ^= replaced.low
      if (segment.count === 0) this.#drop.run(id)
    }
    if (segment.count === 0) return
    const end = segment.bytes.length
    if (this.#scratch.length < end + CHECKSUM_BYTES) this.#scratch = Buffer.allocUnsafe(end + CHECKSUM_BYTES)
    const data = this.#scratch.subarray(0, end + CHECKSUM_BYTES)
    segment.bytes.copy(data)
    checksum(data, end, id, this.#seed)
    data.writeUInt32LE(words[0] as number, end)
    data.writeUInt32LE(words[1] as number, end + 4)
    this.#put.run(id, segment.count, data)
    total.entries += segment.count
    total.high ^= words[0] as number
    total.low ^= words[1] as number
    if (intent) this.#intents.set(id, { count: segment.count, high: words[0] as number, low: words[1] as number })
  }

  /** Runs a transaction; where it fails, what was put in it is forgotten, so that it can be put again. */
  attempt(transaction: () => void): void {
    const totals = new Map([...this.#totals].map(([layer, total]) => [layer, { ...total }]))
    const intents = new Map(this.#intents)
    try {
      transaction()
    } catch (error) {
      this.#totals = totals
      this.#intents = intents
      throw error
    }
  }

  /** Writes the totals that changed; to be called inside the transaction of the segments. */
  flush(): void {
    for (const layer of this.#changed) {
      const total = this.#totals.get(layer)
      if (total !== undefined) this.#total.run(total.entries, total.high >>> 0, total.low >>> 0, layer)
    }
    this.#changed.clear()
  }
}

/**
 * Reads a layer from its first entry to its last, checking every segment and, at the end, the whole. The bytes of an entry
 * are gone once `next` was called.
 */
export class LayerCursor extends SegmentReader {
  /** Newer layers win over older ones. */
  readonly layer: LayerRow
  readonly #next: Statement<[number, number]>
  readonly #seed: Seed
  readonly #file: { readonly sync: string; readonly path: string }
  #position: number
  #entries = 0
  #high = 0
  #low = 0

  constructor(database: Database, layer: LayerRow, seed: Seed, file: { sync: string; path: string }) {
    super(Buffer.alloc(0))
    this.layer = layer
    this.#seed = seed
    this.#file = file
    this.#position = layer.id * LAYER_SPAN - 1
    this.#next = database.prepare('SELECT id, count, data FROM segment WHERE id > ? AND id < ? ORDER BY id LIMIT 1')
  }

  override next(): boolean {
    while (!super.next()) {
      const row = this.#fetch()
      giveBack(this.bytes)
      if (row === undefined) {
        this.#verifyWhole()
        return false
      }
      this.#position = row.id
      const end = checkSegment(row, this.#seed, this.#file.sync)
      this.#entries += row.count
      this.#high ^= words[0] as number
      this.#low ^= words[1] as number
      this.reset(row.data, end)
    }
    return true
  }

  #fetch(): SegmentRow | undefined {
    try {
      return this.#next.get(this.#position, (this.layer.id + 1) * LAYER_SPAN) as SegmentRow | undefined
    } catch (error) {
      throw stateError(error, this.#file.path, this.#file.sync)
    }
  }

  #verifyWhole(): void {
    const { entries, sum_high, sum_low } = this.layer
    if (this.#entries === entries && this.#high >>> 0 === sum_high && this.#low >>> 0 === sum_low) return
    throw damaged(this.#file.sync, `${this.layer.kind} holds ${this.#entries} of ${entries} entries`)
  }
}

/** The first keys of at most `most` segments of a layer, evenly chosen, ascending. Throws FatalError `index_damaged`. */
export function firstKeys(database: Database, layer: LayerRow, most: number, seed: Seed, sync: string): Buffer[] {
  const within = [layer.id * LAYER_SPAN, (layer.id + 1) * LAYER_SPAN]
  const ids = database
    .prepare('SELECT id FROM segment WHERE id >= ? AND id < ? ORDER BY id')
    .pluck()
    .all(...within) as number[]
  const step = Math.max(1, ids.length / most)
  const read = database.prepare('SELECT id, count, data FROM segment WHERE id = ?')
  return Array.from({ length: Math.min(most, ids.length) }, (_, index) => {
    const row = read.get(ids[Math.floor(index * step)]) as SegmentRow
    const reader = new SegmentReader(row.data, checkSegment(row, seed, sync))
    reader.next()
    return Buffer.from(row.data.subarray(reader.keyStart, reader.keyEnd))
  })
}

/** Cuts a sorted stream of entries into segments and puts them into a layer. */
export class LayerBuilder {
  readonly #writer: LayerWriter
  readonly #layer: number
  readonly #builder = new SegmentBuilder(SEGMENT_BYTES + 16 * 1024)
  #sequence = 0

  constructor(writer: LayerWriter, layer: number) {
    this.#writer = writer
    this.#layer = layer
  }

  /** Segments put so far; the caller commits every so many. */
  get segments(): number {
    return this.#sequence
  }

  push(state: EntryState, bytes: Buffer, start: number, end: number, printHigh: number, printLow: number): void {
    this.#builder.push(state, bytes, start, end, printHigh, printLow)
    if (this.#builder.length >= SEGMENT_BYTES) this.#put()
  }

  finish(): void {
    if (this.#builder.count > 0) this.#put()
  }

  #put(): void {
    this.#writer.put(this.#layer, this.#sequence++, this.#builder.lend(), false)
  }
}

import type { KeyEncoding } from '../core/column.ts'
import type { KeyList } from '../core/destination.ts'
import { FatalError } from '../core/errors.ts'
import { compareKeys, KeyEncoder, keySpace } from '../core/key.ts'
import { ADOPTED, GONE, type Segment, SegmentBuilder, SegmentReader } from '../core/key-entry.ts'
import type { KeyIndex, KeyScan, Lane } from '../core/key-index.ts'
import { KEY_MISSING } from '../core/key-parts.ts'
import type { KeySorter } from '../core/key-sorter.ts'
import type { KeySpool } from '../core/key-spool.ts'
import { printKey } from '../core/key-text.ts'
import type { RecordLinks } from '../core/record-links.ts'

/** What a list changed in the index. */
export interface RefreshCounts {
  listed: number
  /** Records that the index did not know. */
  adopted: number
  /** Keys of the index that the destination no longer has. */
  vanished: number
}

export interface RefreshOptions {
  readonly list: KeyList
  readonly index: KeyIndex
  readonly encodings: readonly KeyEncoding[]
  readonly sorter: () => Promise<KeySorter>
  /** Where the keys that are not in the list wait for its end. Empty. */
  readonly spool: KeySpool
  /** The links of the index, where the destination declares them: a record that has vanished has none. */
  readonly links?: RecordLinks | undefined
  readonly onProgress?: (counts: RefreshCounts) => void
}

const SEGMENT_BYTES = 64 * 1024
/** Segments per commit: a record that an interrupted list has found is there and stays known. */
const SEGMENTS_PER_COMMIT = 64

/**
 * Merges the keys that the destination holds now into the index: what appeared joins it as adopted, what vanished
 * leaves it. Nothing vanishes unless the list came to a proven end. Throws FatalError where it did not, or where
 * it is not in key order although it says so.
 */
export async function refresh(options: RefreshOptions): Promise<RefreshCounts> {
  const merge = new ListMerge(options.index, options.spool, options.links)
  const { list, encodings, onProgress } = options
  if (list.sorted) {
    await eachKey(list, encodings, (key) => {
      merge.listed(key, encodings)
      if (onProgress !== undefined && merge.counts.listed % 100_000 === 0) onProgress(merge.counts)
    })
  } else {
    using sorter = await options.sorter()
    await eachKey(list, encodings, (key) => sorter.add(key))
    for (const key of sorter.sorted()) merge.listed(key, encodings)
  }
  merge.finish()
  options.index.compact()
  return merge.counts
}

/** Visits the encoded keys of a list up to its proven end. Each buffer is valid during its visit only. */
async function eachKey(list: KeyList, encodings: readonly KeyEncoding[], visit: (key: Buffer) => void): Promise<void> {
  const encoder = new KeyEncoder(encodings.map((encoding, field) => ({ field, encoding })))
  let scratch = Buffer.allocUnsafe(0)
  let rows = 0
  for await (const { bytes, offsets, count, end } of list.rows) {
    for (let row = 0; row < count; row++) {
      const start = offsets[row] as number
      const stop = offsets[row + 1] as number
      if (scratch.length < keySpace(stop - start)) scratch = Buffer.allocUnsafe(keySpace(stop - start))
      const to = encoder.encode(bytes, start, stop, scratch, 0)
      // A record without a key can be no row of the model; it is nobody's to delete.
      if (to === KEY_MISSING) continue
      if (to < 0) throw unmatchable(bytes.toString('utf8', start, stop - 1))
      visit(scratch.subarray(0, to))
    }
    rows += count
    if (end === undefined) continue
    if (end.proven && end.rows === rows) return
    break
  }
  throw new FatalError('list_incomplete', `the destination's list of keys broke off after ${rows} records; run again`)
}

function unmatchable(value: string): FatalError {
  return new FatalError(
    'unmatchable_key',
    `the destination holds a record with key ${JSON.stringify(value)}, which is no value of the model's key type; ` +
      'mend the record, or cast the key to text in the model',
    { kind: 'configuration' },
  )
}

class ListMerge {
  readonly counts: RefreshCounts = { listed: 0, adopted: 0, vanished: 0 }
  readonly #index: KeyIndex
  readonly #spool: KeySpool
  readonly #links: RecordLinks | undefined
  readonly #scan: KeyScan
  readonly #adopted = new SegmentBuilder()
  readonly #vanished = new SegmentBuilder()
  readonly #lane: Lane
  #sequence = 0
  #more: boolean
  #last: Buffer | undefined

  constructor(index: KeyIndex, spool: KeySpool, links: RecordLinks | undefined) {
    this.#index = index
    this.#links = links
    this.#spool = spool
    this.#scan = index.scan()
    this.#lane = index.lane()
    this.#more = this.#scan.next()
  }

  listed(key: Buffer, encodings: readonly KeyEncoding[]): void {
    const scan = this.#scan
    const order = this.#last === undefined ? 1 : compareKeys(key, 0, key.length, this.#last, 0, this.#last.length)
    if (order === 0) return
    if (order < 0) {
      throw new FatalError(
        'list_out_of_order',
        `the destination listed ${printKey(encodings, key)} out of key order; report this`,
      )
    }
    this.#last = Buffer.from(key)
    this.counts.listed++
    while (this.#more) {
      const position = compareKeys(scan.bytes, scan.keyStart, scan.keyEnd, key, 0, key.length)
      if (position === 0) {
        this.#more = scan.next()
        return
      }
      if (position > 0) break
      this.#vanish()
    }
    this.counts.adopted++
    this.#adopted.push(ADOPTED, key, 0, key.length, 0, 0)
    if (this.#adopted.length >= SEGMENT_BYTES) this.#put(this.#lane, this.#adopted.take())
  }

  /** The list has come to its proven end: what it lacks has vanished. */
  finish(): void {
    while (this.#more) this.#vanish()
    this.#put(this.#lane, this.#adopted.take())
    this.#spool.append(this.#vanished.take())
    const lane = this.#index.lane()
    for (const segment of this.#spool.read()) {
      if (this.#links !== undefined) forget(this.#links, segment)
      this.#put(lane, segment)
      // Links that are removed wait in memory until then, and take more of it than their entries.
      if (this.#links !== undefined) this.#index.commit()
    }
  }

  #vanish(): void {
    const { bytes, keyStart, keyEnd } = this.#scan
    this.counts.vanished++
    this.#vanished.push(GONE, bytes, keyStart, keyEnd, 0, 0)
    if (this.#vanished.length >= SEGMENT_BYTES) this.#spool.append(this.#vanished.take())
    this.#more = this.#scan.next()
  }

  #put(lane: Lane, segment: Segment): void {
    lane.put(this.#sequence++, segment)
    if (this.#sequence % SEGMENTS_PER_COMMIT === 0) this.#index.commit()
  }
}

function forget(links: RecordLinks, segment: Segment): void {
  const entry = new SegmentReader(segment.bytes)
  while (entry.next()) links.remove(entry.bytes.subarray(entry.keyStart, entry.keyEnd))
}

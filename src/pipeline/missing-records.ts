import type { KeyEncoding } from '../core/column.ts'
import { type EntryState, GONE, SegmentBuilder, SegmentReader, UNSURE, UNSURE_NEW } from '../core/key-entry.ts'
import type { KeyIndex, KeyScan } from '../core/key-index.ts'
import type { KeySpool } from '../core/key-spool.ts'
import { decodeKey } from '../core/key-text.ts'
import { type DeleteScope, SYNC_MODES, type SyncMode } from '../core/sync-mode.ts'
import type { Tally } from '../core/tally.ts'
import type { LinkedRecords } from './claims.ts'
import { mayDelete } from './mode-filter.ts'

/** An entry of the index, where it is at the moment. */
type Entry = Pick<KeyScan, 'bytes' | 'keyStart' | 'keyEnd' | 'state'>

export interface MissingOptions extends LinkedRecords {
  readonly encodings: readonly KeyEncoding[]
  readonly index: KeyIndex
  readonly mode: SyncMode
  readonly scope: DeleteScope
  /** All missing keys, those too that the mode may not delete. */
  readonly spool: KeySpool
  readonly tally: Tally
}

/**
 * - `kept`: the mode may not delete it; it has been counted.
 * - `taken`: its record is that of a row of this run: it is not deleted, and it leaves the index, so that the next run can
 *   send that row.
 * - `unsent`: no record was ever sent for it, or none that would not be another row's.
 * - `deleted`: a delete is sent.
 */
type Fate = 'kept' | 'taken' | 'unsent' | 'deleted'

const SEGMENT_BYTES = 64 * 1024
const PAGE = 500

/** What becomes of the keys that the model lacks, at a destination that knows records by ids of its own. */
export class MissingRecords {
  readonly #options: MissingOptions

  constructor(options: MissingOptions) {
    this.#options = options
  }

  /** How many would be deleted, and how many are other rows' by now, which are counted as kept. */
  count(): { readonly deletes: number; readonly taken: number } {
    let deletes = 0
    let taken = 0
    const { wanted } = this.#options.links
    this.#each((entry, fate) => {
      if (fate === 'deleted' || fate === 'unsent') deletes++
      if (fate !== 'taken') return
      taken++
      // Its fate is told by this from now on: the key whose record it is may be deleted before this one is met again.
      wanted.want(keyOf(entry), keyOf(entry))
      if (this.#mayDelete(entry)) this.#options.tally.counts.kept++
    })
    return { deletes, taken }
  }

  /** What a delete of it is sent with, besides its id; undefined where none is sent. */
  target(entry: Entry): { readonly match: readonly (string | null)[] | null } | undefined {
    if (this.#fate(entry) !== 'deleted') return undefined
    return { match: this.#options.links.get(keyOf(entry))?.match ?? null }
  }

  /** Lets go of keys: of those whose records are other rows', which get them, and of those that never had a record. */
  release(which: { readonly taken: boolean; readonly unsent: boolean }): void {
    const { links, tally } = this.#options
    if (which.taken) {
      // Their records are other rows' from the next commit on: by then nothing of these keys may be believed any more.
      const unsure = this.#lane(UNSURE)
      this.#each((entry, fate) => {
        if (fate === 'taken') {
          links.wanted.confirm(keyOf(entry))
          unsure.push(entry.bytes, entry.keyStart, entry.keyEnd)
        }
        if (fate === 'kept') this.#free(entry)
      })
      unsure.end()
      this.#handOver()
    }
    const gone = this.#lane(GONE)
    this.#each((entry, fate) => {
      if (fate !== 'taken' && fate !== 'unsent') return
      if (!which[fate]) return
      if (fate === 'unsent') tally.counts.deleted++
      links.remove(keyOf(entry))
      gone.push(entry.bytes, entry.keyStart, entry.keyEnd)
    })
    gone.end()
  }

  /**
   * A change without an answer, whose row has gone, will never have one where the mode keeps the record: what it may be known
   * by is no longer refused to others, and the destination says whether they can have it.
   */
  #free(entry: Entry): void {
    if (entry.state !== UNSURE && entry.state !== UNSURE_NEW) return
    const { links } = this.#options
    const link = links.get(keyOf(entry))
    if (link !== undefined && link.identities.length > 0) links.put(keyOf(entry), { ...link, identities: [] })
  }

  /**
   * A record that a row came for is that row's from now on, durably: whatever becomes of the row by the next run, the
   * record is updated or deleted with it.
   */
  #handOver(): void {
    const { links, index } = this.#options
    const lane = index.lane()
    let last: Buffer | undefined
    for (let page = 0; ; page++) {
      const taken = links.wanted.confirmed(last, PAGE)
      last = taken.at(-1)?.by
      // A row that has come for two records gets the first.
      const moves = taken.filter(({ owner, by }, at) => {
        const isFirst = at === 0 || !by.equals(taken[at - 1]?.by as Buffer)
        return isFirst && links.get(owner) !== undefined && links.get(by) === undefined
      })
      if (moves.length > 0) {
        const entries = new SegmentBuilder()
        for (const { by } of moves) entries.push(UNSURE, by, 0, by.length, 0, 0)
        // Before the links: one whose entry could not be staged would be out of everybody's sight.
        lane.put(page, entries.take())
        for (const { owner, by } of moves) {
          const link = links.get(owner)
          if (link === undefined) continue
          links.remove(owner)
          links.put(by, { ...link, retired: false, overwritten: false })
        }
        index.commit()
      }
      if (taken.length < PAGE) break
    }
  }

  /** Entries of one state, ascending; made durable a segment at a time. */
  #lane(state: EntryState) {
    const { index } = this.#options
    const lane = index.lane()
    const builder = new SegmentBuilder()
    let sequence = 0
    const put = () => {
      lane.put(sequence++, builder.take())
      index.commit()
    }
    return {
      push(key: Buffer, start: number, end: number) {
        builder.push(state, key, start, end, 0, 0)
        if (builder.length >= SEGMENT_BYTES) put()
      },
      end: () => builder.count > 0 && put(),
    }
  }

  #each(visit: (entry: Entry, fate: Fate) => void): void {
    for (const segment of this.#options.spool.read()) {
      const entry = new SegmentReader(segment.bytes)
      while (entry.next()) visit(entry, this.#fate(entry))
    }
  }

  #fate(entry: Entry): Fate {
    const { links, matchIsKey, identity, encodings } = this.#options
    const key = keyOf(entry)
    if (links.wanted.has(key)) return 'taken'
    if (!this.#mayDelete(entry)) return 'kept'
    const link = links.get(key)
    if (link !== undefined && link.id !== null) return 'deleted'
    const match = matchIsKey ? decodeKey(encodings, key) : link?.match
    if (match == null) return 'unsent'
    const owner = links.ownerOfIdentity(identity(match))
    if (owner === undefined || owner.equals(key)) return 'deleted'
    // What would be found is another row's. Where match is the key, the list may have spelled it otherwise than the model.
    return matchIsKey ? 'taken' : 'unsent'
  }

  #mayDelete({ state }: Entry): boolean {
    return mayDelete(state, SYNC_MODES[this.#options.mode], this.#options.scope)
  }
}

function keyOf({ bytes, keyStart, keyEnd }: Entry): Buffer {
  return bytes.subarray(keyStart, keyEnd)
}

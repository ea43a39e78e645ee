import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EntryState, type Segment, SegmentReader } from '../../src/core/key-entry.ts'
import type { KeyIndex } from '../../src/core/key-index.ts'
import { KeyIndexFile } from '../../src/state/key-index-file.ts'
import { type Entry, segmentOf } from './keys.ts'

/** A key index in a folder of its own, which goes away when it is disposed. */
export interface TestIndex extends Disposable {
  readonly index: KeyIndexFile
  readonly folder: string
}

export async function testIndex(...entries: readonly Entry[]): Promise<TestIndex> {
  const folder = mkdtempSync(join(tmpdir(), 'rowferry-index-'))
  // The same code, and no waiting for the disk.
  const index = await KeyIndexFile.open(join(folder, 'test.sqlite'), 'test', { keep: false })
  if (entries.length > 0) putEntries(index, entries)
  return {
    index,
    folder,
    [Symbol.dispose]() {
      index.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Puts entries, in any order, as a run would have left them. */
export function putEntries(index: KeyIndex, entries: readonly Entry[]): void {
  index.lane().put(0, segmentOf(...[...entries].sort((a, b) => a.key - b.key)))
  index.compact()
}

/** An index that tells what has become durable: by integer key, the state of the last committed entry. */
export interface WatchedIndex extends KeyIndex {
  readonly committed: ReadonlyMap<string, EntryState>
  readonly commits: number
}

/** Passes everything on to `index` and takes note of what its commits made durable. */
export function watchedIndex(index: KeyIndex): WatchedIndex {
  const committed = new Map<string, EntryState>()
  const staged: { readonly entries: [string, EntryState][]; readonly replaces: readonly string[] }[] = []
  let commits = 0
  return {
    seed: index.seed,
    committed,
    get commits() {
      return commits
    },
    scan: () => index.scan(),
    compact: () => index.compact(),
    commit() {
      index.commit()
      commits++
      for (const { entries, replaces } of staged.splice(0)) {
        for (const key of replaces) committed.delete(key)
        for (const [key, state] of entries) committed.set(key, state)
      }
    },
    lane() {
      const lane = index.lane()
      const intents = new Map<number, readonly string[]>()
      return {
        intend(sequence, segment) {
          lane.intend(sequence, segment)
          const entries = statesOf(segment)
          intents.set(
            sequence,
            entries.map(([key]) => key),
          )
          staged.push({ entries, replaces: [] })
        },
        put(sequence, segment) {
          lane.put(sequence, segment)
          staged.push({ entries: statesOf(segment), replaces: intents.get(sequence) ?? [] })
        },
      }
    },
  }
}

function statesOf(segment: Segment): [string, EntryState][] {
  const states: [string, EntryState][] = []
  const reader = new SegmentReader(segment.bytes)
  while (reader.next()) {
    const key = reader.bytes.readBigUInt64BE(reader.keyStart) - 2n ** 63n
    states.push([String(key), reader.state])
  }
  return states
}

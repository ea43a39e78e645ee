import { join } from 'node:path'
import { ACKNOWLEDGED, GONE, type Segment, SegmentBuilder, SegmentReader } from '../../src/core/key-entry.ts'
import type { KeyScan, Lane } from '../../src/core/key-index.ts'
import { KeyIndexFile } from '../../src/state/key-index-file.ts'
import type { KeyIndexCase, OpenKeyIndex } from '../../src/testing/index.ts'

/** A key index with one mistake in it, and the case that has to find it. */
interface KeyIndexMutant {
  readonly caughtBy: KeyIndexCase
  readonly keep?: boolean
  readonly changed?: (index: KeyIndexFile) => Partial<OpenKeyIndex>
}

const lanes = (change: (lane: Lane, index: KeyIndexFile) => Partial<Lane>) => (index: KeyIndexFile) => ({
  lane: () => {
    const lane = index.lane()
    return { ...lane, ...change(lane, index) }
  },
})

/** The segment with some of its entries, or others. */
function rewritten(segment: Segment, entry: (state: number, key: string) => number | undefined): Segment {
  const builder = new SegmentBuilder()
  const reader = new SegmentReader(segment.bytes)
  while (reader.next()) {
    const { bytes, keyStart, keyEnd, printHigh, printLow } = reader
    const state = entry(reader.state, bytes.toString('utf8', keyStart, keyEnd))
    if (state !== undefined) builder.push(state as typeof reader.state, bytes, keyStart, keyEnd, printHigh, printLow)
  }
  return builder.take()
}

/** Other entries than those that are put. */
const storing = (entry: Parameters<typeof rewritten>[1]) =>
  lanes((lane) => ({ put: (sequence, segment) => lane.put(sequence, rewritten(segment, entry)) }))

/** Everything a scan yields, as a scan of its own. */
function reordered(scan: KeyScan, order: (a: string, b: string) => number): KeyScan {
  const entries: { key: string; state: KeyScan['state']; printHigh: number; printLow: number }[] = []
  while (scan.next()) {
    const { bytes, keyStart, keyEnd, state, printHigh, printLow } = scan
    entries.push({ key: bytes.toString('utf8', keyStart, keyEnd), state, printHigh, printLow })
  }
  entries.sort((a, b) => order(a.key, b.key))
  let at = -1
  const current = () => entries[at] ?? { key: '', state: GONE, printHigh: 0, printLow: 0 }
  return {
    next: () => ++at < entries.length,
    get bytes() {
      return Buffer.from(current().key)
    },
    keyStart: 0,
    get keyEnd() {
      return Buffer.byteLength(current().key)
    },
    get state() {
      return current().state
    },
    get printHigh() {
      return current().printHigh
    },
    get printLow() {
      return current().printLow
    },
  }
}

export const KEY_INDEX_MUTANTS: Readonly<Record<string, KeyIndexMutant>> = {
  'keeps nothing': { caughtBy: 'is the same when it was closed and opened again', keep: false },
  'takes another seed each time': {
    caughtBy: 'is the same when it was closed and opened again',
    changed: () => ({ seed: { high: process.hrtime()[1], low: 0 } }),
  },
  'is never empty': {
    caughtBy: 'is empty at first',
    changed: (index) => {
      const builder = new SegmentBuilder()
      builder.push(ACKNOWLEDGED, Buffer.from('x'), 0, 1, 1, 1)
      index.lane().put(0, builder.take())
      index.compact()
      return {}
    },
  },
  'sorts by UTF-16 unit': {
    caughtBy: 'gives back in byte order what was put into its lanes',
    changed: (index) => ({ scan: () => reordered(index.scan(), (a, b) => (a < b ? -1 : 1)) }),
  },
  'takes every state for acknowledged': {
    caughtBy: 'keeps the state and the fingerprint of every entry',
    changed: storing(() => ACKNOWLEDGED),
  },
  'loses one of many': {
    caughtBy: 'holds many entries',
    changed: storing((state, key) => (key === 'key-031415' ? undefined : state)),
  },
  'does not take a key twice': {
    caughtBy: 'lets the newest of equal keys win',
    changed: (index) => {
      const known = new Set<string>()
      return storing((state, key) => {
        if (known.has(key)) return undefined
        known.add(key)
        return state
      })(index)
    },
  },
  'shows what is gone': {
    caughtBy: 'shows no entry that is gone',
    changed: storing((state) => (state === GONE ? undefined : state)),
  },
  'shows a scan what came later': {
    caughtBy: 'scans what was there when the scan began, whatever is committed meanwhile',
    changed: (index) => {
      let commits = 0
      return {
        commit: () => {
          index.compact()
          commits++
        },
        scan: () => {
          let inner = index.scan()
          let seen = 0
          let at = commits
          return new Proxy(inner, {
            get: (_, name) => {
              if (name !== 'next') return Reflect.get(inner, name, inner)
              return () => {
                if (at !== commits) {
                  at = commits
                  inner = index.scan()
                  for (let skipped = 0; skipped < seen; skipped++) inner.next()
                }
                seen++
                return inner.next()
              }
            },
          })
        },
      }
    },
  },
  'loses something with each compaction': {
    caughtBy: 'shows what was put once it is compacted, and stays the same however often that is done',
    changed: (index) => {
      let compactions = 0
      return {
        compact: () => {
          index.compact()
          if (++compactions < 2) return
          const builder = new SegmentBuilder()
          builder.push(GONE, Buffer.from('key-000000'), 0, 10, 0, 0)
          index.lane().put(0, builder.take())
          index.compact()
        },
      }
    },
  },
  'writes what it was given when it is compacted': {
    caughtBy: 'holds on to no bytes of a segment that is committed',
    changed: (index) => {
      const waiting: (() => void)[] = []
      return {
        lane: () => {
          const lane = index.lane()
          return {
            ...lane,
            put: (sequence, segment) =>
              waiting.push(() => lane.put(sequence, { ...segment, bytes: Buffer.from(segment.bytes) })),
          }
        },
        compact: () => {
          for (const put of waiting.splice(0)) put()
          index.compact()
        },
      }
    },
  },
  'keeps an intent beside its answer': {
    caughtBy: 'replaces an intent by its answer, and removes it where the answer is empty',
    changed: lanes((lane) => ({ put: (sequence, segment) => lane.put(sequence + 1_000, segment) })),
  },
  'keeps its intents to itself': {
    caughtBy: 'keeps what was committed, intents above all, when its process is killed',
    changed: lanes(() => ({ intend: () => {} })),
  },
  'commits what nobody asked it to': {
    caughtBy: 'keeps what was committed, intents above all, when its process is killed',
    changed: lanes((lane, index) => ({
      put: (sequence, segment) => {
        lane.put(sequence, segment)
        index.commit()
      },
    })),
  },
  'commits half of what was put': {
    caughtBy: 'commits all or nothing, whenever its process is killed',
    changed: (index) => {
      let late: (() => void) | undefined
      return {
        lane: () => {
          const lane = index.lane()
          return {
            ...lane,
            put: (sequence, segment) => {
              if (!segment.bytes.includes('right')) return lane.put(sequence, segment)
              late?.()
              late = () => lane.put(sequence, segment)
            },
          }
        },
      }
    },
  },
}

/** The mutant is named by the URL that this module is imported by: child processes import the same. */
export async function openIndex(folder: string): Promise<OpenKeyIndex> {
  const name = decodeURIComponent(new URL(import.meta.url).search.slice(1))
  const { keep = true, changed }: Partial<KeyIndexMutant> = KEY_INDEX_MUTANTS[name] ?? {}
  const index = await KeyIndexFile.open(join(folder, 'contract.sqlite'), 'contract', { keep })
  return {
    seed: index.seed,
    scan: () => index.scan(),
    lane: () => index.lane(),
    commit: () => index.commit(),
    compact: () => index.compact(),
    close: () => index.close(),
    ...changed?.(index),
  }
}

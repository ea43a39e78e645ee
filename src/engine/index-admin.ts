import { existsSync, rmSync, statSync } from 'node:fs'
import { asConfig, pickSync } from '../config/pick-sync.ts'
import type { Config } from '../config/resolved.ts'
import type { ConfigInput } from '../config/schema.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import type { KeyEncoding } from '../core/column.ts'
import type { EntryState } from '../core/key-entry.ts'
import { IndexPlace } from '../state/index-place.ts'
import { KeyIndexFile } from '../state/key-index-file.ts'
import { indexPath } from '../state/state-folder.ts'
import { listDestination } from './list-destination.ts'
import { identityOf, type OwnConnectors, openEnds } from './open-ends.ts'

export interface IndexOptions extends OwnConnectors {
  /** Which sync of the configuration; may be left out where there is only one. */
  readonly sync?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly clock?: Clock | undefined
}

const STATE_NAMES = {
  1: 'acknowledged',
  2: 'unsure',
  3: 'unsure_new',
  4: 'adopted',
  5: 'seen',
  6: 'retired',
} as const satisfies Partial<Record<EntryState, string>>

/** What an index knows of a key. docs/architecture.md says what each means. */
export type EntryStateName = (typeof STATE_NAMES)[keyof typeof STATE_NAMES]

/** A key index that was read from its first entry to its last, and is as it was written. */
export interface IndexDetails {
  readonly sync: string
  readonly path: string
  /** Of the file. */
  readonly bytes: number
  readonly entries: number
  readonly by_state: Readonly<Record<EntryStateName, number>>
  /** Key columns and how they are encoded; null before the first run. */
  readonly key: readonly { readonly column: string; readonly encoding: KeyEncoding }[] | null
  /** The destination object, without secrets; null before the first run. */
  readonly destination: string | null
  /** Digest of the mapping of the last complete run. */
  readonly mapping: string | null
  /** When the destination's keys were last merged in: ISO 8601, UTC. */
  readonly listed_at: string | null
}

/**
 * Reads the whole index of a sync and checks it against its checksums; undefined where there is none. Throws FatalError:
 * `index_damaged`, `index_foreign`, `index_newer`, and `locked` while a run holds it.
 */
export async function indexSummary(
  config: Config | ConfigInput,
  options: IndexOptions = {},
): Promise<IndexDetails | undefined> {
  const { sync, path } = placeOf(config, options)
  if (!existsSync(path)) return undefined
  const index = await KeyIndexFile.open(path, sync.name, { keep: false })
  try {
    const counts = new Array<number>(8).fill(0)
    const scan = index.scan()
    while (scan.next()) (counts[scan.state] as number)++
    const { key, destination } = index.identity
    const named = Object.entries(STATE_NAMES).map(([state, name]) => [name, counts[Number(state)] as number])
    return {
      sync: sync.name,
      path,
      bytes: statSync(path).size,
      entries: counts.reduce((sum, count) => sum + count),
      by_state: Object.fromEntries(named) as Record<EntryStateName, number>,
      key: key === undefined ? null : columnsOf(key),
      destination: destination ?? null,
      mapping: index.mapping ?? null,
      listed_at: index.listedAt === undefined ? null : new Date(index.listedAt).toISOString(),
    }
  } finally {
    index.close()
  }
}

/**
 * Removes the index of a sync; false where there was none. What it knew is lost: which records are there, which are
 * ours and what they hold. Throws FatalError `locked` while a run holds it.
 */
export async function forgetIndex(config: Config | ConfigInput, options: IndexOptions = {}): Promise<boolean> {
  const { sync, path } = placeOf(config, options)
  if (!existsSync(path)) return false
  using place = await IndexPlace.hold(path, sync.name)
  place.clear()
  return true
}

export interface RebuiltIndex {
  readonly sync: string
  readonly path: string
  /** Records that the destination listed, now known as adopted; null where it cannot list any. */
  readonly listed: number | null
}

/**
 * Replaces the index of a sync, whatever is there, by a new one that knows what the destination lists, and nothing
 * where it cannot list. The old one stays until the new one is complete. Throws FatalError, `locked` while a run
 * holds the index, and the signal's reason.
 */
export async function rebuildIndex(config: Config | ConfigInput, options: IndexOptions = {}): Promise<RebuiltIndex> {
  const { config: checked, sync, path } = placeOf(config, options)
  const { clock = systemClock, signal = new AbortController().signal } = options
  signal.throwIfAborted()
  using place = await IndexPlace.hold(path, sync.name)
  const variables = { runId: 'rebuild', startedAt: new Date(clock.now()).toISOString(), syncName: sync.name }
  await using ends = await openEnds(checked, sync, options, variables)
  const fresh = `${path}.rebuild`
  removeDatabase(fresh)
  try {
    const index = await KeyIndexFile.open(fresh, sync.name, { keep: true })
    let listed: number | null = null
    try {
      index.bind(identityOf(ends))
      // What the destination has begun may still be going on.
      for (const [name, value] of place.notes()) index.notes.set(name, value)
      // What is listed where the match is not the key are no keys.
      if (ends.resolved.matchIsKey && ends.declaration.lists !== 'never' && ends.destination.list !== undefined) {
        const counts = await listDestination(ends, index, { sync: sync.name, signal, clock })
        listed = counts.listed
        index.note({ bootstrapped: true })
      }
    } finally {
      index.close()
    }
    signal.throwIfAborted()
    place.replaceWith(fresh)
    return { sync: sync.name, path, listed }
  } catch (error) {
    removeDatabase(fresh)
    throw error
  }
}

/** A killed rebuild leaves its file behind; the place of the index is held by now, so nobody is working on it. */
function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
}

function placeOf(input: Config | ConfigInput, options: IndexOptions) {
  const config = asConfig(input)
  const sync = pickSync(config, options.sync)
  return { config, sync, path: indexPath(config.state, sync.name) }
}

function columnsOf(key: string): IndexDetails['key'] {
  return (JSON.parse(key) as [string, KeyEncoding][]).map(([column, encoding]) => ({ column, encoding }))
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asConfig, pickSync } from '../config/pick-sync.ts'
import { resolveConfig } from '../config/resolve.ts'
import type { Config, SyncConfig } from '../config/resolved.ts'
import type { ConfigInput } from '../config/schema.ts'
import { configurationError } from '../core/errors.ts'
import type { Counts } from '../core/report.ts'
import { type BenchRun, type BenchWork, measureRun } from './bench-run.ts'
import type { OwnConnectors } from './open-ends.ts'
import type { Progress } from './sync-options.ts'

export interface BenchOptions extends OwnConnectors {
  /** Runs of each kind after the first; the one in the middle is reported. Default: 3. */
  readonly runs?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Called a few times a second. */
  readonly onProgress?:
    | ((progress: Progress, run: { readonly work: BenchWork; readonly number: number }) => void)
    | undefined
}

export interface BenchSyncOptions extends BenchOptions {
  /** Which sync of the configuration; may be left out where there is only one. */
  readonly sync?: string | undefined
  /** Only the first so many rows in key order. Default: all. */
  readonly rows?: number | undefined
}

export interface BenchModelOptions extends BenchOptions {
  /** Default: 1,000,000. */
  readonly rows?: number | undefined
  /** What the key is. Default: integer. */
  readonly key?: 'integer' | 'text' | 'uuid' | undefined
  /** Percent of the rows that change from run to run; a tenth as many go, and as many come. Default: 1. */
  readonly changed?: number | undefined
}

/** What was measured. Field names are part of the contract. */
export interface BenchResult {
  readonly format_version: '1'
  readonly sync: string
  /** Type of the connector that the rows came from. */
  readonly source: string
  readonly node: string
  /** Highest resident set of the process so far, in bytes. */
  readonly peak_rss_bytes: number
  /** The first run, and of each other kind the one in the middle, by time. */
  readonly runs: readonly BenchRun[]
}

/** A connection that no configuration has: names there are made of letters. */
const NOWHERE = 'nowhere (bench)'
/**
 * Measures a sync without its destination: its rows and its mapping, into a destination that accepts everything, with a
 * key index of its own in a temporary folder. The real index and the real destination are not touched, and the guards
 * and the rate of the sync do not apply. Throws FatalError where the configuration is wrong or a run failed, and the
 * signal's reason.
 */
export async function benchSync(input: Config | ConfigInput, options: BenchSyncOptions = {}): Promise<BenchResult> {
  const { sync: name, rows: limit, runs = 3, ...rest } = options
  const config = asConfig(input)
  const sync = pickSync(config, name)
  const source = sourceOf(config, sync)
  if (source === 'stdin') {
    const message = `${sync.name} reads stdin, which can be read once: write the rows to a file, and measure that`
    throw configurationError('stdin_used_up', message)
  }
  return inFolder(async (state) => {
    const bench = { ...rest, sync: sync.name, source, limit }
    const to = withoutDestination(config, sync, state)
    const first = await repeat(1, 'first', () => to, bench)
    const unchanged = await repeat(runs, 'unchanged', () => to, bench)
    return resultOf(bench, [first, unchanged])
  })
}

/** Measures generated rows in the same way, also with changes, and checks that every run counts what it has to. */
export async function benchModel(options: BenchModelOptions = {}): Promise<BenchResult> {
  const { rows = 1_000_000, key = 'integer', changed = 1, runs = 3, ...rest } = options
  const bench = { ...rest, sync: 'generated', source: 'generate' }
  const some = { changed: changed / 100, other: changed / 1000 }
  return inFolder(async (state) => {
    const generation = (number: number) => {
      const rates = { change_rate: some.changed, delete_rate: some.other, new_rate: some.other }
      return generatedConfig({ type: 'generate', rows, key, generation: number, ...rates }, state)
    }
    const first = await repeat(1, 'first', () => generation(0), bench)
    const unchanged = await repeat(runs, 'unchanged', () => generation(0), bench)
    const changes = await repeat(runs, 'changed', generation, bench)
    const result = resultOf(bench, [first, unchanged, changes])
    const other = Math.round(rows * some.other)
    requireCounts(first, { inserted: rows })
    requireCounts(unchanged, { unchanged: rows })
    requireCounts(changes, { updated: Math.round(rows * some.changed), inserted: other, missing: other })
    return result
  })
}

interface Bench extends Omit<BenchOptions, 'runs'> {
  readonly sync: string
  readonly source: string
  readonly limit?: number | undefined
}

/** The run in the middle of several. Their configurations are numbered from 1 on. */
async function repeat(
  runs: number,
  work: BenchWork,
  config: (number: number) => Config,
  bench: Bench,
): Promise<BenchRun> {
  const { onProgress, ...options } = bench
  const measured: BenchRun[] = []
  for (let number = 1; number <= runs; number++) {
    const tell = onProgress && ((progress: Progress) => onProgress(progress, { work, number }))
    measured.push(await measureRun(config(number), { ...options, work, onProgress: tell }))
  }
  measured.sort((a, b) => a.duration_ms - b.duration_ms)
  return measured[measured.length >> 1] as BenchRun
}

function resultOf({ sync, source }: Bench, runs: readonly BenchRun[]): BenchResult {
  return {
    format_version: '1',
    sync,
    source,
    node: process.versions.node,
    peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
    runs,
  }
}

function requireCounts({ counts, work }: BenchRun, expected: Partial<Counts>): void {
  for (const [name, count] of Object.entries(expected)) {
    const found = counts[name as keyof Counts]
    if (found !== count)
      throw new Error(`the run "${work}" has ${found} ${name} where ${count} belong: please report it`)
  }
}

/** Type of the connector; for rows of a file or of stdin, that. */
function sourceOf(config: Config, { source }: SyncConfig): string {
  return source.rows?.from ?? config.connections.get(source.connection ?? '')?.type ?? ''
}

function withoutDestination(config: Config, sync: SyncConfig, state: string): Config {
  const nowhere = { name: NOWHERE, type: 'blackhole', options: {}, baseDirectory: state }
  const measured: SyncConfig = {
    ...sync,
    destination: { ...sync.destination, connection: NOWHERE, create: false },
    deletes: { ...sync.deletes, scope: undefined },
    guards: { maxDeletes: undefined, minRows: undefined, maxRejected: undefined },
    index: { bootstrap: undefined, refresh: undefined },
    batch: { ...sync.batch, rate: undefined },
  }
  return {
    ...config,
    state,
    connections: new Map([...config.connections, [NOWHERE, nowhere]]),
    syncs: new Map([[sync.name, measured]]),
  }
}

function generatedConfig(from: ConfigInput['connections'][string], state: string): Config {
  const input: ConfigInput = {
    version: 1,
    state,
    connections: { from, to: 'blackhole:' },
    syncs: {
      generated: {
        source: { connection: 'from', table: 'rows' },
        key: 'id',
        mode: 'mirror',
        destination: { connection: 'to', table: 'rows' },
        guards: { max_deletes: '100%' },
      },
    },
  }
  return resolveConfig(input, { baseDirectory: state })
}

async function inFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'rowferry-bench-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

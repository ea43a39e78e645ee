import { existsSync } from 'node:fs'
import type { Config } from '../config/resolved.ts'
import { FatalError } from '../core/errors.ts'
import type { Counts, Report } from '../core/report.ts'
import { KeyIndexFile } from '../state/key-index-file.ts'
import { indexPath } from '../state/state-folder.ts'
import { sync } from '../sync.ts'
import { type BenchLimit, limitOf } from './bench-limit.ts'
import type { OwnConnectors } from './open-ends.ts'
import { StageClock, type TimedPart } from './stage-clock.ts'
import type { Progress } from './sync-options.ts'

/** What a measured run had to do: everything, nothing, or what has changed since. */
export type BenchWork = 'first' | 'unchanged' | 'changed'

/** How long a part of a run kept the process busy; for `waiting`, how long it was not. */
export interface StageTime {
  readonly stage: TimedPart
  readonly ms: number
  readonly us_per_row: number
  /** As if there were no other part; null where it took no time. */
  readonly rows_per_second: number | null
  /** Of the whole run. All shares add up to 1. */
  readonly share: number
}

/** One measured run, from its beginning to its report. */
export interface BenchRun {
  readonly work: BenchWork
  readonly rows: number
  readonly duration_ms: number
  readonly rows_per_second: number
  /** CPU of the whole process, all threads. */
  readonly cpu_ms: number
  /** Highest resident set of the process while it ran, in bytes. */
  readonly peak_rss_bytes: number
  readonly counts: Readonly<Counts>
  readonly stages: readonly StageTime[]
  readonly limit: BenchLimit
}

export interface MeasureOptions extends OwnConnectors {
  readonly work: BenchWork
  readonly sync: string
  /** Type of the connector that the rows come from. */
  readonly source: string
  /** Only the first so many rows. */
  readonly limit?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
}

const RSS_SAMPLE_MS = 20
/** The code of a scan is compiled during the first. */
const SCANS = 3
/** Runs a sync and measures it. Throws what made it fail, as FatalError, and the signal's reason. */
export async function measureRun(config: Config, options: MeasureOptions): Promise<BenchRun> {
  const { work, source, ...rest } = options
  const scanMs = await timeScan(config, options.sync)
  let peakRss = 0
  const sample = () => {
    peakRss = Math.max(peakRss, process.memoryUsage.rss())
  }
  const sampling = setInterval(sample, RSS_SAMPLE_MS)
  const cpuBefore = process.cpuUsage()
  using clock = new StageClock()
  const report = await sync(config, { ...rest, observe: clock.observe }).finally(() => clearInterval(sampling))
  const spent = new Map(clock.stop())
  const { user, system } = process.cpuUsage(cpuBefore)
  sample()
  requireSuccess(report, options.signal)
  // The diff reads the index row by row, which is too often to stop a clock: that part is timed by itself.
  const scan = Math.min(scanMs, spent.get('diff') ?? 0)
  spent.set('diff', (spent.get('diff') ?? 0) - scan)
  spent.set('index', (spent.get('index') ?? 0) + scan)
  const rows = report.counts.read
  // Most sources sort by themselves: then there is no such stage.
  if (spent.get('sorting') === 0) spent.delete('sorting')
  const stages = [...spent].map(([stage, ms]) => ({ stage, ms }))
  const durationMs = stages.reduce((sum, { ms }) => sum + ms, 0)
  const times = stages.map(({ stage, ms }) => stageTime(stage, ms, durationMs, rows))
  return {
    work,
    rows,
    duration_ms: rounded(durationMs, 1),
    rows_per_second: Math.round((rows / durationMs) * 1000),
    cpu_ms: rounded((user + system) / 1000, 1),
    peak_rss_bytes: peakRss,
    counts: report.counts,
    stages: times,
    limit: limitOf(times, source),
  }
}

function stageTime(stage: TimedPart, ms: number, durationMs: number, rows: number): StageTime {
  return {
    stage,
    ms: rounded(ms, 3),
    us_per_row: rows === 0 ? 0 : rounded((ms * 1000) / rows, 4),
    rows_per_second: ms === 0 ? null : Math.round((rows / ms) * 1000),
    share: rounded(ms / durationMs, 4),
  }
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

/** Milliseconds that it takes to read the key index from its beginning to its end: the best of a few times. */
async function timeScan(config: Config, name: string): Promise<number> {
  const path = indexPath(config.state, name)
  if (!existsSync(path)) return 0
  const index = await KeyIndexFile.open(path, name, { keep: true })
  try {
    let best = Number.POSITIVE_INFINITY
    for (let time = 0; time < SCANS; time++) {
      const began = performance.now()
      const scan = index.scan()
      while (scan.next());
      best = Math.min(best, performance.now() - began)
    }
    return best
  } finally {
    index.close()
  }
}

function requireSuccess({ error }: Report, signal: AbortSignal | undefined): void {
  signal?.throwIfAborted()
  if (error === null) return
  if (error.kind === 'bug') throw new Error(error.message)
  throw new FatalError(error.code, error.message, { kind: error.kind })
}

import type { BenchResult, BenchRun, BenchWork, StageTime } from '../index.ts'
import { formatCount, formatDuration } from './printable.ts'
import { countsInWords } from './summary.ts'
import { formatTable, type TableOptions } from './table.ts'

const WORK: Readonly<Record<BenchWork, string>> = {
  first: 'first run',
  unchanged: 'nothing changed',
  changed: 'some changed',
}

const STAGES: Readonly<Partial<Record<StageTime['stage'], string>>> = {
  waiting: 'waiting for the source',
  other: 'start and end',
}

const MIB = 1024 * 1024

export function workInWords(work: BenchWork): string {
  return WORK[work]
}

/** What was measured: of each run its time, its stages in a table, and what limits it in words. */
export function formatBench({ sync, source, node, runs }: BenchResult, options: TableOptions): string {
  const { style } = options
  const [first] = runs
  const title = `${style('bold', sync)}  ${formatCount(first?.rows ?? 0)} rows · source ${source} · Node ${node}`
  return [title, ...runs.map((run) => formatRun(run, options))].join('\n\n')
}

function formatRun(run: BenchRun, options: TableOptions): string {
  const { style, width } = options
  const facts = [
    `${formatCount(run.rows_per_second)} rows/s`,
    ...countsInWords({ counts: run.counts, dry_run: false, status: 'succeeded' }, style),
    `${perRow(run.cpu_ms, run.rows)} µs of CPU a row`,
    `peak RSS ${Math.round(run.peak_rss_bytes / MIB)} MiB`,
  ]
  const titles = ['rows/s', 'µs a row', 'share'].map((title) => ({ title, align: 'right' as const }))
  const rows = run.stages.map(({ stage, rows_per_second, us_per_row, share }) => [
    STAGES[stage] ?? stage,
    // What takes no time, and what is no work, has no speed worth a figure.
    rows_per_second === null || stage === 'waiting' || share < 0.001 ? '-' : formatCount(rows_per_second),
    us_per_row.toFixed(2),
    `${(share * 100).toFixed(1)}%`,
  ])
  rows.push(['all of it', formatCount(run.rows_per_second), perRow(run.duration_ms, run.rows), '100.0%'])
  const table = formatTable([{ title: 'stage' }, ...titles], rows, { style, width: width - 2 })
  return [
    `${style('bold', WORK[run.work])}  ${formatDuration(run.duration_ms)} · ${facts.join(' · ')}`,
    ...table.split('\n').map((line) => `  ${line}`),
    `  ${run.limit.message}`,
  ].join('\n')
}

function perRow(ms: number, rows: number): string {
  return ((ms * 1000) / Math.max(1, rows)).toFixed(2)
}

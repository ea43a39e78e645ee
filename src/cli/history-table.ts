import type { RunRecord } from '../index.ts'
import { formatDuration } from './printable.ts'
import { COUNT_TITLES, countCells, formatTime, statusCell } from './run-line.ts'
import { type Cell, formatTable, type TableOptions } from './table.ts'

/** Runs, a line each. */
export function formatHistory(runs: readonly RunRecord[], options: TableOptions): string {
  const columns = [
    ...['started', 'run', 'sync', 'status'].map((title) => ({ title })),
    ...[...COUNT_TITLES, 'time'].map((title) => ({ title, align: 'right' as const })),
  ]
  const rows = runs.map((run): Cell[] => [
    formatTime(run.startedAt),
    run.runId,
    run.sync,
    statusCell(run),
    ...countCells(run.report),
    run.report === null ? '' : formatDuration(run.report.duration_ms),
  ])
  return formatTable(columns, rows, options)
}

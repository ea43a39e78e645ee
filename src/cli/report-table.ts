import type { Report } from '../index.ts'
import { formatDuration } from './printable.ts'
import { COUNT_TITLES, countCells, reportCell } from './run-line.ts'
import { type Cell, formatTable, type TableOptions } from './table.ts'

/** The results of several runs, a line each. */
export function formatReports(reports: readonly Report[], options: TableOptions): string {
  const columns = [
    ...['sync', 'mode', 'status'].map((title) => ({ title })),
    ...[...COUNT_TITLES, 'time'].map((title) => ({ title, align: 'right' as const })),
  ]
  const rows = reports.map((report): Cell[] => [
    report.sync,
    report.mode,
    reportCell(report),
    ...countCells(report),
    formatDuration(report.duration_ms),
  ])
  return formatTable(columns, rows, options)
}

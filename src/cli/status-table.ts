import type { IndexOverview, SyncStatus } from '../index.ts'
import { formatCount } from './printable.ts'
import { COUNT_TITLES, countCells, formatAge, formatBytes, runLine, statusCell } from './run-line.ts'
import { type Cell, formatTable, type TableOptions } from './table.ts'

/** How syncs stand, a line each. */
export function formatStatus(found: readonly SyncStatus[], options: TableOptions & { readonly now: number }): string {
  const { now } = options
  const columns = [
    ...['sync', 'mode', 'last run', 'when'].map((title) => ({ title })),
    ...COUNT_TITLES.map((title) => ({ title, align: 'right' as const })),
    { title: 'index' },
  ]
  const rows = found.map((status): Cell[] => [
    status.sync,
    status.mode,
    stateCell(status),
    status.last_run === null ? '' : formatAge(status.last_run.startedAt, now),
    ...countCells(status.last_run?.report ?? null),
    indexCell(status.index, now),
  ])
  return formatTable(columns, rows, options)
}

function stateCell({ running, last_run }: SyncStatus): Cell {
  if (running) return { text: 'running', format: 'cyan' }
  if (last_run === null) return 'never run'
  // Nobody holds the index, so a run that has not reported never will.
  return last_run.status === 'running' ? { text: 'killed', format: 'red' } : statusCell(last_run)
}

function indexCell(index: IndexOverview, now: number): Cell {
  switch (index.state) {
    case 'none':
      return '-'
    case 'in_use':
      return 'in use'
    case 'unreadable':
      return { text: `${index.code}: ${index.message}`, format: 'red' }
    case 'ready': {
      const size = `${formatCount(index.entries)} ${index.entries === 1 ? 'key' : 'keys'}, ${formatBytes(index.bytes)}`
      return index.listedAt === null ? size : `${size}, listed ${formatAge(isoOf(index.listedAt), now)}`
    }
  }
}

/** The same as one JSON value. */
export function statusLine({ last_run, index, ...status }: SyncStatus): Record<string, unknown> {
  return { ...status, last_run: last_run === null ? null : runLine(last_run), index: indexLine(index) }
}

function indexLine(index: IndexOverview): Record<string, unknown> {
  if (index.state !== 'ready') return { ...index }
  const { state, entries, bytes, listedAt } = index
  return { state, entries, bytes, listed_at: listedAt === null ? null : isoOf(listedAt) }
}

function isoOf(time: number): string {
  return new Date(time).toISOString()
}

import type { Report, RunRecord } from '../index.ts'
import { formatCount, formatDuration } from './printable.ts'
import type { Format } from './style.ts'
import type { Cell } from './table.ts'

/**
 * A run of the history as one JSON value: its report, as `run --json` printed it. A run without a report is still
 * running or was killed.
 */
export function runLine(record: RunRecord): Record<string, unknown> {
  const { report, runId, sync, mode, status, dryRun, startedAt, killed, leftOut } = record
  const lines = report ?? {
    format_version: '1',
    run_id: runId,
    sync,
    mode,
    status,
    dry_run: dryRun,
    started_at: startedAt,
    duration_ms: null,
    counts: null,
    requests: null,
    guards: [],
    error: killed ? KILLED : null,
  }
  return { ...lines, issues_left_out: leftOut }
}

const KILLED = {
  code: 'killed',
  message: 'the run ended without a report (killed, or no power); run again',
  kind: 'failed',
}

const FORMATS: Readonly<Record<RunRecord['status'], Format>> = {
  succeeded: 'green',
  completed_with_errors: 'yellow',
  deletes_held: 'yellow',
  failed: 'red',
  cancelled: 'yellow',
  running: 'cyan',
}

/** `succeeded`, `deletes held`, `killed`; in its colour. */
export function statusCell({ status, killed, report }: RunRecord): Cell {
  if (report !== null) return reportCell(report)
  return { text: killed ? 'killed' : status.replaceAll('_', ' '), format: FORMATS[status] }
}

/** The same of a run that has reported; it says if only part of the model was compared. */
export function reportCell({ status, guards }: Report): Cell {
  const partial = guards.some(({ guard }) => guard === 'partial_run') ? ', partial' : ''
  return { text: status.replaceAll('_', ' ') + partial, format: FORMATS[status] }
}

/** What a run did, for a table: inserted, updated, deleted, and what did not land. */
export function countCells(report: Report | null): Cell[] {
  if (report === null) return ['', '', '', '', '']
  const { counts } = report
  const bad = counts.invalid + counts.rejected + counts.delete_rejected
  const cells: Cell[] = [counts.read, counts.inserted, counts.updated, counts.deleted].map(formatCount)
  return [...cells, bad === 0 ? '0' : { text: formatCount(bad), format: 'red' }]
}

export const COUNT_TITLES = ['read', 'inserted', 'updated', 'deleted', 'bad'] as const

/** `2026-11-22 18:00:00Z`. */
export function formatTime(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')}Z`
}

/** `3 min 12 s ago`. */
export function formatAge(iso: string, now: number): string {
  const age = now - Date.parse(iso)
  if (age < 1000) return 'just now'
  if (age < 48 * 3_600_000) return `${formatDuration(age)} ago`
  return `${formatCount(Math.floor(age / 86_400_000))} days ago`
}

/** `512 B`, `1.4 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const units = ['KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = -1
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

import type { Report, RunRecord } from '../index.ts'
import type { IssueGroup } from './issue-groups.ts'
import { formatCount } from './printable.ts'
import { formatTime, statusCell } from './run-line.ts'
import type { Style } from './style.ts'
import { formatReport } from './summary.ts'

/** How many reasons of a run are named by `show`. */
export const REASONS_SHOWN = 20

/** One run, with every count. */
export function formatRun(run: RunRecord, issues: readonly IssueGroup[], style: Style): string {
  const { report, sync, mode, runId, startedAt, leftOut } = run
  const lines = [
    report === null
      ? `${style('bold', sync)}  ${mode}  ${textOf(run, style)}`
      : formatReport(report, { style, issues, verbose: false }),
    `  ${style('dim', 'run')}      ${runId}`,
    `  ${style('dim', 'started')}  ${formatTime(startedAt)}`,
  ]
  if (report !== null) lines.push(`  ${style('dim', 'rows')}     ${rows(report)}`)
  if (report !== null && report.counts.missing > 0) lines.push(`  ${style('dim', 'missing')}  ${missing(report)}`)
  const left = leftOut.invalid + leftOut.rejected
  const stored = issues.reduce((sum, { count }) => sum + count, 0)
  if (stored > 0) lines.push(`  see them with \`rowferry rejected ${runId}\``)
  if (left > 0) lines.push(`  ${formatCount(left)} rejected or invalid rows are no longer kept`)
  return lines.join('\n')
}

function textOf(run: RunRecord, style: Style): string {
  const cell = statusCell(run)
  return typeof cell === 'string' ? cell : style(cell.format, cell.text)
}

function rows({ counts: c }: Report): string {
  const parts = [
    [c.inserted, 'inserted'],
    [c.updated, 'updated'],
    [c.unchanged, 'unchanged'],
    [c.skipped, 'skipped'],
    [c.invalid, 'invalid'],
    [c.rejected, 'rejected'],
  ] as const
  return sentence(c.read, 'read', parts)
}

function missing({ counts: c }: Report): string {
  const parts = [
    [c.deleted, 'deleted'],
    [c.kept, 'kept'],
    [c.held, 'held'],
    [c.delete_rejected, 'rejected'],
  ] as const
  return sentence(c.missing, 'missing', parts)
}

/** `100 read = 1 inserted + 99 unchanged`. */
function sentence(total: number, what: string, parts: readonly (readonly [number, string])[]): string {
  const words = parts.filter(([count]) => count > 0).map(([count, name]) => `${formatCount(count)} ${name}`)
  return `${formatCount(total)} ${what}${words.length === 0 ? '' : ` = ${words.join(' + ')}`}`
}

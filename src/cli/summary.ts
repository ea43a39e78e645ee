import type { Report } from '../index.ts'
import type { IssueGroup } from './issue-groups.ts'
import { formatCount, formatDuration, oneLine, printable } from './printable.ts'
import type { Style } from './style.ts'

export interface SummaryOptions {
  readonly style: Style
  /** Columns of the name, so that the lines of several syncs stand below one another. */
  readonly nameWidth?: number
  /** Why rows did not land, the most frequent reasons first. */
  readonly issues?: readonly IssueGroup[]
  readonly verbose?: boolean
}

/** What one run did, in words: the verdict on one line, and below it what the user should know or type. */
export function formatReport(report: Report, options: SummaryOptions): string {
  const { style } = options
  const name = report.sync.padEnd(options.nameWidth ?? 0)
  const lines = [
    `${style('bold', name)}  ${report.mode}  ${verdict(report, style)}   ${formatDuration(report.duration_ms)}`,
  ]
  return [...lines, ...details(report, options).map((line) => `  ${line}`)].join('\n')
}

function verdict(report: Report, style: Style): string {
  const parts: string[] = []
  if (report.dry_run) parts.push('dry run')
  if (report.status === 'failed') parts.push(style('red', 'failed'))
  if (report.status === 'cancelled') parts.push(style('yellow', 'cancelled'))
  return [...parts, ...countsInWords(report, style)].join(' · ')
}

/** `120 inserted · 49,655 unchanged`, as its parts. */
export function countsInWords(
  { counts, dry_run, status }: Pick<Report, 'counts' | 'dry_run' | 'status'>,
  style: Style,
): string[] {
  const parts: string[] = []
  const add = (count: number, words: string, format?: 'red' | 'yellow') => {
    if (count === 0) return
    const text = `${formatCount(count)} ${words}`
    parts.push(format === undefined ? text : style(format, text))
  }
  add(counts.inserted, dry_run ? 'to insert' : 'inserted')
  add(counts.updated, dry_run ? 'to update' : 'updated')
  add(counts.deleted, dry_run ? 'to delete' : 'deleted')
  const written = parts.length > 0
  add(counts.unchanged, 'unchanged')
  add(counts.skipped, 'skipped')
  add(counts.invalid, 'invalid', 'yellow')
  add(counts.rejected, 'rejected', 'red')
  add(counts.delete_rejected, counts.delete_rejected === 1 ? 'delete rejected' : 'deletes rejected', 'red')
  add(counts.held, counts.held === 1 ? 'delete held' : 'deletes held', 'yellow')
  if (written || status === 'failed' || status === 'cancelled') return parts
  if (parts.length === 0) return ['no rows']
  return counts.rejected + counts.delete_rejected + counts.held === 0 ? [...parts, 'nothing to write'] : parts
}

/** Guards, reasons, the error and, where it tells something, what the network had to do with it. */
export function details(report: Report, { style, issues = [], verbose = false }: SummaryOptions): string[] {
  const lines: string[] = []
  for (const { guard, message } of report.guards) {
    if (message !== report.error?.message) lines.push(`${style('yellow', guard)}  ${printable(message)}`)
  }
  for (const { kind, code, count, message, key } of issues) {
    const first = key === null ? '' : `  (first: key ${oneLine(key, 60)})`
    const label = style(kind === 'rejected' ? 'red' : 'yellow', kind)
    lines.push(`${label}  ${formatCount(count)} × ${printable(code)}  ${oneLine(message, 200)}${first}`)
  }
  const { error, requests } = report
  if (error !== null) {
    lines.push(`${style('red', `error ${printable(error.code)}`)}  ${printable(error.message)}`)
  }
  if (requests.retried > 0 || requests.throttled_ms > 0 || verbose) {
    const waited = requests.throttled_ms > 0 ? ` · waited ${formatDuration(requests.throttled_ms)} for rate limits` : ''
    lines.push(
      style(
        'dim',
        `${formatCount(requests.sent)} requests · ${formatCount(requests.retried)} retried${waited} · run ${report.run_id}`,
      ),
    )
  }
  return lines
}

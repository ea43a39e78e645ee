import type { Exchange, Report, RowIssue } from '../index.ts'
import { formatDuration, oneLine, printable } from './printable.ts'
import type { Style } from './style.ts'
import { details } from './summary.ts'

/** What was sent, what came back, and what it came to. */
export function formatExchange(
  {
    report,
    exchanges,
    issues,
  }: { readonly report: Report; readonly exchanges: readonly Exchange[]; readonly issues: readonly RowIssue[] },
  style: Style,
): string {
  const lines = [`${style('bold', report.sync)}  ${report.mode}  test   ${formatDuration(report.duration_ms)}`]
  for (const exchange of exchanges) lines.push(...requestLines(exchange, style), answerLine(exchange, style))
  if (exchanges.length === 0) lines.push(`  ${style('yellow', 'nothing was sent')}  ${reason(report, issues)}`)
  for (const { request, response } of exchanges.flatMap(requestsOf)) {
    if (request !== undefined) lines.push(`  ${style('dim', 'request')}   ${oneLine(request, 1000)}`)
    if (response !== undefined) lines.push(`  ${style('dim', 'response')}  ${oneLine(response ?? 'none', 1000)}`)
  }
  // That nothing else was done is what this command is for, and no news.
  const guards = report.guards.filter(({ guard }) => guard !== 'partial_run')
  return [...lines, ...details({ ...report, guards }, { style }).map((line) => `  ${line}`)].join('\n')
}

function requestLines({ operation, values }: Exchange, style: Style): string[] {
  const names = Object.keys(values)
  const width = Math.min(40, Math.max(...names.map((name) => name.length)))
  return [
    `  ${style('dim', 'sent')}      ${operation}`,
    ...names.map((name) => {
      const value = values[name] ?? null
      return `    ${printable(name).padEnd(width)}  ${value === null ? style('dim', 'null') : oneLine(value, 200)}`
    }),
  ]
}

function answerLine({ outcome, error, operation }: Exchange, style: Style): string {
  const label = `  ${style('dim', 'answer')}    `
  if (outcome === null) return `${label}${style('red', 'none')}  ${printable(error ?? '')}`
  switch (outcome.status) {
    case 'done':
      return `${label}${style('green', 'done')}`
    case 'not_found':
      return `${label}there is no such record${operation === 'update' ? ' to update' : ''}`
    case 'exists':
      return `${label}the record is there already, and was left as it is`
    case 'unknown':
      return `${label}${style('yellow', `not known ${printable(outcome.code)}`)}  ${printable(outcome.message)}`
    case 'deferred':
      return `${label}${style('yellow', `not now ${printable(outcome.code)}`)}  ${printable(outcome.message)}`
    case 'rejected':
      return `${label}${style('red', `rejected ${printable(outcome.code)}`)}  ${printable(outcome.message)}`
  }
}

/** What was asked for a change; where a destination does not tell, what it says about a refusal. */
function requestsOf({
  requests,
  outcome,
}: Exchange): { readonly request?: string; readonly response?: string | null }[] {
  if (requests.length > 0) return [...requests]
  return outcome?.status === 'rejected' ? [outcome] : []
}

function reason({ mode, counts, error }: Report, issues: readonly RowIssue[]): string {
  const [issue] = issues
  if (issue !== undefined) return `${printable(issue.code)}: ${printable(issue.message)}`
  if (error !== null || counts.skipped === 0) return ''
  return mode === 'update-only'
    ? 'the destination has no such record, and mode update-only inserts none'
    : `the destination has that record, and mode ${mode} does not change it`
}

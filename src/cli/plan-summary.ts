import type { ChangeSample, Report } from '../index.ts'
import { EXIT, type ExitCode, exitCodeOf } from './exit-code.ts'
import type { IssueGroup } from './issue-groups.ts'
import { formatChange } from './plan-sample.ts'
import { formatCount, formatDuration, printable } from './printable.ts'
import type { Style } from './style.ts'
import { details } from './summary.ts'

export interface PlanView {
  readonly report: Report
  readonly sample: readonly ChangeSample[]
  /** `deletes.scope` as written in the configuration; undefined where the destination's default holds. */
  readonly scope: 'all' | 'seen' | undefined
  /** What the engine found worth knowing before anything is sent. */
  readonly notes?: readonly string[]
  readonly issues?: readonly IssueGroup[]
}

export interface PlanOptions {
  readonly style: Style
  readonly width: number
  readonly verbose: boolean
}

/** Whether a run would send anything, or would want to and be held back by a guard. */
export function hasChanges({ counts }: Report): boolean {
  return counts.inserted + counts.updated + counts.deleted + counts.held > 0
}

/** What a run would do: some of the changes, the totals, and what is worth knowing before typing `run`. */
export function formatPlan({ report, sample, scope, notes = [], issues = [] }: PlanView, options: PlanOptions): string {
  const { style, width, verbose } = options
  const lines = [`${style('bold', report.sync)}  ${report.mode}  plan`]
  for (const change of sample) lines.push(`  ${formatChange(change, style, width - 2)}`)
  const left = changes(report) - sample.length
  if (sample.length > 0 && left > 0) lines.push(style('dim', `  … and ${formatCount(left)} more`))
  lines.push(`  ${totals(report, style)}   ${formatDuration(report.duration_ms)}`)
  for (const note of notes) lines.push(`  ${printable(note)}`)
  for (const remark of remarks(report, scope)) lines.push(`  ${remark}`)
  for (const line of details(report, { style, issues, verbose })) lines.push(`  ${line}`)
  return lines.join('\n')
}

function changes({ counts }: Report): number {
  return counts.inserted + counts.updated + counts.deleted + counts.held
}

/** `+ 120   ~ 300   - 45   = 49,655 unchanged`. */
function totals(report: Report, style: Style): string {
  const { counts, status } = report
  const parts = [
    style('green', `+ ${formatCount(counts.inserted)}`),
    style('yellow', `~ ${formatCount(counts.updated)}`),
    style('red', `- ${formatCount(counts.deleted + counts.held)}${counts.held > 0 ? ' held' : ''}`),
    `= ${formatCount(counts.unchanged)} unchanged`,
  ]
  if (counts.skipped > 0) parts.push(`${formatCount(counts.skipped)} skipped`)
  if (counts.invalid > 0) parts.push(style('yellow', `${formatCount(counts.invalid)} invalid`))
  if (status === 'failed' || status === 'cancelled') parts.unshift(style('red', status))
  return parts.join('   ')
}

/** What the counts mean for the deletes. */
function remarks({ counts, mode, status }: Report, scope: PlanView['scope']): string[] {
  if (status === 'failed' || status === 'cancelled') return []
  const found: string[] = []
  const kept =
    counts.kept === 1
      ? '1 record that the model lacks is'
      : `${formatCount(counts.kept)} records that the model lacks are`
  if (mode !== 'mirror' && mode !== 'delete-only') {
    if (counts.kept > 0) found.push(`${kept} kept: mode ${mode} deletes nothing`)
  } else if (counts.kept > 0 && scope !== 'all') {
    found.push(`deletes.scope seen: ${kept} spared, because the model never held them`)
  } else if (scope !== undefined) {
    const meaning = { all: 'every record that the model lacks', seen: 'only records that the model held before' }
    found.push(`deletes.scope ${scope}: ${meaning[scope]} may be deleted`)
  }
  if (counts.held > 0) {
    found.push(
      `a run would hold back the ${counts.held === 1 ? 'delete' : `${formatCount(counts.held)} deletes`} and exit 4:`,
    )
  }
  return found
}

/** A plan fails only where it could not be made. */
export function exitCodeOfPlan(report: Report, options: { readonly detailedExitcode?: boolean }): ExitCode {
  if (report.status === 'failed' || report.status === 'cancelled') return exitCodeOf(report)
  return options.detailedExitcode === true && hasChanges(report) ? EXIT.changes : EXIT.done
}

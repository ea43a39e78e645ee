import type { Config, Report } from '../index.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { groupIssues, type IssueGroup } from './issue-groups.ts'
import type { Output } from './output.ts'
import { formatReport } from './summary.ts'

/** Reasons that are named; `--report` and the run history have the rows. */
const REASONS = 3

/** Says on stderr what one run did. */
export async function tellReport(
  report: Report,
  code: ExitCode,
  { config, output, nameWidth }: { readonly config: Config; readonly output: Output; readonly nameWidth: number },
): Promise<void> {
  const issues = await reasonsOf(report, config)
  output.tell({
    level: levelOf(code),
    text: formatReport(report, { style: output.style, nameWidth, issues, verbose: output.verbose }),
    record: { msg: `${report.sync}: ${report.status}`, report, reasons: issues },
  })
}

export function levelOf(code: ExitCode): 'info' | 'warn' | 'error' {
  if (code === EXIT.done || code === EXIT.changes) return 'info'
  return code === EXIT.rowErrors || code === EXIT.deletesHeld ? 'warn' : 'error'
}

/** Why rows of the run did not land, as far as the run history knows. */
export async function reasonsOf({ counts, run_id }: Report, config: Config): Promise<IssueGroup[]> {
  if (counts.invalid + counts.rejected + counts.delete_rejected === 0) return []
  const { openRunHistory } = await import('../index.ts')
  using history = await openRunHistory(config.state)
  return groupIssues(history.issues(run_id), REASONS)
}

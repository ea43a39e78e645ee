import type { Report } from '../index.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import type { IssueGroup } from './issue-groups.ts'
import type { Output } from './output.ts'
import { formatReports } from './report-table.ts'
import { formatReport } from './summary.ts'

/** Says on stderr what one run did. */
export function tellReport(
  report: Report,
  {
    code,
    issues,
    nameWidth,
  }: { readonly code: ExitCode; readonly issues: readonly IssueGroup[]; readonly nameWidth: number },
  output: Output,
): void {
  // Who closes the pipe that a sync prints into has read enough, and knows it.
  if (report.error?.code === 'output_closed') return
  output.tell({
    level: levelOf(code),
    text: formatReport(report, { style: output.style, nameWidth, issues, verbose: output.verbose }),
    record: { msg: `${report.sync}: ${report.status}`, report, reasons: issues },
  })
}

/** Says on stderr what the runs of one call did, one below the other. With `--log-format json` they have been said. */
export function tellReports(reports: readonly Report[], output: Output): void {
  if (output.logFormat === 'json') return
  const text = `\n${formatReports(reports, { style: output.style, width: output.width })}`
  output.tell({ level: 'info', text, record: { msg: 'all' } })
}

export function levelOf(code: ExitCode): 'info' | 'warn' | 'error' {
  if (code === EXIT.done || code === EXIT.changes) return 'info'
  return code === EXIT.rowErrors || code === EXIT.deletesHeld ? 'warn' : 'error'
}

import type { Report } from '../index.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import type { IssueGroup } from './issue-groups.ts'
import type { Output } from './output.ts'
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

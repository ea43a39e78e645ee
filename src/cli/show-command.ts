import type { Command } from 'commander'
import type { ExitCode } from './exit-code.ts'
import type { ConfigOptions } from './options.ts'
import type { Session } from './session.ts'

export interface ShowOptions extends ConfigOptions {
  readonly json?: boolean
}

export type ShowAction = (run: string, options: ShowOptions) => Promise<ExitCode>

const EXAMPLES = `
Examples:
  rowferry show 20261122T180000Z-1a2b3c4d
  rowferry show 1a2b3c4d                  the beginning or the end of an id will do
  rowferry show last --json               the newest run

\`rowferry history\` lists the ids.`

export function addShowCommand(program: Command, action: ShowAction = showRun): void {
  program
    .command('show')
    .summary('show what one run did')
    .description('Shows all counts of a run, its guards, its error, and why rows did not land.')
    .argument('<run>', 'id of a run, a clear part of it, or `last`')
    .option('-f, --file <file>', 'configuration file (default: rowferry.yaml)')
    .option('--json', 'print the result as a line of JSON, with the reasons')
    .addHelpText('after', EXAMPLES)
    .action(async (run: string, _options: unknown, command: Command) => {
      process.exitCode = await action(run, command.optsWithGlobals<ShowOptions>())
    })
}

async function showRun(run: string, options: ShowOptions): Promise<ExitCode> {
  const { withSession } = await import('./session.ts')
  return withSession(options, (session) => printRun(run, options, session))
}

async function printRun(id: string, { json }: ShowOptions, { config, output }: Session): Promise<ExitCode> {
  const { runIssues } = await import('../index.ts')
  const { EXIT } = await import('./exit-code.ts')
  const { IssueGroups } = await import('./issue-groups.ts')
  const { oneRun } = await import('./one-run.ts')
  const { runLine } = await import('./run-line.ts')
  const { formatRun, REASONS_SHOWN } = await import('./run-text.ts')

  const run = await oneRun(config, id)
  const groups = new IssueGroups()
  for await (const issue of runIssues(config, run.runId)) groups.add(issue)
  const reasons = groups.largest(REASONS_SHOWN)
  if (json === true) output.json({ ...runLine(run), reasons })
  else output.data(formatRun(run, reasons, output.dataStyle))
  return EXIT.done
}

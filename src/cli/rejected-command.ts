import { type Command, Option } from 'commander'
import type { RunRecord } from '../index.ts'
import type { ExitCode } from './exit-code.ts'
import type { ConfigOptions } from './options.ts'
import type { Session } from './session.ts'

export interface RejectedOptions extends ConfigOptions {
  readonly sync?: string
  readonly format?: 'text' | 'ndjson'
  readonly json?: boolean
}

export type RejectedAction = (run: string | undefined, options: RejectedOptions) => Promise<ExitCode>

const EXAMPLES = `
Examples:
  rowferry rejected                       why rows of the last run that had any did not land, grouped
  rowferry rejected 1a2b3c4d --format ndjson > rows.ndjson
  rowferry rejected --sync contacts | jq -r .key

Prints groups on a terminal, else a line of JSON a row: what was to be written, and the answer. Invalid rows are part
of it. They are tried again by every run, so that nothing has to be sent by hand.`

export function addRejectedCommand(program: Command, action: RejectedAction = showRejected): void {
  program
    .command('rejected')
    .summary('show the rows that did not land, and why')
    .description('Shows the rejected and invalid rows of a run; by default of the last one that has any.')
    .argument('[run]', 'id of a run, a clear part of it, or `last`')
    .option('-f, --file <file>', 'configuration file (default: rowferry.yaml)')
    .option('--sync <sync>', 'the last run of this sync that has any')
    .addOption(new Option('--format <format>', 'groups, or a line of JSON a row').choices(['text', 'ndjson']))
    .option('--json', 'the same as --format ndjson')
    .addHelpText('after', EXAMPLES)
    .action(async (run: string | undefined, _options: unknown, command: Command) => {
      process.exitCode = await action(run, command.optsWithGlobals<RejectedOptions>())
    })
}

async function showRejected(run: string | undefined, options: RejectedOptions): Promise<ExitCode> {
  const { withSession } = await import('./session.ts')
  return withSession(options, (session) => printRejected(run, options, session))
}

async function printRejected(
  id: string | undefined,
  { sync, format, json }: RejectedOptions,
  { config, output, interruption }: Session,
): Promise<ExitCode> {
  const { runIssues } = await import('../index.ts')
  const { EXIT } = await import('./exit-code.ts')
  const { formatIssues, IssueShapes } = await import('./issue-shapes.ts')

  const run = await runOf(id, sync, config)
  if (run === undefined) {
    const text = `no run${sync === undefined ? '' : ` of ${sync}`} has rejected or invalid rows`
    output.tell({ level: 'info', text, record: { msg: text } })
    return EXIT.done
  }
  if (format === undefined ? json === true || !output.interactive : format === 'ndjson') {
    for await (const { bytesCut, ...issue } of runIssues(config, run.runId)) {
      if (interruption.signal.aborted) break
      output.json({ run_id: run.runId, sync: run.sync, ...issue, bytes_cut: bytesCut })
    }
  } else {
    const shapes = new IssueShapes()
    for await (const issue of runIssues(config, run.runId)) shapes.add(issue)
    output.data(formatIssues(run, shapes, { style: output.dataStyle, width: output.dataWidth }))
  }
  const left = run.leftOut.invalid + run.leftOut.rejected
  const text = `${left} more rejected or invalid rows of this run are not kept`
  if (left > 0) output.tell({ level: 'warn', text, record: { msg: text } })
  return EXIT.done
}

async function runOf(
  id: string | undefined,
  sync: string | undefined,
  config: Session['config'],
): Promise<RunRecord | undefined> {
  const { lastRunWithIssues } = await import('../index.ts')
  const { usageError } = await import('./cli-error.ts')
  const { oneRun } = await import('./one-run.ts')
  const { oneSync } = await import('./one-sync.ts')
  if (id !== undefined && sync !== undefined) {
    throw usageError('--sync asks for the last run of a sync, and a run is named already', 'leave one of them out')
  }
  if (id !== undefined) return oneRun(config, id)
  const found = await lastRunWithIssues(config, { sync })
  // A sync that was renamed or removed still has its history.
  if (found === undefined && sync !== undefined) await oneSync(config, sync)
  return found
}

import type { Command } from 'commander'
import type { ExitCode } from './exit-code.ts'
import { type ConfigOptions, parseCount } from './options.ts'
import type { Session } from './session.ts'

export interface HistoryOptions extends ConfigOptions {
  readonly limit: number
  readonly json?: boolean
}

export type HistoryAction = (name: string | undefined, options: HistoryOptions) => Promise<ExitCode>

const EXAMPLES = `
Examples:
  rowferry history                        the last runs of all syncs, newest first
  rowferry history contacts --limit 100
  rowferry history --json | jq -r 'select(.status == "failed") | .run_id'

Plans and dry runs leave no trace, and are not part of it.`

export function addHistoryCommand(program: Command, action: HistoryAction = showHistory): void {
  program
    .command('history')
    .summary('list past runs')
    .description('Lists the runs of a state folder, newest first.')
    .argument('[sync]', 'name of a sync; all of them without')
    .option('-f, --file <file>', 'configuration file (default: rowferry.yaml)')
    .option('--limit <count>', 'runs to list', parseCount, 20)
    .option('--json', 'print the result of each run as a line of JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      process.exitCode = await action(name, command.optsWithGlobals<HistoryOptions>())
    })
}

async function showHistory(name: string | undefined, options: HistoryOptions): Promise<ExitCode> {
  const { withSession } = await import('./session.ts')
  return withSession(options, (session) => printHistory(name, options, session))
}

async function printHistory(
  name: string | undefined,
  { limit, json }: HistoryOptions,
  { config, output }: Session,
): Promise<ExitCode> {
  const { runHistory } = await import('../index.ts')
  const { EXIT } = await import('./exit-code.ts')
  const { oneSync } = await import('./one-sync.ts')
  const { runLine } = await import('./run-line.ts')
  const { formatHistory } = await import('./history-table.ts')

  const runs = await runHistory(config, { sync: name, limit })
  // A sync that was renamed or removed still has its history.
  if (runs.length === 0 && name !== undefined) await oneSync(config, name)
  if (json === true) for (const run of runs) output.json(runLine(run))
  else if (runs.length > 0) output.data(formatHistory(runs, { style: output.dataStyle, width: output.dataWidth }))
  else {
    const text = `no runs${name === undefined ? '' : ` of ${name}`} yet; begin with \`rowferry run\``
    output.tell({ level: 'info', text, record: { msg: text } })
  }
  return EXIT.done
}

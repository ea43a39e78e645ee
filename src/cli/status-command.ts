import type { Command } from 'commander'
import type { ExitCode } from './exit-code.ts'
import type { ConfigOptions } from './options.ts'
import type { Session } from './session.ts'

export interface StatusOptions extends ConfigOptions {
  readonly json?: boolean
}

export type StatusAction = (names: string[], options: StatusOptions) => Promise<ExitCode>

const EXAMPLES = `
Examples:
  rowferry status                         how every sync stands
  rowferry status contacts --json         the same for programs, one line a sync

Connects to nothing and waits for nothing. Exits 0 whatever became of the last runs.`

export function addStatusCommand(program: Command, action: StatusAction = showStatus): void {
  program
    .command('status')
    .summary('show how syncs stand')
    .description('Shows the last run of each sync, what is running now, and the size of the key indexes.')
    .argument('[sync...]', 'names of syncs; all of them where none is named')
    .option('-f, --file <file>', 'configuration file (default: rowferry.yaml)')
    .option('--json', 'print a line of JSON a sync')
    .addHelpText('after', EXAMPLES)
    .action(async (names: string[], _options: unknown, command: Command) => {
      process.exitCode = await action(names, command.optsWithGlobals<StatusOptions>())
    })
}

async function showStatus(names: string[], options: StatusOptions): Promise<ExitCode> {
  const { withSession } = await import('./session.ts')
  return withSession(options, (session) => printStatus(names, options, session))
}

async function printStatus(names: string[], { json }: StatusOptions, { config, output }: Session): Promise<ExitCode> {
  const { suggestion, syncStatus } = await import('../index.ts')
  const { EXIT } = await import('./exit-code.ts')
  const { selectSyncs } = await import('./select-syncs.ts')
  const { formatStatus, statusLine } = await import('./status-table.ts')

  const syncs = selectSyncs(config.syncs, { names, tags: [] }, suggestion)
  const found = await syncStatus(config, { syncs })
  if (json === true) for (const status of found) output.json(statusLine(status))
  else output.data(formatStatus(found, { style: output.dataStyle, width: output.dataWidth, now: Date.now() }))
  return EXIT.done
}

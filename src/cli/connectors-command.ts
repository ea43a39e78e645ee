import type { Command } from 'commander'
import type { ExitCode } from './exit-code.ts'
import type { GlobalOptions } from './options.ts'

export interface ConnectorsOptions extends GlobalOptions {
  readonly json?: boolean
}

export type ConnectorsAction = (options: ConnectorsOptions) => Promise<ExitCode>

const EXAMPLES = `
Examples:
  rowferry connectors                     what can be read and written, and how
  rowferry connectors --json              with everything that is declared

A program brings connectors of its own through the library: sync(config, { destinations: [mine] }).`

export function addConnectorsCommand(program: Command, action: ConnectorsAction = showConnectors): void {
  program
    .command('connectors')
    .summary('list the systems that can be read and written')
    .description('Lists the built-in connectors: what each reads or writes, in which modes and batches.')
    .option('--json', 'print a line of JSON a connector')
    .addHelpText('after', EXAMPLES)
    .action(async (_options: unknown, command: Command) => {
      process.exitCode = await action(command.optsWithGlobals<ConnectorsOptions>())
    })
}

async function showConnectors(options: ConnectorsOptions): Promise<ExitCode> {
  const { openOutput } = await import('./session.ts')
  const { EXIT } = await import('./exit-code.ts')
  const { listConnectors } = await import('../index.ts')
  const { formatConnectors } = await import('./connectors-table.ts')
  const output = openOutput(options)
  const connectors = await listConnectors()
  if (options.json === true) for (const connector of connectors) output.json(connector)
  else output.data(formatConnectors(connectors, { style: output.dataStyle, width: output.dataWidth }))
  return EXIT.done
}

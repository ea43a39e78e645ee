import { Argument, type Command } from 'commander'
import type { SimulatorKind } from '../simulators/simulator-kinds.ts'
import type { ExitCode } from './exit-code.ts'
import { type GlobalOptions, parsePort, parseRows } from './options.ts'

export interface SimulatorCommandOptions extends GlobalOptions {
  readonly port?: number
  readonly seed?: number
  readonly faults?: string
  /** JSON: options of the simulator itself. */
  readonly with?: string
}

export type SimulatorAction = (kind: SimulatorKind, options: SimulatorCommandOptions) => Promise<ExitCode>

/** As in simulators/simulator-kinds.ts, which is not loaded for the help. */
const KINDS: readonly SimulatorKind[] = ['hubspot', 'salesforce', 'http']

const EXAMPLES = `
Examples:
  rowferry simulator hubspot --port 8020
  rowferry simulator hubspot --with '{"plan":"free","search_lag_ms":30000}'
  rowferry simulator hubspot --seed 7 --faults reset:after:0.05,status-503:before:0.02

Its first line on stdout is {"url": …}: that is the base_url of a connection. Runs until Ctrl-C or SIGTERM, remembers
nothing afterwards, and listens on 127.0.0.1 only. docs/simulators.md lists its options, faults and side doors.`

export function addSimulatorCommand(program: Command, action: SimulatorAction = simulate): void {
  program
    .command('simulator')
    .summary('try a sync without an account')
    .description(
      'Starts a simulator of an API on this machine: a server that answers as the real one does, as far as known.',
    )
    .addArgument(new Argument('<kind>', 'of which API').choices(KINDS))
    .option('--port <port>', 'listen on this port (default: one that is free)', parsePort)
    .option('--seed <seed>', 'of everything that is drawn (default: 1)', parseRows)
    .option('--faults <plan>', 'what goes wrong, FAULT:before|after:RATE,… or a plan as JSON')
    .option('--with <json>', 'options of this simulator')
    .addHelpText('after', EXAMPLES)
    .action(async (kind: SimulatorKind, _options: unknown, command: Command) => {
      process.exitCode = await action(kind, command.optsWithGlobals<SimulatorCommandOptions>())
    })
}

async function simulate(kind: SimulatorKind, options: SimulatorCommandOptions): Promise<ExitCode> {
  const { runSimulator } = await import('./simulator-run.ts')
  return runSimulator(kind, options)
}

import type { Command } from 'commander'
import type { ExitCode } from './exit-code.ts'
import type { ConfigOptions } from './options.ts'
import type { Session } from './session.ts'

export interface ValidateOptions extends ConfigOptions {
  /** False with `--no-connect`. */
  readonly connect: boolean
  readonly json?: boolean
}

export type ValidateAction = (names: string[], options: ValidateOptions) => Promise<ExitCode>

const EXAMPLES = `
Examples:
  rowferry validate                       the file, the models and the destinations
  rowferry validate --no-connect          the file alone, as in a pull request

Exit codes: 0 all is well, 78 the configuration is wrong, 1 a system could not be reached.`

export function addValidateCommand(program: Command, action: ValidateAction = validateSyncs): void {
  program
    .command('validate')
    .summary('check the configuration, and the systems it names')
    .description('Checks the configuration, then that each model and destination is there and fits. Changes nothing.')
    .argument('[sync...]', 'names of syncs; all of them where none is named')
    .option('-f, --file <file>', 'configuration file (default: rowferry.yaml)')
    .option('--no-connect', 'look at the configuration only')
    .option('--json', 'print the findings of each sync as a line of JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (names: string[], _options: unknown, command: Command) => {
      process.exitCode = await action(names, command.optsWithGlobals<ValidateOptions>())
    })
}

async function validateSyncs(names: string[], options: ValidateOptions): Promise<ExitCode> {
  const { withSession } = await import('./session.ts')
  return withSession(options, (session) => validateSelected(names, options, session))
}

async function validateSelected(
  names: string[],
  { connect, json }: ValidateOptions,
  { config, output, interruption }: Session,
): Promise<ExitCode> {
  const { checkConnections, suggestion, validate } = await import('../index.ts')
  const { exitCodeOfError, mostSerious } = await import('./exit-code.ts')
  const { selectSyncs } = await import('./select-syncs.ts')
  const { formatVerdict } = await import('./validate-summary.ts')
  const { EXIT } = await import('./exit-code.ts')

  const selected = selectSyncs(config.syncs, { names, tags: [] }, suggestion)
  const nameWidth = Math.max(...selected.map((name) => name.length))
  // Those that no sync uses are nobody's verdict.
  if (names.length === 0) await checkConnections(config)
  const codes: ExitCode[] = []
  for (const name of selected) {
    const { signal } = interruption
    if (signal.aborted) break
    for (const verdict of await validate(config, { sync: name, connect, signal })) {
      const { error } = verdict
      codes.push(error === null ? EXIT.done : exitCodeOfError(error))
      if (json === true) output.json(verdict)
      output.tell({
        level: error === null ? 'info' : 'error',
        text: formatVerdict(verdict, { style: output.style, nameWidth }),
        record: { msg: `${verdict.sync}: ${error === null ? 'ok' : 'problem'}`, ...verdict },
      })
    }
  }
  return mostSerious(codes)
}

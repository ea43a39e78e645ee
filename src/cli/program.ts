import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import { addBenchCommand } from './bench-command.ts'
import { whenPipeCloses } from './closed-pipe.ts'
import { addCompleteCommand, addCompletionCommand } from './completion-command.ts'
import { addConnectorsCommand } from './connectors-command.ts'
import { addDemoCommand } from './demo-command.ts'
import { EXIT } from './exit-code.ts'
import { addHistoryCommand } from './history-command.ts'
import { addIndexCommand } from './index-command.ts'
import { addInitCommand } from './init-command.ts'
import { addPlanCommand } from './plan-command.ts'
import { addPreviewCommand } from './preview-command.ts'
import { addRejectedCommand } from './rejected-command.ts'
import { addRunCommand } from './run-command.ts'
import { addSchemaCommand } from './schema-command.ts'
import { addShowCommand } from './show-command.ts'
import { addSimulatorCommand } from './simulator-command.ts'
import { addStatusCommand } from './status-command.ts'
import { addTestCommand } from './test-command.ts'
import { addValidateCommand } from './validate-command.ts'

/** Every command, in the order of the help. A command defines its options here and loads what it needs when it runs. */
export const COMMANDS: readonly ((program: Command) => void)[] = [
  addRunCommand,
  addPlanCommand,
  addInitCommand,
  addValidateCommand,
  addPreviewCommand,
  addTestCommand,
  addStatusCommand,
  addHistoryCommand,
  addShowCommand,
  addRejectedCommand,
  addIndexCommand,
  addConnectorsCommand,
  addSchemaCommand,
  addCompletionCommand,
  addCompleteCommand,
  addDemoCommand,
  addSimulatorCommand,
  addBenchCommand,
]

const EXAMPLES = `
Examples:
  rowferry validate                       check the configuration and the systems it names
  rowferry plan contacts                  see what would change
  rowferry run contacts                   do it

Data goes to stdout, everything else to stderr.`

/** The command line as commander knows it. Errors are thrown as CommanderError, and nothing is printed for them. */
export function createProgram(commands = COMMANDS): Command {
  const program = new Command('rowferry')
    .description('Keeps a table, a CRM or an API in sync with a SQL model.')
    .version(version(), '--version', 'print the version')
    .option('-q, --quiet', 'print warnings and errors only')
    .option('-v, --verbose', 'print more, and the stacks of errors')
    .addOption(new Option('--log-format <format>', 'of stderr').choices(['text', 'json']).default('text'))
    .option('--no-color', 'no colours; NO_COLOR in the environment does the same')
    .option('--env-file <file>', 'read environment variables from this file, not from .env')
    .option('--chdir <folder>', 'work in this folder')
    .helpCommand('help [command]', 'print the help of a command')
    .helpOption('-h, --help', 'print this help')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: () => {} })
    .exitOverride()
    .addHelpText('after', EXAMPLES)
  for (const add of commands) add(program)
  return program
}

function version(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

/** Runs the command line. Sets `process.exitCode` and leaves the ending to Node, which waits for what is written. */
export async function main(argv: readonly string[]): Promise<void> {
  whenPipeCloses(process.stdout)
  whenPipeCloses(process.stderr)
  const program = createProgram()
  try {
    await program.parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Help and version that were asked for have been printed; so has the help that answers a missing command.
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage
    if (process.exitCode === EXIT.done || error.code === 'commander.help') return
    const [command, below] = commandsIn(program, argv)
    const early = command === undefined ? undefined : optionBeforeCommand(command, argv)
    const name = below === undefined ? command?.name() : `${command?.name()} ${below.name()}`
    process.stderr.write(`${usageLine(early ?? error.message, name)}\n`)
  }
}

/** The command that was typed, and the one below it, as in `index show`. */
function commandsIn(program: Command, argv: readonly string[]): Command[] {
  const names = program.commands.map((one) => one.name())
  const at = argv.findIndex((word) => names.includes(word))
  const command = program.commands.find((one) => one.name() === argv[at])
  return command === undefined ? [] : [command, ...commandsIn(command, argv.slice(at + 1))]
}

/** `rowferry -f x.yaml run`: what stands before the command has to be an option of every command. */
function optionBeforeCommand(command: Command, argv: readonly string[]): string | undefined {
  const before = argv.slice(0, argv.indexOf(command.name()))
  const option = command.options.find(({ short, long }) => before.some((word) => word === short || word === long))
  if (option === undefined) return undefined
  return `option '${option.flags}' belongs behind the command: rowferry ${command.name()} ${option.long ?? option.flags}`
}

/** `error: unknown option '--ful'\n(Did you mean --full?)` as one line, and a second one that says where to look. */
export function usageLine(message: string, command: string | undefined): string {
  const [problem = '', ...rest] = message
    .replace(/^error: /, '')
    .replace('is invalid. ', 'is invalid: ')
    .split('\n')
  const nearest = /^\(Did you mean (.+)\?\)$/.exec(rest.join(' '))?.[1]
  const suggestion = nearest === undefined ? '' : ` — did you mean ${nearest}?`
  return `rowferry: ${problem}${suggestion}\nsee rowferry ${command === undefined ? '' : `${command} `}--help`
}

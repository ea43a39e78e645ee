import { type Command, InvalidArgumentError, Option } from 'commander'
import type { BenchResult, BenchWork, Progress } from '../index.ts'
import { usageError } from './cli-error.ts'
import type { ExitCode } from './exit-code.ts'
import { type ConfigOptions, parseCount } from './options.ts'
import type { CommandSession, Session } from './session.ts'

export interface BenchCommandOptions extends ConfigOptions {
  readonly rows?: number
  readonly runs: number
  readonly key?: 'integer' | 'text' | 'uuid'
  readonly changed?: number
  readonly json?: boolean
}

export type BenchAction = (name: string | undefined, options: BenchCommandOptions) => Promise<ExitCode>

const EXAMPLES = `
Examples:
  rowferry bench                          a million generated rows: what this machine can do
  rowferry bench contacts                 the rows and the mapping of a sync: what its source can do
  rowferry bench --rows 100000 --key uuid --changed 5% --json

Each run ends in a destination that accepts everything, with a key index of its own in a temporary folder. No destination is
written to, and neither the key index nor the history of a sync is touched. With generated rows the counts of each run are
checked. Other work on the machine makes the figures worse.`

export function addBenchCommand(program: Command, action: BenchAction = bench): void {
  program
    .command('bench')
    .summary('measure what limits a run')
    .description(
      'Measures a first run, runs without changes and, of generated rows, runs with changes, stage by stage.',
    )
    .argument('[sync]', 'name of a sync; generated rows where none is named')
    .option('-f, --file <file>', 'configuration file (default: rowferry.yaml)')
    .option('--rows <count>', 'rows to generate (default: 1,000,000); of a sync, only its first rows', parseCount)
    .option('--runs <count>', 'runs of each kind, of which the one in the middle is shown', parseCount, 3)
    .addOption(
      new Option('--key <type>', 'key of the generated rows (default: integer)').choices(['integer', 'text', 'uuid']),
    )
    .addOption(
      new Option('--changed <share>', 'of the generated rows that change from run to run (default: 1%)').argParser(
        parseShare,
      ),
    )
    .option('--json', 'print the result as a line of JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      process.exitCode = await action(name, command.optsWithGlobals<BenchCommandOptions>())
    })
}

/** `--changed 2.5%`, in percent. */
function parseShare(text: string): number {
  const [, digits] = /^(\d+(?:\.\d+)?)\s*%$/.exec(text.trim()) ?? []
  if (digits !== undefined && Number(digits) <= 100) return Number(digits)
  throw new InvalidArgumentError('give a share of the rows (5%)')
}

async function bench(name: string | undefined, options: BenchCommandOptions): Promise<ExitCode> {
  const { withOutput, withSession } = await import('./session.ts')
  if (name !== undefined) return withSession(options, (session) => benchOne(name, options, session))
  return withOutput(options, async (session) => {
    const { benchModel } = await import('../index.ts')
    if (options.file !== undefined) throw usageError('--file is for a sync, and none is named', 'add its name')
    const { rows, runs, key, changed } = options
    return measured(options, session, (common) => benchModel({ ...common, rows, runs, key, changed }))
  })
}

async function benchOne(name: string, options: BenchCommandOptions, session: Session): Promise<ExitCode> {
  const { benchSync } = await import('../index.ts')
  const { oneSync } = await import('./one-sync.ts')
  const { rows, runs, key, changed } = options
  for (const [option, value] of Object.entries({ key, changed })) {
    if (value !== undefined) throw usageError(`--${option} is for generated rows`, `leave it out, or the name ${name}`)
  }
  const sync = await oneSync(session.config, name)
  return measured(options, session, (common) => benchSync(session.config, { ...common, sync, rows, runs }))
}

interface Common {
  readonly signal: AbortSignal
  readonly onProgress: (progress: Progress, run: { readonly work: BenchWork; readonly number: number }) => void
}

async function measured(
  { json }: BenchCommandOptions,
  { output, interruption: { signal } }: CommandSession,
  work: (common: Common) => Promise<BenchResult>,
): Promise<ExitCode> {
  const { EXIT } = await import('./exit-code.ts')
  const { formatBench, workInWords } = await import('./bench-table.ts')
  const { withProgress } = await import('./progress-line.ts')

  const result = await withProgress(output, (onProgress) => {
    const named: Common['onProgress'] = (progress, { work, number }) => {
      onProgress({ ...progress, sync: `${progress.sync} (${workInWords(work)}, run ${number})` })
    }
    return work({ signal, onProgress: named })
  })
  if (json === true) output.json(result)
  else output.data(formatBench(result, { style: output.dataStyle, width: output.dataWidth }))
  return EXIT.done
}

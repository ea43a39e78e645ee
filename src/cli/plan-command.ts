import { type Command, Option } from 'commander'
import type { ExitCode } from './exit-code.ts'
import { addInlineOptions, type InlineOptions } from './inline-options.ts'
import { type ConfigOptions, parseRows, parseSelector } from './options.ts'
import { checkKeys, keysOption, limitOption, type PartialOptions } from './partial-options.ts'
import type { Session } from './session.ts'

export interface PlanCommandOptions extends ConfigOptions, PartialOptions, InlineOptions {
  readonly select?: readonly string[]
  readonly rows: number
  readonly trustEof?: boolean
  readonly json?: boolean
  readonly detailedExitcode?: boolean
}

export type PlanAction = (names: string[], options: PlanCommandOptions) => Promise<ExitCode>

const EXAMPLES = `
Examples:
  rowferry plan contacts                  what \`rowferry run contacts\` would do
  rowferry plan --detailed-exitcode       exit 2 where something would change, 0 where nothing would

Nothing is written. Deletes that a guard would hold are counted as changes and said to be held; only what keeps the
plan from being made (exit 1, 64, 75, 78, 130, 143) is a failure.`

export function addPlanCommand(program: Command, action: PlanAction = planSyncs): void {
  const command = program
    .command('plan')
    .summary('show what a run would do')
    .description('Computes the difference between models and destinations, prints it, and writes nothing.')
    .argument('[sync...]', 'names of syncs; all of them where none is named')
    .option('-f, --file <file>', 'configuration file (default: rowferry.yaml)')
    .addOption(new Option('--select <tag:name>', 'syncs with this tag; may be repeated').argParser(parseSelector))
    .option('--rows <count>', 'changes to print of each sync', parseRows, 20)
    .addOption(limitOption())
    .addOption(keysOption())
    .option('--trust-eof', 'take the end of stdin or of the file for the end of the model')
    .option('--json', 'print each plan as a line of JSON: the result of a dry run, and the changes')
    .option('--detailed-exitcode', 'exit 2 where there are changes')
    .addHelpText('after', EXAMPLES)
    .action(async (names: string[], _options: unknown, command: Command) => {
      process.exitCode = await action(names, command.optsWithGlobals<PlanCommandOptions>())
    })
  addInlineOptions(command)
}

async function planSyncs(names: string[], options: PlanCommandOptions): Promise<ExitCode> {
  const { withSyncs } = await import('./inline-sync.ts')
  return withSyncs(options, names, (session) => planSelected(names, options, session))
}

async function planSelected(
  names: string[],
  options: PlanCommandOptions,
  { config, output, interruption }: Session,
): Promise<ExitCode> {
  const { suggestion, sync } = await import('../index.ts')
  const { mostSerious } = await import('./exit-code.ts')
  const { selectSyncs } = await import('./select-syncs.ts')
  const { IssueGroups, REASONS } = await import('./issue-groups.ts')
  const { withProgress } = await import('./progress-line.ts')
  const { levelOf } = await import('./tell-report.ts')
  const { PlanSample } = await import('./plan-sample.ts')
  const { exitCodeOfPlan, formatPlan } = await import('./plan-summary.ts')

  const selected = selectSyncs(config.syncs, { names, tags: options.select ?? [] }, suggestion)
  checkKeys(options, selected)
  const codes: ExitCode[] = []
  for (const name of selected) {
    if (interruption.signal.aborted) break
    const met = new PlanSample(options.rows)
    const groups = new IssueGroups()
    const notes: string[] = []
    const report = await withProgress(output, (onProgress) =>
      sync(config, {
        sync: name,
        dryRun: true,
        limit: options.limit,
        keys: options.keys,
        trustEof: options.trustEof,
        signal: interruption.signal,
        onProgress,
        onChange: (change) => met.add(change),
        onNote: (note) => notes.push(note),
        onIssue: (issue) => groups.add(issue),
      }),
    )
    const sample = met.changes()
    const code = exitCodeOfPlan(report, options)
    codes.push(code)
    if (options.json === true) output.json({ ...report, notes, changes: sample })
    const issues = groups.largest(REASONS)
    const scope = config.syncs.get(name)?.deletes.scope
    output.tell({
      level: levelOf(code),
      text: formatPlan({ report, sample, scope, notes, issues }, output),
      record: { msg: `${name}: planned`, report, changes: sample, notes, reasons: issues },
    })
  }
  return mostSerious(codes)
}

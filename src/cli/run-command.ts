import { type Command, Option } from 'commander'
import type { Report } from '../index.ts'
import type { ExitCode } from './exit-code.ts'
import { addInlineOptions, type InlineOptions } from './inline-options.ts'
import { type ConfigOptions, type DeleteAllowance, parseDeleteAllowance, parseRows, parseSelector } from './options.ts'
import { checkKeys, keysOption, limitOption, type PartialOptions } from './partial-options.ts'
import type { Session } from './session.ts'

export interface RunOptions extends ConfigOptions, PartialOptions, InlineOptions {
  readonly select?: readonly string[]
  readonly dryRun?: boolean
  readonly full?: boolean
  readonly rows?: number
  readonly trustEof?: boolean
  readonly allowDeletes?: DeleteAllowance
  readonly allowEmpty?: boolean
  readonly allowDeletesWithInvalid?: boolean
  readonly allowRejected?: boolean
  readonly failFast?: boolean
  readonly json?: boolean
  readonly report?: string
}

/** Plans a fault; for the tests. CONTRIBUTING.md describes it, the help does not. */
const FAULT_VARIABLE = 'ROWFERRY_FAULT'

export type RunAction = (names: string[], options: RunOptions) => Promise<ExitCode>

const EXAMPLES = `
Examples:
  rowferry run                            every sync of rowferry.yaml
  rowferry run contacts --dry-run         what would be done, and nothing else
  rowferry run --select tag:crm --json    one line of JSON a sync on stdout
  rowferry run contacts --allow-deletes 500
  rowferry run contacts --keys 42 43      these two rows, and nothing else
  psql --csv -c 'table users' | rowferry run --from - --format csv --to sqlite:./app.db#users --key id

Exit codes: 0 done, 1 failed, 3 rows were rejected or invalid, 4 deletes held, 64 usage, 75 another run holds the sync,
78 configuration, 130/143 stopped by a signal. Of several syncs the most serious: 130/143, 78, 1, 75, 4, 3.`

export function addRunCommand(program: Command, action: RunAction = runSyncs): void {
  const command = program
    .command('run')
    .summary('bring destinations to the state of their models')
    .description('Compares each model with what its destination holds and sends the difference.')
    .argument('[sync...]', 'names of syncs; all of them where none is named')
    .option('-f, --file <file>', 'configuration file (default: rowferry.yaml)')
    .addOption(new Option('--select <tag:name>', 'syncs with this tag; may be repeated').argParser(parseSelector))
    .option('--dry-run', 'compute everything, write nothing')
    .option('--full', 'send every row, changed or not')
    .addOption(limitOption())
    .addOption(keysOption())
    .option('--rows <count>', 'how many rows stdin or the file has: proves that none is missing', parseRows)
    .option('--trust-eof', 'take the end of stdin or of the file for the end of the model')
    .addOption(
      new Option('--allow-deletes <limit>', 'let up to this many deletes pass, this time (500 or 5%)').argParser(
        parseDeleteAllowance,
      ),
    )
    .option('--allow-empty', 'an empty model means: delete every record in scope')
    .option('--allow-deletes-with-invalid', 'delete although rows have keys that cannot be read')
    .option('--allow-rejected', 'exit 0 although rows were rejected or invalid')
    .option('--fail-fast', 'stop after the first sync that does not exit 0')
    .option('--json', 'print the result of each sync as a line of JSON')
    .option('--report <file>', 'write the results of all syncs as a JSON array')
    .addHelpText('after', EXAMPLES)
    .action(async (names: string[], _options: unknown, command: Command) => {
      process.exitCode = await action(names, command.optsWithGlobals<RunOptions>())
    })
  addInlineOptions(command)
}

async function runSyncs(names: string[], options: RunOptions): Promise<ExitCode> {
  const { withSyncs } = await import('./inline-sync.ts')
  const { checkReportFile, writeReports } = await import('./report-file.ts')
  return withSyncs(options, names, async (session) => {
    const reports: Report[] = []
    if (options.report !== undefined) await checkReportFile(options.report)
    try {
      return await runSelected(names, options, session, reports)
    } finally {
      if (options.report !== undefined && reports.length > 0) {
        await writeReports(options.report, reports, session.output)
      }
    }
  })
}

async function runSelected(
  names: string[],
  options: RunOptions,
  session: Session,
  reports: Report[],
): Promise<ExitCode> {
  const { config, output, interruption } = session
  const { suggestion, sync } = await import('../index.ts')
  const { exitCodeOf, mostSerious } = await import('./exit-code.ts')
  const { IssueGroups, REASONS } = await import('./issue-groups.ts')
  const { withProgress } = await import('./progress-line.ts')
  const { selectSyncs } = await import('./select-syncs.ts')
  const fault = process.env[FAULT_VARIABLE]
  const observe =
    fault === undefined ? undefined : (await import('./fault-points.ts')).plannedFault(fault, process.ppid)
  const { tellReport, tellReports } = await import('./tell-report.ts')

  const selected = selectSyncs(config.syncs, { names, tags: options.select ?? [] }, suggestion)
  checkKeys(options, selected)
  const nameWidth = Math.max(...selected.map((name) => name.length))
  const codes: ExitCode[] = []
  for (const [position, name] of selected.entries()) {
    const issues = new IssueGroups()
    const report = await withProgress(output, (onProgress) =>
      sync(config, {
        sync: name,
        signal: interruption.signal,
        dryRun: options.dryRun,
        full: options.full,
        limit: options.limit,
        keys: options.keys,
        rows: options.rows,
        trustEof: options.trustEof,
        allowDeletes: options.allowDeletes,
        allowEmpty: options.allowEmpty,
        allowDeletesWithInvalid: options.allowDeletesWithInvalid,
        observe,
        onProgress,
        onNote: (note) => output.logger.info({}, `${name}: ${note}`),
        onIssue: (issue) => issues.add(issue),
      }),
    )
    reports.push(report)
    const code = exitCodeOf(report, { allowRejected: options.allowRejected === true })
    codes.push(code)
    if (options.json === true) output.json(report)
    tellReport(report, { code, issues: issues.largest(REASONS), nameWidth }, output)
    if (!interruption.signal.aborted && !(options.failFast === true && code !== 0)) continue
    const rest = selected.slice(position + 1)
    const text = `not run: ${rest.join(', ')}`
    if (rest.length > 0) output.tell({ level: 'warn', text, record: { msg: text } })
    break
  }
  if (selected.length > 1) tellReports(reports, output)
  return mostSerious(codes)
}

import type { Command } from 'commander'
import type { Exchange, Report, RowIssue } from '../index.ts'
import type { ExitCode } from './exit-code.ts'
import type { ConfigOptions } from './options.ts'
import type { Session } from './session.ts'

export interface TestOptions extends ConfigOptions {
  readonly key?: string
  readonly json?: boolean
}

export type TestAction = (name: string, options: TestOptions) => Promise<ExitCode>

const EXAMPLES = `
Examples:
  rowferry test contacts                  send the first row of the model, changed or not
  rowferry test contacts --key 42         send the row with that key

It writes: the record goes to the destination just as a run would send it, and the key index learns of it. Nothing
else is sent and nothing is deleted. Exit codes are those of \`run\`.`

export function addTestCommand(program: Command, action: TestAction = testSync): void {
  program
    .command('test')
    .summary('send one record and show the answer')
    .description('Sends one record to the destination, and shows what was sent and what came back.')
    .argument('<sync>', 'name of a sync')
    .option('-f, --file <file>', 'configuration file (default: rowferry.yaml)')
    .option('--key <key>', 'key of the record, as it is printed (default: the first row)')
    .option('--json', 'print the result and what was exchanged as a line of JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, _options: unknown, command: Command) => {
      process.exitCode = await action(name, command.optsWithGlobals<TestOptions>())
    })
}

async function testSync(name: string, options: TestOptions): Promise<ExitCode> {
  const { withSession } = await import('./session.ts')
  return withSession(options, (session) => sendOne(name, options, session))
}

async function sendOne(
  name: string,
  { key, json }: TestOptions,
  { config, output, interruption }: Session,
): Promise<ExitCode> {
  const { sync: runSync } = await import('../index.ts')
  const { usageError } = await import('./cli-error.ts')
  const { exitCodeOf } = await import('./exit-code.ts')
  const { oneSync } = await import('./one-sync.ts')
  const { formatExchange } = await import('./exchange-text.ts')

  const sync = await oneSync(config, name)
  if (config.syncs.get(sync)?.mode === 'delete-only') {
    throw usageError(
      `${sync} has mode delete-only, which sends no records`,
      'see what it would delete with `rowferry plan`',
    )
  }
  const warning = `${sync}: this writes one record to the destination`
  output.tell({ level: 'info', text: warning, record: { msg: warning } })
  const exchanges: Exchange[] = []
  const issues: RowIssue[] = []
  const report = await runSync(config, {
    sync,
    ...(key === undefined ? { limit: 1 } : { keys: [key] }),
    full: true,
    signal: interruption.signal,
    onExchange: (exchange) => exchanges.push(exchange),
    onIssue: (issue) => issues.push(issue),
  })
  if (report.error === null && report.counts.read === 0) throw await nothingToSend(sync, key, config, report)
  if (json === true) output.json({ ...report, exchanges })
  else output.data(formatExchange({ report, exchanges, issues }, output.dataStyle))
  return exitCodeOf(report)
}

/** Why there was no record, with keys that would do. */
async function nothingToSend(sync: string, key: string | undefined, config: Session['config'], report: Report) {
  const { preview } = await import('../index.ts')
  const { CliError, usageError } = await import('./cli-error.ts')
  const { EXIT } = await import('./exit-code.ts')
  if (report.status === 'cancelled') return new CliError(EXIT.SIGINT, 'stopped before anything was sent')
  const { rows } = await preview(config, { sync, rows: 3 })
  const keys = rows.flatMap((row) => (row.key === null ? [] : [row.key]))
  if (key === undefined || keys.length === 0) {
    return new CliError(EXIT.failed, `the model of ${sync} has no rows, so there is nothing to send`)
  }
  return usageError(`the model of ${sync} has no row with key "${key}"`, `its first keys are ${keys.join(', ')}`)
}

import type { Command } from 'commander'
import type { ExitCode } from './exit-code.ts'
import { type ConfigOptions, parseRows } from './options.ts'
import type { Session } from './session.ts'

export interface PreviewCommandOptions extends ConfigOptions {
  readonly rows: number
  readonly json?: boolean
}

export type PreviewAction = (name: string, options: PreviewCommandOptions) => Promise<ExitCode>

const EXAMPLES = `
Examples:
  rowferry preview contacts               the first 10 rows of the model, mapped
  rowferry preview contacts -n 1000 | jq .fields.email

Reads the model, and nothing else: no destination, no state. Prints a table on a terminal, else a line of JSON a row.`

export function addPreviewCommand(program: Command, action: PreviewAction = previewSync): void {
  program
    .command('preview')
    .summary('show rows of a model as they would be sent')
    .description('Prints the first rows of a model, mapped as they would be sent. Writes nothing.')
    .argument('<sync>', 'name of a sync')
    .option('-f, --file <file>', 'configuration file (default: rowferry.yaml)')
    .option('-n, --rows <count>', 'rows to print', parseRows, 10)
    .option('--json', 'print a line of JSON a row on a terminal, too')
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, _options: unknown, command: Command) => {
      process.exitCode = await action(name, command.optsWithGlobals<PreviewCommandOptions>())
    })
}

async function previewSync(name: string, options: PreviewCommandOptions): Promise<ExitCode> {
  const { withSession } = await import('./session.ts')
  return withSession(options, (session) => printPreview(name, options, session))
}

async function printPreview(
  name: string,
  { rows: limit, json }: PreviewCommandOptions,
  { config, output, interruption }: Session,
): Promise<ExitCode> {
  const { preview } = await import('../index.ts')
  const { EXIT } = await import('./exit-code.ts')
  const { oneSync } = await import('./one-sync.ts')
  const { formatPreview } = await import('./preview-table.ts')

  const sync = await oneSync(config, name)
  const found = await preview(config, { sync, rows: limit, signal: interruption.signal })
  const { rows } = found
  if (json === true || !output.interactive) for (const row of rows) output.json(row)
  else output.data(formatPreview(found, { style: output.dataStyle, width: output.dataWidth }))
  const text = `${rows.length === 1 ? 'one row' : `${rows.length} rows`} of ${sync}, as they would be sent; nothing was written`
  output.tell({ level: 'info', text, record: { msg: text } })
  return EXIT.done
}

import { type Command, Option } from 'commander'
import type { SyncMode } from '../index.ts'
import type { ExitCode } from './exit-code.ts'
import type { GlobalOptions } from './options.ts'

export interface InitOptions extends GlobalOptions {
  readonly from?: string
  readonly to?: string
  readonly table?: string
  readonly key?: readonly string[]
  readonly mode: SyncMode
  readonly name?: string
  readonly json?: boolean
}

export type InitAction = (options: InitOptions) => Promise<ExitCode>

const EXAMPLES = `
Examples:
  rowferry init                           a rowferry.yaml to fill in
  rowferry init --from postgres://me:secret@db/shop --table public.users --key id --to sqlite:./app.db
  rowferry init --from '\${DATABASE_URL}' --table orders --key tenant_id,id --to sqlite:./app.db#orders

Overwrites nothing. A URL with a password goes to .env, and rowferry.yaml refers to it. In a git repository .gitignore
gets the folder of the state, .rowferry/.`

export function addInitCommand(program: Command, action: InitAction = writeConfiguration): void {
  program
    .command('init')
    .summary('write a rowferry.yaml to begin with')
    .description('Writes a commented rowferry.yaml in this folder, from options or to be filled in.')
    .option('--from <url>', 'database to read from')
    .option('--to <url>', 'database to write to; #table behind it names the table')
    .option('--table <table>', 'table or view to read')
    .option('--key <column>', 'column that identifies a row; a,b for several', (columns, earlier: string[] = []) => [
      ...earlier,
      ...columns.split(',').map((column) => column.trim()),
    ])
    .addOption(
      new Option('--mode <mode>', 'which changes are sent')
        .choices(['mirror', 'upsert', 'update-only', 'delete-only', 'insert-only'])
        .default('mirror'),
    )
    .option('--name <sync>', 'name of the sync (default: that of the table)')
    .option('--json', 'print what was written as a line of JSON')
    .addHelpText('after', EXAMPLES)
    .action(async (_options: unknown, command: Command) => {
      process.exitCode = await action(command.optsWithGlobals<InitOptions>())
    })
}

async function writeConfiguration(options: InitOptions): Promise<ExitCode> {
  const { EXIT } = await import('./exit-code.ts')
  const { withOutput } = await import('./session.ts')
  const { planFile } = await import('./init-file.ts')
  const { writeFiles } = await import('./init-files.ts')
  return withOutput(options, async ({ output }) => {
    const { listConnectors, suggestion } = await import('../index.ts')
    const plan = planFile(options, await listConnectors(), suggestion)
    const written = await writeFiles(plan, process.cwd())
    if (options.json === true) output.json({ sync: plan.sync, ...written })
    const text = [
      ...written.notes,
      ...(plan.isComplete ? ['next:'] : ['fill in rowferry.yaml, and then:']),
      '  rowferry validate     check it, and the systems it names',
      '  rowferry plan         see what would change',
      '  rowferry run          do it',
    ].join('\n')
    output.tell({ level: 'info', text, record: { msg: `wrote ${written.files.join(', ')}` } })
    return EXIT.done
  })
}

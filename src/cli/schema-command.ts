import type { Command } from 'commander'
import type { ExitCode } from './exit-code.ts'
import type { GlobalOptions } from './options.ts'

export type SchemaAction = (options: GlobalOptions) => Promise<ExitCode>

const EXAMPLES = `
Example:
  rowferry schema > rowferry.schema.json  then, as first line of rowferry.yaml:
                                          # yaml-language-server: $schema=./rowferry.schema.json`

export function addSchemaCommand(program: Command, action: SchemaAction = printSchema): void {
  program
    .command('schema')
    .summary('print the JSON Schema of rowferry.yaml')
    .description('Prints the JSON Schema of the configuration, for editors and checks.')
    .addHelpText('after', EXAMPLES)
    .action(async (_options: unknown, command: Command) => {
      process.exitCode = await action(command.optsWithGlobals<GlobalOptions>())
    })
}

async function printSchema(options: GlobalOptions): Promise<ExitCode> {
  const { openOutput } = await import('./session.ts')
  const { EXIT } = await import('./exit-code.ts')
  const { jsonSchema } = await import('../index.ts')
  openOutput(options).data(JSON.stringify(jsonSchema(), null, 2))
  return EXIT.done
}

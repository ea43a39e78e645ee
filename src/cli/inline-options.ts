import { type Command, Option } from 'commander'
import type { GlobalOptions } from './options.ts'

/** A sync that is written on the command line: no configuration is read. */
export interface InlineOptions extends GlobalOptions {
  readonly from?: string
  readonly format?: 'csv' | 'ndjson'
  readonly to?: string
  readonly key?: readonly string[]
  readonly mode?: string
  readonly state?: string
}

const GROUP = 'Without a configuration:'
const MODES = ['mirror', 'upsert', 'update-only', 'delete-only', 'insert-only']

export function addInlineOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--from <file>', 'file of the rows, or - for stdin').conflicts(['file', 'select']).helpGroup(GROUP),
    )
    .addOption(
      new Option('--format <format>', "format of the rows (default: by the file's extension)")
        .choices(['csv', 'ndjson'])
        .helpGroup(GROUP),
    )
    .addOption(new Option('--to <url#table>', 'where they go: sqlite:./app.db#users').helpGroup(GROUP))
    .addOption(
      new Option('--key <column>', 'what identifies a row; a,b for several').argParser(parseColumns).helpGroup(GROUP),
    )
    .addOption(new Option('--mode <mode>', 'what is sent (default: upsert)').choices(MODES).helpGroup(GROUP))
    .addOption(
      new Option('--state <folder>', 'folder of the key index and the history (default: .rowferry)').helpGroup(GROUP),
    )
}

/** `--key a,b`, and again for more columns. */
export function parseColumns(text: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, ...text.split(',').map((name) => name.trim())]
}

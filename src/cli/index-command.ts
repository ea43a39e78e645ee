import type { Command } from 'commander'
import type { ExitCode } from './exit-code.ts'
import type { ConfigOptions } from './options.ts'
import type { Session } from './session.ts'

export interface IndexCommandOptions extends ConfigOptions {
  readonly json?: boolean
}

export type IndexVerb = 'show' | 'rebuild' | 'forget'
export type IndexAction = (verb: IndexVerb, name: string, options: IndexCommandOptions) => Promise<ExitCode>

const EXAMPLES = `
Examples:
  rowferry index show contacts            what is in the key index, read and checked as a whole
  rowferry index rebuild contacts         when it is damaged, or the key or the destination has changed
  rowferry index forget contacts          start over as if the sync had never run

The key index is the sorted list of the destination's keys, with a fingerprint of what was last acknowledged. No
command runs while a run of the sync is going on (exit 75), and no run begins meanwhile.`

const VERBS = [
  {
    verb: 'show',
    summary: 'show what is in a key index',
    description: 'Reads the whole key index, checks it against its checksums, and shows what is in it.',
    example: 'rowferry index show contacts --json',
    more: 'A damaged index exits 1, one of another sync or of a newer rowferry 78.',
  },
  {
    verb: 'rebuild',
    summary: "replace a key index by the destination's own list of keys",
    description:
      'Throws the key index away, and fills a new one with the keys that the destination lists. Works on a damaged index.',
    example: 'rowferry index rebuild contacts',
    more:
      'All records count as adopted: the next run sends every row once more, and with deletes.scope seen deletes none of\n' +
      'the records that the model lacks. Where the destination cannot list its keys, the new index is empty.',
  },
  {
    verb: 'forget',
    summary: 'remove a key index',
    description: 'Removes the key index. The next run is a first run.',
    example: 'rowferry index forget contacts',
    more: 'What the sync wrote before is then not known to be its own: with deletes.scope seen it is never deleted.',
  },
] as const

export function addIndexCommand(program: Command, action: IndexAction = handleIndex): void {
  const index = program
    .command('index')
    .summary('show, rebuild or forget a key index')
    .description('Looks after the key index of a sync: what is known of the records that the destination holds.')
    .helpCommand(false)
    .addHelpText('after', EXAMPLES)
  for (const { verb, summary, description, example, more } of VERBS) {
    index
      .command(verb)
      .summary(summary)
      .description(description)
      .argument('<sync>', 'name of a sync')
      .option('-f, --file <file>', 'configuration file (default: rowferry.yaml)')
      .option('--json', 'print the result as a line of JSON')
      .addHelpText('after', `\nExample:\n  ${example}\n\n${more}`)
      .action(async (name: string, _options: unknown, command: Command) => {
        process.exitCode = await action(verb, name, command.optsWithGlobals<IndexCommandOptions>())
      })
  }
}

async function handleIndex(verb: IndexVerb, name: string, options: IndexCommandOptions): Promise<ExitCode> {
  const { withSession } = await import('./session.ts')
  return withSession(options, (session) => HANDLERS[verb](name, options, session))
}

const HANDLERS = { show: showIndex, rebuild: rebuildOne, forget: forgetOne }

async function showIndex(name: string, { json }: IndexCommandOptions, { config, output }: Session): Promise<ExitCode> {
  const { indexSummary } = await import('../index.ts')
  const { EXIT } = await import('./exit-code.ts')
  const { formatIndex } = await import('./index-text.ts')
  const { oneSync } = await import('./one-sync.ts')

  const sync = await oneSync(config, name)
  const details = await indexSummary(config, { sync })
  if (json === true) output.json(details === undefined ? { sync, state: 'none' } : { ...details, state: 'sound' })
  else if (details !== undefined) output.data(formatIndex(details, output.dataStyle))
  else {
    const text = `${sync} has no key index yet; its first run makes it`
    output.tell({ level: 'info', text, record: { msg: text } })
  }
  return EXIT.done
}

async function rebuildOne(
  name: string,
  { json }: IndexCommandOptions,
  { config, output, interruption }: Session,
): Promise<ExitCode> {
  const { rebuildIndex } = await import('../index.ts')
  const { EXIT } = await import('./exit-code.ts')
  const { formatRebuilt } = await import('./index-text.ts')
  const { oneSync } = await import('./one-sync.ts')

  const sync = await oneSync(config, name)
  const rebuilt = await rebuildIndex(config, { sync, signal: interruption.signal })
  if (json === true) output.json(rebuilt)
  const text = formatRebuilt(rebuilt)
  output.tell({ level: 'info', text, record: { msg: text, ...rebuilt } })
  return EXIT.done
}

async function forgetOne(name: string, { json }: IndexCommandOptions, { config, output }: Session): Promise<ExitCode> {
  const { forgetIndex } = await import('../index.ts')
  const { EXIT } = await import('./exit-code.ts')
  const { formatForgotten } = await import('./index-text.ts')
  const { oneSync } = await import('./one-sync.ts')

  const sync = await oneSync(config, name)
  const forgotten = await forgetIndex(config, { sync })
  if (json === true) output.json({ sync, forgotten })
  const text = formatForgotten(sync, forgotten)
  output.tell({ level: forgotten ? 'warn' : 'info', text, record: { msg: text, sync, forgotten } })
  return EXIT.done
}

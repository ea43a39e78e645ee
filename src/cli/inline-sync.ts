import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import type { Config, ConfigInput } from '../index.ts'
import { usageError } from './cli-error.ts'
import type { ExitCode } from './exit-code.ts'
import type { InlineOptions } from './inline-options.ts'
import type { ConfigOptions } from './options.ts'
import { type Session, withOutput, withSession } from './session.ts'
import { shownUrl } from './shown-url.ts'

/** Runs `work` on the sync that the options describe, or, where they describe none, on the configuration. */
export async function withSyncs(
  options: ConfigOptions & InlineOptions,
  names: readonly string[],
  work: (session: Session) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { from, to, key, format, mode, state } = options
  const asked = Object.entries({ from, to, key, format, mode, state }).find(([, value]) => value !== undefined)?.[0]
  if (asked === undefined) return withSession(options, work)
  return withOutput(options, async ({ output, interruption }) => {
    if (from === undefined) {
      throw usageError(`--${asked} belongs to a sync on the command line`, 'add --from FILE, or --from - for stdin')
    }
    checkInline(options, names)
    const { secretsOf } = await import('../index.ts')
    const config = await inlineConfig(options, process.cwd())
    output.hide(secretsOf(config))
    return work({ config, output, interruption })
  })
}

function checkInline({ from = '', to, key = [], format, state }: InlineOptions, names: readonly string[]): void {
  if (names.length > 0) {
    throw usageError(`--from describes a sync by itself, so ${names[0]} cannot be run with it`, 'leave one of them out')
  }
  if (to === undefined) {
    throw usageError('--from needs to know where the rows go', 'add --to, such as --to sqlite:./app.db#users')
  }
  if (key.length === 0 || key.includes('')) {
    throw usageError('--from needs to know what identifies a row', 'add --key COLUMN')
  }
  if (/\.sql$/i.test(from)) {
    throw usageError('a query needs a connection, which --from does not know', 'write a rowferry.yaml: rowferry init')
  }
  if (format === undefined && !/\.(csv|tsv|ndjson|jsonl)(\.gz)?$/i.test(from)) {
    const what = from === '-' ? 'stdin' : from
    throw usageError(`the format of ${what} is not known`, 'add --format csv or --format ndjson')
  }
  if (state !== undefined && isFile(state)) {
    throw usageError(`--state ${state} is no folder`, 'give --state a folder; it is made if it is missing')
  }
}

function isFile(path: string): boolean {
  try {
    return !statSync(path).isDirectory()
  } catch {
    // What is not there is made; what cannot be looked at cannot be written either, and the run says so.
    return false
  }
}

/**
 * The configuration that says the same. Its only sync has a name that follows from the destination alone, so that
 * the next call finds the key index again: whatever the rows come from, and whoever connects.
 */
export async function inlineConfig(options: InlineOptions, baseDirectory: string): Promise<Config> {
  const { identifyObject, resolveConfig } = await import('../index.ts')
  const { url, object } = destinationOf(options.to ?? '')
  const config = (name: string, create: boolean) =>
    resolveConfig(inputOf(options, { name, url, object, create }), { baseDirectory })
  try {
    const draft = config('inline', false)
    const [sync] = draft.syncs.values()
    if (sync === undefined) throw new Error('the configuration has a sync')
    const { identity, creates } = await identifyObject(draft, sync)
    return config(nameOf(object, identity), creates)
  } catch (error) {
    throw await asUsage(error)
  }
}

/** Where a problem is, by its place in the configuration that nobody wrote. What is in none of them is in `--to`. */
const OPTIONS: readonly (readonly [place: RegExp, option: string])[] = [
  [/^state/, '--state'],
  [/^syncs\.[^.]+\.key/, '--key'],
  [/^syncs\.[^.]+\.source/, '--from'],
]

/** What is wrong with the configuration is a mistake on the command line. */
async function asUsage(error: unknown): Promise<unknown> {
  const { ConfigurationProblems, FatalError } = await import('../index.ts')
  if (!(error instanceof FatalError) || error.kind !== 'configuration') return error
  if (!(error instanceof ConfigurationProblems)) return usageError(`--to: ${error.message}`, EXAMPLES)
  const said = error.problems.map(({ path, message }) => {
    const option = OPTIONS.find(([place]) => place.test(path))?.[1] ?? '--to'
    // A URL is one option of several for the connector, which the user has not written as a map.
    return `${option}: ${message.replace(/, got a map$/, '')}`
  })
  return usageError(said.join('; '), said[0]?.startsWith('--to') ? EXAMPLES : undefined)
}

const EXAMPLES = 'write it like sqlite:./app.db#users or postgres://host/database#users'

function inputOf(
  { from = '', format, key = [], mode, state }: InlineOptions,
  to: { readonly name: string; readonly url: string; readonly object: string; readonly create: boolean },
): ConfigInput {
  const source = from === '-' ? { stdin: format ?? 'csv' } : { file: from, ...(format === undefined ? {} : { format }) }
  return {
    version: 1,
    ...(state === undefined ? {} : { state }),
    connections: { destination: to.url },
    syncs: {
      [to.name]: {
        source,
        key: [...key],
        mode: (mode ?? 'upsert') as ConfigInput['syncs'][string]['mode'],
        destination: { connection: 'destination', object: to.object, create: to.create },
      },
    },
  }
}

/** `sqlite:./app.db#users`: the last # divides, for those before it may be part of a path. */
function destinationOf(to: string): { readonly url: string; readonly object: string } {
  const at = to.lastIndexOf('#')
  const url = to.slice(0, at)
  const object = to.slice(at + 1)
  if (at < 0 || object === '') {
    throw usageError(
      `--to ${shownUrl(to)} does not say which table`,
      'put it behind a #, such as --to sqlite:./app.db#users',
    )
  }
  if (!/^[a-z][a-z0-9+.-]+:/i.test(url)) {
    throw usageError(`--to ${shownUrl(to)} is no URL`, EXAMPLES)
  }
  return { url, object }
}

function nameOf(object: string, identity: string): string {
  const words = object
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
  const digest = createHash('sha256').update(identity).digest('hex').slice(0, 8)
  return `${words.slice(0, 40).replace(/-$/, '') || 'rows'}-${digest}`
}

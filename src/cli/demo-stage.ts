import { once } from 'node:events'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import pg from 'pg'
import { loadConfig } from '../index.ts'
import { startPostgres, type TestPostgres } from '../testing/postgres.ts'
import { CliError } from './cli-error.ts'
import type { DemoOptions } from './demo-command.ts'
import { seedContacts } from './demo-contacts.ts'
import { type Say, tellStory } from './demo-story.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { formatCount, formatDuration } from './printable.ts'
import type { CommandSession } from './session.ts'
import { COLOURED, PLAIN, wantsColour } from './style.ts'

const LABEL_WIDTH = 8

/**
 * Sets the stage (a Postgres of its own with contacts, a temporary folder with a rowferry.yaml), has the story told on
 * it and clears it away. Answers `failed` where something did not come out as it had to.
 */
export async function playDemo(
  { color, keep = false }: DemoOptions,
  { output, interruption: { signal } }: CommandSession,
): Promise<ExitCode> {
  const style = wantsColour(color, process.stdout, process.env) ? COLOURED : PLAIN
  const say: Say = (label, text) => {
    const [first = '', ...rest] = text.split('\n')
    output.data(`${style('bold', label.padEnd(LABEL_WIDTH))}${first}`.trimEnd())
    for (const line of rest) output.data(`${' '.repeat(LABEL_WIDTH)}${line}`)
  }
  const began = performance.now()
  const since = (moment: number) => formatDuration(performance.now() - moment)

  await using postgres = await start()
  const { embedded, port, url } = postgres
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  try {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version')
    const version = rows[0]?.server_version.split(' ', 1)[0]
    say('demo', `Postgres ${version} (${embedded ? 'embedded' : 'installed'}, port ${port})   ${since(began)}`)
    const seeding = performance.now()
    say('', `${formatCount(await seedContacts(client))} contacts in it   ${since(seeding)}`)

    const folder = newFolder(keep, postgres)
    const file = join(folder, 'rowferry.yaml')
    const mirror = join(folder, 'mirror.db')
    writeFileSync(file, configuration(url, mirror))
    const config = await loadConfig({ directory: folder, environment: {} })
    signal.throwIfAborted()
    const missed = await tellStory({ client, config, mirror, style, signal, say })

    signal.throwIfAborted()
    for (const problem of missed) say('wrong', problem)
    if (missed.length > 0) return EXIT.failed
    say('result', `all counts and digests are as they have to be   ${since(began)}`)
    say('next:', keep ? stepsOnStage(file, mirror, url) : stepsAway())
    // Until Ctrl-C, or until somebody stops the Postgres.
    if (keep) await Promise.race([once(signal, 'abort'), once(client, 'end')])
    return EXIT.done
  } finally {
    await client.end().catch(() => {})
  }
}

async function start(): Promise<TestPostgres> {
  try {
    return await startPostgres()
  } catch (error) {
    throw new CliError(EXIT.failed, `the demo cannot start a Postgres: ${(error as Error).message}`)
  }
}

/** Beside the data of the server, and so gone with it even after a kill -9; else a folder that stays. */
function newFolder(keep: boolean, postgres: TestPostgres): string {
  if (keep) return mkdtempSync(join(tmpdir(), 'rowferry-demo-'))
  const folder = join(dirname(postgres.dataDirectory), 'demo')
  mkdirSync(folder)
  return folder
}

function configuration(url: string, mirror: string): string {
  return `version: 1

connections:
  warehouse: ${url}
  mirror: sqlite:${mirror}

syncs:
  contacts:
    source: { connection: warehouse, table: contacts }
    key: id
    mode: mirror
    destination: { connection: mirror, table: contacts, create: true }
`
}

function stepsOnStage(file: string, mirror: string, url: string): string {
  const rowferry = commandName()
  return [
    `change rows in Postgres (psql ${url}), and then`,
    `${rowferry} plan -f ${file}`,
    `${rowferry} run -f ${file}`,
    `The mirror is ${mirror}. Ctrl-C stops Postgres; the files stay.`,
  ].join('\n')
}

function stepsAway(): string {
  const rowferry = commandName()
  return [
    `${rowferry} demo --keep   leaves it all there to play with`,
    `${rowferry} --help        the commands; README.md has a rowferry.yaml to begin with`,
  ].join('\n')
}

/** What to type to get this program again. */
function commandName(): string {
  if (process.argv[1]?.endsWith('.ts')) return 'npx tsx src/cli/main.ts'
  return process.env['npm_lifecycle_event'] === 'npx' ? 'npx rowferry' : 'rowferry'
}

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from '../index.ts'
import { CliError, usageError } from './cli-error.ts'
import { EXIT, type ExitCode, exitCodeOfError } from './exit-code.ts'
import type { ConfigOptions, GlobalOptions } from './options.ts'
import { createOutput, type Output } from './output.ts'
import { printable } from './printable.ts'
import { type Interruption, listenForSignals } from './signals.ts'

/** What every command that takes its time works with. */
export interface CommandSession {
  readonly output: Output
  readonly interruption: Interruption
}

/** The same for a command that works on a configuration. */
export interface Session extends CommandSession {
  readonly config: Config
}

export function openOutput(options: GlobalOptions): Output {
  return createOutput({
    quiet: options.quiet === true,
    verbose: options.verbose === true,
    logFormat: options.logFormat,
    color: options.color,
    stdout: process.stdout,
    stderr: process.stderr,
    environment: process.env,
  })
}

/** Loads the configuration and runs `work`, as {@link withOutput} does. */
export async function withSession(
  options: ConfigOptions,
  work: (session: Session) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withOutput(options, async ({ output, interruption }) => {
    const { loadConfig, secretsOf } = await import('../index.ts')
    const directory = process.cwd()
    const config = await loadConfig({
      directory,
      ...(options.file === undefined ? {} : { file: options.file }),
      ...(options.envFile === undefined ? {} : { envFile: options.envFile }),
    }).catch((error: Error & { code?: unknown }) => {
      const above = error.code === 'configuration_not_found' ? configurationAbove(directory) : undefined
      if (above === undefined) throw error
      throw new CliError(EXIT.configuration, error.message, `there is ${above}: add --chdir ${dirname(above)}`)
    })
    output.hide(secretsOf(config))
    return work({ config, output, interruption })
  })
}

/**
 * Runs `work` in the folder that was asked for and answers how the process has to end: a signal before everything
 * else, an error (which is printed without its secrets) as its kind says.
 */
export async function withOutput(
  options: GlobalOptions,
  work: (session: CommandSession) => Promise<ExitCode>,
): Promise<ExitCode> {
  const output = openOutput(options)
  using interruption = listenForSignals(() => {
    const text = 'stopping: finishing the batches in flight (again to stop at once)'
    output.tell({ level: 'warn', text, record: { msg: text } })
  })
  try {
    changeFolder(options.chdir)
    const code = await work({ output, interruption })
    return interruption.received === undefined ? code : EXIT[interruption.received]
  } catch (error) {
    if (interruption.received === undefined) return tellError(error, output)
    if (error !== interruption.received && (error as Error | null)?.name !== 'AbortError') tellError(error, output)
    return EXIT[interruption.received]
  }
}

/** The rowferry.yaml of the nearest folder above, relative to `directory`: who works in a subfolder may mean that. */
function configurationAbove(directory: string): string | undefined {
  for (let folder = directory, up = '..'; folder !== dirname(folder); folder = dirname(folder), up = join(up, '..')) {
    if (existsSync(join(directory, up, 'rowferry.yaml'))) return join(up, 'rowferry.yaml')
  }
  return undefined
}

function changeFolder(folder: string | undefined): void {
  if (folder === undefined) return
  try {
    process.chdir(folder)
  } catch {
    throw usageError(`there is no folder ${folder}`, 'give --chdir a folder that exists')
  }
}

const KINDS = ['configuration', 'locked', 'failed'] as const

/** Prints what was thrown, and says how the process has to end because of it. */
export function tellError(error: unknown, output: Output): ExitCode {
  if (error instanceof CliError) {
    const hint = error.hint === undefined ? '' : `\n${error.hint}`
    const text = `${output.style('red', 'rowferry:')} ${printable(error.message)}${printable(hint)}`
    output.tell({ level: 'error', text, record: { msg: error.message, hint: error.hint, exit_code: error.exitCode } })
    return error.exitCode
  }
  const { kind, code, message, stack } = error as Error & { kind?: unknown; code?: unknown }
  const known = KINDS.find((name) => name === kind)
  const text =
    known === undefined ? `this is a mistake in rowferry, please report it\n${stack ?? String(error)}` : message
  // The problems of a file each begin with their place in it.
  const prefix = code === 'configuration_invalid' ? '' : `${output.style('red', 'rowferry:')} `
  const more = output.verbose && known !== undefined ? output.style('dim', `\ncode ${printable(String(code))}`) : ''
  output.tell({
    level: 'error',
    text: `${prefix}${printable(text)}${more}`,
    record: { msg: text, code: known === undefined ? 'internal_error' : code },
  })
  return known === undefined ? EXIT.failed : exitCodeOfError({ kind: known })
}

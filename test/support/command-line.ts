import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PROJECT = join(import.meta.dirname, '../..')

let built: string | undefined

/**
 * The command line as it is shipped: built once a process, because Node reads that in a fifth of the time that it
 * takes to read TypeScript, and a test file starts dozens.
 */
function main(): string {
  if (built !== undefined) return built
  const cache = join(PROJECT, 'node_modules/.cache')
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'rowferry-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  const { status, stderr } = spawnSync(
    process.execPath,
    [join(PROJECT, 'scripts/bundle-cli.mjs'), join(folder, 'dist/cli')],
    { encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(`the command line could not be built: ${stderr}`)
  copyFileSync(join(PROJECT, 'package.json'), join(folder, 'package.json'))
  built = join(folder, 'dist/cli/main.js')
  return built
}

/** What a command line came to. */
export interface Ended {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  /** stdout as one JSON value. */
  json<Value = unknown>(): Value
  /** stdout as a JSON value a line. */
  lines<Value = unknown>(): Value[]
}

/** A folder to run command lines in, in child processes. */
export interface CommandLine extends Disposable {
  readonly folder: string
  readonly environment: NodeJS.ProcessEnv
  /** The program that runs the command line, and its first argument: for command lines of a shell. */
  readonly program: string
  file(name: string): string
  write(name: string, text: string): void
  /** Runs a command line to its end. */
  run(...argv: string[]): Ended
  start(...argv: string[]): ChildProcessWithoutNullStreams
}

export function commandLine(configuration?: string, variables: Record<string, string> = {}): CommandLine {
  const folder = mkdtempSync(join(tmpdir(), 'rowferry-cli-'))
  const environment = { ...process.env, ...variables }
  const file = (name: string) => join(folder, name)
  if (configuration !== undefined) writeFileSync(file('rowferry.yaml'), configuration)
  const argvOf = (argv: readonly string[]) => [main(), ...argv]
  return {
    folder,
    environment,
    get program() {
      return `${process.execPath} ${main()}`
    },
    file,
    write: (name, text) => writeFileSync(file(name), text),
    run(...argv) {
      const options = { cwd: folder, encoding: 'utf8', env: environment } as const
      const { status, stdout, stderr } = spawnSync(process.execPath, argvOf(argv), options)
      return {
        status,
        stdout,
        stderr,
        json: () => JSON.parse(stdout),
        lines: () =>
          stdout
            .split('\n')
            .slice(0, -1)
            .map((line) => JSON.parse(line)),
      }
    },
    start: (...argv) => spawn(process.execPath, argvOf(argv), { cwd: folder, env: environment, stdio: 'pipe' }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

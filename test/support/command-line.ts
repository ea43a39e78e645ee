import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

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
  const argvOf = (argv: readonly string[]) => ['--import', TSX, MAIN, ...argv]
  return {
    folder,
    environment,
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

import { spawnSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type CommandLine, commandLine } from './command-line.ts'

/** A copy of an example, in a folder where `rowferry` is on the PATH as after an install. */
export interface ExampleFolder extends CommandLine {
  /** Runs a program there. Answers what it printed; throws where it fails. */
  execute(program: string, ...argv: string[]): string
}

export function exampleFolder(name: string, variables: Record<string, string> = {}): ExampleFolder {
  const cli = commandLine(undefined, variables)
  cpSync(join('examples', name), cli.folder, { recursive: true })
  const bin = cli.file('bin')
  mkdirSync(bin)
  putProgram(join(bin, 'rowferry'), `exec ${cli.program} "$@"`)
  const hasPsql = spawnSync('psql', ['--version']).status === 0
  const stand = join(import.meta.dirname, 'psql-stand-in.ts')
  if (!hasPsql)
    putProgram(join(bin, 'psql'), `exec ${process.execPath} --import ${import.meta.resolve('tsx')} ${stand} "$@"`)
  const environment = { ...cli.environment, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` }
  return {
    ...cli,
    program: cli.program,
    [Symbol.dispose]: () => cli[Symbol.dispose](),
    execute(program, ...argv) {
      const { status, stdout, stderr } = spawnSync(program, argv, {
        cwd: cli.folder,
        env: environment,
        encoding: 'utf8',
        timeout: 60_000,
      })
      if (status !== 0) throw new Error(`${program} ${argv.join(' ')} ended with ${status}:\n${stdout}${stderr}`)
      return stdout
    },
  }
}

function putProgram(path: string, script: string): void {
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
}

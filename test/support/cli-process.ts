import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const PROJECT = join(import.meta.dirname, '../..')

export interface CliExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A process of the command line, as a user starts it. */
export interface CliProcess {
  readonly child: ChildProcess
  readonly ended: boolean
  readonly exit: Promise<CliExit>
}

/** The command line as it is shipped: started many times, building it once costs less than running it through tsx. */
export interface BuiltCli extends Disposable {
  start(folder: string, ...argv: string[]): CliProcess
  /** The same with these variables added to the environment. */
  startWith(env: Readonly<Record<string, string>>, folder: string, ...argv: string[]): CliProcess
}

export function buildCli(): BuiltCli {
  const folder = mkdtempSync(join(tmpdir(), 'rowferry-built-'))
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'))
  copyFileSync(join(PROJECT, 'package.json'), join(folder, 'package.json'))
  const main = join(folder, 'dist/cli/main.js')
  const bundler = join(PROJECT, 'scripts/bundle-cli.mjs')
  const { stderr } = spawnSync(process.execPath, [bundler, join(folder, 'dist/cli')], { encoding: 'utf8' })
  if (!existsSync(main)) throw new Error(`the command line could not be built: ${stderr}`)
  return {
    start: (cwd, ...argv) => startProcess(cwd, [main, ...argv]),
    startWith: (env, cwd, ...argv) => startProcess(cwd, [main, ...argv], { ...process.env, ...env }),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function startProcess(cwd: string, argv: readonly string[], env = process.env): CliProcess {
  const child = spawn(process.execPath, argv, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  let ended = false
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return {
    child,
    get ended() {
      return ended
    },
    exit: new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', () => {
        ended = true
      })
      child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
    }),
  }
}

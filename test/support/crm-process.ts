import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { SimulatorKind } from '../../src/simulators/simulator-kinds.ts'

const PROJECT = join(import.meta.dirname, '../..')

/** A simulator as users start it: a process of its own, which takes no time from the one that is measured. */
export interface SimulatorProcess extends AsyncDisposable {
  readonly url: string
  /** What a side door says. */
  get(path: string): Promise<unknown>
}

export async function simulatorProcess(kind: SimulatorKind, options: object = {}): Promise<SimulatorProcess> {
  const argv = [
    '--import',
    'tsx',
    join(PROJECT, 'src/cli/main.ts'),
    'simulator',
    kind,
    '--with',
    JSON.stringify(options),
  ]
  const child = spawn(process.execPath, argv, { cwd: PROJECT, stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const { url } = JSON.parse(line) as { url: string }
  return {
    url,
    get: async (path) => (await fetch(`${url}/__${path}`)).json(),
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}

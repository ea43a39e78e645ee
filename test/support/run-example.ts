import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

/** Runs a script of `examples/` as a user would, and answers the lines that it prints. Throws where it fails. */
export function runExample(script: string, environment: Readonly<Record<string, string>> = {}): string[] {
  const { NODE_TEST_CONTEXT: _, ...inherited } = process.env
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--import', 'tsx', join('examples', script)], {
    encoding: 'utf8',
    env: { ...inherited, ...environment },
    timeout: 60_000,
  })
  if (status !== 0) throw new Error(`examples/${script} ended with ${status}:\n${stdout}${stderr}`)
  return stdout.trimEnd().split('\n')
}

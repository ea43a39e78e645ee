import { spawnSync } from 'node:child_process'

/**
 * Why a test cannot run on this machine; undefined where it can. In CI it always runs, and fails where it cannot: what is
 * missing there belongs into `.ci/run`.
 */
export function unlessHere(program: string, ...argv: string[]): string | undefined {
  if (process.env['CI'] !== undefined) return undefined
  const { status, stderr, error } = spawnSync(program, argv, { encoding: 'utf8' })
  return status === 0 ? undefined : `needs ${[program, ...argv].join(' ')}: ${error?.message ?? stderr.trim()}`
}

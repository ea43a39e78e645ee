import { spawnSync } from 'node:child_process'

/**
 * A command line that may not do more than its files allow. Root may read and write everything, and CI is root: it gives
 * up these two rights, by `setpriv` of util-linux. Everybody else has none to give up.
 */
export function asOrdinaryUser(command: readonly string[]): readonly [program: string, argv: readonly string[]] {
  const [program = '', ...argv] = command
  if (process.getuid?.() !== 0) return [program, argv]
  return ['setpriv', ['--bounding-set=-dac_override,-dac_read_search', ...command]]
}

/**
 * Why a test cannot run on this machine; undefined where it can. In CI it always runs, and fails where it cannot: what is
 * missing there belongs into `.ci/run`.
 */
export function unlessHere(program: string, ...argv: string[]): string | undefined {
  if (process.env['CI'] !== undefined) return undefined
  const { status, stderr, error } = spawnSync(program, argv, { encoding: 'utf8' })
  return status === 0 ? undefined : `needs ${[program, ...argv].join(' ')}: ${error?.message ?? stderr.trim()}`
}

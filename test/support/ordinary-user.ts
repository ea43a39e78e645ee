/**
 * A command line that may not do more than its files allow. Root may read and write everything, and CI is root: it gives
 * up these two rights, by `setpriv` of util-linux. Everybody else has none to give up.
 */
export function asOrdinaryUser(command: readonly string[]): readonly [program: string, argv: readonly string[]] {
  const [program = '', ...argv] = command
  if (process.getuid?.() !== 0) return [program, argv]
  return ['setpriv', ['--bounding-set=-dac_override,-dac_read_search', ...command]]
}

import type { Config } from '../index.ts'
import { selectSyncs } from './select-syncs.ts'

/** The sync of that name. Throws a usage error that names the one that was probably meant. */
export async function oneSync(config: Config, name: string): Promise<string> {
  const { suggestion } = await import('../index.ts')
  const [found] = selectSyncs(config.syncs, { names: [name], tags: [] }, suggestion)
  return found as string
}

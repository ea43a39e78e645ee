import { suggestion } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'
import { resolveConfig } from './resolve.ts'
import type { Config, SyncConfig } from './resolved.ts'
import type { ConfigInput } from './schema.ts'

/** A configuration as a program gives it, or as it was loaded, checked. Throws ConfigurationProblems. */
export function asConfig(config: Config | ConfigInput): Config {
  const isResolved = 'syncs' in config && config.syncs instanceof Map
  return isResolved ? (config as Config) : resolveConfig(config, { baseDirectory: process.cwd() })
}

/** The sync of that name, or the only one. Throws FatalError `sync_not_named` or `unknown_sync`. */
export function pickSync(config: Config, name: string | undefined): SyncConfig {
  const names = [...config.syncs.keys()]
  const chosen = name ?? (names.length === 1 ? names[0] : undefined)
  if (chosen === undefined) throw configurationError('sync_not_named', `say which sync to run: ${names.join(', ')}`)
  const sync = config.syncs.get(chosen)
  if (sync !== undefined) return sync
  throw configurationError(
    'unknown_sync',
    `there is no sync ${chosen}${suggestion(chosen, names)}; there is ${names.join(', ')}`,
  )
}

import type { EnvironmentUse } from './origin.ts'
import type { Config } from './resolved.ts'

/** Shorter values occur by chance: hiding them would hide half of the log and protect nothing. */
const SHORTEST = 4

const SECRET_NAME = /token|passw|pwd|secret|credential|(api|access|private)[_-]?key/i

/**
 * What must not be printed: what came from the environment into connections, params and constants, passwords and
 * tokens in URLs, and options that are named like secrets; longest first, so that replacing one by one leaves no
 * rest. What the environment says about names (of a table, an object, a connection) is part of every report and no
 * secret.
 */
export function secretsOf(config: Config): readonly string[] {
  const secrets: string[] = []
  for (const use of config.origin.environmentUses.values()) if (mayBeSecret(use)) secrets.push(...use.values)
  for (const { options } of config.connections.values()) collect(options, false, secrets)
  const values = secrets.filter((secret) => secret.length >= SHORTEST && secret !== 'true' && secret !== 'false')
  return [...new Set(values)].sort((a, b) => b.length - a.length)
}

function mayBeSecret({ path }: EnvironmentUse): boolean {
  const [top, , section, ...rest] = path
  if (top === 'connections') return section !== 'type'
  if (section === 'source') return rest[0] === 'params'
  if (section === 'fields') return rest[1] === 'value' || rest[1] === 'template'
  return section === 'deletes' && rest[0] === 'as' && rest.length === 2
}

function collect(value: unknown, isSecret: boolean, secrets: string[]): void {
  if (typeof value === 'string') {
    if (isSecret) secrets.push(value)
    secrets.push(...urlSecrets(value))
  } else if (typeof value === 'object' && value !== null)
    for (const [name, item] of Object.entries(value)) collect(item, isSecret || SECRET_NAME.test(name), secrets)
}

const URL_SECRETS: readonly RegExp[] = [
  /^[a-z][\w+.-]*:\/\/[^:@/?#]*:([^/?#]*)@/gi,
  // A password with an unescaped slash or question mark is wrong, and must not be shown for that reason.
  /^[a-z][\w+.-]*:\/\/[^:@/]*:([^@]*)@/gi,
  /^https?:\/\/([^:@/?#]+)@/gi,
  /[?&][^=&#]*(?:token|passw|pwd|secret|key)[^=&#]*=([^&#]*)/gi,
]

function urlSecrets(text: string): readonly string[] {
  if (!/^[a-z][\w+.-]*:/i.test(text)) return []
  return URL_SECRETS.flatMap((pattern) => [...text.matchAll(pattern)].flatMap(([, found]) => decoded(found as string)))
}

function decoded(found: string): readonly string[] {
  try {
    return [found, decodeURIComponent(found)]
  } catch {
    // Not encoded after all.
    return [found]
  }
}

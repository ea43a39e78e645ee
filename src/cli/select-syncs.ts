import { usageError } from './cli-error.ts'

export interface Selection {
  readonly names: readonly string[]
  readonly tags: readonly string[]
}

/**
 * The syncs that are named or carry a tag that is asked for, all of them where nothing is asked for; in the order of
 * the names first, then of the file, each once. Throws a usage error for a name or a tag that no sync has.
 */
export function selectSyncs(
  syncs: ReadonlyMap<string, { readonly tags: readonly string[] }>,
  { names, tags }: Selection,
  suggest: (word: string, candidates: Iterable<string>) => string,
): string[] {
  if (names.length === 0 && tags.length === 0) return [...syncs.keys()]
  for (const name of names) {
    if (syncs.has(name)) continue
    throw usageError(`no sync named "${name}"${suggest(name, syncs.keys())}`, `syncs: ${[...syncs.keys()].join(', ')}`)
  }
  const known = new Set([...syncs.values()].flatMap((sync) => sync.tags))
  for (const tag of tags) {
    if (known.has(tag)) continue
    const hint = known.size === 0 ? 'no sync has tags' : `tags: ${[...known].sort().join(', ')}`
    throw usageError(`no sync has the tag "${tag}"${suggest(tag, known)}`, hint)
  }
  const tagged = [...syncs].filter(([, sync]) => sync.tags.some((tag) => tags.includes(tag))).map(([name]) => name)
  return [...new Set([...names, ...tagged])]
}

import { type LinkedRecords, plainIdentity } from '../pipeline/claims.ts'
import type { KeyIndexFile } from '../state/key-index-file.ts'
import type { Ends } from './open-ends.ts'

/** How a run keeps records and keys together; undefined where the destination has no ids of its own. */
export function linkedRecords(
  { declaration, destination, resolved }: Pick<Ends, 'declaration' | 'destination' | 'resolved'>,
  { links }: KeyIndexFile,
): LinkedRecords | undefined {
  if (declaration.links !== true) return undefined
  const { match, matchIsKey } = resolved
  const identity = (values: readonly (string | null)[]) => destination.identity?.(values) ?? plainIdentity(values)
  return { links, matchIsKey, matchFields: match.length, identity }
}

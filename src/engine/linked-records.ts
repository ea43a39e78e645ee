import { printKey } from '../core/key-text.ts'
import { type LinkedRecords, plainIdentity } from '../pipeline/claims.ts'
import type { KeyIndexFile } from '../state/key-index-file.ts'
import type { Ends } from './open-ends.ts'

type LinkedEnds = Pick<Ends, 'declaration' | 'destination' | 'resolved'>

/** How a run keeps records and keys together; undefined where the destination has no ids of its own. */
export function linkedRecords(
  { declaration, destination, resolved }: LinkedEnds,
  { links }: KeyIndexFile,
): LinkedRecords | undefined {
  if (declaration.links !== true) return undefined
  const { match, matchIsKey } = resolved
  const identity = (values: readonly (string | null)[]) => destination.identity?.(values) ?? plainIdentity(values)
  return { links, matchIsKey, matchFields: match.length, identity }
}

/**
 * The readable key of a change that is being sent, from its values. Where match is not the key, its record is linked to the
 * key before it is sent.
 */
export function keyNamer(ends: LinkedEnds, index: KeyIndexFile): (values: readonly (string | null)[]) => string {
  const { match, keyColumns } = ends.resolved
  const records = linkedRecords(ends, index)
  const encodings = keyColumns.map((column) => column.keyEncoding)
  return (values) => {
    const found = values.slice(0, match.length)
    const key = records?.matchIsKey === false ? records.links.ownerOfIdentity(records.identity(found)) : undefined
    return key === undefined ? found.join(' / ') : printKey(encodings, key)
  }
}

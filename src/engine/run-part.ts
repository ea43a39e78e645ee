import { KeySelection } from '../pipeline/key-selection.ts'
import type { RowPart } from '../pipeline/part-of-model.ts'
import type { ResolvedSync } from '../pipeline/resolve-sync.ts'
import type { SyncOptions } from './sync-options.ts'

/** The part of the model that a run is about. Throws FatalError `unreadable_key`. */
export function partOf({ limit, keys }: SyncOptions, { keyColumns }: ResolvedSync): RowPart | undefined {
  if (keys !== undefined) return { keys: new KeySelection(keys, keyColumns) }
  return limit === undefined ? undefined : { limit }
}

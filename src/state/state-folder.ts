import { join } from 'node:path'

/** Where things are in a state folder. */

/** The run history, of all syncs. */
export function historyPath(folder: string): string {
  return join(folder, 'history.sqlite')
}

/**
 * The key index of a sync. Throws RangeError where that would be the run history: configurations refuse a sync of that
 * name, because whoever opens a key index may replace it.
 */
export function indexPath(folder: string, sync: string): string {
  const path = join(folder, `${sync}.sqlite`)
  if (path === historyPath(folder)) throw new RangeError(`a sync cannot have the name ${sync}`)
  return path
}

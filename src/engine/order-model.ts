import { join } from 'node:path'
import { pipeline } from 'node:stream'
import type { Reading } from '../core/source.ts'
import { type Observe, unobserved } from '../pipeline/observe.ts'
import { type SortingOptions, sorting } from '../pipeline/sorting.ts'
import { UnnamedFile } from '../state/unnamed-file.ts'

export interface OrderOptions extends Pick<SortingOptions, 'onRows' | 'onSorted'> {
  readonly sync: string
  /** Folder for what does not fit into memory. */
  readonly state: string
  readonly observe?: Observe | undefined
}

/** A model in key order: as it is where its source sorts, else sorted by us. */
export function inKeyOrder(
  reading: Reading,
  { sync, state, observe = unobserved, ...callbacks }: OrderOptions,
): Reading {
  const sent = observe('source', reading.rows)
  if (reading.sorted !== false) return { ...reading, rows: sent }
  const scratch = () => new UnnamedFile(join(state, `${sync}.sort`), sync)
  // Whoever reads the sorted rows gets the error, whichever of the two streams had it.
  const rows = pipeline(sent, observe('sorting', sorting(reading.layout, { scratch, ...callbacks })), () => {})
  return { ...reading, rows, sorted: true }
}

import { dirname } from 'node:path'
import type { KeyList } from './core/destination.ts'
import { configurationError } from './core/errors.ts'
import type { RowBatch } from './core/row-batch.ts'
import type { Ends } from './open-ends.ts'
import { type RefreshCounts, refresh } from './pipeline/refresh.ts'
import type { KeyIndexFile } from './state/key-index-file.ts'
import { KeySorterFile } from './state/key-sorter-file.ts'
import { KeySpoolFile } from './state/key-spool-file.ts'

/**
 * Merges the keys that the destination holds now into the index. Throws FatalError `cannot_list`, and what
 * {@link refresh} throws.
 */
export async function listDestination(
  { destination, resolved }: Ends,
  index: KeyIndexFile,
  options: {
    readonly sync: string
    readonly signal: AbortSignal
    readonly now: () => number
    /** The object was made a moment ago: whatever the index knows of it is gone. */
    readonly created?: boolean
  },
): Promise<RefreshCounts> {
  const list = options.created ? noKeys() : destination.list?.(options.signal)
  if (list === undefined) {
    throw configurationError('cannot_list', 'this destination cannot list its records; leave index.refresh out')
  }
  const spool = new KeySpoolFile(dirname(index.path), `${options.sync}.vanished`)
  try {
    const counts = await refresh({
      list,
      index,
      encodings: resolved.keyColumns.map((column) => column.keyEncoding),
      sorter: () => KeySorterFile.open(),
      spool,
    })
    index.note({ listedAt: options.now() })
    return counts
  } finally {
    spool.close()
  }
}

/** The list of an object that holds nothing. */
function noKeys(): KeyList {
  const end = { rows: 0, proven: true, evidence: 'the object was just created' }
  const batch: RowBatch = { bytes: Buffer.alloc(0), offsets: new Uint32Array(1), count: 0, end }
  return {
    sorted: true,
    rows: (async function* () {
      yield batch
    })(),
  }
}

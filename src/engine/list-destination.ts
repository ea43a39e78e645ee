import { dirname } from 'node:path'
import type { Clock } from '../core/clock.ts'
import type { KeyList } from '../core/destination.ts'
import { configurationError, FatalError, RetryableError } from '../core/errors.ts'
import type { RowBatch } from '../core/row-batch.ts'
import { type RefreshCounts, refresh } from '../pipeline/refresh.ts'
import { patiently } from '../pipeline/retry.ts'
import type { KeyIndexFile } from '../state/key-index-file.ts'
import { KeySorterFile } from '../state/key-sorter-file.ts'
import { KeySpoolFile } from '../state/key-spool-file.ts'
import type { Ends } from './open-ends.ts'

/**
 * Merges the keys that the destination holds now into the index. Throws FatalError `cannot_list`, and what
 * {@link refresh} throws.
 */
export async function listDestination(
  { destination, declaration, resolved }: Ends,
  index: KeyIndexFile,
  options: {
    readonly sync: string
    readonly signal: AbortSignal
    readonly clock: Clock
    /** The object was made a moment ago: whatever the index knows of it is gone. */
    readonly created?: boolean
  },
): Promise<RefreshCounts> {
  const ask = async () => begin(options.created ? noKeys() : destination.list?.(options.signal))
  await using list = await patiently('list its keys', ask, options)
  const spool = new KeySpoolFile(dirname(index.path), `${options.sync}.vanished`)
  try {
    const counts = await refresh({
      list,
      index,
      links: declaration.links === true ? index.links : undefined,
      encodings: resolved.keyColumns.map((column) => column.keyEncoding),
      sorter: () => KeySorterFile.open(),
      spool,
    })
    index.note({ listedAt: options.clock.now() })
    return counts
  } catch (error) {
    if (!(error instanceof RetryableError)) throw error
    const message = `the destination's list of keys broke off (${error.message}); run again`
    throw new FatalError('list_incomplete', message, { cause: error })
  } finally {
    spool.close()
  }
}

/** The list with its first batch, which is the proof that the destination can be read now. */
async function begin(list: KeyList | undefined): Promise<KeyList & AsyncDisposable> {
  if (list === undefined) {
    throw configurationError('cannot_list', 'this destination cannot list its records; leave index.refresh out')
  }
  const batches = list.rows[Symbol.asyncIterator]()
  const first = await batches.next()
  async function* rows(): AsyncGenerator<RowBatch> {
    for (let batch = first; batch.done !== true; batch = await batches.next()) yield batch.value
  }
  const close = async () => void (await batches.return?.())
  return { sorted: list.sorted, rows: rows(), [Symbol.asyncDispose]: close }
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

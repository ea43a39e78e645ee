import { setImmediate as nextTurn } from 'node:timers/promises'
import type { KeyEncoding } from '../core/column.ts'
import type { KeyList } from '../core/destination.ts'
import { decodeKey } from '../core/key-text.ts'
import type { RowBatch } from '../core/row-batch.ts'
import type { AppendedFile } from './appended-file.ts'
import { rowBatchOf } from './row-batch-of.ts'

/** The keys of a file, sorted by having been read once already. */
export function listFile(file: AppendedFile, encodings: readonly KeyEncoding[], signal: AbortSignal): KeyList {
  async function* rows(): AsyncGenerator<RowBatch> {
    const keys = await file.keys(signal)
    let total = 0
    for (const page of keys.sorted()) {
      signal.throwIfAborted()
      total += page.length
      yield rowBatchOf(page.map((key) => decodeKey(encodings, key)))
      await nextTurn()
    }
    yield rowBatchOf([], { rows: total, proven: true, evidence: `${file.path} was read to its end` })
  }
  return { sorted: true, rows: rows() }
}

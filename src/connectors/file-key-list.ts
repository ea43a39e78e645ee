import { setImmediate as nextTurn } from 'node:timers/promises'
import type { KeyEncoding } from '../core/column.ts'
import { encodeRow } from '../core/copy-text.ts'
import type { KeyList } from '../core/destination.ts'
import { decodeKey } from '../core/key-text.ts'
import type { RowBatch } from '../core/row-batch.ts'
import type { AppendedFile } from './appended-file.ts'

/** The keys of a file, sorted by having been read once already. */
export function listFile(file: AppendedFile, encodings: readonly KeyEncoding[], signal: AbortSignal): KeyList {
  async function* rows(): AsyncGenerator<RowBatch> {
    const keys = await file.keys(signal)
    let total = 0
    for (const page of keys.sorted()) {
      signal.throwIfAborted()
      total += page.length
      yield batchOf(page.map((key) => encodeRow(decodeKey(encodings, key))))
      await nextTurn()
    }
    yield { ...batchOf([]), end: { rows: total, proven: true, evidence: `${file.path} was read to its end` } }
  }
  return { sorted: true, rows: rows() }
}

function batchOf(lines: readonly string[]): RowBatch {
  const buffers = lines.map((line) => Buffer.from(line))
  const offsets = new Uint32Array(lines.length + 1)
  for (const [index, { length }] of buffers.entries()) offsets[index + 1] = (offsets[index] as number) + length
  return { bytes: Buffer.concat(buffers), offsets, count: lines.length }
}

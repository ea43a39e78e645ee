import type { Column } from '../core/column.ts'
import { decodeKey } from '../core/key-text.ts'
import type { ReadRequest } from '../core/source.ts'
import type { KeyIndexFile } from '../state/key-index-file.ts'

/** Each is read from a segment of 64 KiB. */
const MOST_SPLITS = 1024

/** Where the model can be cut, by what the index knows of its keys. */
export function splitsOf(index: KeyIndexFile, keyColumns: readonly Column[]): NonNullable<ReadRequest['splits']> {
  const encodings = keyColumns.map((column) => column.keyEncoding)
  return () => index.splits(MOST_SPLITS).map((key) => decodeKey(encodings, key))
}

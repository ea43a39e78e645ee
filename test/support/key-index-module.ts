import { join } from 'node:path'
import { KeyIndexFile } from '../../src/state/key-index-file.ts'
import type { OpenKeyIndex } from '../../src/testing/index.ts'

/** The key index of the product, for its contract. */
export async function openIndex(folder: string): Promise<OpenKeyIndex> {
  return KeyIndexFile.open(join(folder, 'contract.sqlite'), 'contract', { keep: true })
}

import { generateSource } from '../../src/connectors/generate-source.ts'
import { decodeRow } from '../../src/core/copy-text.ts'
import { KeyEncoder, keySpace } from '../../src/core/key.ts'
import type { EndOfModel, RowBatch } from '../../src/core/row-batch.ts'
import type { ReadRequest, Source } from '../../src/core/source.ts'

/** A generated model, read to its end. */
export interface ReadGeneration {
  /** The lines as read, one after the other. */
  readonly bytes: Buffer
  readonly rows: readonly (string | null)[][]
  readonly keys: readonly Buffer[]
  readonly batches: number
  readonly sorted: boolean
  readonly end: EndOfModel | undefined
}

export async function openGenerated(options: object, model: object = { table: 'contacts' }): Promise<Source> {
  const request = { params: {}, read: 'auto', idleTimeoutMs: 1000, ...model } as const
  return generateSource.open(generateSource.options.parse(options), request)
}

/** Reads all columns by `id` where nothing else is asked. */
export async function readGenerated(options: object, request: Partial<ReadRequest> = {}): Promise<ReadGeneration> {
  await using source = await openGenerated(options)
  const columns = (await source.describe()).map(({ name }) => name)
  const { signal } = new AbortController()
  const { layout, rows: stream, sorted = true } = await source.read({ key: ['id'], columns, signal, ...request })
  const encoder = new KeyEncoder(layout.key)
  const batches: RowBatch[] = []
  for await (const batch of stream) batches.push(batch)
  const rows: (string | null)[][] = []
  const keys: Buffer[] = []
  for (const { bytes, offsets, count } of batches) {
    for (let row = 0; row < count; row++) {
      const [from, to] = [offsets[row] as number, offsets[row + 1] as number]
      rows.push(decodeRow(bytes, from, to))
      const key = Buffer.alloc(keySpace(to - from))
      keys.push(key.subarray(0, encoder.encode(bytes, from, to, key, 0)))
    }
  }
  const bytes = Buffer.concat(batches.map((batch) => batch.bytes))
  return { bytes, rows, keys, batches: batches.length, sorted, end: batches.at(-1)?.end }
}

import { asConfig, pickSync } from '../config/pick-sync.ts'
import type { Config } from '../config/resolved.ts'
import type { ConfigInput } from '../config/schema.ts'
import type { Field } from '../core/change.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { decodeRow } from '../core/copy-text.ts'
import { KeyEncoder, keySpace } from '../core/key.ts'
import { printKey } from '../core/key-text.ts'
import type { RowBatch, RowLayout } from '../core/row-batch.ts'
import { named } from '../pipeline/exchange.ts'
import { partOfModel } from '../pipeline/part-of-model.ts'
import { compileMapping, type RowMapping } from '../pipeline/row-mapping.ts'
import { type OwnConnectors, openModel } from './open-ends.ts'

export interface PreviewOptions extends OwnConnectors {
  /** Which sync of the configuration; may be left out where there is only one. */
  readonly sync?: string | undefined
  /** Default: 10. */
  readonly rows?: number | undefined
  readonly signal?: AbortSignal | undefined
  readonly clock?: Clock | undefined
}

/** A model row as it would be sent, or why it would not be. */
export interface PreviewRow {
  /** Null where the row has none that can be used. */
  readonly key: string | null
  /** Canonical text by destination field; null where there is an issue. */
  readonly fields: Readonly<Record<string, string | null>> | null
  readonly issue: { readonly code: string; readonly message: string } | null
}

export interface Preview {
  readonly sync: string
  readonly fields: readonly Field[]
  readonly rows: readonly PreviewRow[]
}

/**
 * The first rows of a model, mapped. Reads the source and nothing else: no destination, no state, no lock. Throws
 * FatalError where the configuration or the model is wrong, and the signal's reason.
 */
export async function preview(input: Config | ConfigInput, options: PreviewOptions = {}): Promise<Preview> {
  const { rows: limit = 10, signal = new AbortController().signal, clock = systemClock } = options
  const config = asConfig(input)
  const sync = pickSync(config, options.sync)
  signal.throwIfAborted()
  await using model = await openModel(config, sync, options)
  const { match, fields, columns } = model.resolved
  const part = { limit }
  const whole = await model.source.read({ key: sync.key, columns: columns.map(({ name }) => name), signal, part })
  const variables = { runId: 'preview', startedAt: new Date(clock.now()).toISOString(), syncName: sync.name }
  const { layout } = whole
  const mapping = compileMapping({ layout, match, fields, deletesAs: sync.deletes.as, variables })
  const rows: PreviewRow[] = []
  for await (const batch of partOfModel(whole, part).rows as AsyncIterable<RowBatch>) {
    for (const { code, message } of batch.invalid ?? [])
      rows.push({ key: null, fields: null, issue: { code, message } })
    for (let row = 0; row < batch.count; row++) rows.push(previewRow(batch, row, layout, mapping))
  }
  return { sync: sync.name, fields: mapping.fields, rows: rows.slice(0, limit) }
}

function previewRow(batch: RowBatch, row: number, layout: RowLayout, mapping: RowMapping): PreviewRow {
  const start = batch.offsets[row] as number
  const end = batch.offsets[row + 1] as number
  const bytes = Buffer.allocUnsafe(keySpace(end - start))
  const length = new KeyEncoder(layout.key).encode(batch.bytes, start, end, bytes, 0)
  if (length < 0) {
    const message = 'the row has no usable key: a key column is null, too long or not of its type'
    return { key: null, fields: null, issue: { code: 'missing_key', message } }
  }
  const encodings = layout.key.map((column) => column.encoding)
  const key = printKey(encodings, bytes.subarray(0, length))
  if (mapping.passes >= 0) {
    const values = decodeRow(batch.bytes, mapping.passFrom(batch.bytes, start), end)
    return { key, fields: named(mapping.fields, values), issue: null }
  }
  const mapped = mapping.map(batch.bytes, start, end)
  if ('code' in mapped) return { key, fields: null, issue: { code: mapped.code, message: mapped.message } }
  const line = Buffer.from(mapped.line)
  return { key, fields: named(mapping.fields, decodeRow(line, 0, line.length)), issue: null }
}

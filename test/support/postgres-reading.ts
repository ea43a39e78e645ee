import type pg from 'pg'
import { connect, disconnect, postgresOptions } from '../../src/connectors/postgres-connection.ts'
import { postgresSource } from '../../src/connectors/postgres-source.ts'
import { decodeRow } from '../../src/core/copy-text.ts'
import { KeyEncoder, keySpace } from '../../src/core/key.ts'
import { KEY_MISSING } from '../../src/core/key-parts.ts'
import type { EndOfModel, RowBatch } from '../../src/core/row-batch.ts'
import type { ModelRequest, Reading, Source } from '../../src/core/source.ts'

/** The two ways a model is read; they must not differ in anything a later stage can see. */
export const READERS = ['copy', 'cursor'] as const

/** A model, and what of it to read. */
export interface ModelToRead extends Partial<ModelRequest> {
  readonly key?: readonly string[]
  readonly columns?: readonly string[]
  /** What the last run would have seen. */
  readonly splits?: readonly (readonly string[])[]
}

export async function openModel(url: string, model: Partial<ModelRequest>): Promise<Source> {
  const options = postgresOptions.parse({ url })
  return postgresSource.open(options, { params: {}, read: 'auto', idleTimeoutMs: 10_000, ...model })
}

/** Opens the rows of a model: all columns, by key `id`, where nothing else is asked. */
export async function startReading(
  source: Source,
  { key = ['id'], columns, splits = [] }: Pick<ModelToRead, 'key' | 'columns' | 'splits'> = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<Reading> {
  const described = await source.describe()
  return source.read({ key, columns: columns ?? described.map((column) => column.name), signal, splits: () => splits })
}

export interface ReadModel {
  readonly layout: Reading['layout']
  readonly batches: readonly RowBatch[]
  /** The lines as read, one after the other. */
  readonly bytes: Buffer
  readonly rows: readonly (string | null)[][]
  /** The encoded key of each row; null where a part of it is null. */
  readonly keys: readonly (Buffer | null)[]
  readonly end: EndOfModel | undefined
  readonly notes: readonly string[]
}

/** Reads a model to its end. Rejects with what destroyed the stream. */
export async function readModel(url: string, { key, columns, splits, ...model }: ModelToRead): Promise<ReadModel> {
  await using source = await openModel(url, model)
  const {
    layout,
    rows: stream,
    notes = [],
  } = await startReading(source, {
    ...(key === undefined ? {} : { key }),
    ...(columns === undefined ? {} : { columns }),
    ...(splits === undefined ? {} : { splits }),
  })
  const batches: RowBatch[] = []
  for await (const batch of stream) batches.push(batch)
  const encoder = layout.key.length === 0 ? undefined : new KeyEncoder(layout.key)
  const rows: (string | null)[][] = []
  const keys: (Buffer | null)[] = []
  for (const { bytes, offsets, count } of batches) {
    for (let row = 0; row < count; row++) {
      const start = offsets[row] as number
      const end = offsets[row + 1] as number
      rows.push(decodeRow(bytes, start, end))
      const out = Buffer.alloc(keySpace(end - start))
      const length = encoder?.encode(bytes, start, end, out, 0) ?? KEY_MISSING
      if (length < KEY_MISSING) throw new Error(`unreadable key in ${bytes.toString('utf8', start, end)}`)
      keys.push(length === KEY_MISSING ? null : out.subarray(0, length))
    }
  }
  return {
    layout,
    batches,
    bytes: Buffer.concat(batches.map((batch) => batch.bytes)),
    rows,
    keys,
    end: batches.at(-1)?.end,
    notes,
  }
}

/** A connection for what the test itself does to the database. */
export async function administer(url: string): Promise<pg.Client & AsyncDisposable> {
  const client = await connect(postgresOptions.parse({ url }), { applicationName: 'test' })
  return Object.assign(client, { [Symbol.asyncDispose]: () => disconnect(client) })
}

/** Process ids of the backends that rowferry holds. */
export async function backends(admin: pg.Client): Promise<number[]> {
  const { rows } = await admin.query<{ pid: string }>(
    "select pid from pg_stat_activity where application_name = 'rowferry' order by pid",
  )
  return rows.map((row) => Number(row.pid))
}

/** Waits until no backend of rowferry is left, for 5 seconds at most. */
export async function backendsGone(admin: pg.Client): Promise<void> {
  const limit = performance.now() + 5000
  for (let left = await backends(admin); left.length > 0; left = await backends(admin)) {
    if (performance.now() > limit) throw new Error(`backends ${left.join(', ')} are still there`)
    await admin.query('select pg_sleep(0.01)')
  }
}

import type pg from 'pg'
import type { KeyEncoding } from '../core/column.ts'
import { decodeRow } from '../core/copy-text.ts'
import type { KeyList, ObjectRequest } from '../core/destination.ts'
import { FatalError, messageOf } from '../core/errors.ts'
import { KeyEncoder, keySpace } from '../core/key.ts'
import { decodeKey } from '../core/key-text.ts'
import type { RowBatch } from '../core/row-batch.ts'
import { copyRows } from './postgres-copy-reader.ts'
import { quoteIdentifier } from './postgres-identifiers.ts'
import { answer } from './postgres-idle.ts'
import { parseModel } from './postgres-model.ts'
import { findColumn, type PostgresTable, quotedTable } from './postgres-table.ts'
import type { WriteContext } from './postgres-write-error.ts'

export interface KeyListOptions {
  readonly table: PostgresTable
  readonly object: ObjectRequest
  readonly context: WriteContext
  /** `server_encoding`: only in UTF8 is the byte order of texts the order of their keys. */
  readonly encoding: string
  /** Milliseconds without a byte after which the list fails. */
  readonly idleTimeoutMs: number
  /** Opens a connection of its own: the list is read in one transaction. */
  connect(): Promise<pg.Client>
}

/** One match column of the list. */
interface Part {
  readonly name: string
  readonly encoding: KeyEncoding
  readonly expression: string
  readonly orderBy: string
  /** Any value it prints is a key of the encoding. */
  readonly natural: boolean
}

/** The keys of the records that the table holds, without those in which a part is null: no key can find these. */
export function listKeys(options: KeyListOptions, signal: AbortSignal): KeyList {
  const { table, object, encoding } = options
  const byteOrdered = encoding === 'UTF8' || encoding === 'SQL_ASCII'
  const parts = object.match.map((name, index): Part => {
    const wanted = object.keyEncodings[index] as KeyEncoding
    const column = quoteIdentifier(name)
    if (wanted !== 'text') {
      const natural = findColumn(table, name)?.keyEncoding === wanted
      return { name, encoding: wanted, expression: column, orderBy: column, natural }
    }
    // The same expression that the source makes a key of this encoding of.
    const text = `${column}::pg_catalog.text`
    return { name, encoding: wanted, expression: text, orderBy: `${text} COLLATE pg_catalog."C"`, natural: true }
  })
  const sorted = parts.every(({ natural, encoding: wanted }) => natural && (wanted !== 'text' || byteOrdered))
  return { sorted, rows: read(options, parts, sorted, signal) }
}

async function* read(
  options: KeyListOptions,
  parts: readonly Part[],
  sorted: boolean,
  signal: AbortSignal,
): AsyncGenerator<RowBatch> {
  const { table, object, context, idleTimeoutMs } = options
  const query =
    `SELECT ${parts.map(({ expression }) => expression).join(', ')} FROM ${quotedTable(table)} ` +
    `WHERE ${object.match.map((name) => `${quoteIdentifier(name)} IS NOT NULL`).join(' AND ')}` +
    (sorted ? ` ORDER BY ${parts.map(({ orderBy }) => orderBy).join(', ')}` : '')
  const verify = parts.every(({ natural }) => natural) ? undefined : keyVerifier(parts, object)
  signal.throwIfAborted()
  const client = await options.connect().catch((error: unknown) => {
    throw error instanceof FatalError ? error : listError(error, options)
  })
  try {
    await answer(client, context.at, idleTimeoutMs, client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'))
    const request = {
      clients: [client] as const,
      context: {
        at: context.at,
        user: context.user,
        model: parseModel({ params: {}, read: 'copy', idleTimeoutMs, table: object.name }),
      },
      idleTimeoutMs,
      signal,
    }
    for await (const batch of copyRows(request, query) as AsyncIterable<RowBatch>) {
      verify?.(batch)
      yield batch
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : listError(error, options)
  } finally {
    client.connection.stream.destroy()
  }
}

function listError(error: unknown, { object, context, idleTimeoutMs }: KeyListOptions): unknown {
  if (error instanceof FatalError && error.code === 'key_unreadable') return error
  const cause = error instanceof FatalError ? (error.cause ?? error) : error
  const idle = error instanceof FatalError && error.code === 'source_idle'
  const said = idle ? `nothing came for ${idleTimeoutMs / 1000} s` : messageOf(cause)
  return new FatalError(
    'list_failed',
    `the keys of ${object.name} in ${context.at} could not be read (${said}): run again, or do without with ` +
      'index: { bootstrap: empty, refresh: never }',
    { cause: error },
  )
}

/** Throws FatalError where a value is no key of its encoding, or would come back with another text. */
function keyVerifier(parts: readonly Part[], object: ObjectRequest): (batch: RowBatch) => void {
  const encodings = parts.map(({ encoding }) => encoding)
  const encoder = new KeyEncoder(encodings.map((encoding, field) => ({ field, encoding })))
  let space = Buffer.alloc(0)
  return ({ bytes, offsets, count }) => {
    for (let row = 0; row < count; row++) {
      const start = offsets[row] as number
      const end = offsets[row + 1] as number
      if (space.length < keySpace(end - start)) space = Buffer.alloc(keySpace(end - start) * 2)
      const stop = encoder.encode(bytes, start, end, space, 0)
      const values = decodeRow(bytes, start, end)
      const texts = stop < 0 ? undefined : decodeKey(encodings, space.subarray(0, stop))
      const at = values.findIndex((value, index) => value !== texts?.[index])
      if (at < 0) continue
      throw new FatalError(
        'key_unreadable',
        `column "${parts[at]?.name}" of ${object.name} holds "${values[at]}", which is no key of the model's type ` +
          `(${encodings[at]}): correct or delete that record, or do without the list with ` +
          'index: { bootstrap: empty, refresh: never }',
      )
    }
  }
}

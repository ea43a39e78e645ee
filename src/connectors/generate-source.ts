import { Readable } from 'node:stream'
import type { Column } from '../core/column.ts'
import { suggestion } from '../core/did-you-mean.ts'
import { configurationError } from '../core/errors.ts'
import type { RowBatch } from '../core/row-batch.ts'
import { defineSource, type Reading, type ReadRequest, type Source } from '../core/source.ts'
import { generatedColumns } from './generate-columns.ts'
import { type GenerateOptions, generateOptions } from './generate-options.ts'
import { generatedRows } from './generate-rows.ts'
import { generationOf } from './generation.ts'

/** Batches that may wait for the next stage. */
const BATCHES_AHEAD = 2

/**
 * Rows that this process makes up: the same ones for the same options, in key order and in constant memory. Whatever
 * the table is called, it has them.
 */
export const generateSource = defineSource<GenerateOptions>({
  type: 'generate',
  schemes: ['generate'],
  options: generateOptions,
  async open(options, { table }): Promise<Source> {
    if (table === undefined) {
      throw configurationError('model_invalid', 'generate runs no queries: write table, with any name, in place of sql')
    }
    const columns = generatedColumns(options.key)
    const { rows } = generationOf(options)
    return {
      describe: async () => columns,
      hasAtLeast: async (wanted) => ({ enough: rows >= wanted, rows: Math.min(rows, Math.max(0, Math.ceil(wanted))) }),
      read: async (request) => readRows(options, columns, request),
      [Symbol.asyncDispose]: async () => {},
    }
  },
})

function readRows(options: GenerateOptions, columns: readonly Column[], request: ReadRequest): Reading {
  const { signal, part } = request
  signal.throwIfAborted()
  const find = (name: string) => numberOf(name, columns)
  const keys = request.key.map(find)
  const asked = request.columns.map(find)
  const extra = keys.filter((number) => !asked.includes(number))
  const fields = [...extra, ...asked]
  const keyEncoding = (number: number) => (columns[number] as Column).keyEncoding
  // Keys ascend with the rows, and no two are the same: what follows in the key makes no difference.
  const sorted = keys[0] === 0
  const limit = sorted && part !== undefined && 'limit' in part ? part.limit : undefined
  return {
    layout: {
      key: keys.map((number) => ({ field: fields.indexOf(number), encoding: keyEncoding(number) })),
      extra: extra.length,
      columns: asked.map((number) => columns[number] as Column),
    },
    rows: rowStream(options, fields, limit, signal),
    sorted,
  }
}

/** A batch a turn of the event loop: signals, timers and other connections have to get theirs. */
function rowStream(
  options: GenerateOptions,
  fields: readonly number[],
  limit: number | undefined,
  signal: AbortSignal,
): Readable {
  const rows = generatedRows(options, fields, limit)
  let sent = 0
  const next = (): RowBatch => {
    const batch = rows.next()
    sent += batch.count
    if (sent < Math.min(rows.rows, limit ?? rows.rows)) return batch
    return { ...batch, end: { rows: sent, proven: true, evidence: `all ${sent} rows of the generation were made` } }
  }
  const onAbort = () =>
    stream.destroy(signal.reason instanceof Error ? signal.reason : new Error(String(signal.reason)))
  const stream = new Readable({
    objectMode: true,
    highWaterMark: BATCHES_AHEAD,
    read() {
      setImmediate(() => {
        if (stream.destroyed) return
        const batch = next()
        stream.push(batch)
        if (batch.end !== undefined) stream.push(null)
      })
    },
    destroy(error, callback) {
      signal.removeEventListener('abort', onAbort)
      callback(error)
    },
  })
  signal.addEventListener('abort', onAbort, { once: true })
  return stream
}

function numberOf(name: string, columns: readonly Column[]): number {
  const names = columns.map((column) => column.name)
  const number = names.indexOf(name)
  if (number >= 0) return number
  throw configurationError(
    'column_missing',
    `a generated model has no column ${name}${suggestion(name, names)}; it has ${names.join(', ')}`,
  )
}

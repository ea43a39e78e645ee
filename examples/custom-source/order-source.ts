import { Readable } from 'node:stream'
import {
  type Column,
  configurationError,
  defineSource,
  FatalError,
  type ReadRequest,
  type RowBatch,
  rowBatchOf,
} from 'rowferry'
import { z } from 'zod'
import type { Order } from './order-service.ts'

const COLUMNS: readonly Column[] = [
  { name: 'id', kind: 'integer', type: 'bigint', keyEncoding: 'integer' },
  { name: 'customer', kind: 'text', type: 'text', keyEncoding: 'text' },
  { name: 'note', kind: 'text', type: 'text', keyEncoding: 'text' },
  { name: 'items', kind: 'integer', type: 'bigint', keyEncoding: 'integer' },
  { name: 'total', kind: 'decimal', type: 'numeric', keyEncoding: 'text' },
  { name: 'paid', kind: 'boolean', type: 'boolean', keyEncoding: 'text' },
]

/**
 * A source that a third party could have written, in one file: the orders of an HTTP service. Used with
 * `sync(config, { sources: [orderSource] })` and a connection `{ type: orders, url }`.
 */
export const orderSource = defineSource({
  type: 'orders',
  schemes: [],
  options: z.object({ url: z.url() }),
  async open({ url }, { table }) {
    if (table !== 'orders') throw configurationError('model_table_missing', `there is no ${table}: read table: orders`)
    let last: Page | undefined
    // Every page has to be of the same version: otherwise a row that moved in between is missing, or there twice.
    const page = async (from: number, signal?: AbortSignal): Promise<Page> => {
      const next = await request(`${url}/orders?from=${from}`, signal)
      if (last !== undefined && last.version !== next.version) throw changed()
      last = next
      return next
    }
    return {
      async describe() {
        // The columns are always these; that the service answers has to be known before a run begins.
        await page(0)
        return COLUMNS
      },
      async hasAtLeast(rows) {
        const { count } = await page(0)
        return { enough: count >= rows, rows: count }
      },
      async read(request) {
        const columns = request.columns.map(columnNamed)
        const extra = request.key.filter((name) => !request.columns.includes(name)).map(columnNamed)
        const fields = [...extra, ...columns]
        const field = (name: string) => fields.findIndex((column) => column.name === name)
        return {
          layout: {
            key: request.key.map((name) => ({ field: field(name), encoding: columnNamed(name).keyEncoding })),
            extra: extra.length,
            columns,
          },
          rows: Readable.from(batches(page, fields, request), { highWaterMark: 1 }),
          // The service sorts by id. Any other key is sorted by the engine.
          sorted: request.key.join() === 'id',
        }
      },
      async [Symbol.asyncDispose]() {},
    }
  },
})

/** A page is asked for when the one before was taken: a slow destination slows the service, and nothing piles up. */
async function* batches(
  page: (from: number, signal: AbortSignal) => Promise<Page>,
  fields: readonly Column[],
  { signal }: ReadRequest,
): AsyncGenerator<RowBatch> {
  for (let from = 0; ; ) {
    signal.throwIfAborted()
    const { orders, count } = await page(from, signal)
    from += orders.length
    if (orders.length > 0) yield rowBatchOf(orders.map((order) => fields.map(({ name }) => textOf(order, name))))
    if (orders.length > 0 && from < count) continue
    // Only what proves that this was all may say so: deletes depend on it.
    const proven = from === count
    return yield rowBatchOf([], { rows: from, proven, evidence: `the service counts ${count} orders` })
  }
}

/** Values are texts as Postgres prints them: `t` and `f`, numbers in decimal. */
function textOf(order: Order, column: string): string | null {
  const value = order[column as keyof Order]
  return typeof value === 'boolean' ? (value ? 't' : 'f') : value
}

interface Page {
  readonly version: number
  readonly count: number
  readonly orders: readonly Order[]
}

async function request(url: string, signal?: AbortSignal): Promise<Page> {
  let response: Response
  try {
    response = await fetch(url, signal === undefined ? {} : { signal })
    if (response.ok) return (await response.json()) as Page
  } catch (error) {
    signal?.throwIfAborted()
    throw new FatalError('connection_lost', `${url} does not answer: run again`, { cause: error })
  }
  throw configurationError('unknown_service', `${url} answers ${response.status}: check the URL`)
}

function changed(): FatalError {
  return new FatalError('source_changed', 'the orders changed while they were read: run again')
}

function columnNamed(name: string): Column {
  const column = COLUMNS.find((candidate) => candidate.name === name)
  if (column === undefined) throw configurationError('unknown_column', `orders have no ${name}: correct the sync`)
  return column
}

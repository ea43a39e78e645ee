import assert from 'node:assert/strict'
import { z } from 'zod'
import type { ChangeBatch, Field } from '../../src/core/change.ts'
import type { KeyEncoding } from '../../src/core/column.ts'
import {
  type Destination,
  type DestinationDefinition,
  defineDestination,
  type KeyList,
  type Limits,
  type ObjectDeclaration,
  type ObjectRequest,
} from '../../src/core/destination.ts'
import { DONE, EXISTS, NOT_FOUND, type Outcome } from '../../src/core/outcome.ts'
import { SYNC_MODE_NAMES } from '../../src/core/sync-mode.ts'
import { compareKeyTexts } from './key-order.ts'
import { type rowBatch, rowBatches } from './row-batches.ts'

export type Values = Readonly<Record<string, string | null>>

/** A call of `write`, as the script of a test sees it. */
export interface MapWrite {
  /** 1 for the first call of the destination. */
  readonly number: number
  readonly batch: ChangeBatch
  /** The key of each change; the parts of a composite one are separated by `/`. */
  readonly keys: readonly string[]
  /** Carries out the changes `from .. to`, all where nothing is said, and answers their outcomes. */
  apply(from?: number, to?: number): Outcome[]
}

export interface MapDestinationOptions {
  readonly lists?: ObjectDeclaration['lists']
  /** Whether its list is in key order. */
  readonly sorted?: boolean
  readonly limits?: Partial<Limits>
  readonly shared?: boolean
  /** Columns that find a record, and how they sort; `id`, an integer, unless said otherwise. */
  readonly match?: readonly string[]
  readonly keyEncodings?: readonly KeyEncoding[]
  /** The code with which a record is refused, each by itself. */
  readonly refuses?: (values: Values) => string | undefined
  /** Answers a call: where things go wrong. Without it every change is carried out. */
  readonly script?: (write: MapWrite) => Promise<readonly (Outcome | undefined)[]>
  /** Called before each change is carried out. */
  readonly onChange?: (operation: ChangeBatch['operation'], key: string) => void
}

/**
 * A destination over a map, that does what the port says and checks that the engine does so too: batches within
 * the limits, no more in flight than declared, no key twice in a batch.
 */
export interface MapDestination extends Destination {
  readonly records: Map<string, Values>
  readonly limits: Limits
  /** The writes so far: what was asked, and which keys. */
  readonly writes: { readonly operation: ChangeBatch['operation']; readonly keys: readonly string[] }[]
  /** Calls of `write` that have not answered. */
  readonly inFlight: number
  readonly mostInFlight: number
  /** For `sync()`; the connection is `map:`. */
  readonly definition: DestinationDefinition<{ url?: string | undefined }>
}

const DEFAULT_LIMITS: Limits = { rows: 100, bytes: 1_000_000, inFlight: 1 }

export function mapDestination(options: MapDestinationOptions = {}): MapDestination {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  let { match = ['id'], keyEncodings = ['integer'] } = options
  const records = new Map<string, Values>()
  const writes: MapDestination['writes'] = []
  let inFlight = 0
  let mostInFlight = 0

  const change = (operation: ChangeBatch['operation'], key: string, fields: readonly Field[], row: Values): Outcome => {
    options.onChange?.(operation, key)
    const existing = records.get(key)
    if (operation === 'delete') {
      records.delete(key)
      return DONE
    }
    if (operation === 'update' && existing === undefined) return NOT_FOUND
    if (operation === 'insert' && existing !== undefined) return EXISTS
    const values: Record<string, string | null> = { ...existing }
    for (const { name, nulls, on } of fields) {
      const value = row[name] ?? null
      if (existing !== undefined && (on === 'insert' || (nulls === 'skip' && value === null))) continue
      values[name] = value
    }
    const code = options.refuses?.(values)
    if (code !== undefined) return { status: 'rejected', code, message: `${key} is refused` }
    records.set(key, values)
    return DONE
  }

  const write = async (batch: ChangeBatch): Promise<readonly Outcome[]> => {
    const rows = Array.from({ length: batch.count }, (_, index) => namedValues(batch, index))
    const keys = rows.map((row) => match.map((name) => row[name]).join('/'))
    assert.ok(batch.count > 0 && batch.count <= limits.rows, `a batch of ${batch.count} changes`)
    assert.ok(batch.count === 1 || batch.text.length <= limits.bytes, `a batch of ${batch.text.length} bytes`)
    assert.equal(batch.ends[batch.count - 1], batch.text.length)
    assert.equal(new Set(keys).size, keys.length, 'a key is twice in a batch')
    assert.ok(inFlight < limits.inFlight, `${inFlight + 1} batches are in flight`)
    mostInFlight = Math.max(mostInFlight, ++inFlight)
    writes.push({ operation: batch.operation, keys })
    const apply = (from = 0, to = batch.count) =>
      rows.slice(from, to).map((row, index) => change(batch.operation, keys[from + index] as string, batch.fields, row))
    try {
      if (options.script === undefined) return apply()
      return (await options.script({ number: writes.length, batch, keys, apply })) as readonly Outcome[]
    } finally {
      inFlight--
    }
  }

  const list = (): KeyList => {
    const keys = [...records.values()].map((values) => match.map((name) => values[name] as string))
    if (options.sorted ?? true) keys.sort((a, b) => compareKeyTexts(keyEncodings, a, b))
    return { sorted: options.sorted ?? true, rows: streamOf(rowBatches(keys, 7)) }
  }

  const destination: MapDestination = {
    records,
    limits,
    writes,
    get inFlight() {
      return inFlight
    },
    get mostInFlight() {
      return mostInFlight
    },
    check: async () => [],
    prepare: async () => {},
    write,
    ...(options.lists === 'never' ? {} : { list }),
    [Symbol.asyncDispose]: async () => {},
    definition: defineDestination({
      type: 'map',
      schemes: ['map'],
      options: z.object({ url: z.string().optional() }),
      object: () => ({
        syncModes: SYNC_MODE_NAMES,
        limits,
        shared: options.shared ?? false,
        lists: options.lists ?? 'cheap',
        match: 'any',
        deletesAs: ['delete', 'archive'],
        creates: true,
      }),
      identity: () => 'map:',
      async open(_options, request: ObjectRequest) {
        match = request.match
        keyEncodings = request.keyEncodings
        return destination
      },
    }),
  }
  return destination
}

function namedValues(batch: ChangeBatch, index: number): Values {
  const values = batch.values(index)
  assert.equal(values.length, batch.fields.length)
  return Object.fromEntries(batch.fields.map(({ name }, at) => [name, values[at] as string | null]))
}

async function* streamOf(batches: readonly ReturnType<typeof rowBatch>[]) {
  yield* batches
}

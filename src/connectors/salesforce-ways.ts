import { setImmediate as nextTurn } from 'node:timers/promises'
import { DONE, NOT_FOUND, type Outcome } from '../core/outcome.ts'
import { SYNC_MODES } from '../core/sync-mode.ts'
import type { BulkContext } from './salesforce-bulk-load.ts'
import type { SalesforceField } from './salesforce-fields.ts'
import type { GatheredWrites } from './salesforce-gathered.ts'
import { AllIds, type FoundIds, lookUp } from './salesforce-lookup.ts'
import type { SalesforceObject } from './salesforce-object.ts'
import type { Way } from './salesforce-rows.ts'

/** Up to so many changes of one kind go by calls of 200; the vendor's own threshold for jobs [D]. */
export const COLLECTIONS_UP_TO = 2_000

const WAYS = ['insert', 'upsert', 'update', 'delete'] as const

/** Of rows whose record had to be looked up. */
const LOOKED_UP = 8
const UNKNOWN = 16

/** What each of the gathered rows needs: what is known to be there is changed by its Id, what has to be looked up is. */
export class RowWays implements Disposable {
  readonly #ways: Uint8Array
  readonly #counts = new Map<Way, number>()
  #found: (Disposable & { readonly find: FoundIds }) | undefined

  private constructor(rows: number) {
    this.#ways = new Uint8Array(rows)
  }

  /** Rows that are not to be sent at all are answered. */
  static async find(
    object: SalesforceObject,
    context: BulkContext,
    gathered: GatheredWrites,
    fields: readonly SalesforceField[],
  ): Promise<RowWays> {
    const ways = new RowWays(gathered.rows)
    const unknown = await ways.#sort(object, gathered, fields)
    if (unknown === 0) return ways
    try {
      ways.#found = await findIds(object, context, ways.#matches(gathered), unknown, gathered.signal)
      await ways.#sortFound(object, gathered)
      return ways
    } catch (error) {
      ways[Symbol.dispose]()
      throw error
    }
  }

  /** How many rows go which way. */
  get counts(): ReadonlyMap<Way, number> {
    return this.#counts
  }

  goes(row: number, way: Way): boolean {
    return ((this.#ways[row] as number) & ~LOOKED_UP) === WAYS.indexOf(way) + 1
  }

  /** The Id of the record of a row: the one that came along, or the one that was found by its match. */
  idOf(row: number, known: string | undefined, values: readonly (string | null)[]): string | undefined {
    if (((this.#ways[row] as number) & LOOKED_UP) === 0) return known
    return this.#found?.find(values[0] ?? '')[0]
  }

  /** What was looked up is not needed any more once the rows are written down. */
  [Symbol.dispose](): void {
    this.#found?.[Symbol.dispose]()
    this.#found = undefined
  }

  #go(row: number, way: Way, more = 0): void {
    this.#ways[row] = (WAYS.indexOf(way) + 1) | more
    this.#counts.set(way, (this.#counts.get(way) ?? 0) + 1)
  }

  /** Answers how many have to be looked up. */
  async #sort(object: SalesforceObject, gathered: GatheredWrites, fields: readonly SalesforceField[]): Promise<number> {
    const { operation } = gathered
    const insertOnly = fields.some(({ field }) => field.on === 'insert')
    const creates = operation === 'update' && !insertOnly && isCreating(object, gathered)
    const byId = operation === 'update' || operation === 'delete'
    let unknown = 0
    for (const { batch, first } of gathered.batches()) {
      const ids = byId ? batch.ids : undefined
      for (let index = 0; index < batch.count; index++) {
        if (byId && ids?.[index] !== undefined) this.#go(first + index, operation)
        else if (operation === 'insert') this.#go(first + index, 'insert')
        else if (creates || (operation === 'upsert' && !insertOnly)) this.#go(first + index, 'upsert')
        else {
          this.#ways[first + index] = UNKNOWN
          unknown++
        }
      }
      await nextTurn()
    }
    return unknown
  }

  /** The values by which rows have to be looked up. */
  *#matches(gathered: GatheredWrites): Generator<string> {
    for (const { batch, first } of gathered.batches()) {
      for (let index = 0; index < batch.count; index++) {
        if (this.#ways[first + index] !== UNKNOWN) continue
        const [value] = batch.values(index)
        if (value != null) yield value
      }
    }
  }

  async #sortFound(object: SalesforceObject, gathered: GatheredWrites): Promise<void> {
    const { operation } = gathered
    for (const { batch, first } of gathered.batches()) {
      for (let index = 0; index < batch.count; index++) {
        const row = first + index
        if (this.#ways[row] !== UNKNOWN) continue
        const [value] = batch.values(index)
        const ids = value == null ? [] : (this.#found?.find(value) ?? [])
        if (value == null) gathered.answer(row, missingMatch(object.matchName))
        else if (ids.length > 1) gathered.answer(row, severalRecords(object.matchName, ids))
        else if (ids.length === 1) this.#go(row, operation === 'delete' ? 'delete' : 'update', LOOKED_UP)
        else if (operation === 'upsert') this.#go(row, 'upsert')
        else gathered.answer(row, operation === 'delete' ? DONE : NOT_FOUND)
      }
      await nextTurn()
    }
  }
}

/** Whether an update of a record that is not there makes it: never one that stands for a delete. */
function isCreating(object: SalesforceObject, { fields }: GatheredWrites): boolean {
  const { mode, fields: mapped } = object.request
  const isRow = fields.length === mapped.length && fields.every(({ name }, at) => name === mapped[at]?.name)
  return SYNC_MODES[mode].insert && isRow
}

async function findIds(
  object: SalesforceObject,
  context: BulkContext,
  values: Iterable<string>,
  count: number,
  signal: AbortSignal,
): Promise<Disposable & { readonly find: FoundIds }> {
  if (object.matchName === 'Id') return { find: (value) => [value], [Symbol.dispose]() {} }
  const match = await object.match(signal)
  context.session.checkBudget()
  if (count <= COLLECTIONS_UP_TO) {
    const find = await lookUp(context, object.request.name, match, [...values], signal)
    return { find, [Symbol.dispose]() {} }
  }
  const all = await AllIds.read(context, object.request.name, match, signal)
  return { find: (value) => all.find(value), [Symbol.dispose]: () => all[Symbol.dispose]() }
}

function missingMatch(field: string): Outcome {
  return { status: 'rejected', code: 'missing_match', message: `${field} finds the record and is null` }
}

function severalRecords(field: string, ids: readonly string[]): Outcome {
  const some = ids.slice(0, 5).join(', ')
  const message = `${ids.length} records have this ${field} (${some}): merge them, or mark the field unique in Salesforce`
  const code = 'DUPLICATE_EXTERNAL_ID'
  return { status: 'rejected', code, message }
}

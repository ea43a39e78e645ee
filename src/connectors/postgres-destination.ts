import type { ChangeBatch } from '../core/change.ts'
import { type Destination, defineDestination, type KeyList, type ObjectRequest } from '../core/destination.ts'
import { configurationError } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'
import type { RowBatch } from '../core/row-batch.ts'
import { SYNC_MODE_NAMES } from '../core/sync-mode.ts'
import { identity, located, type PostgresOptions, postgresOptions } from './postgres-connection.ts'
import { createTable } from './postgres-create-table.ts'
import { listKeys } from './postgres-key-list.ts'
import {
  type PostgresPlace,
  type PostgresTable,
  readPlace,
  readTable,
  tableName,
  tableNames,
} from './postgres-table.ts'
import { checkMissing, checkPlace, checkTable, concluded } from './postgres-table-check.ts'
import type { WriteContext } from './postgres-write-error.ts'
import { inspect, openWriteSession, WRITE_TIMEOUTS, type WriteTimeouts } from './postgres-write-session.ts'
import { PostgresWriter } from './postgres-writer.ts'

/** A table of a Postgres database. The object is its name, with or without its schema. */
export const postgresDestination = defineDestination<PostgresOptions>({
  type: 'postgres',
  schemes: ['postgres', 'postgresql'],
  options: postgresOptions,
  object: () => ({
    syncModes: SYNC_MODE_NAMES,
    limits: { rows: 10_000, bytes: 8 * 1024 * 1024, inFlight: 2 },
    shared: false,
    lists: 'cheap',
    match: 'any',
    deletesAs: ['delete'],
    creates: true,
  }),
  locate: located,
  identity,
  async open(options, object) {
    return openTable(options, object)
  },
})

/** Opens a table with other time-outs than a sync has. */
export async function openTable(
  options: PostgresOptions,
  object: ObjectRequest,
  timeouts: WriteTimeouts = WRITE_TIMEOUTS,
): Promise<Destination> {
  tableName(object.name)
  const at = `${options.host}:${options.port}/${options.database}`
  const context = { at, table: object.name, user: options.user ?? 'the user' }
  const found = await inspect(options, context, timeouts, async (client): Promise<Findings> => {
    const table = await readTable(client, object.name)
    const names = table === undefined ? await tableNames(client, object.name) : []
    return { place: await readPlace(client, object.name), table, names }
  })
  return new PostgresTableDestination(options, object, { ...context, user: found.place.user }, found, timeouts)
}

/** What the database says about the object. */
interface Findings {
  readonly place: PostgresPlace
  readonly table: PostgresTable | undefined
  /** Tables that could be meant, where there is none of that name. */
  readonly names: readonly string[]
}

class PostgresTableDestination implements Destination {
  readonly #options: PostgresOptions
  readonly #object: ObjectRequest
  readonly #context: WriteContext
  readonly #timeouts: WriteTimeouts
  #found: Findings
  #writer: PostgresWriter | undefined

  constructor(
    options: PostgresOptions,
    object: ObjectRequest,
    context: WriteContext,
    found: Findings,
    timeouts: WriteTimeouts,
  ) {
    this.#options = options
    this.#object = object
    this.#context = context
    this.#found = found
    this.#timeouts = timeouts
  }

  async check(): Promise<readonly string[]> {
    const { place, table, names } = this.#found
    const { problems, notes } =
      table === undefined ? checkMissing(this.#object, place, names) : checkTable(this.#object, place, table)
    return concluded(this.#object, { problems: [...checkPlace(place), ...problems], notes })
  }

  async prepare(): Promise<'created' | undefined> {
    const { place, table } = this.#found
    if (table !== undefined || !this.#object.create) return undefined
    const { schema } = place
    if (schema === null) throw this.#missing()
    const created = await inspect(this.#options, this.#context, this.#timeouts, async (client) => {
      await createTable(client, { schema, name: tableName(this.#object.name).table }, this.#object)
      return readTable(client, this.#object.name)
    })
    this.#found = { place, table: created, names: [] }
    return 'created'
  }

  async write(batch: ChangeBatch, signal: AbortSignal): Promise<readonly Outcome[]> {
    signal.throwIfAborted()
    if (this.#found.table === undefined) throw this.#missing()
    this.#writer ??= new PostgresWriter({
      table: this.#found.table,
      object: this.#object,
      context: this.#context,
      idleTimeoutMs: this.#timeouts.answerMs,
      connect: () => openWriteSession(this.#options, this.#timeouts),
    })
    return this.#writer.write(batch, signal)
  }

  list(signal: AbortSignal): KeyList {
    const { table, place } = this.#found
    if (table === undefined) return { sorted: true, rows: noKeys() }
    return listKeys(
      {
        table,
        object: this.#object,
        context: this.#context,
        encoding: place.encoding,
        idleTimeoutMs: this.#timeouts.listMs,
        connect: () => openWriteSession(this.#options, this.#timeouts),
      },
      signal,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer?.[Symbol.asyncDispose]()
  }

  #missing() {
    const name = this.#object.name
    return configurationError(
      'unknown_table',
      `there is no table ${name} in ${this.#context.at}: create it, or set create: true`,
    )
  }
}

/** The list of a table that is not there yet. */
async function* noKeys(): AsyncGenerator<RowBatch> {
  const end = { rows: 0, proven: true, evidence: 'the table does not exist yet' }
  yield { bytes: Buffer.alloc(0), offsets: new Uint32Array(1), count: 0, end }
}

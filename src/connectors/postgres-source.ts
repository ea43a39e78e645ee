import type { Readable } from 'node:stream'
import pg from 'pg'
import type { Column } from '../core/column.ts'
import { configurationError } from '../core/errors.ts'
import { defineSource, type ModelRequest, type Reading, type ReadRequest, type Source } from '../core/source.ts'
import { located, type PostgresOptions, postgresOptions } from './postgres-connection.ts'
import { copyRows } from './postgres-copy-reader.ts'
import { cursorRows } from './postgres-cursor-reader.ts'
import { answer } from './postgres-idle.ts'
import { fromModel, type PostgresModel, parseModel } from './postgres-model.ts'
import { readError } from './postgres-read-error.ts'
import { planRead } from './postgres-read-plan.ts'
import type { RowStreamRequest } from './postgres-row-stream.ts'
import { openSession, type PostgresSession } from './postgres-session.ts'

/** A PostgreSQL database, or a server that speaks its protocol, as the source of a model. */
export const postgresSource = defineSource<PostgresOptions>({
  type: 'postgres',
  schemes: ['postgres', 'postgresql'],
  options: postgresOptions,
  locate: located,
  async open(options, request) {
    return new PostgresSource(options, request, parseModel(request))
  },
})

/** One model, read once, from the snapshot of one transaction. Connects on the first question. */
class PostgresSource implements Source {
  readonly #options: PostgresOptions
  readonly #request: ModelRequest
  readonly #model: PostgresModel
  #session: Promise<PostgresSession> | undefined
  #rows: Readable | undefined

  constructor(options: PostgresOptions, request: ModelRequest, model: PostgresModel) {
    this.#options = options
    this.#request = request
    this.#model = model
  }

  #open(): Promise<PostgresSession> {
    this.#session ??= openSession(this.#options, this.#model, this.#request.idleTimeoutMs)
    return this.#session
  }

  async describe(): Promise<readonly Column[]> {
    const { columns } = await this.#open()
    return columns.map(({ name, type, kind, keyEncoding }) => ({ name, type, kind, keyEncoding }))
  }

  async hasAtLeast(rows: number): Promise<{ readonly enough: boolean; readonly rows: number }> {
    const { ask, bound, values } = await this.#open()
    const wanted = Math.max(0, Math.ceil(rows))
    const { sql } = fromModel('SELECT 1', bound)
    const [counted] = await ask(`SELECT count(*) AS rows FROM (${sql} LIMIT ${wanted}) AS counted`, values)
    const found = Number(counted?.['rows'])
    return { enough: found >= rows, rows: found }
  }

  async read({ key, columns, signal, part }: ReadRequest): Promise<Reading> {
    signal.throwIfAborted()
    const session = await this.#open()
    if (this.#rows !== undefined) throw new Error('a source is read once; open another')
    const { client, context, encoding, values } = session
    const plan = planRead(session.columns, { key, columns, part }, encoding)
    const request: RowStreamRequest = { client, context, idleTimeoutMs: this.#request.idleTimeoutMs, signal }
    const rest = plan.where + plan.orderBy
    const copy = fromModel(`SELECT ${plan.select}`, session.inlined).sql + rest
    const usesCopy = this.#request.read !== 'cursor' && (await this.#allowsCopy(session, copy))
    signal.throwIfAborted()
    this.#rows = usesCopy
      ? copyRows(request, copy + plan.limit)
      : cursorRows(request, {
          sql: fromModel(`SELECT ${plan.select}`, session.bound).sql + rest + plan.limit,
          values,
        })
    return { layout: plan.layout, rows: this.#rows }
  }

  /**
   * Whether the server copies this query, asked by copying none of its rows: some servers and poolers of the same
   * protocol do not. A savepoint keeps the snapshot when it refuses.
   */
  async #allowsCopy({ client, context, ask }: PostgresSession, query: string): Promise<boolean> {
    await ask('SAVEPOINT before_copy')
    try {
      await answer(client, context.at, this.#request.idleTimeoutMs, client.query(`COPY (${query} LIMIT 0) TO STDOUT`))
      return true
    } catch (error) {
      // The query itself was accepted before: what the server refuses now is COPY.
      const refused = error instanceof pg.DatabaseError && /^(0A|42)/.test(error.code ?? '')
      if (!refused) throw readError(error, context, 0)
      if (this.#request.read === 'copy') throw copyRefused(context.at, error)
    }
    await ask('ROLLBACK TO SAVEPOINT before_copy')
    return false
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const rows = this.#rows
    if (rows !== undefined && !rows.closed) {
      const closed = new Promise((resolve) => rows.once('close', resolve))
      rows.destroy()
      await closed
    }
    // Where opening failed, nothing is open, and whoever opened knows why.
    const session = await this.#session?.catch(() => undefined)
    await session?.[Symbol.asyncDispose]()
  }
}

function copyRefused(at: string, error: pg.DatabaseError): Error {
  return configurationError('copy_refused', `${at} refuses COPY (${error.message}): set read: cursor, or auto`, error)
}

import type { Readable } from 'node:stream'
import pg from 'pg'
import type { Column } from '../core/column.ts'
import { configurationError } from '../core/errors.ts'
import {
  defineSource,
  type ModelRequest,
  type Reading,
  type ReadRequest,
  type Source,
  type WholeRows,
} from '../core/source.ts'
import { disconnect, located, type PostgresOptions, postgresOptions } from './postgres-connection.ts'
import { copyRows } from './postgres-copy-reader.ts'
import { cursorRows } from './postgres-cursor-reader.ts'
import { divideRead, rangeQuery } from './postgres-divide.ts'
import { fetchRows, requireDigest, unfetchable } from './postgres-fetch.ts'
import { answer } from './postgres-idle.ts'
import { fromModel, type PostgresModel, parseModel } from './postgres-model.ts'
import { parallelCopyRows } from './postgres-parallel-reader.ts'
import { readError } from './postgres-read-error.ts'
import { planRead, type ReadPlan } from './postgres-read-plan.ts'
import type { RowStreamRequest } from './postgres-row-stream.ts'
import { openSession, type PostgresSession } from './postgres-session.ts'
import { shareSnapshot } from './postgres-snapshot.ts'

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
  /** Besides the session's own. */
  #clients: readonly pg.Client[] = []
  #whole: WholeRows | undefined

  constructor(options: PostgresOptions, request: ModelRequest, model: PostgresModel) {
    this.#options = options
    this.#request = request
    this.#model = model
  }

  #open(): Promise<PostgresSession> {
    this.#session ??= this.#connect()
    return this.#session
  }

  async #connect(): Promise<PostgresSession> {
    const session = await openSession(this.#options, this.#model, this.#request.idleTimeoutMs)
    try {
      if (this.#request.digest === true) await requireDigest(session)
      return session
    } catch (error) {
      await session[Symbol.asyncDispose]()
      throw error
    }
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

  async read(request: ReadRequest): Promise<Reading> {
    const { key, columns, signal, part, digest } = request
    signal.throwIfAborted()
    const session = await this.#open()
    if (this.#rows !== undefined) throw new Error('a source is read once; open another')
    const planned = (lines: { readonly columns: boolean }) => {
      const asked = { key, columns, part, digest: digest && { seed: digest.seed, ...lines } }
      return planRead(session.columns, asked, session.encoding)
    }
    const plan = planned({ columns: true })
    const usesCopy = this.#request.read !== 'cursor' && (await this.#allowsCopy(session, copyQuery(session, plan)))
    signal.throwIfAborted()
    const fetches = usesCopy && part === undefined && digest?.rows === 'changed'
    const unfit = fetches ? await unfetchable(session, plan) : undefined
    if (fetches && unfit === undefined) {
      const { idleTimeoutMs } = this.#request
      this.#whole = await fetchRows(session, this.#options, plan, { idleTimeoutMs, signal })
      return { ...(await this.#read(session, planned({ columns: false }), request)), whole: this.#whole }
    }
    const reading = await this.#read(session, plan, request, usesCopy)
    if (unfit === undefined) return reading
    return { ...reading, notes: [...(reading.notes ?? []), `every row is read as a whole: ${unfit}`] }
  }

  async #read(session: PostgresSession, plan: ReadPlan, request: ReadRequest, usesCopy = true): Promise<Reading> {
    const { rows, notes = [] } = usesCopy
      ? await this.#copy(session, plan, request)
      : { rows: this.#cursor(session, plan, request.signal) }
    this.#rows = rows
    const { layout, digest } = plan
    return { layout, rows, notes, ...(digest === undefined ? {} : { digest }) }
  }

  #streamOf({ client, context }: PostgresSession, signal: AbortSignal): RowStreamRequest {
    return { clients: [client, ...this.#clients], context, idleTimeoutMs: this.#request.idleTimeoutMs, signal }
  }

  #cursor(session: PostgresSession, plan: ReadPlan, signal: AbortSignal): Readable {
    const { sql } = fromModel(`SELECT ${plan.select}`, session.bound)
    return cursorRows(this.#streamOf(session, signal), {
      sql: sql + plan.where + plan.orderBy + plan.limit,
      values: session.values,
    })
  }

  async #copy(
    session: PostgresSession,
    plan: ReadPlan,
    request: ReadRequest,
  ): Promise<Pick<Reading, 'rows' | 'notes'>> {
    const { idleTimeoutMs, parallel = 1 } = this.#request
    const { part, signal, splits = () => [] } = request
    const alone = () => copyRows(this.#streamOf(session, signal), copyQuery(session, plan) + plan.limit)
    if (parallel === 1 || part !== undefined) return { rows: alone() }
    const ranges = await divideRead(session, plan, { splits: splits(), connections: parallel })
    if ('undivided' in ranges) return { rows: alone(), notes: [`read over one connection: ${ranges.undivided}`] }
    this.#clients = await shareSnapshot(session, this.#options, { count: parallel - 1, idleTimeoutMs })
    signal.throwIfAborted()
    const queries = ranges.conditions.map((condition) => rangeQuery(session, plan, condition))
    return { rows: parallelCopyRows(this.#streamOf(session, signal), queries) }
  }

  /**
   * Whether the server copies this query, asked by copying none of its rows: some servers and poolers of the same
   * protocol do not. A savepoint keeps the snapshot when it refuses.
   */
  async #allowsCopy({ client, context, ask }: PostgresSession, query: string): Promise<boolean> {
    await ask('SAVEPOINT before_copy')
    try {
      await answer(client, context.at, this.#request.idleTimeoutMs, client.query(`COPY (${query} LIMIT 0) TO STDOUT`))
      await ask('RELEASE SAVEPOINT before_copy')
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
    await Promise.all([this.#whole?.close(), ...this.#clients.map(disconnect)])
    // Where opening failed, nothing is open, and whoever opened knows why.
    const session = await this.#session?.catch(() => undefined)
    await session?.[Symbol.asyncDispose]()
  }
}

function copyQuery({ inlined }: PostgresSession, plan: ReadPlan): string {
  return fromModel(`SELECT ${plan.select}`, inlined).sql + plan.where + plan.orderBy
}

function copyRefused(at: string, error: pg.DatabaseError): Error {
  return configurationError('copy_refused', `${at} refuses COPY (${error.message}): set read: cursor, or auto`, error)
}

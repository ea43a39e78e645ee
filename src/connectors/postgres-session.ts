import type pg from 'pg'
import { connect, disconnect, type PostgresOptions, settingsStatement } from './postgres-connection.ts'
import { quoteLiteral } from './postgres-identifiers.ts'
import { answer } from './postgres-idle.ts'
import { bound, fromModel, type PostgresModel, type RenderedModel } from './postgres-model.ts'
import { modelError, notAQuery, type ReadContext, readError } from './postgres-read-error.ts'
import { refuseDuplicates } from './postgres-read-plan.ts'
import { describeQuery } from './postgres-statement.ts'
import { describeTypes, type PostgresColumn } from './postgres-types.ts'

/**
 * A connection inside one read-only snapshot, with the model described and known to be readable in it. Everything that
 * is asked through it sees the same rows.
 */
export interface PostgresSession extends AsyncDisposable {
  readonly client: pg.Client
  readonly context: ReadContext
  readonly columns: readonly PostgresColumn[]
  /** Encoding of the database, such as `UTF8`. */
  readonly encoding: string
  /** The model with `$1` for its parameters, the values to send along, and the model with its values in it. */
  readonly bound: RenderedModel
  readonly values: (string | null)[]
  readonly inlined: RenderedModel
  /** Runs a statement and answers its rows. Throws FatalError. */
  ask(sql: string, values?: (string | null)[]): Promise<Record<string, string | null>[]>
}

/** Opens the snapshot in one message, and tells the encoding of the database with its last answer. */
const BEGIN = [
  'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
  settingsStatement('transaction'),
  "SELECT pg_catalog.current_setting('server_encoding') AS encoding",
].join('; ')

/** Connects, opens the snapshot and describes the model. Throws FatalError; then nothing stays open. */
export async function openSession(
  options: PostgresOptions,
  model: PostgresModel,
  idleTimeoutMs: number,
): Promise<PostgresSession> {
  const client = await connect(options)
  try {
    return await describe(client, options, model, idleTimeoutMs)
  } catch (error) {
    await disconnect(client)
    throw error
  }
}

async function describe(
  client: pg.Client,
  options: PostgresOptions,
  model: PostgresModel,
  idleTimeoutMs: number,
): Promise<PostgresSession> {
  const at = `${options.host}:${options.port}/${options.database}`
  const context: ReadContext = { at, user: client.user ?? '', model }
  const wait = <T>(work: Promise<T>) => answer(client, at, idleTimeoutMs, work)
  const ask = async (sql: string, values: (string | null)[] = []) => {
    try {
      const { rows } = await wait(client.query<Record<string, string | null>>(sql, values))
      return rows
    } catch (error) {
      throw readError(error, context, 0)
    }
  }
  const begun = await wait(client.query<{ encoding: string }>(BEGIN)).catch((error: unknown) => {
    throw readError(error, context, 0)
  })
  // pg answers several statements with several results, and declares one.
  const [server] = (begun as unknown as (typeof begun)[]).at(-1)?.rows ?? []

  const rendered = model.render(bound)
  const values = model.parameters.map((parameter) => parameter.value)
  // Starting the query without fetching a row shows the rest: what is no query, a missing privilege, a wrong value.
  const { sql, prefix } = fromModel('SELECT *', rendered)
  const probe = `${sql} LIMIT 0`
  const described = await wait(describeQuery(client, rendered.sql, { text: probe, values })).catch((error: unknown) => {
    throw readError(error, context, 0)
  })
  const { columns = [], refusal } = described
  if (refusal?.at === 'query') throw modelError(refusal.error, context, { sql: rendered.sql, rendered, prefix: 0 })
  // What parses by itself and not as a table to select from is a statement of another kind: INSERT, SHOW, EXPLAIN.
  if (refusal?.at === 'probe' && isSyntax(refusal.error)) throw notAQuery(refusal.error)
  if (refusal === undefined && columns.length === 0) throw notAQuery()
  refuseDuplicates(columns)
  if (refusal !== undefined) throw modelError(refusal.error, context, { sql: probe, rendered, prefix })
  const types = await wait(describeTypes(client, columns, described.parameters)).catch((error: unknown) => {
    throw readError(error, context, 0)
  })
  return {
    client,
    context,
    columns: types.columns,
    encoding: server?.encoding ?? 'UTF8',
    bound: rendered,
    values,
    inlined: model.render((index) => inline(values[index] ?? null, types.parameters[index] as string)),
    ask,
    [Symbol.asyncDispose]: () => disconnect(client),
  }
}

/** A value in a query's text, as what the server would have read it as had it been sent beside the query. */
function inline(value: string | null, type: string): string {
  return `(${value === null ? 'NULL' : quoteLiteral(value)}::${type})`
}

function isSyntax(error: unknown): boolean {
  return (error as { code?: unknown }).code === '42601'
}

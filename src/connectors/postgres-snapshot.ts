import pg from 'pg'
import { configurationError, messageOf } from '../core/errors.ts'
import { applySessionSettings, connect, disconnect, type PostgresOptions } from './postgres-connection.ts'
import { quoteLiteral } from './postgres-identifiers.ts'
import { answer } from './postgres-idle.ts'
import { readError } from './postgres-read-error.ts'
import type { PostgresSession } from './postgres-session.ts'

/**
 * Opens `count` more connections in the snapshot of a session. Throws FatalError, `parallel_refused` where the server
 * shares no snapshots; then none stays open.
 */
export async function shareSnapshot(
  session: PostgresSession,
  options: PostgresOptions,
  { count, idleTimeoutMs }: { readonly count: number; readonly idleTimeoutMs: number },
): Promise<pg.Client[]> {
  const { context } = session
  const refused = (error: unknown) =>
    error instanceof pg.DatabaseError && /^(0A|22|25|42|55)/.test(error.code ?? '')
      ? parallelRefused(context.at, error)
      : readError(error, context, 0)
  const wait = <T>(client: pg.Client, work: Promise<T>) => answer(client, context.at, idleTimeoutMs, work)
  const exported = session.client.query<{ id: string }>('SELECT pg_catalog.pg_export_snapshot() AS id')
  const { rows } = await wait(session.client, exported).catch((error: unknown) => {
    throw refused(error)
  })
  const snapshot = quoteLiteral(rows[0]?.id ?? '')
  const join = async () => {
    const client = await connect(options)
    try {
      await wait(client, client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY'))
      await wait(client, client.query(`SET TRANSACTION SNAPSHOT ${snapshot}`))
      await wait(client, applySessionSettings(client, 'transaction'))
      return client
    } catch (error) {
      await disconnect(client)
      throw refused(error)
    }
  }
  const joined = await Promise.allSettled(Array.from({ length: count }, join))
  const failed = joined.find((result) => result.status === 'rejected')
  const clients = joined.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  if (failed === undefined) return clients
  await Promise.all(clients.map(disconnect))
  throw failed.reason
}

function parallelRefused(at: string, error: pg.DatabaseError): Error {
  return configurationError(
    'parallel_refused',
    `${at} does not share its snapshot with other connections (${messageOf(error)}): remove read.parallel of the source, ` +
      'or connect to the server itself and not to a pooler',
    error,
  )
}

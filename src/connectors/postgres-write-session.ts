import pg from 'pg'
import { FatalError, RetryableError } from '../core/errors.ts'
import { applySessionSettings, connect, disconnect, type PostgresOptions } from './postgres-connection.ts'
import { idleWatch } from './postgres-idle.ts'
import { type WriteContext, writeError } from './postgres-write-error.ts'

/** Milliseconds without a sign of life after which a connection is given up. */
export interface WriteTimeouts {
  /** While a batch is written, or something is asked about the table. */
  readonly answerMs: number
  /** While keys are listed: a large table is sorted before its first key comes. */
  readonly listMs: number
}

export const WRITE_TIMEOUTS: WriteTimeouts = { answerMs: 60_000, listMs: 15 * 60_000 }

/** How often a server looks whether the client is still there: what a killed run sent must not land much later. */
const CLIENT_CHECK = '5s'

/** Opens a connection on which a line of COPY text means what it meant in the source. Throws as `connect` does. */
export async function openWriteSession(options: PostgresOptions, { answerMs }: WriteTimeouts): Promise<pg.Client> {
  const client = await connect(options)
  const watch = idleWatch([client], answerMs, () => client.connection.stream.destroy())
  watch.start()
  try {
    await applySessionSettings(client, 'session')
    await client.query(`SET xmloption = content`)
    await checkClient(client)
    return client
  } catch (error) {
    client.connection.stream.destroy()
    throw error
  } finally {
    watch.stop()
  }
}

/** From PostgreSQL 14 on, where the system of the server can do it; elsewhere the server refuses the value. */
async function checkClient(client: pg.Client): Promise<void> {
  const name = 'client_connection_check_interval'
  try {
    await client.query(
      `SELECT pg_catalog.set_config(name, '${CLIENT_CHECK}', false) FROM pg_catalog.pg_settings WHERE name = '${name}'`,
    )
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || error.code !== '22023') throw error
  }
}

/** Asks something on a connection of its own. Throws FatalError: there is no batch that could be sent again. */
export async function inspect<T>(
  options: PostgresOptions,
  context: WriteContext,
  timeouts: WriteTimeouts,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  let client: pg.Client | undefined
  try {
    client = await openWriteSession(options, timeouts)
    const { stream } = client.connection
    const watch = idleWatch([client], timeouts.answerMs, () => stream.destroy())
    watch.start()
    try {
      return await work(client)
    } finally {
      watch.stop()
    }
  } catch (error) {
    const explained = writeError(error, context, [])
    if (explained instanceof RetryableError) {
      throw new FatalError('connection_lost', `${explained.message}: run again`, { cause: error })
    }
    if (!(error instanceof pg.DatabaseError)) throw explained
    const message =
      `${context.at} could not be asked about ${context.table} (${error.code}: ${error.message}): ` +
      'check that it is a PostgreSQL server of version 12 or later'
    throw new FatalError('postgres_error', message, { cause: error })
  } finally {
    if (client !== undefined) await disconnect(client)
  }
}

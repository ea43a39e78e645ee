import type { KeyEncoding } from '../core/column.ts'
import { configurationError, FatalError } from '../core/errors.ts'
import type { WholeRows } from '../core/source.ts'
import { disconnect, type PostgresOptions } from './postgres-connection.ts'
import { copyRows } from './postgres-copy-reader.ts'
import { explain, rangeQuery } from './postgres-divide.ts'
import type { ReadPlan } from './postgres-read-plan.ts'
import { indivisible } from './postgres-read-ranges.ts'
import type { PostgresSession } from './postgres-session.ts'
import { shareSnapshot } from './postgres-snapshot.ts'

/** Keys of one statement: enough that what it costs by itself does not count. */
const MOST_KEYS = 1000
/** Finding one row may cost this much by the planner's measure, or this share of reading the whole model. */
const LOOKUP_COST = 100
const LOOKUP_SHARE = 0.01

/** A key of each type, to ask the planner about: it goes by how many keys are asked for, not by which. */
const ANY_KEY: Readonly<Record<KeyEncoding, string>> = {
  integer: '1',
  uuid: '00000000-0000-0000-0000-000000000001',
  text: 'a',
  bytes: '\\x61',
  boolean: 't',
  date: '2000-01-01',
  timestamp: '2000-01-01 00:00:00',
  timestamptz: '2000-01-01 00:00:00+00',
}

/**
 * Why single rows of the model cannot be had by their keys for much less than the whole costs, or not for sure the same
 * as before; undefined where they can. Throws FatalError.
 */
export async function unfetchable(session: PostgresSession, plan: ReadPlan): Promise<string | undefined> {
  const whole = await explain(session, rangeQuery(session, plan))
  const key = plan.layout.key.map(({ encoding }) => ANY_KEY[encoding])
  const one = await explain(session, rangeQuery(session, plan, plan.having([key])))
  const unfit = indivisible(one)
  if (unfit !== undefined) return `what its plan does (${unfit}) is not sure to give the same row again`
  const most = Math.max(LOOKUP_COST, whole['Total Cost'] * LOOKUP_SHARE)
  return one['Total Cost'] <= most ? undefined : 'no index finds a row by its key'
}

/**
 * Fetches rows over a connection of its own, in the snapshot of the session, which is busy meanwhile. Throws FatalError:
 * `digest_refused` where the server does not share its snapshot.
 */
export async function fetchRows(
  session: PostgresSession,
  options: PostgresOptions,
  plan: ReadPlan,
  { idleTimeoutMs, signal }: { readonly idleTimeoutMs: number; readonly signal: AbortSignal },
): Promise<WholeRows> {
  const { context } = session
  const [client] = await shareSnapshot(session, options, { count: 1, idleTimeoutMs }).catch((error: unknown) => {
    const refused = error instanceof FatalError && error.code === 'parallel_refused'
    throw refused ? digestRefused(context.at, 'it does not share its snapshot with a second connection', error) : error
  })
  if (client === undefined) throw new RangeError('no connection was opened')
  let closed: Promise<void> | undefined
  return {
    layout: plan.layout,
    most: MOST_KEYS,
    fetch: (keys) =>
      copyRows(
        { clients: [client], context, idleTimeoutMs, signal, more: true },
        rangeQuery(session, plan, plan.having(keys)),
      ),
    close: () => {
      closed ??= disconnect(client)
      return closed
    },
  }
}

/** Throws FatalError `digest_refused` where the server has no functions to compute fingerprints with. */
export async function requireDigest({ ask, context }: PostgresSession): Promise<void> {
  const functions = ['hashtextextended(text,bigint)', 'hashint8extended(bigint,bigint)']
  const wanted = functions.map((name) => `pg_catalog.to_regprocedure('pg_catalog.${name}')`)
  const [answer] = await ask(`SELECT num_nonnulls(${wanted.join(', ')}) AS known`).catch((error: unknown) => {
    const refused = error instanceof FatalError && error.code === 'model_failed'
    throw refused ? digestRefused(context.at, 'it does not say what functions it has', error) : error
  })
  if (answer?.['known'] !== String(functions.length)) {
    throw digestRefused(context.at, 'it lacks functions for hashes of 64 bits')
  }
}

function digestRefused(at: string, why: string, cause?: unknown): Error {
  return configurationError(
    'digest_refused',
    `${at} computes no fingerprints for a read (${why}): remove read.digest of the source, or connect to a PostgreSQL 11 ` +
      'or later itself and not to a pooler',
    cause,
  )
}

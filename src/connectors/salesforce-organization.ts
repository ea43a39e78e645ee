import * as z from 'zod'
import { FatalError } from '../core/errors.ts'
import { readAs, type SalesforceSession } from './salesforce-session.ts'
import type { SalesforceTokens } from './salesforce-tokens.ts'

/** A note of the check. */
export const UNKNOWN_ORGANIZATION =
  'Salesforce does not show this user the Organization: whether the org is the one that the key index is of cannot be checked'

const page = z.object({ records: z.array(z.object({ Id: z.string() })) })

/**
 * `Salesforce org 00D…`: one login URL can lead to many. By the identity URL that came with the token [D: Identity URLs],
 * otherwise by a query; Organization has one record [D: Object Reference]. Undefined where the user may not read it, which
 * is answered with INVALID_TYPE [I: jsforce/jsforce#423].
 */
export async function readOrganization(
  tokens: SalesforceTokens,
  session: SalesforceSession,
  signal: AbortSignal,
): Promise<string | undefined> {
  const named = /\/id\/(00D\w{12})/.exec((await tokens.identityUrl(signal)) ?? '')?.[1]
  const id = named ?? (await queriedId(session, signal))
  // 15 characters say it all; the three behind them are a checksum of their case, and not everywhere.
  return id === undefined ? undefined : `Salesforce org ${id.slice(0, 15)}`
}

async function queriedId(session: SalesforceSession, signal: AbortSignal): Promise<string | undefined> {
  const path = `query?${new URLSearchParams({ q: 'SELECT Id FROM Organization' })}`
  const said = await session.json({ method: 'GET', path, refused: 'undefined' }, signal).catch((error: unknown) => {
    if (error instanceof FatalError && error.code === 'permission_denied') return undefined
    throw error
  })
  return said === undefined ? undefined : readAs(page, said, 'the Id of the Organization').records[0]?.Id
}

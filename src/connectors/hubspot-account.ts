import { FatalError } from '../core/errors.ts'
import { type HubspotSession, objectOf } from './hubspot-session.ts'

/** A note of the check. */
export const UNKNOWN_ACCOUNT =
  'HubSpot does not tell this token which account it is of (scope oauth): whether it is the one that the key index is of cannot be checked'

/**
 * `HubSpot account 1234567`: all accounts have one address, and record ids of one are other records in another. Undefined
 * where the token may not read it. Any app may that has the scope `oauth` [D: account information API].
 */
export async function readAccount(session: HubspotSession, signal: AbortSignal): Promise<string | undefined> {
  const reply = await session.call('GET', session.paths.account, signal).catch((error: unknown) => {
    if (error instanceof FatalError && error.code === 'permission_denied') return undefined
    throw error
  })
  if (reply === undefined || reply.status === 404) return undefined
  const { portalId } = objectOf(reply)
  return typeof portalId === 'number' || typeof portalId === 'string' ? `HubSpot account ${portalId}` : undefined
}

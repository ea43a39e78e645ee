import type { DestinationContext } from '../core/destination.ts'
import { BatchRefusedError } from '../core/errors.ts'
import { limitsSeen, notUnderstood, recordOf, refusalOf } from './hubspot-errors.ts'
import { type HubspotOptions, type HubspotPaths, pathsOf, rateOf } from './hubspot-options.ts'
import { openWebClient, type WebClient, type WebReply } from './web-client.ts'
import { jsonOf, unreadable } from './web-errors.ts'
import { type AccessTokens, authorized, refreshGrant, renewedTokens, staticToken } from './web-tokens.ts'

/** A call to one account, with a token that is good. */
export interface HubspotSession extends AsyncDisposable {
  readonly paths: HubspotPaths
  /**
   * Answers a status of 2xx or 404; everything else is thrown as whoever has to react needs it: RetryableError,
   * UnansweredError, BatchRefusedError, FatalError.
   */
  call(method: 'GET' | 'POST', path: string, signal: AbortSignal, json?: unknown): Promise<WebReply>
}

export async function openHubspot(options: HubspotOptions, context: DestinationContext): Promise<HubspotSession> {
  const { clock, gate } = context
  const paths = pathsOf(options.version)
  const most = options.rate === undefined ? undefined : rateOf(options)
  const timeout = options.timeout * 1000
  const client = await openWebClient({
    baseUrl: options.base_url,
    gate,
    onRequest: context.onRequest,
    connectMs: Math.min(timeout, 10_000),
    headersMs: timeout,
    bodyMs: timeout,
    totalMs: timeout,
    limits: (reply) => limitsSeen(reply, clock.now(), most),
  })
  const tokens = tokensOf(options, client, paths, context)
  return {
    paths,
    async call(method, path, signal, json) {
      const reply = await authorized(client, tokens, {
        method,
        url: path,
        signal,
        ...(json !== undefined && { json }),
      })
      const refusal = refusalOf(reply, clock.now())
      // Only a batch can be halved.
      if (refusal instanceof BatchRefusedError && method === 'GET') throw notUnderstood(refusal.message)
      if (refusal !== undefined) throw refusal
      return reply
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

/** The JSON object of an answer that is a success. Throws UnansweredError where it is none. */
export function objectOf(reply: WebReply): Readonly<Record<string, unknown>> {
  const said = jsonOf(reply)
  if (typeof said !== 'object' || said === null || Array.isArray(said)) throw unreadable(reply, 'JSON')
  return recordOf(said)
}

function tokensOf(
  { token, oauth }: HubspotOptions,
  client: WebClient,
  paths: HubspotPaths,
  { clock }: DestinationContext,
): AccessTokens {
  if (oauth === undefined) return staticToken(token ?? '')
  const { client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken } = oauth
  const grant = refreshGrant({ clientId, clientSecret, refreshToken })
  return renewedTokens({ client, url: paths.token, grant, clock })
}

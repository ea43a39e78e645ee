import type { Clock } from '../core/clock.ts'
import { configurationError } from '../core/errors.ts'
import { flowOf, instanceUrl, loginUrl, type SalesforceOptions } from './salesforce-options.ts'
import type { WebClient } from './web-client.ts'
import {
  type AccessTokens,
  clientCredentialsGrant,
  jwtBearerGrant,
  refreshGrant,
  renewedTokens,
  staticToken,
  type TokenGrant,
} from './web-tokens.ts'

export interface SalesforceTokens extends AccessTokens {
  /** Where the org of the tokens is, without a slash at its end. */
  instanceUrl(signal: AbortSignal): Promise<string>
  /** What tells the user of the tokens, `https://login.salesforce.com/id/00D…/005…`, where it came with them [D]. */
  identityUrl(signal: AbortSignal): Promise<string | undefined>
}

/** Tokens of the flow that the options name. Salesforce says of none when it runs out: one is used until it is refused. */
export function openTokens(options: SalesforceOptions, client: WebClient, clock: Clock): SalesforceTokens {
  if (flowOf(options) === 'access token') {
    return {
      ...staticToken(options.access_token as string),
      instanceUrl: async () => instanceUrl(options) as string,
      identityUrl: async () => undefined,
    }
  }
  const url = `${loginUrl(options)}/services/oauth2/token`
  const tokens = renewedTokens({ client, url, grant: grantOf(options, clock), clock })
  return {
    get: (signal) => tokens.get(signal),
    refused: (token) => tokens.refused(token),
    async instanceUrl(signal) {
      const known = instanceUrl(options)
      if (known !== undefined) return known
      await tokens.get(signal)
      const said = tokens.details['instance_url']
      if (typeof said === 'string' && /^https?:\/\//.test(said)) return said.replace(/\/+$/, '')
      const message = `the token of ${url} came without instance_url: set instance_url in the connection`
      throw configurationError('authentication_failed', message)
    },
    async identityUrl(signal) {
      await tokens.get(signal)
      const said = tokens.details['id']
      return typeof said === 'string' ? said : undefined
    },
  }
}

function grantOf(options: SalesforceOptions, clock: Clock): TokenGrant {
  const { client_id: clientId = '', client_secret: clientSecret, refresh_token: refreshToken } = options
  switch (flowOf(options)) {
    case 'refresh token':
      return refreshGrant({ clientId, clientSecret, refreshToken: refreshToken ?? '' })
    case 'JWT bearer':
      return jwtBearerGrant({
        issuer: clientId,
        subject: options.username ?? '',
        audience: audienceOf(loginUrl(options)),
        // As environments hold a text of several lines.
        privateKey: (options.private_key ?? '').replaceAll('\\n', '\n'),
        clock,
        // Three minutes is the most, and clocks differ.
        lifetime: 120,
      })
    default:
      return clientCredentialsGrant({ clientId, clientSecret: clientSecret ?? '' })
  }
}

/** The login host, or the test host for the URL of a sandbox [D: OAuth 2.0 JWT bearer flow]; any other host is its own. */
export function audienceOf(url: string): string {
  const { protocol, hostname, origin } = new URL(url)
  if (protocol !== 'https:' || !/\.salesforce\.com$/.test(hostname)) return origin
  const isSandbox = hostname === 'test.salesforce.com' || /\.sandbox\.my\.salesforce\.com$/.test(hostname)
  return isSandbox ? 'https://test.salesforce.com' : 'https://login.salesforce.com'
}

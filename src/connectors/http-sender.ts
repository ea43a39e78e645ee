import { createHmac } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { HttpAuth } from './http-auth-options.ts'
import type { HttpOptions } from './http-options.ts'
import { encoded } from './http-url-parts.ts'
import type { WebClient, WebReply, WebRequest } from './web-client.ts'
import {
  type AccessTokens,
  authorized,
  basicAuth,
  clientCredentialsGrant,
  refreshGrant,
  renewedTokens,
  staticToken,
} from './web-tokens.ts'

/** Sends requests as somebody. */
export interface HttpSender {
  send(request: PlainRequest, signal: AbortSignal): Promise<WebReply>
  /** Gets a token where requests need one, to know that it can be had. */
  signIn(signal: AbortSignal): Promise<void>
}

interface PlainRequest {
  readonly method: WebRequest['method']
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | undefined
}

export function httpSender(client: WebClient, { auth }: Pick<HttpOptions, 'auth'>, clock: Clock): HttpSender {
  const tokens = tokensOf(client, auth, clock)
  return {
    async send({ method, url, headers = {}, body }, signal) {
      const target = withQueryKey(url, auth)
      const request: WebRequest = {
        method,
        url: target,
        headers: { ...headers, ...credentialHeaders(auth, { method, url: target, body }, clock) },
        ...(body !== undefined && { body }),
        signal,
      }
      return tokens === undefined ? await client.request(request) : await authorized(client, tokens, request)
    },
    async signIn(signal) {
      await tokens?.get(signal)
    },
  }
}

function tokensOf(client: WebClient, auth: HttpAuth | undefined, clock: Clock): AccessTokens | undefined {
  switch (auth?.type) {
    case 'bearer':
      return staticToken(auth.token)
    case 'oauth_client_credentials': {
      const extra = { ...scopeOf(auth.scope), ...(auth.audience !== undefined && { audience: auth.audience }) }
      const grant =
        auth.client_auth === 'basic'
          ? () => ({ grant_type: 'client_credentials', ...extra })
          : clientCredentialsGrant({ clientId: auth.client_id, clientSecret: auth.client_secret }, extra)
      return renewedTokens({ client, url: auth.token_url, grant, clock, ...clientOf(auth) })
    }
    case 'oauth_refresh': {
      const { client_id: clientId, client_secret: clientSecret, refresh_token: refreshToken } = auth
      const form =
        auth.client_auth === 'basic'
          ? () => ({ grant_type: 'refresh_token', refresh_token: refreshToken })
          : refreshGrant({ clientId, clientSecret, refreshToken })
      const grant = () => ({ ...form(), ...scopeOf(auth.scope) })
      return renewedTokens({ client, url: auth.token_url, grant, clock, ...clientOf(auth) })
    }
    default:
      return undefined
  }
}

/** The client as a header says it, where it does: each part encoded as in a form (RFC 6749, 2.3.1). */
function clientOf(auth: Extract<HttpAuth, { client_auth: unknown }>) {
  if (auth.client_auth !== 'basic') return {}
  const encodedForm = (text: string) => new URLSearchParams({ '': text }).toString().slice(1)
  return { basic: { id: encodedForm(auth.client_id), secret: encodedForm(auth.client_secret ?? '') } }
}

function scopeOf(scope: string | undefined): Record<string, string> {
  return scope === undefined ? {} : { scope }
}

function withQueryKey(url: string, auth: HttpAuth | undefined): string {
  if (auth?.type !== 'api_key' || auth.query === undefined) return url
  return `${url}${url.includes('?') ? '&' : '?'}${encoded(auth.query)}=${encoded(auth.token)}`
}

function credentialHeaders(
  auth: HttpAuth | undefined,
  request: { readonly method: string; readonly url: string; readonly body: string | undefined },
  clock: Clock,
): Record<string, string> {
  switch (auth?.type) {
    case 'basic':
      return { authorization: basicAuth({ id: auth.username, secret: auth.password }) }
    case 'api_key':
      if (auth.query !== undefined && auth.header === undefined) return {}
      return { [(auth.header ?? 'X-API-Key').toLowerCase()]: `${auth.prefix ?? ''}${auth.token}` }
    case 'hmac':
      return signature(auth, request, clock)
    default:
      return {}
  }
}

/** SHA-256 over the declared parts; path and query as they are on the wire. */
function signature(
  auth: HttpAuth & { type: 'hmac' },
  { method, url, body }: { readonly method: string; readonly url: string; readonly body: string | undefined },
  clock: Clock,
): Record<string, string> {
  const { pathname, search } = new URL(url)
  const now = clock.now()
  const timestamp = String(auth.timestamp === 'seconds' ? Math.floor(now / 1000) : Math.floor(now))
  const parts = { timestamp, method, path: pathname + search, body: body ?? '' }
  const signed = createHmac('sha256', auth.secret)
    .update(auth.sign.map((part) => parts[part]).join(auth.separator))
    .digest(auth.encoding)
  return {
    [auth.header.toLowerCase()]: `${auth.prefix}${signed}`,
    ...(auth.sign.includes('timestamp') && { [auth.timestamp_header.toLowerCase()]: timestamp }),
  }
}

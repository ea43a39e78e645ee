import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import { configurationError, messageOf, RetryableError, UnansweredError } from '../core/errors.ts'
import type { WebClient, WebReply, WebRequest } from './web-client.ts'
import { jsonOf, passingError } from './web-errors.ts'

/** Access tokens of one connection. */
export interface AccessTokens {
  /** One that has not run out. Calls that overlap wait for the same renewal. */
  get(signal: AbortSignal): Promise<string>
  /** The server refused this one: answers whether `get` has another. */
  refused(token: string): boolean
}

/** What a token endpoint answered besides the token: `instance_url`, say. */
type TokenDetails = Readonly<Record<string, unknown>>

interface RenewedTokens extends AccessTokens {
  /** What came with the token that `get` gave last. */
  readonly details: TokenDetails
}

/** The form that asks for a token, made anew each time. */
export type TokenGrant = () => Readonly<Record<string, string>>

interface TokenOptions {
  readonly client: WebClient
  /** As in {@link WebRequest}. */
  readonly url: string
  readonly grant: TokenGrant
  readonly clock: Clock
  /** Client credentials that go in a header instead of the form. Default: none. */
  readonly basic?: { readonly id: string; readonly secret: string }
}

/** A token that is what it is. */
export function staticToken(token: string): AccessTokens {
  return { get: async () => token, refused: () => false }
}

/** The newest refresh token is kept in memory, where the server gives a new one each time. */
export function refreshGrant(credentials: {
  readonly clientId: string
  readonly clientSecret?: string | undefined
  readonly refreshToken: string
}): TokenGrant {
  return () => ({ grant_type: 'refresh_token', ...clientOf(credentials), refresh_token: credentials.refreshToken })
}

/** `extra`: `scope`, `audience` and what else a server wants to know. */
export function clientCredentialsGrant(
  credentials: { readonly clientId: string; readonly clientSecret: string },
  extra: Readonly<Record<string, string>> = {},
): TokenGrant {
  return () => ({ grant_type: 'client_credentials', ...clientOf(credentials), ...extra })
}

/** A claim that is signed with RS256 (RFC 7523). Throws FatalError `private_key_unreadable`. */
export function jwtBearerGrant(claim: {
  readonly issuer: string
  readonly subject: string
  readonly audience: string
  /** PEM of an RSA key. */
  readonly privateKey: string
  readonly clock: Clock
  /** Seconds for which the claim is good. Default 180. */
  readonly lifetime?: number
}): TokenGrant {
  const key = privateKey(claim.privateKey)
  return () => {
    const now = Math.floor(claim.clock.now() / 1000)
    const parts = [
      { alg: 'RS256', typ: 'JWT' },
      { iss: claim.issuer, sub: claim.subject, aud: claim.audience, iat: now, exp: now + (claim.lifetime ?? 180) },
    ]
    const text = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
    const signature = sign('RSA-SHA256', Buffer.from(text), key).toString('base64url')
    return { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: `${text}.${signature}` }
  }
}

/** Tokens from an endpoint: renewed before they run out, and after one was refused. */
export function renewedTokens(options: TokenOptions): RenewedTokens {
  let token: string | undefined
  let details: TokenDetails = {}
  let runsOut = Number.POSITIVE_INFINITY
  /** Replaces the one of the grant, where the server rotates them. */
  let rotated: string | undefined
  let renewal: { readonly done: Promise<string>; readonly signal: AbortSignal } | undefined

  const renew = async (signal: AbortSignal) => {
    const asked = options.clock.now()
    details = await requestToken(options, rotated, signal).catch((error: unknown) => {
      // What the token was for has not been sent.
      if (!(error instanceof UnansweredError)) throw error
      const { retryAfterMs } = error
      throw new RetryableError(error.message, { cause: error, ...(retryAfterMs !== undefined && { retryAfterMs }) })
    })
    const renewed = details['access_token'] as string
    token = renewed
    if (typeof details['refresh_token'] === 'string') rotated = details['refresh_token']
    const seconds = Number(details['expires_in'])
    // Renewed early, so that no request is under way with a token that runs out meanwhile.
    runsOut = seconds > 0 ? asked + seconds * 1000 - Math.min(seconds * 100, 60_000) : Number.POSITIVE_INFINITY
    return renewed
  }
  return {
    get details() {
      return details
    },
    async get(signal) {
      for (;;) {
        signal.throwIfAborted()
        if (token !== undefined && options.clock.now() < runsOut) return token
        renewal ??= { done: renew(signal).finally(() => (renewal = undefined)), signal }
        const { done, signal: other } = renewal
        try {
          // Good for one request, also where it is good for no longer than that.
          return await done
        } catch (error) {
          // Whoever asked first was cancelled: that is not this one's failure.
          if (!other.aborted || signal.aborted) throw error
        }
      }
    },
    refused(old) {
      if (token === old) token = undefined
      return true
    },
  }
}

/**
 * Sends a request with a token of the tokens, and once more with another where the answer says that the first is not
 * good (401): such a request was not applied.
 */
export async function authorized(client: WebClient, tokens: AccessTokens, request: WebRequest): Promise<WebReply> {
  const send = (token: string) =>
    client.request({ ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } })
  const token = await tokens.get(request.signal)
  const reply = await send(token)
  if (reply.status !== 401 || !tokens.refused(token)) return reply
  return await send(await tokens.get(request.signal))
}

async function requestToken(
  options: TokenOptions,
  rotated: string | undefined,
  signal: AbortSignal,
): Promise<TokenDetails> {
  const { client, url, grant, clock, basic } = options
  const form = { ...grant(), ...(rotated !== undefined && { refresh_token: rotated }) }
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    ...(basic && { authorization: basicAuth(basic) }),
  }
  const body = String(new URLSearchParams(form))
  const reply = await client.request({ method: 'POST', url, headers, body, secret: true, signal })
  const passing = passingError(reply, { now: clock.now() })
  if (passing !== undefined) throw passing
  const said = jsonOf(reply)
  const object = (typeof said === 'object' && said !== null ? said : {}) as Record<string, unknown>
  if (reply.status >= 400) throw refusal(reply, object)
  if (typeof object['access_token'] !== 'string' || object['access_token'] === '') {
    // Not quoted: the token may be in it, in another form than JSON.
    throw new UnansweredError(`${reply.what} was answered with status ${reply.status} and no token that can be read`)
  }
  return object
}

/** OAuth's own words (RFC 6749, 5.2), or HubSpot's `status` and `message`. */
function refusal({ status, what }: WebReply, said: Readonly<Record<string, unknown>>): Error {
  const words = [said['error'] ?? said['status'], said['error_description'] ?? said['message']]
  const reason = words.filter((one) => typeof one === 'string').join(': ') || 'no reason given'
  const message = `no access token was given (${what}: status ${status}, ${reason}): correct the client and its credentials in the connection, or authorize the app again`
  return configurationError('token_refused', message)
}

/** `user` and `password` of HTTP's basic authentication, in UTF-8. */
export function basicAuth({ id, secret }: { readonly id: string; readonly secret: string }): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
}

function clientOf({
  clientId,
  clientSecret,
}: {
  readonly clientId: string
  readonly clientSecret?: string | undefined
}) {
  return { client_id: clientId, ...(clientSecret !== undefined && { client_secret: clientSecret }) }
}

function privateKey(pem: string): KeyObject {
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'rsa') return key
    throw new Error(`it is of type ${key.asymmetricKeyType}, and RS256 needs rsa`)
  } catch (error) {
    const message = `the private key cannot be used (${messageOf(error)}): give the PEM of an RSA key without a passphrase`
    throw configurationError('private_key_unreadable', message)
  }
}

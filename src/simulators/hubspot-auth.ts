import type { HubspotAccount } from './hubspot-account.ts'
import { errorBody } from './hubspot-errors.ts'
import { jsonBody, type SimulatorReply, type SimulatorRequest, type SimulatorRequestHead } from './simulator-request.ts'

const TOKEN_SECONDS = 1800

interface KnownToken {
  readonly scopes: readonly string[] | undefined
  readonly expires: number
  readonly portal: number
  revoked: boolean
}

export interface HubspotAuth {
  /** Why a request may not be made at all. */
  refuse(request: SimulatorRequestHead): SimulatorReply | undefined
  /** Why a request that needs one of these scopes may not be made. */
  refuseScope(request: SimulatorRequestHead, oneOf: readonly string[]): SimulatorReply | undefined
  /** `POST /oauth/…/token`. */
  token(request: SimulatorRequest): SimulatorReply
  /** Of the account that the token of a request is of. */
  portal(request: SimulatorRequestHead): number
  /** The side door: `{ token, revoked, scopes, portal }`; a refresh token can be revoked as well. */
  change(request: SimulatorRequest): SimulatorReply
}

export function hubspotAuth({ options, clock, random }: HubspotAccount): HubspotAuth {
  const known = new Map<string, KnownToken>()
  const tokens = random.fork('tokens')
  let refreshRevoked = false
  for (const [token, { scopes, revoked = false, portal = options.portal }] of Object.entries(options.tokens ?? {})) {
    known.set(token, { scopes, revoked, portal, expires: Number.POSITIVE_INFINITY })
  }
  const tokenOf = ({ headers }: SimulatorRequestHead): string | undefined =>
    /^Bearer (\S+)$/i.exec(headers.authorization ?? '')?.[1]

  return {
    refuse(request) {
      const token = tokenOf(request)
      if (token === undefined) return unauthorized(request, 'Authentication credentials not found.')
      const found = known.get(token)
      if (found === undefined) {
        return options.tokens === undefined ? undefined : unauthorized(request, 'Authentication credentials not found.')
      }
      if (found.revoked) return unauthorized(request, 'The access token was revoked or its app was uninstalled.')
      const late = request.time - found.expires
      if (late < 0) return undefined
      const message = `The OAuth token used to make this call expired ${Math.floor(late / 1000)} second(s) ago.`
      const context = { 'expire time': [new Date(found.expires).toISOString()] }
      return { status: 401, body: errorBody(request.n, 'EXPIRED_AUTHENTICATION', message, { context }) }
    },
    refuseScope(request, oneOf) {
      const scopes = known.get(tokenOf(request) ?? '')?.scopes
      if (scopes === undefined || oneOf.some((scope) => scopes.includes(scope))) return undefined
      const message =
        "This app hasn't been granted all required scopes to make this call. Read more about required scopes here: https://developers.hubspot.com/scopes."
      const errors = [
        { message: 'One or more of the following scopes are required.', context: { requiredScopes: oneOf } },
      ]
      const links = { scopes: 'https://developers.hubspot.com/scopes' }
      return { status: 403, body: errorBody(request.n, 'MISSING_SCOPES', message, { errors, links }) }
    },
    token(request) {
      const form = new URLSearchParams(request.body.toString('utf8'))
      const { oauth } = options
      if (form.get('grant_type') !== 'refresh_token') {
        return badToken(request, 'BAD_GRANT_TYPE', 'grant_type has to be refresh_token, in the body')
      }
      if (form.get('client_id') !== oauth.client_id)
        return badToken(request, 'BAD_CLIENT_ID', 'missing or unknown client id')
      if (form.get('client_secret') !== oauth.client_secret) {
        return badToken(request, 'BAD_CLIENT_SECRET', 'missing or invalid client secret')
      }
      if (form.get('refresh_token') !== oauth.refresh_token || refreshRevoked) {
        return badToken(request, 'BAD_REFRESH_TOKEN', 'missing or invalid refresh token')
      }
      const access = `simulated-${Math.floor(tokens.next() * 1e12).toString(36)}-${known.size}`
      const expires = clock.now() + TOKEN_SECONDS * 1000
      known.set(access, { scopes: oauth.scopes, revoked: false, portal: options.portal, expires })
      const body = {
        token_type: 'bearer',
        refresh_token: oauth.refresh_token,
        access_token: access,
        expires_in: TOKEN_SECONDS,
      }
      return { status: 200, body }
    },
    portal: (request) => known.get(tokenOf(request) ?? '')?.portal ?? options.portal,
    change(request) {
      const { token, revoked, scopes, portal } = (jsonBody(request) ?? {}) as Record<string, unknown>
      if (typeof token !== 'string') return { status: 400, body: { message: 'give { "token": …, "revoked": true }' } }
      if (token === options.oauth.refresh_token) refreshRevoked = revoked === true
      else {
        const before = known.get(token)
        known.set(token, {
          scopes: Array.isArray(scopes) ? scopes.map(String) : before?.scopes,
          revoked: revoked === undefined ? before?.revoked === true : revoked === true,
          portal: typeof portal === 'number' ? portal : (before?.portal ?? options.portal),
          expires: before?.expires ?? Number.POSITIVE_INFINITY,
        })
      }
      return { status: 200, body: {} }
    },
  }
}

function unauthorized({ n }: SimulatorRequestHead, text: string): SimulatorReply {
  const message = `${text} This API supports OAuth 2.0 authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview`
  return { status: 401, body: errorBody(n, 'INVALID_AUTHENTICATION', message) }
}

function badToken({ n }: SimulatorRequest, status: string, message: string): SimulatorReply {
  const { category: _, ...body } = errorBody(n, status, message)
  return { status: 400, body: { ...body, status } }
}

import { verify } from 'node:crypto'
import { errorReply } from './salesforce-errors.ts'
import { recordId } from './salesforce-id.ts'
import { INTEGRATION_USER_ID } from './salesforce-objects.ts'
import type { SalesforceClient, SalesforceSettings } from './salesforce-options.ts'
import type { SimulatorClock } from './simulator-clock.ts'
import type { SeededRandom } from './simulator-random.ts'
import type { SimulatorReply, SimulatorRequest, SimulatorRequestHead } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

export interface SalesforceSessions {
  readonly routes: readonly SimulatorRoute[]
  /** Refuses a request without a token that is good now. */
  admit(request: SimulatorRequestHead): SimulatorReply | undefined
  /** The id of the org that the token of a request is of. */
  organization(request: SimulatorRequestHead): string
  /** Ends the session of a request. */
  end(request: SimulatorRequestHead): void
  /** Ends all sessions; with `refresh` no refresh token is good any more. */
  revoke(refresh: boolean): void
}

interface SessionContext {
  readonly settings: SalesforceSettings
  readonly clock: SimulatorClock
  readonly random: SeededRandom
  readonly url: string
}

interface Session {
  readonly client: SalesforceClient
  readonly endsAt: number
}

/** Assertions may live for 3 minutes. */
const ASSERTION_MS = 180_000

export function salesforceSessions({ settings, clock, random, url }: SessionContext): SalesforceSessions {
  const sessions = new Map<string, Session>()
  let refreshTokens = new Set(settings.refresh_tokens)
  const audiences = settings.audiences ?? ['https://login.salesforce.com', 'https://test.salesforce.com', url]

  const open = (client: SalesforceClient): SimulatorReply => {
    const organization = organizationOf(client)
    const token = `${organization.slice(0, 15)}!AQ${Array.from({ length: 10 }, () => random.next().toString(36).slice(2, 10)).join('')}`
    const now = clock.now()
    sessions.set(token, { client, endsAt: now + settings.session_ms })
    const body = {
      access_token: token,
      instance_url: url,
      id: `${url}/id/${organization}/${INTEGRATION_USER_ID}`,
      token_type: 'Bearer',
      scope: scopesOf(client).join(' '),
      issued_at: String(Math.floor(now)),
      signature: Buffer.from(token.slice(-32)).toString('base64'),
    }
    return { status: 200, headers: { 'cache-control': 'no-store' }, body }
  }
  const token = (request: SimulatorRequest): SimulatorReply => {
    const form = new URLSearchParams(request.body.toString('utf8'))
    const grant = form.get('grant_type')
    if (grant === 'urn:ietf:params:oauth:grant-type:jwt-bearer') {
      const asserted = assertedClient(form.get('assertion') ?? '', settings.clients, audiences)
      return 'refused' in asserted ? refused('invalid_grant', asserted.refused) : open(asserted.client)
    }
    if (grant !== 'client_credentials' && grant !== 'refresh_token') {
      return refused('unsupported_grant_type', 'grant type not supported')
    }
    const [id, secret] = credentialsOf(request, form)
    const client = settings.clients.find((known) => known.id === id)
    if (client === undefined) return refused('invalid_client_id', 'client identifier invalid')
    if (client.secret !== secret && (grant === 'client_credentials' || secret !== undefined)) {
      return refused('invalid_client', 'invalid client credentials')
    }
    if (grant === 'refresh_token' && !refreshTokens.has(form.get('refresh_token') ?? '')) {
      return refused('invalid_grant', 'expired access/refresh token')
    }
    return open(client)
  }
  const revokeOne = (request: SimulatorRequest): SimulatorReply => {
    const form = new URLSearchParams(request.body.toString('utf8'))
    const text = form.get('token') ?? request.query.get('token') ?? ''
    return sessions.delete(text) || refreshTokens.delete(text)
      ? { status: 200 }
      : refused('unsupported_token_type', 'this token type is not supported')
  }
  return {
    routes: [
      { method: 'POST', path: '/services/oauth2/token', handle: token },
      { method: 'POST', path: '/services/oauth2/revoke', handle: revokeOne },
    ],
    admit(request) {
      const session = sessions.get(bearerOf(request))
      if (session === undefined || session.endsAt <= clock.now()) {
        return errorReply(401, 'INVALID_SESSION_ID', 'Session expired or invalid')
      }
      const scopes = scopesOf(session.client)
      if (scopes.includes('api') || scopes.includes('full')) return undefined
      return errorReply(401, 'INVALID_SESSION_ID', 'This session is not valid for use with the REST API')
    },
    organization: (request) => organizationOf(sessions.get(bearerOf(request))?.client),
    end(request) {
      sessions.delete(bearerOf(request))
    },
    revoke(refresh) {
      sessions.clear()
      if (refresh) refreshTokens = new Set()
    },
  }
}

function scopesOf({ scopes = ['api', 'refresh_token'] }: SalesforceClient): readonly string[] {
  return scopes
}

function organizationOf(client: SalesforceClient | undefined): string {
  return recordId('00D', client?.organization ?? 1)
}

function bearerOf({ headers }: SimulatorRequestHead): string {
  return /^(?:Bearer|OAuth) (.+)$/.exec(headers.authorization ?? '')?.[1] ?? ''
}

/** Client id and secret of the form, or of an `Authorization: Basic` header. */
function credentialsOf({ headers }: SimulatorRequest, form: URLSearchParams): [string | undefined, string | undefined] {
  const basic = /^Basic (.+)$/.exec(headers.authorization ?? '')?.[1]
  if (basic !== undefined) {
    const [id = '', secret = ''] = Buffer.from(basic, 'base64').toString('utf8').split(':')
    return [decodeURIComponent(id), decodeURIComponent(secret)]
  }
  return [form.get('client_id') ?? undefined, form.get('client_secret') ?? undefined]
}

function refused(error: string, description: string): SimulatorReply {
  const headers = { 'cache-control': 'no-store' }
  return { status: 400, headers, body: { error, error_description: description } }
}

/** The client that signed this assertion with RS256, if everything in it is right. */
function assertedClient(
  assertion: string,
  clients: readonly SalesforceClient[],
  audiences: readonly string[],
): { readonly client: SalesforceClient } | { readonly refused: string } {
  const [head = '', payload = '', signature = ''] = assertion.split('.')
  const { alg } = decoded(head)
  const { iss, sub, aud, exp } = decoded(payload)
  const client = clients.find(({ id }) => id === iss)
  if (alg !== 'RS256' || client?.public_key === undefined) return { refused: 'invalid assertion' }
  const signed = Buffer.from(`${head}.${payload}`)
  if (!verify('RSA-SHA256', signed, client.public_key, Buffer.from(signature, 'base64url'))) {
    return { refused: 'invalid assertion' }
  }
  if (!audiences.includes(String(aud))) return { refused: 'audience is invalid' }
  // By the time of day and not by the simulator's clock: who pushes that forward does not push the client's.
  const left = Number(exp) * 1000 - Date.now()
  if (!(left > 0)) return { refused: 'expired assertion' }
  if (left > ASSERTION_MS) return { refused: 'invalid assertion' }
  if (sub !== (client.username ?? 'integration@example.com')) return { refused: "user hasn't approved this consumer" }
  return { client }
}

function decoded(part: string): Record<string, unknown> {
  try {
    return (JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) ?? {}) as Record<string, unknown>
  } catch {
    return {}
  }
}

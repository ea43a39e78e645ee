import { createHmac, timingSafeEqual } from 'node:crypto'
import type { HttpSimulatorAuth } from './http-simulator-options.ts'
import type { SimulatorClock } from './simulator-clock.ts'
import type { SimulatorReply, SimulatorRequest, SimulatorRequestHead } from './simulator-request.ts'
import type { SimulatorRoute } from './simulator-routes.ts'

/** Who may send requests. */
interface HttpAccess {
  /** Looks at the head of a request; a reply refuses it. */
  admit(head: SimulatorRequestHead): SimulatorReply | undefined
  /** Looks at the whole of it: signatures. */
  admitBody(request: SimulatorRequest): SimulatorReply | undefined
  /** Where tokens are given. */
  readonly routes: readonly SimulatorRoute[]
}

export function httpAccess(auth: HttpSimulatorAuth | undefined, clock: SimulatorClock): HttpAccess {
  if (auth === undefined) return { admit: () => undefined, admitBody: () => undefined, routes: [] }
  const tokens = auth.type === 'oauth' ? oauthTokens(auth, clock) : undefined
  return {
    admit(head) {
      if (head.path === '/oauth/token' || auth.type === 'hmac') return undefined
      return holds(head, auth, tokens?.isGood) ? undefined : refusal('who are you?')
    },
    admitBody: (request) => (auth.type === 'hmac' ? checkSignature(request, auth.secret, clock) : undefined),
    routes: tokens?.routes ?? [],
  }
}

function holds(
  { headers, query }: SimulatorRequestHead,
  auth: HttpSimulatorAuth,
  isGood: ((token: string) => boolean) | undefined,
): boolean {
  const said = headers.authorization ?? ''
  switch (auth.type) {
    case 'bearer':
      return said === `Bearer ${auth.token}`
    case 'basic':
      return said === `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`
    case 'api_key':
      if (auth.query !== undefined) return query.get(auth.query) === auth.token
      return headers[(auth.header ?? 'x-api-key').toLowerCase()] === auth.token
    case 'oauth':
      return said.startsWith('Bearer ') && isGood?.(said.slice('Bearer '.length)) === true
    case 'hmac':
      return true
  }
}

function refusal(message: string): SimulatorReply {
  return { status: 401, headers: { 'www-authenticate': 'Bearer' }, body: { error: { code: 'unauthorized', message } } }
}

function checkSignature(
  { headers, method, url, body }: SimulatorRequest,
  secret: string,
  clock: SimulatorClock,
): SimulatorReply | undefined {
  const time = String(headers['x-timestamp'] ?? '')
  if (!/^\d+$/.test(time) || Math.abs(Number(time) * 1000 - clock.now()) > 5 * 60_000)
    return refusal('the time is wrong')
  const wanted = createHmac('sha256', secret)
    .update(`${time}\n${method}\n${url}\n${body.toString('utf8')}`)
    .digest()
  const given = Buffer.from(String(headers['x-signature'] ?? ''), 'hex')
  const isRight = given.length === wanted.length && timingSafeEqual(given, wanted)
  return isRight ? undefined : refusal('the signature is wrong')
}

/** Client and secret of a header, each as forms encode it (RFC 6749, 2.3.1). */
function clientIn(authorization: string | undefined) {
  const text = /^Basic (.+)$/.exec(authorization ?? '')?.[1]
  if (text === undefined) return undefined
  const [id = '', secret = ''] = Buffer.from(text, 'base64').toString('utf8').split(':')
  const decoded = (part: string) => new URLSearchParams(`x=${part}`).get('x')
  return { id: decoded(id), secret: decoded(secret) }
}

function oauthTokens(auth: HttpSimulatorAuth & { type: 'oauth' }, clock: SimulatorClock) {
  const good = new Map<string, number>()
  let refreshToken = auth.refresh_token
  let made = 0
  const seconds = auth.expires_in ?? 3600
  const handle = ({ body, headers }: SimulatorRequest): SimulatorReply => {
    const form = new URLSearchParams(body.toString('utf8'))
    const inHeader = clientIn(headers.authorization)
    const said = inHeader ?? { id: form.get('client_id'), secret: form.get('client_secret') }
    const place = inHeader === undefined ? 'body' : 'basic'
    const wrong = (error: string, description: string) => ({
      status: 400,
      body: { error, error_description: description },
    })
    const isElsewhere = place !== (auth.client_auth ?? place) || (place === 'basic' && form.has('client_secret'))
    if (isElsewhere || said.id !== auth.client_id || said.secret !== auth.client_secret) {
      return { status: 401, body: { error: 'invalid_client', error_description: 'no such client' } }
    }
    const grant = form.get('grant_type')
    if (grant === 'refresh_token') {
      if (form.get('refresh_token') !== refreshToken) return wrong('invalid_grant', 'the refresh token is not good')
      refreshToken = `refresh-${++made}`
    } else if (grant !== 'client_credentials') return wrong('unsupported_grant_type', String(grant))
    const token = `token-${++made}`
    good.set(token, clock.now() + seconds * 1000)
    const rotated = grant === 'refresh_token' ? { refresh_token: refreshToken } : {}
    return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: seconds, ...rotated } }
  }
  return {
    isGood: (token: string) => (good.get(token) ?? 0) > clock.now(),
    routes: [{ method: 'POST', path: '/oauth/token', handle }] satisfies SimulatorRoute[],
  }
}

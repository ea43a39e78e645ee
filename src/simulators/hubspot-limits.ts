import type { HubspotAccount } from './hubspot-account.ts'
import { correlationId } from './hubspot-errors.ts'
import type { LimitWindow, SimulatorLimits } from './simulator-limits.ts'
import { jsonBody, type SimulatorReply, type SimulatorRequest, type SimulatorRequestHead } from './simulator-request.ts'
import type { SimulatorContext } from './simulator-world.ts'

/** Requests in ten seconds and a day; an app that others installed has no daily limit. */
const PLANS = {
  free: { burst: 100, daily: 250_000 },
  professional: { burst: 190, daily: 650_000 },
  enterprise: { burst: 190, daily: 1_000_000 },
  oauth: { burst: 110, daily: undefined },
} as const

const BURST_MS = 10_000

interface HubspotLimits {
  /** Counts a request; a reply refuses it. */
  refuse(request: SimulatorRequestHead): SimulatorReply | undefined
  /** Headers about the limits. */
  headers(request: SimulatorRequestHead): Readonly<Record<string, string>>
  /** A 429 of one kind, for faults. */
  reply(policy: 'DAILY' | 'TEN_SECONDLY_ROLLING' | 'message', request: SimulatorRequestHead): SimulatorReply
  /** The side door: `{ "window": "daily", "requests": 649990 }` were made already. */
  spend(request: SimulatorRequest): SimulatorReply
}

export function hubspotLimits({ options, random, clock }: HubspotAccount, context: SimulatorContext): HubspotLimits {
  const plan = PLANS[options.plan]
  const burst = options.burst_limit ?? plan.burst
  const daily = options.daily_limit ?? plan.daily
  const windows: LimitWindow[] = [
    { name: 'ten_secondly_rolling', kind: 'rolling', requests: burst, ms: BURST_MS },
    { name: 'search', kind: 'rolling', requests: options.search_limit, ms: 1000 },
  ]
  if (daily !== undefined) {
    windows.push({ name: 'daily', kind: 'daily', requests: daily, utcOffsetMinutes: options.utc_offset_minutes })
  }
  const limits: SimulatorLimits = context.limits(windows)
  const draw = random.fork('429')
  const afterDaily = daily === undefined ? [] : ['daily']

  const retryAfter = (window: string, time: number): Record<string, string> =>
    options.retry_after
      ? { 'retry-after': String(Math.max(1, Math.ceil(limits.use(window, time).freeInMs / 1000))) }
      : {}
  const byPolicy = (policyName: string, message: string, n: number) => ({
    status: 'error',
    message,
    errorType: 'RATE_LIMIT',
    correlationId: correlationId(n),
    policyName,
  })
  const byMessage = (n: number) => ({
    status: 'error',
    message: 'You have reached your secondly limit.',
    correlationId: correlationId(n),
    category: 'RATE_LIMITS',
  })
  const reply: HubspotLimits['reply'] = (policy, { n, time }) => {
    if (policy === 'DAILY') {
      const body = byPolicy('DAILY', 'You have reached your daily limit.', n)
      return { status: 429, headers: daily === undefined ? {} : retryAfter('daily', time), body }
    }
    const headers = retryAfter('ten_secondly_rolling', time)
    if (policy === 'message') return { status: 429, headers, body: byMessage(n) }
    return {
      status: 429,
      headers,
      body: byPolicy('TEN_SECONDLY_ROLLING', 'You have reached your ten_secondly_rolling limit.', n),
    }
  }

  return {
    reply,
    refuse(request) {
      const names = isSearch(request) ? ['search', ...afterDaily] : ['ten_secondly_rolling', ...afterDaily]
      const full = limits.arrive(request.n, request.time, names)
      if (full === undefined) return undefined
      if (full.name === 'daily') return reply('DAILY', request)
      if (full.name === 'search')
        return { status: 429, headers: retryAfter('search', request.time), body: byMessage(request.n) }
      const shape =
        options.rate_limit_body === 'mixed' ? (draw.next() < 0.5 ? 'policy' : 'message') : options.rate_limit_body
      return reply(shape === 'policy' ? 'TEN_SECONDLY_ROLLING' : 'message', request)
    },
    headers(request) {
      if (options.rate_limit_headers === 'none' || isSearch(request)) return {}
      const headers: Record<string, string> = {}
      if (daily !== undefined) {
        headers['x-hubspot-ratelimit-daily'] = String(daily)
        headers['x-hubspot-ratelimit-daily-remaining'] = String(daily - limits.use('daily', request.time).used)
      }
      if (options.rate_limit_headers === 'daily') return headers
      const remaining = burst - limits.use('ten_secondly_rolling', clock.now()).used
      headers['x-hubspot-ratelimit-interval-milliseconds'] = String(BURST_MS)
      headers['x-hubspot-ratelimit-max'] = String(burst)
      headers['x-hubspot-ratelimit-remaining'] = String(remaining)
      headers['x-hubspot-ratelimit-secondly'] = String(Math.floor(burst / 10))
      headers['x-hubspot-ratelimit-secondly-remaining'] = String(Math.min(remaining, Math.floor(burst / 10)))
      return headers
    },
    spend(request) {
      const { window, requests } = (jsonBody(request) ?? {}) as Record<string, unknown>
      const known = limits.windows.some(({ name }) => name === window)
      if (!known || !Number.isSafeInteger(requests)) {
        const names = limits.windows.map(({ name }) => name).join(', ')
        return { status: 400, body: { message: `give { "window": …, "requests": 100 }; there are ${names}` } }
      }
      limits.spend(String(window), requests as number, clock.now())
      return { status: 200, body: {} }
    },
  }
}

function isSearch({ path }: SimulatorRequestHead): boolean {
  return path.endsWith('/search')
}

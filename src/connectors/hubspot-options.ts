import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { Rate } from '../core/request-gate.ts'
import { serviceUrl } from './web-url.ts'

const text = z.string().min(1)

const RATE = /^([1-9]\d{0,5})\/(?:([1-9]\d{0,3}))?s$/

/** Requests in ten seconds that HubSpot allows an app of an account with that plan [D]. */
const PLANS = { free: 100, starter: 100, professional: 190, enterprise: 190 } as const

/** An app that accounts have installed, whatever their plan [D]: 110 in ten seconds. Lower, as for the smallest plan. */
const UNKNOWN_PLAN = 100

/** How an account is reached, and as whom. */
export const hubspotOptions = z
  .strictObject({
    type: z.literal('hubspot').optional(),
    token: text.optional().describe('A service key, or the token of a private app. Default: none; or give `oauth`.'),
    oauth: z
      .strictObject({
        client_id: text.describe('Client id of the app.'),
        client_secret: text.describe('Its client secret.'),
        refresh_token: text.describe('The refresh token that the account gave it.'),
      })
      .optional()
      .describe('A public app that the account has installed. Default: none; or give `token`.'),
    base_url: serviceUrl
      .default('https://api.hubapi.com')
      .describe('Where the API is; a simulator, say. Default: https://api.hubapi.com.'),
    version: z
      .enum(['2026-09', '2026-03', 'v3'])
      .default('2026-09')
      .describe('Version of the API. From 2026-09 on it enforces the rules that administrators set on properties.'),
    plan: z
      .enum(['free', 'starter', 'professional', 'enterprise'])
      .optional()
      .describe('Plan of the account, which says how many requests it allows. Default: what the answers say.'),
    rate: z
      .string()
      .regex(RATE, 'expected REQUESTS/SECONDSs, like 100/10s')
      .optional()
      .describe(
        'Most requests in a time, in the place of the plan: 50/10s leaves room for other users of the token. Default: what `plan` says.',
      ),
    timeout: z.number().positive().max(3600).default(60).describe('Seconds for a request and its answer.'),
  })
  .refine((options) => (options.token === undefined) !== (options.oauth === undefined), {
    error: 'expected either `token` or `oauth`',
    abort: true,
  })
  .refine((options) => options.plan === undefined || options.rate === undefined, 'expected `plan` or `rate`, not both')

export type HubspotOptions = z.infer<typeof hubspotOptions>

/** Where the calls of that version are, behind the base URL. `type`: `contacts`, `2-7000001`. */
export interface HubspotPaths {
  objects(type: string): string
  properties(type: string): string
  readonly schemas: string
  /** The rules of administrators; only where the API knows of them. */
  rules(type: string): string | undefined
  readonly token: string
  /** Which account a token is of. */
  readonly account: string
}

export function pathsOf(version: HubspotOptions['version']): HubspotPaths {
  const dated = version !== 'v3'
  const part = encodeURIComponent
  return {
    objects: (type) => (dated ? `/crm/objects/${version}/${part(type)}` : `/crm/v3/objects/${part(type)}`),
    properties: (type) => (dated ? `/crm/properties/${version}/${part(type)}` : `/crm/v3/properties/${part(type)}`),
    schemas: dated ? `/crm-object-schemas/${version}/schemas` : '/crm/v3/schemas',
    rules: (type) => (version === '2026-09' ? `/crm/property-validations/2026-09/${part(type)}` : undefined),
    token: '/oauth/2026-03/token',
    // The newest of it, also where the objects have a newer one [D].
    account: dated ? '/account-info/2026-03/details' : '/account-info/v3/details',
  }
}

/** What the user allows, or what the smallest plan does until an answer says more. */
export function rateOf({ plan, rate }: HubspotOptions): Rate {
  const [, requests, seconds = '1'] = RATE.exec(rate ?? '') ?? []
  if (requests !== undefined) return { requests: Number(requests), perMs: Number(seconds) * 1000 }
  return { requests: plan === undefined ? UNKNOWN_PLAN : PLANS[plan], perMs: 10_000 }
}

/** Limits are counted for each app and account: whoever has the same token shares them. */
export function credentialOf({ base_url, token, oauth }: HubspotOptions): string {
  const secret = token ?? `${oauth?.client_id}\n${oauth?.refresh_token}`
  return `hubspot ${base_url} ${createHash('sha256').update(secret).digest('hex').slice(0, 16)}`
}

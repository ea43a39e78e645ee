import * as z from 'zod'
import type { Rate } from '../core/request-gate.ts'
import { byteSize, rate } from './http-amounts.ts'
import { type HttpAuth, httpAuth, httpTimeouts } from './http-auth-options.ts'
import { type HttpObject, httpObject } from './http-operation-options.ts'
import { HTTP_PRESETS, type HttpPreset, readPreset } from './http-presets.ts'
import { type Refuse, readPart } from './http-problems.ts'
import { WEBHOOK } from './http-webhook.ts'

const address = z.string().superRefine((text, context) => {
  const problem = addressProblem(text)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

/** What a user writes. */
const written = z.strictObject({
  type: z.literal('http').optional(),
  url: address
    .optional()
    .describe('The same as `base_url`, as the URL form of a connection has it. Default: none; or give `base_url`.'),
  base_url: address
    .optional()
    .describe(
      'What every path is put behind, without user, query and fragment. Default: none, or the one of the preset.',
    ),
  preset: z
    .enum(HTTP_PRESETS)
    .optional()
    .describe('Objects, limits and sign-in of a [known API](connectors/presets.md). Default: none.'),
  auth: z
    .record(z.string(), z.union([z.string(), z.array(z.string())]))
    .optional()
    .describe('Who is asking: [credentials](connectors/http.md#credentials). Default: nobody.'),
  headers: z.record(z.string(), z.string()).default({}).describe('Sent with every request.'),
  objects: z
    .record(z.string().min(1), z.looseObject({}))
    .superRefine((objects, context) => {
      const refuse: Refuse = (path, message) => context.addIssue({ code: 'custom', path, message })
      for (const [name, value] of Object.entries(objects)) {
        readPart(httpObject, value, { at: [name], refuse })
      }
    })
    .optional()
    .describe(
      'What can be written to, and how: [operations](connectors/http.md#operations). Default: events to the URL.',
    ),
  rate: z
    .union([rate, z.array(rate).min(1)])
    .optional()
    .describe('Such as 100/10s; all of them hold. Default: no limit.'),
  concurrency: z.int().min(1).max(64).optional().describe('Requests at the same time. Default: `4`.'),
  timeout: httpTimeouts
    .optional()
    .describe('Of one request, in all; or a map of times. Default: `{ connect: 10s, total: 60s }`.'),
  retry_after: z
    .array(z.string().min(1))
    .optional()
    .describe('Headers that say when to come again. Default: Retry-After, X-RateLimit-Reset, RateLimit-Reset.'),
  timestamps: z.enum(['rfc3339', 'as_is']).optional().describe('How points in time are written. Default: `rfc3339`.'),
  check: z
    .string()
    .startsWith('/', 'expected a path such as /me')
    .optional()
    .describe(
      'Path that is asked for (GET) before the first row is read, to know that the credentials are good. Default: none.',
    ),
  share_as: z
    .string()
    .min(1)
    .optional()
    .describe('Connections of the same name share their limits. Default: those of the same origin do.'),
  tls: z
    .strictObject({
      ca: z.string().optional().describe('PEM text of the authorities to trust. Default: those that Node trusts.'),
      cert: z.string().optional().describe('PEM text of the certificate to show. Default: none.'),
      key: z.string().optional().describe('PEM text of its private key. Default: none.'),
    })
    .optional()
    .describe('Certificates. Default: what Node does.'),
  allow_private_hosts: z.boolean().default(false).describe('Whether addresses of private networks may be reached.'),
  max_reply: byteSize.prefault('10MB').describe('Larger replies are refused.'),
})

/** The options of a connection, a preset's included. */
export interface HttpOptions {
  /** Without a slash at its end. */
  readonly baseUrl: string
  readonly preset: string | undefined
  readonly auth: HttpAuth | undefined
  readonly headers: Readonly<Record<string, string>>
  /** Undefined where every object is a webhook. */
  readonly objects: Readonly<Record<string, HttpObject>> | undefined
  readonly rates: readonly Rate[]
  readonly concurrency: number
  readonly connectTimeoutMs: number
  readonly timeoutMs: number
  readonly retryAfter: readonly string[]
  readonly timestamps: 'rfc3339' | 'as_is'
  /** A path that is asked for to know that the credentials are good. */
  readonly check: string | undefined
  readonly shareAs: string | undefined
  readonly tls: {
    readonly ca?: string | undefined
    readonly cert?: string | undefined
    readonly key?: string | undefined
  }
  readonly allowPrivateHosts: boolean
  readonly maxReplyBytes: number
}

/** Headers that services use to say when to come again. */
const RETRY_AFTER = ['Retry-After', 'X-RateLimit-Reset', 'RateLimit-Reset']

export const httpOptions = written.transform((options, context): HttpOptions => {
  const preset = options.preset === undefined ? undefined : readPreset(options.preset)
  const refuse: Refuse = (path, message) => context.addIssue({ code: 'custom', path, message })
  const baseUrl = options.base_url ?? options.url ?? preset?.base_url
  if (options.base_url !== undefined && options.url !== undefined)
    refuse(['url'], 'it is also there as base_url; keep one')
  if (baseUrl === undefined) {
    const hint = preset?.base_url_hint ?? 'such as https://api.example.com/v1'
    refuse(['base_url'], `expected the address of the API, ${hint}`)
  }
  const objects = objectsOf(options.objects, preset)
  if (options.objects !== undefined && Object.keys(options.objects).length === 0) {
    refuse(['objects'], 'expected at least one object; without `objects` every change is sent to the URL as an event')
  }
  const auth = authOf(options.auth, preset, refuse)
  for (const name of Object.keys(options.headers)) {
    if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) refuse(['headers', name], 'expected the name of a header')
  }
  const rates = options.rate ?? preset?.rate
  return {
    baseUrl: (baseUrl ?? 'https://invalid.example').replace(/\/+$/, ''),
    preset: options.preset,
    auth,
    headers: { ...preset?.headers, ...options.headers },
    objects,
    rates: rates === undefined ? [] : Array.isArray(rates) ? rates : [rates],
    concurrency: options.concurrency ?? preset?.concurrency ?? 4,
    connectTimeoutMs: options.timeout?.connect ?? 10_000,
    timeoutMs: options.timeout?.total ?? 60_000,
    retryAfter: options.retry_after ?? preset?.retry_after ?? RETRY_AFTER,
    timestamps: options.timestamps ?? preset?.timestamps ?? 'rfc3339',
    check: options.check ?? preset?.check,
    shareAs: options.share_as,
    tls: options.tls ?? {},
    allowPrivateHosts: options.allow_private_hosts,
    maxReplyBytes: options.max_reply,
  }
})

/** Objects of the user's own win over those of the same name in a preset. */
function objectsOf(own: Readonly<Record<string, unknown>> | undefined, preset: HttpPreset | undefined) {
  if (own === undefined && preset === undefined) return undefined
  const written = Object.entries(own ?? {}).map(([name, value]) => [name, httpObject.parse(value)] as const)
  return { ...preset?.objects, ...Object.fromEntries(written) }
}

function authOf(
  own: Readonly<Record<string, unknown>> | undefined,
  preset: HttpPreset | undefined,
  refuse: Refuse,
): HttpAuth | undefined {
  if (own === undefined && preset?.auth === undefined) return undefined
  // Another kind of credentials than the preset's has nothing of them.
  const isOther = own?.['type'] !== undefined && own['type'] !== preset?.auth?.['type']
  const given = isOther ? own : { ...preset?.auth, ...own }
  return readPart(httpAuth, given, { at: ['auth'], refuse, hint: preset?.auth_hint })
}

/** Why a text is no address of an API; undefined where it is one. */
function addressProblem(text: string): string | undefined {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return 'expected an http or https URL such as https://api.example.com/v1'
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'expected an http or https URL'
  if (url.username !== '' || url.password !== '')
    return 'a URL with a user in it ends up in logs: use auth: { type: basic, … }'
  if (url.search !== '' || url.hash !== '') return 'expected a URL without ? and #; a query belongs to the operations'
  return undefined
}

/** The object of a sync; undefined where there is none of that name. */
export function objectNamed(options: HttpOptions, name: string): HttpObject | undefined {
  if (options.objects === undefined) return WEBHOOK
  return Object.hasOwn(options.objects, name) ? options.objects[name] : undefined
}

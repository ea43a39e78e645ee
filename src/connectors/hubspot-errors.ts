import { BatchRefusedError, configurationError, FatalError, RetryableError } from '../core/errors.ts'
import type { LimitsSeen, Rate } from '../core/request-gate.ts'
import type { WebReply } from './web-client.ts'
import { firstWords, jsonOf, passingError } from './web-errors.ts'
import { retryAfterMs } from './web-retry-after.ts'

/** The body of a refusal, and of an entry of `errors`; each part may be missing or be of another type. */
export interface HubspotError {
  readonly category: string
  readonly message: string
  readonly context: Readonly<Record<string, readonly string[]>>
  /** What is wrong in particular. */
  readonly details: readonly {
    readonly code: string
    readonly message: string
    readonly property: string | undefined
  }[]
  /** Of which one is needed. */
  readonly scopes: readonly string[]
  readonly policyName: string
}

/** Of the rolling limit, where an answer does not say how long its window is [D]. */
const WINDOW_MS = 10_000
const SHORTEST_WINDOW_MS = 1_000
const LONGEST_WINDOW_MS = 60_000
/** HubSpot asks to wait at least two seconds before a locked record is written again [D]. */
const LOCKED_MS = 2_000
/** While an account moves to another data centre it may be away for a day: longer than this no run waits. */
const LONGEST_MOVE_MS = 5 * 60_000

/** How the message begins that says what is wrong with single values, and repeats them. */
const WRONG_VALUES = 'Property values were not valid: '

export function errorOf(reply: unknown): HubspotError {
  const body = recordOf(reply)
  const message = textOf(body['message'])
  const listed = listOf(body['errors']).map(detailOf)
  const context = textsOf(body['context'])
  const inner = listOf(body['errors']).flatMap((one) => textsOf(recordOf(one)['context'])['requiredScopes'] ?? [])
  return {
    category: textOf(body['category']),
    message,
    context,
    details: listed.some(({ code }) => code !== '') ? listed : [...listed, ...saidInMessage(message)],
    scopes: [...new Set([...(context['requiredScopes'] ?? []), ...inner])],
    policyName: textOf(body['policyName']),
  }
}

function detailOf(said: unknown): HubspotError['details'][number] {
  const detail = recordOf(said)
  const named = listOf(recordOf(detail['context'])['propertyName'])[0] ?? detail['name']
  const code = textOf(detail['code']) || textOf(detail['error'])
  return { code, message: textOf(detail['message']), property: typeof named === 'string' ? named : undefined }
}

/** Many answers say what is wrong with values in their message only, as JSON [I]. */
function saidInMessage(message: string): HubspotError['details'] {
  if (!message.startsWith(WRONG_VALUES)) return []
  try {
    return listOf(JSON.parse(message.slice(WRONG_VALUES.length))).map(detailOf)
  } catch {
    return []
  }
}

/** The error of an answer that is no success; undefined for 404, which means something else with every call. */
export function refusalOf(reply: WebReply, now: number): Error | undefined {
  const { status, what, text } = reply
  if (status >= 200 && status < 300) return undefined
  const error = errorOf(jsonOf(reply))
  const said = error.message || firstWords(text) || text.slice(0, 200) || `status ${status}`
  if (status === 401) {
    const message = `HubSpot does not know the token, or it has expired or was revoked (${said}): give a valid one in the connection`
    return configurationError('authentication_failed', message)
  }
  if (status === 403) return forbidden(error, said)
  if (status === 429) return limited(reply, error, now)
  if (status === 477) return moving(reply, now)
  const passing = passingError(reply, { now, retryAfterMs: status === 423 ? LOCKED_MS : undefined })
  if (passing !== undefined) return passing
  if (status === 404 || status < 400) return undefined
  if (status === 409) return systemic(error) ?? new BatchRefusedError('conflict', messagesOf(error))
  if (status === 400 || status === 413)
    return systemic(error) ?? new BatchRefusedError(codeOf(error), messagesOf(error) || said)
  return notUnderstood(`${what}: status ${status}, ${said}`)
}

/** A property that is gone or locked, and so a fault of every row: to halve a batch would only cost requests. */
export function mappingFault({ details }: HubspotError): FatalError | undefined {
  const named = (code: string) => details.filter((one) => one.code === code).map(({ property }) => property ?? 'one')
  const gone = named('PROPERTY_DOESNT_EXIST')
  const locked = named('READ_ONLY_VALUE')
  if (gone.length > 0) {
    const message = `HubSpot has no property ${gone.join(', ')} any more: correct fields, or create it`
    return configurationError('unknown_field', message)
  }
  if (locked.length === 0) return undefined
  const message = `${locked.join(', ')} cannot be set in HubSpot any more: take it out of fields`
  return configurationError('read_only_field', message)
}

/** What is wrong with a request as a whole, whichever rows are in it. */
export function systemic(error: HubspotError): FatalError | undefined {
  const { message, details } = error
  // Where single values are what is wrong, the message repeats them, whatever is in them.
  if (details.length > 0 || message.startsWith(WRONG_VALUES)) return mappingFault(error)
  if (/non-unique/i.test(message)) {
    const advice = 'match by a property whose values are unique'
    return configurationError('match_not_unique', `HubSpot cannot find records by the match (${message}): ${advice}`)
  }
  if (/infer object type/i.test(message)) return unknownObject(message)
  const isOurs =
    /invalid input json|required fields were not set|maximum number of inputs|^property ".*" does not exist/i
  return isOurs.test(message) ? notUnderstood(message) : undefined
}

/** A request that HubSpot has no use for, which is a fault of this connector. */
export function notUnderstood(said: string): FatalError {
  return new FatalError(
    'hubspot_error',
    `HubSpot did not understand a request (${said}): report this as a bug of rowferry`,
  )
}

export function unknownObject(said: string): FatalError {
  const message = `HubSpot has no such object (${said}): correct the object of the sync; custom objects are named by their name or their id, as 2-1234567`
  return configurationError('unknown_object', message)
}

/** `INVALID_EMAIL` where something in particular is wrong, else `VALIDATION_ERROR`. */
export function codeOf({ details, category }: HubspotError): string {
  if (category === 'CONFLICT') return 'conflict'
  return details.find(({ code }) => code !== '')?.code || category || 'refused'
}

/** Every message that says something of its own: HubSpot's first one repeats the others as JSON. */
export function messagesOf({ details, message }: HubspotError): string {
  const own = [...new Set(details.map((one) => one.message).filter((one) => one !== ''))]
  return own.length === 0 ? message : own.join('; ')
}

/** What the headers of an answer, and a 429, say about the limits. `most`: what the user allows at most, if he said so. */
export function limitsSeen(reply: WebReply, now: number, most: Rate | undefined): LimitsSeen | undefined {
  const { status, headers } = reply
  const rate = { requests: Number(headers['x-hubspot-ratelimit-max']), perMs: windowOf(reply) }
  const isCount = Number.isSafeInteger(rate.requests) && rate.requests > 0
  const known = isCount && (most === undefined || rate.requests * most.perMs < most.requests * rate.perMs)
  const blocked = status === 429 && !isDaily(reply, errorOf(jsonOf(reply)))
  if (!known && !blocked) return undefined
  return { ...(known && { rates: [rate] }), ...(blocked && { blockedMs: waitOf(reply, now) }) }
}

function limited(reply: WebReply, error: HubspotError, now: number): Error {
  if (isDaily(reply, error)) {
    const message = `the daily limit of HubSpot's API is used up for this app (${error.message}): run again after midnight in the time zone of the account`
    return new FatalError('daily_limit', message)
  }
  return new RetryableError(`${reply.what} was refused by a rate limit of HubSpot (${error.message})`, {
    retryAfterMs: waitOf(reply, now),
  })
}

function isDaily({ headers }: WebReply, { policyName, message }: HubspotError): boolean {
  if (policyName !== '') return policyName === 'DAILY'
  return /\bdaily\b/i.test(message) || headers['x-hubspot-ratelimit-daily-remaining'] === '0'
}

/** A window that is full is free again after its length at the latest; most answers say nothing [R]. No wait at all is none. */
function waitOf(reply: WebReply, now: number): number {
  return retryAfterMs(reply.headers, now) || windowOf(reply)
}

/** A window of another order than those that are known would stop the run, or hold nothing back. */
function windowOf({ headers }: WebReply): number {
  const ms = Number(headers['x-hubspot-ratelimit-interval-milliseconds'])
  return ms >= SHORTEST_WINDOW_MS && ms <= LONGEST_WINDOW_MS ? ms : WINDOW_MS
}

function moving(reply: WebReply, now: number): Error {
  const wait = retryAfterMs(reply.headers, now)
  const said = 'HubSpot is moving the account to another data centre'
  if (wait !== undefined && wait <= LONGEST_MOVE_MS) return new RetryableError(said, { retryAfterMs: wait })
  const when = wait === undefined ? 'later' : `in ${Math.ceil(wait / 60_000)} minutes`
  return new FatalError('account_moving', `${said}: run again ${when}`)
}

function forbidden({ scopes }: HubspotError, said: string): Error {
  const advice =
    scopes.length === 0 ? 'give the app the scopes that this needs' : `give the app the scope ${scopes.join(' or ')}`
  return configurationError('permission_denied', `HubSpot does not allow this (${said}): ${advice}`)
}

function textsOf(value: unknown): Readonly<Record<string, readonly string[]>> {
  const lists = Object.entries(recordOf(value)).map(([name, list]) => [
    name,
    listOf(list).filter((one) => typeof one === 'string'),
  ])
  return Object.fromEntries(lists)
}

export function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

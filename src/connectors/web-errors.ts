import { configurationError, RetryableError, UnansweredError } from '../core/errors.ts'
import type { WebReply } from './web-client.ts'
import { retryAfterMs } from './web-retry-after.ts'

/** Answered before anything was done, for a reason that passes. */
const NOT_NOW = new Set([408, 423, 425, 429])

/** What {@link passingError} has to know besides the answer. */
interface WebCircumstances {
  /** Milliseconds since 1970, for dates in `retry-after`. */
  readonly now: number
  /** Milliseconds to wait where the answer names none. */
  readonly retryAfterMs?: number | undefined
}

/**
 * The error of a status that says nothing about what was sent: a redirect, a limit, a server that failed and may have done
 * it before that. Undefined for every other status: 2xx and what is wrong with the request are for whoever knows the API.
 */
export function passingError(reply: WebReply, { now, ...given }: WebCircumstances): Error | undefined {
  const { status, what } = reply
  const wait = retryAfterMs(reply.headers, now) ?? given.retryAfterMs
  const options = wait === undefined ? {} : { retryAfterMs: wait }
  if (status >= 300 && status < 400) return redirected(reply)
  if (NOT_NOW.has(status)) return new RetryableError(`${what} was answered with status ${status}`, options)
  if (status < 500) return undefined
  return new UnansweredError(`${what} was answered with status ${status}${excerpt(reply.text)}`, options)
}

/** An answer that promises success and cannot be read: somebody in between may have given it, and it proves nothing. */
export function unreadable(reply: WebReply, expected: string): UnansweredError {
  const what = reply.text.trim() === '' ? 'nothing' : `no ${expected}`
  return new UnansweredError(`${reply.what} was answered with status ${reply.status} and ${what}${excerpt(reply.text)}`)
}

/** The JSON of an answer; undefined where it is none. */
export function jsonOf(reply: WebReply): unknown {
  try {
    return JSON.parse(reply.text)
  } catch {
    return undefined
  }
}

/** Credentials are not carried to another host, so that no redirect is followed. The target's query, or a user in it, may be secret. */
function redirected({ status, headers, what }: WebReply): Error {
  const target = headers['location']?.replace(/[?#].*$/s, '').replace(/^([a-z]*:?\/\/)[^/]*@/i, '$1') ?? 'nowhere'
  const message = `${what} was answered with status ${status}, a redirect to ${target}, and none is followed: correct the URL of the connection`
  return configurationError('redirected', message)
}

/** Characters of an answer in which its first words are looked for. */
const EXCERPT = 4_000

/** The first words of an answer that is not JSON, to see whose it is; '' where there are none. */
export function firstWords(text: string): string {
  const words = text
    .slice(0, EXCERPT)
    // What is not closed goes on to the end, so that nothing is looked for twice.
    .replace(/<(script|style)\b.*?(?:<\/\1>|$)|<[^>]*(?:>|$)/gis, ' ')
    .replace(/\s+/g, ' ')
    .trim()
  if (/^[{[]/.test(words)) return ''
  return words.length > 100 ? `${words.slice(0, 100)}…` : words
}

function excerpt(text: string): string {
  const words = firstWords(text)
  return words === '' ? '' : ` (${words})`
}

import type { Operation } from '../core/change.ts'
import { configurationError, FatalError, RetryableError, UnansweredError } from '../core/errors.ts'
import { atPointer, messageText, readJson, scalarText } from './http-json.ts'
import {
  type HttpOperation,
  type HttpResponse,
  type HttpStatus,
  type HttpTest,
  isStatus,
} from './http-operation-options.ts'
import { askedToWaitMs } from './http-retry-after.ts'
import type { WebReply } from './web-client.ts'
import { firstWords, passingError, unreadable } from './web-errors.ts'

/** What a reply says of a request as a whole. What ends the run or the attempt is thrown. */
export type Verdict =
  /** It was carried out; the body says of which rows. */
  | { readonly kind: 'success'; readonly body: unknown }
  /** As good as carried out, with nothing more to say. */
  | { readonly kind: 'done' | 'not_found' | 'exists' }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }

type Reaction = 'success' | 'treat_as_success' | 'not_found' | 'exists' | 'stop' | 'retryable' | 'permanent'

export interface VerdictContext {
  readonly name: Operation
  readonly operation: HttpOperation
  /** Headers that say when to come again. */
  readonly retryAfter: readonly string[]
  /** Milliseconds since 1970. */
  readonly now: number
}

/** Statuses that nothing but a change of the configuration or the rights can mend. */
const STOP: readonly HttpStatus[] = [401, 403, 405]

/** What a delete of one record is answered with where there is none: that is what was wanted. */
const GONE: readonly HttpStatus[] = [404, 410]

/** Never what was wrong with a request, unless they are named. */
const NOT_NOW: readonly HttpStatus[] = [408, 425, 429]

/** Most characters of what a service says. */
const MOST_SAID = 1_000

/**
 * Reads a reply. Throws RetryableError where nothing was done and it may be tried again, UnansweredError where nobody knows,
 * FatalError where somebody has to act.
 */
export function verdictOf(reply: WebReply, context: VerdictContext): Verdict {
  const { operation, name, now } = context
  const { response } = operation
  const wait = askedToWaitMs(reply, context.retryAfter, now)
  const reaction = reactionTo(reply.status, name, operation)
  switch (reaction) {
    case 'success':
      return successOf(reply, response)
    case 'treat_as_success':
      return { kind: 'done' }
    case 'not_found':
      return { kind: 'not_found' }
    case 'exists':
      return { kind: 'exists' }
    case 'permanent':
      return { kind: 'refused', ...refusalIn(reply, response) }
    case 'stop':
      throw stopError(reply, response)
    case 'retryable': {
      const options = wait === undefined ? {} : { retryAfterMs: wait }
      const passing = passingError(reply, { now, retryAfterMs: wait })
      if (passing !== undefined && !(passing instanceof RetryableError)) throw passing
      const message = `${reply.what} was answered with status ${reply.status}`
      // A server that failed may have done it before.
      throw reply.status >= 500 ? new UnansweredError(message, options) : new RetryableError(message, options)
    }
    case undefined: {
      const passing = passingError(reply, { now, retryAfterMs: wait })
      if (passing !== undefined) throw passing
      const message = `${reply.what} was answered with status ${reply.status}, which \`response\` says nothing about; add it to success, permanent or retryable`
      throw configurationError('unexpected_status', message)
    }
  }
}

/** A status that is named wins over one whose class is. */
function reactionTo(status: number, name: Operation, { mode, response }: HttpOperation): Reaction | undefined {
  const isGone = name === 'delete' && mode === 'single'
  const lists: readonly (readonly [Reaction, readonly HttpStatus[]])[] = [
    ['treat_as_success', response.treat_as_success.length === 0 && isGone ? GONE : response.treat_as_success],
    ['not_found', name === 'update' || name === 'delete' ? response.not_found : []],
    ['exists', name === 'insert' ? response.exists : []],
    ['success', response.success.status],
    ['permanent', response.permanent],
    ['retryable', response.retryable],
    ['stop', response.stop ?? (mode === 'batch' ? [...STOP, 404] : STOP)],
  ]
  const isNamed = lists.find(([, list]) => list.includes(status))
  if (isNamed === undefined && NOT_NOW.includes(status)) return 'retryable'
  return (isNamed ?? lists.find(([, list]) => isStatus(status, list)))?.[0]
}

function successOf(reply: WebReply, response: HttpResponse): Verdict {
  const { body: form, success, rows, record_id: recordId } = response
  if (form === 'ignore') return { kind: 'success', body: undefined }
  const isBlank = reply.text.trim() === ''
  const read = form === 'text' ? { value: reply.text } : isBlank ? { value: undefined } : readJson(reply.text)
  // A page in HTML, or half a reply: somebody in between may have given it.
  if (read === undefined) throw unreadable(reply, 'JSON')
  const needsBody = rows !== undefined || success.body_matches !== undefined || recordId !== undefined
  if (form === 'json' && isBlank && needsBody && reply.status !== 204) throw unreadable(reply, 'JSON')
  if (success.body_matches !== undefined && !holds(success.body_matches, read.value)) {
    return { kind: 'refused', ...refusalIn(reply, response) }
  }
  return { kind: 'success', body: read.value }
}

/** Whether a value of a reply is what a test wants. */
export function holds(test: HttpTest, body: unknown): boolean {
  const value = atPointer(body, test.path)
  if (test.exists !== undefined && (value !== undefined && value !== null) !== test.exists) return false
  const among = [...(test.equals === undefined ? [] : [test.equals]), ...(test.in ?? [])]
  if (among.length === 0) return test.exists !== undefined || (value !== undefined && value !== null)
  return among.some((wanted) => sameScalar(wanted, value))
}

function sameScalar(wanted: unknown, value: unknown): boolean {
  return wanted === null ? value === null : scalarText(value) === String(wanted)
}

/** The service's own words for why it refused; the status where there are none. */
function refusalIn(reply: WebReply, { error }: Pick<HttpResponse, 'error'>): { code: string; message: string } {
  const body = readJson(reply.text)?.value
  const code = error.code === undefined ? undefined : messageText(atPointer(body, error.code))
  const said = error.message === undefined ? undefined : messageText(atPointer(body, error.message))
  const text = shortened(said ?? excerpt(reply.text))
  const byStatus = `http_${reply.status}`
  return { code: code ?? byStatus, message: text === '' ? `status ${reply.status}` : text }
}

function stopError(reply: WebReply, response: HttpResponse): Error {
  const { message } = refusalIn(reply, response)
  const what = `${reply.what} was answered with status ${reply.status} (${message})`
  switch (reply.status) {
    case 401:
      return configurationError(
        'authentication_failed',
        `${what}: correct the credentials in \`auth\` of the connection`,
      )
    case 403:
      return configurationError('permission_denied', `${what}: give the credentials the rights that this request needs`)
    case 404:
    case 405:
      return configurationError('no_such_path', `${what}: correct base_url, or path and method of the operation`)
    default:
      return new FatalError('request_refused', `${what}: act upon what the service says, and run again`)
  }
}

/** The first words of a reply; JSON as it is. */
function excerpt(text: string): string {
  const start = text.slice(0, MOST_SAID).trim()
  return /^[{[]/.test(start) ? start.replace(/\s+/g, ' ') : firstWords(text)
}

function shortened(text: string): string {
  return text.length > MOST_SAID ? `${text.slice(0, MOST_SAID)}…` : text
}

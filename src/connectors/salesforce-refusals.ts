import { configurationError, FatalError } from '../core/errors.ts'
import { type RowError, rowError, systemicError } from './salesforce-row-errors.ts'
import type { WebReply } from './web-client.ts'
import { jsonOf } from './web-errors.ts'

/** What an answer of status 4xx says. */
export interface Refusal extends RowError {
  /** Set where nobody but the user can help. */
  readonly fatal?: FatalError
  /** It passes by itself. */
  readonly retry: boolean
}

/** Limits of what runs at the same time pass; that of the day does not [D: API request limits; A for the words]. */
const CONCURRENT = /concurrent/i

/** Reads `[{ errorCode, message, fields }]`, as the REST API answers [D]; anything else is its own message. */
export function refusal(reply: WebReply): Refusal {
  const { status } = reply
  const error = firstError(reply)
  const { code, message } = error
  const said = message === '' ? `status ${status}` : `${code}: ${message}`
  if (code === 'REQUEST_LIMIT_EXCEEDED' && CONCURRENT.test(message)) return { ...error, retry: true }
  if (code === 'REQUEST_LIMIT_EXCEEDED') {
    const text = `Salesforce takes no more API calls of this org for now (${message}); run again later, or raise the limit`
    return { ...error, retry: false, fatal: new FatalError('daily_limit', text) }
  }
  if (status === 401) {
    const text = `Salesforce does not take the token (${said}); correct the credentials of the connection, or authorize the app again`
    return { ...error, retry: false, fatal: configurationError('authentication_failed', text) }
  }
  const systemic = systemicError(error)
  if (status === 403 && systemic !== undefined) return { ...error, retry: false, fatal: systemic }
  if (status === 403) {
    const text = `Salesforce does not allow ${reply.what} (${said}); grant the user of the connection "API Enabled" and what the call needs`
    return { ...error, retry: false, fatal: configurationError('permission_denied', text) }
  }
  return { ...error, retry: false }
}

function firstError(reply: WebReply): RowError {
  const json = jsonOf(reply)
  const first: unknown = Array.isArray(json) ? json[0] : json
  const { errorCode, message, fields, error, error_description } = (first ?? {}) as Record<string, unknown>
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined)
  const code = text(errorCode) ?? text(error) ?? `HTTP_${reply.status}`
  const names = Array.isArray(fields) ? fields.filter((name): name is string => typeof name === 'string') : []
  return rowError(code, text(message) ?? text(error_description), names)
}

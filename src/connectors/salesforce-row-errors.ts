import { FatalError } from '../core/errors.ts'
import { DONE, EXISTS, NOT_FOUND, type Outcome } from '../core/outcome.ts'
import type { RowForm } from './salesforce-rows.ts'

/** What Salesforce says against one row. */
export interface RowError {
  readonly code: string
  readonly message: string
  readonly fields: readonly string[]
}

export function rowError(code = 'UNKNOWN_EXCEPTION', message = '', fields: readonly string[] = []): RowError {
  return { code, message, fields }
}

/** Reasons that pass [D: status codes; I: threads about locks]. */
const PASSING = new Set(['UNABLE_TO_LOCK_ROW', 'QUERY_TIMEOUT', 'REQUEST_RUNNING_TOO_LONG', 'SERVER_UNAVAILABLE'])

/** Triggers and flows of the org that failed: the text says why. */
const WRAPPED = new Set(['CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY', 'CANNOT_EXECUTE_FLOW_TRIGGER', 'UNKNOWN_EXCEPTION'])
const PASSING_TEXT =
  /UNABLE_TO_LOCK_ROW|unable to obtain exclusive access|CPU time limit|Too many SOQL queries|row lock/i

/** Not about the row: every other one would be refused too. What to do completes "…: ". */
const SYSTEMIC: Readonly<Record<string, string>> = {
  INVALID_FIELD: 'correct fields, or grant this user the field in its field-level security',
  INVALID_FIELD_FOR_INSERT_UPDATE: 'take the field out of fields, or grant this user Edit in its field-level security',
  INVALID_TYPE: 'correct destination.object, or grant this user the object',
  STORAGE_LIMIT_EXCEEDED: 'free storage in Salesforce or buy more, and run again',
  API_DISABLED_FOR_ORG: 'grant this user "API Enabled"',
  OAUTH_APP_BLOCKED: 'have an administrator unblock the External Client App',
  FUNCTIONALITY_NOT_ENABLED: 'have an administrator enable the feature',
}

/** A parent that is not there is refused with a code of the mapping, and is about the row [I]. */
const MISSING_PARENT = /foreign key external id/i

/** What becomes of a change that was refused. Throws FatalError where it is not about the change. */
export function refusedOutcome(error: RowError, form: RowForm, sent?: string): Outcome {
  const { code, message } = error
  if (PASSING.has(code) || (WRAPPED.has(code) && PASSING_TEXT.test(message))) {
    return { status: 'deferred', code, message, response: shown(error) }
  }
  const advice = Object.hasOwn(SYSTEMIC, code) ? SYSTEMIC[code] : undefined
  if (advice !== undefined && !MISSING_PARENT.test(message)) throw systemic(error, advice)
  if (isGone(error)) {
    if (form.way === 'delete') return DONE
    if (form.way === 'update') return NOT_FOUND
  }
  if (form.way === 'insert' && isTaken(error, form.match)) return EXISTS
  const about = error.fields.length === 0 ? '' : ` (${error.fields.join(', ')})`
  const request = sent === undefined ? {} : { request: sent }
  return { status: 'rejected', code, message: `${message}${about}`, response: shown(error), ...request }
}

/** A FatalError for what is wrong with the whole sync; undefined where the code is not known to be that. */
export function systemicError(error: RowError): FatalError | undefined {
  const advice = Object.hasOwn(SYSTEMIC, error.code) ? SYSTEMIC[error.code] : undefined
  return advice === undefined || MISSING_PARENT.test(error.message) ? undefined : systemic(error, advice)
}

function systemic({ code, message, fields }: RowError, advice: string): FatalError {
  const about = fields.length === 0 ? '' : ` (${fields.join(', ')})`
  return new FatalError(
    'salesforce_refused',
    `Salesforce refuses this sync with ${code}: ${message}${about}; ${advice}`,
  )
}

/** The record of that Id is not there: in the recycle bin, or no more at all [A for the second]. */
function isGone({ code, fields }: RowError): boolean {
  if (code === 'ENTITY_IS_DELETED') return true
  return code === 'INVALID_CROSS_REFERENCE_KEY' && fields.every((name) => name === 'Id')
}

/** Another record has the value of the unique field that finds records. */
function isTaken({ code, message, fields }: RowError, match: string): boolean {
  return code === 'DUPLICATE_VALUE' && (fields.includes(match) || new RegExp(`\\b${match}\\b`).test(message))
}

/** `CODE:text:field --`, as result files of jobs have it: `--` stands behind each field, or for none [D; A for several]. */
export function parseRowError(text: string): RowError {
  const match = /^([A-Z][A-Z0-9_]*):([\s\S]*)$/.exec(text.trim())
  if (match === null) return rowError('UNKNOWN_EXCEPTION', text)
  const [, code = '', rest = ''] = match
  const colon = rest.endsWith('--') ? rest.lastIndexOf(':') : -1
  const fields =
    colon < 0
      ? []
      : rest
          .slice(colon + 1)
          .split(/--|[\s,]+/)
          .filter((name) => name !== '')
  return { code, message: (colon < 0 ? rest : rest.slice(0, colon)).trim(), fields }
}

function shown({ code, message, fields }: RowError): string {
  return JSON.stringify({ statusCode: code, message, fields })
}

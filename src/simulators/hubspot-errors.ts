import type { SimulatorReply } from './simulator-request.ts'

/** What is wrong with one value. */
export interface ValueProblem {
  readonly property: string
  /** `INVALID_OPTION`, `PROPERTY_DOESNT_EXIST` … */
  readonly code: string
  readonly message: string
}

/** Why a record was not written. */
export interface RecordProblem {
  readonly status: 400 | 404 | 409
  readonly category: 'VALIDATION_ERROR' | 'CONFLICT' | 'OBJECT_NOT_FOUND'
  readonly message: string
  readonly context?: Readonly<Record<string, readonly string[]>>
  readonly errors?: readonly Readonly<Record<string, unknown>>[]
}

/** A number of its own for every error, as support would ask for it. */
export function correlationId(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
}

export function errorBody(
  n: number,
  category: string,
  message: string,
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return { status: 'error', message, correlationId: correlationId(n), category, ...more }
}

/** A refusal of a whole request. */
export function refusal(n: number, problem: RecordProblem): SimulatorReply {
  const { status, category, message, context, errors } = problem
  const more = { ...(context === undefined ? {} : { context }), ...(errors === undefined ? {} : { errors }) }
  return { status, body: errorBody(n, category, message, more) }
}

export function validation(message: string, context?: Readonly<Record<string, readonly string[]>>): RecordProblem {
  return { status: 400, category: 'VALIDATION_ERROR', message, ...(context === undefined ? {} : { context }) }
}

/** Values that are not valid, all of one record's. */
export function wrongValues(problems: readonly ValueProblem[]): RecordProblem {
  const listed = problems.map(({ property, code, message }) => ({
    isValid: false,
    message,
    error: code,
    name: property,
    localizedErrorMessage: message,
  }))
  return {
    status: 400,
    category: 'VALIDATION_ERROR',
    message: `Property values were not valid: ${JSON.stringify(listed)}`,
    errors: problems.map(({ property, code, message }) => ({ message, code, context: { propertyName: [property] } })),
  }
}

/** One entry of `errors` in a reply with status 207. */
export function rowError(
  { category, message, context = {}, errors }: RecordProblem,
  traceId: string | undefined,
): Readonly<Record<string, unknown>> {
  return {
    status: 'error',
    category,
    message,
    context: { ...context, ...(traceId === undefined ? {} : { objectWriteTraceId: [traceId] }) },
    ...(errors === undefined ? {} : { errors }),
    links: {},
  }
}

const PAGE = (status: number, text: string) =>
  `<html>\r\n<head><title>${status} ${text}</title></head>\r\n<body>\r\n<center><h1>${status} ${text}</h1></center>\r\n</body>\r\n</html>\r\n`

const MESSAGES: Readonly<Record<number, readonly [category: string, message: string]>> = {
  400: ['VALIDATION_ERROR', 'Invalid input JSON'],
  401: ['INVALID_AUTHENTICATION', 'Authentication credentials not found. This API supports OAuth 2.0 authentication.'],
  403: ['MISSING_SCOPES', "This app hasn't been granted all required scopes to make this call."],
  404: ['OBJECT_NOT_FOUND', 'resource not found'],
  405: ['VALIDATION_ERROR', 'Method not allowed'],
  409: ['CONFLICT', 'The record was changed by another request'],
  413: ['VALIDATION_ERROR', 'Request entity too large'],
  423: ['LOCKED', 'The resource is locked by another operation'],
  429: ['RATE_LIMITS', 'You have reached your secondly limit.'],
  477: ['MIGRATION_IN_PROGRESS', 'The account is being moved to another data center'],
  500: ['INTERNAL_ERROR', 'internal error'],
  503: ['SERVICE_UNAVAILABLE', 'Service is temporarily unavailable'],
}

/** What stands in front of HubSpot answers with these itself, in HTML. */
const PROXY: Readonly<Record<number, string>> = {
  502: 'Bad Gateway',
  504: 'Gateway Time-out',
  521: 'Web server is down',
  524: 'A timeout occurred',
}

/** The reply with this status where nothing better is known. */
export function statusReply(status: number, n: number, movingSeconds: number): SimulatorReply {
  const page = PROXY[status]
  if (page !== undefined) return { status, headers: { 'content-type': 'text/html' }, body: PAGE(status, page) }
  const [category, message] = MESSAGES[status] ?? ['ERROR', `status ${status}`]
  const body = errorBody(n, category, message)
  return status === 477 ? { status, headers: { 'retry-after': String(movingSeconds) }, body } : { status, body }
}

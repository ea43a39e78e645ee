import type { SimulatorReply } from './simulator-request.ts'

/** Why a row was not written, as it stands in the `errors` of a result and, in one line, in `sf__Error`. */
export interface RowError {
  readonly statusCode: string
  readonly message: string
  readonly fields: readonly string[]
}

export function rowError(statusCode: string, message: string, ...fields: string[]): RowError {
  return { statusCode, message, fields }
}

/** `sf__Error`: code, text and fields, `--` behind each field and where there is none. */
export function errorLine({ statusCode, message, fields }: RowError): string {
  return `${statusCode}:${message}:${fields.length === 0 ? '--' : fields.map((field) => `${field} --`).join('')}`
}

/** A request that is refused as a whole. */
export class RestError extends Error {
  override readonly name = 'RestError'
  readonly status: number
  readonly errorCode: string
  readonly fields: readonly string[] | undefined

  constructor(status: number, errorCode: string, message: string, fields?: readonly string[]) {
    super(message)
    this.status = status
    this.errorCode = errorCode
    this.fields = fields
  }

  get reply(): SimulatorReply {
    return errorReply(this.status, this.errorCode, this.message, this.fields)
  }
}

/** The API's error shape: a list of one. */
export function errorReply(
  status: number,
  errorCode: string,
  message: string,
  fields?: readonly string[],
): SimulatorReply {
  return { status, body: [{ message, errorCode, ...(fields === undefined ? {} : { fields }) }] }
}

export const notFound = () => new RestError(404, 'NOT_FOUND', 'The requested resource does not exist')

const BY_STATUS: Readonly<Record<number, readonly [string, string]>> = {
  401: ['INVALID_SESSION_ID', 'Session expired or invalid'],
  403: ['REQUEST_LIMIT_EXCEEDED', 'TotalRequests Limit exceeded.'],
  404: ['NOT_FOUND', 'The requested resource does not exist'],
  405: ['METHOD_NOT_ALLOWED', 'HTTP Method not allowed for this resource'],
  413: ['REQUEST_ENTITY_TOO_LARGE', 'The request is larger than the maximum'],
  415: ['UNSUPPORTED_MEDIA_TYPE', 'The request entity is in a format that is not supported'],
  420: ['SERVER_UNAVAILABLE', 'Server overloaded: retry in a moment'],
  500: ['UNKNOWN_EXCEPTION', 'An unexpected error occurred. Please include this ErrorId if you contact support'],
  502: ['SERVER_UNAVAILABLE', 'Bad gateway'],
  503: ['SERVER_UNAVAILABLE', 'Server Unavailable'],
  504: ['SERVER_UNAVAILABLE', 'Gateway timeout'],
}

/** The API's own answer with a status that nothing in the request explains. */
export function statusReply(status: number): SimulatorReply {
  const [code, message] = BY_STATUS[status] ?? ['UNKNOWN_EXCEPTION', `status ${status}`]
  return errorReply(status, code, message)
}

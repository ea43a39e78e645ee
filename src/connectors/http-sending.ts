import type { Clock } from '../core/clock.ts'
import { BatchRefusedError, FatalError, RetryableError, UnansweredError } from '../core/errors.ts'
import { DONE, EXISTS, NOT_FOUND, type Outcome } from '../core/outcome.ts'
import { atPointer, scalarText } from './http-json.ts'
import { isRepeatable } from './http-modes.ts'
import { isStatus } from './http-operation-options.ts'
import type { HttpOptions } from './http-options.ts'
import { type Compiled, type HttpRequest, makeRequest } from './http-request.ts'
import { notMentionedError, rowOutcomes, shownReply, shownRequest } from './http-row-outcomes.ts'
import type { Row } from './http-rows.ts'
import type { HttpSender } from './http-sender.ts'
import { type VerdictContext, verdictOf } from './http-verdict.ts'

/** What it takes to send rows. */
export interface Sending {
  readonly compiled: Compiled
  /** Name of the object, for idempotency keys. */
  readonly object: string
  readonly options: HttpOptions
  readonly sender: HttpSender
  readonly clock: Clock
  readonly signal: AbortSignal
  /** As in idempotencyMarks. */
  readonly mark: string
}

/**
 * Sends rows in as many requests as they need. Several are only needed of operations that may be repeated: where one of them
 * fails after others have been answered, its rows are deferred, or unknown where it may have been carried out, and those behind
 * it are deferred, so that no answer is lost.
 */
export async function inRequests(rows: readonly Row[], sending: Sending): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  for (const part of partsOf(rows, sending)) {
    try {
      outcomes.push(...(await inOneRequest(part, sending)))
    } catch (error) {
      const passes = error instanceof RetryableError || error instanceof BatchRefusedError
      if (!passes || outcomes.length === 0) throw error
      const code = error instanceof BatchRefusedError ? error.code : 'not_sent'
      const wait = error instanceof RetryableError ? error.retryAfterMs : undefined
      const said = { code, message: error.message, ...(wait !== undefined && { retryAfterMs: wait }) }
      const status = error instanceof UnansweredError ? 'unknown' : 'deferred'
      outcomes.push(...part.map((): Outcome => ({ status, ...said })))
      const deferred: Outcome = { status: 'deferred', ...said }
      outcomes.push(...new Array<Outcome>(rows.length - outcomes.length).fill(deferred))
      break
    }
  }
  return outcomes
}

/** The rows of each request: no more than it may hold, by number and, where that does no harm, by bytes. */
function* partsOf(rows: readonly Row[], sending: Sending): Generator<readonly Row[]> {
  const { operation, name } = sending.compiled
  const size = operation.mode === 'single' ? 1 : operation.batch.max_records
  for (let from = 0; from < rows.length; ) {
    let count = Math.min(size, rows.length - from)
    const part = () => numbered(rows.slice(from, from + count))
    while (count > 1 && isRepeatable(name, operation) && isTooLarge(part(), sending)) count = Math.ceil(count / 2)
    yield part()
    from += count
  }
}

/** A reply counts rows from the first of its request on. */
function numbered(rows: readonly Row[]): readonly Row[] {
  return rows.map((row, number) => ({ ...row, number }))
}

function isTooLarge(rows: readonly Row[], sending: Sending): boolean {
  const { mode, batch } = sending.compiled.operation
  return mode === 'batch' && Buffer.byteLength(requestFor(rows, sending).body ?? '') > batch.max_bytes
}

function requestFor(rows: readonly Row[], { compiled, options, object, mark }: Sending): HttpRequest {
  return makeRequest(compiled, rows, { baseUrl: options.baseUrl, headers: options.headers, object, mark })
}

async function inOneRequest(rows: readonly Row[], sending: Sending): Promise<readonly Outcome[]> {
  const { compiled, options, sender, clock, signal } = sending
  const { operation, name } = compiled
  const request = requestFor(rows, sending)
  const most = operation.mode === 'batch' ? operation.batch.max_bytes : Number.POSITIVE_INFINITY
  const only = rows.length === 1 ? rows[0] : undefined
  if (Buffer.byteLength(request.body ?? '') > most) {
    const message = `its request would be larger than the ${most} bytes of batch.max_bytes: make it smaller, or raise the limit`
    if (only !== undefined) return [{ status: 'rejected', code: 'request_too_large', message }]
    throw new BatchRefusedError('request_too_large', message)
  }
  const reply = await sender.send(request, signal)
  if (reply.status === 413 && only === undefined && !isStatus(413, operation.response.success.status)) {
    throw new BatchRefusedError('request_too_large', `${reply.what} was answered with status 413: too large`)
  }
  const context: VerdictContext = { name, operation, retryAfter: options.retryAfter, now: clock.now() }
  const verdict = verdictOf(reply, context)
  switch (verdict.kind) {
    case 'done':
      return rows.map(() => DONE)
    case 'not_found':
    case 'exists':
      // Which of the rows it is about is not said. Of one row alone the code is never seen.
      if (only === undefined) {
        const { kind: code } = verdict
        throw new BatchRefusedError(code, `${reply.what} was answered with status ${reply.status}`)
      }
      if (name === 'delete') return [DONE]
      return [verdict.kind === 'exists' ? EXISTS : NOT_FOUND]
    case 'refused': {
      const { code, message } = verdict
      if (only === undefined && operation.response.on_batch_reject === 'bisect')
        throw new BatchRefusedError(code, message)
      if (operation.mode === 'batch' && operation.response.on_batch_reject === 'stop') {
        throw new FatalError(
          'request_refused',
          `${reply.what} was refused (${code}: ${message}): correct what it says, and run again`,
        )
      }
      const response = shownReply(reply)
      return rows.map((row) => ({ status: 'rejected', code, message, request: shownRequest(request, row), response }))
    }
    case 'success':
  }
  if (operation.response.rows === undefined) {
    const { record_id: pointer, created } = operation.response
    const id = pointer === undefined ? undefined : scalarText(atPointer(verdict.body, pointer))
    const made = created.length === 0 ? undefined : isStatus(reply.status, created)
    return rows.map(() => ({
      status: 'done',
      ...(id !== undefined && only !== undefined && { id }),
      ...(made !== undefined && only !== undefined && { created: made }),
    }))
  }
  const { outcomes, incomplete } = rowOutcomes(verdict.body, { rows, reply, request, context })
  if (!incomplete) return outcomes as readonly Outcome[]
  const unknown = outcomes.filter((outcome) => outcome === undefined).length
  if (unknown === rows.length) throw notMentionedError(reply, unknown)
  const message = `the reply of ${reply.what} does not say what became of it`
  const again: Outcome = { status: 'unknown', code: 'not_mentioned', message, response: shownReply(reply) }
  return outcomes.map((outcome) => outcome ?? again)
}

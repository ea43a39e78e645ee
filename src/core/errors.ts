/**
 * Errors are named by who must react. Rows never raise one: a bad row is a value (see row-issue.ts, outcome.ts).
 */

/** The batch as a whole may be sent again: the engine waits and does so. */
export class RetryableError extends Error {
  override readonly name: string = 'RetryableError'
  /** Milliseconds the destination asked to wait, if it did. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.retryAfterMs = options.retryAfterMs
  }
}

/**
 * The batch was sent and not answered: it may have been applied. Where inserts count twice when they are sent twice
 * (`insertsAgain`), a plain RetryableError says that nothing of the batch was applied, and this one that nobody knows.
 */
export class UnansweredError extends RetryableError {
  override readonly name = 'UnansweredError'
}

/**
 * The destination refused the batch as a whole because of something in it, and applied none of it: the engine
 * halves it until each bad row is rejected by itself.
 */
export class BatchRefusedError extends Error {
  override readonly name = 'BatchRefusedError'
  /** The destination's code for the reason (`23505`); becomes the code of the rejected row. */
  readonly code: string

  constructor(code: string, message: string, options: { cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.code = code
  }
}

/** What kind of stop: decides the exit code (78, 75, 1). */
export type FatalKind = 'configuration' | 'locked' | 'failed'

/**
 * The user must act. `code` is stable snake_case (docs/troubleshooting.md), `message` a sentence that ends with
 * what to do.
 */
export class FatalError extends Error {
  override readonly name = 'FatalError'
  readonly code: string
  readonly kind: FatalKind

  constructor(code: string, message: string, options: { kind?: FatalKind; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.code = code
    this.kind = options.kind ?? 'failed'
  }
}

/** A FatalError of kind `configuration`: found before anything is read, and a retry cannot help. */
export function configurationError(code: string, message: string, cause?: unknown): FatalError {
  return new FatalError(code, message, { kind: 'configuration', cause })
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

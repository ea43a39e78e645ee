import { type Clock, systemClock } from '../core/clock.ts'
import { FatalError, messageOf, RetryableError } from '../core/errors.ts'
import type { Tally } from '../core/tally.ts'

export interface RetryPolicy {
  /** Sends in all, the first included. */
  readonly attempts: number
  /** Wait after the first failure; doubles each time. */
  readonly firstDelayMs: number
  readonly maxDelayMs: number
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 6, firstDelayMs: 500, maxDelayMs: 30_000 }

/** No second attempt: for whoever waits for the answer. */
export const ONCE: RetryPolicy = { ...DEFAULT_RETRY, attempts: 1 }

/** A destination may ask for more patience than the policy has, but not for a run that never ends. */
export const LONGEST_WAIT_MS = 10 * 60_000

/**
 * Runs `send` until it answers: again after RetryableError, with growing, jittered waits, or for as long as the
 * destination asked. Throws FatalError `retries_exhausted`, and `destination_busy` where it asks for longer than
 * {@link LONGEST_WAIT_MS}; every other error passes through as it is.
 */
export async function withRetry<Result>(
  send: () => Promise<Result>,
  options: {
    policy: RetryPolicy
    clock: Clock
    /** Where attempts are counted. */
    tally?: Tally
    signal: AbortSignal
    /** What the destination has to do, for the message. */
    what?: string
    random?: () => number
  },
): Promise<Result> {
  const { policy, clock, tally, signal, what = 'take a batch', random = Math.random } = options
  for (let attempt = 1; ; attempt++) {
    try {
      return await send()
    } catch (error) {
      if (!(error instanceof RetryableError)) throw error
      if ((error.retryAfterMs ?? 0) > LONGEST_WAIT_MS) throw busyFor(error, clock)
      if (attempt >= policy.attempts || signal.aborted) {
        const attempts = attempt === 1 ? '1 attempt' : `${attempt} attempts`
        const message = `the destination did not ${what} in ${attempts} (${messageOf(error)}); run again when it does`
        throw new FatalError('retries_exhausted', message, { cause: error })
      }
      const wait = Math.max(backOff(policy, attempt, random), error.retryAfterMs ?? 0)
      if (tally !== undefined) {
        tally.requests.retried++
        tally.requests.throttled_ms += Math.round(error.retryAfterMs === undefined ? 0 : wait)
      }
      await clock.sleep(wait, signal)
    }
  }
}

/** Milliseconds to wait after attempt number `attempt` (1, 2 …), shortened by chance to no less than half. */
export function backOff(policy: RetryPolicy, attempt: number, random: () => number = Math.random): number {
  return Math.min(policy.firstDelayMs * 2 ** (attempt - 1), policy.maxDelayMs) * (0.5 + random() / 2)
}

function busyFor(error: RetryableError, clock: Clock): FatalError {
  const minutes = Math.ceil((error.retryAfterMs ?? 0) / 60_000)
  const [amount, unit] = minutes < 120 ? [minutes, 'minutes'] : [Math.ceil(minutes / 60), 'hours']
  // A server may say any number; this one is the last that a date can hold.
  const from = new Date(Math.min(clock.now() + (error.retryAfterMs ?? 0), 8.64e15)).toISOString()
  const message = `the destination asks to be left alone for ${amount} ${unit} (${error.message}); run again after ${from}`
  return new FatalError('destination_busy', message, { cause: error })
}

/** How long to go on asking a destination that is busy. */
export interface Patience {
  readonly policy?: RetryPolicy | undefined
  readonly clock?: Clock | undefined
  readonly signal?: AbortSignal | undefined
}

/** Asks a destination for what is no batch, as {@link withRetry} does. `what` completes "the destination did not …". */
export async function patiently<Result>(
  what: string,
  ask: () => Promise<Result>,
  { policy = DEFAULT_RETRY, clock = systemClock, signal = new AbortController().signal }: Patience,
): Promise<Result> {
  return withRetry(ask, { policy, clock, signal, what })
}

import type { Clock } from '../core/clock.ts'
import type { OpenOutcome, Outcome, SettledOutcome } from '../core/outcome.ts'
import type { Tally } from '../core/tally.ts'
import { backOff, LONGEST_WAIT_MS, type RetryPolicy } from './retry.ts'

/** A change that the destination did not apply now, or did not say whether it did, and may apply later. */
export interface Deferred {
  readonly index: number
  readonly outcome: OpenOutcome
}

export function deferredOf(outcomes: readonly (Outcome | undefined)[]): readonly Deferred[] {
  let deferred: Deferred[] | undefined
  // Every answer passes here, and an iterator costs more than the look.
  for (let index = 0; index < outcomes.length; index++) {
    const outcome = outcomes[index]
    if (outcome?.status !== 'deferred' && outcome?.status !== 'unknown') continue
    deferred ??= []
    deferred.push({ index, outcome })
  }
  return deferred ?? NONE
}

const NONE: readonly Deferred[] = []

/** Whether it may help to send it again in this run, after so many attempts. */
export function isWorthWaiting({ outcome }: Deferred, attempts: number, policy: RetryPolicy): boolean {
  return attempts < policy.attempts && (outcome.retryAfterMs ?? 0) <= LONGEST_WAIT_MS
}

/** What becomes of it where it is not sent again. The next run meets it anyway. */
export function giveUp({ outcome }: Deferred): SettledOutcome {
  const { code, message, response } = outcome
  return { status: 'rejected', code, message, ...(response === undefined ? {} : { response }) }
}

/** Waits before the next attempt: with growing, jittered waits, or for as long as the destination asked. */
export async function waitForDeferred(
  deferred: readonly Deferred[],
  attempts: number,
  options: { policy: RetryPolicy; clock: Clock; tally: Tally; signal: AbortSignal },
): Promise<void> {
  const { policy, clock, tally, signal } = options
  const asked = Math.max(...deferred.map(({ outcome }) => outcome.retryAfterMs ?? 0))
  const wait = Math.max(backOff(policy, attempts), asked)
  tally.requests.retried++
  if (asked > 0) tally.requests.throttled_ms += Math.round(wait)
  await clock.sleep(wait, signal)
}

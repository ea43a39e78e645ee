import type { ChangeBatch } from '../core/change.ts'
import type { Clock } from '../core/clock.ts'
import type { Destination } from '../core/destination.ts'
import { BatchRefusedError, FatalError, RetryableError } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'
import type { Tally } from '../core/tally.ts'
import type { Pacing } from './pacing.ts'
import { type RetryPolicy, withRetry } from './retry.ts'

/** What came of a batch. An outcome that is undefined is not known: the change may or may not have been applied. */
export interface Answer {
  readonly outcomes: readonly (Outcome | undefined)[]
  /** By change, true where an attempt before the one that was answered was not, and may have been applied. */
  readonly retried: readonly boolean[]
  /** Why the rest is not known, if it is not. */
  readonly error: unknown
}

/** An answer that comes together. */
interface Draft {
  readonly count: number
  /** What the destination answered to the whole batch, or `parts`. */
  outcomes: readonly (Outcome | undefined)[] | undefined
  parts?: (Outcome | undefined)[]
  readonly retried: boolean[]
}

export interface SenderOptions {
  readonly policy: RetryPolicy
  readonly clock: Clock
  readonly tally: Tally
  /** Ends waiting: no further attempt is made. */
  readonly signal: AbortSignal
  /** Ends a request that is under way. */
  readonly abort: AbortSignal
}

/** Sends batches: paced, again where that can help, in halves where one bad change makes all be refused. */
export class BatchSender {
  readonly #destination: Destination
  readonly #options: SenderOptions
  readonly #pacing: Pacing | undefined

  constructor(destination: Destination, options: SenderOptions, pacing?: Pacing) {
    this.#destination = destination
    this.#options = options
    this.#pacing = pacing
  }

  /** `take(from, to)` makes the batch of those changes. Never throws: what went wrong is in the answer. */
  async send(count: number, take: (from: number, to: number) => ChangeBatch): Promise<Answer> {
    const answer: Draft = { count, outcomes: undefined, retried: [] }
    let error: unknown
    try {
      await this.#bisect(0, count, take, answer)
    } catch (failure) {
      error = failure
    }
    return { outcomes: answer.outcomes ?? new Array(count).fill(undefined), retried: answer.retried, error }
  }

  async #bisect(
    from: number,
    to: number,
    take: (from: number, to: number) => ChangeBatch,
    answer: Draft,
  ): Promise<void> {
    try {
      const attempt = async () => {
        try {
          return await this.#write(take(from, to))
        } catch (error) {
          if (error instanceof RetryableError) for (let index = from; index < to; index++) answer.retried[index] = true
          throw error
        }
      }
      const answers = await withRetry(attempt, this.#options)
      if (to - from === answer.count) answer.outcomes = answers
      else for (let index = from; index < to; index++) outcomesOf(answer)[index] = answers[index - from]
    } catch (error) {
      if (!(error instanceof BatchRefusedError)) throw error
      if (to - from === 1) {
        outcomesOf(answer)[from] = { status: 'rejected', code: error.code, message: error.message }
        return
      }
      const middle = (from + to) >>> 1
      await this.#bisect(from, middle, take, answer)
      await this.#bisect(middle, to, take, answer)
    }
  }

  async #write(batch: ChangeBatch): Promise<readonly Outcome[]> {
    const { signal, abort, tally } = this.#options
    await this.#pacing?.take(signal)
    tally.requests.sent++
    const outcomes: readonly (Outcome | undefined)[] = await this.#destination.write(batch, abort)
    // Unlike `every`, `includes` sees the holes of an array.
    if (outcomes.length === batch.count && !outcomes.includes(undefined)) return outcomes as readonly Outcome[]
    throw new FatalError(
      'answers_missing',
      `the destination answered ${outcomes.length} of ${batch.count} changes, so none of them is known to have landed; ` +
        'they are sent again by the next run',
    )
  }
}

/** Unused as long as the batch is answered as a whole: an array of that length lives until a large collection. */
function outcomesOf(answer: Draft): (Outcome | undefined)[] {
  answer.parts ??= new Array<Outcome | undefined>(answer.count).fill(undefined)
  answer.outcomes = answer.parts
  return answer.parts
}

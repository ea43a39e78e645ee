import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ChangeBatch } from '../core/change.ts'
import type { Clock } from '../core/clock.ts'
import type { Destination } from '../core/destination.ts'
import { BatchRefusedError, FatalError, RetryableError, UnansweredError } from '../core/errors.ts'
import type { Outcome, SettledOutcome } from '../core/outcome.ts'
import type { RequestGate } from '../core/request-gate.ts'
import type { Tally } from '../core/tally.ts'
import { type Deferred, deferredOf, giveUp, isWorthWaiting, waitForDeferred } from './deferred-changes.ts'
import { outcomeUnknown } from './insert-in-doubt.ts'
import { jointWaits } from './joint-waits.ts'
import { type RetryPolicy, withRetry } from './retry.ts'

/** What came of a batch. An outcome that is undefined is not known: the change may or may not have been applied. */
export interface Answer {
  readonly outcomes: readonly (SettledOutcome | undefined)[]
  /** By change, true where an attempt before the one that was answered was not, and may have been applied. */
  readonly retried: readonly boolean[]
  /**
   * By change without an outcome, true where it is known all the same that it was not applied. Only of inserts that must
   * not be sent twice: for all others it makes no difference.
   */
  readonly unapplied: readonly boolean[]
  /** Why the rest is not known, if it is not. */
  readonly error: unknown
}

/** The changes to send, by number. */
export interface Changes {
  readonly count: number
  range(from: number, to: number): ChangeBatch
  pick(indices: readonly number[]): ChangeBatch
}

/** An answer that comes together. */
interface Draft {
  readonly count: number
  readonly range: Changes['range']
  /** What the destination answered to the whole batch, or `parts`. */
  outcomes: readonly (Outcome | undefined)[] | undefined
  parts?: (Outcome | undefined)[]
  readonly retried: boolean[]
  /** Of changes that have no outcome: whether they may have been applied. */
  readonly doubtful: boolean[]
}

export interface SenderOptions {
  readonly policy: RetryPolicy
  readonly clock: Clock
  readonly tally: Tally
  /** Ends waiting: no further attempt is made. */
  readonly signal: AbortSignal
  /** Ends a request that is under way. */
  readonly abort: AbortSignal
  /** Entered before each batch, and counts it; undefined where the destination enters one for each of its requests. */
  readonly gate?: RequestGate | undefined
  /** Where the destination makes two records of an insert that is sent twice: the sync, for what it says about those. */
  readonly insertsTwice?: { readonly sync: string } | undefined
}

/**
 * Sends batches: paced, again where that can help, in halves where one bad change makes all be refused, and those that were
 * deferred once more without the others.
 */
export class BatchSender {
  readonly #destination: Destination
  readonly #options: SenderOptions
  /** How it waits before it sends again: what was gathered and failed together comes back together. */
  readonly #waits: SenderOptions & { readonly random?: () => number }
  /** How many wait for answers and send nothing meanwhile. */
  #waiting = 0
  /** Answers that tell whoever waits when they come. */
  readonly #awaited = new WeakSet<Promise<unknown>>()
  readonly #waiters = new Set<() => void>()

  constructor(destination: Destination, options: SenderOptions) {
    this.#destination = destination
    this.#options = options
    this.#waits = this.gathers ? { ...options, clock: jointWaits(options.clock), random: () => 1 } : options
  }

  /** Whether the destination may answer nothing before it is told that no more comes. */
  get gathers(): boolean {
    return this.#destination.flush !== undefined
  }

  /** Never throws: what went wrong is in the answer. */
  async send(changes: Changes): Promise<Answer> {
    const draft = draftOf(changes.count, (from, to) => changes.range(from, to))
    let error: unknown
    let unapplied: readonly boolean[] = NONE
    try {
      await this.#bisect(0, changes.count, draft)
      await this.#again(draft, changes)
    } catch (failure) {
      error = failure
      // The run ends before these can be sent again; what is deferred was not applied.
      for (const { index, outcome } of deferredOf(draft.outcomes ?? NONE)) {
        if (outcome.status === 'unknown') mark(draft.doubtful, index)
        partsOf(draft)[index] = undefined
      }
      if (this.#onceOnly(changes.range(0, 1)) !== undefined) {
        unapplied = Array.from(
          { length: changes.count },
          (_, index) => !draft.outcomes?.[index] && !draft.doubtful[index],
        )
      }
    }
    const outcomes = draft.outcomes ?? new Array<undefined>(changes.count).fill(undefined)
    return { outcomes: outcomes as readonly (SettledOutcome | undefined)[], retried: draft.retried, unapplied, error }
  }

  /**
   * Waits for the next of these answers. As long as anybody waits here, a destination that gathers is told not to wait for
   * more: as soon as what is on its way has come to it, and after each batch that it gets later (a retry, a half, a change
   * that was deferred). An answer that has come is not among them the next time.
   */
  async nextOf(answers: Iterable<Promise<unknown>>): Promise<void> {
    let isAnswered = false
    const next = this.#firstOf(answers).then(() => {
      isAnswered = true
    })
    if (this.#destination.flush !== undefined) {
      // Batches that were handed over just now may not have been written yet.
      await Promise.race([next, nextTurn()])
      if (isAnswered) return
      this.#waiting++
      try {
        this.#destination.flush()
        await next
      } finally {
        this.#waiting--
      }
    } else await next
  }

  /** A race that listens once to each: there may be hundreds, and as many races. */
  #firstOf(answers: Iterable<Promise<unknown>>): Promise<void> {
    const wake = () => {
      for (const tell of this.#waiters) tell()
      this.#waiters.clear()
    }
    for (const answer of answers) {
      if (this.#awaited.has(answer)) continue
      this.#awaited.add(answer)
      answer.then(wake, wake)
    }
    return new Promise((resolve) => this.#waiters.add(resolve))
  }

  async #bisect(from: number, to: number, draft: Draft): Promise<void> {
    try {
      const answers = await withRetry(() => this.#attempt(from, to, draft), this.#waits)
      if (to - from === draft.count) draft.outcomes = answers
      else for (let index = from; index < to; index++) partsOf(draft)[index] = answers[index - from]
    } catch (error) {
      if (!(error instanceof BatchRefusedError)) throw error
      if (to - from === 1) {
        partsOf(draft)[from] = { status: 'rejected', code: error.code, message: error.message }
        return
      }
      const middle = (from + to) >>> 1
      await this.#bisect(from, middle, draft)
      await this.#bisect(middle, to, draft)
    }
  }

  async #attempt(from: number, to: number, draft: Draft): Promise<readonly Outcome[]> {
    const { signal, gate } = this.#options
    const pass = await gate?.enter(signal)
    const batch = draft.range(from, to)
    try {
      return await this.#write(batch)
    } catch (error) {
      const onceOnly = this.#onceOnly(batch)
      const isUnknown = error instanceof UnansweredError && onceOnly !== undefined
      if (error instanceof RetryableError && (isUnknown || onceOnly === undefined)) mark(draft.retried, from, to)
      if (isUnknown) return new Array<Outcome>(to - from).fill(outcomeUnknown(error.message, onceOnly.sync))
      // The reason of the run's end comes from the gate, where nothing has been sent yet.
      const isKeptBack = signal.aborted && error === signal.reason
      if (!isKeptBack && !saysThatNothingLanded(error)) mark(draft.doubtful, from, to)
      throw error
    } finally {
      pass?.leave()
    }
  }

  async #write(batch: ChangeBatch): Promise<readonly Outcome[]> {
    const writing = this.#destination.write(batch, this.#options.abort)
    // Together: where one of them fails, the other may fail too.
    const answer = this.#waiting > 0 ? Promise.all([writing, this.#flush()]).then(([first]) => first) : writing
    const outcomes: readonly (Outcome | undefined)[] = await answer
    // Unlike `every`, `includes` sees the holes of an array.
    if (outcomes.length === batch.count && !outcomes.includes(undefined)) return outcomes as readonly Outcome[]
    throw new FatalError(
      'answers_missing',
      `the destination answered ${outcomes.length} of ${batch.count} changes, so none of them is known to have landed; ` +
        'they are sent again by the next run',
    )
  }

  async #flush(): Promise<void> {
    this.#destination.flush?.()
  }

  /** Sends what was deferred again, without the changes that were not, until none is left that was. */
  async #again(draft: Draft, changes: Changes): Promise<void> {
    const { policy } = this.#options
    for (let attempts = 1; ; attempts++) {
      const again: Deferred[] = []
      for (const deferred of deferredOf(draft.outcomes ?? NONE)) {
        const { index, outcome } = deferred
        const isUnknown = outcome.status === 'unknown'
        if (isUnknown) mark(draft.retried, index)
        const onceOnly = isUnknown ? this.#onceOnly(changes.range(0, 1)) : undefined
        if (onceOnly !== undefined) {
          partsOf(draft)[index] = outcomeUnknown(outcome.message, onceOnly.sync, outcome.response)
        } else if (isWorthWaiting(deferred, attempts, policy)) again.push(deferred)
        else partsOf(draft)[index] = giveUp(deferred)
      }
      if (again.length === 0) return
      await waitForDeferred(again, attempts, this.#options)
      const indices = again.map(({ index }) => index)
      await this.#sendPart(indices, draft, (from, to) => changes.pick(indices.slice(from, to)))
    }
  }

  async #sendPart(indices: readonly number[], draft: Draft, range: Changes['range']): Promise<void> {
    const part = draftOf(indices.length, range)
    try {
      await this.#bisect(0, indices.length, part)
    } finally {
      for (const [at, index] of indices.entries()) {
        partsOf(draft)[index] = part.outcomes?.[at]
        if (part.retried[at]) draft.retried[index] = true
        if (part.doubtful[at]) draft.doubtful[index] = true
      }
    }
  }

  /** Defined where the batch must not be sent a second time. */
  #onceOnly({ operation }: ChangeBatch): SenderOptions['insertsTwice'] {
    return operation === 'insert' ? this.#options.insertsTwice : undefined
  }
}

const NONE: readonly never[] = []

function draftOf(count: number, range: Changes['range']): Draft {
  return { count, range, outcomes: undefined, retried: [], doubtful: [] }
}

/** Unused as long as the batch is answered as a whole: an array of that length lives until a large collection. */
function partsOf(draft: Draft): (Outcome | undefined)[] {
  // The array may be the destination's: what was answered is copied before anything is put in its place.
  draft.parts ??= Array.from({ length: draft.count }, (_, index) => draft.outcomes?.[index])
  draft.outcomes = draft.parts
  return draft.parts
}

function mark(marks: boolean[], from: number, to = from + 1): void {
  for (let index = from; index < to; index++) marks[index] = true
}

function saysThatNothingLanded(error: unknown): boolean {
  if (error instanceof FatalError) return error.code !== 'answers_missing'
  return error instanceof RetryableError || error instanceof BatchRefusedError
}

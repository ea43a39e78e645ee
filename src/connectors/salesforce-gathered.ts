import { setImmediate as nextTurn } from 'node:timers/promises'
import type { ChangeBatch, Field, Operation } from '../core/change.ts'
import { RetryableError } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'
import type { PendingWrite } from './salesforce-pending.ts'
import { RowAnswers } from './salesforce-row-answers.ts'

/** A batch among those that were gathered. Its changes are the rows from `first` on. */
export interface GatheredBatch {
  readonly number: number
  readonly first: number
  readonly batch: ChangeBatch
}

interface Part {
  /** Undefined once it is answered: its promise holds the answers for as long as anybody holds it. */
  write: PendingWrite | undefined
  readonly first: number
  readonly count: number
  /** Rows without an answer. */
  missing: number
}

/** Runs what answers batches; until it ends, nothing that was gathered meanwhile is sent. */
export type Answering = (give: () => Promise<void>) => Promise<void>

/**
 * Batches of one operation and the same fields that are sent together, and what is known of their rows, which are counted
 * through all of them. Of a row there are some twenty bytes in memory.
 */
export class GatheredWrites implements Disposable {
  readonly operation: Operation
  readonly fields: readonly Field[]
  /** Ends what is done for all of them. */
  readonly signal: AbortSignal
  readonly rows: number
  readonly #parts: readonly Part[]
  readonly #answers: RowAnswers
  readonly #answering: Answering

  /** `writes`: at least one. */
  constructor(writes: readonly [PendingWrite, ...PendingWrite[]], answering: Answering) {
    const [{ batch }] = writes
    this.operation = batch.operation
    this.fields = batch.fields
    this.signal = signalOf(writes)
    let rows = 0
    this.#parts = writes.map((write) => {
      const first = rows
      const { count } = write.batch
      rows += count
      return { write, first, count, missing: count }
    })
    this.rows = rows
    this.#answers = new RowAnswers(rows)
    this.#answering = answering
  }

  /** The batches that are still waited for. Valid until the next turn: somebody may give one up. */
  *batches(): Generator<GatheredBatch> {
    for (const [number, { write, first }] of this.#parts.entries()) {
      if (write !== undefined && !write.settled) yield { number, first, batch: write.batch }
    }
  }

  isAnswered(row: number): boolean {
    return this.#answers.has(row)
  }

  /** The first answer holds. Nobody is told before `settle`. Throws FatalError `disk_full`. */
  answer(row: number, outcome: Outcome): void {
    if (this.#answers.has(row)) return
    this.#answers.set(row, outcome)
    this.#part(this.numberOf(row)).missing--
  }

  /** Notes an answer that does not count before it is confirmed; false where there is one already. */
  note(row: number, outcome: Outcome): boolean {
    if (this.#answers.has(row)) return false
    this.#answers.set(row, outcome)
    return true
  }

  /** Lets what was noted of these rows count. */
  confirm(rows: Iterable<number>): void {
    for (const row of rows) if (this.#answers.has(row)) this.#part(this.numberOf(row)).missing--
  }

  /** Forgets what was noted of these rows. */
  forget(rows: Iterable<number>): void {
    for (const row of rows) this.#answers.forget(row)
  }

  /** The batch that a row is of. */
  numberOf(row: number): number {
    let low = 0
    for (let high = this.#parts.length - 1; low < high; ) {
      const middle = (low + high + 1) >>> 1
      if (this.#part(middle).first <= row) low = middle
      else high = middle - 1
    }
    return low
  }

  /**
   * Answers those of the batches (default: all) that are known as a whole; where something went wrong, the others are given
   * up. One a turn: what the engine keeps of one is done with before the next one comes. But what may be sent again is given
   * up at once, to come back at once.
   */
  settle(numbers: Iterable<number> = [...this.#parts.keys()], failure?: { readonly error: unknown }): Promise<void> {
    return this.#answering(async () => {
      let isFirst = true
      if (failure?.error instanceof RetryableError) this.#giveUp(numbers, failure.error)
      for (const number of numbers) {
        const part = this.#part(number)
        if (part.write === undefined || (part.missing > 0 && failure === undefined)) continue
        if (!isFirst) await nextTurn()
        isFirst = false
        if (part.missing > 0) part.write?.fail(failure?.error)
        else part.write?.answer(this.#outcomesOf(part))
        part.write = undefined
      }
    })
  }

  [Symbol.dispose](): void {
    this.#answers[Symbol.dispose]()
  }

  #giveUp(numbers: Iterable<number>, error: unknown): void {
    for (const number of numbers) {
      const part = this.#part(number)
      if (part.missing === 0) continue
      part.write?.fail(error)
      part.write = undefined
    }
  }

  #outcomesOf({ first, count }: Part): Outcome[] {
    return Array.from({ length: count }, (_, index) => this.#answers.get(first + index) as Outcome)
  }

  #part(number: number): Part {
    return this.#parts[number] as Part
  }
}

function signalOf(writes: readonly PendingWrite[]): AbortSignal {
  const signals = new Set(writes.map(({ signal }) => signal))
  const [only] = signals
  return signals.size === 1 && only !== undefined ? only : AbortSignal.any([...signals])
}

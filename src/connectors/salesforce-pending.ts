import type { ChangeBatch } from '../core/change.ts'
import type { Outcome } from '../core/outcome.ts'

/** A batch that was given to `write` and is not answered yet. */
export class PendingWrite {
  readonly batch: ChangeBatch
  readonly signal: AbortSignal
  readonly answered: Promise<readonly Outcome[]>
  #settled = false
  #resolve!: (outcomes: readonly Outcome[]) => void
  #reject!: (error: unknown) => void

  constructor(batch: ChangeBatch, signal: AbortSignal) {
    this.batch = batch
    this.signal = signal
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const stop = () => this.fail(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    this.answered.then(
      () => signal.removeEventListener('abort', stop),
      () => signal.removeEventListener('abort', stop),
    )
  }

  /** Whether it is answered or given up: its batch may not be looked at any more. */
  get settled(): boolean {
    return this.#settled
  }

  /** One outcome for each change, in order. */
  answer(outcomes: readonly Outcome[]): void {
    this.#settled = true
    this.#resolve(outcomes)
  }

  /** Gives up the whole batch: what is not known stays unknown. */
  fail(error: unknown): void {
    this.#settled = true
    this.#reject(error)
  }
}

import type { ChangeBatch } from '../core/change.ts'
import type { Outcome } from '../core/outcome.ts'

/** A batch that was given to `write` and is not answered yet. */
export class PendingWrite {
  readonly batch: ChangeBatch
  readonly signal: AbortSignal
  readonly answered: Promise<readonly Outcome[]>
  readonly #outcomes: (Outcome | undefined)[]
  #missing: number
  #settled = false
  #resolve!: (outcomes: readonly Outcome[]) => void
  #reject!: (error: unknown) => void

  constructor(batch: ChangeBatch, signal: AbortSignal) {
    this.batch = batch
    this.signal = signal
    this.#outcomes = new Array<Outcome | undefined>(batch.count).fill(undefined)
    this.#missing = batch.count
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
    if (this.#missing === 0) this.#resolve([])
  }

  /** Whether it is answered or given up: its batch may not be looked at any more. */
  get settled(): boolean {
    return this.#settled
  }

  outcome(index: number): Outcome | undefined {
    return this.#outcomes[index]
  }

  /** The first answer holds. */
  answer(index: number, outcome: Outcome): void {
    if (this.#settled || this.#outcomes[index] !== undefined) return
    this.#outcomes[index] = outcome
    this.#missing--
    if (this.#missing > 0) return
    this.#settled = true
    this.#resolve(this.#outcomes as readonly Outcome[])
  }

  /** Gives up the whole batch: what is not known stays unknown. */
  fail(error: unknown): void {
    if (this.#settled) return
    this.#settled = true
    this.#reject(error)
  }
}

/** One change of a batch. */
export interface PendingRow {
  readonly write: PendingWrite
  readonly index: number
  /** Salesforce's Id of the record, where it is known. */
  readonly id: string | undefined
}

/** Every change of a batch, with the ids that came along. */
export function pendingRows(write: PendingWrite): PendingRow[] {
  const { count, ids } = write.batch
  return Array.from({ length: count }, (_, index) => ({ write, index, id: ids?.[index] }))
}

/** A signal that ends what is done for all of these. */
export function signalOf(rows: readonly PendingRow[]): AbortSignal {
  const signals = new Set(rows.map(({ write }) => write.signal))
  const [only] = signals
  return signals.size === 1 && only !== undefined ? only : AbortSignal.any([...signals])
}

/** Gives up every batch that one of these belongs to. */
export function failAll(rows: readonly PendingRow[], error: unknown): void {
  for (const write of new Set(rows.map((row) => row.write))) write.fail(error)
}

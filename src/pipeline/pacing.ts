import type { Clock } from '../core/clock.ts'
import type { Tally } from '../core/tally.ts'

/** So many requests in any window of so many milliseconds. */
export interface Rate {
  readonly requests: number
  readonly perMs: number
}

/** Lets requests through at no more than a rate, counted over a rolling window. */
export class Pacing {
  readonly #rate: Rate
  readonly #clock: Clock
  readonly #tally: Tally
  /** When the last `rate.requests` requests were let through. */
  readonly #times: number[] = []
  #queue: Promise<void> = Promise.resolve()

  constructor(rate: Rate, clock: Clock, tally: Tally) {
    this.#rate = rate
    this.#clock = clock
    this.#tally = tally
  }

  /** Resolves when a request may be sent. Rejects with the signal's reason. */
  async take(signal: AbortSignal): Promise<void> {
    const turn = this.#queue.then(async () => {
      if (this.#times.length >= this.#rate.requests) {
        const wait = (this.#times[0] as number) + this.#rate.perMs - this.#clock.monotonic()
        if (wait > 0) {
          this.#tally.requests.throttled_ms += Math.round(wait)
          await this.#clock.sleep(wait, signal)
        }
        this.#times.shift()
      }
      this.#times.push(this.#clock.monotonic())
    })
    this.#queue = turn.catch(() => {})
    await turn
  }
}

/** A server may count a request at both ends of its window, and its clock is not ours. */
const MARGIN_MS = 1

/**
 * One rolling window over the requests of a gate. A request counts from its start until the window has gone by after its
 * end: the server counted it at some time in between, nobody knows when.
 */
export class RequestWindow {
  readonly perMs: number
  requests: number
  #active: number
  /** When requests ended, ascending. Those before `#first` count no more. */
  readonly #ended: number[] = []
  #first = 0

  constructor(requests: number, perMs: number, active = 0) {
    this.requests = requests
    this.perMs = perMs
    this.#active = active
  }

  begin(): void {
    this.#active++
  }

  end(now: number): void {
    this.#active--
    this.#ended.push(now)
  }

  /** When the next request may start, if no other does; Infinity while that depends on an answer. */
  freeAt(now: number): number {
    this.#forget(now)
    const room = this.requests - this.#active
    if (room <= 0) return Number.POSITIVE_INFINITY
    const counting = this.#ended.length - this.#first
    if (counting < room) return now
    return (this.#ended[this.#ended.length - room] as number) + this.perMs + MARGIN_MS
  }

  /** Whether no request counts any more. */
  isQuiet(now: number): boolean {
    this.#forget(now)
    return this.#active === 0 && this.#first === this.#ended.length
  }

  #forget(now: number): void {
    const ended = this.#ended
    while (this.#first < ended.length && (ended[this.#first] as number) + this.perMs + MARGIN_MS <= now) this.#first++
    if (this.#first < 1024 && this.#first < ended.length) return
    ended.splice(0, this.#first)
    this.#first = 0
  }
}

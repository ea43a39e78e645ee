import type { Clock } from '../core/clock.ts'
import { RetryableError } from '../core/errors.ts'
import type { LimitsSeen, Pass, Rate, RequestGate } from '../core/request-gate.ts'
import type { Tally } from '../core/tally.ts'
import { RequestWindow } from './request-window.ts'
import { LONGEST_WAIT_MS } from './retry.ts'

/** Who passes a gate: one sync, with what is its own. */
export interface GateUser {
  /** One more window, for this user alone. What answers say of limits does not change it. */
  readonly rate?: Rate | undefined
  /** Where its requests, and its waiting, are counted. */
  readonly tally?: Tally | undefined
  /** Tells it to come to an end: what is under way may still pass, unless it has to wait for more than {@link LAST_WAIT_MS}. */
  readonly signal?: AbortSignal | undefined
}

/** Longest wait of a user who was told to come to an end: the window of most services goes by, a block does not. */
const LAST_WAIT_MS = 15_000

/** A timer of Node holds no more than 2^31 ms. */
const LONGEST_SLEEP_MS = 86_400_000

interface Waiter {
  readonly since: number
  readonly own: RequestWindow | undefined
  readonly tally: Tally | undefined
  /** Of its user. */
  readonly end: AbortSignal | undefined
  admit(pass: Pass): void
  refuse(reason: unknown): void
}

/**
 * The gate of all who share a limit. Requests start in the order in which they came, except that nobody waits for
 * another user's own window, and its own window is waited for however long it is. Each rate holds for every rolling window,
 * whatever the latency (see {@link RequestWindow}). Between requests, and when nobody waits, no timer runs.
 */
export class PacedGate {
  readonly #clock: Clock
  readonly #windows: RequestWindow[] = []
  /** Lengths of the windows that answers told of: they know better than what is declared. */
  readonly #told = new Set<number>()
  #queue: Waiter[] = []
  #active = 0
  #blockedUntil = 0
  #alarm: { readonly at: number; readonly stop: AbortController } | undefined

  constructor(clock: Clock, rates: readonly Rate[]) {
    this.#clock = clock
    this.restrict(rates)
  }

  /** Adds what another user knows of the limits: of two windows of the same length the tighter one holds. */
  restrict(rates: readonly Rate[]): void {
    for (const { requests, perMs } of rates) {
      const same = this.#windows.find((window) => window.perMs === perMs)
      if (same === undefined) this.#windows.push(new RequestWindow(requests, perMs, this.#active))
      else if (!this.#told.has(perMs)) same.requests = Math.min(same.requests, requests)
    }
  }

  /** The gate as one user sees it. */
  view({ rate, tally, signal }: GateUser): RequestGate {
    const own = rate === undefined ? undefined : new RequestWindow(rate.requests, rate.perMs)
    return {
      enter: (given) => this.#enter({ own, tally, end: signal }, given),
    }
  }

  /** Whether nothing that passed counts any more, and nobody waits: a new gate would be the same. */
  isQuiet(): boolean {
    const now = this.#clock.monotonic()
    const quiet = this.#active === 0 && this.#queue.length === 0 && this.#blockedUntil <= now
    return quiet && this.#windows.every((window) => window.isQuiet(now))
  }

  async #enter(user: Pick<Waiter, 'own' | 'tally' | 'end'>, signal: AbortSignal): Promise<Pass> {
    signal.throwIfAborted()
    const since = this.#clock.monotonic()
    return new Promise<Pass>((resolve, reject) => {
      const look = () => this.#admit()
      const stop = () => {
        this.#queue = this.#queue.filter((other) => other !== waiter)
        waiter.refuse(signal.reason)
        this.#admit()
      }
      const settle = () => {
        signal.removeEventListener('abort', stop)
        user.end?.removeEventListener('abort', look)
      }
      const waiter: Waiter = {
        ...user,
        since,
        admit(pass) {
          settle()
          resolve(pass)
        },
        refuse(reason) {
          settle()
          reject(reason)
        },
      }
      signal.addEventListener('abort', stop)
      user.end?.addEventListener('abort', look)
      this.#queue.push(waiter)
      // The same time, so that who passes at once has not waited at all.
      this.#admit(since)
    })
  }

  /** Lets through whoever may pass now, and sees to it that the next one is, in time. */
  #admit(now = this.#clock.monotonic()): void {
    let next = Number.POSITIVE_INFINITY
    const waiting = this.#queue
    this.#queue = []
    for (const waiter of waiting) {
      const shared = this.#freeAt(now)
      const at = Math.max(shared, waiter.own?.freeAt(now) ?? now)
      // How long it takes until others have their answers is not known, and not long.
      const wait = (time: number) => (time === Number.POSITIVE_INFINITY ? this.#blockedUntil : time) - now
      if (at <= now) this.#start(waiter, now)
      else if (wait(at) > LAST_WAIT_MS && waiter.end?.aborted) waiter.refuse(waiter.end.reason)
      else if (wait(shared) > LONGEST_WAIT_MS) {
        waiter.refuse(new RetryableError('it takes no more requests now', { retryAfterMs: Math.ceil(wait(shared)) }))
      } else {
        this.#queue.push(waiter)
        next = Math.min(next, at)
      }
    }
    this.#wakeAt(next, now)
  }

  #freeAt(now: number): number {
    let at = Math.max(now, this.#blockedUntil)
    for (const window of this.#windows) at = Math.max(at, window.freeAt(now))
    return at
  }

  #start({ own, tally, since, admit }: Waiter, now: number): void {
    this.#active++
    own?.begin()
    for (const window of this.#windows) window.begin()
    if (tally !== undefined) {
      tally.requests.sent++
      tally.requests.throttled_ms += Math.round(now - since)
    }
    let left = false
    admit({
      leave: (seen) => {
        if (left) return
        left = true
        this.#end(own, seen)
      },
    })
  }

  #end(own: RequestWindow | undefined, seen: LimitsSeen | undefined): void {
    const now = this.#clock.monotonic()
    if (seen !== undefined) this.#learn(seen, now)
    this.#active--
    own?.end(now)
    for (const window of this.#windows) window.end(now)
    this.#admit()
  }

  #learn({ rates = [], blockedMs = 0 }: LimitsSeen, now: number): void {
    if (blockedMs > 0) this.#blockedUntil = Math.max(this.#blockedUntil, now + blockedMs)
    for (const { requests, perMs } of rates) {
      // What a header says is text of somebody else's: a window that lets nothing through would never end.
      if (!(requests >= 1 && perMs > 0 && Number.isFinite(perMs))) continue
      this.#told.add(perMs)
      const same = this.#windows.find((window) => window.perMs === perMs)
      if (same === undefined) this.#windows.push(new RequestWindow(requests, perMs, this.#active))
      else same.requests = requests
    }
  }

  #wakeAt(at: number, now: number): void {
    if (this.#alarm?.at === at) return
    this.#alarm?.stop.abort()
    this.#alarm = undefined
    if (at === Number.POSITIVE_INFINITY) return
    const alarm = { at, stop: new AbortController() }
    this.#alarm = alarm
    // Who wakes early sleeps on.
    this.#clock.sleep(Math.min(Math.ceil(at - now), LONGEST_SLEEP_MS), alarm.stop.signal).then(
      () => {
        if (this.#alarm === alarm) this.#alarm = undefined
        this.#admit()
      },
      // It sleeps no more because it was put off: another alarm is set, or nobody waits.
      () => {},
    )
  }
}

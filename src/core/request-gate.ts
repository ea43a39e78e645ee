/** So many requests in any window of so many milliseconds. */
export interface Rate {
  readonly requests: number
  readonly perMs: number
}

/** What an answer said about the limits of whoever gave it. */
export interface LimitsSeen {
  /** Windows that hold from now on, in the place of the declared ones of the same length. */
  readonly rates?: readonly Rate[]
  /** Nothing more may be sent for so many milliseconds. */
  readonly blockedMs?: number
}

/** The right to send one request. */
export interface Pass {
  /**
   * Called once, when the answer is there or will not come. A request counts from its start until the window has gone by
   * after its end: wherever in between the server counted it, the server never counts more than the window allows.
   */
  leave(seen?: LimitsSeen): void
}

/** Lets the requests of one credential through, at no more than all of its rates: one for all syncs that share it. */
export interface RequestGate {
  /**
   * Resolves when one request may be sent. Rejects with the signal's reason, and with RetryableError where nothing may be
   * sent for longer than a run waits.
   */
  enter(signal: AbortSignal): Promise<Pass>
}

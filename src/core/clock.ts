import { setTimeout as delay } from 'node:timers/promises'

/** Time, as a port, so that tests can run hours of back-off in no time. */
export interface Clock {
  /** Milliseconds since the epoch, for what people read. */
  now(): number
  /** Milliseconds that never run backwards, for what is measured. */
  monotonic(): number
  /** Rejects with the signal's reason when it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal })
  },
}

import type { Clock } from '../../src/core/clock.ts'

/** A clock that runs only while somebody sleeps: hours of waiting pass at once, in the right order. */
export interface VirtualClock extends Clock {
  /** What was asked for, in milliseconds, in order. */
  readonly slept: readonly number[]
}

interface Sleeper {
  readonly until: number
  wake(): void
}

export function virtualClock(start = Date.UTC(2026, 0, 1)): VirtualClock {
  const slept: number[] = []
  const sleepers: Sleeper[] = []
  let elapsed = 0
  let scheduled = false
  const schedule = () => {
    if (scheduled || sleepers.length === 0) return
    scheduled = true
    // By then everything that can happen without time passing has happened.
    setImmediate(() => {
      scheduled = false
      sleepers.sort((a, b) => a.until - b.until)
      const next = sleepers.shift()
      if (next === undefined) return
      elapsed = Math.max(elapsed, next.until)
      next.wake()
      schedule()
    })
  }
  return {
    slept,
    now: () => start + elapsed,
    monotonic: () => elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted()
        slept.push(ms)
        const sleeper: Sleeper = {
          until: elapsed + ms,
          wake() {
            signal?.removeEventListener('abort', onAbort)
            resolve()
          },
        }
        const onAbort = () => {
          const index = sleepers.indexOf(sleeper)
          if (index >= 0) sleepers.splice(index, 1)
          reject(signal?.reason)
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        sleepers.push(sleeper)
        schedule()
      }),
  }
}

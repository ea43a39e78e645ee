import type { Clock } from '../core/clock.ts'

/** Whoever begins to wait so much later than another ends with it all the same. */
const JOIN_MS = 250

/** The clock for those who have failed together and are to come back together: equal waits that begin together end together. */
export function jointWaits(clock: Clock): Clock {
  const begun = new Map<number, { readonly at: number; readonly done: Promise<void> }>()
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    sleep(ms, signal) {
      const at = clock.monotonic()
      const other = begun.get(ms)
      if (other !== undefined && at - other.at < Math.min(JOIN_MS, ms)) return other.done
      const done = clock.sleep(ms, signal)
      begun.set(ms, { at, done })
      return done
    },
  }
}

/** How many requests may arrive in a time. */
export type LimitWindow =
  | { readonly name: string; readonly requests: number; readonly kind: 'rolling'; readonly ms: number }
  /** From midnight to midnight, `utcOffsetMinutes` east of Greenwich. */
  | { readonly name: string; readonly requests: number; readonly kind: 'daily'; readonly utcOffsetMinutes: number }

/** A request beyond a limit. */
export interface Violation {
  readonly window: string
  readonly limit: number
  /** How many requests there were in the window, this one included. */
  readonly count: number
  /** When it arrived: milliseconds since 1970 on the simulator's clock. */
  readonly time: number
  /** The `n` of the request in the journal. */
  readonly request: number
}

interface LimitUse {
  readonly window: LimitWindow
  readonly used: number
  /** Milliseconds from `time` until a request would be let in by this window. */
  readonly freeInMs: number
}

/** Windows that hold together: a request that one of them refuses is not counted by any. */
export interface SimulatorLimits {
  /** Counts a request that arrived at `time`, or answers the window that it overruns. `names`: only these windows hold. */
  arrive(request: number, time: number, names?: readonly string[]): LimitWindow | undefined
  use(window: string, time: number): LimitUse
  /** As if `requests` more had been let in at `time`: to be near the end of a daily limit without sending thousands. */
  spend(window: string, requests: number, time: number): void
  readonly windows: readonly LimitWindow[]
}

interface Counter {
  readonly window: LimitWindow
  used(time: number): number
  freeInMs(time: number): number
  add(time: number, requests: number): void
}

export function simulatorLimits(
  windows: readonly LimitWindow[],
  onViolation: (violation: Violation) => void,
): SimulatorLimits {
  const counters = windows.map((window) => (window.kind === 'rolling' ? rolling(window) : daily(window)))
  const counterOf = (name: string) => {
    const found = counters.find(({ window }) => window.name === name)
    if (found === undefined) throw new Error(`there is no limit ${name}`)
    return found
  }
  return {
    windows,
    arrive(request, time, names) {
      const held = names === undefined ? counters : counters.filter(({ window }) => names.includes(window.name))
      const full = held.find(({ window, used }) => used(time) >= window.requests)
      if (full === undefined) {
        for (const { add } of held) add(time, 1)
        return undefined
      }
      const { window, used } = full
      onViolation({ window: window.name, limit: window.requests, count: used(time) + 1, time, request })
      return window
    },
    use(name, time) {
      const { window, used, freeInMs } = counterOf(name)
      return { window, used: used(time), freeInMs: freeInMs(time) }
    },
    spend(name, requests, time) {
      counterOf(name).add(time, requests)
    },
  }
}

/** The arrivals themselves, oldest first, from `first` on. */
function rolling(window: LimitWindow & { kind: 'rolling' }): Counter {
  let times: number[] = []
  let first = 0
  const used = (time: number) => {
    while (first < times.length && (times[first] as number) <= time - window.ms) first++
    if (first > 1024 && first * 2 > times.length) {
      times = times.slice(first)
      first = 0
    }
    return times.length - first
  }
  return {
    window,
    used,
    freeInMs(time) {
      const over = used(time) - window.requests
      return over < 0 ? 0 : Math.ceil((times[first + over] as number) + window.ms - time)
    },
    add(time, requests) {
      for (let count = 0; count < requests; count++) times.push(time)
    },
  }
}

const DAY_MS = 86_400_000

function daily(window: LimitWindow & { kind: 'daily' }): Counter {
  let today = Number.NaN
  let count = 0
  const local = (time: number) => time + window.utcOffsetMinutes * 60_000
  const used = (time: number) => {
    const day = Math.floor(local(time) / DAY_MS)
    // A request of yesterday that is answered today begins no day anew.
    if (day <= today) return count
    today = day
    count = 0
    return count
  }
  return {
    window,
    used,
    freeInMs: (time) => (used(time) < window.requests ? 0 : Math.ceil(DAY_MS - (local(time) % DAY_MS))),
    add(time, requests) {
      count = used(time) + requests
    },
  }
}

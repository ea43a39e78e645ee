/** The time of a simulator: real time that a test may push forward, so that nobody waits for a window or a token. */
export interface SimulatorClock {
  /** Milliseconds since 1970. Never goes back. */
  now(): number
  /** Moves the time forward by `ms`, which must not be negative. */
  advance(ms: number): void
}

export function simulatorClock(): SimulatorClock {
  let offset = 0
  return {
    now: () => performance.timeOrigin + performance.now() + offset,
    advance(ms) {
      offset += ms
    },
  }
}

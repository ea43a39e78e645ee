import { systemClock } from '../core/clock.ts'
import type { DestinationContext } from '../core/destination.ts'
import type { LimitsSeen, RequestGate } from '../core/request-gate.ts'

/** What the engine lends to a destination, for tests that open one by themselves. */
export interface TestContext extends DestinationContext {
  /** Requests that have passed the gate. */
  readonly requests: number
  /** Those that have not left it. */
  readonly inUse: number
  /** What the destination told the gate about limits, in order. */
  readonly seen: readonly LimitsSeen[]
}

/** A gate that lets everything through, the real time, and notes that live as long as the context. */
export function testContext(overrides: Partial<DestinationContext> = {}): TestContext {
  const seen: LimitsSeen[] = []
  const notes = new Map<string, string>()
  let requests = 0
  let inUse = 0
  const gate: RequestGate = {
    async enter(signal) {
      signal.throwIfAborted()
      requests++
      inUse++
      let left = false
      return {
        leave(limits) {
          if (!left) inUse--
          left = true
          if (limits !== undefined) seen.push(limits)
        },
      }
    },
  }
  return {
    gate,
    clock: systemClock,
    notes: {
      all: () => new Map(notes),
      set: (name, value) => void (value === null ? notes.delete(name) : notes.set(name, value)),
    },
    ...overrides,
    get requests() {
      return requests
    },
    get inUse() {
      return inUse
    },
    seen,
  }
}

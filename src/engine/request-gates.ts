import { createHash } from 'node:crypto'
import type { Clock } from '../core/clock.ts'
import type { Rate } from '../core/request-gate.ts'
import { PacedGate } from '../pipeline/request-gate.ts'

interface SharedGate {
  readonly gate: PacedGate
  users: number
}

/**
 * The gates of this process by clock, and by what limits them. A limit is of the credential, whoever uses it: that is why
 * runs which know nothing of each other meet here.
 */
const gatesByClock = new WeakMap<Clock, Map<string, SharedGate>>()

/** A gate that is shared with all who use that credential, for as long as it is not disposed. */
export interface JoinedGate extends Disposable {
  readonly gate: PacedGate
}

/**
 * The gate of a credential with that type of destination. It outlives its last user for as long as a request of theirs
 * counts: who comes right after must not send as if nothing had been sent.
 */
export function joinGate(
  clock: Clock,
  type: string,
  limit: { credential: string; rates: readonly Rate[] },
): JoinedGate {
  const gates = gatesByClock.get(clock) ?? new Map<string, SharedGate>()
  gatesByClock.set(clock, gates)
  for (const [name, { gate, users }] of gates) if (users === 0 && gate.isQuiet()) gates.delete(name)
  // Only a digest is kept: whatever a connector takes for a name, nothing here can print it.
  const name = createHash('sha256')
    .update(JSON.stringify([type, limit.credential]))
    .digest('base64')
  const shared = gates.get(name) ?? { gate: new PacedGate(clock, []), users: 0 }
  gates.set(name, shared)
  shared.gate.restrict(limit.rates)
  shared.users++
  let joined = true
  return {
    gate: shared.gate,
    [Symbol.dispose]() {
      if (joined) shared.users--
      joined = false
      if (shared.users === 0 && shared.gate.isQuiet()) gates.delete(name)
    },
  }
}

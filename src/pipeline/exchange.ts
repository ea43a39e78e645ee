import type { ChangeBatch, Field, Operation } from '../core/change.ts'
import type { Destination, SeenRequest } from '../core/destination.ts'
import { messageOf } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'

/** One change as it was sent, and what came back. A batch that is sent again is told again. */
export interface Exchange {
  readonly operation: Operation
  /** Canonical text by field. */
  readonly values: Readonly<Record<string, string | null>>
  /** Null where there was no answer. */
  readonly outcome: Outcome | null
  /** Why there was none. */
  readonly error: string | null
  /** What the system was asked for it, and answered: those of a batch belong to each of its changes. */
  readonly requests: readonly SeenRequest[]
}

/** Keeps what a destination tells of its requests while it writes. */
export interface SeenRequests {
  readonly onRequest: (seen: SeenRequest) => void
  /** Those since the last time. */
  take(): SeenRequest[]
}

export function seenRequests(): SeenRequests {
  let seen: SeenRequest[] = []
  return {
    onRequest: (one) => void seen.push(one),
    take() {
      const taken = seen
      seen = []
      return taken
    },
  }
}

/**
 * The same destination, which tells of everything that is written to it. For looking at few changes: it decodes them all, and
 * where batches are written side by side, a request is told with the first of them that is answered.
 */
export function overheard(
  destination: Destination,
  onExchange: (exchange: Exchange) => void,
  seen: Pick<SeenRequests, 'take'> = { take: () => [] },
): Destination {
  let isWriting = false
  const tell = (batch: ChangeBatch, outcomes: readonly Outcome[] | undefined, error: string | null) => {
    const requests = seen.take()
    for (let index = 0; index < batch.count; index++) {
      const values = named(batch.fields, batch.values(index))
      onExchange({ operation: batch.operation, values, outcome: outcomes?.[index] ?? null, error, requests })
    }
  }
  return {
    ...passedOn(destination),
    check: (signal) => destination.check(signal),
    prepare: (signal) => destination.prepare(signal),
    async write(batch, signal) {
      // What was asked before the first of them, its fields and its account, says nothing of these changes.
      if (!isWriting) seen.take()
      isWriting = true
      try {
        const outcomes = await destination.write(batch, signal)
        tell(batch, outcomes, null)
        return outcomes
      } catch (error) {
        tell(batch, undefined, messageOf(error))
        throw error
      }
    },
    [Symbol.asyncDispose]: () => destination[Symbol.asyncDispose](),
  }
}

/** What a destination has and need not have. */
function passedOn(destination: Destination): Pick<Destination, 'flush' | 'identity' | 'list'> {
  const { flush, identity, list } = destination
  return {
    ...(flush && { flush: () => flush.call(destination) }),
    ...(identity && { identity: (values) => identity.call(destination, values) }),
    ...(list && { list: (signal) => list.call(destination, signal) }),
  }
}

/** Values by name; on a null prototype, because a field may be called `__proto__`. */
export function named(fields: readonly Field[], values: readonly (string | null)[]): Record<string, string | null> {
  const record = Object.create(null) as Record<string, string | null>
  for (const [at, field] of fields.entries()) record[field.name] = values[at] ?? null
  return record
}

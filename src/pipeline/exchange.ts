import type { ChangeBatch, Field, Operation } from '../core/change.ts'
import type { Destination } from '../core/destination.ts'
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
}

/** The same destination, which tells of everything that is written to it. For looking at few changes: it decodes them all. */
export function overheard(destination: Destination, onExchange: (exchange: Exchange) => void): Destination {
  const tell = (batch: ChangeBatch, outcomes: readonly Outcome[] | undefined, error: string | null) => {
    for (let index = 0; index < batch.count; index++) {
      const values = named(batch.fields, batch.values(index))
      onExchange({ operation: batch.operation, values, outcome: outcomes?.[index] ?? null, error })
    }
  }
  return {
    ...passedOn(destination),
    check: () => destination.check(),
    prepare: () => destination.prepare(),
    async write(batch, signal) {
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

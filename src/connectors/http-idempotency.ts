import { createHash, randomUUID } from 'node:crypto'
import type { Operation } from '../core/change.ts'
import type { DestinationNotes } from '../core/record-links.ts'

/**
 * What tells changes with the same content apart. A service answers an idempotency key that it knows as it did the first time,
 * and does nothing: a row that has become what it was before needs another key than it had then, and an attempt that is made
 * again needs the same.
 */
export interface IdempotencyMarks {
  /**
   * Of inserts it is the same in the next run, which may have to send again what this one had no answer for, until something
   * was deleted: what is inserted after that may be the same record come back. Of all else it is this run's alone: that does
   * no harm when it is sent again with another key.
   */
  of(operation: Operation): string
  /** To be called before something is deleted. Durable when it returns. Throws what notes throw. */
  beforeDelete(): void
}

const NOTE = 'idempotency'

export function idempotencyMarks(notes: DestinationNotes): IdempotencyMarks {
  const ofThisRun = randomUUID()
  let ofInserts: string | undefined
  let inserted = true
  return {
    of(operation) {
      if (operation !== 'insert') return ofThisRun
      inserted = true
      ofInserts ??= notes.all().get(NOTE) ?? ''
      return ofInserts
    },
    beforeDelete() {
      if (!inserted) return
      const next = randomUUID()
      notes.set(NOTE, next)
      ofInserts = next
      inserted = false
    },
  }
}

/** A UUID made of a hash: the same for the same. */
export function hashedUuid(content: unknown): string {
  const hash = createHash('sha256').update(JSON.stringify(content)).digest('hex')
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-8${hash.slice(13, 16)}-a${hash.slice(17, 20)}-${hash.slice(20, 32)}`
}

import { BatchRefusedError, FatalError } from '../core/errors.ts'
import type { Outcome } from '../core/outcome.ts'

/** So many calls with a single record, one after the other, are no accident of single records. */
const MOST = 100

/**
 * Stops a run in which HubSpot refuses every call: to halve batch after batch, or to send row after row alone, would use up
 * the requests of the day for a fault that all rows have. What is known to be such a fault is told before.
 */
export interface RefusalCounter {
  /** Counts what becomes of a batch of so many rows. */
  batch(rows: number, send: () => Promise<readonly Outcome[]>): Promise<readonly Outcome[]>
  /** A record was refused alone. Throws FatalError `all_refused`. */
  alone(code: string, message: string): void
}

export function refusalCounter(): RefusalCounter {
  let refused = 0
  const alone: RefusalCounter['alone'] = (code, message) => {
    // A conflict is always with another record, whatever the other rows are.
    if (code === 'conflict' || ++refused < MOST) return
    const said = `HubSpot refused ${refused} records one after the other, each alone (${message}): correct what they have in common`
    throw new FatalError('all_refused', said)
  }
  return {
    alone,
    async batch(rows, send) {
      try {
        const outcomes = await send()
        if (outcomes.some(({ status }) => status !== 'rejected')) refused = 0
        return outcomes
      } catch (error) {
        if (error instanceof BatchRefusedError && rows === 1) alone(error.code, error.message)
        throw error
      }
    },
  }
}

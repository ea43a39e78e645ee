import { BatchRefusedError, FatalError } from '../core/errors.ts'

/** So many calls with a single record, one after the other, are no accident of single records. */
const MOST = 100

/**
 * Stops a run in which HubSpot refuses every call: to halve batch after batch would use up the requests of the day for
 * a fault that all rows have. What is known to be such a fault is told before.
 */
export function refusalCounter(): <Result>(rows: number, send: () => Promise<Result>) => Promise<Result> {
  let refused = 0
  return async (rows, send) => {
    try {
      const result = await send()
      refused = 0
      return result
    } catch (error) {
      if (!(error instanceof BatchRefusedError)) throw error
      // A conflict is always with another record, whatever the other rows are.
      if (rows > 1 || error.code === 'conflict' || ++refused < MOST) throw error
      const message = `HubSpot refused ${refused} records one after the other, each alone (${error.message}): correct what they have in common`
      throw new FatalError('all_refused', message, { cause: error })
    }
  }
}

import type { FaultAt, PointKind } from './faults.ts'
import type { PlannedFault } from './history.ts'

/** A point of a run at which something could go wrong. */
export interface Point {
  readonly kind: PointKind
  /** Which of its kind it is, from 1 on. */
  readonly at: number
  /** What happens there: `commit of test.sqlite`, `upsert 1 2`. */
  readonly what: string
  /** What went wrong there, if something did. */
  readonly fault: string | undefined
}

/** The numbered points of one run. */
export interface Points {
  readonly met: readonly Point[]
  /** Comes to the next point, and says what is planned to go wrong at it. */
  reach<Kind extends PointKind>(kind: Kind, what: string): FaultAt<Kind> | undefined
}

export function pointsOf(faults: readonly PlannedFault[]): Points {
  const met: Point[] = []
  const reached: Record<PointKind, number> = { step: 0, send: 0, row: 0, key: 0 }
  return {
    met,
    reach(kind, what) {
      const at = ++reached[kind]
      const fault = faults.find((one) => one.kind === kind && one.at === at)?.fault
      met.push({ kind, at, what, fault })
      return fault as never
    },
  }
}

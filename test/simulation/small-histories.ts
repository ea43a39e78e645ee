import { FAULTS } from './faults.ts'
import type { History, PlannedFault, RunPlan, Setup } from './history.ts'
import type { Point } from './points.ts'

/**
 * Small histories with all that a run does: the first fills the destination, the second inserts, updates, deletes and
 * leaves alone, and the last model takes that back, which is where a lost change would stay lost.
 */
const FIRST: RunPlan = {
  rows: [
    ['1', 'a'],
    ['2', 'a'],
    ['3', 'a'],
    ['5', 'a'],
  ],
  batchRows: 2,
  end: 'proven',
  full: false,
  allowEmpty: false,
  allowInvalid: false,
  maxDeletes: undefined,
  vanish: [],
  rejects: [],
  refuses: [],
  faults: [],
}

const SECOND: RunPlan = {
  ...FIRST,
  rows: [
    ['1', 'a'],
    ['2', 'b'],
    ['3', 'b'],
    ['4', 'b'],
    ['6', 'b'],
  ],
}

const SETUP: Setup = {
  engine: 'pipeline',
  mode: 'mirror',
  scope: 'all',
  listing: 'first',
  sortedList: true,
  deletes: 'remove',
  limits: { rows: 2, bytes: 1_000_000, inFlight: 2 },
  planted: ['3', '9'],
  delays: [5, 1, 0],
}

function history(setup: Partial<Setup>, second: Partial<RunPlan> = {}): History {
  return { seed: 1, setup: { ...SETUP, ...setup }, runs: [FIRST, { ...SECOND, ...second }], last: FIRST.rows }
}

/**
 * The same of a destination that finds its records by an e-mail: in the second run one row gets another e-mail, one another
 * key, and in the end the former has its e-mail back.
 */
function byEmail(setup: Partial<Setup>): History {
  const first: RunPlan = {
    ...FIRST,
    rows: [
      ['1', 'a', 'a@x'],
      ['2', 'a', 'b@x'],
      ['3', 'a', 'c@x'],
      ['5', 'a', 'd@x'],
    ],
  }
  const second: RunPlan = {
    ...FIRST,
    rows: [
      ['2', 'b', 'new@x'],
      ['3', 'a', 'C@x'],
      ['4', 'b', 'd@x'],
      ['6', 'b', 'e@x'],
    ],
  }
  const last: RunPlan['rows'] = [
    ['2', 'a', 'b@x'],
    ['3', 'a', 'c@x'],
    ['4', 'a', 'd@x'],
  ]
  const known = { records: 'email and id', listing: 'never', scope: 'seen', planted: ['c@x', 'foreign@x'] } as const
  return { seed: 1, setup: { ...SETUP, ...known, ...setup }, runs: [first, second], last, quiet: 4 }
}

export const SMALL_HISTORIES: Readonly<Record<string, History>> = {
  'sync() in mode mirror': history({ engine: 'sync', listing: 'always', sortedList: false }),
  'sync() in mode mirror, without a list, with records marked as deleted': history({
    engine: 'sync',
    listing: 'never',
    scope: 'seen',
    deletes: 'mark',
  }),
  'mirror, where records have vanished': history({ listing: 'never', scope: 'seen' }, { vanish: ['2', '3'] }),
  'upsert, one batch at a time': history({ mode: 'upsert', limits: { ...SETUP.limits, inFlight: 1 } }),
  'update-only, without a list': history({ mode: 'update-only', listing: 'never', scope: 'seen' }),
  'insert-only': history({ mode: 'insert-only' }),
  'delete-only': history({ mode: 'delete-only', planted: ['1', '2', '5', '7', '9'] }),
  'insert-only, where two records come of an insert that is sent twice': history({
    mode: 'insert-only',
    listing: 'never',
    scope: 'seen',
    planted: [],
    insertsTwice: true,
  }),
  'mirror, where records are found by an e-mail': byEmail({}),
  'sync() in mode upsert, where records are found by an e-mail': byEmail({ engine: 'sync', mode: 'upsert' }),
}

/** A point of a history at which something can go wrong, and what. */
export interface OneFault {
  /** Counted from 0. */
  readonly run: number
  readonly fault: PlannedFault
}

/** Every fault at every point. */
export function everyFault(points: readonly (readonly Point[])[]): OneFault[] {
  return points.flatMap((met, run) =>
    met.flatMap(({ kind, at, what }) =>
      FAULTS[kind].flatMap((fault): OneFault[] => {
        // Closing writes nothing that a full disk could not take later.
        const isNone = fault === 'disk full' && what.startsWith('close')
        return isNone ? [] : [{ run, fault: { kind, at, fault } }]
      }),
    ),
  )
}

/** The history with these faults and no others. */
export function withFaults(history: History, faults: readonly OneFault[]): History {
  const runs = history.runs.map((plan, run) => ({
    ...plan,
    faults: faults.filter((one) => one.run === run).map(({ fault }) => fault),
  }))
  return { ...history, runs }
}

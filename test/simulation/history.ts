import type { Row } from '../support/row-batches.ts'
import { type Random, seededRandom } from '../support/seeded-random.ts'
import { FAULTS, type FaultAt, type PointKind } from './faults.ts'

/**
 * A history is data: everything that happens in it is written down before it begins. That is what lets one be run again,
 * and be made smaller by leaving parts out.
 */
export interface History {
  /** Where it came from; also what the engine's own dice (the jitter of its waits) are seeded with. */
  readonly seed: number
  readonly setup: Setup
  /** The runs in which things go wrong. */
  readonly runs: readonly RunPlan[]
  /** The model of the two runs at the end, which nothing disturbs. */
  readonly last: readonly Row[]
}

export interface Setup {
  /** `pipeline`: index, list and stages as `sync()` puts them together. `sync`: `sync()` itself, run history included. */
  readonly engine: 'pipeline' | 'sync'
  readonly mode: 'mirror' | 'upsert' | 'update-only' | 'insert-only' | 'delete-only'
  readonly scope: 'all' | 'seen'
  /** When the destination's keys are merged into the index: before each run, before the first, not at all. */
  readonly listing: 'always' | 'first' | 'never'
  readonly sortedList: boolean
  readonly deletes: 'remove' | 'mark'
  readonly limits: { readonly rows: number; readonly bytes: number; readonly inFlight: number }
  /** Records of other people, that were there before. */
  readonly planted: readonly string[]
  /** Milliseconds until the destination answers, in turn. */
  readonly delays: readonly number[]
}

export interface RunPlan {
  /** As the source sends them: `id`, `v`. Honest sources send each key once, ascending, and no null. */
  readonly rows: readonly Row[]
  readonly batchRows: number
  /** What the source says about its end. */
  readonly end: 'proven' | 'missing' | 'unproven' | 'too_many' | 'too_few'
  readonly full: boolean
  readonly allowEmpty: boolean
  readonly allowInvalid: boolean
  /** Most deletes of this run; any number where undefined. */
  readonly maxDeletes: number | undefined
  /** Records that other people delete before it. */
  readonly vanish: readonly string[]
  /** Keys whose changes the destination rejects, one by one or by refusing the batch they are in. */
  readonly rejects: readonly string[]
  readonly refuses: readonly string[]
  readonly faults: readonly PlannedFault[]
}

/** What goes wrong at the `at`-th point of its kind in the run, from 1 on. */
export interface PlannedFault {
  readonly kind: PointKind
  readonly at: number
  readonly fault: FaultAt<PointKind>
}

export interface Rates {
  /** Share of the runs with faults. */
  readonly faulty: number
  /** Share of the runs whose source lies. */
  readonly lies: number
  /** Share of the histories that go through `sync()`. */
  readonly sync: number
}

export const DEFAULT_RATES: Rates = { faulty: 0.85, lies: 0.2, sync: 0.02 }

export const VALUES = ['a', 'b', 'c']
const KEYS = ['0', '1', '2', '3', '4', '5', '6', '7']
/** Keys of other people's records; the last two no model ever holds. */
const PLANTABLE = ['1', '3', '6', '-5', '100']
/** How often something goes wrong at a point of that kind, and about how many of them a run has. */
const KINDS: readonly { readonly kind: PointKind; readonly points: number }[] = [
  { kind: 'send', points: 3 },
  { kind: 'send', points: 3 },
  { kind: 'send', points: 8 },
  { kind: 'step', points: 12 },
  { kind: 'step', points: 30 },
  { kind: 'row', points: 8 },
  { kind: 'key', points: 4 },
]

export function historyOf(seed: number, rates: Rates = DEFAULT_RATES): History {
  const random = seededRandom(seed)
  const setup = setupOf(random, rates)
  let models: (readonly Row[])[] = [modelOf(random)]
  const runs: RunPlan[] = []
  for (let count = random.pick([1, 1, 2, 2, 3]); count > 0; count--) {
    const rows = nextModel(random, models)
    models = [...models, rows]
    runs.push(runOf(random, rows, rates))
  }
  return { seed, setup, runs, last: nextModel(random, models) }
}

function setupOf(random: Random, rates: Rates): Setup {
  const mode = random.pick([
    'mirror',
    'mirror',
    'mirror',
    'mirror',
    'upsert',
    'update-only',
    'insert-only',
    'delete-only',
  ] as const)
  const listing = random.pick(['never', 'never', 'first', 'always'] as const)
  return {
    engine: random.chance(rates.sync) ? 'sync' : 'pipeline',
    mode,
    scope: listing === 'never' ? 'seen' : random.pick(['all', 'seen']),
    listing,
    sortedList: random.chance(0.7),
    deletes: random.pick(['remove', 'remove', 'mark']),
    limits: {
      rows: 1 + random.below(4),
      bytes: random.pick([1_000_000, 1_000_000, 10]),
      inFlight: 1 + random.below(3),
    },
    planted: random.chance(0.4) ? random.some(PLANTABLE, 0.5) : [],
    delays: Array.from({ length: 3 }, () => random.pick([0, 0, 1, 5, 40])),
  }
}

/** Few keys and few values, so that rows come, go, and return to what they were. */
function modelOf(random: Random): Row[] {
  const share = random.pick([0, 0.3, 0.6, 0.9])
  return random.some(KEYS, share).map((key) => [key, random.pick(VALUES)])
}

function nextModel(random: Random, models: readonly (readonly Row[])[]): readonly Row[] {
  const last = models.at(-1) as readonly Row[]
  switch (random.below(4)) {
    case 0:
      return random.pick(models)
    case 1:
      return modelOf(random)
    case 2:
      return last.map(([key, v]): Row => [key ?? null, random.chance(0.3) ? random.pick(VALUES) : (v ?? null)])
    default:
      return random.some(last, 0.7)
  }
}

function runOf(random: Random, model: readonly Row[], rates: Rates): RunPlan {
  const lies = random.chance(rates.lies)
  const faults = random.chance(rates.faulty) ? random.pick([1, 2, 2, 4]) : 0
  return {
    rows: lies && random.chance(0.5) ? spoiled(random, model) : model,
    batchRows: 1 + random.below(5),
    end: lies ? random.pick(['proven', 'missing', 'unproven', 'too_many', 'too_few']) : 'proven',
    full: random.chance(0.1),
    allowEmpty: random.chance(0.6),
    allowInvalid: random.chance(0.3),
    maxDeletes: random.chance(0.3) ? random.below(4) : undefined,
    vanish: random.chance(0.15) ? random.some(KEYS, 0.3) : [],
    rejects: random.chance(0.15) ? random.some(KEYS, 0.3) : [],
    refuses: random.chance(0.15) ? random.some(KEYS, 0.2) : [],
    faults: faultsOf(random, faults),
  }
}

/** Every other one happens right behind the one before it: to what the engine does about that. */
function faultsOf(random: Random, count: number): PlannedFault[] {
  const faults: PlannedFault[] = []
  for (let last: PlannedFault | undefined; faults.length < count; last = faults.at(-1)) {
    const { kind, points } = random.pick(KINDS)
    const place =
      last !== undefined && random.chance(0.5)
        ? { kind: last.kind, at: last.at + 1 }
        : { kind, at: 1 + random.below(points) }
    faults.push({ ...place, fault: random.pick<FaultAt<PointKind>>(FAULTS[place.kind]) })
  }
  return faults
}

/** With rows that no honest source sends. */
function spoiled(random: Random, model: readonly Row[]): readonly Row[] {
  const rows = [...model]
  const at = random.below(rows.length + 1)
  const row = rows[at]
  switch (random.below(4)) {
    case 0:
      rows.splice(at, 0, [null, 'a'])
      break
    case 1:
      if (row !== undefined) rows.splice(at, 0, row)
      break
    case 2:
      if (row !== undefined) rows.splice(at, 0, [row[0] ?? null, 'c'])
      break
    default:
      rows.reverse()
  }
  return rows
}

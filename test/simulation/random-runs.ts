import type { Row } from '../support/row-batches.ts'
import type { Random } from '../support/seeded-random.ts'
import { FAULTS, type FaultAt, type PointKind } from './faults.ts'
import type { PlannedFault, Rates, RunPlan, Setup } from './history.ts'

export const VALUES = ['a', 'b', 'c']
export const KEYS = ['0', '1', '2', '3', '4', '5', '6', '7']

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

/** What the setups of all destinations have in common. */
export function sendingOf(random: Random, rates: Rates): Pick<Setup, 'engine' | 'limits' | 'delays' | 'deletes'> {
  return {
    engine: random.chance(rates.sync) ? 'sync' : 'pipeline',
    deletes: random.pick(['remove', 'remove', 'mark']),
    limits: {
      rows: 1 + random.below(4),
      bytes: random.pick([1_000_000, 1_000_000, 10]),
      inFlight: 1 + random.below(3),
    },
    delays: Array.from({ length: 3 }, () => random.pick([0, 0, 1, 5, 40])),
  }
}

/** A run of a model of so many columns. */
export function runOf(random: Random, model: readonly Row[], rates: Rates, columns: number): RunPlan {
  const lies = random.chance(rates.lies)
  const faults = random.chance(rates.faulty) ? random.pick([1, 2, 2, 4]) : 0
  return {
    rows: lies && random.chance(0.5) ? spoiled(random, model, columns) : model,
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
function spoiled(random: Random, model: readonly Row[], columns: number): readonly Row[] {
  const rows = [...model]
  const at = random.below(rows.length + 1)
  const row = rows[at]
  switch (random.below(4)) {
    case 0:
      rows.splice(at, 0, [null, 'a', 'null@x'].slice(0, columns))
      break
    case 1:
      if (row !== undefined) rows.splice(at, 0, row)
      break
    case 2:
      if (row !== undefined) rows.splice(at, 0, row.toSpliced(1, 1, 'c'))
      break
    default:
      rows.reverse()
  }
  return rows
}

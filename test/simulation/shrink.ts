import type { History, RunPlan, Setup } from './history.ts'
import { simulate } from './simulation.ts'

/** Histories that are tried at most: each takes some milliseconds. */
const ATTEMPTS = 600

/**
 * A smaller history that breaks the same rule: parts are left out for as long as it still does. `folder` is emptied.
 */
export async function shrink(history: History, rule: string, folder: string): Promise<History> {
  let smallest = history
  let attempts = 0
  for (let smaller = true; smaller; ) {
    smaller = false
    for (const candidate of smallerThan(smallest)) {
      if (++attempts > ATTEMPTS) return smallest
      const { violation } = await simulate(candidate, folder)
      if (violation?.rule !== rule) continue
      smallest = candidate
      smaller = true
      break
    }
  }
  return smallest
}

/** Each with one part less, the large parts first. */
function* smallerThan(history: History): Generator<History> {
  const { runs, last, setup } = history
  for (const rest of withoutOne(runs)) yield { ...history, runs: rest }
  for (const simpler of simplerSetups(setup)) yield { ...history, setup: simpler }
  for (const [at, run] of runs.entries()) {
    const others = (smaller: RunPlan): History => ({ ...history, runs: runs.with(at, smaller) })
    for (const faults of withoutOne(run.faults)) yield others({ ...run, faults })
    for (const simpler of simplerPlans(run)) yield others(simpler)
    for (const rows of withoutOne(run.rows)) yield others({ ...run, rows })
    // Where there are fewer rows there are fewer points.
    for (const [index, fault] of run.faults.entries())
      if (fault.at > 1) yield others({ ...run, faults: run.faults.with(index, { ...fault, at: fault.at - 1 }) })
  }
  for (const rows of withoutOne(last)) yield { ...history, last: rows }
}

function simplerSetups(setup: Setup): Setup[] {
  const { limits } = setup
  const simpler: Setup[] = [
    { ...setup, planted: [] },
    { ...setup, delays: [0] },
    { ...setup, sortedList: true },
    { ...setup, deletes: 'remove' },
    { ...setup, engine: 'pipeline' },
    ...(setup.records === 'key and id' ? [{ ...setup, records: 'key' as const }] : []),
    ...(setup.aliases === true ? [{ ...setup, aliases: false }] : []),
    { ...setup, limits: { ...limits, inFlight: 1 } },
    { ...setup, limits: { ...limits, bytes: 1_000_000 } },
  ]
  return simpler.filter((one) => JSON.stringify(one) !== JSON.stringify(setup))
}

function simplerPlans(plan: RunPlan): RunPlan[] {
  const simpler: RunPlan[] = [
    { ...plan, end: 'proven' },
    { ...plan, full: false },
    { ...plan, maxDeletes: undefined },
    { ...plan, allowEmpty: true },
    { ...plan, allowInvalid: false },
    { ...plan, vanish: [] },
    { ...plan, rejects: [] },
    { ...plan, refuses: [] },
    { ...plan, batchRows: 5 },
  ]
  return simpler.filter((one) => JSON.stringify(one) !== JSON.stringify(plan))
}

function withoutOne<Item>(items: readonly Item[]): Item[][] {
  return items.map((_, at) => items.toSpliced(at, 1))
}

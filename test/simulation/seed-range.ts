import type { History, Rates } from './history.ts'
import { historyOf } from './random-history.ts'
import type { Regression } from './regressions.ts'
import { shrink } from './shrink.ts'
import { simulate } from './simulation.ts'

/** Every `step`-th seed from `from` on, below `until`. */
export interface SeedRange {
  readonly from: number
  readonly until: number
  readonly step: number
  readonly rates: Rates
}

export interface Totals {
  histories: number
  runs: number
  /** Points at which something could have gone wrong. */
  points: number
  crashes: number
  /** Runs by how they ended. */
  readonly statuses: Record<string, number>
  /** What went wrong, by kind of point and fault. */
  readonly faults: Record<string, number>
  readonly failures: Failure[]
}

/** A seed whose history breaks a rule. */
export interface Failure {
  readonly seed: number
  readonly message: string
  /** The smallest history that breaks the same rule. */
  readonly history: History
}

/** A history takes some milliseconds, also where its clock runs for hours. */
const PATIENCE_MS = 60_000

/** More of them tell nothing new. */
const MOST_FAILURES = 3

export function noTotals(): Totals {
  return { histories: 0, runs: 0, points: 0, crashes: 0, statuses: {}, faults: {}, failures: [] }
}

/** Simulates the histories of the seeds, up to the third that fails. `folder` is emptied. */
export async function simulateRange({ from, until, step, rates }: SeedRange, folder: string): Promise<Totals> {
  const totals = noTotals()
  for (let seed = from; seed < until && totals.failures.length < MOST_FAILURES; seed += step) {
    const history = historyOf(seed, rates)
    const { violation, points, crashes, statuses } = await inTime(seed, simulate(history, folder))
    totals.histories++
    totals.runs += statuses.length
    totals.crashes += crashes
    for (const status of statuses) count(totals.statuses, status)
    for (const met of points) {
      totals.points += met.length
      for (const { kind, fault } of met) if (fault !== undefined) count(totals.faults, `${kind}: ${fault}`)
    }
    if (violation === undefined) continue
    const message = `run ${violation.run} breaks the rule "${violation.rule}": ${violation.message}`
    totals.failures.push({ seed, message, history: await shrink(history, violation.rule, folder) })
  }
  return totals
}

/** Rejects where it never ends. */
async function inTime<Value>(seed: number, work: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const message = `the history of seed ${seed} does not end; see it with: npm run simulate -- --seed ${seed}`
    timer = setTimeout(() => reject(new Error(message)), PATIENCE_MS)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** What is printed of a failure: what broke, the smallest history, and how to see and to keep it. */
export function describeFailure({ seed, message, history }: Failure): string {
  return [
    `seed ${seed}, ${message}`,
    `see it with: npm run simulate -- --seed ${seed}`,
    'keep it: add this line to test/simulation/regressions.ndjson, and say why',
    JSON.stringify({ why: message, history } satisfies Regression),
  ].join('\n')
}

export function addTotals(sum: Totals, more: Totals): void {
  sum.histories += more.histories
  sum.runs += more.runs
  sum.points += more.points
  sum.crashes += more.crashes
  for (const [status, number] of Object.entries(more.statuses)) count(sum.statuses, status, number)
  for (const [fault, number] of Object.entries(more.faults)) count(sum.faults, fault, number)
  sum.failures.push(...more.failures)
}

function count(numbers: Record<string, number>, name: string, more = 1): void {
  numbers[name] = (numbers[name] ?? 0) + more
}

import type { Row } from '../support/row-batches.ts'
import type { Random } from '../support/seeded-random.ts'
import type { History, Rates, RunPlan, Setup } from './history.ts'
import { identityOf } from './linked-records.ts'
import { KEYS, runOf, sendingOf, VALUES } from './random-runs.ts'

/** Few, so that rows meet; two pairs of them are one to the destination. */
const EMAILS = ['a@x', 'A@x', 'b@x', 'c@x', 'C@X', 'd@x', 'e@x', 'f@x']
/** E-mails of other people's records; the last one no model ever holds. */
const PLANTABLE = ['A@X', 'd@x', 'foreign@x']
/** What a row that gets the e-mail of a record without a row has to wait for, run by run, and one run more. */
const QUIET_RUNS = 5

/** A history of a destination that knows its records by ids and finds them by an e-mail. */
export function linkedHistoryOf(seed: number, random: Random, rates: Rates): History {
  const setup = setupOf(random, rates)
  let models: (readonly Row[])[] = [modelOf(random)]
  const runs: RunPlan[] = []
  for (let count = random.pick([1, 2, 2, 3]); count > 0; count--) {
    const rows = nextModel(random, models)
    models = [...models, rows]
    runs.push(runOf(random, rows, rates, 3))
  }
  const last = nextModel(random, models)
  const frees = setup.mode === 'mirror' && setup.deletes === 'remove' && setup.aliases !== true
  if (!frees || random.chance(0.6)) {
    // That a row and a change in doubt are one record is found out as they are sent there; it lands with the next run.
    const quiet = setup.aliases === true || setup.mode !== 'mirror' ? { quiet: 3 } : {}
    return { seed, setup, runs, last: last.map(withOwnEmail), ...quiet }
  }
  return { seed, setup, runs, last: withoutRivals(last, models, setup.planted), quiet: QUIET_RUNS }
}

function setupOf(random: Random, rates: Rates): Setup {
  const mode = random.pick(['mirror', 'mirror', 'mirror', 'mirror', 'upsert', 'update-only', 'insert-only'] as const)
  return {
    ...sendingOf(random, rates),
    mode,
    scope: 'seen',
    listing: 'never',
    sortedList: true,
    planted: random.chance(0.4) ? random.some(PLANTABLE, 0.6) : [],
    records: 'email and id',
    ...(random.chance(0.1) ? { aliases: true } : {}),
  }
}

function modelOf(random: Random): Row[] {
  const share = random.pick([0, 0.3, 0.6, 0.9])
  return random.some(KEYS, share).map((key) => [key, random.pick(VALUES), random.pick(EMAILS)])
}

function nextModel(random: Random, models: readonly (readonly Row[])[]): readonly Row[] {
  const last = models.at(-1) as readonly Row[]
  switch (random.below(6)) {
    case 0:
      return random.pick(models)
    case 1:
      return modelOf(random)
    case 2:
      return last.map(([key, v, email]) => [key ?? null, random.chance(0.3) ? random.pick(VALUES) : v, email] as Row)
    case 3:
      return last.map(([key, v, email]) => [key, v, random.chance(0.4) ? random.pick([...EMAILS, null]) : email] as Row)
    case 4:
      return renamed(random, last)
    default:
      return random.some(last, 0.7)
  }
}

/** Some rows are the same people under other keys. */
function renamed(random: Random, model: readonly Row[]): readonly Row[] {
  const keys = new Set(model.map(([key]) => key))
  const free = random.shuffled(KEYS.filter((key) => !keys.has(key)))
  const rows = model.map(([key, v, email]) => [random.chance(0.5) ? (free.pop() ?? key) : key, v, email] as Row)
  return rows.sort(([one], [other]) => Number(one) - Number(other))
}

/** An e-mail that no row and no record ever had: whatever happened before, such a row has to land at once. */
function withOwnEmail([key, v]: Row): Row {
  return [key ?? null, v ?? null, `last-${key}@x`]
}

/**
 * Rows keep their e-mails where no other row of that model, and nobody else, ever had the same: there may be a record with
 * it, of a row that is gone, and once that one has been deleted or handed on, the row has to land.
 */
function withoutRivals(
  last: readonly Row[],
  models: readonly (readonly Row[])[],
  planted: readonly string[],
): readonly Row[] {
  const keys = new Set(last.map(([key]) => key))
  const taken = [...models, last].flat().filter(([key]) => keys.has(key))
  const foreign = new Set(planted.map(identityOf))
  return last.map((row) => {
    const [key, , email] = row
    if (email == null || foreign.has(identityOf(email))) return withOwnEmail(row)
    const isTaken = taken.some(
      ([other, , its]) => other !== key && its != null && identityOf(its) === identityOf(email),
    )
    return isTaken ? withOwnEmail(row) : row
  })
}

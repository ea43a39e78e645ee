import type { Row } from '../support/row-batches.ts'
import { type Random, seededRandom } from '../support/seeded-random.ts'
import { DEFAULT_RATES, type History, type Rates, type RunPlan, type Setup } from './history.ts'
import { linkedHistoryOf } from './random-linked-history.ts'
import { KEYS, runOf, sendingOf, VALUES } from './random-runs.ts'

/** Keys of other people's records; the last two no model ever holds. */
const PLANTABLE = ['1', '3', '6', '-5', '100']

export function historyOf(seed: number, rates: Rates = DEFAULT_RATES): History {
  const random = seededRandom(seed)
  if (random.chance(rates.linked)) return linkedHistoryOf(seed, random, rates)
  const setup = setupOf(random, rates)
  let models: (readonly Row[])[] = [modelOf(random)]
  const runs: RunPlan[] = []
  for (let count = random.pick([1, 1, 2, 2, 3]); count > 0; count--) {
    const rows = nextModel(random, models)
    models = [...models, rows]
    const run = runOf(random, rows, rates, 2)
    // Whoever says `--full` there has looked which records are missing.
    runs.push(setup.insertsTwice === true ? { ...run, full: false } : run)
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
  const sending = sendingOf(random, rates)
  if (mode === 'insert-only' && random.chance(0.5)) {
    return {
      ...sending,
      mode,
      scope: 'seen',
      listing: 'never',
      sortedList: true,
      planted: [],
      insertsTwice: true,
    }
  }
  const listing = random.pick(['never', 'never', 'first', 'always'] as const)
  return {
    ...sending,
    mode,
    scope: listing === 'never' ? 'seen' : random.pick(['all', 'seen']),
    listing,
    sortedList: random.chance(0.7),
    planted: random.chance(0.4) ? random.some(PLANTABLE, 0.5) : [],
    ...(random.chance(0.15) ? { records: 'key and id' } : {}),
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

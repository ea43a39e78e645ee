/** Random choices that a seed repeats. */
export interface Random {
  /** At least 0, below 1. */
  unit(): number
  /** A whole number, at least 0, below `limit`. */
  below(limit: number): number
  /** True with that probability. */
  chance(probability: number): boolean
  pick<Item>(items: readonly Item[]): Item
  /** Each item with that probability, in order. */
  some<Item>(items: readonly Item[], probability: number): Item[]
  shuffled<Item>(items: readonly Item[]): Item[]
}

/** Mulberry32 (Tommy Ettinger, public domain): small, and good enough to choose test cases. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const unit = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(unit() * limit)
  return {
    unit,
    below,
    chance: (probability) => unit() < probability,
    pick: (items) => items[below(items.length)] as (typeof items)[number],
    some: (items, probability) => items.filter(() => unit() < probability),
    shuffled: (items) =>
      items
        .map((item) => ({ item, rank: unit() }))
        .sort((a, b) => a.rank - b.rank)
        .map(({ item }) => item),
  }
}

/**
 * The seeds of a property: `count` of them from 1 on, or what the environment says. `ROWFERRY_SEED=7` runs that one
 * alone, `ROWFERRY_SEEDS=5000` runs so many.
 */
export function seeds(count: number): number[] {
  const one = process.env['ROWFERRY_SEED']
  if (one !== undefined) return [Number(one)]
  return Array.from({ length: Number(process.env['ROWFERRY_SEEDS'] ?? count) }, (_, index) => index + 1)
}

/** Runs a property for a seed; a failure says which seed it was and how to see it again. */
export async function withSeed(seed: number, file: string, property: (random: Random) => Promise<void>): Promise<void> {
  try {
    await property(seededRandom(seed))
  } catch (error) {
    const again = `ROWFERRY_SEED=${seed} node scripts/test.mjs ${file}`
    throw new Error(`seed ${seed} fails; see it again with: ${again}\n${(error as Error).message}`, { cause: error })
  }
}

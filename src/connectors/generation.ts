import type { GenerateOptions } from './generate-options.ts'

/**
 * What one generation of a generated model consists of.
 *
 * The rows of generation 0 have ranks: a walk in equal steps around a circle that has as many places as there are rows
 * gives each row a place of its own, and spreads any stretch of places evenly over all rows. Generation `n` lacks the
 * `n * deletes` lowest ranks. Changes go round the circle from the highest rank downwards, so that they meet deleted
 * rows only after all others have changed. New rows come behind the others and stay as they are. So every count is
 * exact, and each row is known from its number alone.
 */
export interface Generation {
  /** Rows of this generation. */
  readonly rows: number
  /** Rows of generation 0. */
  readonly original: number
  /** Rank of the row before the first, and the distance from one row's rank to that of the next, modulo `original`. */
  readonly start: number
  readonly step: number
  /** Rows of a lower rank have been deleted. */
  readonly gone: number
  /** How often each row has changed; those from rank `further` on once more. */
  readonly version: number
  readonly further: number
}

export function generationOf({ rows, seed, generation, ...rates }: GenerateOptions): Generation {
  const gone = Math.min(rows, generation * Math.round(rows * rates.delete_rate))
  const added = generation * Math.round(rows * rates.new_rate)
  const changes = generation * Math.round(rows * rates.change_rate)
  return {
    rows: rows - gone + added,
    original: rows,
    start: rows === 0 ? 0 : seed % rows,
    step: stepAround(rows),
    gone,
    version: rows === 0 ? 0 : Math.floor(changes / rows),
    further: rows === 0 ? 0 : rows - (changes % rows),
  }
}

/** About the golden section of the circle, which comes by no place twice before it has been everywhere. */
function stepAround(places: number): number {
  let step = Math.max(1, Math.round(places * 0.618033988749895))
  while (greatestDivisor(places, step) > 1) step++
  return step
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b)
}

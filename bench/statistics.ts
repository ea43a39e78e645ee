export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}

/** Median of one figure of several measurements. */
export function medianOf<Of>(measurements: readonly Of[], figure: (of: Of) => number): number {
  return median(measurements.map(figure))
}

/** `1,234,567`. */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** Rows a second, for a table. */
export function rate(rows: number, ms: number): string {
  return count((rows / ms) * 1000)
}

/** A table of Markdown. */
export function table(columns: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n')
}

/**
 * Measures several things by turns (A B C A B C …): what disturbs the machine for a while disturbs all of them. Before
 * more than one round, another one only warms up.
 */
export async function byTurns<Results extends Readonly<Record<string, unknown>>>(
  rounds: number,
  things: { readonly [Name in keyof Results]: (round: number) => Promise<Results[Name]> },
): Promise<{ [Name in keyof Results]: Results[Name][] }> {
  const names = Object.keys(things) as (keyof Results)[]
  const results = Object.fromEntries(names.map((name) => [name, []])) as unknown as {
    [Name in keyof Results]: Results[Name][]
  }
  for (let round = rounds === 1 ? 0 : -1; round < rounds; round++) {
    for (const name of names) {
      const result = await things[name](round)
      if (round >= 0) results[name].push(result)
    }
  }
  return results
}

/** Median of the ratios within each round: how often `of` fits into the time of `to`. */
export function ratio(of: readonly { readonly ms: number }[], to: readonly { readonly ms: number }[]): string {
  return median(of.map(({ ms }, round) => (to[round] as { ms: number }).ms / ms)).toFixed(2)
}

import type { KeyTerm } from './postgres-read-plan.ts'

/** Bytes that a range is made to hold, as far as the planner knows: more only waits, less costs a statement each. */
const RANGE_BYTES = 1024 * 1024
/** A model with fewer rows for each connection is read sooner than it is cut. */
const FEWEST_ROWS = 25_000
const MOST_RANGES = 8192
/** What is read again for every range may cost this share of reading the model once, all ranges together. */
const REPEATED_SHARE = 0.5
/** Ranges that the planner is asked about, for all of them. */
const SAMPLES = 8

/**
 * Parts of a plan that answer a condition on the key with those rows of the model, whoever asks. What is missing has
 * its reasons: a LIMIT, a window, DISTINCT and some aggregates may choose other rows each time they run, and a foreign
 * table is read from another server, in a snapshot of its own.
 */
const DIVISIBLE = new Set([
  'Append',
  'Bitmap Heap Scan',
  'Bitmap Index Scan',
  'BitmapAnd',
  'BitmapOr',
  'Gather',
  'Gather Merge',
  'Hash',
  'Hash Join',
  'Incremental Sort',
  'Index Only Scan',
  'Index Scan',
  'Materialize',
  'Memoize',
  'Merge Append',
  'Merge Join',
  'Nested Loop',
  'Result',
  'Seq Scan',
  'Sort',
  'Subquery Scan',
  'Values Scan',
])

/** A node of `EXPLAIN (FORMAT JSON)`, as far as it is looked at. */
export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Total Cost': number
  readonly 'Plan Rows': number
  readonly 'Plan Width': number
  readonly 'Index Cond'?: string
  readonly Plans?: readonly PlanNode[]
}

/** Conditions that every row of the model meets exactly one of, in the order of the key; or why there are none. */
export type Ranges = { readonly conditions: readonly string[] } | { readonly undivided: string }

/** What can be asked of the server, in the snapshot of the read. */
export interface RangeQuestions {
  /** The plan of the whole model with this condition, sorted by its key. */
  explain(condition?: string): Promise<PlanNode>
  /** The smallest and the largest of the leading key column, if an index knows them; the whole read costs `cost`. */
  bounds(cost: number): Promise<readonly [string, string] | undefined>
}

/**
 * Cuts the model into ranges of its leading key column that are about {@link RANGE_BYTES} large. `splits` are keys of
 * the last run, ascending. Without them an integer key is cut evenly between its smallest and its largest value.
 */
export async function planRanges(
  leading: KeyTerm,
  splits: readonly string[],
  connections: number,
  ask: RangeQuestions,
): Promise<Ranges> {
  const whole = await ask.explain()
  const unfit = indivisible(whole)
  if (unfit !== undefined)
    return { undivided: `its plan has a step (${unfit}) that may choose other rows for each range` }
  const rows = whole['Plan Rows']
  if (rows < FEWEST_ROWS * connections) return { undivided: `the planner expects no more than ${rows} rows` }
  const wanted = Math.min(MOST_RANGES, Math.max(connections * 4, Math.ceil((rows * whole['Plan Width']) / RANGE_BYTES)))
  const known = splits.length > 0 ? splits : await evenCuts(leading, wanted, () => ask.bounds(whole['Total Cost']))
  const cuts = thinned([...new Set(known)], wanted)
  if (cuts.length === 0) return { undivided: 'nothing says yet where to cut it; the next run will know' }
  const conditions = conditionsOf(leading, cuts)
  const sample = thinned(conditions.slice(0, -1), SAMPLES)
  let repeated = 0
  for (const condition of sample) repeated += repeatedCost(await ask.explain(condition), cuts)
  const share = (repeated / sample.length) * (conditions.length / whole['Total Cost'])
  if (share <= REPEATED_SHARE) return { conditions }
  return { undivided: 'no index keeps the server from reading the same again for every range of the key' }
}

/**
 * What the parts of a plan cost that the condition does not narrow: all but those that find an index's entries between
 * two cuts. What is looked up row by row counts once, which is next to nothing. The cost of the whole plan is no measure:
 * the planner takes a few rows of a text key to be all over the table.
 */
function repeatedCost({ Plans: children = [], ...node }: PlanNode, cuts: readonly string[]): number {
  if (children.length > 0) return children.reduce((sum, child) => sum + repeatedCost(child, cuts), 0)
  const found = [...(node['Index Cond'] ?? '').matchAll(/'((?:[^']|'')*)'/g)].some(([, text = '']) =>
    cuts.includes(text.replaceAll("''", "'")),
  )
  return found ? 0 : node['Total Cost']
}

/** The first kind of node that is not known to be divisible. */
export function indivisible(node: PlanNode): string | undefined {
  if (!DIVISIBLE.has(node['Node Type'])) return node['Node Type']
  for (const child of node.Plans ?? []) {
    const found = indivisible(child)
    if (found !== undefined) return found
  }
  return undefined
}

async function evenCuts(
  { encoding }: KeyTerm,
  wanted: number,
  bounds: () => ReturnType<RangeQuestions['bounds']>,
): Promise<string[]> {
  const known = encoding === 'integer' ? await bounds() : undefined
  if (known === undefined) return []
  const [low, high] = [BigInt(known[0]), BigInt(known[1])]
  return Array.from({ length: wanted - 1 }, (_, index) =>
    String(low + ((high - low) * BigInt(index + 1)) / BigInt(wanted)),
  )
}

/** At most `most` of them, evenly chosen. */
function thinned(all: readonly string[], most: number): string[] {
  if (all.length <= most) return [...all]
  return Array.from({ length: most }, (_, index) => all[Math.floor(((index + 0.5) * all.length) / most)] as string)
}

/**
 * Every value is in one range, whatever order the cuts are in: from below the first to above the last there is always a
 * step up across it. Should they descend somewhere, rows come twice, which keying finds out of order. Nulls come last.
 */
function conditionsOf({ expression, literal }: KeyTerm, cuts: readonly string[]): string[] {
  const from = (cut: string) => `${expression} >= ${literal(cut)}`
  const before = (cut: string) => `${expression} < ${literal(cut)}`
  return [
    before(cuts[0] as string),
    ...cuts.slice(1).map((cut, index) => `${from(cuts[index] as string)} AND ${before(cut)}`),
    from(cuts.at(-1) as string),
    `${expression} IS NULL`,
  ]
}

import { fromModel } from './postgres-model.ts'
import type { ReadPlan } from './postgres-read-plan.ts'
import { type PlanNode, planRanges, type Ranges } from './postgres-read-ranges.ts'
import type { PostgresSession } from './postgres-session.ts'

/** Finding an end of the model may cost this share of reading it. */
const BOUNDS_SHARE = 0.01

/** Cuts a read into ranges of its key, as far as the server can read them for what the whole costs. Throws FatalError. */
export async function divideRead(
  session: PostgresSession,
  plan: ReadPlan,
  { splits, connections }: { readonly splits: readonly (readonly string[])[]; readonly connections: number },
): Promise<Ranges> {
  const { leading } = plan
  if (leading === undefined) return { undivided: 'it has no key' }
  const { ask, inlined } = session
  const end = (direction: string) =>
    `${fromModel(`SELECT ${leading.expression} AS key`, inlined).sql} WHERE ${leading.expression} IS NOT NULL ` +
    `ORDER BY ${leading.expression} ${direction} LIMIT 1`
  const texts = splits.map(([first]) => first as string)
  return planRanges(leading, texts, connections, {
    explain: (condition) => explain(session, rangeQuery(session, plan, condition)),
    async bounds(cost) {
      const ends = [end('ASC'), end('DESC')]
      for (const query of ends)
        if ((await explain(session, query))['Total Cost'] > cost * BOUNDS_SHARE) return undefined
      const [low, high] = [await ask(ends[0] as string), await ask(ends[1] as string)].map((rows) => rows[0]?.['key'])
      return low == null || high == null ? undefined : [low, high]
    },
  })
}

/** What the planner makes of a query. Throws FatalError. */
export async function explain({ ask }: PostgresSession, query: string): Promise<PlanNode> {
  const [answer] = await ask(`EXPLAIN (FORMAT JSON) ${query}`)
  const [{ Plan }] = JSON.parse(answer?.['QUERY PLAN'] ?? '') as [{ Plan: PlanNode }]
  return Plan
}

/** The rows of the model that meet a condition, in the order of the key. */
export function rangeQuery({ inlined }: Pick<PostgresSession, 'inlined'>, plan: ReadPlan, condition?: string): string {
  const where = condition === undefined ? '' : ` WHERE ${condition}`
  return fromModel(`SELECT ${plan.select}`, inlined).sql + where + plan.orderBy
}

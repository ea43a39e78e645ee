import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { resolveConfig } from '../../src/config/resolve.ts'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import { type RowIssue, sync } from '../../src/index.ts'
import type { Row } from '../support/row-batches.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { durableIndex } from './durable-index.ts'
import { observeSteps } from './durable-steps.ts'
import type { History, RunPlan, Setup } from './history.ts'
import type { Judge, Said, Violation } from './judge.ts'
import { LinkedOracle } from './linked-oracle.ts'
import { Oracle } from './oracle.ts'
import type { Point } from './points.ts'
import { runStages } from './run-stages.ts'
import { type Running, running } from './running.ts'
import { simulatedDefinition } from './simulated-destination.ts'
import { simulatedSource } from './simulated-source.ts'
import { restore } from './state-snapshot.ts'

/** What happened in a history. */
export interface Result {
  /** The first rule that was broken, and in which run from 1 on. */
  readonly violation: (Violation & { readonly run: number }) | undefined
  readonly trace: readonly string[]
  /** The points of each run. */
  readonly points: readonly (readonly Point[])[]
  readonly crashes: number
  readonly statuses: readonly string[]
}

/**
 * Runs a history: the runs in which things go wrong, then those that nothing disturbs. Of the last two the first has to
 * succeed, the second has to send nothing. After each the oracle looks at what holds. `folder` is emptied first. With `naming` the
 * points say which code of the product takes a durable step, which takes long.
 */
export async function simulate(history: History, folder: string, naming = false): Promise<Result> {
  const { setup, last } = history
  await loadSqlite()
  const random = Math.random
  // The engine throws dice for its waits.
  Math.random = seededRandom(history.seed).unit
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  // In an empty file pages have 4 KiB and not 16, which is less to write.
  if (setup.engine === 'pipeline') writeFileSync(`${folder}/test.sqlite`, '', { mode: 0o600 })
  const oracle: Judge = setup.records === 'email and id' ? new LinkedOracle(setup) : new Oracle(setup)
  const trace: string[] = []
  const points: (readonly Point[])[] = []
  const statuses: string[] = []
  let crashes = 0
  const result = (violation?: Result['violation']) => ({ violation, trace, points, crashes, statuses })
  const plans = [...history.runs, ...Array.from({ length: history.quiet ?? 2 }, () => quiet(last))]
  try {
    for (const [at, plan] of plans.entries()) {
      trace.push(`run ${at + 1}: ${setup.mode} ${JSON.stringify(plan.rows)}`)
      oracle.begin(plan)
      const run = running({ setup, plan, oracle, folder, trace, naming })
      const said = await execute(run)
      for (const deliver of run.late.splice(0)) deliver()
      points.push(run.points.met)
      if (run.atTheCrash !== undefined) {
        crashes++
        restore(folder, run.atTheCrash)
      } else {
        trace.push([said.status, said.error?.code, ...said.issues.map(({ key, code }) => `${key}: ${code}`)].join(' '))
        oracle.ended(said, at === plans.length - 1)
        expectOutcome(run, said, { isQuiet: at >= history.runs.length, toGo: plans.length - 1 - at })
      }
      statuses.push(run.atTheCrash === undefined ? said.status : 'killed')
      oracle.between(durableIndex(run.index))
      const violation = oracle.violations[0]
      if (violation !== undefined) return result({ ...violation, run: at + 1 })
    }
    return result()
  } finally {
    Math.random = random
  }
}

async function execute(run: Running): Promise<Said> {
  using _ = observeSteps(run)
  if (run.setup.engine === 'pipeline') return await runStages(run)
  const { plan, clock, signal } = run
  const issues: RowIssue[] = []
  const report = await sync(configOf(run.setup, run.folder), {
    sources: [simulatedSource(run)],
    destinations: [simulatedDefinition(run)],
    clock,
    signal,
    full: plan.full,
    allowEmpty: plan.allowEmpty,
    allowDeletesWithInvalid: plan.allowInvalid,
    allowDeletes: plan.maxDeletes === undefined ? { percent: 100 } : { count: plan.maxDeletes },
    onIssue: (issue) => issues.push(issue),
  })
  return { ...report, issues }
}

/** `isQuiet`: nothing disturbs it; `toGo`: so many come behind it. */
function expectOutcome(run: Running, said: Said, { isQuiet, toGo }: { isQuiet: boolean; toGo: number }): void {
  const { oracle, setup, points, plan } = run
  const report = (rule: string, message: string) => oracle.violations.push({ rule, message })
  const isDisturbed = points.met.some(({ fault }) => fault !== undefined) || plan.end !== 'proven'
  // What must not be sent again is told of until somebody has looked.
  const isTold = setup.insertsTwice === true && said.issues.every(({ code }) => code === 'outcome_unknown')
  const isDone = said.status === 'succeeded' || (said.status === 'completed_with_errors' && isTold)
  if (isQuiet && toGo < 2 && !isDone)
    report('convergence', `an undisturbed run ends with ${said.status}: ${said.error?.message ?? ''}`)
  if (said.status === 'failed' && !isDisturbed && said.error?.code !== 'source_out_of_order')
    report('convergence', `nothing went wrong, and yet: ${said.error?.message}`)
  // Where no list says that there is no such record, updates ask for it each time.
  if (isQuiet && toGo === 0 && setup.mode !== 'update-only' && oracle.requests > 0)
    report('idle', `nothing has changed, and ${oracle.requests} requests were sent`)
}

function quiet(rows: readonly Row[]): RunPlan {
  return {
    rows,
    batchRows: 3,
    end: 'proven',
    full: false,
    allowEmpty: true,
    allowInvalid: false,
    maxDeletes: undefined,
    vanish: [],
    rejects: [],
    refuses: [],
    faults: [],
  }
}

function configOf({ mode, scope, listing, deletes, limits, records }: Setup, state: string) {
  const byEmail = records === 'email and id'
  const index =
    listing === 'never'
      ? {}
      : { bootstrap: 'list' as const, refresh: listing === 'always' ? ('always' as const) : ('never' as const) }
  return resolveConfig(
    {
      version: 1,
      state,
      connections: { from: 'rows:', to: 'map:' },
      syncs: {
        test: {
          source: { connection: 'from', table: 'model' },
          key: 'id',
          mode,
          destination: { connection: 'to', object: 'records', ...(byEmail ? { match: 'email' } : {}) },
          ...(byEmail ? { fields: { ref: 'id', v: 'v', email: 'email' } } : {}),
          deletes: { scope, as: deletes === 'mark' ? { gone: 'yes' } : 'delete' },
          index,
          batch: { size: limits.rows, concurrency: limits.inFlight },
        },
      },
    },
    { baseDirectory: '/' },
  )
}

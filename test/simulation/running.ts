import { basename, join } from 'node:path'
import { type VirtualClock, virtualClock } from '../support/virtual-clock.ts'
import type { StepObserver } from './durable-steps.ts'
import { Crash } from './faults.ts'
import type { RunPlan, Setup } from './history.ts'
import type { Judge } from './judge.ts'
import { type Points, pointsOf } from './points.ts'
import { logLengths, type Snapshot, snapshotOf, torn } from './state-snapshot.ts'

/** One run of a history, while it lasts: what the source, the destination and the state share. */
export interface Running extends StepObserver {
  readonly setup: Setup
  readonly plan: RunPlan
  readonly oracle: Judge
  readonly points: Points
  readonly clock: VirtualClock
  readonly signal: AbortSignal
  readonly folder: string
  readonly index: string
  /** What happened, in order. */
  readonly trace: string[]
  /** The state as the crash left it; undefined as long as the process lives. */
  readonly atTheCrash: Snapshot | undefined
  /** What the network still has to deliver. */
  readonly late: (() => void)[]
  /** The process dies, here and now. */
  crash(): never
  /** Fails where the process is dead. */
  alive(): void
  cancel(): void
}

export function running(world: {
  setup: Setup
  plan: RunPlan
  oracle: Judge
  folder: string
  trace: string[]
  naming: boolean
}): Running {
  const points = pointsOf(world.plan.faults)
  const abort = new AbortController()
  let atTheCrash: Snapshot | undefined
  let fault: string | undefined
  let before: ReadonlyMap<string, number> = new Map()
  const flushing = new Set<string>()
  const die = (snapshot: Snapshot): never => {
    world.trace.push('the process dies')
    atTheCrash = snapshot
    throw new Crash('the process is dead')
  }
  const run: Running = {
    ...world,
    points,
    clock: virtualClock(),
    signal: abort.signal,
    index: join(world.folder, 'test.sqlite'),
    late: [],
    get atTheCrash() {
      return atTheCrash
    },
    crash: () => die(snapshotOf(world.folder)),
    alive() {
      if (atTheCrash !== undefined) throw new Crash('the process is dead')
    },
    cancel: () => abort.abort(new Error('planned: cancelled')),
    before(step, database) {
      run.alive()
      if (!flushing.has(database.name)) {
        flushing.add(database.name)
        world.oracle.flushes(database.name, database.pragma('synchronous', { simple: true }) as number)
      }
      const what = `${step} of ${basename(database.name)}${world.naming ? ` by ${callers()}` : ''}`
      fault = points.reach('step', what)
      if (fault !== undefined) world.trace.push(`${what}: ${fault}`)
      if (fault === 'crash before') run.crash()
      if (fault === 'crash within') before = logLengths(world.folder)
      if (fault === 'disk full' && step === 'lock') throw diskFull()
    },
    committing() {
      if (fault === 'disk full') throw diskFull()
    },
    after() {
      if (fault === 'crash after') run.crash()
      if (fault === 'crash within') die(torn(snapshotOf(world.folder), before))
    },
  }
  return run
}

/** The functions of the product on the stack, the innermost first. */
function callers(): string {
  const lines = (new Error().stack ?? '').split('\n').filter((line) => line.includes('/src/'))
  return lines.map((line) => /at (?:async )?(\S+) \(/.exec(line)?.[1] ?? '').join(' ')
}

/** As SQLite says it. */
function diskFull(): Error {
  return Object.assign(new Error('planned: database or disk is full'), { code: 'SQLITE_FULL' })
}

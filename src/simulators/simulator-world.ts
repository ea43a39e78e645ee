import { type SimulatorClock, simulatorClock } from './simulator-clock.ts'
import { type FaultPlan, type SimulatorFaults, simulatorFaults } from './simulator-faults.ts'
import { type SimulatorJournal, simulatorJournal } from './simulator-journal.ts'
import { type LatencyDraw, latencyDraw } from './simulator-latency.ts'
import { type LimitWindow, type SimulatorLimits, simulatorLimits, type Violation } from './simulator-limits.ts'
import type { SimulatorOptions } from './simulator-options.ts'
import { type SeededRandom, seededRandom } from './simulator-random.ts'
import type { SimulatorReply, SimulatorRequestHead } from './simulator-request.ts'
import { type RouteFinder, routeFinder, type SimulatorRoute } from './simulator-routes.ts'

/** What a simulator is made of. */
export interface SimulatorContext {
  readonly clock: SimulatorClock
  readonly random: SeededRandom
  /** Call it for every change of a record when it is committed. */
  readonly journal: Pick<SimulatorJournal, 'write'>
  /** Where the requests are answered: `http://127.0.0.1:PORT`. */
  readonly url: string
  /** Windows that hold together; whatever they refuse is found at `/__violations`. */
  limits(windows: readonly LimitWindow[]): SimulatorLimits
}

/** See simulator-server.ts. */
export interface Simulator {
  readonly routes: readonly SimulatorRoute[]
  /** Asked when the head of a request has arrived, before its body: credentials and limits. A reply refuses it. */
  readonly admit?: (request: SimulatorRequestHead) => SimulatorReply | undefined
  /** The last word on every reply of a route, of `admit` and of `errorReply`: headers that all have. */
  readonly finish?: (request: SimulatorRequestHead, reply: SimulatorReply) => SimulatorReply
  /** The vendor's answer with this status, for faults, unknown paths (404), other methods (405), long bodies (413). */
  readonly errorReply: (status: number, request: SimulatorRequestHead) => SimulatorReply
  /** Faults of its own, by name: what is answered instead of `reply`, which is undefined where nothing was done. */
  readonly faults?: Readonly<Record<string, (request: SimulatorRequestHead, reply?: SimulatorReply) => SimulatorReply>>
  /** What `/__records/OBJECT` lists; undefined where there is no such object. */
  readonly records: (object: string, query: URLSearchParams) => Iterable<unknown> | undefined
  /** Side doors of its own, below `/__`: not counted, not in the journal, without faults. */
  readonly sideDoors?: readonly SimulatorRoute[]
  /** Of a request's body. Default 10 MiB. */
  readonly maxBodyBytes?: number
}

export type DefineSimulator = (context: SimulatorContext) => Simulator

/** A simulator with all that it remembers: thrown away by `POST /__reset`. */
export interface SimulatorWorld {
  readonly simulator: Simulator
  readonly clock: SimulatorClock
  readonly journal: SimulatorJournal
  readonly find: RouteFinder
  readonly findSideDoor: RouteFinder
  readonly latency: LatencyDraw
  /** Which share of its latency a request spends before it is done. */
  readonly share: () => number
  readonly violations: Violation[]
  /** Requests under way, the most of them at a time, and how many there were of each route. */
  readonly counts: { open: number; most: number; readonly routes: Map<string, number> }
  faults: SimulatorFaults
  planFaults(plan: FaultPlan | string): SimulatorFaults
}

/** So many refused requests are listed; a client that overruns its limits that often has been found out. */
const MOST_VIOLATIONS = 100_000

export function createWorld(define: DefineSimulator, options: SimulatorOptions, url: string): SimulatorWorld {
  const { seed = 1, journal: capacity = 500_000, faults = { rules: [] } } = options
  const clock = simulatorClock()
  const random = seededRandom(seed)
  const journal = simulatorJournal(capacity)
  const violations: Violation[] = []
  const limits = (windows: readonly LimitWindow[]) =>
    simulatorLimits(windows, (violation) => {
      if (violations.length < MOST_VIOLATIONS) violations.push(violation)
    })
  const simulator = define({ clock, random: random.fork('simulator'), journal, url, limits })
  const planFaults = (plan: FaultPlan | string) => simulatorFaults(plan, seed, Object.keys(simulator.faults ?? {}))
  const share = random.fork('share')
  return {
    simulator,
    clock,
    journal,
    find: routeFinder(simulator.routes),
    findSideDoor: routeFinder(simulator.sideDoors ?? []),
    latency: latencyDraw(options.latency, random.fork('latency')),
    share: () => share.next(),
    violations,
    counts: { open: 0, most: 0, routes: new Map() },
    faults: planFaults(faults),
    planFaults,
  }
}

import { createHook, executionAsyncResource } from 'node:async_hooks'
import type { EventEmitter } from 'node:events'
import type { Observe, StageName } from '../pipeline/observe.ts'

/**
 * Where the time of one run went. `waiting`: this process had nothing to do while rows flowed, because the source had not
 * sent anything yet. `other`: connecting, and opening and closing the state.
 */
export type TimedPart = StageName | 'waiting' | 'other'

const STAGE = Symbol('stage of the run')

type Tagged = Record<symbol, number | undefined>

/** All parts, in the order of the rows. They are counted by number: looking at the clock must cost little. */
const PARTS: readonly TimedPart[] = [
  'waiting',
  'source',
  'sorting',
  'keying',
  'diff',
  'filter',
  'writer',
  'index',
  'other',
]
const SOURCE = PARTS.indexOf('source')
const OTHER = PARTS.indexOf('other')
/** No stage is called: whatever goes on belongs to what surrounds it. */
const AMBIENT = -1

/** What streams and the key index are called by; whatever of it a stage has is its time. */
const ENTRANCES = ['_read', '_transform', '_flush', '_write', '_final', '_destroy', 'commit', 'compact']

/**
 * Tells how long each stage of a run keeps the process busy, from outside. Stages call one another (a push runs the
 * next stage), so a call into one stops the clock of the other. What a stage leaves for later, in a promise or a timer,
 * is its own as well: Node's async hooks say when that begins and ends. What belongs to no stage while rows flow is the
 * source's: sockets call by themselves, and Node reads them between two calls. One clock at a time; it costs some µs a batch.
 */
export class StageClock implements Disposable {
  readonly #spent = new Float64Array(PARTS.length)
  /** Stages that are interrupted by the one that is called, the innermost last. */
  readonly #outer: number[] = []
  readonly #hook = createHook({
    init: (_id, _type, _trigger, resource) => {
      if (this.#stage !== AMBIENT) (resource as Tagged)[STAGE] = this.#stage
    },
    before: () => this.#enter((executionAsyncResource() as Tagged)[STAGE] ?? AMBIENT),
    after: () => this.#leave(),
  }).enable()
  /** The stage that is called, or AMBIENT, and whose time it is then. */
  #stage = AMBIENT
  #ambient = OTHER
  #since = performance.now()
  /** Milliseconds that there was nothing to do: before rows flowed, and while they did. */
  #idleBefore = 0
  #idle = 0

  /** Gives the stage to the clock; hand this to `sync`. */
  readonly observe: Observe = (name, stage) => {
    // What the destination does is the writer's time.
    if (name === 'destination') return stage
    const parts = stage as unknown as Record<string, unknown>
    for (const entrance of ENTRANCES) {
      const call = parts[entrance]
      if (typeof call === 'function') parts[entrance] = this.#timed(name, call as (...values: unknown[]) => unknown)
    }
    if (name === 'source') this.#flow()
    if (name === 'writer') (stage as unknown as EventEmitter).once('close', () => this.#ebb())
    return stage
  }

  /** Stops the clock: milliseconds of all parts, which add up to the time since it was made. */
  stop(): ReadonlyMap<TimedPart, number> {
    this.#switch(AMBIENT)
    this[Symbol.dispose]()
    if (this.#ambient === SOURCE) this.#ebb()
    const spent = new Map(PARTS.map((part, number) => [part, this.#spent[number] as number]))
    const source = spent.get('source') as number
    const waiting = Math.min(source, this.#idle)
    return spent.set('source', source - waiting).set('waiting', waiting)
  }

  [Symbol.dispose](): void {
    this.#hook.disable()
  }

  /** Rows begin to flow. */
  #flow(): void {
    this.#switch(this.#stage)
    this.#ambient = SOURCE
    this.#idleBefore = idleMs()
  }

  /** And have come to their end. */
  #ebb(): void {
    this.#switch(this.#stage)
    this.#ambient = OTHER
    this.#idle = idleMs() - this.#idleBefore
  }

  #timed(name: StageName, call: (...values: unknown[]) => unknown) {
    const number = PARTS.indexOf(name)
    const enter = () => this.#enter(number)
    const leave = () => this.#leave()
    return function (this: unknown, ...values: unknown[]) {
      enter()
      try {
        return call.apply(this, values)
      } finally {
        leave()
      }
    }
  }

  #enter(stage: number): void {
    this.#outer.push(this.#stage)
    this.#switch(stage)
  }

  #leave(): void {
    this.#switch(this.#outer.pop() ?? AMBIENT)
  }

  #switch(stage: number): void {
    const now = performance.now()
    const part = this.#stage === AMBIENT ? this.#ambient : this.#stage
    this.#spent[part] = (this.#spent[part] as number) + now - this.#since
    this.#since = now
    this.#stage = stage
  }
}

/** Milliseconds that the event loop has had nothing to do. */
function idleMs(): number {
  return performance.nodeTiming.idleTime
}

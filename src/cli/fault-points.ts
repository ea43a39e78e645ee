import type { Observe } from '../index.ts'
import { usageError } from './cli-error.ts'

/** When, relative to a call: as it begins, while what it started goes on, or as soon as it has done all it does. */
type Moment = 'before' | 'during' | 'after'

/** The part of a run, and the call of it, that each point is at. All are on the way of a batch, none on that of a row. */
const POINTS = {
  /** Rows of the model have arrived. */
  rows: ['keying', '_transform', 'before'],
  /** The model was read to its end; inserts and updates are still under way, and no delete has been sent. */
  end: ['writer', '_final', 'before'],
  /** The destination's object is there; nothing has been sent. */
  prepared: ['destination', 'prepare', 'after'],
  /** What is about to be sent is durably unsure, and what was answered acknowledged: not yet, and now. */
  'before-commit': ['index', 'commit', 'before'],
  'after-commit': ['index', 'commit', 'after'],
  /** A batch: not sent, on its way, and applied without anybody having been told. */
  'before-write': ['destination', 'write', 'before'],
  'during-write': ['destination', 'write', 'during'],
  'after-write': ['destination', 'write', 'after'],
  /** Everything was answered; the index is folded for the next run: not yet, and now. */
  'before-compact': ['index', 'compact', 'before'],
  'after-compact': ['index', 'compact', 'after'],
} as const satisfies Readonly<Record<string, readonly [part: Parameters<Observe>[0], call: string, moment: Moment]>>

export type FaultPoint = keyof typeof POINTS
export const FAULT_POINTS = Object.keys(POINTS) as readonly FaultPoint[]

/**
 * What `ROWFERRY_FAULT=after-write:3:4711` makes of a run, to be handed to `sync`: the process kills itself, as kill -9 does,
 * when it comes to that point for the third time. 4711 is the process that started this one. A variable without it, or with
 * another one, means nothing: whoever leaves one lying about in an environment will not kill anybody's run with it.
 * Throws a usage error where it is meant and wrong.
 */
export function plannedFault(text: string, parent: number): Observe | undefined {
  const [point = '', passes, starter, ...rest] = text.split(':')
  if (starter !== String(parent) || rest.length > 0) return undefined
  const place = Object.hasOwn(POINTS, point) ? POINTS[point as FaultPoint] : undefined
  if (place === undefined || !/^[1-9]\d*$/.test(passes ?? '')) {
    throw usageError(`ROWFERRY_FAULT names no fault point: ${text}`, `points: ${FAULT_POINTS.join(', ')}`)
  }
  const [part, call, moment] = place
  let left = Number(passes)
  const pass = () => {
    if (--left === 0) process.kill(process.pid, 'SIGKILL')
  }
  return (name, stage) => {
    if (name === part) interpose(stage as Record<string, unknown>, call, moment, pass)
    return stage
  }
}

function interpose(stage: Record<string, unknown>, call: string, moment: Moment, pass: () => void): void {
  const original = stage[call] as (...values: unknown[]) => unknown
  stage[call] = (...values: unknown[]) => {
    if (moment === 'before') pass()
    const result = original.apply(stage, values)
    if (moment === 'during') setImmediate(pass)
    if (moment !== 'after') return result
    if (!(result instanceof Promise)) {
      pass()
      return result
    }
    return result.then((value: unknown) => {
      pass()
      return value
    })
  }
}

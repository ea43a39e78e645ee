import type { Row } from '../support/row-batches.ts'
import type { FaultAt, PointKind } from './faults.ts'

/**
 * A history is data: everything that happens in it is written down before it begins. That is what lets one be run again,
 * and be made smaller by leaving parts out.
 */
export interface History {
  /** Where it came from; also what the engine's own dice (the jitter of its waits) are seeded with. */
  readonly seed: number
  readonly setup: Setup
  /** The runs in which things go wrong. */
  readonly runs: readonly RunPlan[]
  /** The model of the runs at the end, which nothing disturbs. */
  readonly last: readonly Row[]
  /** How many those are; of the last two the first has to succeed, and the second has to have nothing to do. Default: 2. */
  readonly quiet?: number
}

export interface Setup {
  /** `pipeline`: index, list and stages as `sync()` puts them together. `sync`: `sync()` itself, run history included. */
  readonly engine: 'pipeline' | 'sync'
  readonly mode: 'mirror' | 'upsert' | 'update-only' | 'insert-only' | 'delete-only'
  readonly scope: 'all' | 'seen'
  /** When the destination's keys are merged into the index: before each run, before the first, not at all. */
  readonly listing: 'always' | 'first' | 'never'
  readonly sortedList: boolean
  readonly deletes: 'remove' | 'mark'
  readonly limits: { readonly rows: number; readonly bytes: number; readonly inFlight: number }
  /** Records of other people, that were there before: their keys, or their e-mails. */
  readonly planted: readonly string[]
  /** Milliseconds until the destination answers, in turn. */
  readonly delays: readonly number[]
  /**
   * How the destination knows its records: by their key alone; by ids of its own besides, which the index keeps; or by ids
   * and an e-mail, which is not the key of the model. Default: `key`.
   */
  readonly records?: 'key' | 'key and id' | 'email and id'
  /** The destination takes some e-mails for others. Only where records are found by them. */
  readonly aliases?: boolean
  /** Two records come of an insert that is sent twice. Only in mode insert-only. */
  readonly insertsTwice?: boolean
}

export interface RunPlan {
  /**
   * As the source sends them: `id`, `v`, and `email` where records are found by it. Honest sources send each key once,
   * ascending, and no null.
   */
  readonly rows: readonly Row[]
  readonly batchRows: number
  /** What the source says about its end. */
  readonly end: 'proven' | 'missing' | 'unproven' | 'too_many' | 'too_few'
  readonly full: boolean
  readonly allowEmpty: boolean
  readonly allowInvalid: boolean
  /** Most deletes of this run; any number where undefined. */
  readonly maxDeletes: number | undefined
  /** Keys of records that other people delete before it. */
  readonly vanish: readonly string[]
  /** Keys whose changes the destination rejects, one by one or by refusing the batch they are in. */
  readonly rejects: readonly string[]
  readonly refuses: readonly string[]
  readonly faults: readonly PlannedFault[]
}

/** What goes wrong at the `at`-th point of its kind in the run, from 1 on. */
export interface PlannedFault {
  readonly kind: PointKind
  readonly at: number
  readonly fault: FaultAt<PointKind>
}

export interface Rates {
  /** Share of the runs with faults. */
  readonly faulty: number
  /** Share of the runs whose source lies. */
  readonly lies: number
  /** Share of the histories that go through `sync()`. */
  readonly sync: number
  /** Share of the histories whose destination finds its records by an e-mail. */
  readonly linked: number
}

export const DEFAULT_RATES: Rates = { faulty: 0.85, lies: 0.2, sync: 0.02, linked: 0.25 }

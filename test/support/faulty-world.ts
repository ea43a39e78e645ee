import assert from 'node:assert/strict'
import { cpSync, existsSync, rmSync } from 'node:fs'
import { BatchRefusedError, FatalError, RetryableError } from '../../src/core/errors.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { type Report, type SyncOptions, sync } from '../../src/index.ts'
import { type MapWrite, mapDestination } from './map-destination.ts'
import { idAndV } from './model-run.ts'
import type { Row } from './row-batches.ts'
import type { Random } from './seeded-random.ts'
import { virtualClock } from './virtual-clock.ts'

/**
 * A sync from a model in memory to a map, in which everything goes wrong that can: requests fail before, after and in
 * the middle of their work, replies are lost or short, the process is killed. What must hold is written down here
 * apart from the product's code.
 */

const DELETING = ['mirror', 'delete-only']
/** What records of other people hold; no model ever does. */
export const FOREIGN = 'foreign'

export interface WorldOptions {
  readonly mode: 'mirror' | 'upsert' | 'update-only' | 'insert-only' | 'delete-only'
  readonly scope: 'all' | 'seen'
  readonly lists: 'cheap' | 'never'
  readonly refresh: 'always' | 'never' | undefined
}

/** Ways in which a write ends. The process dies in `crash`; `bug` is what a connector does wrong. */
const FAULTS = ['fatal', 'bug', 'retryable', 'refused', 'short', 'crash'] as const

export class FaultyWorld {
  readonly options: WorldOptions
  readonly source = idAndV()
  /** Share of the writes that go wrong. */
  faultRate = 0
  crashes = 0
  faults = 0
  runs = 0
  readonly #random: Random
  readonly #folder: string
  readonly #destination
  /** Keys that any model held so far: of all others, scope `seen` has to keep off. */
  readonly #modelled = new Set<string>()
  readonly #violations: string[] = []
  #crashed = false

  constructor(random: Random, folder: string, options: WorldOptions) {
    this.#random = random
    this.#folder = folder
    this.options = options
    this.#destination = mapDestination({
      lists: options.lists,
      sorted: random.chance(0.7),
      limits: { rows: 1 + random.below(6), inFlight: 1 + random.below(3), bytes: random.pick([1_000_000, 20]) },
      script: (write) => this.#write(write),
      onChange: (operation, key) => {
        if (operation === 'delete') this.#watchDelete(key)
      },
    })
  }

  get writes(): number {
    return this.#destination.writes.length
  }

  /** Puts records there that no run of ours has written. */
  plant(keys: readonly string[]): void {
    for (const key of keys) this.#destination.records.set(key, { id: key, v: FOREIGN, owner: 'somebody' })
  }

  /** Runs the sync once. Whatever happens, the rules are kept. */
  async run(options: SyncOptions = {}): Promise<Report> {
    const { mode, scope, refresh } = this.options
    const state = `${this.#folder}/state`
    this.#crashed = false
    this.runs++
    for (const [id] of this.source.rows) if (id != null) this.#modelled.add(id)
    const report = await sync(
      {
        version: 1,
        state,
        connections: { from: 'rows:', to: 'map:' },
        syncs: {
          test: {
            source: { connection: 'from', table: 'model' },
            key: 'id',
            mode,
            destination: { connection: 'to', object: 'records' },
            deletes: { scope },
            ...(refresh === undefined ? {} : { index: { refresh } }),
          },
        },
      },
      {
        sources: [this.source.definition],
        destinations: [this.#destination.definition],
        clock: virtualClock(),
        allowEmpty: true,
        allowDeletes: { percent: 100 },
        ...options,
      },
    )
    if (this.#crashed) {
      rmSync(state, { recursive: true })
      cpSync(`${this.#folder}/at-the-crash`, state, { recursive: true })
    }
    assert.deepEqual(this.#violations, [])
    if (report.error?.kind === 'bug') assert.match(report.error.message, /planned/)
    if (report.status === 'succeeded') this.assertConverged()
    return report
  }

  /** What is true as soon as a run says that it succeeded. */
  assertConverged(): void {
    const { mode, scope } = this.options
    const { records } = this.#destination
    const model = new Map(this.source.rows.map(([id, v]) => [id as string, v]))
    for (const [id, v] of model) {
      const record = records.get(id)
      if (mode === 'mirror' || mode === 'upsert') assert.equal(record?.['v'], v, `record ${id} was lost`)
      if (mode === 'update-only' && record !== undefined) assert.equal(record['v'], v, `record ${id} is stale`)
      if (mode === 'insert-only') assert.ok(record !== undefined, `record ${id} was lost`)
    }
    for (const [id, { v, owner }] of records) {
      if (owner === 'somebody' && (mode === 'insert-only' || mode === 'delete-only')) assert.equal(v, FOREIGN)
      if (model.has(id) || !DELETING.includes(mode)) continue
      assert.ok(scope === 'seen' && v === FOREIGN, `record ${id} is an orphan`)
    }
  }

  /** A delete needs proof: this run reads its model to a proven end, and finds the key in none of its rows. */
  #watchDelete(key: string): void {
    const { mode, scope } = this.options
    const { rows, breaksAfter, end } = this.source
    const refuse = (why: string) => this.#violations.push(`the delete of ${key} ${why}`)
    if (!DELETING.includes(mode)) refuse(`in mode ${mode}`)
    if (rows.some(([id]) => id === key)) refuse('although the model holds it')
    if (rows.some(([id]) => id === null)) refuse('although a row without a key may stand for it')
    if (breaksAfter !== undefined || end === null || Object.keys(end).length > 0) refuse('without a proven end')
    if (scope === 'seen' && !this.#modelled.has(key)) refuse('although no model ever held it')
  }

  async #write(write: MapWrite): Promise<readonly (Outcome | undefined)[]> {
    const random = this.#random
    if (this.#crashed) throw new FatalError('dead', 'planned: the process is dead')
    for (let turns = random.below(3); turns > 0; turns--) await new Promise(setImmediate)
    if (this.#crashed) {
      // The request was on its way when the process died.
      if (random.chance(0.5)) write.apply()
      throw new FatalError('dead', 'planned: the process is dead')
    }
    if (!random.chance(this.faultRate)) return write.apply()
    this.faults++
    const fault = random.pick(FAULTS)
    if (fault === 'refused') throw new BatchRefusedError('planned', 'planned: nothing of this batch was applied')
    const applied = write.apply(0, random.pick([0, write.batch.count, random.below(write.batch.count + 1)]))
    if (fault === 'short') return applied.slice(0, random.below(applied.length + 1))
    if (fault === 'retryable') throw new RetryableError('planned: busy')
    if (fault === 'bug') throw new TypeError('planned: x is not a function')
    if (fault === 'crash') this.#crash()
    throw new FatalError('planned', 'planned: the connection broke')
  }

  /** What kill -9 leaves of the state at this moment is kept; what the run still does to it is not. */
  #crash(): void {
    this.#crashed = true
    this.crashes++
    const kept = `${this.#folder}/at-the-crash`
    rmSync(kept, { recursive: true, force: true })
    if (existsSync(`${this.#folder}/state`)) cpSync(`${this.#folder}/state`, kept, { recursive: true })
  }
}

/** A model of some of those keys, each with one of few values, so that rows come, go and return to what they were. */
export function randomModel(random: Random, keys: readonly string[]): Row[] {
  return random.some(keys, random.pick([0.2, 0.6, 0.95])).map((key) => [key, random.pick(['a', 'b'])])
}

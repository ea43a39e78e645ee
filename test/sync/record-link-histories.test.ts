import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FatalError, RetryableError } from '../../src/core/errors.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { restore, type Snapshot, snapshotOf } from '../simulation/state-snapshot.ts'
import type { LinkedWrite } from '../support/linked-destination.ts'
import { type LinkedWorld, linkedWorld } from '../support/linked-world.ts'
import type { Row } from '../support/row-batches.ts'
import { type Random, seeds, withSeed } from '../support/seeded-random.ts'
import { virtualClock } from '../support/virtual-clock.ts'

/** The model by key; what is expected of the destination follows from it alone. */
type Model = Map<number, { email: string; name: string }>

type Fault = 'none' | 'killed before' | 'killed after' | 'lost' | 'refused' | 'locked' | 'not mentioned' | 'stopped'

const SEEDS = 30
const KEYS = 9
const EMAILS = ['a@x', 'B@x', 'b@X', 'c@x', 'd@x', 'e@x', 'F@x']

function changeModel(model: Model, random: Random): void {
  for (let steps = random.below(4); steps >= 0; steps--) {
    const key = 1 + random.below(KEYS)
    const row = model.get(key)
    const email = random.pick(EMAILS)
    const name = `n${random.below(5)}`
    if (row === undefined) model.set(key, { email, name })
    else {
      const what = random.pick(['delete', 'email', 'name', 'rename'])
      if (what === 'delete') model.delete(key)
      if (what === 'email') model.set(key, { ...row, email })
      if (what === 'name') model.set(key, { ...row, name })
      if (what === 'rename') rename(model, key, 1 + random.below(KEYS))
    }
  }
}

/** The same person under another key. */
function rename(model: Model, from: number, to: number): void {
  const row = model.get(from)
  if (row === undefined || from === to) return
  model.delete(from)
  model.set(to, row)
}

function rowsOf(model: Model): Row[] {
  return [...model].map(([key, { email, name }]) => [String(key), email, name])
}

class History {
  readonly model: Model = new Map()
  readonly random: Random
  readonly world: LinkedWorld
  readonly faults: Fault[] = []
  readonly broken: string[] = []
  kills = 0
  #atTheKill: Snapshot | undefined
  #stop = new AbortController()

  constructor(random: Random, mode: 'mirror' | 'upsert') {
    this.random = random
    this.world = linkedWorld([], {
      rows: 1 + random.below(4),
      inFlight: 1 + random.below(3),
      script: (write) => this.#write(write),
      onDelete: ({ ref, email }) => {
        if (mode !== 'mirror') this.broken.push(`${email} is deleted in mode ${mode}`)
        if (email === 'foreign@x') this.broken.push('a record that no row ever matched is deleted')
        // A record that was handed on to another row names the row before until that other one is written.
        const records = [...this.world.destination.records.values()].filter((record) => record['ref'] === ref)
        if (this.model.has(Number(ref)) && records.length < 2)
          this.broken.push(`${email} is deleted, and row ${ref} has it`)
      },
    })
    this.mode = mode
    this.world.destination.add({ email: 'foreign@x', name: 'by hand' })
    if (random.chance(0.5)) this.world.destination.add({ email: 'C@X', name: 'met by a row' })
  }

  readonly mode: 'mirror' | 'upsert'

  async run(faults: readonly Fault[]) {
    this.faults.splice(0, this.faults.length, ...faults)
    this.#atTheKill = undefined
    this.#stop = new AbortController()
    this.world.source.rows = rowsOf(this.model)
    this.world.destination.writes.length = 0
    const { signal } = this.#stop
    const report = await this.world.run({ clock: virtualClock(), signal }, { mode: this.mode })
    if (this.#atTheKill !== undefined) {
      restore(this.world.state, this.#atTheKill)
      this.kills++
    }
    assert.deepEqual(this.broken, [])
    return report
  }

  async #write({ batch, apply }: LinkedWrite): Promise<readonly Outcome[]> {
    await new Promise(setImmediate)
    // A process that is dead sends nothing more.
    if (this.#atTheKill !== undefined) throw new FatalError('killed', 'killed; run again')
    const fault = this.faults.shift() ?? 'none'
    const part = this.random.below(batch.count + 1)
    if (fault === 'killed before' || fault === 'killed after') {
      if (fault === 'killed after') apply(0, part)
      this.#atTheKill = snapshotOf(this.world.state)
      throw new FatalError('killed', 'killed; run again')
    }
    if (fault === 'lost') {
      apply(0, part)
      throw new RetryableError('the answer is lost')
    }
    if (fault === 'refused') return [...apply(0, part), ...rejections(batch.count - part)]
    if (fault === 'stopped') this.#stop.abort('SIGTERM')
    if (fault === 'locked' || fault === 'stopped') return [...apply(0, part), ...later('deferred', batch.count - part)]
    if (fault === 'not mentioned') {
      // Some of it may have been done.
      const done = apply(0, this.random.below(batch.count - part + 1) + part)
      return [...done.slice(0, part), ...later('unknown', batch.count - part)]
    }
    return apply()
  }
}

function later(status: 'deferred' | 'unknown', count: number): Outcome[] {
  return Array.from({ length: count }, () => ({ status, code: 'later', message: 'not yet' }))
}

function rejections(count: number): Outcome[] {
  return Array.from({ length: count }, () => ({ status: 'rejected', code: 'no', message: 'not today' }))
}

for (const mode of ['mirror', 'upsert'] as const) {
  test(`${mode}: whatever happens, each row ends in one record of its own, and no record of a row is deleted`, async () => {
    let kills = 0
    for (const seed of seeds(SEEDS)) {
      await withSeed(seed, 'test/sync/record-link-histories', async (random) => {
        const history = new History(random, mode)
        using world = history.world
        const kinds = [
          'killed before',
          'killed after',
          'lost',
          'refused',
          'locked',
          'not mentioned',
          'stopped',
        ] as const
        const faults: readonly Fault[] = ['none', 'none', ...kinds]
        for (let runs = 2 + random.below(5); runs > 0; runs--) {
          changeModel(history.model, random)
          const some = Array.from({ length: random.below(6) }, () => random.pick(faults))
          await history.run([...some])
        }
        await settle(history)
        kills += history.kills
        assert.ok(world.contacts().includes('foreign@x - by hand'))
      })
    }
    if (seeds(SEEDS).length > 1) assert.ok(kills > SEEDS / 4, `${kills} kills`)
  })
}

/** Whether no other row, and no record of another row, has the e-mail of that one. */
function isItsOwn({ model, world }: History, key: number): boolean {
  const email = model.get(key)?.email.toLowerCase()
  const rows = [...model].map(([other, row]) => [String(other), row.email])
  const records = [...world.destination.records.values()].map((record) => [record['ref'], record['email']])
  return [...rows, ...records].every(([other, text]) => other === String(key) || text?.toLowerCase() !== email)
}

/**
 * Gives every row an e-mail that no other has, its own if it is that, or one that a row before it had, and looks at what comes
 * of it.
 */
async function settle(history: History): Promise<void> {
  const { model, random, world, mode } = history
  const free = new Set(
    [...world.destination.records.values()].flatMap(({ email, ref }) =>
      ref != null && !model.has(Number(ref)) ? [String(email)] : [],
    ),
  )
  for (const [key, row] of model) {
    if (random.chance(0.5) && isItsOwn(history, key)) continue
    // In mode upsert the record of a row that is gone keeps its e-mail, and no other record can get it.
    const taken = mode === 'mirror' && random.chance(0.3) ? [...free][0] : undefined
    model.set(key, { ...row, email: taken ?? `final-${key}@x` })
    if (taken !== undefined) free.delete(taken)
  }
  for (const [index, email] of [...free].entries()) {
    if (random.chance(0.5)) model.set(KEYS + 1 + index, { email, name: 'renamed' })
  }
  for (let runs = 0; runs < 4; runs++) await history.run([])
  const last = await history.run([])
  assert.equal(last.status, 'succeeded', `${last.error?.message} ${JSON.stringify(last.counts)}`)
  assert.deepEqual(world.destination.writes, [])
  const rows = [...model].map(([key, { email, name }]) => `${key} ${email} ${name}`).sort()
  const ours = [...world.destination.records.values()].filter(({ ref }) => ref != null)
  const records = ours.map(({ ref, email, name }) => `${ref} ${email} ${name}`).sort()
  // Mode upsert keeps the records of rows that are gone.
  const known = new Set(rows)
  assert.deepEqual(mode === 'mirror' ? records : records.filter((record) => known.has(record)), rows)
}

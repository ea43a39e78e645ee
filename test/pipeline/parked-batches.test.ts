import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import type { ChangeBatch, Operation } from '../../src/core/change.ts'
import { encodeRow } from '../../src/core/copy-text.ts'
import { type EntryState, SegmentReader } from '../../src/core/key-entry.ts'
import type { ScratchFile } from '../../src/core/scratch-file.ts'
import type { Claim } from '../../src/pipeline/claims.ts'
import { ParkedBatches } from '../../src/pipeline/parked-batches.ts'
import { PendingBatch } from '../../src/pipeline/pending-batch.ts'
import { UnnamedFile } from '../../src/state/unnamed-file.ts'
import { field } from '../support/batch-field.ts'
import { memoryFolder } from '../support/memory-folder.ts'
import { type Random, seeds, withSeed } from '../support/seeded-random.ts'

const FIELDS = [field('id'), field('v')]

/** A change as the writer puts it into a batch. */
interface Change {
  readonly values: readonly (string | null)[]
  readonly key: Buffer
  readonly state: EntryState
  readonly prints: readonly [number, number, number, number]
  readonly claim: Claim
  readonly id: string | undefined
}

function randomChange(random: Random, number: number): Change {
  const text = () => ['', 'Zoë', 'a\tb\n', '\\N', '\u{1f600}', '\ud83d', 'x'.repeat(random.below(200))][random.below(7)]
  const word = () => random.below(2 ** 31)
  const match = random.chance(0.5) ? null : [`match ${number}`, text() ?? null]
  const link = {
    identities: [`was ${number}`],
    aliases: random.chance(0.2) ? ['alias'] : [],
    match,
    id: random.chance(0.5) ? `id ${number}` : null,
    retired: random.chance(0.1),
    overwritten: random.chance(0.1),
  }
  return {
    // A lone surrogate is no text that comes from a source: it is what a claim may hold all the same.
    values: [`key ${number}`, random.chance(0.2) ? null : (text()?.replace('\ud83d', '') ?? null)],
    key: Buffer.from(`key ${number}`.padEnd(1 + random.below(60), '\0')),
    state: random.below(7) as EntryState,
    prints: [word(), word(), word(), word()],
    claim: { identity: `i ${text()}`, match, before: random.chance(0.5) ? link : undefined, former: null },
    id: random.chance(0.5) ? `0031${number}` : undefined,
  }
}

function fill(batch: PendingBatch, changes: readonly Change[]): void {
  for (const [number, { values, key, state, prints, claim }] of changes.entries()) {
    const line = Buffer.from(encodeRow(values))
    if (number % 2 === 0) batch.addBytes(line, 0, line.length)
    else batch.addLine(line.toString())
    batch.describe(key, 0, key.length, state, ...prints)
    batch.claims.push(claim)
  }
  batch.ids = changes.map(({ id }) => id)
}

/** All that a destination can see of it. */
function seen({ operation, fields, count, text, ends, values, ids }: ChangeBatch) {
  const rows = Array.from({ length: count }, (_, index) => values(index))
  return { operation, fields, count, text: text.toString(), ends: [...ends], rows, ids: ids && [...ids] }
}

/** All that the index is told. */
function packed(batch: PendingBatch): unknown[] {
  const segment = batch.segment((index) => ({ state: batch.state(index), print: index % 2 === 0 ? 'old' : 'new' }))
  const entries: unknown[] = []
  for (const entry = new SegmentReader(segment.bytes); entry.next(); ) {
    const { bytes, keyStart, keyEnd, state, printHigh, printLow } = entry
    entries.push([bytes.toString('latin1', keyStart, keyEnd), state, printHigh, printLow])
  }
  return entries
}

/** Files in a folder, and how many of them are there. */
function files() {
  const folder = memoryFolder()
  const open = new Set<ScratchFile>()
  let made = 0
  return {
    folder,
    open,
    get made() {
      return made
    },
    make(): ScratchFile {
      const file = new UnnamedFile(folder.file(`waiting-${made++}`), 'test')
      const close = file[Symbol.dispose].bind(file)
      open.add(file)
      file[Symbol.dispose] = () => {
        open.delete(file)
        close()
      }
      return file
    },
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  }
}

test('a batch that was on the disk is what it was, and its changes can be read there', async () => {
  for (const seed of seeds(40)) {
    await withSeed(seed, 'test/pipeline/parked-batches', async (random) => {
      using disk = files()
      const parked = new ParkedBatches(() => disk.make())
      const batches = Array.from({ length: 1 + random.below(5) }, (_, number) => {
        const changes = Array.from({ length: 1 + random.below(40) }, (_, at) => randomChange(random, number * 100 + at))
        const [here, there] = [new PendingBatch(), new PendingBatch(parked)]
        fill(here, changes)
        fill(there, changes)
        return { here, there }
      })
      const operation: Operation = random.chance(0.5) ? 'upsert' : 'update'
      for (const { there } of batches) there.park()
      assert.deepEqual(readdirSync(disk.folder.path), [], 'they have no name')
      const order = () => random.shuffled(batches)
      for (const { here, there } of order()) {
        const [from, to] = [random.below(here.count), here.count]
        const some = Array.from({ length: random.below(5) }, () => random.below(here.count))
        assert.deepEqual(seen(there.changes(operation, FIELDS)), seen(here.changes(operation, FIELDS)))
        assert.deepEqual(
          seen(there.changes(operation, FIELDS, from, to)),
          seen(here.changes(operation, FIELDS, from, to)),
        )
        assert.deepEqual(seen(there.pick(operation, FIELDS, some)), seen(here.pick(operation, FIELDS, some)))
      }
      // What was given of several batches can be read by turns.
      const given = batches.map(({ here, there }) => [here, there].map((one) => one.changes(operation, FIELDS)))
      for (let turn = 0; turn < 20; turn++) {
        const [one, other] = given[random.below(given.length)] as [ChangeBatch, ChangeBatch]
        const at = random.below(one.count)
        assert.deepEqual(other.values(at), one.values(at))
      }
      for (const { here, there } of order()) {
        there.fetch()
        assert.deepEqual([there.count, there.bytes], [here.count, here.bytes])
        assert.deepEqual([there.claims, there.ids], [JSON.parse(JSON.stringify(here.claims)), here.ids])
        assert.deepEqual(packed(there), packed(here))
        assert.deepEqual(there.key(0), here.key(0))
        there.reset()
      }
      assert.equal(disk.open.size, 0)
    })
  }
})

test('the disk gets a file back when the last of its batches was answered, and not before', () => {
  using disk = files()
  const parked = new ParkedBatches(() => disk.make())
  const large = 'x'.repeat(1024 * 1024)
  const fillOne = () => {
    const batch = new PendingBatch(parked)
    batch.addLine(`${large}\n`)
    batch.describe(Buffer.from('k'), 0, 1, 1, 0, 0, 0, 0)
    batch.park()
    return batch
  }
  // Six more than a file takes.
  const waiting = Array.from({ length: 70 }, fillOne)
  assert.equal(disk.made, 2)
  for (const batch of waiting) {
    if (waiting.indexOf(batch) % 20 === 0) assert.equal(batch.changes('insert', [field('v')]).values(0)[0], large)
    batch.fetch()
    batch.reset()
    const rest = 70 - waiting.indexOf(batch) - 1
    assert.equal(disk.open.size, rest > 6 ? 2 : Math.min(rest, 1), `${rest} left`)
  }
  fillOne().fetch()
  assert.equal(disk.open.size, 0)
})

test('a batch that may not be parked stays where it is', () => {
  const batch = new PendingBatch()
  batch.addLine('a\n')
  batch.describe(Buffer.from('k'), 0, 1, 1, 0, 0, 0, 0)
  batch.park()
  assert.deepEqual(batch.key(0).toString(), 'k')
  batch.fetch()
  assert.deepEqual(batch.changes('insert', [field('v')]).values(0), ['a'])
})

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import { type FatalError, forgetIndex, indexSummary, rebuildIndex, sync, syncStatus } from '../../src/index.ts'
import { IndexPlace } from '../../src/state/index-place.ts'
import { KeyIndexFile } from '../../src/state/key-index-file.ts'
import { provenEnd, rowBatch } from '../support/row-batches.ts'
import { rowsUpTo, type SmallWorld, smallWorld } from '../support/small-world.ts'

const Sqlite = await loadSqlite()

const code = (expected: string) => (error: unknown) => (error as FatalError).code === expected

/** Nothing of a rebuild, and no log of SQLite, is left beside the files. */
function assertTidy({ state }: SmallWorld): void {
  const names = readdirSync(state).filter((name) => !['users.sqlite', 'history.sqlite'].includes(name))
  assert.deepEqual(names, [])
}

test('a summary counts the entries by what is known of them, and says what the index is for', async () => {
  using world = smallWorld(rowsUpTo(10))
  assert.equal(await indexSummary(world.config(), world.own), undefined)
  assert.equal(existsSync(world.state), false)
  world.destination.records.set('99', { id: '99', v: 'theirs' })
  await sync(world.config({ deletes: { scope: 'seen' } }), world.own)
  const details = await indexSummary(world.config(), world.own)
  assert.equal(details?.entries, 11)
  assert.deepEqual(details?.by_state, { acknowledged: 10, unsure: 0, unsure_new: 0, adopted: 1, seen: 0, retired: 0 })
  assert.deepEqual(details?.key, [{ column: 'id', encoding: 'integer' }])
  assert.equal(details?.destination, 'map:#users')
  assert.equal(details?.bytes, readFileSync(world.index).length)
  assert.ok(Math.abs(Date.now() - Date.parse(details?.listed_at ?? '')) < 60_000)
  assertTidy(world)
})

test('an index that is not as it was written has no summary, and its status says so', async () => {
  using world = smallWorld(rowsUpTo(2000))
  await world.run()
  const bytes = readFileSync(world.index)
  bytes[bytes.length - 5000] = (bytes[bytes.length - 5000] as number) ^ 1
  writeFileSync(world.index, bytes)
  await assert.rejects(indexSummary(world.config(), world.own), code('index_damaged'))
  writeFileSync(world.index, 'no database at all, but a text that is long enough to be none')
  await assert.rejects(indexSummary(world.config(), world.own), code('index_damaged'))
  const [status] = await syncStatus(world.config())
  assert.equal(status?.index.state, 'unreadable')
  assert.equal(status?.last_run?.status, 'succeeded')
})

test('a forgotten index is gone, and the next run is a first run', async () => {
  using world = smallWorld(rowsUpTo(5))
  assert.equal(await forgetIndex(world.config(), world.own), false)
  await world.run()
  assert.equal(await forgetIndex(world.config(), world.own), true)
  assert.equal(existsSync(world.index), false)
  assertTidy(world)
  const report = await world.run()
  // The records are listed and adopted: what they hold is not known any more.
  assert.equal(report.counts.updated, 5)
})

test('a rebuilt index knows what the destination lists, and nothing more', async () => {
  using world = smallWorld(rowsUpTo(5))
  await world.run()
  world.destination.records.delete('2')
  world.destination.records.set('9', { id: '9', v: 'theirs' })
  const rebuilt = await rebuildIndex(world.config(), world.own)
  assert.deepEqual(rebuilt, { sync: 'users', path: world.index, listed: 5 })
  assertTidy(world)
  const details = await indexSummary(world.config(), world.own)
  assert.equal(details?.by_state.adopted, 5)
  assert.equal(details?.entries, 5)
  assert.equal(details?.mapping, null)
  const report = await sync(world.config({ deletes: { scope: 'seen' } }), world.own)
  const { inserted, updated, kept, deleted } = report.counts
  assert.deepEqual({ inserted, updated, kept, deleted }, { inserted: 1, updated: 4, kept: 1, deleted: 0 })
})

test('a rebuilt index is empty where the destination cannot list its keys', async () => {
  using world = smallWorld(rowsUpTo(5), { lists: 'never' })
  await world.run()
  world.source.rows = rowsUpTo(3)
  assert.equal((await rebuildIndex(world.config(), world.own)).listed, null)
  assert.equal((await indexSummary(world.config(), world.own))?.entries, 0)
  const { inserted, deleted, missing } = (await world.run()).counts
  assert.deepEqual({ inserted, deleted, missing }, { inserted: 3, deleted: 0, missing: 0 })
  assert.equal(world.destination.records.size, 5)
})

const BROKEN: Readonly<Record<string, (world: SmallWorld) => Promise<void> | void>> = {
  'no database': ({ index }) => writeFileSync(index, 'x'.repeat(5000)),
  'cut short': ({ index }) => truncateSync(index, 20_000),
  'an empty file': ({ index }) => truncateSync(index, 0),
  'another database': ({ index }) => {
    truncateSync(index, 0)
    new Sqlite(index).exec('CREATE TABLE other (a); INSERT INTO other VALUES (1)').close()
  },
  'of a newer rowferry': ({ index }) =>
    void new Sqlite(index).exec("UPDATE meta SET value = '99' WHERE name = 'format_version'").close(),
  'of another sync': ({ index }) =>
    void new Sqlite(index).exec("UPDATE meta SET value = 'other' WHERE name = 'sync'").close(),
  'of another key': ({ index }) =>
    void new Sqlite(index).exec("UPDATE meta SET value = '[]' WHERE name = 'key'").close(),
  'with a log of writes that were not folded in': async ({ index, state }) => {
    const holder = new Sqlite(index)
    holder.exec("PRAGMA journal_mode = WAL; UPDATE meta SET value = 'cafe' WHERE name = 'root'")
    const log = readFileSync(`${index}-wal`)
    const file = readFileSync(index)
    holder.close()
    writeFileSync(index, file)
    writeFileSync(`${index}-wal`, log)
    assert.ok(readdirSync(state).includes('users.sqlite-wal'))
  },
}

for (const [name, damage] of Object.entries(BROKEN)) {
  test(`an index is rebuilt, and forgotten, whatever is in its place: ${name}`, async () => {
    for (const mend of [rebuildIndex, forgetIndex]) {
      using world = smallWorld(rowsUpTo(2000))
      await world.run()
      await damage(world)
      if (name !== 'an empty file') assert.notEqual((await world.run()).status, 'succeeded')
      await mend(world.config(), world.own)
      assertTidy(world)
      const report = await world.run()
      assert.equal(report.status, 'succeeded', report.error?.message)
      assert.equal(report.counts.updated, 2000)
      assert.equal((await world.run()).counts.unchanged, 2000)
    }
  })
}

test('while a run holds the sync nothing is shown, rebuilt or forgotten, and afterwards it is', async () => {
  using world = smallWorld(rowsUpTo(5))
  await world.run()
  const before = readFileSync(world.index)
  const run = await KeyIndexFile.open(world.index, 'users', { keep: true })
  for (const work of [indexSummary, rebuildIndex, forgetIndex]) {
    await assert.rejects(async () => work(world.config(), world.own), code('locked'))
  }
  const [status] = await syncStatus(world.config())
  assert.deepEqual([status?.running, status?.index.state], [true, 'in_use'])
  run.close()
  assert.deepEqual(readFileSync(world.index), before)
  assert.equal(await forgetIndex(world.config(), world.own), true)
})

test('while an index is rebuilt no run begins, and the old one stays until the new one is complete', async () => {
  using world = smallWorld(rowsUpTo(5))
  await world.run()
  const before = statSync(world.index).ino
  const meanwhile: unknown[] = []
  const list = () => ({ sorted: true, rows: slowly() })
  async function* slowly() {
    meanwhile.push((await world.run()).error?.code, statSync(world.index).ino)
    yield rowBatch([['7']], provenEnd(1))
  }
  const definition = { ...world.destination.definition, open: async () => ({ ...world.destination, list }) }
  const rebuilt = await rebuildIndex(world.config(), { ...world.own, destinations: [definition] })
  assert.equal(rebuilt.listed, 1)
  assert.deepEqual(meanwhile, ['locked', before])
  assert.notEqual(statSync(world.index).ino, before)
  assert.equal((await world.run()).status, 'succeeded')
})

test('a rebuild that fails, or is cancelled, leaves the old index as it was', async () => {
  using world = smallWorld(rowsUpTo(5))
  await world.run()
  const broken = { ...world.own, sources: [] }
  await assert.rejects(rebuildIndex(world.config(), broken), code('unknown_connector'))
  const reason = new Error('enough')
  await assert.rejects(rebuildIndex(world.config(), { ...world.own, signal: AbortSignal.abort(reason) }), reason)
  const script = { ...world.destination, list: () => ({ sorted: true, rows: failing() }) }
  const definition = { ...world.destination.definition, open: async () => script }
  await assert.rejects(rebuildIndex(world.config(), { ...world.own, destinations: [definition] }), /the list broke/)
  assertTidy(world)
  assert.equal((await world.run()).counts.unchanged, 5)
})

async function* failing() {
  yield rowBatch([['1']])
  throw new Error('the list broke')
}

test('what a killed rebuild left behind is no obstacle', async () => {
  using world = smallWorld(rowsUpTo(5))
  await world.run()
  for (const suffix of ['', '-wal', '-shm']) writeFileSync(`${world.index}.rebuild${suffix}`, 'half')
  await rebuildIndex(world.config(), world.own)
  assertTidy(world)
  assert.equal((await world.run()).counts.updated, 5)
})

test('the place of an index can be held where there is none, and nothing is left of that', async () => {
  using world = smallWorld(rowsUpTo(5))
  {
    using place = await IndexPlace.hold(world.index, 'users')
    assert.equal((await world.run()).error?.code, 'locked')
    assert.ok(place)
  }
  assert.equal(existsSync(world.index), false)
  assert.equal((await world.run()).counts.inserted, 5)
})

test('a file that was replaced after it was opened is not taken for the index', async () => {
  using world = smallWorld(rowsUpTo(5))
  await world.run()
  using place = await IndexPlace.hold(world.index, 'users')
  // Begins while the place is held, and gets the lock after the index was replaced.
  const waiting = world.run()
  const fresh = `${world.index}.rebuild`
  const index = await KeyIndexFile.open(fresh, 'users', { keep: true })
  index.close()
  place.replaceWith(fresh)
  const report = await waiting
  if (report.error === null) assert.equal(report.counts.updated, 5)
  else assert.equal(report.error.code, 'locked')
  const again = await world.run()
  assert.equal(again.status, 'succeeded')
  assert.equal(again.counts.unchanged + again.counts.updated, 5)
})

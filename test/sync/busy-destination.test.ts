import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, systemClock } from '../../src/core/clock.ts'
import { RetryableError } from '../../src/core/errors.ts'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import { type ConfigInput, rebuildIndex, resolveConfig, sync, validate } from '../../src/index.ts'
import { rowsUpTo, type SmallWorld, smallWorld } from '../support/small-world.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { virtualClock } from '../support/virtual-clock.ts'

const Sqlite = await loadSqlite()

/** What a destination is asked besides writing. */
const CALLS = ['check', 'prepare', 'list'] as const

/** Makes a call fail so many times, and answers how often it was made. */
function busy({ destination }: SmallWorld, call: (typeof CALLS)[number], times: number): () => number {
  let calls = 0
  const refuse = () => {
    if (calls++ < times) throw new RetryableError('somebody else is at it')
  }
  const { check, prepare, list } = destination
  const refusing =
    <Given extends unknown[], Answer>(answer: (...given: Given) => Answer) =>
    (...given: Given) => {
      refuse()
      return answer(...given)
    }
  if (call === 'check') destination.check = async () => refusing(check)()
  if (call === 'prepare') destination.prepare = async () => refusing(prepare)()
  if (call === 'list') destination.list = refusing(list as NonNullable<typeof list>)
  return () => calls
}

for (const call of CALLS) {
  test(`a destination that is busy when it is asked to ${call} is asked again`, async () => {
    using world = smallWorld(rowsUpTo(10))
    const calls = busy(world, call, 3)
    const clock = virtualClock()
    const report = await world.run({ clock })
    assert.deepEqual([report.status, report.counts.inserted, report.error], ['succeeded', 10, null])
    assert.equal(calls(), 4)
    assert.equal(clock.slept.length, 3)
    assert.deepEqual(report.requests, { sent: 1, retried: 0, throttled_ms: 0 })
  })

  test(`a destination that stays busy when it is asked to ${call} fails the run, which is no bug`, async () => {
    using world = smallWorld(rowsUpTo(10))
    const calls = busy(world, call, 100)
    const { status, error, requests } = await world.run({ clock: virtualClock() })
    assert.deepEqual([status, error?.code, error?.kind, requests.sent], ['failed', 'retries_exhausted', 'failed', 0])
    assert.match(error?.message ?? '', /in 6 attempts \(somebody else is at it\); run again when it does$/)
    assert.equal(calls(), 6)
  })
}

test('whoever stops the run does not wait for the destination', async () => {
  using world = smallWorld(rowsUpTo(1))
  busy(world, 'prepare', 100)
  const controller = new AbortController()
  const sleep: Clock['sleep'] = async (_ms, signal) => {
    controller.abort('SIGINT')
    signal?.throwIfAborted()
  }
  const clock: Clock = { ...systemClock, sleep }
  assert.equal((await world.run({ clock, signal: controller.signal })).status, 'cancelled')
})

test('a list that breaks off is not begun again, and is no bug', async () => {
  using world = smallWorld(rowsUpTo(10))
  await world.run()
  const whole = world.destination.list as NonNullable<typeof world.destination.list>
  world.destination.list = (signal) => {
    const { sorted, rows } = whole(signal)
    return {
      sorted,
      rows: (async function* () {
        for await (const batch of rows) {
          yield batch
          throw new RetryableError('the connection is gone')
        }
      })(),
    }
  }
  const { error } = await world.run({ clock: virtualClock() })
  assert.deepEqual([error?.code, error?.kind], ['list_incomplete', 'failed'])
  assert.match(error?.message ?? '', /broke off \(the connection is gone\); run again$/)
})

test('a source that is busy is no bug either', async () => {
  using world = smallWorld(rowsUpTo(1))
  const [definition] = world.own.sources ?? []
  assert.ok(definition !== undefined)
  const open = async () => {
    throw new RetryableError('come back later')
  }
  const { error } = await world.run({ sources: [{ ...definition, open }], clock: virtualClock() })
  assert.deepEqual([error?.code, error?.kind], ['temporary_failure', 'failed'])
  assert.match(error?.message ?? '', /^come back later; run again$/)
})

test('validate asks a busy destination once', async () => {
  using world = smallWorld(rowsUpTo(1))
  const calls = busy(world, 'check', 100)
  const config = resolveConfig(world.config(), { baseDirectory: world.folder.path })
  const [verdict] = await validate(config, world.own)
  assert.equal(verdict?.error?.code, 'retries_exhausted')
  assert.match(verdict?.error?.message ?? '', /in 1 attempt \(/)
  assert.equal(calls(), 1)
})

test('a rebuilt index waits for a busy destination', async () => {
  using world = smallWorld(rowsUpTo(3))
  await world.run()
  const calls = busy(world, 'list', 2)
  assert.equal((await rebuildIndex(world.config(), { ...world.own, clock: virtualClock() })).listed, 3)
  assert.equal(calls(), 3)
})

for (const [journal, lock] of [
  ['WAL', 'BEGIN IMMEDIATE'],
  ['DELETE', 'BEGIN EXCLUSIVE'],
] as const)
  test(`an SQLite file that another connection holds is waited for before its table is made: ${lock}`, async () => {
    using folder = temporaryFolder()
    const path = folder.file('app.db')
    const source = new Sqlite(folder.file('source.db'))
    source.exec('CREATE TABLE people (id INTEGER PRIMARY KEY); INSERT INTO people VALUES (1), (2)')
    source.close()
    const other = new Sqlite(path)
    try {
      other.exec(`PRAGMA journal_mode = ${journal}; CREATE TABLE other (x); ${lock}`)
      const config: ConfigInput = {
        version: 1,
        state: folder.file('state'),
        connections: { from: `sqlite:${source.name}`, to: `sqlite:${path}` },
        syncs: {
          people: {
            source: { connection: 'from', table: 'people' },
            key: 'id',
            mode: 'mirror',
            destination: { connection: 'to', table: 'people', create: true },
          },
        },
      }
      const clock: Clock = { ...systemClock, sleep: async () => void (other.inTransaction && other.exec('COMMIT')) }
      const report = await sync(config, { clock })
      assert.deepEqual([report.status, report.counts.inserted, report.error], ['succeeded', 2, null])
      assert.deepEqual(other.prepare('SELECT id FROM people').pluck().all(), [1, 2])
    } finally {
      other.close()
    }
  })

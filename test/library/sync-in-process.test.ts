import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { type ConfigInput, loadConfig, type Progress, type Report, runHistory, sync } from '../../src/index.ts'
import { startPostgres } from '../../src/testing/postgres.ts'
import { mapDestination } from '../support/map-destination.ts'
import { rowsUpTo, smallWorld } from '../support/small-world.ts'
import { sqliteFile } from '../support/sqlite-file.ts'

/** What a library must not add to the process it lives in. */
function footprint() {
  const listeners = process.eventNames().map((name) => [String(name), process.listenerCount(name)])
  return { listeners, globals: Object.getOwnPropertyNames(globalThis).sort(), exitCode: process.exitCode }
}

/** What keeps the process alive, but for an immediate: the runner of the tests has one now and then. */
function lasting(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => name !== 'Immediate')
    .sort()
}

test('a run adds no listener, no global and no timer to the process, while it lasts and after', async () => {
  let during: unknown
  using world = smallWorld(rowsUpTo(500), {
    script: async ({ apply }) => {
      during = footprint()
      return apply()
    },
  })
  await world.run()
  const before = footprint()
  const resources = lasting()
  await world.run({ full: true, onProgress: () => {} })
  assert.deepEqual(during, before)
  assert.deepEqual(footprint(), before)
  assert.deepEqual(lasting(), resources)
})

test('the library is imported without a trace', () => {
  const module = pathToFileURL(join(import.meta.dirname, '../../src/index.ts')).href
  const script = `
    const names = () => [...process.eventNames().map(String), ...Object.getOwnPropertyNames(globalThis)]
    const before = names()
    await import(${JSON.stringify(module)})
    console.log(JSON.stringify(names().filter((name) => !before.includes(name))))
    console.log(JSON.stringify(process.getActiveResourcesInfo()))`
  const argv = ['--import', 'tsx', '--input-type=module', '--eval', script]
  const [names, resources] = execFileSync(process.execPath, argv, { encoding: 'utf8' }).split('\n')
  // zod leaves its registry, and tsx a pipe to itself; of ours there is nothing.
  assert.deepEqual(
    JSON.parse(names ?? '').filter((name: string) => !name.startsWith('__zod')),
    [],
  )
  assert.deepEqual(
    JSON.parse(resources ?? '').filter((name: string) => !/Pipe|TTY|ConnectWrap/.test(name)),
    [],
  )
})

test('a run can be followed by another, from the same configuration', async () => {
  using world = smallWorld(rowsUpTo(100))
  const config = world.config()
  const first = await sync(config, world.own)
  const second = await sync(config, world.own)
  assert.equal(first.counts.inserted, 100)
  assert.equal(second.counts.unchanged, 100)
  assert.notEqual(first.run_id, second.run_id)
})

test('several syncs run at the same time, and each has its own report and history', async () => {
  using world = smallWorld(rowsUpTo(2000))
  const names = Array.from({ length: 8 }, (_, index) => `sync_${index}`)
  const one = world.config().syncs['users'] as ConfigInput['syncs'][string]
  const config = { ...world.config(), syncs: Object.fromEntries(names.map((name) => [name, one])) }
  const progress: Progress[] = []
  const reports = await Promise.all(
    names.map((name) => {
      const destinations = [mapDestination().definition]
      return sync(config, { ...world.own, destinations, sync: name, onProgress: (now) => progress.push(now) })
    }),
  )
  for (const [index, report] of reports.entries()) {
    assert.equal(report.status, 'succeeded', report.error?.message)
    assert.equal(report.sync, names[index])
    assert.equal(report.counts.inserted, 2000)
  }
  const runs = await runHistory(config)
  assert.deepEqual(runs.map((run) => run.sync).sort(), names)
  assert.deepEqual(new Set(progress.map((now) => now.sync)), new Set(names))
})

test('of two runs of one sync at the same time one is refused, and the other is not disturbed', async () => {
  const release = withResolvers()
  const script: NonNullable<Parameters<typeof mapDestination>[0]>['script'] = async ({ apply }) => {
    await release.promise
    return apply()
  }
  using world = smallWorld(rowsUpTo(50), { script })
  const first = world.run()
  const second = await world.run()
  release.resolve()
  assert.equal(second.error?.code, 'locked')
  assert.equal((await first).counts.inserted, 50)
})

test('a run is cancelled by its signal, says so, and the next one does the rest', async () => {
  const controller = new AbortController()
  using world = smallWorld(rowsUpTo(1000), {
    script: async ({ number, apply }) => {
      if (number === 3) controller.abort()
      return apply()
    },
  })
  const report = await world.run({ signal: controller.signal })
  assert.equal(report.status, 'cancelled')
  assert.equal(report.error, null)
  assert.ok(report.counts.inserted >= 300 && report.counts.inserted < 1000, String(report.counts.inserted))
  const { inserted, unchanged } = (await world.run()).counts
  assert.equal(inserted + unchanged, 1000)
  assert.ok(unchanged >= 300)
})

test('whatever a configuration is, a run tells it in its report and throws nothing', async () => {
  using world = smallWorld([])
  const cases: [unknown, string][] = [
    [{}, 'configuration_invalid'],
    [{ ...world.config(), version: 2 }, 'configuration_invalid'],
    [{ ...world.config(), syncs: {} }, 'sync_not_named'],
    [world.config({ key: 'nothing' }), 'unknown_column'],
    [world.config({ destination: { connection: 'to', object: 'x', match: 'v' } }), 'match_is_not_key'],
  ]
  for (const [config, code] of cases) {
    const report = await sync(config as ConfigInput, world.own)
    assert.equal(report.status, 'failed')
    assert.equal(report.error?.code, code)
    assert.equal(report.error?.kind, 'configuration')
  }
  assert.equal((await world.run({ sync: 'usres' })).error?.code, 'unknown_sync')
})

test('a run works in a worker thread, beside others of this thread', async () => {
  await using postgres = await startPostgres()
  using file = sqliteFile('CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY)')
  const config = (table: string): ConfigInput => ({
    version: 1,
    state: join(file.folder, 'state'),
    connections: { from: postgres.url, to: `sqlite:${file.path}` },
    syncs: {
      [table]: {
        source: { connection: 'from', sql: 'select i::bigint as id from generate_series(1, 1000) as i' },
        key: 'id',
        mode: 'mirror',
        destination: { connection: 'to', table },
      },
    },
  })
  // TypeScript is not what Node reads in a worker, unless it is told.
  const script = `const { parentPort, workerData } = require('node:worker_threads')
    import('tsx/esm/api')
      .then(({ register }) => register() && import(workerData.module))
      .then(async ({ sync }) => parentPort.postMessage(await sync(workerData.config)))`
  const module = pathToFileURL(join(import.meta.dirname, '../../src/index.ts')).href
  const worker = new Worker(script, { eval: true, workerData: { config: config('a'), module } })
  const [[inWorker], here] = await Promise.all([once(worker, 'message') as Promise<[Report]>, sync(config('b'))])
  await worker.terminate()
  for (const report of [inWorker, here]) {
    assert.equal(report.status, 'succeeded', report.error?.message)
    assert.equal(report.counts.inserted, 1000)
  }
  assert.deepEqual(file.column('SELECT count(*) FROM a UNION ALL SELECT count(*) FROM b'), [1000n, 1000n])
})

test('a configuration that is loaded from a file runs as one that a program gives', async () => {
  using world = smallWorld(rowsUpTo(3))
  writeFileSync(world.folder.file('rowferry.yaml'), JSON.stringify(world.config()))
  const config = await loadConfig({ directory: world.folder.path, environment: {} })
  assert.equal((await sync(config, world.own)).counts.inserted, 3)
  assert.equal((await world.run()).counts.unchanged, 3)
})

function withResolvers() {
  let resolve: () => void = () => {}
  const promise = new Promise<void>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

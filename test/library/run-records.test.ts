import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { findRun, lastRunWithIssues, openRunHistory, runHistory, runIssues, syncStatus } from '../../src/index.ts'
import { rowsUpTo, smallWorld } from '../support/small-world.ts'

async function issuesOf(config: Parameters<typeof runIssues>[0], runId: string): Promise<string[]> {
  const codes: string[] = []
  for await (const { code } of runIssues(config, runId)) codes.push(code)
  return codes
}

test('before the first run there is nothing, and nothing is made', async () => {
  using world = smallWorld([])
  const config = world.config()
  assert.deepEqual(await runHistory(config), [])
  assert.equal(await findRun(config, 'x'), undefined)
  assert.equal(await lastRunWithIssues(config), undefined)
  assert.deepEqual(await issuesOf(config, 'x'), [])
  assert.deepEqual(await syncStatus(config), [
    { sync: 'users', mode: 'mirror', description: null, running: false, last_run: null, index: { state: 'none' } },
  ])
  assert.equal(existsSync(world.state), false)
})

test('runs are listed newest first, and found by their id or a clear part of it', async () => {
  using world = smallWorld(rowsUpTo(3))
  const config = world.config()
  const reports = [await world.run(), await world.run(), await world.run({ dryRun: true })]
  const runs = await runHistory(config)
  assert.deepEqual(
    runs.map(({ runId }) => runId),
    [reports[1]?.run_id, reports[0]?.run_id],
  )
  assert.deepEqual(runs[0]?.report, JSON.parse(JSON.stringify(reports[1])))
  assert.equal((await runHistory(config, { limit: 1 })).length, 1)
  assert.equal((await runHistory(config, { sync: 'other' })).length, 0)
  const id = reports[0]?.run_id as string
  for (const part of [id, id.slice(-8)]) assert.equal((await findRun(config, part))?.runId, id)
  for (const part of ['', '20', 'zzz']) assert.equal(await findRun(config, part), undefined)
})

test('the last run with issues is found behind runs without, and its issues are read', async () => {
  using world = smallWorld([
    ['1', 'a'],
    [null, 'b'],
  ])
  const config = world.config()
  const bad = await world.run()
  world.source.rows = rowsUpTo(2)
  await world.run()
  assert.equal((await lastRunWithIssues(config))?.runId, bad.run_id)
  assert.equal((await lastRunWithIssues(config, { sync: 'users' }))?.runId, bad.run_id)
  assert.equal(await lastRunWithIssues(config, { sync: 'other' }), undefined)
  assert.deepEqual(await issuesOf(config, bad.run_id), ['missing_key'])
})

test('a status tells of the last run, what is running, and the index', async () => {
  let during: Awaited<ReturnType<typeof syncStatus>> = []
  using world = smallWorld(rowsUpTo(3), {
    script: async ({ apply }) => {
      during = await syncStatus(world.config())
      return apply()
    },
  })
  const report = await world.run()
  assert.deepEqual(
    during.map(({ running, last_run, index }) => [running, last_run?.status, index.state]),
    [[true, 'running', 'in_use']],
  )
  const [after] = await syncStatus(world.config(), { syncs: ['users'] })
  assert.equal(after?.running, false)
  assert.equal(after?.last_run?.runId, report.run_id)
  assert.equal(after?.index.state === 'ready' && after.index.entries, 3)
  assert.deepEqual(await syncStatus(world.config(), { syncs: [] }), [])
})

test('looking at how a sync stands keeps no run from beginning', async () => {
  using world = smallWorld(rowsUpTo(50))
  await world.run()
  const looking = (async () => {
    for (let look = 0; look < 40; look++) await syncStatus(world.config())
  })()
  for (let run = 0; run < 10; run++) assert.equal((await world.run()).status, 'succeeded')
  await looking
})

test('a run that was killed counts as such as soon as nobody holds its sync', async () => {
  using world = smallWorld(rowsUpTo(3))
  await world.run()
  using history = await openRunHistory(world.state)
  history.start({ runId: 'gone', sync: 'users', mode: 'mirror', dryRun: false, startedAt: '2026-11-22T18:00:00.000Z' })
  const [status] = await syncStatus(world.config())
  assert.deepEqual([status?.running, status?.last_run?.status], [false, 'running'])
  await world.run()
  assert.equal((await findRun(world.config(), 'gone'))?.killed, true)
})

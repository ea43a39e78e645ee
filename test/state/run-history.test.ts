import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { FatalError } from '../../src/core/errors.ts'
import type { Report, RowIssue } from '../../src/core/report.ts'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import {
  ISSUES_PER_KIND,
  openRunHistory,
  RUNS_PER_SYNC,
  RUNS_WITH_ISSUES,
  type RunStart,
  TEXT_BYTES,
} from '../../src/state/run-history.ts'
import { historyPath, indexPath } from '../../src/state/state-folder.ts'

let folder: string
let state: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rowferry-history-'))
  state = join(folder, 'state')
})

afterEach(() => rmSync(folder, { recursive: true, force: true }))

const startOf = (runId: string, changes: Partial<RunStart> = {}): RunStart => ({
  runId,
  sync: 'contacts',
  mode: 'mirror',
  dryRun: false,
  startedAt: '2026-11-22T18:00:00.000Z',
  ...changes,
})

const reportOf = (runId: string, changes: Partial<Report> = {}): Report => ({
  format_version: '1',
  run_id: runId,
  sync: 'contacts',
  mode: 'mirror',
  status: 'succeeded',
  dry_run: false,
  started_at: '2026-11-22T18:00:00.000Z',
  duration_ms: 1234,
  counts: {
    read: 0,
    inserted: 0,
    updated: 0,
    unchanged: 0,
    skipped: 0,
    invalid: 0,
    rejected: 0,
    missing: 0,
    deleted: 0,
    kept: 0,
    held: 0,
    delete_rejected: 0,
  },
  requests: { sent: 0, retried: 0, throttled_ms: 0 },
  guards: [],
  error: null,
  ...changes,
})

const issueOf = (changes: Partial<RowIssue> = {}): RowIssue => ({
  kind: 'rejected',
  operation: 'insert',
  key: '7',
  code: '23505',
  message: 'duplicate key',
  payload: '{"id":7}',
  response: null,
  ...changes,
})

test('makes the folder and the file for nobody else', async () => {
  using _history = await openRunHistory(state)
  assert.equal(statSync(state).mode & 0o777, 0o700)
  assert.equal(statSync(join(state, 'history.sqlite')).mode & 0o777, 0o600)
})

test('a run is running until it reports, and its report comes back as it was', async () => {
  using history = await openRunHistory(state)
  history.start(startOf('r1', { configDigest: 'abc' }))
  assert.deepEqual(history.get('r1'), {
    runId: 'r1',
    sync: 'contacts',
    mode: 'mirror',
    dryRun: false,
    startedAt: '2026-11-22T18:00:00.000Z',
    configDigest: 'abc',
    status: 'running',
    killed: false,
    report: null,
    leftOut: { invalid: 0, rejected: 0 },
  })
  const report = reportOf('r1', { status: 'completed_with_errors' })
  history.finish(report)
  assert.equal(history.get('r1')?.status, 'completed_with_errors')
  assert.deepEqual(history.get('r1')?.report, report)
  assert.equal(history.get('r2'), undefined)
})

test('what was recorded is there for the next process', async () => {
  {
    using history = await openRunHistory(state)
    history.start(startOf('r1'))
    history.issue('r1', issueOf())
    history.finish(reportOf('r1'))
  }
  using history = await openRunHistory(state)
  assert.equal(history.get('r1')?.status, 'succeeded')
  assert.deepEqual([...history.issues('r1')], [{ ...issueOf(), bytesCut: 0 }])
})

test('a run that was killed is shown as running, and as killed once its sync runs again', async () => {
  const module = pathToFileURL(join(import.meta.dirname, '../../src/state/run-history.ts')).href
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      '--input-type=module',
      '--eval',
      `const { openRunHistory } = await import(${JSON.stringify(module)})
       const history = await openRunHistory(${JSON.stringify(state)})
       history.start(${JSON.stringify(startOf('r1'))})
       console.log('started')
       setInterval(() => {}, 1000)`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')

  using history = await openRunHistory(state)
  assert.equal(history.get('r1')?.status, 'running')
  history.start(startOf('other', { sync: 'orders' }))
  assert.equal(history.get('r1')?.status, 'running')
  history.start(startOf('r2'))
  assert.deepEqual(
    history.list({ sync: 'contacts', limit: 10 }).map(({ runId, status, killed }) => ({ runId, status, killed })),
    [
      { runId: 'r2', status: 'running', killed: false },
      { runId: 'r1', status: 'failed', killed: true },
    ],
  )
})

test('a run that was taken for killed and reports after all is shown as it ended', async () => {
  using history = await openRunHistory(state)
  history.start(startOf('r1'))
  history.start(startOf('r2'))
  history.finish(reportOf('r1'))
  assert.equal(history.get('r1')?.killed, false)
  assert.equal(history.get('r1')?.status, 'succeeded')
})

test('lists the newest first, of one sync or of all, and no more than asked for', async () => {
  using history = await openRunHistory(state)
  for (const [runId, sync] of [
    ['a1', 'a'],
    ['b1', 'b'],
    ['a2', 'a'],
  ] as const)
    history.start(startOf(runId, { sync }))
  const ids = (filter: { sync?: string; limit: number }) => history.list(filter).map(({ runId }) => runId)
  assert.deepEqual(ids({ limit: 10 }), ['a2', 'b1', 'a1'])
  assert.deepEqual(ids({ limit: 2 }), ['a2', 'b1'])
  assert.deepEqual(ids({ sync: 'a', limit: 10 }), ['a2', 'a1'])
})

test('the last run of a sync is not a dry run', async () => {
  using history = await openRunHistory(state)
  assert.equal(history.last('contacts'), undefined)
  history.start(startOf('r1'))
  history.start(startOf('r2', { dryRun: true }))
  assert.equal(history.last('contacts')?.runId, 'r1')
  assert.equal(history.get('r2')?.dryRun, true)
})

test('keeps as many issues of each kind as it promises and counts the others', async () => {
  using history = await openRunHistory(state)
  history.start(startOf('r1'))
  for (let row = 0; row < ISSUES_PER_KIND + 25; row++) history.issue('r1', issueOf({ key: String(row) }))
  history.issue('r1', issueOf({ kind: 'invalid', operation: null, key: null, payload: null }))
  history.finish(reportOf('r1'))
  const issues = [...history.issues('r1')]
  assert.equal(issues.length, ISSUES_PER_KIND + 1)
  assert.equal(issues[0]?.key, '0')
  assert.equal(issues.at(-1)?.kind, 'invalid')
  assert.deepEqual(history.get('r1')?.leftOut, { invalid: 0, rejected: 25 })
})

test('cuts long texts between characters and counts the bytes it cut', async () => {
  using history = await openRunHistory(state)
  history.start(startOf('r1'))
  history.issue('r1', issueOf({ payload: `x${'é'.repeat(TEXT_BYTES)}`, response: 'r'.repeat(TEXT_BYTES + 10) }))
  history.issue('r1', issueOf({ payload: 'é'.repeat(TEXT_BYTES / 2), message: 'm'.repeat(TEXT_BYTES) }))
  history.finish(reportOf('r1'))
  const [long, exact] = [...history.issues('r1')]
  assert.equal(long?.payload, `x${'é'.repeat(TEXT_BYTES / 2 - 1)}`)
  assert.equal(long?.response?.length, TEXT_BYTES)
  assert.equal(long?.bytesCut, 1 + 2 * TEXT_BYTES - (TEXT_BYTES - 1) + 10)
  assert.equal(exact?.bytesCut, 0)
})

test('forgets the runs before the last thousand of a sync, and no other sync', async () => {
  using history = await openRunHistory(state)
  history.start(startOf('other', { sync: 'orders' }))
  history.finish(reportOf('other', { sync: 'orders' }))
  history.start(startOf('r0'))
  history.issue('r0', issueOf())
  history.finish(reportOf('r0'))
  {
    // A thousand commits with their fsyncs would be most of this suite's time.
    const Sqlite = await loadSqlite()
    const database = new Sqlite(join(state, 'history.sqlite'))
    database.exec(
      `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${RUNS_PER_SYNC - 1})
       INSERT INTO run (run_id, sync, mode, dry_run, started_at, status)
       SELECT 'r' || i, 'contacts', 'mirror', 0, '2026-11-22T18:00:00.000Z', 'succeeded' FROM n`,
    )
    database.close()
  }
  assert.ok(history.get('r0'))
  history.start(startOf('new'))
  const runs = history.list({ sync: 'contacts', limit: RUNS_PER_SYNC + 10 })
  assert.equal(runs.length, RUNS_PER_SYNC)
  assert.equal(runs.at(-1)?.runId, 'r1')
  assert.equal([...history.issues('r0')].length, 0)
  assert.ok(history.get('other'))
})

test('keeps the issues of the last runs only, says how many it dropped, and does not let dry runs push them out', async () => {
  using history = await openRunHistory(state)
  const run = (runId: string, dryRun: boolean) => {
    history.start(startOf(runId, { dryRun }))
    history.issue(runId, issueOf())
    history.finish(reportOf(runId, { dry_run: dryRun }))
  }
  run('r0', false)
  for (let round = 0; round < RUNS_WITH_ISSUES + 1; round++) run(`d${round}`, true)
  assert.equal([...history.issues('r0')].length, 1)
  assert.equal([...history.issues('d0')].length, 0)
  for (let round = 1; round <= RUNS_WITH_ISSUES; round++) run(`r${round}`, false)
  assert.equal([...history.issues('r0')].length, 0)
  assert.deepEqual(history.get('r0')?.leftOut, { invalid: 0, rejected: 1 })
  assert.equal([...history.issues('r1')].length, 1)
  assert.deepEqual(history.get('r1')?.leftOut, { invalid: 0, rejected: 0 })
})

test('issues can be read while others are written', async () => {
  using history = await openRunHistory(state)
  history.start(startOf('r1'))
  for (let row = 0; row < 1200; row++) history.issue('r1', issueOf({ key: String(row) }))
  history.finish(reportOf('r1'))
  let read = 0
  for (const issue of history.issues('r1')) {
    assert.equal(issue.key, String(read++))
    if (read === 600) history.start(startOf('r2', { sync: 'orders' }))
  }
  assert.equal(read, 1200)
})

test('several processes record their runs at the same time', async () => {
  const module = pathToFileURL(join(import.meta.dirname, '../../src/state/run-history.ts')).href
  const runs = 15
  const children = ['a', 'b', 'c'].map((sync) =>
    spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        '--input-type=module',
        '--eval',
        `const { openRunHistory } = await import(${JSON.stringify(module)})
         for (let i = 0; i < ${runs}; i++) {
           const history = await openRunHistory(${JSON.stringify(state)})
           history.start({ ...${JSON.stringify(startOf(''))}, runId: '${sync}' + i, sync: '${sync}' })
           history.issue('${sync}' + i, ${JSON.stringify(issueOf())})
           history.finish({ ...${JSON.stringify(reportOf(''))}, run_id: '${sync}' + i, sync: '${sync}' })
           history[Symbol.dispose]()
         }`,
      ],
      { stdio: 'inherit' },
    ),
  )
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0] as number))
  assert.deepEqual(codes, [0, 0, 0])
  using history = await openRunHistory(state)
  for (const sync of ['a', 'b', 'c']) {
    const list = history.list({ sync, limit: 100 })
    assert.equal(list.length, runs)
    assert.ok(list.every(({ status }) => status === 'succeeded'))
  }
})

test('what a run had met is kept when it ends without a report', async () => {
  {
    using history = await openRunHistory(state)
    history.start(startOf('r1'))
    history.issue('r1', issueOf())
  }
  using history = await openRunHistory(state)
  assert.equal(history.get('r1')?.status, 'running')
  assert.equal([...history.issues('r1')].length, 1)
})

test('refuses a history that a newer rowferry wrote', async () => {
  ;(await openRunHistory(state))[Symbol.dispose]()
  const Sqlite = await loadSqlite()
  const database = new Sqlite(join(state, 'history.sqlite'))
  database.pragma('user_version = 99')
  database.close()
  await assert.rejects(openRunHistory(state), (error: unknown) => {
    assert.ok(error instanceof FatalError)
    assert.equal(error.code, 'history_newer')
    assert.equal(error.kind, 'configuration')
    return true
  })
})

test('refuses a file that is something else', async () => {
  ;(await openRunHistory(state))[Symbol.dispose]()
  writeFileSync(join(state, 'history.sqlite'), 'not a database at all, but long enough to have a header'.repeat(20))
  await assert.rejects(openRunHistory(state), { name: 'FatalError', code: 'history_damaged' })

  rmSync(join(state, 'history.sqlite'))
  const Sqlite = await loadSqlite()
  const database = new Sqlite(join(state, 'history.sqlite'))
  database.exec('CREATE TABLE theirs (id)')
  database.close()
  await assert.rejects(openRunHistory(state), { name: 'FatalError', code: 'history_damaged' })
})

test('an issue of a run that was never started is a mistake of the caller', async () => {
  using history = await openRunHistory(state)
  assert.throws(() => history.issue('nobody', issueOf()), /was not started/)
  assert.throws(() => history.finish(reportOf('nobody')), /was not started/)
})

test('no key index has the place of the run history', () => {
  assert.equal(indexPath('/state', 'users'), join('/state', 'users.sqlite'))
  assert.equal(historyPath('/state'), join('/state', 'history.sqlite'))
  assert.throws(() => indexPath('/state', 'history'), RangeError)
})

test('what is stored holds no secret, whoever repeated it', async () => {
  const secret = 'hunter"22'
  {
    using history = await openRunHistory(state, { secrets: [secret] })
    history.start(startOf('1'))
    const said = `refused ${secret}`
    const long = `${'x'.repeat(TEXT_BYTES - 4)}${secret}`
    history.issue('1', {
      kind: 'rejected',
      operation: 'insert',
      key: secret,
      code: 'c',
      message: said,
      payload: JSON.stringify({ a: secret }),
      response: long,
    })
    history.finish(reportOf('1', { error: { code: 'c', kind: 'failed', message: said } }))
  }
  assert.doesNotMatch(readFileSync(historyPath(state), 'latin1'), /hunt/)
  using history = await openRunHistory(state)
  const [issue] = [...history.issues('1')]
  assert.deepEqual([issue?.key, issue?.message, issue?.payload], ['***', 'refused ***', '{"a":"***"}'])
  assert.equal(history.get('1')?.report?.error?.message, 'refused ***')
})

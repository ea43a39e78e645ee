import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { stringify } from 'yaml'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { type FatalError, KeyIndexFile, type Report } from '../../src/index.ts'
import { stateError } from '../../src/state/state-file.ts'
import { counts, type Ends, runConfig, type SyncInput, serverForTests, values } from '../support/ends.ts'
import { asOrdinaryUser } from '../support/ordinary-user.ts'
import { unlessHere } from '../support/unless-here.ts'

const tests = serverForTests()
const { eachDestination } = tests

async function makeTables({ source, destination }: Ends): Promise<void> {
  await source.execute('CREATE TABLE model (id bigint, name text)')
  await destination.execute('CREATE TABLE users (id bigint PRIMARY KEY, name text)')
  await source.execute(
    `INSERT INTO model ${values([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ])}`,
  )
}

const users = (ends: Ends) => ends.destination.rows('SELECT id, name FROM users ORDER BY id')

/** Ways to harm the index of sync `users` after a good run, and what the next run says. */
const DAMAGE: Readonly<Record<string, { harm(index: string): void; code: string; message: RegExp }>> = {
  'is overwritten in its middle': {
    harm(index) {
      const bytes = readFileSync(index)
      // Every byte of the last pages but the headers: what a torn or foreign write leaves.
      for (let at = 16384 + 100; at < bytes.length; at++) bytes[at] = (bytes[at] as number) ^ 0x5a
      writeFileSync(index, bytes)
    },
    code: 'index_damaged',
    message:
      /the key index of users is damaged \(.*\); nothing was deleted: rebuild it with `rowferry index rebuild users`$/,
  },
  'is something else': {
    harm: (index) => writeFileSync(index, 'these are notes and no database, '.repeat(2000)),
    code: 'index_damaged',
    message: /`rowferry index rebuild users`$/,
  },
  'is cut short': {
    harm: (index) => truncateSync(index, Math.floor(statSync(index).size / 2)),
    code: 'index_damaged',
    message: /`rowferry index rebuild users`$/,
  },
}

for (const [name, { harm, code, message }] of Object.entries(DAMAGE)) {
  eachDestination(`an index that ${name} stops the run before anything is sent`, async (ends) => {
    await makeTables(ends)
    await ends.run()
    harm(join(ends.state, 'users.sqlite'))
    await ends.source.execute(`DELETE FROM model WHERE id = 1; UPDATE model SET name = 'B' WHERE id = 2`)
    const { report } = await ends.run()
    assert.equal(report.status, 'failed')
    assert.equal(report.error?.code, code)
    assert.match(report.error?.message ?? '', message)
    assert.equal(exitCodeOf(report), 1)
    assert.equal(report.requests.sent, 0)
    assert.equal((await users(ends)).length, 3)
  })
}

eachDestination('the index of another sync is refused', async (ends) => {
  await makeTables(ends)
  await ends.run()
  copyFileSync(join(ends.state, 'users.sqlite'), join(ends.state, 'others.sqlite'))
  const config = ends.config()
  const others = { ...config, syncs: { others: config.syncs['users'] as SyncInput } }
  await ends.source.execute('DELETE FROM model WHERE id = 1')
  const { report } = await runConfig(others)
  assert.deepEqual([report.error?.code, exitCodeOf(report), report.requests.sent], ['index_foreign', 78, 0])
  assert.match(
    report.error?.message ?? '',
    /is the key index of users, not of others; .* `rowferry index rebuild others`$/,
  )
  assert.equal((await users(ends)).length, 3)
})

eachDestination('an index that is gone is made again from the records, and nothing is lost', async (ends) => {
  await makeTables(ends)
  await ends.run()
  await ends.source.execute('DELETE FROM model WHERE id = 1')
  const { report } = await runConfig({ ...ends.config(), state: join(ends.folder, 'another') })
  assert.deepEqual(report.counts, counts({ read: 2, updated: 2, missing: 1, deleted: 1 }))
})

test('the state folder and its files are for their owner alone', async () => {
  await using ends = await tests.server.ends('sqlite')
  await makeTables(ends)
  await ends.run()
  assert.equal(statSync(ends.state).mode & 0o777, 0o700)
  for (const file of ['users.sqlite', 'history.sqlite']) {
    assert.equal(statSync(join(ends.state, file)).mode & 0o777, 0o600, file)
  }
})

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

const cannotMount = unlessHere('unshare', '-m', 'true')

/** Runs the command line with a file system of its own as state folder, and keeps what is in that at the end. */
function runOnMount(ends: Ends, mount: string, overrides: Partial<SyncInput> = {}) {
  mkdirSync(ends.state)
  writeFileSync(join(ends.folder, 'rowferry.yaml'), stringify(ends.config(overrides)))
  const kept = join(ends.folder, 'kept')
  const script = `mount -t tmpfs ${mount} tmpfs "$1" && shift && { "$@"; code=$?; cp -a state "${kept}"; exit $code; }`
  const command = [process.execPath, '--import', TSX, MAIN, 'run', 'users', '--json']
  const child = spawnSync('unshare', ['-m', 'sh', '-c', script, 'sh', ends.state, ...command], {
    cwd: ends.folder,
    encoding: 'utf8',
  })
  const printed = child.stdout.trim()
  return { ...child, kept, report: printed === '' ? undefined : (JSON.parse(printed) as Report) }
}

test('a state folder that cannot be written stops the run before anything is sent', async () => {
  await using ends = await tests.server.ends('sqlite')
  await makeTables(ends)
  mkdirSync(ends.state)
  writeFileSync(join(ends.folder, 'rowferry.yaml'), stringify(ends.config()))
  chmodSync(ends.state, 0o500)
  const [program, argv] = asOrdinaryUser([process.execPath, '--import', TSX, MAIN, 'run', 'users', '--json'])
  const { stdout, stderr } = spawnSync(program, argv, { cwd: ends.folder, encoding: 'utf8' })
  assert.notEqual(stdout, '', stderr)
  const report = JSON.parse(stdout) as Report
  assert.deepEqual([report.error?.code, exitCodeOf(report), report.requests.sent], ['state_not_writable', 1, 0])
  assert.match(report.error?.message ?? '', /cannot write .*; give this user write access to its folder$/)
  assert.deepEqual(await users(ends), [])
})

test('a state folder that is a file stops the run before anything is sent', async () => {
  await using ends = await tests.server.ends('sqlite')
  await makeTables(ends)
  writeFileSync(ends.state, 'no folder')
  const { report } = await ends.run()
  assert.deepEqual([report.error?.code, exitCodeOf(report), report.requests.sent], ['state_not_writable', 1, 0])
  assert.deepEqual(await users(ends), [])
})

test('a state file that belongs to somebody else cannot be written', () => {
  // chmod answers EPERM to whoever does not own the file, which root never meets.
  const error = Object.assign(new Error('EPERM: operation not permitted, chmod'), { code: 'EPERM' })
  assert.equal((stateError(error, 'state/users.sqlite', 'users') as FatalError).code, 'state_not_writable')
})

// The smaller disk is full before the first batch, the larger one after some.
for (const [type, kilobytes] of [
  ['sqlite', 384],
  ['sqlite', 1536],
  ['postgres', 1536],
] as const) {
  test(`${type}: a disk of ${kilobytes} KiB that fills up stops the run, and nothing was sent without a durable intent (needs unshare -m)`, {
    skip: cannotMount,
  }, async () => {
    await using ends = await tests.server.ends(type)
    await makeTables(ends)
    await ends.source.execute(`INSERT INTO model SELECT i, 'n' || i FROM generate_series(10, 10000) i`)
    await ends.destination.execute(`INSERT INTO users VALUES (9, 'foreign')`)
    const small = { batch: { size: 100 } }
    const { status, report, kept, stderr } = runOnMount(ends, `-o size=${kilobytes}k`, small)
    assert.equal(status, 1, stderr)
    assert.equal(report?.error?.code, 'state_disk_full', stderr)
    assert.match(report?.error?.message ?? '', /is full.*make room and run again$/)
    assert.equal(report?.counts.deleted, 0)

    // Every record that arrived is in the index, at least as unsure.
    const arrived = (await users(ends)).map(([id]) => id as string)
    assert.equal(arrived.length > 1, kilobytes > 384)
    const index = await KeyIndexFile.open(join(kept, 'users.sqlite'), 'users', { keep: true })
    const known = new Set<string>()
    for (const scan = index.scan(); scan.next(); ) {
      known.add(String(scan.bytes.readBigUInt64BE(scan.keyStart) - 2n ** 63n))
    }
    index.close()
    assert.deepEqual(
      arrived.filter((id) => !known.has(id)),
      [],
    )

    // With what was kept of the state, on a disk with room.
    cpSync(kept, ends.state, { recursive: true })
    const next = await ends.run()
    assert.equal(next.report.status, 'succeeded', next.report.error?.message)
    const ordered = (table: string) => `SELECT id, name FROM ${table} ORDER BY id`
    assert.deepEqual(await ends.destination.rows(ordered('users')), await ends.source.rows(ordered('model')))
    assert.equal((await ends.run()).report.requests.sent, 0)
  })
}

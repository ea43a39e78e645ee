import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, fstatSync, mkdirSync, readdirSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { KnownKeys } from '../../src/connectors/known-keys.ts'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import { KeyIndexFile } from '../../src/state/key-index-file.ts'
import { KeySorterFile } from '../../src/state/key-sorter-file.ts'
import { KeySpoolFile } from '../../src/state/key-spool-file.ts'
import { openHistoryFile } from '../../src/state/run-history-file.ts'
import { UnnamedFile } from '../../src/state/unnamed-file.ts'
import { commandLine } from '../support/command-line.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const skip = process.platform === 'win32' ? 'Windows has no such permissions' : undefined

// Whoever runs this lets everybody read and write what he makes: the worst there is.
let umask = 0
before(() => {
  umask = process.umask(0)
})
after(() => void process.umask(umask))

const permissions = (path: string) => (statSync(path).mode & 0o777).toString(8)

/** Name and permissions of every file of the folder. */
function filesOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, permissions(join(folder, name))]),
  )
}

/** Permissions of files that are open and have no name any more; undefined where they cannot be listed. */
function unnamedFiles(): string[] | undefined {
  if (process.platform !== 'linux') return undefined
  return readdirSync('/proc/self/fd').flatMap((file) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${file}`)
      return / \(deleted\)$/.test(target) ? [(fstatSync(Number(file)).mode & 0o777).toString(8)] : []
    } catch {
      // The one by which this folder is read is closed again.
      return []
    }
  })
}

test('the index is private from its first byte on, and so are its log and its shared memory', { skip }, async () => {
  using folder = temporaryFolder()
  const state = folder.file('deep/state')
  const index = await KeyIndexFile.open(join(state, 'users.sqlite'), 'users', { keep: true })
  assert.equal(permissions(folder.file('deep')), '700')
  assert.equal(permissions(state), '700')
  const files = filesOf(state)
  assert.deepEqual([files['users.sqlite'], files['users.sqlite-wal']], ['600', '600'])
  assert.deepEqual(new Set(Object.values(files)), new Set(['600']))
  index.close()
  assert.deepEqual(filesOf(state), { 'users.sqlite': '600' })

  // Its shared memory is a file for a second connection only, one that may not lock it for itself.
  const database = new (await loadSqlite())(join(state, 'users.sqlite'))
  database.pragma('journal_mode = WAL')
  database.exec('CREATE TABLE more (x)')
  assert.deepEqual(filesOf(state), { 'users.sqlite': '600', 'users.sqlite-shm': '600', 'users.sqlite-wal': '600' })
  database.close()
})

test('the run history is private, and so is the journal of a transaction', { skip }, async () => {
  using folder = temporaryFolder()
  const state = folder.file('state')
  const history = await openHistoryFile(join(state, 'history.sqlite'))
  history.exec('BEGIN IMMEDIATE; CREATE TABLE more (x)')
  assert.deepEqual(filesOf(state), { 'history.sqlite': '600', 'history.sqlite-journal': '600' })
  history.exec('ROLLBACK')
  history.close()
})

test('what is made for a while has no name and no reader but its owner', { skip }, async () => {
  using folder = temporaryFolder()
  const state = folder.file('state')
  const before = unnamedFiles()?.length ?? 0
  using sorted = new UnnamedFile(join(state, 'users.sort'), 'users')
  sorted.append(Buffer.alloc(10))
  mkdirSync(state, { recursive: true, mode: 0o700 })
  const spool = new KeySpoolFile(state, 'users')
  spool.append({ bytes: Buffer.alloc(2 * 1024 * 1024), count: 1 })
  // SQLite opens its temporary files once its cache of 16 MiB is full.
  using sorter = await KeySorterFile.open()
  using known = await KnownKeys.open()
  const key = Buffer.alloc(8000)
  for (let at = 0; at < 3000; at++) {
    key.writeUInt32BE((at * 2_654_435_761) >>> 0)
    sorter.add(key)
    known.add(Buffer.from(key))
  }
  assert.deepEqual(filesOf(state), {})
  const unnamed = unnamedFiles()
  if (unnamed !== undefined) {
    assert.ok(unnamed.length >= before + 4, `${unnamed.length} files`)
    assert.deepEqual(new Set(unnamed), new Set(['600']))
  }
  spool.close()
})

test('files that were opened to others are closed to them by the next run, and a folder of the user stays as it is', {
  skip,
}, () => {
  using cli = commandLine()
  writeFileSync(cli.file('rows.csv'), 'id,name\n1,a\n')
  mkdirSync(cli.file('own'), { mode: 0o755 })
  const run = (state: string) => {
    const argv = `run --from rows.csv --key id --to sqlite:./app.db#users --state ${state}`
    const child = spawnSync('sh', ['-c', `umask 0; exec ${cli.program} ${argv}`], {
      cwd: cli.folder,
      encoding: 'utf8',
      env: cli.environment,
    })
    assert.equal(child.status, 0, child.stderr)
    return filesOf(cli.file(state))
  }
  for (const state of ['made/here', 'own']) {
    const files = run(state)
    assert.deepEqual(Object.values(files), ['600', '600'])
    for (const name of Object.keys(files)) chmodSync(join(cli.file(state), name), 0o666)
    assert.deepEqual(Object.values(run(state)), ['600', '600'])
  }
  assert.deepEqual([permissions(cli.file('made/here')), permissions(cli.file('own'))], ['700', '755'])
})

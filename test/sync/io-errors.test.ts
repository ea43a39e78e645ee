import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { loadSqlite, type SqliteDatabase } from '../../src/core/sqlite-driver.ts'
import type { Report } from '../../src/index.ts'
import { type BuiltCli, buildCli } from '../support/cli-process.ts'
import { memoryFolder } from '../support/memory-folder.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { unlessHere } from '../support/unless-here.ts'

const SOURCE = join(import.meta.dirname, '../support/io-errors.c')
const ROWS = 400
/** The calls from which on nothing works any more. */
const FROM = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144]
const KINDS = { w: 'writes', r: 'reads', s: 'syncs' } as const

const skip = unlessHere('cc', '--version')
const Sqlite = await loadSqlite()
const built = temporaryFolder()
let cli: BuiltCli

before(() => {
  cli = buildCli()
  if (skip !== undefined) return
  const { status, stderr } = spawnSync('cc', ['-shared', '-fPIC', '-o', built.file('io.so'), SOURCE, '-ldl'])
  assert.equal(status, 0, String(stderr))
})

after(() => {
  cli[Symbol.dispose]()
  built[Symbol.dispose]()
})

const table = (database: SqliteDatabase, name: string) =>
  database.prepare(`SELECT id, v FROM ${name} ORDER BY id`).raw()

for (const [kind, what] of Object.entries(KINDS)) {
  test(`a disk of the state whose ${what} fail stops the run with an error, and nothing is lost (needs cc)`, {
    skip: skip ?? (process.platform === 'linux' ? false : 'Linux alone loads what LD_PRELOAD names'),
  }, async (context) => {
    using folder = memoryFolder()
    writeFileSync(
      folder.file('rowferry.yaml'),
      `version: 1
connections: { from: sqlite:./from.db, to: sqlite:./to.db }
syncs:
  s:
    source: { connection: from, table: model }
    key: id
    mode: mirror
    destination: { connection: to, table: users }
    guards: { max_deletes: 100% }
    batch: { size: 50 }
`,
    )
    const from = new Sqlite(folder.file('from.db'))
    const to = new Sqlite(folder.file('to.db'))
    from.exec('CREATE TABLE model (id INTEGER PRIMARY KEY, v TEXT)')
    to.exec('CREATE TABLE users (id INTEGER PRIMARY KEY, v TEXT)')
    const run = async (env: Readonly<Record<string, string>>) => {
      const { code, stdout, stderr } = await cli.startWith(env, folder.path, 'run', 's', '--json').exit
      return { code, report: (stdout === '' ? undefined : JSON.parse(stdout)) as Report | undefined, stderr }
    }
    let failed = 0
    for (const calls of FROM) {
      // Every run finds other changes than the one before: rows that come, change, return to what they were, and go.
      from.exec(`
        DELETE FROM model;
        WITH RECURSIVE ids (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < ${ROWS})
          INSERT INTO model SELECT id, 'v' || (id * ${calls} / 7 % 3) FROM ids WHERE (id + ${calls}) % 9 > 0`)
      const before = table(to, 'users').all() as [number, string][]
      const model = new Set((table(from, 'model').all() as [number, string][]).map(([id]) => id))
      const { code, report, stderr } = await run({
        LD_PRELOAD: built.file('io.so'),
        IO_ERRORS_BELOW: folder.file('.rowferry'),
        IO_ERRORS_KIND: kind,
        IO_ERRORS_FROM: String(calls),
      })
      if (code !== 0) {
        failed++
        assert.equal(code, 1, stderr)
        assert.match(
          report?.error?.code ?? '',
          /^(state_io_error|index_damaged|history_damaged)$/,
          report?.error?.message ?? stderr,
        )
      }
      const left = new Set((table(to, 'users').all() as [number, string][]).map(([id]) => id))
      for (const [id] of before) assert.ok(!model.has(id) || left.has(id), `record ${id} was deleted without proof`)
    }
    assert.ok(failed > FROM.length / 3, `only ${failed} runs met the error`)
    const last = await run({})
    assert.equal(last.code, 0, last.stderr)
    assert.deepEqual(table(to, 'users').all(), table(from, 'model').all())
    context.diagnostic(`${failed} of ${FROM.length} runs failed, and the next complete one brought all to the model`)
    from.close()
    to.close()
  })
}

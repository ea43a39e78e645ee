import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { commandLine } from '../support/command-line.ts'
import { parseCsv } from '../support/csv-text.ts'
import { sqliteFile } from '../support/sqlite-file.ts'

const cli = commandLine()
after(() => cli[Symbol.dispose]())

interface Pipeline {
  readonly stdout: string
  readonly stderr: string
  /** Of each command of the pipeline. */
  readonly codes: readonly number[]
}

/** A folder with a model of `rows` rows, and a sync of it onto stdout. */
function project(rows: number, output: object | string) {
  const file = sqliteFile(`
    CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, plan TEXT);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
      INSERT INTO people SELECT i, 'name ' || i, NULL FROM n`)
  const config = (mode: string, more: object = {}) => {
    writeFileSync(
      `${file.folder}/rowferry.yaml`,
      JSON.stringify({
        version: 1,
        connections: { app: `sqlite:${file.path}`, out: output },
        syncs: {
          people: {
            source: { connection: 'app', table: 'people' },
            key: 'id',
            mode,
            destination: { connection: 'out', object: 'people' },
            guards: { max_deletes: '100%' },
            ...more,
          },
        },
      }),
    )
  }
  return {
    execute: (sql: string) => void file.database.exec(sql),
    config,
    /** Runs a shell pipeline in which `rowferry` is the command. */
    run(pipeline: string): Pipeline {
      const script = `${pipeline.replaceAll('rowferry', cli.program)}; echo "\${PIPESTATUS[@]}" >&3`
      const { output } = spawnSync('bash', ['-c', script], {
        cwd: file.folder,
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
        timeout: 60_000,
        maxBuffer: 64 * 1024 * 1024,
      })
      const [stdout = '', stderr = '', codes = ''] = output.slice(1).map(String)
      return { stdout, stderr, codes: codes.trim().split(' ').map(Number) }
    },
    [Symbol.dispose]: () => file[Symbol.dispose](),
  }
}

test('prints what changed since the last run, and nothing else, on stdout', () => {
  using here = project(3, { type: 'stdout' })
  here.config('mirror', {
    fields: { id: 'id', name: 'name', plan: { from: 'plan', nulls: 'skip' }, by: { value: 'me', on: 'insert' } },
  })
  const first = here.run('rowferry run')
  assert.deepEqual(first.codes, [0], first.stderr)
  assert.equal(
    first.stdout,
    [1, 2, 3]
      .map((id) => `{"op":"upsert","key":{"id":${id}},"fields":{"name":"name ${id}"},"on_insert":{"by":"me"}}\n`)
      .join(''),
  )
  assert.match(first.stderr, /people/)
  here.execute(`UPDATE people SET name = 'Zoë', plan = 'pro' WHERE id = 2; DELETE FROM people WHERE id = 3`)
  const second = here.run('rowferry run')
  assert.deepEqual(second.codes, [0], second.stderr)
  assert.equal(
    second.stdout,
    '{"op":"update","key":{"id":2},"fields":{"name":"Zoë","plan":"pro"}}\n{"op":"delete","key":{"id":3}}\n',
  )
  assert.equal(here.run('rowferry run').stdout, '')
})

test('prints new rows as CSV, with a header', () => {
  using here = project(2, { type: 'stdout', what: 'rows', format: 'csv' })
  here.config('insert-only')
  assert.deepEqual(parseCsv(here.run('rowferry run').stdout), [
    ['id', 'name', 'plan'],
    ['1', 'name 1', null],
    ['2', 'name 2', null],
  ])
  assert.equal(here.run('rowferry run').stdout, 'id,name,plan\n')
})

test('prints changes as CSV, and refuses where CSV cannot say what is meant', () => {
  using here = project(1, 'stdout:?format=csv')
  here.config('mirror')
  assert.equal(here.run('rowferry run').stdout, 'op,id,name,plan\nupsert,1,name 1,\n')
  here.execute('DELETE FROM people; INSERT INTO people VALUES (2, NULL, NULL)')
  assert.equal(here.run('rowferry run').stdout, 'op,id,name,plan\nupsert,2,,\ndelete,1,,\n')
  here.config('mirror', { fields: { id: 'id', name: { from: 'name', nulls: 'skip' } } })
  const refused = here.run('rowferry run')
  assert.deepEqual(refused.codes, [78])
  assert.match(refused.stderr, /name is skipped where it is null\): use format: ndjson/)
})

test('says which modes it has for rows', () => {
  using here = project(1, { type: 'stdout', what: 'rows' })
  here.config('mirror')
  const { codes, stderr } = here.run('rowferry run')
  assert.deepEqual(codes, [78])
  assert.match(stderr, /does not support mode mirror; it supports insert-only/)
})

test('ends quietly when the reader has read enough, and prints the rest the next time', () => {
  using here = project(20_000, { type: 'stdout' })
  here.config('mirror')
  const cut = here.run('rowferry run | head -1')
  assert.equal(cut.stdout, '{"op":"upsert","key":{"id":1},"fields":{"name":"name 1","plan":null}}\n')
  assert.doesNotMatch(cut.stderr, /error|fail|closed/)
  assert.deepEqual(cut.codes, [1, 0], 'the run is not done')
  const rest = here.run('rowferry run')
  assert.deepEqual(rest.codes, [0], rest.stderr)
  const ids = rest.stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => (JSON.parse(line) as { key: { id: number } }).key.id)
  assert.equal(Math.max(...ids), 20_000)
  assert.ok(ids.length > 10_000, `${ids.length} rows are left`)
})

test('waits for a reader that takes its time', () => {
  using here = project(20_000, { type: 'stdout' })
  here.config('mirror')
  const { stdout, codes, stderr } = here.run('rowferry run | (sleep 1; wc -l)')
  assert.deepEqual([Number(stdout), codes], [20_000, [0, 0]], stderr)
})

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import { type Report, sync } from '../../src/index.ts'
import { commandLine } from '../support/command-line.ts'
import { runConfig, serverForTests } from '../support/ends.ts'
import { mapDestination } from '../support/map-destination.ts'
import { memoryFolder } from '../support/memory-folder.ts'
import { idAndV } from '../support/model-run.ts'
import type { Row } from '../support/row-batches.ts'

const tests = serverForTests()
const ROWS = 1000
const GONE = 30

const modelOf = (count: number, round = 0): Row[] =>
  Array.from({ length: count }, (_, key) => [String(key), key % ROWS === round ? 'b' : 'a'])

/** How a run ends whose source ends in one of those ways. */
const ENDS = {
  breaks: ['failed', 'connection_lost'],
  stops: ['failed', 'source_incomplete'],
  counts: ['deletes_held', undefined],
} as const

test(`an error after any of ${ROWS} rows deletes nothing`, async (context) => {
  using folder = memoryFolder()
  const source = idAndV(modelOf(ROWS + GONE))
  const destination = mapDestination({ lists: 'never' })
  const run = () =>
    sync(
      {
        version: 1,
        state: folder.path,
        connections: { from: 'rows:', to: 'map:' },
        syncs: {
          test: {
            source: { connection: 'from', table: 'model' },
            key: 'id',
            mode: 'mirror',
            destination: { connection: 'to', object: 'records' },
            guards: { max_deletes: '100%' },
          },
        },
      },
      { sources: [source.definition], destinations: [destination.definition] },
    )
  assert.equal((await run()).counts.inserted, ROWS + GONE)
  let runs = 0
  for (let after = 0; after <= ROWS; after++) {
    const rows = modelOf(ROWS, after)
    // After some the stream also just stops, or says that there was more than it sent.
    for (const how of after % 5 === 0 ? (['breaks', 'stops', 'counts'] as const) : (['breaks'] as const)) {
      source.rows = how === 'breaks' ? rows : rows.slice(0, after)
      source.breaksAfter = how === 'breaks' ? after : undefined
      source.end = how === 'stops' ? null : how === 'counts' ? { rows: ROWS } : {}
      if (how === 'counts' && after === ROWS) continue
      const { status, error, counts } = await run()
      runs++
      assert.deepEqual([status, error?.code], ENDS[how], `${how} after ${after} rows`)
      assert.equal(counts.deleted, 0, `${how} after ${after} rows`)
      assert.equal(destination.records.size, ROWS + GONE)
    }
  }
  Object.assign(source, { rows: modelOf(ROWS), breaksAfter: undefined, end: {} })
  assert.equal((await run()).counts.deleted, GONE)
  context.diagnostic(`${runs} runs`)
})

const SLEEPS = 'length(pg_sleep(60)::text)'
/** What ends a query of Postgres at one of its rows, and the code and advice that the run then fails with. */
const ENDINGS = {
  'a division by zero': ['(1 / (id - id))::int', 'model_failed', /division by zero.*correct the query/],
  'a terminated backend': [
    `pg_terminate_backend(pg_backend_pid())::int + ${SLEEPS}`,
    'connection_lost',
    /was lost.*run again/,
  ],
  'a cancelled query': [
    `pg_cancel_backend(pg_backend_pid())::int + ${SLEEPS}`,
    'query_cancelled',
    /user request.*run again$/,
  ],
  'a statement_timeout': [SLEEPS, 'query_cancelled', /statement timeout.*SET statement_timeout$/],
} as const
const AT_ROWS = [1, 2, 64, 65, 500, 999, 1000]

describe('a query of Postgres', { concurrency: 4 }, () => {
  for (const [what, [expression, code, message]] of Object.entries(ENDINGS)) {
    for (const read of ['copy', 'cursor'] as const) {
      test(`that ends by ${what} at any row deletes nothing (${read})`, async (context) => {
        await using ends = await tests.server.ends('sqlite')
        await ends.source.execute(`
          CREATE TABLE model (id bigint PRIMARY KEY, v int);
          INSERT INTO model SELECT i, 0 FROM generate_series(1, ${ROWS + GONE}) i`)
        await ends.destination.execute('CREATE TABLE users (id bigint PRIMARY KEY, v int)')
        const sync = {
          deletes: { scope: 'seen' },
          guards: { max_deletes: '100%' },
          fields: { id: 'id', v: 'v' },
        } as const
        assert.equal((await ends.run(sync)).report.counts.inserted, ROWS + GONE)
        await ends.source.execute(`DELETE FROM model WHERE id > ${ROWS}`)
        for (const row of AT_ROWS) {
          await ends.source.execute(`UPDATE model SET v = ${row}`)
          const sql = `SELECT id, CASE WHEN id = ${row} THEN ${expression} ELSE v END AS v FROM model ORDER BY id`
          const config = ends.config({ ...sync, source: { connection: 'warehouse', sql, read } })
          const warehouse = new URL(config.connections['warehouse'] as string)
          const limited = `${warehouse.searchParams.get('options')} -c statement_timeout=300ms`
          if (what === 'a statement_timeout') warehouse.searchParams.set('options', limited)
          const connections = { ...config.connections, warehouse: warehouse.href }
          const { report } = await runConfig({ ...config, connections })
          assert.equal(report.error?.code, code, report.error?.message)
          assert.match(report.error.message, message)
          assert.deepEqual([report.counts.deleted, report.counts.missing, exitCodeOf(report)], [0, 0, 1])
          assert.deepEqual(await ends.destination.rows('SELECT count(*) FROM users'), [[String(ROWS + GONE)]])
        }
        assert.equal((await ends.run(sync)).report.counts.deleted, GONE)
        context.diagnostic(`${AT_ROWS.length} rows`)
      })
    }
  }
})

const CSV = 'name,id\na,1\n"b ""x""\n",20\nc,30\n'
const NDJSON = '{"name":"a","id":1}\n{"name":"b","id":20}\n{"id":30,"name":"c"}\n'
/** Forms of the same three rows. The key may be the last thing of a line: cut off, 30 looks like 3. */
const TEXTS = {
  'CSV with a trailer': ['csv', `${CSV}#end,3\n`, { trailer: true }],
  'CSV with a number': ['csv', CSV, { rows: 3 }],
  'CSV that must be whole': ['csv', CSV, {}],
  'NDJSON with a trailer': ['ndjson', `${NDJSON}{"_end":true,"rows":3}\n`, { trailer: true }],
  'NDJSON with a number': ['ndjson', NDJSON, { rows: 3 }],
  'NDJSON that must be whole': ['ndjson', NDJSON, {}],
} as const

for (const [what, [format, text, proof]] of Object.entries(TEXTS)) {
  test(`${what}, cut off after any byte, deletes nothing`, async (context) => {
    using folder = memoryFolder()
    const path = folder.file(`rows.${format}`)
    const mirror = async (content: string, options: object = {}) => {
      writeFileSync(path, content)
      const { report } = await runConfig({
        version: 1,
        state: folder.file('state'),
        connections: { app: `sqlite:${folder.file('app.db')}` },
        syncs: {
          users: {
            source: { file: path, ...proof, ...options },
            key: 'id',
            mode: 'mirror',
            destination: { connection: 'app', table: 'users', create: true },
          },
        },
      })
      return report
    }
    const more = format === 'csv' ? `${CSV}d,4\ne,50\n` : `${NDJSON}{"id":4,"name":"d"}\n{"id":50,"name":"e"}\n`
    const whole = { trailer: false, rows: 5 }
    assert.equal((await mirror(more, whole)).counts.inserted, 5)
    // Without its line end a trailer, or a row of NDJSON, is still all there.
    const last = 'trailer' in proof || format === 'ndjson' ? text.trimEnd().length : text.length
    for (let length = 0; length < last; length++) {
      const { status, counts, error } = await mirror(text.slice(0, length))
      assert.equal(counts.deleted, 0, `after ${length} bytes`)
      assert.notEqual(status, 'succeeded', `after ${length} bytes`)
      if (status === 'failed') assert.match(error?.message ?? '', /: .+/)
    }
    const end = await mirror(text, 'rows' in proof || 'trailer' in proof ? {} : { trust_eof: true })
    assert.equal(end.status, 'succeeded', end.error?.message)
    assert.ok(end.counts.deleted >= 2)
    const database = new (await loadSqlite())(folder.file('app.db'))
    assert.deepEqual(
      database.prepare('SELECT CAST(id AS text) FROM users ORDER BY CAST(id AS integer)').pluck().all(),
      ['1', '20', '30'],
    )
    database.close()
    context.diagnostic(`${last} lengths`)
  })
}

test('what comes through a real pipe and is cut off deletes nothing', async (context) => {
  const cuts = [0, 7, 8, 11, 19, CSV.length - 3, CSV.length, CSV.length + 4, CSV.length + 5]
  using rowferry = commandLine(`version: 1
connections: { app: 'sqlite:./app.db' }
syncs:
  users:
    source: { stdin: csv, trailer: true }
    key: id
    mode: mirror
    destination: { connection: app, table: users, create: true }
`)
  const pipe = async (text: string): Promise<Report & { code: number | null }> => {
    const child = rowferry.start('run', 'users', '--json')
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      stdout += chunk
    })
    child.stdin.end(text)
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
    return { ...(JSON.parse(stdout) as Report), code }
  }
  assert.equal((await pipe(`${CSV}d,4\n#end,4\n`)).counts.inserted, 4)
  const trailed = `${CSV}#end,3\n`
  for (const length of cuts) {
    const { status, counts, code } = await pipe(trailed.slice(0, length))
    assert.equal(counts.deleted, 0, `after ${length} bytes`)
    assert.deepEqual([status, code], status === 'failed' ? ['failed', code === 78 ? 78 : 1] : ['deletes_held', 4])
  }
  assert.equal((await pipe(trailed)).counts.deleted, 1)
  context.diagnostic(`${cuts.length} lengths`)
})

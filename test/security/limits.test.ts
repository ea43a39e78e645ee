import assert from 'node:assert/strict'
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { counts, DESTINATIONS, type Ends, serverForTests } from '../support/ends.ts'

const tests = serverForTests()
const { eachDestination } = tests

const MIB = 1024 * 1024

/** Mirrors a file into a new table. */
async function load(ends: Ends, name: string, content: string | undefined, rows: number) {
  const path = join(ends.folder, name)
  if (content !== undefined) writeFileSync(path, content)
  return ends.run({
    source: { file: path, rows },
    destination: { connection: 'target', table: 'users', create: true },
  })
}

eachDestination(
  '1,600 columns are no more trouble than two, and one more is where the database says so',
  async (ends) => {
    const names = (count: number) => ['id', ...Array.from({ length: count - 1 }, (_, index) => `c${index}`)]
    const csv = (count: number) => `${names(count).join(',')}\n1${',x'.repeat(count - 1)}\n`
    const { report } = await load(ends, 'rows.csv', csv(1600), 1)
    assert.deepEqual(report.counts, counts({ read: 1, inserted: 1 }), report.error?.message)
    const [row = []] = await ends.destination.rows('SELECT * FROM users')
    assert.deepEqual([row.length, new Set(row.slice(1))], [1600, new Set(['x'])])
    assert.equal((await load(ends, 'rows.csv', csv(1600), 1)).report.requests.sent, 0)

    await ends.destination.execute('DROP TABLE users')
    const { error } = (await load(ends, 'rows.csv', csv(2001), 1)).report
    assert.deepEqual([error?.code, error?.kind], ['cannot_create_table', 'configuration'])
    assert.match(error?.message ?? '', /at most 1600 columns|too many columns/)
    assert.ok((error?.message.length ?? 0) < 1000)
  },
)

eachDestination('a field of nearly 16 MiB arrives', async (ends) => {
  const size = 16 * MIB - 100
  const { report } = await load(ends, 'rows.ndjson', `{"id":1,"v":"${'y'.repeat(size)}"}\n{"id":2,"v":"z"}\n`, 2)
  assert.deepEqual(report.counts, counts({ read: 2, inserted: 2 }), report.error?.message)
  const sizes = await ends.destination.rows('SELECT length(v) FROM users ORDER BY id')
  assert.deepEqual(sizes.flat(), [String(size), '1'])
})

for (const read of ['copy', 'cursor'] as const) {
  test(`a row of Postgres beyond 16 MiB stops the run by name, and deletes nothing (${read})`, async () => {
    await using ends = await tests.server.ends('sqlite')
    await ends.destination.execute(
      `CREATE TABLE users (id bigint PRIMARY KEY, v text); INSERT INTO users VALUES (9, 'z')`,
    )
    const sql = `SELECT id::bigint, repeat('x', CASE id WHEN 2 THEN 17 * 1024 * 1024 ELSE 1 END) AS v FROM generate_series(1, 3) id`
    const { report } = await ends.run({ source: { connection: 'warehouse', sql, read } })
    assert.equal(report.error?.code, 'row_too_large')
    assert.match(report.error?.message ?? '', /^row 2 of the model is larger than 16 MiB: /)
    assert.deepEqual([report.counts.deleted, exitCodeOf(report)], [0, 1])
    assert.deepEqual((await ends.destination.rows('SELECT v FROM users WHERE id = 9')).flat(), ['z'])
  })
}

for (const format of ['csv', 'ndjson'] as const) {
  test(`a line of 100 MB stops the run by name, without being taken into memory (${format})`, async (t) => {
    await using ends = await tests.server.ends('sqlite')
    const path = join(ends.folder, `rows.${format}`)
    const file = openSync(path, 'w')
    writeSync(file, format === 'csv' ? 'id,v\n1,a\n2,' : '{"id":1,"v":"a"}\n{"id":2,"v":"')
    const chunk = Buffer.alloc(MIB, 'x')
    for (let written = 0; written < 100; written++) writeSync(file, chunk)
    writeSync(file, format === 'csv' ? '\n3,c\n' : '"}\n{"id":3,"v":"c"}\n')
    closeSync(file)
    const before = process.memoryUsage().rss
    const { report } = await load(ends, `rows.${format}`, undefined, 3)
    const grown = (process.memoryUsage().rss - before) / MIB
    assert.equal(report.error?.code, 'line_too_large')
    assert.match(report.error?.message ?? '', format === 'csv' ? /the row at line 3 of / : /line 2 of /)
    assert.deepEqual([report.counts.deleted, exitCodeOf(report)], [0, 1])
    assert.ok(grown < 90, `${grown} MiB more`)
    t.diagnostic(`${Math.round(grown)} MiB more memory`)
  })
}

test('how many limits were tried', (t) => {
  t.diagnostic(`6 limits, towards ${DESTINATIONS.join(' and ')}`)
})

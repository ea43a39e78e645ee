import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { loadSqlite } from '../../src/core/sqlite-driver.ts'
import type { ConfigInput, SyncOptions } from '../../src/index.ts'
import { counts, type Run, runConfig, type SyncInput } from '../support/ends.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts'

type SourceInput = SyncInput['source']

interface FileEnds extends TemporaryFolder {
  /** Writes the file and mirrors it into table `users` of an SQLite file, by `id`. */
  mirror(
    content: string | Buffer,
    source?: Partial<SourceInput>,
    options?: SyncOptions & { sync?: never; config?: Partial<SyncInput> },
  ): Promise<Run>
  /** The table, in key order; each value as text. */
  table(): Promise<(string | null)[][]>
}

function fileEnds(name = 'rows.csv'): FileEnds {
  const folder = temporaryFolder()
  return {
    ...folder,
    async mirror(content, source = {}, { config: overrides, ...options } = {}) {
      writeFileSync(folder.file(name), content)
      const config: ConfigInput = {
        version: 1,
        state: folder.file('state'),
        connections: { app: `sqlite:${folder.file('app.db')}` },
        syncs: {
          users: {
            source: { file: folder.file(name), ...source },
            key: 'id',
            mode: 'mirror',
            destination: { connection: 'app', table: 'users', create: true },
            ...overrides,
          },
        },
      }
      return runConfig(config, options)
    },
    async table() {
      const database = new (await loadSqlite())(folder.file('app.db'))
      try {
        const rows = database.prepare('SELECT * FROM users ORDER BY id').raw().safeIntegers().all() as unknown[][]
        return rows.map((row) => row.map((value) => (value === null ? null : String(value))))
      } finally {
        database.close()
      }
    },
  }
}

const THREE = 'id,name\n3,c\n1,a\n2,b\n'

test('a file in any order is mirrored; what it lacks is deleted only when its end is proven', async () => {
  using ends = fileEnds()
  const first = await ends.mirror(THREE, { rows: 3 })
  assert.deepEqual(first.report.counts, counts({ read: 3, inserted: 3 }))

  const held = await ends.mirror('id,name\n2,b\n1,A\n')
  assert.equal(held.report.status, 'deletes_held')
  assert.deepEqual(held.report.counts, counts({ read: 2, updated: 1, unchanged: 1, missing: 1, held: 1 }))
  assert.match(
    held.report.guards[0]?.message ?? '',
    /nothing counts as missing: .*just ended after 2 rows.*--trust-eof/,
  )

  for (const [content, proof, deleted] of [
    ['id,name\n2,b\n1,A\n', { rows: 2 }, 1],
    ['id,name\n2,b\n#end,1\n', { trailer: true }, 1],
    ['id,name\n4,d', { trust_eof: true }, 1],
  ] as const) {
    const { report } = await ends.mirror(content, proof)
    assert.equal(report.status, 'succeeded', JSON.stringify(report))
    assert.equal(report.counts.deleted, deleted)
  }
  assert.deepEqual(await ends.table(), [['4', 'd']])
})

test('one run may know what the configuration does not: how many rows there are, or that the end is right', async () => {
  using ends = fileEnds()
  await ends.mirror(THREE)
  const wrong = await ends.mirror('id,name\n2,b\n1,a\n', {}, { rows: 3 })
  assert.equal(wrong.report.counts.held, 1)
  assert.match(wrong.report.guards[0]?.message ?? '', /has 2 rows, not the 3 that/)
  assert.equal((await ends.mirror('id,name\n2,b\n1,a\n', { rows: 9 }, { rows: 2 })).report.counts.deleted, 1)
  assert.equal((await ends.mirror('id,name\n2,b\n', {}, { trustEof: true })).report.counts.deleted, 1)
})

test('a number of rows that is wrong is said even where nothing would be deleted', async () => {
  using ends = fileEnds()
  const { report } = await ends.mirror(THREE, { rows: 4 }, { config: { mode: 'upsert' } })
  assert.deepEqual(report.counts, counts({ read: 3, inserted: 3 }))
  assert.deepEqual(
    report.guards.map(({ guard, held }) => [guard, held]),
    [['unproven_end', 0]],
  )
  assert.deepEqual((await ends.mirror(THREE, {}, { config: { mode: 'upsert' } })).report.guards, [])
})

test('a file that is cut off after any byte deletes nothing', async () => {
  using ends = fileEnds()
  // The key is last: cut off, 30 looks like 3.
  const whole = 'name,id\n"a, ""x""",1\nb,2\n"c\n",30\n'
  await ends.mirror(whole)
  for (let length = 0; length < whole.length; length++) {
    for (const proof of [{}, { rows: 3 }]) {
      const { report } = await ends.mirror(whole.slice(0, length), proof)
      assert.equal(report.counts.deleted, 0, `cut after ${length} bytes`)
    }
  }
  const ids = (await ends.table()).map(([id]) => id)
  for (const id of ['1', '2', '30']) assert.equal(ids.includes(id), true, `${id} of ${ids}`)
})

test('a compressed file that is cut off after any byte writes and deletes nothing', async () => {
  using ends = fileEnds('rows.ndjson.gz')
  const rows = (ids: readonly number[]) => gzipSync(ids.map((id) => `{"id":${id},"name":"n"}\n`).join(''))
  await ends.mirror(rows([1, 2, 3]))
  const whole = rows([1, 2])
  for (let length = 0; length < whole.length; length++) {
    const { report } = await ends.mirror(whole.subarray(0, length))
    assert.equal(report.status, 'failed')
  }
  assert.equal((await ends.table()).length, 3)
  assert.equal((await ends.mirror(whole)).report.counts.deleted, 1)
})

test('rows without a key and rows that cannot be read hold the deletes, and all else is done', async () => {
  using ends = fileEnds()
  await ends.mirror(THREE)
  const { report, issues } = await ends.mirror('id,name\n1,A\n,x\n2\n', { rows: 3 })
  assert.deepEqual(report.counts, counts({ read: 3, updated: 1, invalid: 2, missing: 2, held: 2 }))
  assert.deepEqual(issues.map(({ code }) => code).sort(), ['missing_key', 'ragged_row'])
  assert.deepEqual(
    report.guards.map(({ guard }) => guard),
    ['invalid_keys'],
  )
})

test('equal keys anywhere in a file are duplicates', async () => {
  using ends = fileEnds()
  const { report } = await ends.mirror('id,name\n1,a\n2,b\n1,a\n', { rows: 3 })
  assert.deepEqual(report.counts, counts({ read: 3, inserted: 1, invalid: 2 }))
})

test('a file that says it is sorted is checked', async () => {
  using ends = fileEnds()
  const sorted = await ends.mirror('id,name\n1,a\n10,c\n2,b\n', { sorted: true, rows: 3 })
  assert.equal(sorted.report.counts.inserted, 3)
  const { report } = await ends.mirror('id,name\n1,a\n3,c\n2,b\n', { sorted: true, rows: 3 })
  assert.deepEqual([report.error?.code, report.counts.deleted], ['source_out_of_order', 0])
})

test('typed keys are found again in a table of numbers, in whatever form they come', async () => {
  using ends = fileEnds()
  const types = { id: 'integer' } as const
  await ends.mirror('id,name\n10,a\n9,b\n', { types, rows: 2 })
  assert.deepEqual(await ends.table(), [
    ['9', 'b'],
    ['10', 'a'],
  ])
  const { report } = await ends.mirror('id,name\n+0009,b\n', { types, rows: 1 })
  assert.deepEqual(report.counts, counts({ read: 1, unchanged: 1, missing: 1, deleted: 1 }))
})

test('columns that come late are refused, unless the mapping says what matters', async () => {
  using ends = fileEnds('rows.ndjson')
  const text = `${'{"id":1,"name":"a"}\n'.replace('1', '0')}${Array.from({ length: 1200 }, (_, id) => `{"id":${id + 1},"name":"a"}\n`).join('')}{"id":2000,"extra":true}\n`
  const refused = await ends.mirror(text)
  assert.equal(refused.report.error?.code, 'unknown_column')
  assert.equal(refused.report.counts.inserted, 0)
  const mapped = await ends.mirror(text, {}, { config: { fields: { id: 'id', name: 'name' } } })
  assert.equal(mapped.report.counts.inserted, 1202)
  assert.deepEqual((await ends.table()).at(-1), ['2000', null])
})

test('numbers of any length arrive to the digit', async () => {
  using ends = fileEnds('rows.ndjson')
  const { report } = await ends.mirror('{"id":9223372036854775807,"n":123456789012345678901234567890.123}\n')
  assert.equal(report.counts.inserted, 1)
  assert.deepEqual(await ends.table(), [['9223372036854775807', '123456789012345678901234567890.123']])
})

test('too few rows stop the run before anything is sent', async () => {
  using ends = fileEnds()
  const { report } = await ends.mirror(THREE, {}, { config: { guards: { min_rows: 4 } } })
  assert.equal(report.error?.code, 'min_rows')
  assert.match(report.error?.message ?? '', /the model has 3 rows/)
})

test('part of a file is part of it in key order', async () => {
  using ends = fileEnds()
  assert.deepEqual(
    (await ends.mirror(THREE, { rows: 3 }, { limit: 2 })).report.counts,
    counts({ read: 2, inserted: 2 }),
  )
  assert.deepEqual(await ends.table(), [
    ['1', 'a'],
    ['2', 'b'],
  ])
  assert.equal((await ends.mirror(THREE, { rows: 3 }, { keys: ['3'] })).report.counts.inserted, 1)
})

test('a dry run sorts as well, on disk, and leaves nothing behind', async () => {
  using ends = fileEnds()
  const name = 'x'.repeat(1000)
  const content = `id,name\n${Array.from({ length: 60_000 }, (_, id) => `${(id * 7919) % 60_000},${name}\n`).join('')}`
  const { report, changes } = await ends.mirror(content, {}, { dryRun: true })
  assert.deepEqual(report.counts, counts({ read: 60_000, inserted: 60_000 }))
  assert.equal(changes[1]?.key, '1')
  assert.ok(!existsSync(ends.file('state')))
  assert.ok(!existsSync(ends.file('app.db')))
})

test('what is sorted on disk is readable by nobody else, and gone afterwards', {
  skip: process.platform === 'win32' && 'Windows has no such files',
}, async () => {
  using ends = fileEnds()
  const name = 'x'.repeat(1000)
  const rows = Array.from({ length: 60_000 }, (_, id) => `${(id * 7919) % 60_000},${name}\n`).join('')
  await ends.mirror(`id,name\n${rows}`)
  for (const file of readdirSync(ends.file('state'))) {
    assert.doesNotMatch(file, /sort/)
    assert.equal(statSync(ends.file(`state/${file}`)).mode & 0o077, 0)
  }
})

test('a query needs no proof, and says so', async () => {
  using folder = temporaryFolder()
  const app = `sqlite:${folder.file('app.db')}`
  const config: ConfigInput = {
    version: 1,
    state: folder.file('state'),
    connections: { app },
    syncs: {
      users: {
        source: { connection: 'app', table: 'model' },
        key: 'id',
        mode: 'mirror',
        destination: { connection: 'app', table: 'users' },
      },
    },
  }
  const { report } = await runConfig(config, { rows: 3 })
  assert.equal(report.error?.code, 'no_rows_to_prove')
  assert.match(report.error?.message ?? '', /^users reads a query, whose end needs no proof: leave --rows/)
})

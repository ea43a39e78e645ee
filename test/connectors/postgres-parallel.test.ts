import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import type { FatalError } from '../../src/core/errors.ts'
import type { RowBatch } from '../../src/core/row-batch.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import {
  administer,
  backends,
  backendsGone,
  type ModelToRead,
  openModel,
  readModel,
  startReading,
} from '../support/postgres-reading.ts'

const ROWS = 100_000

let server: TestPostgres
let admin: pg.Client & AsyncDisposable

before(async () => {
  server = await startPostgres()
  admin = await administer(server.url)
  await admin.query(`
    create table people (id bigint, tenant text, name text);
    insert into people
      select case when g % 5000 = 0 then null else g * 3 - 100000 end, 'ten' || g % 700, repeat('é', g % 20)
      from generate_series(1, ${ROWS}) g;
    create index on people (id);
    create index on people (tenant collate "C", id);
    create table bare as select * from people;
    create table tenants as select * from people where id is not null order by tenant collate "C", id;
    create index on tenants (tenant collate "C", id);
    analyze people, bare, tenants`)
})

after(async () => {
  await admin[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** Reads by one connection and by three, which may not differ in a byte but for where rows without a key are. */
async function readBoth(model: ModelToRead): Promise<string> {
  const alone = await readModel(server.url, model)
  const parallel = await readModel(server.url, { ...model, parallel: 3 })
  const keyed = ({ rows, keys }: typeof alone) => rows.filter((_, row) => keys[row] !== null)
  const unkeyed = ({ rows, keys }: typeof alone) => rows.filter((_, row) => keys[row] === null)
  assert.deepEqual(keyed(parallel), keyed(alone))
  assert.deepEqual(unkeyed(parallel).sort(), unkeyed(alone).sort())
  assert.equal(parallel.end?.rows, alone.rows.length)
  assert.equal(parallel.end.proven, true)
  await backendsGone(admin)
  return parallel.end.evidence
}

test('a model that was never seen is cut between the smallest and the largest key', async () => {
  assert.match(
    await readBoth({ sql: 'select * from people' }),
    /^COPY sent 100000 rows in \d+ ranges over 3 connections/,
  )
})

test('a text key is cut where the last run says', async () => {
  const splits = Array.from({ length: 90 }, (_, index) => [`ten${index + 10}`, '5'])
  const model = { sql: 'select * from tenants where id > -90000', key: ['tenant', 'id'], splits }
  assert.match(await readBoth(model), /in \d+ ranges over 3 connections/)
})

test('cuts that are long out of date, doubled or all of one end change nothing but the speed', async () => {
  for (const splits of [['-9223372036854775808'], ['9223372036854775807'], ['5', '5', '6', '900000000000']])
    assert.match(await readBoth({ sql: 'select * from people', splits: splits.map((id) => [id]) }), /ranges over 3/)
})

const UNDIVIDED = {
  'a limit may choose other rows each time': ['select * from people limit 90000', /\(Limit\)/],
  'so may distinct on': ['select distinct on (name) * from people', /\(Unique\)/],
  'a window numbers other rows': ['select *, row_number() over () as n from people', /\(WindowAgg\)/],
  'a subquery may pick any row': [
    'select *, (select name from people as o where o.id = p.id limit 1) as other from people p',
    /\(Limit\)/,
  ],
  'a function may return anything': ['select g as id from generate_series(1, 90000) g', /\(Function Scan\)/],
  'no index has the key': ['select * from bare', /nothing says yet where to cut it/],
  'few rows are read sooner than cut': ['select * from people where id < 1000', /no more than \d+ rows/],
} as const
for (const [why, [sql, note]] of Object.entries(UNDIVIDED)) {
  test(`one connection reads what cannot be cut: ${why}`, async () => {
    const { end, notes } = await readModel(server.url, { sql, parallel: 2 })
    assert.match(end?.evidence ?? '', /^COPY sent \d+ rows, and its transaction committed$/)
    assert.match(notes.join(), note)
  })
}

test('what no index serves is not read once for every range', async () => {
  const splits = [['0'], ['5000']]
  const { notes } = await readModel(server.url, { sql: 'select * from bare', splits, parallel: 2 })
  assert.match(notes.join(), /^read over one connection: no index keeps the server from reading the same again/)
})

test('all connections see the rows of one moment', async () => {
  await using source = await openModel(server.url, { sql: 'select * from people', parallel: 3 })
  await source.describe()
  await admin.query("insert into people select g, 'new', 'new' from generate_series(-5000, 400000, 1000) g")
  try {
    const { rows } = await startReading(source)
    let names = ''
    for await (const batch of rows as AsyncIterable<RowBatch>) names += batch.bytes.toString('utf8')
    assert.doesNotMatch(names, /new/)
    assert.equal(names.match(/\n/g)?.length, ROWS)
  } finally {
    await admin.query("delete from people where tenant = 'new'")
  }
})

test('whichever of the connections breaks off, the stream fails and no backend stays', async () => {
  for (const victim of [0, 1, 2]) {
    await using source = await openModel(server.url, { sql: 'select * from people', parallel: 3 })
    const { rows } = await startReading(source)
    await once(rows, 'readable')
    const pid = (await backends(admin))[victim]
    await admin.query('select pg_terminate_backend($1)', [pid])
    let ended = false
    await assert.rejects(
      async () => {
        for await (const batch of rows as AsyncIterable<RowBatch>) ended ||= batch.end !== undefined
      },
      (error: FatalError) => error.code === 'connection_lost',
    )
    assert.equal(ended, false)
    await backendsGone(admin)
  }
})

test('a reader that waits makes every connection wait, and a stopped one leaves none behind', async () => {
  const stopping = new AbortController()
  const source = await openModel(server.url, { sql: 'select * from people', parallel: 3 })
  const { rows } = await startReading(source, {}, stopping.signal)
  await once(rows, 'readable')
  assert.equal((await backends(admin)).length, 3)
  stopping.abort(new Error('enough'))
  await once(rows, 'error')
  await backendsGone(admin)
  await source[Symbol.asyncDispose]()
})

test('what fails in a late range ends the read', async () => {
  const sql = 'select id, 1 / (id - 170003) as v from people where id is not null'
  await assert.rejects(readModel(server.url, { sql, parallel: 2 }), {
    code: 'model_failed',
    message: /division by zero/,
  })
  await backendsGone(admin)
})

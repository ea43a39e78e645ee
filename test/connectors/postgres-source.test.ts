import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { startProxy } from '../support/postgres-proxy.ts'
import { administer, openModel, READERS, readModel, startReading } from '../support/postgres-reading.ts'

let server: TestPostgres
let admin: pg.Client & AsyncDisposable

before(async () => {
  server = await startPostgres()
  admin = await administer(server.url)
  await admin.query(`
    create schema marts;
    create table marts.contacts (id bigint primary key, email text, plan varchar(10), note text);
    insert into marts.contacts
      select g, 'user' || g || '@example.org', case when g % 2 = 0 then 'pro' end, repeat('é', (g % 7)::int)
      from generate_series(100000, 1, -1) as g;
    create schema "Odd""Schema";
    create table "Odd""Schema"."A Table" ("Key Column" text, "a""b" int);
    insert into "Odd""Schema"."A Table" values ('b', 2), ('a', 1)`)
})

after(async () => {
  await admin[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

test('describes the columns of a model without reading it', async () => {
  await using source = await openModel(server.url, {
    sql: `select 1::int2 as a, 2::int4 as b, 3::int8 as c, 1.5::numeric(12,2) as d, 1::float4 as e, 1::float8 as f,
            true as g, '\\x'::bytea as h, current_date as i, localtimestamp(3) as j, now() as k, '{}'::json as l,
            '{}'::jsonb as m, 'x' as n, 'x'::varchar(7) as o, 'x'::char(2) as p, gen_random_uuid() as q,
            '{1}'::int[] as r, '1 day'::interval as s, pg_sleep(1000)::text as t`,
  })
  const columns = await source.describe()
  assert.deepEqual(
    columns.map(({ name, type, kind, keyEncoding }) => `${name} ${type}: ${kind}, ${keyEncoding}`),
    [
      'a smallint: integer, integer',
      'b integer: integer, integer',
      'c bigint: integer, integer',
      'd numeric(12,2): decimal, text',
      'e real: float, text',
      'f double precision: float, text',
      'g boolean: boolean, boolean',
      'h bytea: bytes, bytes',
      'i date: date, date',
      'j timestamp(3) without time zone: timestamp, timestamp',
      'k timestamp with time zone: timestamp, timestamptz',
      'l json: json, text',
      'm jsonb: json, text',
      'n text: text, text',
      'o character varying(7): text, text',
      'p character(2): text, text',
      'q uuid: other, uuid',
      'r integer[]: other, text',
      's interval: other, text',
      't text: text, text',
    ],
  )
})

for (const read of READERS) {
  test(`reads 100,000 rows in key order and proves the end (${read})`, async () => {
    const { keys, rows, end, batches, layout } = await readModel(server.url, { read, table: 'marts.contacts' })
    assert.equal(rows.length, 100_000)
    assert.deepEqual(rows[1], ['2', 'user2@example.org', 'pro', 'éé'])
    assert.deepEqual(rows[6], ['7', 'user7@example.org', null, ''])
    for (let row = 1; row < keys.length; row++) {
      assert.equal(Buffer.compare(keys[row - 1] as Buffer, keys[row] as Buffer), -1)
    }
    assert.equal(end?.rows, 100_000)
    assert.equal(end?.proven, true)
    assert.match(end?.evidence ?? '', /committed/)
    assert.equal(batches.filter((batch) => batch.end !== undefined).length, 1)
    assert.ok(batches.every((batch) => batch.bytes.length < 1024 * 1024))
    assert.deepEqual(layout.key, [{ field: 0, encoding: 'integer' }])
    assert.equal(layout.extra, 0)
  })

  test(`reads an empty model as zero rows with a proven end (${read})`, async () => {
    const { rows, end } = await readModel(server.url, { read, sql: 'select * from marts.contacts where false' })
    assert.equal(rows.length, 0)
    assert.deepEqual([end?.rows, end?.proven], [0, true])
  })

  test(`binds parameters of every kind, whatever is in them (${read})`, async () => {
    const awkward = `it's "quoted" \\ back\\'slash $$ :x -- /* \n\t é 😀`
    const { rows } = await readModel(server.url, {
      read,
      sql: `select 1 as id, :text as a, :text || :other as b, :number + 0.5 as c, :flag and true as d,
              :none::text is null as e, :day::date as f, 'a :text' as g, :text::varchar(4) as h, :code::char(3) as i`,
      params: { text: awkward, other: '', number: -2, flag: true, none: null, day: '2024-02-29', code: 'x' },
    })
    assert.deepEqual(rows, [
      ['1', awkward, awkward, '-1.5', 't', 't', '2024-02-29', 'a :text', awkward.slice(0, 4), 'x  '],
    ])
  })

  test(`takes a model that ends in a semicolon, a comment, or both (${read})`, async () => {
    for (const ending of [';', ' ;; ', '-- the end', '; -- the end', ';\n/* the /* very */ end */\n;', '\n']) {
      const { rows } = await readModel(server.url, { read, sql: `select 1 as id ${ending}` })
      assert.deepEqual(rows, [['1']])
    }
  })

  test(`joins rows of any width out of the pieces they arrive in (${read})`, async () => {
    const { rows } = await readModel(server.url, {
      read,
      sql: `select g as id, repeat(chr(96 + g), case when g % 5 = 0 then 1000000 else g end) as wide
            from generate_series(1, 26) as g`,
    })
    assert.deepEqual(
      rows.map((row) => row[1]),
      Array.from({ length: 26 }, (_, index) => {
        const g = index + 1
        return String.fromCharCode(96 + g).repeat(g % 5 === 0 ? 1_000_000 : g)
      }),
    )
  })

  test(`selects only what is asked for, and the key before it where the fields lack it (${read})`, async () => {
    const { rows, keys, layout } = await readModel(server.url, {
      read,
      sql: 'select * from marts.contacts where id <= 3',
      columns: ['note', 'email'],
    })
    assert.equal(layout.extra, 1)
    assert.deepEqual(
      layout.columns.map((column) => column.name),
      ['note', 'email'],
    )
    assert.deepEqual(rows[1], ['2', 'éé', 'user2@example.org'])
    assert.equal(keys[1]?.readBigUInt64BE() === 2n ** 63n + 2n, true)
  })

  test(`reads the snapshot of its first question (${read})`, async () => {
    await admin.query('create table fresh (id int primary key)')
    await admin.query('insert into fresh values (1)')
    await using source = await openModel(server.url, { read, table: 'fresh' })
    await source.describe()
    await admin.query('insert into fresh select generate_series(2, 50)')
    assert.deepEqual(await source.hasAtLeast(2), { enough: false, rows: 1 })
    let count = 0
    for await (const batch of (await startReading(source)).rows) count += batch.count
    assert.equal(count, 1)
    await admin.query('drop table fresh')
  })
}

test('names a table as Postgres does, quoted or not', async () => {
  for (const table of ['MARTS.contacts', ' "marts" . "contacts" ']) {
    await using source = await openModel(server.url, { table })
    assert.equal((await source.describe())[1]?.name, 'email')
  }
  const { rows } = await readModel(server.url, { table: '"Odd""Schema"."A Table"', key: ['Key Column'] })
  assert.deepEqual(rows, [
    ['a', '1'],
    ['b', '2'],
  ])
})

test('counts no further than it is asked to', async () => {
  await using source = await openModel(server.url, {
    sql: 'select * from marts.contacts where id <= :max -- all',
    params: { max: 10 },
  })
  assert.deepEqual(await source.hasAtLeast(0), { enough: true, rows: 0 })
  assert.deepEqual(await source.hasAtLeast(10), { enough: true, rows: 10 })
  assert.deepEqual(await source.hasAtLeast(11), { enough: false, rows: 10 })
  assert.deepEqual(await source.hasAtLeast(3), { enough: true, rows: 3 })
})

test('uses COPY where it may choose, and says so', async () => {
  const { end } = await readModel(server.url, { table: 'marts.contacts' })
  assert.match(end?.evidence ?? '', /COPY sent 100000 rows/)
})

test('falls back to a cursor where COPY is refused, in the same snapshot', async () => {
  const refuse = (query: string) =>
    query.startsWith('COPY') ? { code: '0A000', message: 'COPY is not supported here' } : undefined
  await using proxy = await startProxy(server.port, { refuse })
  const url = server.url.replace(String(server.port), String(proxy.port))
  const { rows, end } = await readModel(url, {
    sql: 'select * from marts.contacts where id <= :n',
    params: { n: 3000 },
  })
  assert.equal(rows.length, 3000)
  assert.match(end?.evidence ?? '', /cursor/)
  await assert.rejects(readModel(url, { table: 'marts.contacts', read: 'copy' }), {
    code: 'copy_refused',
    kind: 'configuration',
    message: /COPY is not supported here.*read: cursor/,
  })
})

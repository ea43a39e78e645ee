import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { decodeRow } from '../../src/core/copy-text.ts'
import type { RowBatch } from '../../src/core/row-batch.ts'
import type { DigestRequest, ModelRequest, Reading, ReadRequest } from '../../src/core/source.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { administer, backends, backendsGone, openModel } from '../support/postgres-reading.ts'
import { type Random, seeds, withSeed } from '../support/seeded-random.ts'

const FILE = 'test/connectors/postgres-digest'
const SEED = { high: 0x1234_5678, low: 0x9abc_def0 }

let server: TestPostgres
let admin: pg.Client & AsyncDisposable

before(async () => {
  server = await startPostgres()
  admin = await administer(server.url)
  await admin.query(`
    create type mood as enum ('sad', 'ok', ''); create domain words as text; create domain number as int8;
    create type pair as (a int, b text); create table target (); create table "target " ();
    create function mood_text(mood) returns text language sql immutable as $$ select 'always the same' $$;
    create cast (mood as text) with function mood_text(mood)`)
})

after(async () => {
  await admin[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

interface Asked {
  readonly columns?: readonly string[]
  readonly key?: readonly string[]
  readonly rows?: DigestRequest['rows']
  readonly seed?: DigestRequest['seed']
  readonly part?: ReadRequest['part']
  readonly url?: string
}

const lines = async (stream: Reading['rows']) => {
  const rows: (string | null)[][] = []
  for await (const { bytes, offsets, count } of stream as AsyncIterable<RowBatch>)
    for (let row = 0; row < count; row++)
      rows.push(decodeRow(bytes, offsets[row] as number, offsets[row + 1] as number))
  return rows
}

/** Reads a model with digests, and hands the reading to `use` before the source is closed. */
async function reading<Result>(
  model: Partial<ModelRequest>,
  { columns, key = ['id'], rows = 'all', seed = SEED, part, url = server.url }: Asked,
  use: (reading: Reading, rows: (string | null)[][]) => Promise<Result>,
): Promise<Result> {
  await using source = await openModel(url, { digest: true, ...model })
  const described = await source.describe()
  const sent = await source.read({
    key,
    columns: columns ?? described.map(({ name }) => name),
    signal: new AbortController().signal,
    digest: { seed, rows },
    ...(part === undefined ? {} : { part }),
  })
  return await use(sent, await lines(sent.rows))
}

/** Key, digest and columns of each row. */
const digests = (model: Partial<ModelRequest>, asked: Asked = {}) => reading(model, asked, async (_, rows) => rows)

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`

/** Values of each type that are close to one another, equal by the type's own notion above all. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  int2: ['0', '1', '-1', '32767', '-32768'],
  int4: ['0', '1', '-1', '65536', '2147483647', '-2147483648'],
  int8: ['0', '1', '-1', '4294967295', '4294967296', '4294967297', '-4294967296', '-4294967297', '8589934594'],
  number: ['0', '1', '-1', '4294967295', '4294967296', '4294967297'],
  numeric: ['1', '1.0', '1.00', '-1', '0', '0.0', 'NaN', 'Infinity', '10', '1e1', '1e30', '1e31'],
  float4: ['0', '-0', 'NaN', 'Infinity', '-Infinity', '1', '1.0000001', '1e-45'],
  float8: ['0', '-0', 'NaN', 'Infinity', '-Infinity', '1', '1.0000000000000002', '5e-324'],
  bool: ['t', 'f'],
  text: ['', ' ', 'a', 'A', 'a ', '\\N', '\\', '\t', '\n', '()', '""', '("")', 'é', 'e\u0301', '\u{1f600}', 'null'],
  'text collate same': ['', 'a', 'A', 'é', 'e\u0301', '\u00c9', 'a ', '\t'],
  'varchar(3)': ['', ' ', 'a', 'a ', 'A'],
  'char(3)': ['', 'a', 'A', 'ab'],
  bpchar: ['', ' ', 'a', 'a ', 'a  '],
  name: ['', 'a', 'A'],
  '"char"': ['', 'a', '\\200'],
  words: ['', 'a', ' '],
  bytea: ['', '\\x00', '\\x0000', '\\x5c', '\\x41'],
  json: ['1', ' 1', '{"a":1}', '{"a": 1}', '{"a":1,"a":1}', '""', 'null'],
  jsonb: ['1', '1.0', '{"a":1}', '{"a":1.0}', '""', 'null', '[]', '{}'],
  uuid: ['00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000001'],
  date: ['2026-01-01', '2026-01-02', 'infinity', '-infinity', '0001-01-01 BC'],
  timestamp: ['2026-01-01', '2026-01-01 00:00:00.000001', '2026-01-01 01:11:34.967296', 'infinity', '-infinity'],
  timestamptz: ['2026-01-01', '2026-01-01 00:00:00.000001', '2026-01-01 01:11:34.967296', 'infinity', '-infinity'],
  time: ['00:00', '24:00', '00:00:00.000001', '01:11:34.967296'],
  timetz: ['12:00+00', '13:00+01', '12:00+01', '00:00+00', '24:00+00'],
  interval: ['1 day', '24 hours', '1 month', '30 days', '720 hours', '0', '-1 day', '12 months', '1 year'],
  inet: ['10.0.0.1', '10.0.0.1/32', '10.0.0.1/8', '::1', '::ffff:10.0.0.1'],
  cidr: ['10.0.0.0/8', '10.0.0.0/16', '::/0'],
  macaddr: ['08:00:2b:01:02:03', '08:00:2b:01:02:04'],
  bit: ['0', '1'],
  varbit: ['', '0', '00', '1'],
  money: ['0', '1', '42949672.96', '42949672.97'],
  mood: ['sad', 'ok', ''],
  pair: ['(,)', '(1,)', '(,"")', '(1,"")', '("1","(")', '(1,",")'],
  'int8[]': ['{}', '{0}', '{4294967296}', '{4294967297}', '{{0}}', '[0:0]={0}', '{NULL}'],
  'text[]': ['{}', '{""}', '{NULL}', '{"NULL"}', '{"a,b"}', '{a,b}', '{"a\\\\"}', '{A,b}'],
  'numeric[]': ['{1}', '{1.0}', '{1,0}'],
  int4range: ['empty', '[1,2)', '[1,3)', '(,)', '[1,)'],
  nummultirange: ['{}', '{[1,2)}', '{[1.0,2)}', '{[1,2]}'],
  tsvector: ['', 'a', 'a:1', 'a:1A', 'b'],
  xml: ['<a/>', '<a></a>', '<?xml version="1.0" encoding="UTF-8"?><a/>', 'a', ''],
  point: ['(0,0)', '(-0,0)', '(0,1)', '(NaN,0)'],
  box: ['(1,1),(0,0)', '(2,0.5),(0,0)', '(1,1),(1,1)'],
  regclass: ['target', '"target "', '0', 'pg_class'],
  oid: ['0', '1', '4294967295'],
  pg_lsn: ['0/0', '1/0', '0/1', '1/FFFFFFFF'],
}

test('of every type, two values have the same fingerprint just when they have the same text', async () => {
  await admin.query(`
    create collation same (provider = icu, locale = 'und-u-ks-level1', deterministic = false)`)
  for (const [type, values] of Object.entries(VALUES)) {
    const rows = [...values, ...values].map((value, row) => `(${row}, ${quoted(value)}::${type})`)
    const sql = `select * from (values ${rows.join(', ')}, (1000, null), (1001, null)) as v (id, c)`
    const found = await digests({ sql }, { columns: ['c'] })
    assert.equal(found.length, rows.length + 2, type)
    for (const [, digest, text] of found) {
      for (const [, other, otherText] of found)
        assert.equal(digest === other, text === otherText, `${type}: ${text} and ${otherText}`)
    }
  }
})

test('the fingerprint of a bigint is that of all its bits', async () => {
  // Of these, hashint8extended makes one hash: it folds the upper half into the lower.
  const sql = `select g as id, v from (select g, ((g << 32) | g) as v from generate_series(0::int8, 2000) as g) as n`
  const folded = await admin.query<{ n: string }>(
    `select count(distinct hashint8extended(v, 1)) as n from (${sql}) as m`,
  )
  assert.equal(folded.rows[0]?.n, '1')
  const found = await digests({ sql }, { columns: ['v'] })
  assert.equal(new Set(found.map(([, digest]) => digest)).size, 2001)
})

test('values that change places, and the same change in two columns, are another row', async () => {
  const sql = `select * from (values (1, 'x', 'y', 'x', 'y', 1, 2), (2, 'y', 'x', 'x', 'y', 1, 2), (3, 'x', 'y', 'y', 'x', 1, 2),
    (4, 'x', 'y', 'x', 'y', 2, 1), (5, 'y', 'y', 'x', 'y', 1, 2), (6, 'z', 'y', 'z', 'y', 1, 2), (7, null, 'y', 'x', 'y', 1, 2),
    (8, 'x', null, 'x', null, 1, 2), (9, 'x', 'y', 'x', 'y', null, 2), (10, 'x', 'y', 'x', 'y', 1, null))
    as v (id, a, b, c, d, e, f)`
  const found = await digests({ sql }, { columns: ['a', 'b', 'c', 'd', 'e', 'f'] })
  assert.equal(new Set(found.map(([, digest]) => digest)).size, 10)
})

test('another seed is another fingerprint, and the same one is the same again', async () => {
  const sql = 'select g as id from generate_series(1, 50) as g'
  const [one, again, other] = [
    await digests({ sql }),
    await digests({ sql }),
    await digests({ sql }, { seed: { high: 1, low: 2 } }),
  ]
  assert.deepEqual(one, again)
  assert.equal(new Set([...one, ...other].map(([, digest]) => digest)).size, 100)
})

/** A value of some type, often one that is like another. */
function randomValue(random: Random): string {
  const type = random.pick(
    Object.keys(VALUES).filter((name) => name === 'text' || name === 'int8' || name === 'numeric'),
  )
  return random.pick(VALUES[type] as readonly string[])
}

test('rows of random texts have the same fingerprint just when they are the same', async () => {
  for (const seed of seeds(4)) {
    await withSeed(seed, FILE, async (random) => {
      const rows = Array.from({ length: 400 }, (_, id) => {
        const values = Array.from({ length: 3 }, () => (random.chance(0.2) ? 'null' : quoted(randomValue(random))))
        return `(${id}, ${values.join(', ')})`
      })
      const sql = `select * from (values ${rows.join(', ')}) as v (id, a, b, c)`
      const found = await digests({ sql }, { columns: ['a', 'b', 'c'] })
      const byText = new Map<string, string>()
      for (const [, digest, ...texts] of found) {
        const text = JSON.stringify(texts)
        assert.equal(byText.get(text) ?? digest, digest)
        byText.set(text, digest as string)
      }
      assert.equal(new Set(byText.values()).size, byText.size)
    })
  }
})

test('keys and fingerprints alone are those of the whole lines, and whole lines are fetched in their order', async () => {
  await admin.query(`
    create table many (tenant text, id int8, at date, n numeric, note text);
    insert into many select 'ten' || g % 7, g, date '2026-01-01' + g, g / 3.0, repeat('x', g % 50)
    from generate_series(1, 20000) as g;
    create unique index on many (tenant collate "C", id); create unique index on many (id); analyze many`)
  const model = { table: 'many' }
  for (const key of [['id'], ['tenant', 'id']]) {
    const wholes = await digests(model, { key })
    await reading(model, { key, rows: 'changed' }, async (sent, short) => {
      assert.deepEqual(
        short,
        wholes.map((row) => row.slice(0, key.length + 1)),
      )
      assert.equal(sent.digest, key.length)
      assert.deepEqual(sent.layout.columns, [])
      const wanted = wholes.filter((_, row) => row % 20 === 3)
      for (let from = 0; from < wanted.length; from += 300) {
        const some = wanted.slice(from, from + 300)
        const keys = some.map((row) => row.slice(0, key.length) as string[])
        assert.deepEqual(await lines(sent.whole?.fetch(keys) as Reading['rows']), some)
      }
      assert.deepEqual(await lines(sent.whole?.fetch([key.map(() => '-1')]) as Reading['rows']), [])
    })
    await backendsGone(admin)
  }
})

test('keys of every encoding are fetched', async () => {
  await admin.query(
    `
    create table keys as select g as i, decode(lpad(to_hex(g), 4, '0'), 'hex') as b, lpad(g::text, 32, '0')::uuid as u,
      date '2026-01-01' + g as d, timestamp '2026-01-01' + g * interval '1 us' as t,
      timestamptz '2026-01-01' + g * interval '1 us' as z, E'\\\\' || chr(g + 300) || '''' as x, g / 7.0 as n
    from generate_series(-50, 50) as g`.replace('-50, 50', '0, 100'),
  )
  for (const column of ['i', 'b', 'u', 'd', 't', 'z', 'x', 'n']) {
    const wholes = await digests({ table: 'keys' }, { key: [column] })
    await reading({ table: 'keys' }, { key: [column], rows: 'changed' }, async (sent) => {
      assert.deepEqual(
        await lines(sent.whole?.fetch(wholes.map(([key]) => [key as string])) as Reading['rows']),
        wholes,
      )
    })
  }
})

const NOT_FETCHED = {
  'no index finds their rows': ['select id::text || note as id, n from many', /no index/],
  'a limit may give others': ['select * from many limit 10000', /\(Limit\)/],
  'an aggregate may': ['select id, string_agg(note, note) as t from many group by id', /\(\w*Aggregate\)/],
  'a window does': ['select *, row_number() over (order by id) as r from many', /\(WindowAgg\)/],
} as const

for (const [why, [sql, note]] of Object.entries(NOT_FETCHED)) {
  test(`rows are read as a whole where ${why}, and the reading says so`, async () => {
    await reading({ sql }, { rows: 'changed' }, async (sent, rows) => {
      assert.equal(sent.whole, undefined)
      assert.match(sent.notes?.join() ?? '', note)
      assert.equal(rows[0]?.length, 2 + sent.layout.columns.length)
    })
    await backendsGone(admin)
  })
}

test('part of a model is read as a whole, with the fingerprints it has in all of it', async () => {
  const wholes = await digests({ table: 'many' })
  for (const part of [{ limit: 3 }, { keys: [['3'], ['7']] }]) {
    const found = await digests({ table: 'many' }, { rows: 'changed', part })
    assert.deepEqual(found, 'limit' in part ? wholes.slice(0, 4) : [wholes[2], wholes[6]])
  }
})

test('a cursor sends the same lines, where the server allows no COPY', async () => {
  const [copied, fetched] = [
    await digests({ table: 'many' }),
    await digests({ table: 'many', read: 'cursor' }, { rows: 'changed' }),
  ]
  assert.deepEqual(fetched, copied)
})

test('a fetch whose connection is gone, or that is given up, is an error, and leaves nothing behind', async () => {
  await reading({ table: 'many' }, { rows: 'changed' }, async (sent) => {
    const given = sent.whole?.fetch([['1']]) as Reading['rows']
    given.read(0)
    given.destroy(new Error('given up'))
    await assert.rejects(lines(given), /given up/)
    await assert.rejects(lines(sent.whole?.fetch([['1']]) as Reading['rows']), { code: 'connection_lost' })
  })
  await backendsGone(admin)
  await reading({ table: 'many' }, { rows: 'changed' }, async (sent) => {
    for (const pid of await backends(admin)) await admin.query(`select pg_terminate_backend(${pid})`)
    await assert.rejects(lines(sent.whole?.fetch([['1']]) as Reading['rows']), { code: 'connection_lost' })
  })
  await backendsGone(admin)
})

test('a database of another encoding computes fingerprints, too', async () => {
  await admin.query("create database latin encoding 'LATIN1' template template0 locale 'C'")
  const url = server.url.replace(/postgres$/, 'latin')
  await using latin = await administer(url)
  await latin.query(
    "create table words as select 'é' || g as id, repeat('ü', g) as v from generate_series(1, 300) as g",
  )
  const wholes = await digests({ table: 'words' }, { url })
  assert.equal(new Set(wholes.map(([, digest]) => digest)).size, 300)
  await reading({ table: 'words' }, { url, rows: 'changed' }, async (sent, rows) => {
    assert.deepEqual(
      rows,
      wholes.map((row) => row.slice(0, 2)),
    )
    const keys = wholes.map(([key]) => [key as string])
    assert.deepEqual(await lines(sent.whole?.fetch(keys) as Reading['rows']), wholes)
  })
})

test('several connections read keys and fingerprints too', async () => {
  await admin.query(`create table large as select g::int8 as id, 'row ' || g as note from generate_series(1, 220000) as g;
    create unique index on large (id); analyze large`)
  const alone = await digests({ table: 'large' }, { rows: 'changed' })
  await reading({ table: 'large', parallel: 2 }, { rows: 'changed' }, async (sent, rows) => {
    assert.deepEqual(sent.notes, [])
    assert.deepEqual(rows, alone)
    assert.equal((await lines(sent.whole?.fetch([['7'], ['219999']]) as Reading['rows']))[1]?.at(-1), 'row 219999')
  })
  await backendsGone(admin)
})

test('what is fetched comes from the snapshot of the reading, whatever has been written since', async () => {
  await admin.query('create table moving as select g as id, 1 as n from generate_series(1, 100) as g')
  await using source = await openModel(server.url, { table: 'moving', digest: true })
  const signal = new AbortController().signal
  const sent = await source.read({ key: ['id'], columns: ['id', 'n'], signal, digest: { seed: SEED, rows: 'changed' } })
  await admin.query('update moving set n = 2; delete from moving where id = 7')
  await lines(sent.rows)
  const rows = await lines(sent.whole?.fetch([['7'], ['8']]) as Reading['rows'])
  assert.deepEqual(
    rows.map((row) => row.slice(2)),
    [
      ['7', '1'],
      ['8', '1'],
    ],
  )
})

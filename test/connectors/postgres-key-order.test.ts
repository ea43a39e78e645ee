import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type pg from 'pg'
import { planRead } from '../../src/connectors/postgres-read-plan.ts'
import { decodeKey } from '../../src/core/key-text.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { administer, READERS, readModel } from '../support/postgres-reading.ts'

let server: TestPostgres
let admin: pg.Client & AsyncDisposable

before(async () => {
  server = await startPostgres()
  admin = await administer(server.url)
  await admin.query(`
    create type mood as enum ('sad', 'ok', 'happy');
    create domain email as text collate "und-x-icu" check (value like '%');
    create type pair as (a int, b text)`)
})

after(async () => {
  await admin[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** Different texts of which many share a start, and which UTF-16 and UTF-8 order differently. */
const texts = fc.sample(
  fc.string({
    unit: fc.constantFrom(
      'a',
      'b',
      'B',
      'Z',
      '_',
      ' ',
      '-',
      'é',
      'ß',
      '\t',
      '\n',
      '\\',
      '\x01',
      '\x7f',
      '\ud7ff',
      '\ue000',
      '\uffff',
      '😀',
      '𐀀',
      '\u{10ffff}',
    ),
    maxLength: 6,
  }),
  { numRuns: 600, seed: 1 },
)
const integers = (min: bigint, max: bigint) =>
  fc
    .sample(fc.oneof(fc.bigInt({ min, max }), fc.bigInt({ min: -300n < min ? min : -300n, max: 300n })), {
      numRuns: 300,
      seed: 2,
    })
    .concat(min, max)
    .map(String)
const bytes = fc
  .sample(fc.uint8Array({ maxLength: 5 }), { numRuns: 300, seed: 3 })
  .map((value) => `\\x${Buffer.from(value).toString('hex')}`)
const moments = fc
  .sample(
    fc.tuple(
      fc.integer({ min: 1, max: 294000 }),
      fc.integer({ min: 1, max: 28 }),
      fc.integer({ min: 0, max: 86_399_999_999 }),
      fc.boolean(),
    ),
    { numRuns: 300, seed: 4 },
  )
  .map(([year, day, micros, ancient]) => {
    const seconds = Math.floor(micros / 1e6)
    const clock = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map((part) =>
      String(part).padStart(2, '0'),
    )
    const written = ancient ? (year % 4713) + 1 : year
    return `${String(written).padStart(4, '0')}-${String((day % 11) + 2).padStart(2, '0')}-${String(day).padStart(2, '0')} ${clock.join(':')}.${String(micros % 1e6).padStart(6, '0')}${ancient ? ' BC' : ''}`
  })
  .concat(
    'infinity',
    '-infinity',
    '4713-02-01 00:00:00 BC',
    '0001-01-01 00:00:00 BC',
    '0001-01-01 00:00:00',
    '1969-12-31 23:59:59.999999',
  )

/** Type, and texts that it takes; equal values are dropped by the database. */
const TYPES: readonly (readonly [string, readonly string[]])[] = [
  ['int2', integers(-32768n, 32767n)],
  ['int4', integers(-(2n ** 31n), 2n ** 31n - 1n)],
  ['int8', integers(-(2n ** 63n), 2n ** 63n - 1n)],
  ['oid', integers(0n, 2n ** 32n - 1n)],
  ['text', texts],
  ['varchar(40)', texts],
  ['email', texts],
  ['name', texts.filter((text) => text !== '')],
  ['char(8)', texts],
  ['uuid', fc.sample(fc.uuid(), { numRuns: 300, seed: 5 })],
  ['bytea', bytes],
  ['bool', ['true', 'false']],
  ['date', moments],
  ['timestamp', moments],
  ['timestamptz', moments],
  [
    'numeric',
    [
      '0',
      '-1',
      '1.0',
      '10',
      '9',
      '1e30',
      '-0.000000000000000000001',
      '123456789012345678901234567890.5',
      'NaN',
      'Infinity',
      '-Infinity',
    ],
  ],
  ['float8', ['0', '-0', '1e-300', '1e300', 'NaN', 'Infinity', '-Infinity', '0.1', '-2.5', '10']],
  ['float4', ['0', '1.5', '-1e-30', '3e38', 'NaN', '16777217']],
  ['mood', ['sad', 'ok', 'happy']],
  ['inet', ['10.0.0.1', '10.0.0.1/8', '9.0.0.0', '::1', '10.0.0.0/24', '255.255.255.255']],
  ['cidr', ['10.0.0.0/8', '10.0.0.0/16', '::/0', '9.0.0.0/8']],
  ['interval', ['1 day', '24 hours', '-1 mon', '1 year 2 mons', '0.000001 sec']],
  ['time', ['00:00:00', '24:00:00', '12:34:56.789']],
  ['timetz', ['12:00:00+02', '12:00:00-11:30']],
  ['jsonb', ['{}', '[]', '"a"', '1', 'null', '{"a": 1}', '{"b": "\\t"}']],
  ['int[]', ['{}', '{1,2}', '{10}', '{NULL}', '{2}']],
  ['text[]', ['{}', '{a,b}', '{"a b"}', '{"\\\\"}']],
  ['char(3)[]', ['{a}', '{a,b}', '{ab}']],
  ['int4range', ['empty', '[1,10)', '[2,3)', '(,5)']],
  ['bit(3)', ['000', '101', '111']],
  ['"char"', ['a', 'b', '\\200', '\\377']],
  ['pair', ['(1,a)', '(10,b)', '(2,)', '(2,"x y")']],
  ['macaddr', ['08:00:2b:01:02:03', '00:00:00:00:00:01']],
]

for (const [type, values] of TYPES) {
  test(`sorts keys of type ${type} as their bytes`, async () => {
    const distinct = `select distinct on (v::text collate "C") v as k, 'x' as other
                      from unnest(:values::text[]) as given (t), lateral (select t::${type} as v) as typed`
    const sql = `select k, other from (${distinct}) as shuffled order by md5(k::text)`
    const array = `{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`
    for (const read of READERS) {
      for (const columns of [['k', 'other'], ['other']]) {
        const { keys, rows, end } = await readModel(server.url, {
          read,
          sql,
          params: { values: array },
          key: ['k'],
          columns,
        })
        assert.ok(rows.length > 1 && rows.length <= values.length)
        assert.equal(end?.rows, rows.length)
        for (let row = 1; row < keys.length; row++) {
          const [before, after] = [keys[row - 1] as Buffer, keys[row] as Buffer]
          assert.equal(
            Buffer.compare(before, after),
            -1,
            `row ${row}: ${before.toString('hex')}, ${after.toString('hex')}`,
          )
        }
      }
    }
  })
}

test('reads a key that prints otherwise as the text that it is sorted and found by', async () => {
  const { keys, rows, layout } = await readModel(server.url, {
    sql: `select * from (values ('10.0.0.1'::inet, 'a'), ('10.0.0.1/8', 'b')) as model (ip, name)`,
    key: ['ip'],
  })
  assert.equal(layout.extra, 0)
  assert.deepEqual(rows, [
    ['10.0.0.1/32', 'a'],
    ['10.0.0.1/8', 'b'],
  ])
  assert.equal(String(keys[0]), '10.0.0.1/32')
})

test('sorts composite keys part by part, shorter texts first', async () => {
  const sql = `select a, b, c, d from unnest(array['', 'a', 'a b', 'a!', 'ab', 'é', '😀', chr(65535)]) a,
                 generate_series(-2, 2) b, unnest(array['x', 'x' || chr(1), 'X']) c, unnest(array['2024-01-01'::date, 'infinity', '0044-03-15 BC']) d`
  for (const read of READERS) {
    const { keys, rows, layout } = await readModel(server.url, {
      read,
      sql,
      key: ['a', 'c', 'd', 'b'],
      columns: ['b', 'd', 'a'],
    })
    assert.equal(rows.length, 8 * 5 * 3 * 3)
    assert.equal(layout.extra, 1)
    for (let row = 1; row < keys.length; row++) {
      assert.equal(Buffer.compare(keys[row - 1] as Buffer, keys[row] as Buffer), -1)
    }
    const encodings = layout.key.map((part) => part.encoding)
    const [c, b, d, a] = rows[17] as string[]
    assert.deepEqual(decodeKey(encodings, keys[17] as Buffer), [a, c, d, b])
  }
})

test('leaves rows with a null key where the planner puts them', async () => {
  for (const read of READERS) {
    const { keys, rows } = await readModel(server.url, {
      read,
      sql: `select * from (values (2, 'b'), (null, 'c'), (1, null), (1, 'a')) as model (id, name)`,
      key: ['id', 'name'],
    })
    assert.deepEqual(rows, [
      ['1', 'a'],
      ['1', null],
      ['2', 'b'],
      [null, 'c'],
    ])
    assert.deepEqual(
      keys.map((key) => key === null),
      [false, true, false, true],
    )
  }
})

test('sorts by UTF-8 bytes where the database stores its texts in another encoding', async () => {
  await admin.query(`create database latin9 template template0 encoding 'LATIN9' locale 'C'`)
  const url = server.url.replace(/postgres$/, 'latin9')
  for (const read of READERS) {
    for (const columns of [['word', 'n'], ['n']]) {
      const { keys, rows } = await readModel(url, {
        read,
        sql: `select word, 1 as n from unnest(array['é', '€', 'ÿ', 'Ÿ', 'a', 'Š']) as words (word)`,
        key: ['word'],
        columns,
      })
      assert.deepEqual(
        rows.map((row) => row[0]),
        ['a', 'é', 'ÿ', 'Š', 'Ÿ', '€'],
      )
      for (let row = 1; row < keys.length; row++) {
        assert.equal(Buffer.compare(keys[row - 1] as Buffer, keys[row] as Buffer), -1)
      }
    }
  }
})

test('uses an index that has the order of the key', async () => {
  await admin.query(`
    create table indexed (id bigint primary key, code text collate "C" unique, name varchar(30) collate "C" unique);
    insert into indexed select g, 'code ' || g, 'name ' || g from generate_series(1, 20000) g;
    analyze indexed`)
  const column = { kind: 'text', readsAsText: true } as const
  const model = [
    { ...column, name: 'id', type: 'bigint', keyEncoding: 'integer' },
    { ...column, name: 'code', type: 'text', keyEncoding: 'text' },
    { ...column, name: 'name', type: 'character varying(30)', keyEncoding: 'text' },
  ] as const
  for (const { name } of model) {
    const { select, orderBy } = planRead(model, { key: [name], columns: ['id'] }, 'UTF8')
    const query = `explain select ${select} from (\nselect * from indexed\n) as model${orderBy} limit 5`
    const { rows } = await admin.query<{ 'QUERY PLAN': string }>(query)
    assert.match(rows.map((row) => row['QUERY PLAN']).join('\n'), /Index (Only )?Scan using/)
  }
})

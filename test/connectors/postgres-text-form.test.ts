import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type pg from 'pg'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { administer, READERS, readModel } from '../support/postgres-reading.ts'

let server: TestPostgres
let admin: pg.Client & AsyncDisposable

before(async () => {
  server = await startPostgres()
  admin = await administer(server.url)
  await admin.query(`
    create type mood as enum ('sad', 'ok', 'happy');
    create domain email as text check (value like '%');
    create type pair as (a int, b text);
    create table everything (
      id int2 primary key, i4 int4, i8 int8, n numeric, n2 numeric(50,20), f4 float4, f8 float8, t text, v varchar(100),
      c char(6), b bytea, j json, jb jsonb, ia int[], ta text[], u uuid, d date, ts timestamp, tz timestamptz, tm time,
      tmz timetz, iv interval, ip inet, cd cidr, m mood, e email, p pair, r int4range, mr nummultirange, bt bit(5),
      vb varbit, x xml, bo bool, pt point, mac macaddr, o oid, nm name, ch "char", tv tsvector, mo money)`)
  await admin.query('insert into everything (id) values (0)')
  await admin.query(String.raw`insert into everything values
    (1, -2147483648, -9223372036854775808, 1234567890123456789012345678901234567890.0123456789, 1.5, 'NaN', 'NaN',
     E'tab\tnew\nline\rreturn\r\n\\N \\. \\ \b\f\v\x01\x7f', U&'\+01F600 \00e9 \FFFF \+10FFFF', 'ab', '\x00ff5c6e',
     '{"a" :  [1, "\n"]}', '{"b": "\t", "a": 1.10}', '{1,NULL,-3}', '{"a,b","c\\d",NULL,"NULL",""}',
     'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 'infinity', '-infinity', '2024-03-31 02:30:00.123456+05:45', '24:00',
     '12:00+02', '1 year -2 mons 3 days 04:05:06.7', '10.1.2.3/8', '10.0.0.0/8', 'happy', 'o''brien@x',
     '(1,"a b\\c")', '[1,5)', '{[1.5,2],(3,4)}', '10101', '1', E'<a b="c">\n\t&amp;</a>', true, '(1.5,-2)',
     '08:00:2b:01:02:03', 4294967295, 'name', '\200', '''a'':1 ''b\\c'':2', -1234.56),
    (2, 2147483647, 9223372036854775807, -0.0000000000000000000000000000000000000001, -1e29, 'Infinity', '-Infinity',
     '', '\', '', '\x', 'null', '"x"', '{}', '{}', '00000000-0000-0000-0000-000000000000', '0044-03-15 BC',
     '4713-01-01 00:00:00 BC', 'infinity', '00:00:00.000001', '00:00-15:59', '-1 microsecond', '::1', '::/0', 'sad',
     '', '(,)', 'empty', '{}', '00000', '', 'text only', false, '(NaN,Infinity)', '00:00:00:00:00:00', 0, '', 'a',
     '', 0),
    (3, 0, 0, 'NaN', 0.00000000000000000001, '-0', '-0', 'a', 'a', 'a', '\xdeadbeef', '[]', '[]', '[2:3]={1,2}',
     '{{a},{b}}', 'ffffffff-ffff-ffff-ffff-ffffffffffff', '5874897-12-31', '294276-12-31 23:59:59.999999',
     '0001-01-01 00:00:00+00 BC', '23:59:59.999999', '12:34:56.789-03:30', 'P1Y2M3DT4H5M6S', '2001:db8::/32',
     '192.168.0.0/24', 'ok', 'x', '(1,)', '(,)', '{(,)}', '11111', '1010',
     '<?xml version="1.0" encoding="UTF-8"?><a/>', true, '(0,0)', 'ff:ff:ff:ff:ff:ff', 1, 'x', 'b', 'word',
     '92233720368547758.07'),
    (4, 1, 1, 'Infinity', 1, 1.1, 0.1, 'a', 'a', 'a', '\x41', '1', '1', '{1}', '{x}',
     'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '2024-02-29', '2024-02-29 12:00:00', '1900-01-01 00:00:00+00:19:32',
     '12:00', '12:00+00', '0', '1.2.3.4', '1.2.3.4', 'ok', 'a', '(0,"")', '(1,2)', '{(1,2)}', '00001', '0', '<a/>',
     true, '(1e-300,1e300)', '01:02:03:04:05:06', 2, 'y', 'c', 'x', 1)`)
})

after(async () => {
  await admin[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

test('reads byte for byte the same lines with both readers', async () => {
  const [copied, fetched] = await Promise.all(
    READERS.map((read) => readModel(server.url, { read, table: 'everything' })),
  )
  assert.equal(copied?.rows.length, 5)
  assert.deepEqual(fetched?.rows, copied?.rows)
  assert.ok(fetched?.bytes.equals(copied?.bytes as Buffer))
})

test('reads every value as the text that Postgres prints, to the last digit', async () => {
  const { rows, layout } = await readModel(server.url, { table: 'everything' })
  const value = (row: number, column: string) =>
    rows[row]?.[layout.columns.findIndex((candidate) => candidate.name === column)]
  assert.ok(rows[0]?.slice(1).every((field) => field === null))
  assert.equal(value(1, 'i8'), '-9223372036854775808')
  assert.equal(value(1, 'n'), '1234567890123456789012345678901234567890.0123456789')
  assert.equal(value(2, 'n'), '-0.0000000000000000000000000000000000000001')
  assert.equal(value(4, 'f8'), '0.1')
  assert.equal(value(3, 'f4'), '-0')
  assert.equal(value(1, 't'), 'tab\tnew\nline\rreturn\r\n\\N \\. \\ \b\f\v\x01\x7f')
  assert.equal(value(1, 'v'), '😀 é \uffff \u{10ffff}')
  assert.equal(value(1, 'c'), 'ab    ')
  assert.equal(value(1, 'b'), '\\x00ff5c6e')
  assert.equal(value(1, 'j'), '{"a" :  [1, "\\n"]}')
  assert.equal(value(1, 'ta'), '{"a,b","c\\\\d",NULL,"NULL",""}')
  assert.equal(value(1, 'tz'), '2024-03-30 20:45:00.123456+00')
  assert.equal(value(4, 'tz'), '1899-12-31 23:40:28+00')
  assert.equal(value(2, 'd'), '0044-03-15 BC')
  assert.equal(value(3, 'iv'), 'P1Y2M3DT4H5M6S')
  assert.equal(value(1, 'bo'), 't')
})

test('prints values the same whatever the role has set', async () => {
  await admin.query(`
    create role odd login;
    grant select on everything to odd;
    alter role odd set datestyle = 'SQL, DMY';
    alter role odd set timezone = 'Asia/Kathmandu';
    alter role odd set intervalstyle = 'postgres_verbose';
    alter role odd set extra_float_digits = -10;
    alter role odd set bytea_output = 'escape';
    alter role odd set client_encoding = 'LATIN1';
    alter role odd set standard_conforming_strings = off;
    alter role odd set default_transaction_isolation = 'read committed';
    alter role odd set search_path = ''`)
  const model = {
    sql: String.raw`select id, t, v, tz, d, iv, f8, b from public.everything where 'a\b''' = :text`,
    params: { text: "a\\b'" },
  }
  const plain = await readModel(server.url, model)
  assert.equal(plain.rows.length, 5)
  for (const read of READERS) {
    const odd = await readModel(server.url.replace('postgres@', 'odd@'), { ...model, read })
    assert.deepEqual(odd.rows, plain.rows)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { counts, type Ends, serverForTests } from '../support/ends.ts'

const tests = serverForTests(async ({ admin }) => {
  await admin.query(`
    CREATE TYPE mood AS ENUM ('ok', 'so, so', ''); CREATE DOMAIN positive AS numeric CHECK (value > 0);
    CREATE TYPE place AS (name text, number int)`)
})

/** One column of each type, with values at the edges of what it holds. */
const COLUMNS: Readonly<Record<string, { readonly type: string; readonly values: readonly string[] }>> = {
  i2: { type: 'int2', values: ['-32768', '32767', '0'] },
  i4: { type: 'int4', values: ['-2147483648', '2147483647'] },
  i8: { type: 'int8', values: ['-9223372036854775808', '9223372036854775807', '9007199254740993'] },
  exact: {
    type: 'numeric',
    values: [
      '1234567890123456789012345678901234567890',
      '0.1234567890123456789012345678901234567890',
      '1.10',
      '1.100',
      'NaN',
      'Infinity',
      '-Infinity',
    ],
  },
  price: { type: 'numeric(12,2)', values: ['-0.01', '9999999999.99', '5'] },
  f4: { type: 'float4', values: ['3.1415927', 'NaN', 'Infinity', '-Infinity', '1e-37', '-0'] },
  f8: { type: 'float8', values: ['0.1', 'NaN', 'Infinity', '-Infinity', '1.7976931348623157e308', '5e-324', '1e15'] },
  flag: { type: 'bool', values: ['true', 'false'] },
  words: {
    type: 'text',
    values: [
      '',
      '\u{1f9d1}\u{1f3fd}‍\u{1f680} ü \uffff',
      'a\r\nb\nc\rd',
      'tab\tbed',
      '\\N',
      '\\',
      '\\.',
      'C:\\new\\t',
      "'",
      ' NULL ',
    ],
  },
  short: { type: 'varchar(8)', values: ['', 'ünïcödé'] },
  padded: { type: 'char(5)', values: ['ab', ''] },
  bytes: { type: 'bytea', values: ['', '\\x00ff0a095c', '\\x5c78'] },
  json: { type: 'json', values: ['{"b": 1,  "a": [null, 1.0, "\\u0041\\n"], "b": 2}', 'null', '"\\\\"'] },
  jsonb: { type: 'jsonb', values: ['{"b": 1, "a": [null, 12345678901234567890.0, "\\t"]}', '""', '[]'] },
  ints: { type: 'int4[]', values: ['{}', '{1,NULL,3}', '{{1,2},{3,4}}', '[0:1]={5,6}'] },
  texts: { type: 'text[]', values: ['{"a,b","c\\"d","e\\\\f","",NULL,"NULL","x\ty"}'] },
  id_: { type: 'uuid', values: ['00000000-0000-0000-0000-000000000000', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'] },
  day: { type: 'date', values: ['2026-02-28', 'infinity', '-infinity', '0044-03-15 BC', '5874897-12-31'] },
  clock: { type: 'time', values: ['24:00:00', '00:00:00.000001'] },
  clock_zone: { type: 'timetz', values: ['04:05:06.789-08', '00:00:00+15:59'] },
  moment: { type: 'timestamp', values: ['2026-11-22 18:00:00.123456', 'infinity', '0001-01-01 00:00:00 BC'] },
  instant: {
    type: 'timestamptz',
    values: [
      '2026-11-22 18:00:00.1+05:30',
      'infinity',
      '-infinity',
      '4713-01-01 00:00:00+00 BC',
      '294276-12-31 23:59:59.999999+00',
    ],
  },
  span: { type: 'interval', values: ['1 year -2 mons 3 days -04:05:06.789', '0', '-178000000 years', 'infinity'] },
  host: { type: 'inet', values: ['192.168.0.1', '10.0.0.0/8', '::1', '2001:db8::/32'] },
  net: { type: 'cidr', values: ['192.168.0.0/24', '::/0'] },
  card: { type: 'macaddr', values: ['08:00:2b:01:02:03'] },
  mood: { type: 'public.mood', values: ['ok', 'so, so', ''] },
  positive: { type: 'public.positive', values: ['1', '12345678901234567890123'] },
  place: { type: 'public.place', values: ['("a, ""b""",1)', '(,)', '("",-1)'] },
  numbers: { type: 'int8range', values: ['empty', '[1,5)', '(,)', '[9223372036854775806,)'] },
  times: { type: 'tstzrange', values: ['["2026-01-01 00:00:00+00","2026-01-02 00:00:00+00")', '[-infinity,infinity]'] },
  multi: { type: 'int4multirange', values: ['{}', '{[1,2),[5,9)}'] },
  bits: { type: 'bit(8)', values: ['10101010'] },
  more_bits: { type: 'bit varying', values: ['', '1'] },
  markup: { type: 'xml', values: ['<a b="1">\n<c/>&amp;</a>', 'just text'] },
  coins: { type: 'money', values: ['-12.34', '92233720368547758.07'] },
  point: { type: 'point', values: ['(1.5,-0.1)', '(Infinity,NaN)'] },
  search: { type: 'tsvector', values: ["'a':1A 'b c':2", ''] },
  wal: { type: 'pg_lsn', values: ['16/B374D848'] },
  'odd "name"': { type: 'text', values: ['x'] },
  ['__proto__']: { type: 'text', values: ['y'] },
  constructor: { type: 'text', values: ['z'] },
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
const literal = (text: string | undefined) => (text === undefined ? 'NULL' : `'${text.replaceAll("'", "''")}'`)

/** As many rows as the longest list of values, and one of nulls. */
async function makeModel({ source }: Ends): Promise<number> {
  const columns = Object.entries(COLUMNS)
  await source.execute(
    `CREATE TABLE model (id int8 PRIMARY KEY, ${columns.map(([name, { type }]) => `${quoted(name)} ${type}`).join(', ')})`,
  )
  const rows = Math.max(...columns.map(([, { values }]) => values.length)) + 1
  for (let row = 0; row < rows; row++) {
    await source.execute(
      `INSERT INTO model VALUES (${row}, ${columns.map(([, { values }]) => literal(values[row])).join(', ')})`,
    )
  }
  return rows
}

/** Rows of one table that the other lacks, as the server prints them. */
async function differences(ends: Ends): Promise<(string | null)[][]> {
  const [[from], [to]] = [
    await ends.source.rows('SELECT current_schema'),
    await ends.destination.rows('SELECT current_schema'),
  ]
  const [model, users] = [`SELECT t::text FROM ${from}.model t`, `SELECT t::text FROM ${to}.users t`]
  return ends.source.rows(`((${model}) EXCEPT (${users})) UNION ALL ((${users}) EXCEPT (${model}))`)
}

for (const read of ['copy', 'cursor'] as const) {
  for (const create of [true, false]) {
    test(`postgres: every type arrives as it is, read by ${read}, in a table that ${create ? 'is created' : 'exists'}`, async () => {
      await using ends = await tests.server.ends('postgres')
      const rows = await makeModel(ends)
      const [from] = (await ends.source.rows('SELECT current_schema'))[0] ?? []
      if (!create) await ends.destination.execute(`CREATE TABLE users (LIKE ${from}.model INCLUDING ALL)`)
      const sync = {
        source: { connection: 'warehouse', table: 'model', read },
        destination: { connection: 'target', table: 'users', create },
      } as const
      const first = await ends.run(sync)
      assert.deepEqual(first.issues, [])
      assert.deepEqual(first.report.counts, counts({ read: rows, inserted: rows }))
      assert.deepEqual(await differences(ends), [])
      const second = await ends.run(sync)
      assert.deepEqual(second.report.counts, counts({ read: rows, unchanged: rows }))
      assert.equal(second.report.requests.sent, 0)

      // Neither way to read says anything else than the other.
      const otherwise = await ends.run({
        source: { ...sync.source, read: read === 'copy' ? 'cursor' : 'copy' },
        destination: sync.destination,
      })
      assert.equal(otherwise.report.requests.sent, 0)

      // Every value as an update, to a record that holds another.
      await ends.destination.execute(
        `UPDATE users SET ${Object.keys(COLUMNS)
          .map((name) => `${quoted(name)} = NULL`)
          .join(', ')}`,
      )
      assert.equal((await ends.run(sync, { full: true })).report.counts.updated, rows)
      assert.deepEqual(await differences(ends), [])
    })
  }
}

for (const read of ['copy', 'cursor'] as const) {
  test(`sqlite: every type arrives as the source prints it, read by ${read}`, async () => {
    await using ends = await tests.server.ends('sqlite')
    const rows = await makeModel(ends)
    const sync = {
      source: { connection: 'warehouse', table: 'model', read },
      destination: { connection: 'target', table: 'users', create: true },
    } as const
    const { report, issues } = await ends.run(sync)
    assert.deepEqual(issues, [])
    assert.deepEqual(report.counts, counts({ read: rows, inserted: rows }))
    assert.equal((await ends.run(sync)).report.requests.sent, 0)

    await ends.source.execute(`SET IntervalStyle = 'iso_8601'; SET TimeZone = 'UTC'`)
    for (const [name, { type }] of Object.entries(COLUMNS)) {
      const sent = (await ends.source.rows(`SELECT ${quoted(name)} FROM model ORDER BY id`)).flat()
      const stored = (await ends.destination.rows(`SELECT ${quoted(name)} FROM users ORDER BY id`)).flat()
      assert.deepEqual(
        stored,
        sent.map((text) => inSqlite(type, text)),
        name,
      )
    }
  })
}

/** How a canonical text is stored: booleans as 0 and 1, floats as doubles, all else as it is printed. */
function inSqlite(type: string, text: string | null): string | null {
  if (text === null) return null
  if (type === 'bool') return text === 't' ? '1' : '0'
  return type.startsWith('float') ? String(Number(text)) : text
}

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { counts, runConfig, serverForTests } from '../support/ends.ts'

const { eachDestination } = serverForTests(async ({ admin }) => {
  await admin.query(`CREATE TYPE color AS ENUM ('red', 'green', 'Blue', 'a b', 'é'); CREATE DOMAIN code AS text`)
})

/** Keys of each type, in no order, with those at its edges among them. */
const KEYS: Readonly<Record<string, { readonly type: string; readonly keys: readonly string[] }>> = {
  smallint: { type: 'int2', keys: ['-32768', '0', '32767', '-1', '1', '10', '9'] },
  bigint: {
    type: 'int8',
    keys: ['-9223372036854775808', '9223372036854775807', '0', '-1', '9007199254740993', '10', '9'],
  },
  text: {
    type: 'text',
    keys: ['', 'a', 'B', 'é', '\u{1f600}', '\uffff', 'a\tb', 'a\\b', 'a\nb', '\\N', ' a', '10', '9', "o'clock"],
  },
  varchar: { type: 'varchar(9)', keys: ['', 'a', 'B', 'é', 'ab', 'a b', '10', '9'] },
  char: { type: 'char(3)', keys: ['a', 'B', 'é', 'ab', 'abc', '10', '9'] },
  uuid: {
    type: 'uuid',
    keys: ['0', '9', 'a', 'f', 'c', '3', '7'].map((digit) => `${digit.repeat(8)}-0000-4000-8000-000000000000`),
  },
  boolean: { type: 'bool', keys: ['true', 'false'] },
  bytes: { type: 'bytea', keys: ['\\x', '\\x00', '\\x0001', '\\xff', '\\x5c', '\\x0a', '\\x09'] },
  date: {
    type: 'date',
    keys: ['infinity', '-infinity', '0044-03-15 BC', '1969-12-31', '2026-11-22', '9999-12-31', '10000-01-01'],
  },
  timestamp: {
    type: 'timestamp',
    keys: [
      'infinity',
      '-infinity',
      '0001-01-01 BC',
      '1999-12-31 23:59:59.999999',
      '2000-01-01',
      '2026-11-22 18:00:00.1',
      '1969-12-31',
    ],
  },
  timestamptz: {
    type: 'timestamptz',
    keys: [
      'infinity',
      '-infinity',
      '0001-01-01 BC',
      '1999-12-31 23:59:59.999999',
      '2000-01-01',
      '2026-11-22 18:00+05:30',
      '1969-12-31',
    ],
  },
  numeric: { type: 'numeric(20,2)', keys: ['-1.10', '0', '10', '9', '123456789012345678.99', '-10', '0.01'] },
  enum: { type: 'public.color', keys: ['red', 'green', 'Blue', 'a b', 'é'] },
  domain: { type: 'public.code', keys: ['b', 'a', 'B', 'é', '10', '9'] },
  inet: { type: 'inet', keys: ['10.0.0.1', '9.0.0.1', '10.0.0.0/8', '::1', '255.255.255.255', '2001:db8::/32'] },
  array: { type: 'text[]', keys: ['{}', '{a,"b c"}', '{a,b}', '{NULL}', '{"\\\\","\t"}'] },
  jsonb: { type: 'jsonb', keys: ['{"a": 1}', '1', '10', '9', '"a\\n"', 'null', '[]'] },
  interval: { type: 'interval', keys: ['1 day', '2 hours', '-1 month', '0', '1 year 3 seconds'] },
  double: { type: 'float8', keys: ['-1.5', '0', '1e300', 'NaN', 'Infinity', '10', '9'] },
}

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`

for (const [name, { type, keys }] of Object.entries(KEYS)) {
  eachDestination(`records are found again by keys of type ${name}`, async (ends) => {
    const { source, destination } = ends
    const add = (some: readonly string[]) =>
      source.execute(`INSERT INTO model SELECT k::${type}, 'v' FROM unnest(ARRAY[${some.map(quoted)}]) k`)
    const sync = { key: 'k', destination: { connection: 'target', table: 'users', create: true } }
    const half = Math.ceil(keys.length / 2)
    await source.execute(`CREATE TABLE model (k ${type}, v text)`)
    await add(keys.slice(0, half))
    assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: half, inserted: half }))
    const quiet = await ends.run(sync)
    assert.deepEqual(quiet.report.counts, counts({ read: half, unchanged: half }))

    // The first leaves the model, the others change, the rest joins.
    await source.execute(`DELETE FROM model WHERE k = ${quoted(keys[0] as string)}::${type}; UPDATE model SET v = 'w'`)
    await add(keys.slice(half))
    const rest = keys.length - half
    const changed = await ends.run(sync)
    const expected = { read: keys.length - 1, inserted: rest, updated: half - 1, missing: 1, deleted: 1 }
    assert.deepEqual(changed.report.counts, counts(expected))
    assert.deepEqual(
      (await destination.rows('SELECT v FROM users')).flat().sort(),
      (await source.rows('SELECT v FROM model')).flat().sort(),
    )

    // With another index, every record is found by its key alone.
    await add(keys.slice(0, 1))
    await source.execute(`DELETE FROM model WHERE k = ${quoted(keys.at(-1) as string)}::${type}`)
    const config = { ...ends.config(sync), state: join(ends.folder, 'another') }
    const found = { read: keys.length - 1, inserted: 1, updated: keys.length - 2, missing: 1, deleted: 1 }
    assert.deepEqual((await runConfig(config)).report.counts, counts(found))
    assert.equal((await runConfig(config)).report.requests.sent, 0)
    assert.deepEqual(await destination.rows('SELECT count(*) FROM users'), [[String(keys.length - 1)]])
  })
}

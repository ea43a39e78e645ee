import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { counts, DESTINATIONS, type Ends, serverForTests } from '../support/ends.ts'

const tests = serverForTests()
const { eachDestination } = tests

/** Rows of NDJSON with a value each, and what becomes of it where it is kept as text. */
const TEXTS: Readonly<Record<string, string>> = {
  'CR, LF and both': 'a\r\nb\nc\rd',
  'a tab, a backslash and what COPY takes for null and for its end': 'a\tb\\\\N\\.\n\\N',
  'a text that ends in a backslash': 'a\\',
  'marks that turn the direction': '\u200f\u202e\u2066x\u2069',
  'an emoji of several characters': '\u{1f9d1}\u{1f3fd}\u200d\u{1f680}',
  'the last characters of each length in UTF-8': '\u007f\u0080\u07ff\u0800\uffff\u{10000}\u{10ffff}',
  'what controls a terminal': '\u001b[31m\u0007\u0008',
  'a formula': '=cmd|"/c calc"!A1',
  'a text that looks like null': 'NULL',
  SQL: `'); DROP TABLE users; --`,
  'an empty text': '',
  blanks: '  a  ',
  'a number that no double holds': '0.1234567890123456789012345678901234567890',
  'infinities of all kinds': 'Infinity -infinity NaN 1e400 -0',
}

async function load(ends: Ends, lines: readonly string[], types: Readonly<Record<string, 'text' | 'json'>> = {}) {
  const path = join(ends.folder, 'rows.ndjson')
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''))
  return ends.run({
    source: { file: path, rows: lines.length, types },
    destination: { connection: 'target', table: 'users', create: true },
  })
}

eachDestination('texts of every kind arrive to the byte', async (ends) => {
  const values = Object.values(TEXTS)
  const lines = values.map((value, id) => JSON.stringify({ id, value }))
  const { report, issues } = await load(ends, lines)
  assert.deepEqual(issues, [])
  assert.deepEqual(report.counts, counts({ read: values.length, inserted: values.length }))
  const found = await ends.destination.rows('SELECT value FROM users ORDER BY id')
  for (const [index, name] of Object.keys(TEXTS).entries()) assert.equal(found[index]?.[0], values[index], name)
  assert.equal((await load(ends, lines)).report.requests.sent, 0)
})

test('postgres: a text with U+0000 is refused by the name of its column, and its neighbours land', async () => {
  await using ends = await tests.server.ends('postgres')
  const lines = ['a', 'b\0c', 'd'].map((value, id) => JSON.stringify({ id, name: 'n', value }))
  const { report, issues } = await load(ends, lines)
  assert.deepEqual(report.counts, counts({ read: 3, inserted: 2, rejected: 1 }))
  assert.deepEqual(
    issues.map(({ key, code, message }) => [key, code, message]),
    [
      [
        '1',
        '22021',
        'column "value" gets a text with the character U+0000, which Postgres keeps in none: take it out in the model',
      ],
    ],
  )
  assert.equal(exitCodeOf(report), 3)
})

eachDestination('JSON of any depth arrives, or is refused by the database that has a limit', async (ends) => {
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`
  const { report, issues } = await load(ends, [`{"id":1,"value":${deep}}`, '{"id":2,"value":[1]}'])
  if (ends.type === 'sqlite') {
    assert.deepEqual(await ends.destination.rows('SELECT value FROM users WHERE id = 1'), [[deep]])
    assert.equal(report.status, 'succeeded')
  } else {
    assert.deepEqual(report.counts, counts({ read: 2, inserted: 1, rejected: 1 }))
    assert.deepEqual([issues[0]?.code, issues[0]?.key], ['54001', '1'])
    assert.match(issues[0]?.message ?? '', /^column "value": stack depth limit exceeded/)
  }
})

eachDestination('the order of members is no change of a row, and one within a value is', async (ends) => {
  const first = '{"id":0,"a":"w","value":{}}'
  await load(ends, [first, '{"id":1,"a":"x","value":{"b":1,"c":2}}'])
  const same = await load(ends, [first, '{"value":{"b":1,"c":2},"a":"x","id":1}'])
  assert.deepEqual(same.report.counts, counts({ read: 2, unchanged: 2 }))
  const other = await load(ends, [first, '{"id":1,"a":"x","value":{"c":2,"b":1}}'])
  assert.deepEqual(other.report.counts, counts({ read: 2, unchanged: 1, updated: 1 }))
})

eachDestination('a name twice within a value stays, where the column is made for texts', async (ends) => {
  const value = '{"a":1,"a":2}'
  const { report } = await load(ends, [`{"id":1,"value":${value}}`], { value: 'text' })
  assert.deepEqual(report.counts, counts({ read: 1, inserted: 1 }))
  assert.deepEqual(await ends.destination.rows('SELECT value FROM users'), [[value]])
})

/** Values of Postgres at the end of what its types hold, and beyond what others do. types.test.ts has those of each type. */
const EXTREMES: Readonly<Record<string, string>> = {
  'an hour that daylight saving leaves out': `timestamptz '2024-03-31 02:30:00 Europe/Berlin'`,
  'an hour that comes twice': `timestamptz '2024-10-27 02:30:00 Europe/Berlin'`,
  'a leap second': `timestamp '2016-12-31 23:59:60'`,
  'a date that CSV tools take for another': `date '0001-01-01 BC'`,
  'a month with a minus': `interval '-1 year 2 mons -3 days 04:00:00.000001'`,
  'an array with NULL and "NULL"': `ARRAY['a', NULL, 'NULL', '', '{', '"']`,
  'a bytea with each byte': `decode(string_agg_all.h, 'hex')`,
}

test('postgres: values at the edge arrive as they are, by every way to read', async () => {
  const columns = Object.values(EXTREMES).map((sql, index) => `${sql} AS v${index}`)
  const bytes = `(SELECT string_agg(lpad(to_hex(i), 2, '0'), '' ORDER BY i) AS h FROM generate_series(0, 255) i) AS string_agg_all`
  for (const read of ['copy', 'cursor'] as const) {
    await using ends = await tests.server.ends('postgres')
    const sql = `SELECT 1::bigint AS id, ${columns.join(', ')} FROM ${bytes}`
    const sync = {
      source: { connection: 'warehouse', sql, read },
      destination: { connection: 'target', table: 'users', create: true },
    }
    const { report } = await ends.run(sync)
    assert.deepEqual(report.counts, counts({ read: 1, inserted: 1 }), report.error?.message)
    const [schema] = (await ends.destination.rows('SELECT current_schema')).flat()
    const difference = `(SELECT t::text FROM (${sql}) t) EXCEPT (SELECT u::text FROM ${schema}.users u)`
    assert.deepEqual(await ends.source.rows(difference), [])
    assert.equal((await ends.run(sync)).report.requests.sent, 0)
  }
})

eachDestination(
  'a model of functions that answer anew each time is read once a run, and proves its end',
  async (ends) => {
    const sql = `SELECT id::bigint, random() AS r, clock_timestamp()::text AS at FROM generate_series(1, 3) id WHERE random() >= 0`
    const sync = {
      source: { connection: 'warehouse', sql },
      destination: { connection: 'target', table: 'users', create: true },
    }
    assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 3, inserted: 3 }))
    assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 3, updated: 3 }))
  },
)

test('how many were tried', (t) => {
  const kinds = Object.keys(TEXTS).length + Object.keys(EXTREMES).length + 5
  t.diagnostic(`${kinds} kinds of bad values, towards ${DESTINATIONS.join(' and ')}`)
})

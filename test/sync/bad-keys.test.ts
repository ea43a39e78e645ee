import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import { counts, DESTINATIONS, type Ends, serverForTests } from '../support/ends.ts'

const tests = serverForTests()
const { eachDestination } = tests

interface KeyCase {
  readonly file: 'csv' | 'ndjson'
  readonly lines: readonly string[]
  readonly types?: Readonly<Record<string, 'text' | 'integer' | 'number' | 'boolean' | 'uuid' | 'date' | 'timestamp'>>
  readonly key?: string | string[]
  /** Code and key, as far as it can be read, of each row that does not land. */
  readonly refused?: readonly string[]
  readonly refusedByPostgres?: readonly string[]
  /** Keys that land, as the destination prints them; what a refusal of Postgres takes away is left out there. */
  readonly landed?: readonly string[]
  readonly error?: RegExp
}

const ndjson = (...keys: readonly string[]): Pick<KeyCase, 'file' | 'lines'> => ({
  file: 'ndjson',
  lines: keys.map((key, index) => `{"id":${key},"name":"n${index}"}`),
})
const csv = (...keys: readonly string[]): Pick<KeyCase, 'file' | 'lines'> => ({
  file: 'csv',
  lines: ['id,name', ...keys.map((key, index) => `${key},n${index}`)],
})

const twice = (key: string) => [`duplicate_key ${key}`, `duplicate_key ${key}`]
const UUID = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
const HUGE = '1234567890'.repeat(4)
const NO_KEY = 'missing_key -'

const KEYS: Readonly<Record<string, KeyCase>> = {
  'null and absent': {
    file: 'ndjson',
    lines: ['{"id":null,"name":"a"}', '{"name":"b"}', '{"id":"c","name":"c"}'],
    refused: [NO_KEY, NO_KEY],
    landed: ['c'],
  },
  'empty, in CSV without and with quotes': { ...csv('', '""', 'a'), refused: [NO_KEY], landed: ['', 'a'] },
  'empty and blank': { ...ndjson('""', '" "', '"\\t"', '"\\n"', '"\u00a0"'), landed: ['', '\t', '\n', ' ', '\u00a0'] },
  'twice, next to one another': { ...ndjson('"a"', '"a"', '"b"'), refused: twice('a'), landed: ['b'] },
  'twice, far apart': {
    ...csv('a', ...Array.from({ length: 50 }, (_, n) => `k${n}`), 'a'),
    refused: twice('a'),
    landed: Array.from({ length: 50 }, (_, n) => `k${n}`).sort(),
  },
  '1 and "1", which are one text': { ...ndjson('1', '"1"', '2'), refused: twice('1'), landed: ['2'] },
  '1, "1" and 1.0 as integers': {
    ...ndjson('1', '"1"', '1.0', '2'),
    types: { id: 'integer' },
    refused: [...twice('1'), 'duplicate_key 1'],
    landed: ['2'],
  },
  '1 and 1.0 as texts': { ...ndjson('"1"', '"1.0"'), landed: ['1', '1.0'] },
  '1.10 and 1.1 as texts': { ...ndjson('1.10', '1.1'), types: { id: 'text' }, landed: ['1.1', '1.10'] },
  'true and "true"': { ...ndjson('true', '"true"'), refused: twice('true') },
  'true and yes as booleans': {
    ...csv('true', 'yes', 'false'),
    types: { id: 'boolean' },
    refused: twice('t'),
    landed: ['false'],
  },
  '0 and -0': { ...ndjson('0', '-0', '1'), refused: twice('0'), landed: ['1'] },
  '0, -0 and +0 as integers': {
    ...csv('0', '-0', '+0', '1'),
    types: { id: 'integer' },
    refused: [...twice('0'), 'duplicate_key 0'],
    landed: ['1'],
  },
  'NaN, which JSON has not': {
    file: 'ndjson',
    lines: ['{"id":1,"name":"a"}', '{"id":NaN,"name":"b"}'],
    refused: ['not_json -'],
    landed: ['1'],
  },
  'NaN as a number': { ...csv('NaN', '1'), types: { id: 'number' }, landed: ['1', 'NaN'] },
  '1e400': { ...ndjson('"1e400"', '1e401'), types: { id: 'text' }, landed: ['1e400', '1e401'] },
  '1e400 as an integer': {
    ...ndjson('1e400', '1'),
    types: { id: 'integer' },
    refused: ['unreadable_key -'],
    landed: ['1'],
  },
  '2^53 and 2^53+1': {
    ...ndjson('9007199254740992', '9007199254740993'),
    landed: ['9007199254740992', '9007199254740993'],
  },
  '2^63-1, its neighbour, and the least': {
    ...ndjson('9223372036854775807', '9223372036854775806', '-9223372036854775808'),
    landed: ['-9223372036854775808', '9223372036854775806', '9223372036854775807'],
  },
  '2^64 and 40 digits': {
    ...ndjson('18446744073709551615', '18446744073709551616', HUGE),
    landed: [HUGE, '18446744073709551615', '18446744073709551616'],
  },
  '2^63 as an integer': {
    ...ndjson('9223372036854775808', '1'),
    types: { id: 'integer' },
    refused: ['unreadable_key -'],
    landed: ['1'],
  },
  'a uuid in both cases': { ...ndjson(`"${UUID}"`, `"${UUID.toUpperCase()}"`), landed: [UUID.toUpperCase(), UUID] },
  'a uuid in both cases, as uuids': {
    ...ndjson(`"${UUID}"`, `"${UUID.toUpperCase()}"`),
    types: { id: 'uuid' },
    refused: twice(UUID),
  },
  'no uuid': { ...csv(UUID, 'x'), types: { id: 'uuid' }, refused: ['unreadable_key -'], landed: [UUID] },
  'NFC and NFD': { ...ndjson('"\u00e9"', '"e\u0301"'), landed: ['e\u0301', '\u00e9'] },
  'marks that turn the direction, and none of any width': {
    ...ndjson('"a"', '"\u202ea"', '"a\u200b"', '"\ufeffa"'),
    landed: ['a', 'a\u200b', '\u202ea', '\ufeffa'],
  },
  'half of a surrogate pair': { ...ndjson('"\\ud800"', '"a"'), refused: ['lone_surrogate -'], landed: ['a'] },
  'U+0000': { ...ndjson('"a\\u0000b"', '"a"'), refusedByPostgres: ['22021 a\u0000b'], landed: ['a', 'a\u0000b'] },
  'names that objects have by themselves': {
    ...ndjson('"__proto__"', '"constructor"', '"toString"'),
    landed: ['__proto__', 'constructor', 'toString'],
  },
  'beyond 8,191 bytes': {
    ...ndjson(`"${'k'.repeat(8190)}"`, `"${'k'.repeat(8192)}"`, '"a"'),
    refused: ['key_too_long -'],
    landed: ['a', 'k'.repeat(8190)],
  },
  '1 MB': { ...ndjson(`"${'k'.repeat(1_000_000)}"`, '"a"'), refused: ['key_too_long -'], landed: ['a'] },
  'no column of that name': {
    ...csv('a'),
    key: 'idd',
    error: /^unknown_column: key: the model has no column idd — did you mean "id"\?/,
  },
  'two columns of that name': {
    file: 'csv',
    lines: ['id,id', '1,2'],
    error: /^duplicate_column: the header of .* has column id twice; rename one of them$/,
  },
  'that name twice in an object': {
    file: 'ndjson',
    lines: ['{"id":1,"name":"a"}', '{"id":2,"id":3,"name":"b"}'],
    refused: ['duplicate_name -'],
    landed: ['1'],
  },
  'parts with a separator in them': {
    file: 'csv',
    lines: ['id,name', 'a|b,c', 'a,b|c', '"a,b",c', 'a,"b,c"', 'a\tb,c', 'a,b\tc', 'ab,c', 'a,bc'],
    key: ['id', 'name'],
    landed: ['a', 'a', 'a', 'a', 'a\tb', 'a,b', 'ab', 'a|b'],
  },
  'parts with a null among them': {
    file: 'csv',
    lines: ['id,name', 'a,', ',b', 'a,b'],
    key: ['id', 'name'],
    refused: [NO_KEY, NO_KEY],
    landed: ['a'],
  },
}

const order = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

/** Mirrors the lines into a new table. */
async function mirror(ends: Ends, { file, lines, types, key = 'id' }: KeyCase) {
  const path = join(ends.folder, `rows.${file}`)
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''))
  return ends.run({
    source: { file: path, rows: lines.length - (file === 'csv' ? 1 : 0), ...(types === undefined ? {} : { types }) },
    key,
    destination: { connection: 'target', table: 'users', create: true },
  })
}

for (const [name, bad] of Object.entries(KEYS)) {
  eachDestination(`key ${name}: lands as it is, or is refused by name`, async (ends) => {
    const { report, issues } = await mirror(ends, bad)
    if (bad.error !== undefined) {
      assert.match(`${report.error?.code}: ${report.error?.message}`, bad.error)
      assert.equal(report.counts.inserted, 0)
      assert.notEqual(exitCodeOf(report), 0)
      return
    }
    const rejected = ends.type === 'postgres' ? (bad.refusedByPostgres ?? []) : []
    const refused = [...(bad.refused ?? []), ...rejected]
    assert.deepEqual(issues.map(({ code, key }) => `${code} ${key ?? '-'}`).sort(), [...refused].sort())
    for (const { message } of issues) assert.ok(message.length < 1000, message.slice(0, 1000))
    const landed = (bad.landed ?? []).filter((key) => !rejected.some((one) => one.endsWith(` ${key}`)))
    const found = await ends.destination.rows('SELECT id FROM users')
    const texts = found.map(([id]) => (bad.types?.['id'] === 'boolean' ? asBoolean(id) : (id as string)))
    assert.deepEqual(texts.sort(order), [...landed].sort(order))
    assert.equal(report.counts.inserted, landed.length)
    assert.equal(exitCodeOf(report), refused.length === 0 ? 0 : 3)

    // The same again: what has landed is known, what was refused is refused.
    const again = await mirror(ends, bad)
    assert.equal(again.report.counts.unchanged, landed.length)
    assert.equal(again.issues.length, refused.length)
  })
}

function asBoolean(text: string | null | undefined): string {
  return String(text === '1' || text === 't')
}

eachDestination('a key that has another type than before stops the run until the index is rebuilt', async (ends) => {
  const sync = { destination: { connection: 'target', table: 'users', create: true } }
  await ends.source.execute(`CREATE TABLE model (id bigint, name text); INSERT INTO model VALUES (1, 'a'), (2, 'b')`)
  assert.deepEqual((await ends.run(sync)).report.counts, counts({ read: 2, inserted: 2 }))
  for (const type of ['text', 'numeric', 'date']) {
    const cast = type === 'date' ? `'2000-01-01'::date + id::int` : `id::${type}`
    const model = { connection: 'warehouse', sql: `SELECT ${cast} AS id, name FROM model` }
    const { report } = await ends.run({ ...sync, source: model })
    assert.equal(report.error?.code, 'index_key_changed', `${type}: ${report.error?.message}`)
    assert.match(report.error?.message ?? '', /rowferry index rebuild users/)
    assert.deepEqual([exitCodeOf(report), report.requests.sent], [78, 0])
  }
  await ends.source.execute('ALTER TABLE model RENAME id TO ident')
  const renamed = await ends.run(sync)
  assert.equal(renamed.report.error?.code, 'unknown_column')
  assert.match(renamed.report.error?.message ?? '', /the model has no column id/)
  assert.deepEqual(await ends.destination.rows('SELECT id, name FROM users ORDER BY id'), [
    ['1', 'a'],
    ['2', 'b'],
  ])
})

test('how many were tried', (t) => {
  t.diagnostic(`${Object.keys(KEYS).length + 2} kinds of bad keys, each towards ${DESTINATIONS.join(' and ')}`)
})

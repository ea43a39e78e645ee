import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { DestinationDatabase, never, write } from '../support/destination-database.ts'

const database = DestinationDatabase.forThisFile()

const TYPES = `CREATE SCHEMA extra;
  CREATE COLLATION extra.german (provider = icu, locale = 'de');
  CREATE COLLATION extra.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  CREATE TYPE extra."mo od" AS ENUM ('sad', 'so so', 'it''s "ok"');
  CREATE DOMAIN extra.number AS bigint CHECK (VALUE > 0);
  CREATE DOMAIN extra.code AS varchar(8);`

/** Type of a key column, two values to delete and one that stays, as a text of the type. */
const KEYS: readonly (readonly [string, string, string, string])[] = [
  ['smallint', '-32768', '32767', '0'],
  ['integer', '-2147483648', '2147483647', '0'],
  ['bigint', '-9223372036854775808', '9223372036854775807', '0'],
  ['text', '', 'NULL', 'null'],
  ['text', `{a,"b"}`, `tab\t\\ 'quote'`, 'a'],
  ['text COLLATE extra.german', 'Ä', 'ä', 'a'],
  ['text COLLATE "C"', 'é', 'e\u0301', 'e'],
  ['varchar(5)', 'abc', 'abcde', 'abcd'],
  [
    'uuid',
    '0a000000-0000-0000-0000-000000000001',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '0a000000-0000-0000-0000-000000000002',
  ],
  ['date', '-infinity', '2024-02-29', '2024-02-28'],
  ['timestamp(0)', '2024-02-29 12:00:00', 'infinity', '2024-02-29 12:00:01'],
  ['timestamptz', '2024-02-29 12:00:00.000001+00', '-infinity', '2024-02-29 12:00:00+00'],
  ['boolean', 'true', 'true', 'false'],
  ['bytea', '\\x', '\\x00ff', '\\x00'],
  ['bit(3)', '101', '000', '111'],
  ['bit varying', '', '10', '1'],
  ['numeric(12,2)', '1.50', '-9999999999.99', '1.51'],
  ['inet', '10.0.0.1', '::1', '10.0.0.2/32'],
  ['"char"', 'a', 'b', 'c'],
  ['name', 'a', 'b', 'c'],
  ['extra."mo od"', 'so so', `it's "ok"`, 'sad'],
  ['extra.number', '1', '2', '3'],
  ['extra.code', 'a', 'b', 'c'],
  ['text COLLATE extra.nocase', 'bob', 'ann', 'eve'],
  ['numeric', '1.5', '2', '3'],
]

describe('a delete', () => {
  it('removes the records of exactly these keys, whatever the type of the key', async () => {
    await database.run(TYPES)
    for (const [index, [type, one, other, kept]] of KEYS.entries()) {
      const name = `keys_${index}`
      const values = [...new Set([one, other, kept])]
      const quoted = values.map((value) => `('${value.replaceAll("'", "''")}')`).join(', ')
      await database.run(`CREATE TABLE ${name} (id ${type} PRIMARY KEY); INSERT INTO ${name} VALUES ${quoted}`)
      const fields = [field('id')]
      await using destination = await database.open(name, { fields })
      const outcomes = await destination.write(changeBatch('delete', fields, [[one], [other]]), never)
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['done', 'done'],
        type,
      )
      assert.deepEqual(await database.rows(`SELECT id::text FROM ${name}`), [kept], type)
    }
  })

  it('of a key that is no value of its type is refused, and nothing is removed', async () => {
    const table = await database.table('refusing')
    const fields = [field('id')]
    await using destination = await database.open(table, { fields })
    await assert.rejects(destination.write(changeBatch('delete', fields, [['1'], ['x']]), never), {
      name: 'BatchRefusedError',
      message: /column "id": invalid input syntax for type bigint: "x"/,
    })
    assert.deepEqual(await database.rows('SELECT id FROM refusing ORDER BY 1'), ['1', '2', '3'])
    assert.deepEqual(await write(destination, 'delete', ['1', '4'], fields), ['done', 'done'])
    assert.deepEqual(await database.rows('SELECT id FROM refusing ORDER BY 1'), ['2', '3'])
  })

  it('of a large batch of scattered keys removes them, and no others', async () => {
    await database.run('CREATE TABLE scattered AS SELECT i::bigint AS id FROM generate_series(1, 50000) AS i')
    await database.run('ALTER TABLE scattered ADD PRIMARY KEY (id)')
    const fields = [field('id')]
    await using destination = await database.open('scattered', { fields })
    const keys = Array.from({ length: 10_000 }, (_, index) => [String(index * 5 + 1)])
    await destination.write(changeBatch('delete', fields, keys), never)
    assert.deepEqual(
      await database.rows('SELECT count(*), min(id), count(*) FILTER (WHERE id % 5 = 1) FROM scattered'),
      ['40000 2 0'],
    )
  })
})

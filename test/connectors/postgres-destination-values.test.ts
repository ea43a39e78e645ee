import assert from 'node:assert/strict'
import { it } from 'node:test'
import pg from 'pg'
import copyStreams from 'pg-copy-streams'
import { applySessionSettings } from '../../src/connectors/postgres-connection.ts'
import { decodeRow } from '../../src/core/copy-text.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { DestinationDatabase, ID, never } from '../support/destination-database.ts'

const database = DestinationDatabase.forThisFile()

/** Type of a column, and values of it as SQL. */
const VALUES: readonly (readonly [string, ...string[]])[] = [
  ['int2', '-32768', '32767'],
  ['int4', '-2147483648', '0'],
  ['int8', '-9223372036854775808', '9223372036854775807'],
  ['numeric', '1234567890123456789012345678901234567890.0987654321', `'NaN'`, `'-Infinity'`, '0.10'],
  ['numeric(12,2)', '1.5', '-9999999999.99'],
  ['float4', `'NaN'`, `'-0'`, '3.4028235e38', '0.1'],
  ['float8', `'Infinity'`, `'-Infinity'`, '5e-324', '0.1'],
  ['money', '-12.34'],
  ['boolean', 'true', 'false'],
  [
    'text',
    `''`,
    `'\\N'`,
    `E'a\\r\\n\\tb\\\\n\\\\.\\b\\f\\v'`,
    `'🦊 größe 尺寸'`,
    `'"'''`,
    `repeat('x', 100000)`,
    `'\\.'`,
  ],
  ['varchar(9)', `'  both  '`],
  ['char(6)', `'pad'`],
  ['"char"', `'x'`],
  ['name', `'name'`],
  ['bytea', `'\\x'`, `'\\x00ff0a5c'`],
  ['json', `'{"b": 1,  "a": [1.0, "\\n"]}'`, `'null'`],
  ['jsonb', `'{"b": 1, "a": [1.10, 1e400, "\\ud83e\\udd8a"]}'`],
  ['xml', `'a <b/> fragment'`, `'<doc/>'`],
  ['uuid', `'0A000000-0000-0000-0000-00000000000f'`],
  ['date', `'infinity'`, `'-infinity'`, `'0044-03-15 BC'`, `'5874897-12-31'`],
  ['time', `'24:00:00'`, `'00:00:00.000001'`],
  ['timetz', `'12:00:00+05:30'`],
  ['timestamp', `'infinity'`, `'0001-01-01 00:00:00 BC'`, `'294276-12-31 23:59:59.999999'`],
  ['timestamptz', `'-infinity'`, `'4713-01-01 00:00:00+00 BC'`, `'2024-03-10 02:30:00.5+05:30'`],
  ['interval', `'-1 year 2 months -3 days 04:05:06.789'`, `'-00:00:01'`],
  ['inet', `'192.168.0.1'`, `'10.0.0.0/8'`, `'::1'`],
  ['cidr', `'10.0.0.0/8'`],
  ['macaddr', `'08:00:2b:01:02:03'`],
  ['bit(3)', `B'101'`],
  ['bit varying', `B''`, `B'1'`],
  ['point', `'(1.5,-2)'`],
  ['tsvector', `'''a b'':1A ''c''''d'''`],
  ['int4range', `'empty'`, `'[1,5)'`, `'(,)'`],
  ['tstzmultirange', `'{[2024-01-01 00:00:00+00,infinity)}'`],
  [
    'text[]',
    `'{}'`,
    `ARRAY['a,b', '"', '\\', NULL, 'NULL', '', E'\\n']`,
    `ARRAY[['a','b'],['c','d']]`,
    `'[0:1]={x,y}'`,
  ],
  ['timestamptz[]', `ARRAY['2024-01-01 00:00:00+02'::timestamptz, 'infinity']`],
  ['shop.mood', `'it''s, "ok"'`],
  ['shop."Positive Number"', '1'],
  ['shop.pair', `ROW(1, E'a,"b"\\n')`, `ROW(NULL, '')`],
  ['shop.pair[]', `ARRAY[ROW(1, 'a,b')::shop.pair, NULL]`],
]

it('every type arrives as it was, whatever the settings of the destination are', async () => {
  const columns = VALUES.map(([type], index) => `c${index} ${type}`).join(', ')
  await database.run(`CREATE SCHEMA shop; CREATE TYPE shop.mood AS ENUM ('it''s, "ok"', 'bad');
    CREATE DOMAIN shop."Positive Number" AS numeric(5,1) CHECK (VALUE > 0);
    CREATE TYPE shop.pair AS (a int, b text);
    CREATE TABLE origin (id int PRIMARY KEY, ${columns}); CREATE TABLE copied (LIKE origin INCLUDING ALL);
    ALTER DATABASE postgres SET DateStyle = 'SQL, DMY'; ALTER DATABASE postgres SET IntervalStyle = 'sql_standard';
    ALTER DATABASE postgres SET TimeZone = 'Asia/Kolkata'; ALTER DATABASE postgres SET xmloption = 'document';
    ALTER DATABASE postgres SET bytea_output = 'escape'; ALTER DATABASE postgres SET extra_float_digits = -5;
    ALTER DATABASE postgres SET client_encoding = 'LATIN1'`)
  const longest = Math.max(...VALUES.map((values) => values.length - 1))
  for (let row = 0; row <= longest; row++) {
    const values = VALUES.map(([, ...values]) => values[row] ?? 'NULL')
    await database.run(`INSERT INTO origin VALUES (${[row, ...values].join(', ')})`)
  }
  const lines = await copyText('origin')
  const fields = [ID, ...VALUES.map(([type], index) => field(`c${index}`, 'other', { type }))]
  await using destination = await database.open('copied', { fields })

  const same = async (what: string) => {
    const text = (table: string) => `SELECT ${table}::text FROM ${table}`
    const different = `(${text('origin')} EXCEPT ${text('copied')}) UNION ALL (${text('copied')} EXCEPT ${text('origin')})`
    assert.deepEqual(await database.rows(different), [], what)
    assert.deepEqual(await database.rows('SELECT count(*) FROM copied'), [String(lines.length)], what)
  }
  await destination.write(changeBatch('upsert', fields, lines), never)
  await same('copied into the table')
  await database.run('UPDATE copied SET (c0, c1, c9) = (1, 1, NULL); DELETE FROM copied WHERE id = 0')
  await destination.write(changeBatch('upsert', fields, lines), never)
  await same('staged and upserted')
  await database.run('UPDATE copied SET (c0, c1, c9, c38) = (NULL, NULL, NULL, NULL)')
  await destination.write(changeBatch('update', fields, lines), never)
  await same('staged and updated')
})

/** The lines of a table as the source prints them. */
async function copyText(table: string): Promise<(string | null)[][]> {
  const client = new pg.Client(database.server.url)
  await client.connect()
  try {
    await applySessionSettings(client, 'session')
    const chunks: Buffer[] = []
    for await (const chunk of client.query(copyStreams.to(`COPY ${table} TO STDOUT`))) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks)
    const lines: (string | null)[][] = []
    for (let start = 0; start < text.length; ) {
      const end = text.indexOf(10, start) + 1
      lines.push(decodeRow(text, start, end))
      start = end
    }
    return lines
  } finally {
    await client.end()
  }
}

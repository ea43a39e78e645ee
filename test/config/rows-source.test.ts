import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { expectsProof, withProof } from '../../src/config/prove-end.ts'
import { FatalError } from '../../src/core/errors.ts'
import { loadText, problemsOf, syncYaml } from './config-folder.ts'

async function rowsOf(t: Parameters<typeof loadText>[0], source: string, lines: Record<string, string> = {}) {
  const config = await loadText(t, syncYaml({ source, ...lines }))
  const sync = config.syncs.get('users')
  assert.ok(sync)
  return { sync, folder: join(config.state, '..'), rows: sync.source.rows }
}

const DEFAULTS = { delimiter: ',', quote: '"', unknownColumns: 'refuse' }

test('rows come from stdin, without a connection', async (t) => {
  const { rows, sync } = await rowsOf(t, '{ stdin: csv }')
  assert.deepEqual(rows, { from: 'stdin', options: { format: 'csv', ...DEFAULTS } })
  assert.equal(sync.source.connection, undefined)
  assert.equal(sync.source.sql, undefined)
})

test('every option has its place', async (t) => {
  const all = `{ stdin: csv, delimiter: ";", quote: none, null: "NULL", columns: [id, x], types: { id: integer },
      sorted: true, rows: 10, trailer: true, trust_eof: true }`
  assert.deepEqual((await rowsOf(t, all)).rows?.options, {
    format: 'csv',
    delimiter: ';',
    null: 'NULL',
    columns: ['id', 'x'],
    types: { id: 'integer' },
    sorted: true,
    rows: 10,
    trailer: true,
    trustEof: true,
    unknownColumns: 'ignore',
  })
})

test("a file's extension says what it holds; its path starts from the folder of the configuration", async (t) => {
  for (const [file, format, delimiter] of [
    ['data/users.csv', 'csv', ','],
    ['users.CSV.gz', 'csv', ','],
    ['users.tsv', 'csv', '\t'],
    ['users.tsv.gz', 'csv', '\t'],
    ['users.ndjson', 'ndjson', ','],
    ['users.jsonl.gz', 'ndjson', ','],
  ] as const) {
    const { rows, folder } = await rowsOf(t, `{ file: ${file} }`)
    const options = { ...DEFAULTS, format, delimiter, path: join(folder, file) }
    assert.deepEqual(rows, { from: 'file', options })
  }
  const { rows } = await rowsOf(t, '{ file: /srv/export.txt, format: csv }')
  assert.deepEqual([rows?.options['format'], rows?.options['path']], ['csv', '/srv/export.txt'])
})

test('with a mapping, columns that it does not name do not matter', async (t) => {
  const { rows } = await rowsOf(t, '{ stdin: ndjson }', { fields: '{ id: id }' })
  assert.equal(rows?.options['unknownColumns'], 'ignore')
})

const WRONG: readonly (readonly [name: string, source: string, ...problems: string[]])[] = [
  [
    'stdin and a table',
    '{ stdin: csv, table: x }',
    'table: stdin is given already; give exactly one of sql, file, table or stdin',
  ],
  ['an unknown format', '{ stdin: cvs }', 'stdin: expected csv | ndjson, got "cvs" — did you mean "csv"?'],
  [
    'a connection for stdin',
    '{ stdin: csv, connection: db }',
    'connection: rows from stdin need no connection and no query; remove it',
  ],
  [
    'a connection for rows of a file',
    '{ file: a.csv, connection: db }',
    'connection: rows of a file need no connection and no query; remove it',
  ],
  [
    'params for rows',
    '{ stdin: csv, params: { a: 1 } }',
    'params: rows from stdin need no connection and no query; remove it',
  ],
  ['a query without a connection', '{ sql: select 1 }', 'connection: missing; expected the name of a connection'],
  ['a table without a connection', '{ table: x }', 'connection: missing; expected the name of a connection'],
  [
    'a table that is trusted',
    '{ connection: db, table: x, trust_eof: true }',
    'trust_eof: only rows from stdin or a file have this; remove it',
  ],
  [
    'a file of unknown format',
    '{ file: a.txt }',
    'file: the extension does not say what the file holds; give format: csv or format: ndjson',
  ],
  [
    'a format for stdin twice',
    '{ stdin: csv, format: csv }',
    'format: stdin says the format already; remove one of them',
  ],
  ['a delimiter for NDJSON', '{ stdin: ndjson, delimiter: ";" }', 'delimiter: NDJSON has none; remove it'],
  [
    'a delimiter of two characters',
    '{ stdin: csv, delimiter: "::" }',
    'delimiter: expected one ASCII character that is no letter, digit or quote, got "::"',
  ],
  [
    'a delimiter beyond ASCII',
    '{ stdin: csv, delimiter: "¦" }',
    'delimiter: expected one ASCII character that is no letter, digit or quote, got "¦"',
  ],
  ['a quote that is a letter', '{ stdin: csv, quote: q }', 'quote: expected one ASCII character, or none, got "q"'],
  [
    'a quote that is the delimiter',
    '{ stdin: csv, quote: ";", delimiter: ";" }',
    'quote: this is the delimiter, too; choose another',
  ],
  [
    'an unknown type',
    '{ stdin: csv, types: { id: int } }',
    'types.id: expected text | integer | number | boolean | date | timestamp | uuid | json, got "int"',
  ],
  ['half a row', '{ stdin: csv, rows: 1.5 }', 'rows: expected a whole number, got 1.5'],
  ['no columns', '{ stdin: csv, columns: [] }', 'columns: expected a list of at least one column, got an empty list'],
]
for (const [name, source, ...expected] of WRONG) {
  test(`${name} is refused at its place`, async (t) => {
    const { problems } = await problemsOf(loadText(t, syncYaml({ source })))
    const found = problems.map(({ path, message, suggestion }) => {
      const meant = suggestion === undefined ? '' : ` — did you mean "${suggestion}"?`
      return `${path.replace('syncs.users.source.', '')}: ${message}${meant}`
    })
    assert.deepEqual(found, expected)
  })
}

test('a run may say how many rows there are; for a query that means nothing', async (t) => {
  const { sync } = await rowsOf(t, '{ stdin: csv, rows: 3 }')
  assert.equal(withProof(sync, {}), sync)
  assert.equal(withProof(sync, { rows: 5 }).source.rows?.options['rows'], 5)
  assert.equal(withProof(sync, { trustEof: true }).source.rows?.options['trustEof'], true)
  assert.deepEqual([expectsProof(sync), expectsProof(withProof(sync, { trustEof: true }))], [true, true])
  const query = (await rowsOf(t, '{ connection: db, table: users }')).sync
  assert.equal(expectsProof(query), false)
  assert.throws(
    () => withProof(query, { trustEof: true }),
    (error) => error instanceof FatalError && error.code === 'no_rows_to_prove' && error.kind === 'configuration',
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import type { RowOptionsInput } from '../support/text-rows.ts'
import { readText, said, type TextRows } from '../support/text-rows.ts'

const csv = (text: string | Buffer, options: RowOptionsInput = {}, chunk?: number): Promise<TextRows> =>
  readText(text, { format: 'csv', ...options }, chunk === undefined ? {} : { chunk })

test('what psql --csv writes is read: quotes, line breaks, nulls and empty texts', async () => {
  const text = 'id,name,note\n1,"O""Neil, ""Pat""",\n2,"two\nlines",""\n3,tab\there,\\N\n4,"back\\slash","\r\n"\n'
  const { columns, rows, invalid } = await csv(text)
  assert.deepEqual(
    columns.map(({ name, kind, keyEncoding }) => [name, kind, keyEncoding]),
    [
      ['id', 'text', 'text'],
      ['name', 'text', 'text'],
      ['note', 'text', 'text'],
    ],
  )
  assert.deepEqual(rows, [
    ['1', 'O"Neil, "Pat"', null],
    ['2', 'two\nlines', ''],
    ['3', 'tab\there', '\\N'],
    ['4', 'back\\slash', '\r\n'],
  ])
  assert.deepEqual(invalid, [])
})

test('however it is cut into chunks, the rows are the same', async () => {
  const text = '\uFEFFid,näme,x\r\n1,"ä""ö\r\n🚢",\r\n2,日本,"b"\r\n\r\n3,"",c\r\n'
  const whole = await csv(text)
  assert.deepEqual(whole.rows, [
    ['1', 'ä"ö\r\n🚢', null],
    ['2', '日本', 'b'],
    ['3', '', 'c'],
  ])
  assert.deepEqual(
    whole.columns.map((column) => column.name),
    ['id', 'näme', 'x'],
  )
  for (let chunk = 1; chunk < Buffer.byteLength(text); chunk++) {
    assert.deepEqual((await csv(text, {}, chunk)).rows, whole.rows, `chunks of ${chunk}`)
  }
})

const OPTIONS: readonly (readonly [name: string, options: RowOptionsInput, text: string, rows: unknown])[] = [
  ['a tab between fields', { delimiter: '\t' }, 'id\tx\n1\ta,b\n', [['1', 'a,b']]],
  ['another quote', { quote: "'" }, `id,x\n1,'a''b,"'\n`, [['1', `a'b,"`]]],
  ['no quotes at all', { quote: undefined }, 'id,x\n"1,5" tall\n', [['"1', '5" tall']]],
  [
    'a word for null, which then may be an empty text',
    { null: 'NULL' },
    'id,x\n1,NULL\n2,"NULL"\n3,\n',
    [
      ['1', null],
      ['2', 'NULL'],
      ['3', ''],
    ],
  ],
  ['the null of MySQL', { null: '\\N' }, 'id,x\n1,\\N\n', [['1', null]]],
  ['no header', { columns: ['id', 'x'] }, '1,a\n', [['1', 'a']]],
  ['one column, in which an empty line is a null', {}, 'id\n1\n\n""\n', [['1'], [null], ['']]],
  ['columns that objects have by themselves', {}, '__proto__,constructor\n1,a\n', [['1', 'a']]],
  ['only a header', {}, 'id,x\n', []],
  ['nothing at all, where the columns are known', { columns: ['id'] }, '', []],
]
for (const [name, options, text, expected] of OPTIONS) {
  test(`reads ${name}`, async () => {
    const { rows, error } = await csv(text, options)
    assert.equal(error, undefined, error?.message)
    assert.deepEqual(rows, expected)
  })
}

test('types bring values into one form, and decide how keys are ordered', async () => {
  const types = { n: 'integer', b: 'boolean', u: 'uuid', t: 'timestamp', d: 'date', x: 'number', j: 'json' } as const
  const text =
    'n,b,u,t,d,x,j\n' +
    '+007,Yes,{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11},2024-01-31T10:20:30.500Z,2024-01-31, 1.50 ,"{""a"": 1}"\n' +
    '"-0",0,a0eebc999c0b4ef8bb6d6bb9bd380a11,2024-01-31 10:20,,1e3,null\n' +
    'x,maybe,u,soon,2024-01-31T00:00,y,z\n' +
    '9223372036854775808,,,2024-01-31T10:00:00+02:00,,,\n'
  const { rows, columns } = await csv(text, { types })
  assert.deepEqual(
    columns.map(({ kind, type, keyEncoding }) => [kind, type, keyEncoding]),
    [
      ['integer', 'bigint', 'integer'],
      ['boolean', 'boolean', 'boolean'],
      ['other', 'uuid', 'uuid'],
      ['timestamp', 'timestamp with time zone', 'timestamptz'],
      ['date', 'date', 'date'],
      ['decimal', 'numeric', 'text'],
      ['json', 'jsonb', 'text'],
    ],
  )
  const uuid = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
  assert.deepEqual(rows, [
    ['7', 't', uuid, '2024-01-31 10:20:30.5+00', '2024-01-31', '1.50', '{"a": 1}'],
    ['0', 'f', uuid, '2024-01-31 10:20:00+00', null, '1e3', 'null'],
    ['x', 'maybe', 'u', 'soon', '2024-01-31T00:00', 'y', 'z'],
    ['9223372036854775808', null, null, '2024-01-31T10:00:00+02:00', null, null, null],
  ])
})

test('a ragged row is an invalid row, and the rows around it are read', async () => {
  const { rows, invalid, end } = await csv('id,x\n1,a\n2\n"3\n",b,c\n4,d\n', { rows: 4 })
  assert.deepEqual(rows, [
    ['1', 'a'],
    ['4', 'd'],
  ])
  assert.deepEqual(
    invalid.map(({ code, message, payload }) => [code, message.split(';')[0], payload]),
    [
      ['ragged_row', 'line 3 of stdin has 1 fields where 2 are expected', '2\n'],
      ['ragged_row', 'line 4 of stdin has 3 fields where 2 are expected', '"3\n",b,c\n'],
    ],
  )
  assert.deepEqual([end?.rows, end?.proven], [4, true])
})

const WRONG: readonly (readonly [name: string, text: string | Buffer, said: RegExp, options?: RowOptionsInput])[] = [
  ['no bytes', '', /^input_empty: stdin is empty: CSV starts with a header line/],
  ['a byte order mark and nothing else', '\uFEFF', /^input_empty/],
  ['a quote that is never closed', 'id,x\n1,a\n2,"b\n3,c\n', /^unclosed_quote: .*of the row at line 3/],
  ['a header whose quote is never closed', 'id,"x\n1,a\n', /^unclosed_quote: .*at line 1/],
  ['a quote within a field', 'id,x\n1,5" tall\n', /^stray_quote: line 2 of stdin has a quote inside of a field/],
  ['text behind a quote, after line breaks within quotes', 'id,x\n1,"a\n\nb"c\n', /^stray_quote: line 4 .*text behind/],
  ['a last line without its end', 'id,x\n1,a\n2,b', /^input_truncated: the last line of stdin, number 3, /],
  ['a header without its end', 'id,x', /^input_truncated: the last line of stdin, number 1, /],
  ['a header with a name twice', 'id,x,id\n', /^duplicate_column: the header of stdin has column id twice/],
  ['a header with an empty name', 'id,,x\n1,2,3\n', /^unnamed_column: .*column 2 has no name/],
  ['an empty first line', '\nid,x\n', /^unnamed_column: .*the first line is empty/],
  ['line ends of old', 'id,x\r1,a\r2,b\n', /^lone_carriage_return/],
  ['UTF-16 with its mark', Buffer.from('\uFEFFid\n1\n', 'utf16le'), /^not_utf8: stdin is UTF-16: .*PowerShell/],
  ['UTF-16 without a mark', Buffer.from('id\n1\n', 'utf16le'), /^not_utf8: stdin is UTF-16/],
  ['Latin-1', Buffer.from('id,x\n1,a\n2,b\xe9\n', 'latin1'), /^not_utf8: line 3 of stdin is not UTF-8: .*iconv/],
  ['half a character at the end', Buffer.from('id\n1\n\xe2\x82', 'latin1'), /^not_utf8: line 3/],
  [
    'a type for a column that is not there',
    'id\n',
    /^unknown_column: types: there is no column ID — did you mean "id"\?/,
    { types: { ID: 'integer' } },
  ],
  ['a row behind the trailer', 'id,x\n#end,0\n1,a\n', /^rows_after_trailer: line 3 of stdin/, { trailer: true }],
]
for (const [name, text, pattern, options] of WRONG) {
  test(`${name} ends the reading with what to do`, async () => {
    for (const chunk of [undefined, 1, 3]) assert.match(said(await csv(text, options, chunk)), pattern)
  })
}

test('a row larger than 16 MiB is refused, one just below is read', async () => {
  const of = (size: number) => `id,x\n1,a\n2,"${'y'.repeat(size)}"\n3,c\n`
  const { rows } = await csv(of(16 * 1024 * 1024 - 10), {}, 64 * 1024)
  assert.equal(rows.length, 3)
  assert.match(said(await csv(of(16 * 1024 * 1024), {}, 64 * 1024)), /^line_too_large: the row at line 3 of stdin/)
  const unclosed = `id,x\n1,"${'y\n'.repeat(9 * 1024 * 1024)}`
  assert.match(said(await csv(unclosed, {}, 64 * 1024)), /^line_too_large: the row at line 2 .*quote that is never/)
})

/** Fields of the characters that mean something to CSV. */
const field = fc.string({
  unit: fc.constantFrom('a', '"', ',', '\n', '\r', '\r\n', ' ', '\\', '\t', 'ß', '🚢'),
  maxLength: 6,
})

test('whatever is written with quotes is read back, and so says csv-parse', () => {
  const table = fc
    .integer({ min: 2, max: 4 })
    .chain((width) => fc.array(fc.array(fc.option(field), { minLength: width, maxLength: width }), { maxLength: 8 }))
  const written = (value: string | null) => (value === null ? '' : `"${value.replaceAll('"', '""')}"`)
  return fc.assert(
    fc.asyncProperty(
      table,
      fc.constantFrom('\n', '\r\n'),
      fc.integer({ min: 1, max: 40 }),
      async (rows, newline, chunk) => {
        const header = ['c0', 'c1', 'c2', 'c3'].slice(0, rows[0]?.length ?? 2)
        const text = [header.join(','), ...rows.map((row) => row.map(written).join(',')), ''].join(newline)
        const read = await csv(text, {}, chunk)
        assert.deepEqual(read.rows, rows)
        const records = parse(text, { record_delimiter: newline }) as string[][]
        const nulls = rows.map((row) => row.map((value) => value ?? ''))
        assert.deepEqual(records.slice(1), nulls)
      },
    ),
    { numRuns: 200 },
  )
})

test('takes and refuses the same lines as csv-parse', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ',', '"', '""', '\n', ' '), maxLength: 30 })
  return fc.assert(
    fc.asyncProperty(text, async (body) => {
      const { rows, invalid, error } = await csv(`x,y\n${body}\n`, { null: '\0' })
      let records: string[][] | undefined
      try {
        records = (parse(`x,y\n${body}\n`, { relax_column_count: true, skip_empty_lines: true }) as string[][]).slice(1)
      } catch {
        records = undefined
      }
      assert.equal(error === undefined, records !== undefined, JSON.stringify(body))
      if (records === undefined) return
      assert.deepEqual(
        rows,
        records.filter((record) => record.length === 2),
      )
      assert.equal(invalid.length, records.filter((record) => record.length !== 2).length)
    }),
    { numRuns: 1000 },
  )
})

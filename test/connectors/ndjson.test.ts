import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ReadTextRequest, type RowOptionsInput, readText, said, type TextRows } from '../support/text-rows.ts'

const ndjson = (
  text: string | Buffer,
  options: RowOptionsInput = {},
  request: ReadTextRequest = {},
): Promise<TextRows> => readText(text, { format: 'ndjson', ...options }, request)

const lines = (...rows: readonly unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('')

test('an object is a row: names are columns, a missing name is a null, an order means nothing', async () => {
  const text = `{"id":1,"name":"a"}\n\n  \t\r\n { "name" : "b\\u0041\\n\\"\\\\\\/" , "id" : 2 } \r\n{"id":3}\n{"id":4,"name":null}`
  const { rows, invalid } = await ndjson(text)
  assert.deepEqual(rows, [
    ['1', 'a'],
    ['2', 'bA\n"\\/'],
    ['3', null],
    ['4', null],
  ])
  assert.deepEqual(invalid, [])
})

test('numbers keep every digit, whatever their length', async () => {
  const numbers = [
    '9223372036854775807',
    '-9223372036854775808',
    '12345678901234567890123',
    '0.1',
    '1.0',
    '1e400',
    '-0',
  ]
  const { rows } = await ndjson(numbers.map((number) => `{"n":${number}}\n`).join(''))
  assert.deepEqual(
    rows.map(([number]) => number),
    numbers,
  )
})

test('nested values stay the text they are', async () => {
  const { rows } = await ndjson('{"id":1,"a":[1, {"b":"x\\ny"}],"o":{"n": 1.00}}\n{"id":2,"a":{},"o":[]}\n')
  assert.deepEqual(rows, [
    ['1', '[1, {"b":"x\\ny"}]', '{"n": 1.00}'],
    ['2', '{}', '[]'],
  ])
})

test('names that objects have by themselves are names like any other', async () => {
  const { columns, rows } = await ndjson('{"__proto__":1,"constructor":2,"toString":3}\n{"toString":6,"__proto__":4}\n')
  assert.deepEqual(
    columns.map((column) => column.name),
    ['__proto__', 'constructor', 'toString'],
  )
  assert.deepEqual(rows, [
    ['1', '2', '3'],
    ['4', null, '6'],
  ])
})

test('the kind of a column is what its values have in common; keys are text unless types say otherwise', async () => {
  const text = lines(
    { i: 1, d: 1, b: true, j: [1], m: true, n: null, t: 'x', big: 1 },
    { i: null, d: 1.5, b: false, j: {}, m: 1, n: null, t: 'y' },
  ).replace('"big":1', '"big":9223372036854775808')
  const { columns, rows } = await ndjson(text)
  assert.deepEqual(
    columns.map(({ name, kind, type, keyEncoding }) => [name, kind, type, keyEncoding]),
    [
      ['i', 'integer', 'bigint', 'text'],
      ['d', 'decimal', 'numeric', 'text'],
      ['b', 'boolean', 'boolean', 'text'],
      ['j', 'json', 'jsonb', 'text'],
      ['m', 'text', 'text', 'text'],
      ['n', 'text', 'text', 'text'],
      ['t', 'text', 'text', 'text'],
      ['big', 'decimal', 'numeric', 'text'],
    ],
  )
  assert.deepEqual(rows, [
    ['1', '1', 't', '[1]', 'true', null, 'x', '9223372036854775808'],
    [null, '1.5', 'f', '{}', '1', null, 'y', null],
  ])
  const typed = await ndjson(text, { types: { i: 'integer', t: 'json', m: 'boolean' } })
  assert.deepEqual(
    typed.columns.filter(({ name }) => 'itm'.includes(name)).map(({ kind, keyEncoding }) => [kind, keyEncoding]),
    [
      ['integer', 'integer'],
      ['boolean', 'boolean'],
      ['json', 'text'],
    ],
  )
  assert.deepEqual(
    typed.rows.map((row) => [row[4], row[6]]),
    [
      ['t', '"x"'],
      ['t', '"y"'],
    ],
  )
})

test('columns are learned from the first 1,000 lines', async () => {
  const early = Array.from({ length: 1500 }, (_, id) => (id === 999 ? { id, rare: 1 } : { id }))
  assert.deepEqual(
    (await ndjson(lines(...early), {}, { chunk: 1000 })).columns.map(({ name }) => name),
    ['id', 'rare'],
  )
  const late = Array.from({ length: 1500 }, (_, id) => (id === 1200 ? { id, late: 1 } : { id }))
  const refused = await ndjson(lines(...late))
  assert.match(said(refused), /^unknown_column: line 1201 of stdin has a column "late" .*columns: \[\.\.\.\]/)
  const ignored = await ndjson(lines(...late), { unknownColumns: 'ignore' })
  assert.equal(ignored.rows.length, 1500)
  const listed = await ndjson(lines(...late), { columns: ['late', 'id'], unknownColumns: 'ignore' })
  assert.deepEqual(listed.rows[1200], ['1', '1200'])
  assert.deepEqual(listed.rows[0], [null, '0'])
})

test('only the columns that are asked for are read, in that order, and a key beside them stands before them', async () => {
  const text = lines({ a: 1, b: 2, c: 3 }, { c: 6, b: 5, a: 4 })
  const { rows, layout } = await ndjson(text, {}, { columns: ['c', 'b'], key: ['a', 'c'] })
  assert.deepEqual(rows, [
    ['1', '3', '2'],
    ['4', '6', '5'],
  ])
  assert.equal(layout?.extra, 1)
  assert.deepEqual(
    layout?.key.map(({ field }) => field),
    [0, 1],
  )
})

const INVALID: readonly (readonly [name: string, line: string, code: string, message: RegExp])[] = [
  [
    'a name twice',
    '{"id":2,"x":1,"id":3}',
    'duplicate_name',
    /line 2 of stdin holds the name id twice; .*send it once/,
  ],
  ['a name twice, once escaped', '{"id":2,"\\u0069d":3}', 'duplicate_name', /id twice/],
  ['a list', '[1,2]', 'not_an_object', /line 2 of stdin is no JSON object; write each row as an object/],
  ['a number', '5', 'not_an_object', /./],
  ['a null', 'null', 'not_an_object', /./],
  ['a text', '"x"', 'not_an_object', /./],
  ['two objects on a line', '{"id":2}{"id":3}', 'not_json', /no JSON from byte 9 on; write one object a line/],
  ['an object that is cut off', '{"id":2,"x":"a', 'not_json', /byte 15/],
  ['a comma too many', '{"id":2,}', 'not_json', /byte 9/],
  ['a number with a leading zero', '{"id":02}', 'not_json', /byte 8/],
  ['a raw tab in a text', '{"id":2,"x":"a\tb"}', 'not_json', /byte 15/],
  ['single quotes', "{'id':2}", 'not_json', /byte 2/],
  ['NaN', '{"id":2,"x":NaN}', 'not_json', /byte 13/],
  ['half a surrogate pair', '{"id":2,"x":"a\\ud83d"}', 'lone_surrogate', /half of a surrogate pair/],
  ['the other half', '{"id":2,"x":"\\ude00\\ud83d"}', 'lone_surrogate', /./],
]
for (const [name, line, code, message] of INVALID) {
  test(`${name} makes an invalid row, and the rows around it are read`, async () => {
    const { rows, invalid, end } = await ndjson(`{"id":1,"x":"a"}\n${line}\n{"id":4,"x":"d"}\n`)
    assert.deepEqual(rows, [
      ['1', 'a'],
      ['4', 'd'],
    ])
    assert.deepEqual(
      invalid.map((row) => [row.code, row.payload]),
      [[code, line]],
    )
    assert.match(invalid[0]?.message ?? '', message)
    assert.equal(end?.rows, 3)
  })
}

const WRONG: readonly (readonly [name: string, text: string | Buffer, said: RegExp, options?: RowOptionsInput])[] = [
  ['no bytes', '', /^no_columns: stdin holds no row, so its columns are not known: list them/],
  ['blank lines only', '\n \n', /^no_columns/],
  [
    'one JSON list',
    '[\n{"id":1}\n]\n',
    /^not_ndjson: line 1 of stdin is not one JSON object \("\["\): .*jq -c '\.\[\]'/,
  ],
  ['an object over many lines', '{\n  "id": 1\n}\n', /^not_ndjson: line 1 .*each object on a line/],
  ['CSV', 'id,x\n1,a\n', /^not_ndjson: .*is it CSV\?/],
  [
    'a last line that is cut off',
    '{"id":1}\n{"id":2',
    /^input_truncated: the last line of stdin, number 2, is not complete/,
  ],
  [
    'a row behind the trailer',
    '{"id":1}\n{"_end":true,"rows":1}\n\n{"id":2}\n',
    /^rows_after_trailer: line 4/,
    { trailer: true },
  ],
  ['Latin-1', Buffer.from('{"id":1}\n{"id":"\xe9"}\n', 'latin1'), /^not_utf8: line 2/],
  ['UTF-16', Buffer.from('{"id":1}\n', 'utf16le'), /^not_utf8: stdin is UTF-16/],
]
for (const [name, text, pattern, options] of WRONG) {
  test(`${name} ends the reading with what to do`, async () => {
    for (const chunk of [1000, 1, 3]) assert.match(said(await ndjson(text, options, { chunk })), pattern)
  })
}

test('a line larger than 16 MiB is refused, one just below is read', async () => {
  const of = (size: number) => `{"id":1,"x":"a"}\n{"id":2,"x":"${'y'.repeat(size)}"}\n{"id":3}\n`
  const { rows } = await ndjson(of(16 * 1024 * 1024 - 20), {}, { chunk: 64 * 1024 })
  assert.equal(rows.length, 3)
  assert.match(said(await ndjson(of(16 * 1024 * 1024), {}, { chunk: 64 * 1024 })), /^line_too_large: .*line 2 of stdin/)
  const endless = `{"id":1,"x":"${'y'.repeat(17 * 1024 * 1024)}`
  assert.match(said(await ndjson(endless, {}, { chunk: 64 * 1024 })), /^line_too_large: .*line 1 of stdin/)
})

test('lines behind a long one are lines, however the input is cut into chunks', async () => {
  for (const size of [60_000, 70_000, 200_000, 1_100_000]) {
    for (const end of ['\n', '']) {
      for (const chunk of [4096, 65_536]) {
        const text = `{"id":1,"x":"${'y'.repeat(size)}"}\n{"id":2,"x":"b"}\n{"id":3,"x":"c"}${end}`
        const read = await ndjson(text, {}, { chunk })
        assert.deepEqual([said(read), read.rows.length], ['no error', 3], `${size} bytes in chunks of ${chunk}`)
      }
    }
  }
})

test('a minus before the integer 0 makes no other value, and before a decimal stays', async () => {
  const { rows } = await ndjson('{"i":-0,"d":-0,"t":"-0"}\n{"i":0,"d":-0.5,"t":"-0"}\n')
  assert.deepEqual(rows, [
    ['0', '-0', '-0'],
    ['0', '-0.5', '-0'],
  ])
})

test('the trailer is no row, and says how many there were', async () => {
  for (const trailer of ['{"_end":true,"rows":2}', '{ "rows": 2, "_end": true }']) {
    const { rows, end } = await ndjson(`{"id":1}\n{"id":2}\n${trailer}\n`, { trailer: true })
    assert.equal(rows.length, 2)
    assert.deepEqual([end?.proven, end?.rows], [true, 2])
  }
  const empty = await ndjson('{"_end":true,"rows":0}\n', { trailer: true, columns: ['id'] })
  assert.deepEqual([empty.rows.length, empty.end?.proven], [0, true])
})

test('depth costs no stack', async () => {
  const depth = 1_000_000
  const { rows } = await ndjson(
    `{"a":${'['.repeat(depth)}${']'.repeat(depth)}}\n{"a":${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}}\n`,
  )
  assert.equal(rows[0]?.[0]?.length, 2 * depth)
  assert.equal(rows[1]?.[0], `${'{"a":'.repeat(1000)}1${'}'.repeat(1000)}`)
})

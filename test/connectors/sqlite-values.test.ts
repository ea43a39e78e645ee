import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { ValueKind } from '../../src/core/column.ts'
import type { Outcome } from '../../src/core/outcome.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { never, openTable, sqliteFile } from '../support/sqlite-file.ts'

/** What becomes of one text in a column of that declaration: its storage class and value, or the code of the reject. */
async function stored(declaration: string, kind: ValueKind, texts: (string | null)[], strict = ''): Promise<unknown[]> {
  using file = sqliteFile(`CREATE TABLE users (id INTEGER PRIMARY KEY, v ${declaration}) ${strict}`)
  const fields = [field('id', 'integer'), field('v', kind)]
  await using users = await openTable(file.path, fields)
  const rows = texts.map((text, index) => [String(index), text])
  const outcomes = await users.write(changeBatch('upsert', fields, rows), never)
  const value = file.database.prepare('SELECT typeof(v), v FROM users WHERE id = ?').raw()
  return outcomes.map((outcome, index) => (outcome.status === 'rejected' ? outcome.code : value.get(index)))
}

test('keeps every text to the byte', async () => {
  const texts = [
    '',
    null,
    'tab\tnewline\ncr\r\nbackslash\\ \\N \\t',
    'a\0b',
    '🚀 naïve 漢字 \u{10ffff} \ufffd \ufeff',
    '\b\f\v\x01\x7f',
    'x'.repeat(10_240),
    '007',
    "'; DROP TABLE users; --",
    '\\',
    '\\\\N',
  ]
  const expected = texts.map((text) => (text === null ? ['null', null] : ['text', text]))
  assert.deepEqual(await stored('TEXT', 'text', texts), expected)
  assert.deepEqual(await stored('', 'text', texts), expected)
  assert.deepEqual(await stored('VARCHAR(3)', 'json', texts), expected)
})

test('keeps any text in any neighbourhood', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.option(fc.string({ unit: 'binary' })), { minLength: 1, maxLength: 20 }),
      async (texts) => {
        const expected = texts.map((text) => (text === null ? ['null', null] : ['text', text]))
        assert.deepEqual(await stored('TEXT', 'text', texts), expected)
      },
    ),
    { numRuns: 20 },
  )
})

test('keeps 64-bit integers as integers, whatever the column', async () => {
  const texts = ['0', '-1', '42', '999999999999999', '9007199254740993', '9223372036854775807', '-9223372036854775808']
  const integers = texts.map((text) => ['integer', BigInt(text)])
  assert.deepEqual(await stored('INTEGER', 'integer', texts), integers)
  assert.deepEqual(await stored('DECIMAL(10,2)', 'integer', texts), integers)
  assert.deepEqual(await stored('BLOB', 'integer', texts), integers)
  assert.deepEqual(await stored('ANY', 'integer', texts, 'STRICT'), integers)
  assert.deepEqual(await stored('INT', 'integer', texts, 'STRICT'), integers)
  assert.deepEqual(
    await stored('TEXT', 'integer', texts),
    texts.map((text) => ['text', text]),
  )
})

test('rejects integers that a column cannot hold', async () => {
  const beyond = ['9223372036854775808', '-9223372036854775809', '123456789012345678901234567890']
  const codes = beyond.map(() => 'out_of_range')
  assert.deepEqual(await stored('INTEGER', 'integer', beyond), codes)
  assert.deepEqual(await stored('NUMERIC', 'integer', beyond), codes)
  assert.deepEqual(await stored('', 'integer', beyond), codes)
  assert.deepEqual(
    await stored('TEXT', 'integer', beyond),
    beyond.map((text) => ['text', text]),
  )
  assert.deepEqual(await stored('REAL', 'integer', ['9007199254740993', '9007199254740992', '9223372036854775808']), [
    'inexact_value',
    ['real', 2 ** 53],
    ['real', 2 ** 63],
  ])
  assert.deepEqual(await stored('INTEGER', 'integer', ['', 'abc', '1.5', '0x10', ' ']), Array(5).fill('invalid_value'))
})

test('keeps floats, with NaN as text because SQLite would make it null', async () => {
  const texts = ['1.5', '0.30000000000000004', '1.7976931348623157e+308', '5e-324', 'NaN', 'Infinity', '-Infinity']
  const reals = texts.map((text) => (text === 'NaN' ? ['text', text] : ['real', Number(text)]))
  assert.deepEqual(await stored('REAL', 'float', texts), reals)
  assert.deepEqual(await stored('', 'float', texts), reals)
  assert.deepEqual(await stored('DOUBLE PRECISION', 'float', ['3', 'x', '']), [
    ['real', 3],
    'invalid_value',
    'invalid_value',
  ])
  assert.deepEqual(await stored('INTEGER', 'float', ['3', '1.5', '1e+18']), [
    ['integer', 3n],
    ['real', 1.5],
    ['integer', 10n ** 18n],
  ])
  assert.deepEqual(
    await stored('TEXT', 'float', texts),
    texts.map((text) => ['text', text]),
  )
  assert.deepEqual(await stored('REAL', 'float', ['1.5', 'NaN'], 'STRICT'), [
    ['real', 1.5],
    'SQLITE_CONSTRAINT_DATATYPE',
  ])
})

test('keeps booleans as 1 and 0 and bytes as blobs', async () => {
  assert.deepEqual(await stored('BOOLEAN', 'boolean', ['t', 'f', null, 'true']), [
    ['integer', 1n],
    ['integer', 0n],
    ['null', null],
    'invalid_value',
  ])
  assert.deepEqual(await stored('TEXT', 'boolean', ['t', 'f']), [
    ['text', '1'],
    ['text', '0'],
  ])
  const bytes = ['\\x', '\\x00ff0a09', `\\x${'ab'.repeat(10_000)}`]
  const blobs = bytes.map((text) => ['blob', Buffer.from(text.slice(2), 'hex')])
  assert.deepEqual(await stored('BLOB', 'bytes', bytes), blobs)
  assert.deepEqual(await stored('TEXT', 'bytes', bytes), blobs)
  assert.deepEqual(await stored('BLOB', 'bytes', ['00ff', '\\x0', '\\xzz']), Array(3).fill('invalid_value'))
})

const FORTY_DIGITS = '12345678901234567890.12345678901234567890'

test('keeps decimals to the digit where the column keeps text', async () => {
  const texts = [FORTY_DIGITS, '1.10', '0.00', '-0', 'NaN', 'Infinity', '1E+400']
  const expected = texts.map((text) => ['text', text])
  assert.deepEqual(await stored('TEXT', 'decimal', texts), expected)
  assert.deepEqual(await stored('', 'decimal', texts), expected)
})

test('rejects decimals that a numeric column would round, and takes those that stay the same number', async () => {
  const texts = [
    '1.10',
    '0.1',
    '-12345678.1234567',
    '9007199254740993',
    '12345678901234567.00',
    '1e3',
    '100000000000000000000',
  ]
  const kept = [
    ['real', 1.1],
    ['real', 0.1],
    ['real', -12345678.1234567],
    ['integer', 9007199254740993n],
    ['integer', 12345678901234567n],
    ['integer', 1000n],
    ['real', 1e20],
  ]
  for (const type of ['NUMERIC', 'DECIMAL(38,10)', 'INTEGER']) {
    assert.deepEqual(await stored(type, 'decimal', texts), kept)
    assert.deepEqual(
      await stored(type, 'decimal', [FORTY_DIGITS, '1e400', '0.1234567890123456789', '9223372036854775809']),
      ['inexact_value', 'inexact_value', 'inexact_value', 'inexact_value'],
    )
  }
  assert.deepEqual(
    await stored('REAL', 'decimal', ['1.10', '9007199254740993', FORTY_DIGITS, '0.000000000000000001']),
    [['real', 1.1], 'inexact_value', 'inexact_value', ['real', 1e-18]],
  )
  assert.deepEqual(await stored('NUMERIC', 'decimal', ['NaN', 'Infinity', 'x']), [
    ['text', 'NaN'],
    ['real', Number.POSITIVE_INFINITY],
    'invalid_value',
  ])
})

test('agrees with exact arithmetic on which decimals a numeric column keeps', async () => {
  const decimal = fc
    .tuple(fc.boolean(), fc.bigInt({ min: 0n, max: 10n ** 25n }), fc.nat(25))
    .map(([negative, digits, scale]) => {
      const padded = digits.toString().padStart(scale + 1, '0')
      const point = padded.length - scale
      return `${negative ? '-' : ''}${padded.slice(0, point)}${scale > 0 ? `.${padded.slice(point)}` : ''}`
    })
  await fc.assert(
    fc.asyncProperty(fc.array(decimal, { minLength: 1, maxLength: 50 }), async (texts) => {
      const values = await stored('NUMERIC', 'decimal', texts)
      for (const [index, text] of texts.entries()) {
        const kept = values[index]
        const shortest = kept === 'inexact_value' ? String(Number(text)) : String((kept as unknown[])[1])
        assert.equal(scaled(shortest) === scaled(text), kept !== 'inexact_value', `${text} ${String(kept)}`)
      }
    }),
    { numRuns: 30 },
  )
})

/** A decimal times 10^60. */
function scaled(text: string): bigint {
  const [mantissa, exponent = '0'] = text.split('e') as [string, string?]
  const [whole, fraction = ''] = mantissa.split('.') as [string, string?]
  return (
    BigInt(whole.replace('-', '') + fraction) *
    10n ** BigInt(60 + Number(exponent) - fraction.length) *
    (whole.startsWith('-') ? -1n : 1n)
  )
}

test('keeps dates, timestamps, JSON and identifiers as they are in columns of such types', async () => {
  const cases: [string, ValueKind, string[]][] = [
    ['DATETIME', 'timestamp', ['2024-02-29 12:00:00.123456+00', 'infinity', '0044-03-15 00:00:00+00 BC']],
    ['DATE', 'date', ['2024-02-29', '-infinity', '10000-01-01']],
    ['JSON', 'json', ['{"a": 1.10}', '[1, 2]', '"007"', 'null']],
    ['UUID', 'other', ['123e4567-e89b-12d3-a456-426614174000', '11111111-1111-1111-1111-111111111111']],
  ]
  for (const [type, kind, texts] of cases) {
    assert.deepEqual(
      await stored(type, kind, texts),
      texts.map((text) => ['text', text]),
    )
  }
})

test('text that looks like a number becomes the same number in a numeric column or is rejected', async () => {
  assert.deepEqual(await stored('INTEGER', 'text', ['42', ' 42 ', '', 'n/a', '0x10', '98765432109876543210']), [
    ['integer', 42n],
    ['integer', 42n],
    ['text', ''],
    ['text', 'n/a'],
    ['text', '0x10'],
    'inexact_value',
  ])
})

test('rejects an integer as key that would read back as another text, and as a value takes it for what it is', async () => {
  using file = sqliteFile('CREATE TABLE users (id INTEGER PRIMARY KEY, n INTEGER)')
  const fields = [field('id', 'integer'), field('n', 'integer')]
  await using users = await openTable(file.path, fields, { keyEncodings: ['text'] })
  const ids = ['7', '007', '-0', '0', '+1', '-5', '9223372036854775807']
  const outcomes = await users.write(
    changeBatch(
      'upsert',
      fields,
      ids.map((id) => [id, '-0']),
    ),
    never,
  )
  const codes = outcomes.map((outcome: Outcome) => (outcome.status === 'rejected' ? outcome.code : outcome.status))
  assert.deepEqual(codes, ['done', 'inexact_value', 'inexact_value', 'done', 'inexact_value', 'done', 'done'])
})

test('rejects a key that would read back as another text', async () => {
  using file = sqliteFile('CREATE TABLE users (id NUMERIC PRIMARY KEY, name TEXT)')
  const fields = [field('id', 'text'), field('name')]
  await using users = await openTable(file.path, fields, { keyEncodings: ['text'] })
  const ids = ['7', '007', '1.10', '1.5', 'A-7', '1e5']
  const outcomes = await users.write(
    changeBatch(
      'upsert',
      fields,
      ids.map((id) => [id, 'x']),
    ),
    never,
  )
  const codes = outcomes.map((outcome: Outcome) => (outcome.status === 'rejected' ? outcome.code : outcome.status))
  assert.deepEqual(codes, ['done', 'inexact_value', 'inexact_value', 'done', 'done', 'inexact_value'])
  const [, outcome] = outcomes
  assert(outcome?.status === 'rejected')
  assert.match(outcome.message, /id is "007": column "id" would hold 7, .*: make the column TEXT$/)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HubspotProperty } from '../../src/connectors/hubspot-properties.ts'
import { formatOf, kindProblem } from '../../src/connectors/hubspot-values.ts'
import type { ValueKind } from '../../src/core/column.ts'
import { field } from '../support/batch-field.ts'

function property(type: string, fieldType = 'text', options: Readonly<Record<string, string>> = {}): HubspotProperty {
  return { name: 'p', type, fieldType, options: new Map(Object.entries(options)), isUnique: false, readOnly: undefined }
}

/** What is sent, or the code and the message of what is not. */
function written(kind: ValueKind, to: HubspotProperty, text: string): string {
  const value = formatOf(field('p', kind), to)(text)
  return typeof value === 'string' ? value : `${value.code}: ${value.message}`
}

function all(kind: ValueKind, to: HubspotProperty, texts: readonly string[]): string[] {
  return texts.map((text) => written(kind, to, text))
}

test('numbers are written without an exponent, to the last digit', () => {
  const pairs = [
    ['0', '0'],
    ['-1.50', '-1.50'],
    ['+7', '7'],
    ['.5', '0.5'],
    ['12345678901234567890.123456789', '12345678901234567890.123456789'],
    ['1e3', '1000'],
    ['1.25e+2', '125'],
    ['1.25e1', '12.5'],
    ['-1.5E-3', '-0.0015'],
    ['12e-1', '1.2'],
    ['0e5', '0'],
    ['1e+21', '1000000000000000000000'],
  ] as const
  assert.deepEqual(
    all(
      'float',
      property('number'),
      pairs.map(([from]) => from),
    ),
    pairs.map(([, to]) => to),
  )
  assert.equal(Number(written('float', property('number'), '2.2250738585072014e-308')), 2.2250738585072014e-308)
})

test('what is no number is an invalid value', () => {
  for (const text of ['NaN', 'Infinity', '1,000', '1.2.3', 'x', '-', '.', 'e5', ' ']) {
    assert.match(written('text', property('number'), text), /^invalid_value: .* is not a number$/, text)
  }
})

test('booleans are true and false, and nothing else is one', () => {
  assert.deepEqual(all('boolean', property('bool'), ['t', 'f']), ['true', 'false'])
  assert.deepEqual(all('text', property('bool'), ['TRUE', ' false ']), ['true', 'false'])
  assert.deepEqual(all('boolean', property('string'), ['t']), ['true'])
  for (const text of ['1', 'yes', 'x']) assert.match(written('text', property('bool'), text), /^invalid_value/)
})

test('a date is its day of the calendar, whatever the time zone', () => {
  assert.deepEqual(all('date', property('date'), ['2024-02-29', '0001-01-01']), ['2024-02-29', '0001-01-01'])
  for (const text of [
    '2023-02-29',
    '2024-13-01',
    'infinity',
    '0044-03-15 BC',
    '2024-02-29 10:00:00',
    '29.2.2024',
    '10000-01-01',
  ]) {
    assert.match(written('text', property('date'), text), /^invalid_value/, text)
  }
})

test('a time is written in UTC, to the millisecond', () => {
  const pairs = [
    ['2024-02-29 23:59:59.123456+00', '2024-02-29T23:59:59.123Z'],
    ['2024-02-29 23:59:59', '2024-02-29T23:59:59.000Z'],
    ['2024-02-29 23:30:00+05:30', '2024-02-29T18:00:00.000Z'],
    ['2024-02-29 23:30:00.5-08', '2024-03-01T07:30:00.500Z'],
    ['2024-02-29T10:00:00Z', '2024-02-29T10:00:00.000Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    [' 2024-02-29 10:00 +01 ', '2024-02-29T09:00:00.000Z'],
    ['1969-12-31 23:59:59.9999+00', '1969-12-31T23:59:59.999Z'],
    ['0001-01-01 00:00:00+00', '0001-01-01T00:00:00.000Z'],
    ['9999-12-31 23:59:59+00', '9999-12-31T23:59:59.000Z'],
  ] as const
  assert.deepEqual(
    all(
      'timestamp',
      property('datetime'),
      pairs.map(([from]) => from),
    ),
    pairs.map(([, to]) => to),
  )
  for (const text of [
    'infinity',
    '2023-02-29 00:00:00',
    '2024-02-29 25:00:00',
    'soon',
    '1709164800000',
    '9999-12-31 23:59:59-05',
    '0000-01-01 00:00:00+05',
  ]) {
    assert.match(written('timestamp', property('datetime'), text), /^invalid_value/, text)
  }
})

test('whatever is in a value, it is looked at in proportion to its length', () => {
  const long = (character: string) => character.repeat(400_000)
  const values = [
    `${long(' ')}x`,
    `1${long(' ')}x`,
    `t${long(' ')}x`,
    `${long('0')}x`,
    `1.${long('0')}1e1`,
    `1${long('0')}1e-1`,
    `1e${long('1')}`,
    `2024-01-01 10:00${long(' ')}x`,
    `2024-01-01T10:00:00.${long('1')}x`,
    `2024-01-01T10:00:00.${long('1')}Z`,
    `a${long(';')}b`,
    `a${long(' ')};b`,
    long('x'),
  ]
  const options = { lead: 'Lead', hot_lead: 'Hot lead' }
  const properties = [
    ...['number', 'bool', 'date', 'datetime', 'string'].map((type) => property(type)),
    property('enumeration', 'select', options),
    property('enumeration', 'checkbox', options),
  ]
  const before = performance.now()
  for (const one of properties) for (const value of values) written('text', one, value)
  const took = performance.now() - before
  assert.ok(took < 5_000, `${took} ms`)
})

test('an option is sent by its value; a label is told from it', () => {
  const stage = property('enumeration', 'select', { lead: 'Lead', hot_lead: 'Hot lead' })
  assert.equal(written('text', stage, 'lead'), 'lead')
  assert.match(written('text', stage, 'Hot lead'), /^invalid_option: "Hot lead" .* its value is "hot_lead"$/)
  assert.match(written('text', stage, 'laed'), /^invalid_option: .*did you mean "lead"/)
  assert.match(written('text', stage, 'LEAD'), /^invalid_option/)
  assert.equal(written('boolean', property('enumeration', 'radio', { true: 'Yes', false: 'No' }), 't'), 'true')
  assert.equal(
    written('text', property('enumeration', 'select'), 'anything'),
    'anything',
    'options that are not listed',
  )
})

test('several options are sent sorted and once, so that their order is no change', () => {
  const tags = property('enumeration', 'checkbox', { a: 'A', b: 'B', c: 'C' })
  assert.deepEqual(all('text', tags, ['c;a;b', ';b; a ;b', 'a', ';']), ['a;b;c', 'a;b', 'a', ''])
  assert.deepEqual(all('json', tags, ['["c", "a"]', '[]', 'null']), ['a;c', '', ''])
  assert.match(written('text', tags, 'a;x'), /^invalid_option: "x" is none of its options/)
  assert.match(written('json', tags, '["a;b"]'), /^invalid_option: "a;b" has a ; in it/)
  for (const text of ['{"a": 1}', '[1]', 'a;b']) assert.match(written('json', tags, text), /^invalid_value/)
})

test('a text is sent as it is, up to what HubSpot keeps', () => {
  assert.equal(written('text', property('string'), ' a\n\tb '), ' a\n\tb ')
  assert.equal(written('text', property('string'), 'x'.repeat(65_536)).length, 65_536)
  assert.match(written('text', property('string'), 'x'.repeat(65_537)), /^value_too_long: it has 65537 characters/)
})

test('an empty text clears a property of any type', () => {
  for (const type of ['string', 'number', 'bool', 'date', 'datetime', 'enumeration']) {
    assert.equal(written('text', property(type), ''), '')
  }
})

test('columns that cannot become values of a property are found without a row', () => {
  const problem = (kind: ValueKind, to: HubspotProperty, type?: string) =>
    kindProblem({ ...field('p', kind), ...(type !== undefined && { type }) }, to)
  const fits: readonly [string, readonly ValueKind[]][] = [
    ['string', ['text', 'integer', 'decimal', 'float', 'boolean', 'date', 'timestamp', 'json', 'other']],
    ['number', ['text', 'integer', 'decimal', 'float', 'other']],
    ['bool', ['text', 'boolean', 'other']],
    ['date', ['text', 'date', 'other']],
    ['datetime', ['text', 'timestamp', 'date', 'other']],
    ['enumeration', ['text', 'integer', 'boolean', 'other']],
    ['phone_number', ['text', 'integer', 'other']],
  ]
  const kinds = [
    'text',
    'integer',
    'decimal',
    'float',
    'boolean',
    'bytes',
    'date',
    'timestamp',
    'json',
    'other',
  ] as const
  for (const [type, fitting] of fits) {
    assert.deepEqual(
      kinds.filter((kind) => problem(kind, property(type)) === undefined).sort(),
      [...fitting].sort(),
      type,
    )
  }
  assert.match(String(problem('timestamp', property('date'))), /cast it to date, in the time zone that is meant/)
  assert.match(String(problem('other', property('enumeration', 'checkbox'), 'text[]')), /array_to_string/)
  assert.equal(problem('json', property('enumeration', 'checkbox')), undefined)
  assert.match(String(problem('text', property('object_coordinates'))), /cannot be written/)
})

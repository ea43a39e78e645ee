import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FieldType } from '../../src/core/field-mapping.ts'
import { compile, map, mapped } from '../support/mappings.ts'

/** What each type makes of a text; undefined = it does not fit. */
const TYPES: readonly [FieldType, Readonly<Record<string, string | undefined>>][] = [
  ['text', { '': '', x: 'x' }],
  [
    'number',
    {
      '1': '1',
      '-0.50': '-0.50',
      '+1': '+1',
      ' 2 ': '2',
      '1.': '1.',
      '.5': '.5',
      '1e-7': '1e-7',
      '123456789012345678901234567890.1': '123456789012345678901234567890.1',
      NaN: 'NaN',
      Infinity: 'Infinity',
      '-Infinity': '-Infinity',
      '': undefined,
      '.': undefined,
      '1,5': undefined,
      '0x10': undefined,
      one: undefined,
    },
  ],
  [
    'integer',
    {
      '1': '1',
      '+7': '7',
      '-0': '0',
      '007': '7',
      '000': '0',
      ' 12 ': '12',
      '12.000': '12',
      '12.': '12',
      '-9223372036854775809': '-9223372036854775809',
      '1.5': undefined,
      '1e3': undefined,
      '': undefined,
      '-': undefined,
    },
  ],
  [
    'boolean',
    {
      t: 't',
      TRUE: 't',
      yes: 't',
      on: 't',
      '1': 't',
      ' y ': 't',
      f: 'f',
      False: 'f',
      no: 'f',
      off: 'f',
      '0': 'f',
      '2': undefined,
      '': undefined,
      maybe: undefined,
    },
  ],
  [
    'date',
    {
      '2024-02-29': '2024-02-29',
      '2024-02-29 12:34:56.789+00': '2024-02-29',
      '2024-02-29T12:34:56Z': '2024-02-29',
      '0044-03-15 BC': '0044-03-15 BC',
      '12024-01-01': '12024-01-01',
      infinity: 'infinity',
      '-infinity': '-infinity',
      '29.2.2024': undefined,
      '2024-2-29': undefined,
      '': undefined,
    },
  ],
  [
    'timestamp',
    {
      '2024-02-29': '2024-02-29',
      '2024-02-29 12:34:56.789+00': '2024-02-29 12:34:56.789+00',
      '2024-02-29T12:34Z': '2024-02-29T12:34Z',
      '2024-02-29 12:34:56+05:30': '2024-02-29 12:34:56+05:30',
      '0044-03-15 12:00:00+00 BC': '0044-03-15 12:00:00+00 BC',
      infinity: 'infinity',
      yesterday: undefined,
      '12:34:56': undefined,
      '': undefined,
    },
  ],
  [
    'json',
    {
      '{"a": 9007199254740993}': '{"a": 9007199254740993}',
      '"x"': '"x"',
      ' null ': ' null ',
      '{a: 1}': undefined,
      '': undefined,
    },
  ],
]

for (const [type, texts] of TYPES) {
  test(`type ${type} takes what is one, unchanged in value, and makes the row invalid where it is none`, () => {
    const mapping = compile([map('id'), map('a', { type })])
    for (const [text, value] of Object.entries(texts)) {
      const result = mapped(mapping, ['1', text, null])
      if (value === undefined) assert.match(String(result), /^unmappable_value: the value for a is not .*; mend/)
      else assert.deepEqual(result, ['1', value], `${type} of ${JSON.stringify(text)}`)
    }
    assert.deepEqual(mapped(mapping, ['1', null, null]), ['1', null], 'a null is of every type')
  })
}

test('a type holds for templates and constants, too', () => {
  const template = { kind: 'template', parts: ['', 'a', '', 'b'] } as const
  const mapping = compile([map('id'), map('n', { from: template, type: 'integer' })])
  assert.deepEqual(mapped(mapping, ['1', '4', '2']), ['1', '42'])
  assert.match(String(mapped(mapping, ['1', 'x', '2'])), /^unmappable_value/)
  assert.equal(mapping.fields[1]?.kind, 'integer')
})

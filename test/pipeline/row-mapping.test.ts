import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import type { KeyEncoding, ValueKind } from '../../src/core/column.ts'
import { decodeRow, encodeRow } from '../../src/core/copy-text.ts'
import { FatalError } from '../../src/core/errors.ts'
import type { DeletesAs, FieldMapping } from '../../src/core/field-mapping.ts'
import { KeyEncoder, keySpace } from '../../src/core/key.ts'
import type { RowLayout } from '../../src/core/row-batch.ts'
import { COLUMNS, compile, map, mapped, VARIABLES } from '../support/mappings.ts'
import { column, layoutOf, type Row } from '../support/row-batches.ts'

const HASHED = createHash('sha256').update('Zoë').digest('hex')

/** A field from each kind of origin, for the row 1, Zoë, null. */
const ORIGINS: readonly [string, FieldMapping['from'], string | null, ValueKind, string][] = [
  ['a column', { kind: 'column', column: 'a', hash: undefined }, 'Zoë', 'text', 'text'],
  ['a null', { kind: 'column', column: 'b', hash: undefined }, null, 'text', 'text'],
  ['a column of another kind', { kind: 'column', column: 'id', hash: undefined }, '1', 'integer', 'bigint'],
  ['a hash', { kind: 'column', column: 'a', hash: 'sha256' }, HASHED, 'text', 'text'],
  ['the hash of a null', { kind: 'column', column: 'b', hash: 'sha256' }, null, 'text', 'text'],
  ['a template', { kind: 'template', parts: ['', 'id', ': ', 'a', ' '] }, '1: Zoë ', 'text', 'text'],
  ['a template with a null', { kind: 'template', parts: ['<', 'b', '>'] }, '<>', 'text', 'text'],
  ['a template without a column', { kind: 'template', parts: ['{x}'] }, '{x}', 'text', 'text'],
  ['a text', { kind: 'constant', value: 'customer' }, 'customer', 'text', 'text'],
  ['a whole number', { kind: 'constant', value: 42 }, '42', 'integer', 'bigint'],
  ['a number', { kind: 'constant', value: 0.1 }, '0.1', 'decimal', 'numeric'],
  ['true', { kind: 'constant', value: true }, 't', 'boolean', 'boolean'],
  ['false', { kind: 'constant', value: false }, 'f', 'boolean', 'boolean'],
  ['nothing', { kind: 'constant', value: null }, null, 'text', 'text'],
  ['the id of the run', { kind: 'variable', variable: 'run.id' }, 'run-1', 'text', 'text'],
  ['the name of the sync', { kind: 'variable', variable: 'sync.name' }, 'contacts', 'text', 'text'],
  [
    'the start of the run',
    { kind: 'variable', variable: 'run.started_at' },
    '2026-11-22T18:00:00.000Z',
    'timestamp',
    'timestamptz',
  ],
]

for (const [what, from, value, kind, type] of ORIGINS) {
  test(`a field can be ${what}, and says what it holds`, () => {
    const mapping = compile([map('id'), map('f', { from })])
    assert.deepEqual(mapped(mapping, ['1', 'Zoë', null]), ['1', value])
    assert.deepEqual(mapping.fields[1], { name: 'f', kind, type, nulls: 'write', on: 'always' })
  })
}

const EXACT = [
  '',
  ' ',
  '\\N',
  'tab\there',
  'line\nbreak\r',
  '\\',
  '\\x0aff',
  '12345678901234567890.123456789012345678901234567890',
  '9223372036854775807',
  '2024-02-29 23:59:59.999999+00',
  'infinity',
  '0044-03-15 BC',
  '{"a": 1.00, "a": 2}',
  '{1,NULL,"x,y"}',
  '\u{1f600}\u0001',
]

test('a text passes exactly as it is, as itself and through type text', () => {
  for (const type of [undefined, 'text'] as const) {
    const mapping = compile([map('id'), map('f', { from: { kind: 'column', column: 'a', hash: undefined }, type })])
    for (const text of EXACT) assert.deepEqual(mapped(mapping, ['1', text, null]), ['1', text])
  }
})

test('the match fields come first, in key order, and the others stay in their order', () => {
  const columns = [column('tenant'), column('id', 'integer'), column('a')]
  const fields = [map('a'), map('x', { from: { kind: 'constant', value: 1 } }), map('id'), map('tenant')]
  const mapping = compile(fields, { columns, match: ['tenant', 'id'] })
  assert.deepEqual(
    mapping.fields.map(({ name }) => name),
    ['tenant', 'id', 'a', 'x'],
  )
  assert.deepEqual(mapped(mapping, ['eu', '7', 'text']), ['eu', '7', 'text', '1'])
})

test('what a field says about nulls and inserts reaches the destination', () => {
  const { fields } = compile([map('id'), map('a', { nulls: 'skip' }), map('b', { on: 'insert' })])
  assert.deepEqual(
    fields.map(({ nulls, on }) => [nulls, on]),
    [
      ['write', 'always'],
      ['skip', 'always'],
      ['write', 'insert'],
    ],
  )
})

test('lines pass as they are where the fields are the columns, however they are called', () => {
  const renamed = { kind: 'column', column: 'a', hash: undefined } as const
  assert.equal(compile([map('id'), map('a'), map('b')]).passes, 0)
  assert.equal(compile([map('id'), map('name', { from: renamed }), map('b', { nulls: 'skip' })]).passes, 0)
  const layout = { ...layoutOf(COLUMNS), extra: 2 }
  const mapping = compile([map('id'), map('a'), map('b')], { layout })
  assert.equal(mapping.passes, 2)
  const line = Buffer.from('xxk1\tk\\t2\t1\ta\tb\n')
  assert.equal(line.toString('utf8', mapping.passFrom(line, 2)), '1\ta\tb\n')
})

test('lines do not pass as they are where anything about them differs', () => {
  const others: (readonly FieldMapping[])[] = [
    [map('id'), map('a')],
    [map('id'), map('b'), map('a')],
    [map('id'), map('a'), map('b'), map('c', { from: { kind: 'constant', value: null } })],
    [map('id'), map('a'), map('b', { type: 'text' })],
    [map('id'), map('a'), map('b', { from: { kind: 'column', column: 'b', hash: 'sha256' } })],
    [map('id'), map('a'), map('b', { from: { kind: 'template', parts: ['', 'b', ''] } })],
  ]
  for (const fields of others) assert.equal(compile(fields).passes, -1)
  const deletesAs: DeletesAs = { kind: 'set', fields: [{ name: 'gone', value: { value: true } }] }
  assert.equal(compile([map('id'), map('a'), map('b')], { deletesAs }).passes, -1)
})

test('rows behind leading key fields are mapped from their own columns', () => {
  const layout = { ...layoutOf(COLUMNS), extra: 1 }
  const mapping = compile([map('id'), map('b')], { layout })
  assert.deepEqual(mapped(mapping, ['key text', '1', 'a', 'b']), ['1', 'b'])
})

const KEYS: readonly [KeyEncoding, string][] = [
  ['integer', '-9223372036854775808'],
  ['text', 'tab\t\\ \u{1f600}'],
  ['uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['bytes', '\\x00ff'],
  ['boolean', 't'],
  ['date', '0044-03-15 BC'],
  ['timestamp', '2024-02-29 23:59:59.5'],
  ['timestamptz', 'infinity'],
]

test('a delete names its record by the text of the key, whatever its type', () => {
  for (const [encoding, text] of KEYS) {
    const key = [{ field: 0, encoding }]
    const mapping = compile([map('id')], { layout: { key, extra: 0, columns: [column('id')] } })
    assert.deepEqual(lineOf(mapping.deleteLine(keyOf(key, [text]))), [text])
  }
  const key = KEYS.map(([encoding], field) => ({ field, encoding }))
  const names = KEYS.map(([encoding]) => encoding)
  const columns = names.map((name) => column(name))
  const mapping = compile(
    names.map((name) => map(name)),
    { layout: { key, extra: 0, columns }, match: names },
  )
  const texts = KEYS.map(([, text]) => text)
  assert.deepEqual(lineOf(mapping.deleteLine(keyOf(key, texts))), texts)
  assert.deepEqual(
    mapping.deleteFields.map(({ name }) => name),
    names,
  )
})

function keyOf(key: RowLayout['key'], texts: readonly string[]): Buffer {
  const line = Buffer.from(encodeRow(texts))
  const out = Buffer.alloc(keySpace(line.length))
  const end = new KeyEncoder(key).encode(line, 0, line.length, out, 0)
  assert.ok(end > 0)
  return out.subarray(0, end)
}

function lineOf(line: string): Row {
  const bytes = Buffer.from(line)
  return decodeRow(bytes, 0, bytes.length)
}

test('a clear empties every field but the match, also those that nulls leave alone', () => {
  const fields = [map('id'), map('a', { nulls: 'skip' }), map('b', { on: 'insert' })]
  const mapping = compile(fields, { deletesAs: { kind: 'clear' } })
  assert.deepEqual(lineOf(mapping.deleteLine(keyOf([{ field: 0, encoding: 'integer' }], ['7']))), ['7', null, null])
  assert.deepEqual(
    mapping.deleteFields.map(({ name, nulls, on }) => `${name} ${nulls} ${on}`),
    ['id write always', 'a write always', 'b write always'],
  )
})

test('a soft delete sets its fields, and a record that comes back is unmarked', () => {
  const deletesAs: DeletesAs = {
    kind: 'set',
    fields: [
      { name: 'deleted', value: { value: true } },
      { name: 'deleted_at', value: { variable: 'run.started_at' } },
      { name: 'a', value: { value: 'gone' } },
    ],
  }
  const mapping = compile([map('id'), map('a', { nulls: 'skip' })], { deletesAs })
  const deleted = lineOf(mapping.deleteLine(keyOf([{ field: 0, encoding: 'integer' }], ['7'])))
  assert.deepEqual(Object.fromEntries(mapping.deleteFields.map(({ name }, index) => [name, deleted[index]])), {
    id: '7',
    deleted: 't',
    deleted_at: VARIABLES.startedAt,
    a: 'gone',
  })
  assert.deepEqual(
    mapping.deleteFields.map(({ kind }) => kind),
    ['integer', 'boolean', 'timestamp', 'text'],
  )
  assert.ok(mapping.deleteFields.every(({ nulls, on }) => nulls === 'write' && on === 'always'))
  assert.deepEqual(
    mapping.fields.map(({ name }) => name),
    ['id', 'a', 'deleted', 'deleted_at'],
  )
  assert.deepEqual(mapped(mapping, ['7', 'x', null]), ['7', 'x', null, null])
})

test('a column that the model does not have is a mistake in the configuration', () => {
  for (const from of [
    { kind: 'column', column: 'c', hash: undefined },
    { kind: 'template', parts: ['', 'c', ''] },
  ] as const) {
    assert.throws(
      () => compile([map('id'), map('f', { from })]),
      (error) => error instanceof FatalError && error.kind === 'configuration' && error.code === 'unknown_column',
    )
  }
})

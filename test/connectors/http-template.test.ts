import assert from 'node:assert/strict'
import { test } from 'node:test'
import { timestampText } from '../../src/connectors/http-json.ts'
import { httpOperation } from '../../src/connectors/http-operation-options.ts'
import { compileOperation, makeRequest, unsendable } from '../../src/connectors/http-request.ts'
import { rowsOf } from '../../src/connectors/http-rows.ts'
import type { Field, Operation } from '../../src/core/change.ts'
import type { ValueKind } from '../../src/core/column.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'

const field = (name: string, kind: ValueKind, rule: Partial<Field> = {}): Field => {
  return { name, kind, type: kind, nulls: 'write', on: 'always', ...rule }
}
const FIELDS = [
  field('id', 'integer'),
  field('price', 'decimal'),
  field('name', 'text'),
  field('active', 'boolean'),
  field('extra', 'json'),
  field('seen', 'timestamp'),
  field('born', 'date'),
]
const VALUES = [
  '9223372036854775807',
  '12345678901234567890.10',
  'Zoë "x"',
  't',
  '{"a": [1.0]}',
  '2024-02-29 23:59:59.5+00',
  '2024-02-29',
]

function made(
  operation: object,
  {
    fields = FIELDS,
    rows = [VALUES],
    name = 'upsert' as Operation,
    match = 1,
    ids,
    mark = '',
  }: {
    fields?: readonly Field[]
    rows?: (string | null)[][]
    name?: Operation
    match?: number
    ids?: (string | undefined)[]
    mark?: string
  } = {},
) {
  const compiled = compileOperation(name, httpOperation.parse({ method: 'POST', path: '/p', ...operation }))
  const batch = { ...changeBatch(name, fields, rows), ...(ids !== undefined && { ids }) }
  const all = rowsOf(batch, { operation: name, match, timestamps: 'rfc3339' })
  const given = { baseUrl: 'https://x.test', headers: {}, object: 'people', mark }
  return { ...makeRequest(compiled, all, given), problem: all.map((row) => unsendable(compiled, row))[0] }
}
const body = (template: unknown, options?: Parameters<typeof made>[1]) => made({ body: template }, options).body

test('writes integers and decimals digit by digit, and JSON, booleans, nulls and times as what they are', () => {
  assert.equal(
    body('$record'),
    '{"id":9223372036854775807,"price":12345678901234567890.10,"name":"Zoë \\"x\\"","active":true,"extra":{"a": [1.0]},' +
      '"seen":"2024-02-29T23:59:59.5+00:00","born":"2024-02-29"}',
  )
  const nothing = [...VALUES.slice(0, 1), null, null, null, null, null, null]
  assert.equal(
    body('$fields', { rows: [nothing] }),
    '{"price":null,"name":null,"active":null,"extra":null,"seen":null,"born":null}',
  )
  assert.equal(
    body({ f: { $field: 'price' } }, { rows: [['1', 'NaN', '', 'f', 'null', 'infinity', '']] }),
    '{"f":"NaN"}',
  )
})

test('fills every reference in its place', () => {
  const template = {
    key: '$key',
    op: '$operation',
    fixed: { $literal: '$key' },
    list: ['$key', 'x', 1.5, null, true],
    whole: { $merge: [{ type: 'person', name: 'no' }, { $record: { only: ['id', 'name'] } }] },
    some: { $fields: { except: ['price', 'extra', 'seen', 'born'] } },
  }
  assert.equal(
    body(template),
    '{"key":9223372036854775807,"op":"upsert","fixed":"$key","list":[9223372036854775807,"x",1.5,null,true],' +
      '"whole":{"type":"person","name":"Zoë \\"x\\"","id":9223372036854775807},"some":{"name":"Zoë \\"x\\"","active":true}}',
  )
  assert.equal(body({ a: '$id' }, { ids: ['r-1'] }), '{"a":"r-1"}')
  assert.equal(body({ a: '$id' }), '{}')
})

test('writes a value in the form that is asked for', () => {
  const forms = {
    id: { $field: 'id', as: 'text' },
    seen: { $field: 'seen', as: 'unix' },
    ms: { $field: 'seen', as: 'unix_ms' },
    born: { $field: 'born', as: 'rfc3339' },
    day: { $field: 'born', as: 'unix' },
    flag: { $field: 'active', as: 'text' },
  }
  assert.equal(
    body(forms),
    '{"id":"9223372036854775807","seen":1709251199,"ms":1709251199500,"born":"2024-02-29T00:00:00Z","day":1709164800,"flag":"true"}',
  )
})

test('leaves a time or date that has no such form as it is', () => {
  const fields = [field('seen', 'timestamp'), field('born', 'date')]
  const forms = {
    s: { $field: 'seen', as: 'rfc3339' },
    b: { $field: 'born', as: 'rfc3339' },
    u: { $field: 'born', as: 'unix' },
  }
  assert.equal(
    body(forms, { fields, rows: [['infinity', '-infinity']] }),
    '{"s":"infinity","b":"-infinity","u":"-infinity"}',
  )
})

test('names the fields of a match of several in a key', () => {
  const fields = [field('tenant', 'text'), field('id', 'integer'), field('name', 'text')]
  const options = { fields, rows: [['a/b', '7', 'x']], match: 2 }
  assert.equal(body({ k: '$key', rest: '$fields' }, options), '{"k":{"tenant":"a/b","id":7},"rest":{"name":"x"}}')
  assert.equal(made({ path: '/t/{tenant}/{id}', body: '$record' }, options).url, 'https://x.test/t/a%2Fb/7')
})

test('leaves out what stays as it is: skipped nulls, and fields for inserts only', () => {
  const fields = [field('id', 'integer'), field('a', 'text', { nulls: 'skip' }), field('b', 'text', { on: 'insert' })]
  const rows = [['1', null, 'first']]
  const template = { r: '$record', a: { $field: 'a' }, b: { $field: 'b' }, i: '$on_insert' }
  assert.equal(body(template, { fields, rows }), '{"r":{"id":1},"i":{"b":"first"}}')
  assert.equal(
    body(template, { fields, rows, name: 'insert' }),
    '{"r":{"id":1,"b":"first"},"b":"first","i":{"b":"first"}}',
  )
})

test('makes a batch of JSON, NDJSON or CSV, and a form', () => {
  const fields = [field('id', 'integer'), field('name', 'text'), field('ok', 'boolean')]
  const rows = [
    ['1', 'a,"b"\nc', 't'],
    ['2', null, 'f'],
  ]
  const batch = { mode: 'batch', response: { all_or_nothing: true } }
  const all = made({ ...batch, body: { n: { $each: { row: '$row', r: '$record' } } } }, { fields, rows })
  assert.equal(
    all.body,
    '{"n":[{"row":"0","r":{"id":1,"name":"a,\\"b\\"\\nc","ok":true}},{"row":"1","r":{"id":2,"name":null,"ok":false}}]}',
  )
  const lines = made({ ...batch, format: 'ndjson', body: '$record' }, { fields, rows })
  assert.equal(lines.body, '{"id":1,"name":"a,\\"b\\"\\nc","ok":true}\n{"id":2,"name":null,"ok":false}\n')
  assert.equal(lines.headers['content-type'], 'application/x-ndjson')
  const csv = made({ ...batch, format: 'csv' }, { fields, rows })
  assert.equal(csv.body, 'id,name,ok\n1,"a,""b""\nc",true\n2,,false\n')
  const form = made({ format: 'form', body: { u: '$record', t: ['x'] } }, { fields, rows: [['1', 'a&b=ü', null]] })
  assert.equal(form.body, 'u%5Bid%5D=1&u%5Bname%5D=a%26b%3D%C3%BC&u%5Bok%5D=&t%5B0%5D=x')
  assert.equal(form.headers['content-type'], 'application/x-www-form-urlencoded')
})

test('writes times in paths, queries and CSV as in JSON', () => {
  const fields = [field('at', 'timestamp'), field('name', 'text')]
  const options = { fields, rows: [['2024-02-29 23:59:59+00', 'x']] }
  assert.equal(
    made({ path: '/at/{at}', query: { t: '{$key}' } }, options).url,
    'https://x.test/at/2024-02-29T23%3A59%3A59%2B00%3A00?t=2024-02-29T23%3A59%3A59%2B00%3A00',
  )
  const csv = { mode: 'batch', format: 'csv', response: { all_or_nothing: true } }
  assert.equal(made(csv, options).body, 'at,name\n2024-02-29T23:59:59+00:00,x\n')
})

test('writes in CSV what the change writes', () => {
  const csv = { mode: 'batch', format: 'csv', response: { all_or_nothing: true } }
  const fields = [field('id', 'integer'), field('first', 'text', { on: 'insert' }), field('name', 'text')]
  const rows = [['1', 'a', 'x']]
  assert.equal(made(csv, { fields, rows, name: 'insert' }).body, 'id,first,name\n1,a,x\n')
  assert.equal(made(csv, { fields, rows, name: 'update' }).body, 'id,name\n1,x\n')
})

test('encodes what goes into path and query, so that it stays one piece', () => {
  const fields = [field('id', 'text')]
  const url = (id: string) =>
    made({ path: '/people/{id}/x', query: { 'q[]': 'is {id}' } }, { fields, rows: [[id]] }).url
  assert.equal(
    url('a/b?c#d%2F..e f&g'),
    'https://x.test/people/a%2Fb%3Fc%23d%252F%2E%2Ee%20f%26g/x?q%5B%5D=is%20a%2Fb%3Fc%23d%252F%2E%2Ee%20f%26g',
  )
})

test('refuses rows whose URL would lead elsewhere, or has a hole', () => {
  const fields = [field('id', 'text')]
  const code = (id: string | null, path: string) => made({ path }, { fields, rows: [[id]] }).problem?.code
  for (const id of ['.', '..']) assert.equal(code(id, '/people/{id}'), 'unsafe_path')
  assert.equal(code('.', '/people/.{id}'), 'unsafe_path')
  for (const id of ['...', '../..', 'a', '%2e%2e']) assert.equal(code(id, '/people/{id}'), undefined, id)
  assert.equal(code(null, '/people/{id}'), 'no_path_value')
  assert.equal(code('', '/people/{id}'), 'no_path_value')
  assert.equal(code('a', '/people/{$id}'), 'no_record_id')
})

test('gives the same idempotency key to the same rows, and another to all others', () => {
  const key = (rows: string[][], operation = 'insert' as Operation, of = 'content') =>
    made(
      { body: '$record', idempotency_key: { header: 'Idempotency-Key', of } },
      { fields: [field('id', 'integer'), field('name', 'text')], rows, name: operation },
    ).headers['idempotency-key']
  const first = key([['1', 'a']])
  assert.match(String(first), /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.equal(key([['1', 'a']]), first)
  assert.equal(new Set([first, key([['1', 'b']]), key([['2', 'a']]), key([['1', 'a']], 'upsert')]).size, 4)
  assert.equal(key([['1', 'a']], 'insert', 'key'), key([['1', 'b']], 'insert', 'key'))
  assert.notEqual(key([['1', 'a']], 'insert', 'key'), key([['2', 'a']], 'insert', 'key'))
  const each = (rows: string[][]) => {
    const fields = [field('id', 'integer'), field('name', 'text')]
    const operation = { mode: 'batch', body: { $each: '$idempotency_key' }, response: { all_or_nothing: true } }
    return JSON.parse(made(operation, { fields, rows, name: 'insert' }).body ?? '') as string[]
  }
  // Each row of a batch has its own, whichever rows it is sent with.
  const [one, two] = each([
    ['1', 'a'],
    ['2', 'b'],
  ])
  assert.deepEqual([one, [two]], [first, each([['2', 'b']])])
  const marked = (mark: string) => made({ body: { k: '$idempotency_key' } }, { name: 'insert', mark }).body
  assert.equal(marked('one'), marked('one'))
  assert.notEqual(marked('one'), marked('two'))
  const inBody = made({ body: { k: '$idempotency_key' } }, { name: 'insert' }).body
  assert.equal(inBody, made({ body: { k: '$idempotency_key' } }, { name: 'insert' }).body)
})

test('reads times of replies as the source writes them', () => {
  assert.equal(timestampText('2024-02-29T23:59:59.500Z'), '2024-02-29 23:59:59.5+00')
  assert.equal(timestampText('2024-02-29T23:59:59+00:00'), '2024-02-29 23:59:59+00')
  assert.equal(timestampText('2024-02-29T23:59:59+05:30'), '2024-02-29 23:59:59+05:30')
  assert.equal(timestampText('2024-02-29T23:59:59'), '2024-02-29 23:59:59')
  assert.equal(timestampText('yesterday'), 'yesterday')
})

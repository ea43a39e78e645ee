import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileDestination } from '../../src/connectors/file-destination.ts'
import { FatalError } from '../../src/core/errors.ts'
import { sync } from '../../src/index.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { testContext } from '../../src/testing/test-context.ts'
import { field } from '../support/batch-field.ts'
import { fileTarget, ID_AND_NAME, insertInto, listedKeys } from '../support/file-target.ts'
import { mapSource } from '../support/map-source.ts'
import { column } from '../support/row-batches.ts'

const fails = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof FatalError, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, message)
  return true
}

test('writes CSV that Postgres and spreadsheets read: a header, quotes where they are needed, null as nothing', async () => {
  using target = fileTarget('out.csv')
  await target.insert(['1', 'Zoë'], ['2', null], ['3', ''], ['4', 'a,b "c"\nd'], ['5', '=1+1'])
  assert.equal(target.text(), 'id,name\n1,Zoë\n2,\n3,""\n4,"a,b ""c""\nd"\n5,=1+1\n')
})

test('writes NDJSON whose numbers keep their digits and whose JSON stays JSON', async () => {
  using target = fileTarget('out.ndjson')
  const kinds = ['integer', 'decimal', 'float', 'boolean', 'json', 'date', 'text'] as const
  const fields = [field('id', 'integer'), ...kinds.map((kind) => field(`"${kind}`, kind))]
  await using destination = await target.open(fields)
  await insertInto(
    destination,
    [
      ['1', '9223372036854775807', '1.10', '1e-7', 't', '{"a":\n[1, 2]}', '2024-02-29', 'x\ny'],
      ['2', '-0', 'NaN', 'Infinity', 'f', 'no json', 'infinity', null],
    ],
    fields,
  )
  const names = kinds.map((kind) => JSON.stringify(`"${kind}`))
  const line = (id: number, values: readonly string[]) =>
    `{"id":${id},${values.map((value, at) => `${names[at]}:${value}`).join()}}\n`
  const first = ['9223372036854775807', '1.10', '1e-7', 'true', '{"a": [1, 2]}', '"2024-02-29"', '"x\\ny"']
  const second = ['-0', '"NaN"', '"Infinity"', 'false', '"no json"', '"infinity"', 'null']
  assert.equal(target.text(), line(1, first) + line(2, second))
})

test('appends what is new to a file that somebody else began, in the columns of its header', async () => {
  using target = fileTarget('out.csv', '\ufeffname,note,"id"\r\nZoë,"a ""b""",7\r\n')
  assert.deepEqual(await target.insert(['7', 'other'], ['8', 'Kim']), ['exists', 'done'])
  assert.equal(target.text(), '\ufeffname,note,"id"\r\nZoë,"a ""b""",7\r\nKim,,8\n')
})

test('says before it writes which columns the header lacks, and which stay empty', async () => {
  using target = fileTarget('out.csv', 'id,title\n')
  await assert.rejects(target.open(), fails('destination_mismatch', /its header lacks name .*id,name/))
  target.put('id,name,note\n')
  const destination = await fileDestination.open(
    fileDestination.options.parse({ path: target.path }),
    {
      name: 'rows',
      mode: 'insert-only',
      fields: ID_AND_NAME,
      match: ['id'],
      keyEncodings: ['integer'],
      create: false,
      deletesAs: 'delete',
    },
    testContext(),
  )
  assert.match((await destination.check()).join(), /stay empty: note/)
  assert.equal(target.text(), 'id,name,note\n')
})

test('finds records by value: numbers, escapes and the order of members do not matter', async () => {
  using target = fileTarget(
    'out.ndjson',
    '{"name":"a","id":1}\n\n{"id":2, "name":"\\u0062", "more":{"id":9}}\n{"name":"no id"}\n',
  )
  await using destination = await target.open()
  assert.deepEqual(await listedKeys(destination), ['1', '2'])
  assert.deepEqual(
    await insertInto(destination, [
      ['1', 'x'],
      ['2', 'x'],
      ['9', 'x'],
    ]),
    ['exists', 'exists', 'done'],
  )
})

test('moves half a line aside before it appends, and loses nothing', async () => {
  for (const [name, whole, half] of [
    ['out.csv', 'id,name\n1,a\n', '2,Zo'],
    ['out.csv', 'id,name\n1,a\n', '2,"a\nb'],
    ['out.ndjson', '{"id":1,"name":"a"}\n', '{"id":2,"na'],
    ['out.ndjson', '{"id":1,"name":"a"}\n', '\0\0\0\0'],
  ] as const) {
    using target = fileTarget(name, whole + half)
    assert.deepEqual(await target.insert(['1', 'x'], ['2', 'b']), ['exists', 'done'])
    const appended = name === 'out.csv' ? '2,b\n' : '{"id":2,"name":"b"}\n'
    assert.equal(target.text(), whole + appended)
    assert.equal(readFileSync(target.partial, 'utf8'), `${half}\n`)
  }
})

test('takes a last object without a newline for what it is: whole', async () => {
  using target = fileTarget('out.ndjson', '{"id":1,"name":"a"}')
  assert.deepEqual(await target.insert(['1', 'x'], ['2', 'b']), ['exists', 'done'])
  assert.equal(target.text(), '{"id":1,"name":"a"}\n{"id":2,"name":"b"}\n')
  assert.equal(existsSync(target.partial), false)
})

test('changes nothing while it only looks', async () => {
  using target = fileTarget('out.csv', 'id,name\n1,a\n2,b')
  const destination = await fileDestination.open(
    fileDestination.options.parse({ path: target.path }),
    {
      name: 'rows',
      mode: 'insert-only',
      fields: ID_AND_NAME,
      match: ['id'],
      keyEncodings: ['integer'],
      create: false,
      deletesAs: 'delete',
    },
    testContext(),
  )
  assert.match((await destination.check()).join(), /has no end: where it is not whole, it is moved aside/)
  assert.deepEqual(await listedKeys(destination), ['1'])
  await destination[Symbol.asyncDispose]()
  assert.equal(target.text(), 'id,name\n1,a\n2,b')
})

test('writes formulas as texts where it is asked to, keeps numbers as they are, and finds the records again', async () => {
  using target = fileTarget('out.csv')
  const fields = [field('id'), field('name'), field('amount', 'decimal')]
  const request = { keyEncodings: ['text'], options: { escape_formulas: true } } as const
  const rows = [
    ['=a', '=HYPERLINK("x")', '-5'],
    ["'=a", '@b', '+1'],
    ['c', 'a=b', '1'],
    ['-d', '\t', null],
  ]
  {
    await using destination = await target.open(fields, request)
    await insertInto(destination, rows, fields)
  }
  assert.equal(target.text(), `id,name,amount\n'=a,"'=HYPERLINK(""x"")",-5\n''=a,'@b,+1\nc,a=b,1\n'-d,'\t,\n`)
  await using again = await target.open(fields, request)
  assert.deepEqual(await listedKeys(again), ["'=a", '-d', '=a', 'c'])
  assert.deepEqual(await insertInto(again, rows, fields), ['exists', 'exists', 'exists', 'exists'])
})

test('refuses what it cannot append to', async () => {
  const options = (given: object) => fileDestination.options.safeParse(given)
  assert.match(options({ path: 'out.txt' }).error?.message ?? '', /does not say its format/)
  assert.equal(options({ path: 'out.txt', format: 'csv' }).success, true)
  assert.match(options({ url: 'file:out.ndjson.gz', format: 'ndjson' }).error?.message ?? '', /compressed/)
  assert.match(options({ path: 'a.ndjson', escape_formulas: true }).error?.message ?? '', /only CSV/)
  assert.match(options({ path: 'a.csv', url: 'file:a.csv' }).error?.message ?? '', /either `url` or `path`/)
  using target = fileTarget('out.ndjson', '{"id":1}\nnot json\n')
  await assert.rejects(target.open(), fails('file_unreadable', /no JSON object in line 2/))
  target.put('{"id":"seven"}\n')
  await assert.rejects(target.open(), fails('unmatchable_key', /"seven".*\(integer\)/))
  rmSync(target.path)
  mkdirSync(target.path)
  await assert.rejects(target.open(), fails('destination_mismatch', /it is no file/))
  using csv = fileTarget('out.csv', 'id,name\n1,a"b\n')
  await assert.rejects(csv.open(), fails('file_unreadable', /stray quote in line 2/))
})

test('appends and does nothing else', async () => {
  using target = fileTarget('out.csv')
  await using destination = await target.open()
  const update = changeBatch('update', ID_AND_NAME, [['1', 'a']])
  await assert.rejects(
    destination.write(update, new AbortController().signal),
    fails('unsupported_mode', /insert-only/),
  )
})

test('appends what is new since the last run, and everything again where the file is gone', async () => {
  using target = fileTarget('out.csv')
  const source = mapSource([column('id', 'integer'), column('name')])
  const run = (mode: 'insert-only' | 'mirror' = 'insert-only') =>
    sync(
      {
        version: 1,
        state: join(target.folder, 'state'),
        connections: { model: { type: 'rows' }, out: `file:${target.path}` },
        syncs: {
          people: {
            source: { connection: 'model', table: 'people' },
            key: 'id',
            mode,
            destination: { connection: 'out', object: 'people' },
          },
        },
      },
      { sources: [source.definition] },
    )
  source.rows = [
    ['1', 'a'],
    ['2', 'b'],
  ]
  assert.equal((await run()).counts.inserted, 2)
  source.rows = [
    ['1', 'changed'],
    ['2', 'b'],
    ['3', 'c'],
  ]
  const second = await run()
  assert.deepEqual([second.status, second.counts.inserted, second.counts.skipped], ['succeeded', 1, 1])
  assert.equal(target.text(), 'id,name\n1,a\n2,b\n3,c\n')
  rmSync(target.path)
  assert.equal((await run()).counts.inserted, 3)
  assert.equal(target.text(), 'id,name\n1,changed\n2,b\n3,c\n')
  const mirror = await run('mirror')
  assert.equal(mirror.error?.code, 'unsupported_mode')
  assert.match(mirror.error?.message ?? '', /supports insert-only/)
})

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { ByteInput } from '../../src/connectors/byte-input.ts'
import { rowOptions } from '../../src/connectors/row-options.ts'
import { RowSource } from '../../src/connectors/row-source.ts'
import { FatalError } from '../../src/core/errors.ts'
import type { RowBatch } from '../../src/core/row-batch.ts'
import { type RowOptionsInput, readText, rowsOf, said, textSource } from '../support/text-rows.ts'

const MODEL = { params: {}, read: 'auto', idleTimeoutMs: 1000 } as const
const CSV = 'id,x\n1,a\n2,b\n3,c\n'
const NDJSON = '{"id":1}\n{"id":2}\n{"id":3}\n'

/** A source over a stream that the test writes to. */
function pipeSource(options: RowOptionsInput = {}): { readonly pipe: PassThrough; readonly source: RowSource } {
  const pipe = new PassThrough()
  const input = {
    name: 'stdin',
    again: false,
    open: async () => new ByteInput('stdin', pipe),
    close: async () => {},
  }
  return { pipe, source: new RowSource(input, rowOptions.parse({ format: 'csv', quote: '"', ...options }), MODEL) }
}

const ENDS: readonly (readonly [
  name: string,
  text: string | Buffer,
  options: RowOptionsInput,
  proven: boolean,
  evidence: RegExp,
])[] = [
  [
    'a pipe that just ends',
    CSV,
    {},
    false,
    /^stdin just ended after 3 rows, and nothing says .*--rows N.*trailer: true.*--trust-eof/,
  ],
  ['the right number of rows', CSV, { rows: 3 }, true, /^stdin has 3 rows, as `rows` expects$/],
  ['fewer rows than expected', CSV, { rows: 4 }, false, /^stdin has 3 rows, not the 4 that `rows` \(--rows\) expects/],
  ['more rows than expected', CSV, { rows: 2 }, false, /not the 2/],
  ['a trailer that agrees', `${CSV}#end,3\n`, { trailer: true }, true, /as its trailer line says/],
  ['a trailer without its line end', `${CSV}#end,3`, { trailer: true }, true, /as its trailer line says/],
  ['a trailer that was cut', `${CSV}#end,3`, { trailer: true, rows: 30 }, false, /not the 30/],
  ['a trailer that does not agree', `${CSV}#end,30\n`, { trailer: true }, false, /its trailer line says 30/],
  ['a trailer that does not come', CSV, { trailer: true }, false, /no trailer line at its end, so it was cut off/],
  ['a trailer that does not come, trusted', CSV, { trailer: true, trustEof: true }, false, /cut off/],
  ['a number that disagrees with the trailer', `${CSV}#end,3\n`, { trailer: true, rows: 4 }, false, /not the 4/],
  ['trust', CSV, { trustEof: true }, true, /`trust_eof`/],
  ['trust in a number that is wrong', CSV, { trustEof: true, rows: 4 }, false, /not the 4/],
  ['trust in a last line without its end', CSV.trimEnd(), { trustEof: true }, true, /`trust_eof`/],
  ['a line that looks like a trailer where none is asked for', `${CSV}#end,3\n`, { rows: 4 }, true, /4 rows/],
  ['whole gzip', gzipSync(CSV), {}, true, /gzip checksum that is right/],
  ['whole gzip without a last line end', gzipSync(CSV.trimEnd()), {}, true, /gzip checksum/],
  [
    'gzip of two parts',
    Buffer.concat([gzipSync(CSV), gzipSync('4,d\n')]),
    {},
    false,
    /^stdin is gzip of several parts after 4 rows/,
  ],
  ['gzip with fewer rows than expected', gzipSync(CSV), { rows: 4 }, false, /not the 4/],
]
for (const [name, text, options, proven, evidence] of ENDS) {
  test(`${name} ${proven ? 'proves' : 'does not prove'} the end`, async () => {
    for (const chunk of [1000, 1]) {
      const { end, error } = await readText(text, { format: 'csv', ...options }, { chunk })
      assert.equal(error, undefined, error?.message)
      assert.equal(end?.proven, proven)
      assert.match(end?.evidence ?? '', evidence)
    }
  })
}

test('cut off after any byte, no input proves its end by a number, a trailer or a checksum', async () => {
  const cases: readonly (readonly [Buffer, RowOptionsInput])[] = [
    [Buffer.from('name,id\na,1\n"b\n",20\nc,30\n'), { format: 'csv', rows: 3 }],
    [Buffer.from('name,id\r\na,1\r\nc,30\r\n#end,2\r\n'), { format: 'csv', trailer: true }],
    [Buffer.from(`${NDJSON}{"id":10}\n`), { format: 'ndjson', rows: 4 }],
    [Buffer.from(`${NDJSON}{"_end":true,"rows":3}\n`), { format: 'ndjson', trailer: true }],
    [gzipSync(CSV), { format: 'csv' }],
  ]
  for (const [bytes, options] of cases) {
    const whole = await readText(bytes, options)
    assert.equal(whole.end?.proven, true)
    for (let length = 0; length < bytes.length; length++) {
      const cut = await readText(bytes.subarray(0, length), options)
      // Only line ends behind the last row or trailer may be missing.
      const sameRows = JSON.stringify(cut.rows) === JSON.stringify(whole.rows)
      assert.ok(cut.end?.proven !== true || sameRows, `${JSON.stringify(options)} cut after ${length} bytes`)
    }
  }
})

test('gzip that ends too early or is damaged is an error', async () => {
  const whole = gzipSync(CSV)
  for (const length of [12, whole.length - 9, whole.length - 1]) {
    const cut = await readText(whole.subarray(0, length), { format: 'csv' })
    assert.match(said(cut), /^input_failed: stdin cannot be read any further \(Z_BUF_ERROR: unexpected end of file\)/)
  }
  const damaged = Buffer.from(whole)
  damaged[whole.length - 6] = (damaged[whole.length - 6] as number) ^ 1
  assert.match(said(await readText(damaged, { format: 'csv' })), /^input_failed: .*Z_DATA_ERROR/)
})

test('gzip with something behind it is an error', async () => {
  const bytes = Buffer.concat([gzipSync(CSV), Buffer.from('xxxx')])
  for (const chunk of [1000, 1])
    assert.match(said(await readText(bytes, { format: 'csv' }, { chunk })), /^input_failed/)
})

test('a pipe that fails is an error, whenever it does', async () => {
  const early = pipeSource()
  early.pipe.destroy(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }))
  await assert.rejects(early.source.describe(), isFatal('input_failed', /ECONNRESET.*look at what writes it/))
  await early.source[Symbol.asyncDispose]()

  const late = pipeSource()
  late.pipe.write('id,x\n1,a\n')
  await late.source.describe()
  const { rows } = await late.source.read({ key: ['id'], columns: ['id'], signal: new AbortController().signal })
  const reading = rows.toArray()
  late.pipe.destroy(Object.assign(new Error('read EPIPE'), { code: 'EPIPE' }))
  await assert.rejects(reading, isFatal('input_failed', /EPIPE/))
  assert.ok(rows.destroyed)
  await late.source[Symbol.asyncDispose]()
})

test('a pipe that is destroyed without an error does not look like an end', async () => {
  const { pipe, source } = pipeSource()
  pipe.write('id,x\n1,a\n')
  await source.describe()
  const { rows } = await source.read({ key: ['id'], columns: ['id'], signal: new AbortController().signal })
  const reading = rows.toArray()
  pipe.destroy()
  await assert.rejects(reading, isFatal('input_failed', /premature close/i))
  await source[Symbol.asyncDispose]()
})

test('a run that is stopped lets go of the pipe, although nothing comes through it', async () => {
  const { pipe, source } = pipeSource()
  pipe.write('id,x\n1,a\n')
  await source.describe()
  const controller = new AbortController()
  const { rows } = await source.read({ key: ['id'], columns: ['id', 'x'], signal: controller.signal })
  const reading = rows.toArray()
  controller.abort(new Error('stopped'))
  await assert.rejects(reading, /stopped/)
  assert.ok(pipe.destroyed)
  assert.equal(getEventListeners(controller.signal, 'abort').length, 0)
  await source[Symbol.asyncDispose]()
})

test('rows are counted ahead without being lost', async () => {
  await using source = textSource(CSV, { format: 'csv' }, 2)
  assert.deepEqual(await source.hasAtLeast(0), { enough: true, rows: 0 })
  assert.deepEqual(await source.hasAtLeast(2), { enough: true, rows: 2 })
  assert.deepEqual(await source.hasAtLeast(4), { enough: false, rows: 3 })
  const { rows } = await source.read({ key: ['id'], columns: ['x'], signal: new AbortController().signal })
  const batches = (await rows.toArray()) as RowBatch[]
  assert.deepEqual(batches.flatMap(rowsOf), [
    ['1', 'a'],
    ['2', 'b'],
    ['3', 'c'],
  ])
})

test('no more than 32 MiB of a pipe are counted ahead', async () => {
  const line = `{"id":1,"x":"${'y'.repeat(1024 * 1024)}"}\n`
  await using source = textSource(line.repeat(40), { format: 'ndjson' }, 64 * 1024)
  assert.deepEqual(await source.hasAtLeast(20), { enough: true, rows: 20 })
  await assert.rejects(
    source.hasAtLeast(39),
    isFatal('min_rows_too_far', /39 rows of stdin .*write the rows to a file/),
  )
})

test('a batch is sent on as soon as it is large enough, and a reader that is slow is waited for', async () => {
  const { pipe, source } = pipeSource()
  pipe.write('id,x\n')
  const describing = source.describe()
  pipe.write(`1,${'a'.repeat(100_000)}\n`)
  await describing
  const { rows } = await source.read({ key: ['id'], columns: ['id', 'x'], signal: new AbortController().signal })
  const iterator = rows[Symbol.asyncIterator]() as AsyncIterator<RowBatch>
  assert.equal((await iterator.next()).value.count, 1)
  const line = `2,${'b'.repeat(60_000)}\n`
  let written = 0
  while (written < 1000 && pipe.write(line)) {
    written++
    await new Promise(setImmediate)
  }
  assert.ok(written < 20, `${written} lines of 60 kB were taken although nobody reads`)
  await iterator.return?.()
  assert.ok(pipe.destroyed)
  await source[Symbol.asyncDispose]()
})

test('rows are no database', () => {
  assert.throws(
    () =>
      new RowSource(
        { name: 'stdin', again: false, open: () => assert.fail(), close: async () => {} },
        rowOptions.parse({ format: 'csv' }),
        { ...MODEL, table: 'users' },
      ),
    isFatal('no_such_model', /source: \{ stdin: csv \}/),
  )
})

function isFatal(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof FatalError, String(error))
    assert.equal(error.code, code)
    assert.match(error.message, message)
    return true
  }
}

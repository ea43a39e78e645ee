import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readdirSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { fileSource } from '../../src/connectors/file-source.ts'
import { FatalError } from '../../src/core/errors.ts'
import type { RowBatch } from '../../src/core/row-batch.ts'
import type { Source } from '../../src/core/source.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { rowsOf } from '../support/text-rows.ts'

const MODEL = { params: {}, read: 'auto', idleTimeoutMs: 1000 } as const

function open(path: string, options: Record<string, unknown> = {}): Promise<Source> {
  return fileSource.open(fileSource.options.parse({ format: 'csv', quote: '"', path, ...options }), MODEL)
}

async function read(source: Source): Promise<RowBatch[]> {
  const names = (await source.describe()).map((column) => column.name)
  const { rows } = await source.read({ key: ['id'], columns: names, signal: new AbortController().signal })
  return (await rows.toArray()) as RowBatch[]
}

function openFiles(): number {
  return readdirSync('/proc/self/fd').length
}

test('a file is read whole, in batches of about 64 KiB, compressed or not', async () => {
  using folder = temporaryFolder()
  const rows = Array.from({ length: 20_000 }, (_, id) => [String(id), `name ${id}`])
  const text = `id,name\n${rows.map((row) => `${row.join(',')}\n`).join('')}`
  writeFileSync(folder.file('a.csv'), text)
  writeFileSync(folder.file('a.csv.gz'), gzipSync(text))
  // By its content, not by its name: what a server compressed on the way may be plain here.
  writeFileSync(folder.file('plain.csv.gz'), text)
  for (const [name, proven] of [
    ['a.csv', false],
    ['a.csv.gz', true],
    ['plain.csv.gz', false],
  ] as const) {
    await using source = await open(folder.file(name))
    const batches = await read(source)
    assert.deepEqual(batches.flatMap(rowsOf), rows)
    assert.equal(batches.at(-1)?.end?.proven, proven, name)
    assert.ok(batches.slice(0, -1).every(({ bytes }) => bytes.length >= 65_536 && bytes.length < 70_000))
  }
})

test('a file that is not compressed may be half written, so its end is no proof unless something says so', async () => {
  using folder = temporaryFolder()
  writeFileSync(folder.file('a.csv'), 'id\n1\n')
  await using source = await open(folder.file('a.csv'))
  const [batch] = await read(source)
  assert.equal(batch?.end?.proven, false)
  assert.match(batch?.end?.evidence ?? '', /a\.csv just ended after 1 rows.*--rows N/)
})

test('rows are counted in a reading of their own, however many', async () => {
  using folder = temporaryFolder()
  writeFileSync(folder.file('a.ndjson'), `{"id":1,"x":"${'y'.repeat(1_000_000)}"}\n`.repeat(40))
  await using source = await open(folder.file('a.ndjson'), { format: 'ndjson' })
  assert.deepEqual(await source.hasAtLeast(39), { enough: true, rows: 39 })
  assert.deepEqual(await source.hasAtLeast(41), { enough: false, rows: 40 })
  assert.equal((await read(source)).flatMap(rowsOf).length, 40)
})

test('every reading of a run is of the same file, whatever takes its name meanwhile', async () => {
  using folder = temporaryFolder()
  writeFileSync(folder.file('a.csv'), 'id\n1\n2\n')
  writeFileSync(folder.file('b.csv'), 'id\n')
  await using source = await open(folder.file('a.csv'))
  await source.describe()
  renameSync(folder.file('b.csv'), folder.file('a.csv'))
  assert.equal((await source.hasAtLeast(2)).enough, true)
  assert.deepEqual((await read(source)).flatMap(rowsOf), [['1'], ['2']])
})

test('a named pipe is read like a pipe', {
  skip: process.platform === 'win32' && 'Windows has no such files',
}, async () => {
  using folder = temporaryFolder()
  const path = folder.file('fifo')
  execFileSync('mkfifo', [path])
  const opening = open(path)
  const writer = openSync(path, 'r+')
  await using source = await opening
  writeSync(writer, 'id\n1\n2\n')
  assert.equal((await source.hasAtLeast(2)).enough, true)
  closeSync(writer)
  assert.deepEqual((await read(source)).flatMap(rowsOf), [['1'], ['2']])
})

test('a named pipe that says nothing is let go when the run is stopped', {
  skip: process.platform === 'win32' && 'Windows has no such files',
}, async () => {
  using folder = temporaryFolder()
  const path = folder.file('fifo')
  execFileSync('mkfifo', [path])
  const opening = open(path)
  const writer = openSync(path, 'r+')
  const source = await opening
  writeSync(writer, 'id\n1\n2\n')
  await source.describe()
  const controller = new AbortController()
  const { rows } = await source.read({ key: ['id'], columns: ['id'], signal: controller.signal })
  const reading = rows.toArray()
  controller.abort(new Error('stopped'))
  await assert.rejects(reading, /stopped/)
  await source[Symbol.asyncDispose]()
  closeSync(writer)
})

test('leaves no file open, read or not', { skip: process.platform !== 'linux' && 'needs /proc' }, async () => {
  using folder = temporaryFolder()
  writeFileSync(folder.file('a.csv'), `id\n${'1\n'.repeat(500_000)}`)
  const before = openFiles()
  for (const use of [
    async () => {},
    async (source: Source) => void (await source.describe()),
    async (source: Source) => void (await source.hasAtLeast(600_000)),
    async (source: Source) => void (await read(source)),
    async (source: Source) => {
      const { rows } = await source.read({ key: ['id'], columns: ['id'], signal: new AbortController().signal })
      for await (const _ of rows) break
    },
  ]) {
    const source = await open(folder.file('a.csv'))
    await use(source)
    await source[Symbol.asyncDispose]()
    assert.equal(openFiles(), before)
  }
})

test('what cannot be opened is told before anything is read', async () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('d.csv'))
  const wrong = (code: string, message: RegExp) => (error: unknown) => {
    assert.ok(error instanceof FatalError)
    assert.deepEqual([error.code, error.kind], [code, 'configuration'])
    assert.match(error.message, message)
    return true
  }
  await assert.rejects(
    open(folder.file('none.csv')),
    wrong('no_such_file', /there is no file .*none\.csv: check the path/),
  )
  await assert.rejects(open(folder.file('d.csv')), wrong('file_unreadable', /is a folder: name a file/))
  await assert.rejects(open(`${folder.file('d.csv')}\0`), wrong('file_unreadable', /cannot be read/))
})

test('paths start from the folder of the configuration', () => {
  const options = fileSource.options.parse({ format: 'csv', path: 'data/a.csv' })
  assert.equal(fileSource.locate?.(options, '/srv/etl').path, '/srv/etl/data/a.csv')
})

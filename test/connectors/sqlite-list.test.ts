import assert from 'node:assert/strict'
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { KeyEncoding, ValueKind } from '../../src/core/column.ts'
import { decodeRow } from '../../src/core/copy-text.ts'
import type { Destination, KeyList } from '../../src/core/destination.ts'
import { KeyEncoder, keySpace } from '../../src/core/key.ts'
import type { EndOfModel } from '../../src/core/row-batch.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'
import { never, openTable, sqliteFile } from '../support/sqlite-file.ts'

interface Listed {
  readonly keys: (string | null)[][]
  readonly encoded: Buffer[]
  readonly end: EndOfModel | undefined
  readonly batches: number
}

async function collect(list: KeyList, encodings: readonly KeyEncoding[]): Promise<Listed> {
  const encoder = new KeyEncoder(encodings.map((encoding, index) => ({ field: index, encoding })))
  const keys: (string | null)[][] = []
  const encoded: Buffer[] = []
  let end: EndOfModel | undefined
  let batches = 0
  for await (const batch of list.rows) {
    assert.equal(end, undefined, 'nothing may follow the end')
    batches++
    end = batch.end
    for (let row = 0; row < batch.count; row++) {
      const [start, stop] = [batch.offsets[row] as number, batch.offsets[row + 1] as number]
      const out = Buffer.alloc(keySpace(stop - start))
      const size = encoder.encode(batch.bytes, start, stop, out, 0)
      assert(size >= 0, `unreadable key ${batch.bytes.toString('utf8', start, stop)}`)
      keys.push(decodeRow(batch.bytes, start, stop))
      encoded.push(out.subarray(0, size))
    }
  }
  return { keys, encoded, end, batches }
}

function listOf(destination: Destination): KeyList {
  assert(destination.list !== undefined)
  return destination.list(never)
}

const integer = () => randomBytes(8).readBigInt64BE().toString()
const text = () => Array.from({ length: randomInt(6) }, () => String.fromCodePoint(codePoint())).join('')
const codePoint = () => {
  const range = [0x80, 0x800, 0xd800, 0x10ffff][randomInt(4)] as number
  const point = randomInt(1, range)
  return point >= 0xd800 && point < 0xe000 ? 0xe000 : point
}

interface Case {
  readonly type: string
  readonly kind: ValueKind
  readonly encoding: KeyEncoding
  readonly sorted: boolean
  readonly make: () => string
}

const CASES: readonly Case[] = [
  { type: 'INTEGER', kind: 'integer', encoding: 'integer', sorted: true, make: integer },
  { type: 'NUMERIC', kind: 'integer', encoding: 'integer', sorted: true, make: integer },
  { type: 'BLOB', kind: 'integer', encoding: 'integer', sorted: true, make: integer },
  {
    type: 'REAL',
    kind: 'integer',
    encoding: 'integer',
    sorted: true,
    make: () => String(randomInt(-(2 ** 40), 2 ** 40)),
  },
  { type: 'TEXT', kind: 'integer', encoding: 'integer', sorted: false, make: integer },
  { type: 'TEXT', kind: 'text', encoding: 'text', sorted: true, make: text },
  { type: 'TEXT COLLATE NOCASE', kind: 'text', encoding: 'text', sorted: true, make: () => `${text()}Aa` },
  { type: 'BLOB', kind: 'text', encoding: 'text', sorted: false, make: text },
  { type: 'INTEGER', kind: 'text', encoding: 'text', sorted: false, make: () => String(randomInt(1e9)) },
  { type: 'TEXT', kind: 'other', encoding: 'uuid', sorted: true, make: randomUUID },
  { type: 'UUID', kind: 'other', encoding: 'uuid', sorted: true, make: randomUUID },
  {
    type: 'BLOB',
    kind: 'bytes',
    encoding: 'bytes',
    sorted: true,
    make: () => `\\x${randomBytes(randomInt(5)).toString('hex')}`,
  },
  {
    type: 'TEXT',
    kind: 'bytes',
    encoding: 'bytes',
    sorted: true,
    make: () => `\\x${randomBytes(randomInt(5)).toString('hex')}`,
  },
  { type: 'BOOLEAN', kind: 'boolean', encoding: 'boolean', sorted: true, make: () => (randomInt(2) === 0 ? 't' : 'f') },
  { type: 'TEXT', kind: 'boolean', encoding: 'boolean', sorted: true, make: () => (randomInt(2) === 0 ? 't' : 'f') },
  {
    type: 'DATE',
    kind: 'date',
    encoding: 'date',
    sorted: false,
    make: () => new Date(randomInt(2 ** 47)).toISOString().slice(0, 10),
  },
  {
    type: 'TEXT',
    kind: 'timestamp',
    encoding: 'timestamptz',
    sorted: false,
    make: () => new Date(randomInt(2 ** 32) * 1000).toISOString().replace('T', ' ').replace('.000Z', '+00'),
  },
]

for (const { type, kind, encoding, sorted, make } of CASES) {
  test(`lists ${encoding} keys of a ${type} column as the model prints them${sorted ? ', in key order' : ''}`, async () => {
    using file = sqliteFile(`CREATE TABLE users (id ${type} PRIMARY KEY)`)
    const fields = [field('id', kind)]
    await using users = await openTable(file.path, fields, { keyEncodings: [encoding] })
    const written = new Set(Array.from({ length: 500 }, make))
    const rows = [...written].map((key) => [key])
    for (const outcome of await users.write(changeBatch('insert', fields, rows), never)) {
      // NOCASE takes some of the random texts for the same.
      assert(outcome.status === 'done' || type.endsWith('NOCASE'), JSON.stringify(outcome))
    }
    const list = listOf(users)
    assert.equal(list.sorted, sorted)
    const { keys, encoded, end } = await collect(list, [encoding])
    for (const [key] of keys) assert(written.has(key as string), `${key} was never written`)
    assert.equal(keys.length, Number(file.column('SELECT count(*) FROM users')[0]))
    if (sorted) assert.deepEqual(encoded, [...encoded].sort(Buffer.compare))
    assert.deepEqual([end?.rows, end?.proven], [keys.length, true])
  })
}

test('lists composite keys in key order, whatever the order of the index', async () => {
  using file = sqliteFile('CREATE TABLE users (id INT, tenant TEXT, photo BLOB, PRIMARY KEY (photo, id, tenant))')
  const fields = [field('tenant'), field('id', 'integer'), field('photo', 'bytes')]
  const encodings: KeyEncoding[] = ['text', 'integer', 'bytes']
  await using users = await openTable(file.path, fields, {
    match: ['tenant', 'id', 'photo'],
    keyEncodings: encodings,
  })
  const rows = Array.from({ length: 2000 }, () => [
    ['', 'a', 'a\0', 'a\tb', '\\N', 'ab', '🚀', '\uffff'][randomInt(8)] as string,
    String(randomInt(-3, 3)),
    `\\x${['', '00', '0000', '00ff', '01', 'ff'][randomInt(6)]}`,
  ])
  await users.write(changeBatch('upsert', fields, rows), never)
  const list = listOf(users)
  assert.equal(list.sorted, true)
  const { keys, encoded } = await collect(list, encodings)
  assert.deepEqual(encoded, [...encoded].sort(Buffer.compare))
  assert.deepEqual(new Set(keys.map(String)), new Set(rows.map(String)))
})

test('lists in batches of about 64 KiB and leaves out records without a key', async () => {
  using file = sqliteFile(`CREATE TABLE users (id TEXT PRIMARY KEY); INSERT INTO users VALUES (NULL), (NULL);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
    INSERT INTO users SELECT printf('%020d', i) FROM n`)
  await using users = await openTable(file.path, [field('id')], { keyEncodings: ['text'] })
  const { keys, batches, end } = await collect(listOf(users), ['text'])
  assert.equal(keys.length, 20_000)
  assert.equal(end?.rows, 20_000)
  assert(batches >= 6 && batches <= 8, String(batches))
})

test('lists nothing, and proves it, where the table or the file is still to be made', async () => {
  using file = sqliteFile()
  for (const path of [file.path, `${file.path}.new`]) {
    await using users = await openTable(path, [field('id')], { create: true })
    const { keys, end, batches } = await collect(listOf(users), ['text'])
    assert.deepEqual([keys, end?.rows, end?.proven, batches], [[], 0, true, 1])
  }
})

test('can be written to while its keys are being read, and lists the state of the start', async () => {
  using file = sqliteFile(`PRAGMA journal_mode = WAL; CREATE TABLE users (id INTEGER PRIMARY KEY);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) INSERT INTO users SELECT i FROM n`)
  const fields = [field('id', 'integer')]
  await using users = await openTable(file.path, fields)
  let count = 0
  let next = 40_000
  for await (const batch of listOf(users).rows) {
    count += batch.count
    await users.write(changeBatch('insert', fields, [[String(next++)]]), never)
  }
  assert.equal(count, 30_000)
  assert(next > 40_001)
})

test('closes its connection when the reader leaves early or the run is cancelled', async () => {
  using file = sqliteFile(`CREATE TABLE users (id INTEGER PRIMARY KEY);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) INSERT INTO users SELECT i FROM n`)
  const fields = [field('id', 'integer')]
  await using users = await openTable(file.path, fields)
  for await (const _ of listOf(users).rows) break
  const controller = new AbortController()
  assert(users.list !== undefined)
  const list = users.list(controller.signal)
  await assert.rejects(async () => {
    for await (const _ of list.rows) controller.abort(new Error('cancelled'))
  }, /cancelled/)
  // The journal mode of this file lets nobody write while somebody reads.
  assert.deepEqual(await users.write(changeBatch('delete', fields, [['1']]), never), [{ status: 'done' }])
})

const UNMATCHABLE: readonly (readonly [type: string, value: string, encoding: KeyEncoding, shown: RegExp])[] = [
  ['INTEGER', "'abc'", 'integer', /holds "abc" \(text\).*type \(integer\): correct or delete that record/],
  ['NUMERIC', '1.5', 'integer', /holds "1.5" \(real\)/],
  ['NUMERIC', '1e19', 'integer', /real/],
  ['TEXT', "'007'", 'integer', /"007"/],
  ['BLOB', "'7'", 'integer', /"7" \(text\)/],
  ['TEXT', "x'00ff'", 'text', /holds x'00ff' \(blob\)/],
  ['TEXT', "cast(x'61ff62' AS TEXT)", 'text', /text/],
  ['TEXT', "'123E4567-E89B-12D3-A456-426614174000'", 'uuid', /123E4567/],
  ['BLOB', "'\\x00'", 'bytes', /text/],
  ['BOOLEAN', '2', 'boolean', /"2" \(integer\)/],
  ['BOOLEAN', "'t'", 'boolean', /"t" \(text\)/],
  ['DATE', "'2024-1-1'", 'date', /2024-1-1/],
  ['TEXT', "'2024-01-01T00:00:00Z'", 'timestamptz', /2024-01-01T/],
  ['TEXT', "'2024-01-01 00:00:00.50'", 'timestamp', /00\.50/],
]

for (const [type, value, encoding, shown] of UNMATCHABLE) {
  test(`refuses to list ${value} in a ${type} column as a key of type ${encoding}`, async () => {
    using file = sqliteFile(`CREATE TABLE users (id ${type} UNIQUE); INSERT INTO users VALUES (${value})`)
    await using users = await openTable(file.path, [field('id')], { keyEncodings: [encoding] })
    await assert.rejects(collect(listOf(users), [encoding]), { code: 'unmatchable_key', message: shown })
  })
}

test('does not take a replacement character in a text for broken bytes', async () => {
  using file = sqliteFile(`CREATE TABLE users (id TEXT PRIMARY KEY); INSERT INTO users VALUES ('a\ufffdb'), ('c')`)
  await using users = await openTable(file.path, [field('id')], { keyEncodings: ['text'] })
  const { keys } = await collect(listOf(users), ['text'])
  assert.deepEqual(keys, [['a\ufffdb'], ['c']])
})

test('does not claim key order for text in a database that keeps UTF-16', async () => {
  using file = sqliteFile(`PRAGMA encoding = 'UTF-16le'; CREATE TABLE users (id TEXT PRIMARY KEY)`)
  const fields = [field('id')]
  await using users = await openTable(file.path, fields, { keyEncodings: ['text'] })
  await users.write(changeBatch('upsert', fields, [['ä'], ['🚀'], ['\uffee'], ['z']]), never)
  const list = listOf(users)
  assert.equal(list.sorted, false)
  assert.deepEqual(new Set((await collect(list, ['text'])).keys.flat()), new Set(['ä', '🚀', '\uffee', 'z']))
})

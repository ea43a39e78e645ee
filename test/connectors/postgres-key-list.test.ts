import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { KeyEncoding } from '../../src/core/column.ts'
import { decodeRow } from '../../src/core/copy-text.ts'
import type { Destination } from '../../src/core/destination.ts'
import { compareKeys, KeyEncoder, keySpace } from '../../src/core/key.ts'
import type { EndOfModel } from '../../src/core/row-batch.ts'
import { field } from '../support/batch-field.ts'
import { DestinationDatabase, never } from '../support/destination-database.ts'
import { startProxy } from '../support/postgres-proxy.ts'

const database = DestinationDatabase.forThisFile()

interface Listed {
  readonly sorted: boolean
  readonly keys: string[]
  readonly end: EndOfModel | undefined
}

/** Reads a list to its end; checks that it is sorted where it says so. */
async function list(destination: Destination, encodings: readonly KeyEncoding[]): Promise<Listed> {
  const list = destination.list?.(never)
  assert.ok(list !== undefined)
  const encoder = new KeyEncoder(encodings.map((encoding, field) => ({ field, encoding })))
  const keys: string[] = []
  let end: EndOfModel | undefined
  let last: Buffer | undefined
  for await (const batch of list.rows) {
    assert.equal(end, undefined, 'nothing comes behind the end')
    end = batch.end
    for (let row = 0; row < batch.count; row++) {
      const [from, to] = [batch.offsets[row] as number, batch.offsets[row + 1] as number]
      const space = Buffer.alloc(keySpace(to - from))
      const length = encoder.encode(batch.bytes, from, to, space, 0)
      assert.ok(length >= 0, 'every key is readable')
      const key = space.subarray(0, length)
      if (list.sorted && last !== undefined)
        assert.ok(compareKeys(last, 0, last.length, key, 0, key.length) < 0, 'keys ascend')
      last = key
      keys.push(decodeRow(batch.bytes, from, to).join(' '))
    }
  }
  return { sorted: list.sorted, keys, end }
}

async function listOf(name: string, encodings: readonly KeyEncoding[], match = ['key']): Promise<Listed> {
  const fields = match.map((name) => field(name))
  await using destination = await database.open(name, { fields, match, keyEncodings: encodings })
  return list(destination, encodings)
}

describe('keys are listed in the order of their encoding', () => {
  const CASES: readonly (readonly [KeyEncoding, string, string])[] = [
    ['integer', 'int8', "'-9223372036854775808', '-1', '0', '9', '10', '9223372036854775807'"],
    ['integer', 'int2', "'-32768', '10', '9'"],
    ['text', 'text', `'', 'a', 'B', 'b', 'ä', '\uffff', '🦊', E'\\t\\n\\\\', 'aa', 'a ', ' '`],
    ['text', 'numeric', "'10', '9', '1.50', 'NaN', '-1'"],
    ['text', 'int4', "'10', '9', '-1'"],
    ['text', 'char(4)', "'b', 'a', E'a\\x01'"],
    ['text', 'inet', "'10.0.0.1', '9.0.0.0/8'"],
    ['uuid', 'uuid', "'ffffffff-0000-0000-0000-000000000000', '0a000000-0000-0000-0000-000000000000'"],
    ['bytes', 'bytea', "'\\x', '\\x00', '\\xff00', '\\xff'"],
    ['boolean', 'boolean', "'t', 'f'"],
    ['date', 'date', "'infinity', '-infinity', '0044-03-15 BC', '2024-01-01', '10000-01-01'"],
    ['timestamp', 'timestamp', "'infinity', '-infinity', '0044-03-15 00:00:00 BC', '2024-01-01 00:00:00.5'"],
    ['timestamptz', 'timestamptz', "'infinity', '-infinity', '0044-03-15 00:00:00+00 BC', '2024-01-01 00:00:00+02'"],
  ]
  for (const [index, [encoding, type, values]] of CASES.entries()) {
    it(`${encoding} from ${type}`, async () => {
      const name = `keys_${index}`
      await database.run(`CREATE TABLE ${name} (key ${type} UNIQUE); INSERT INTO ${name} SELECT unnest(ARRAY[${values}])::${type};
        INSERT INTO ${name} VALUES (NULL)`)
      const { sorted, keys, end } = await listOf(name, [encoding])
      assert.equal(sorted, true)
      assert.deepEqual(keys.toSorted(), (await printed(name, encoding)).toSorted())
      assert.deepEqual({ ...end, evidence: '' }, { rows: keys.length, proven: true, evidence: '' })
    })
  }

  async function printed(name: string, encoding: KeyEncoding): Promise<string[]> {
    await database.run(`SET TimeZone = UTC; SET bytea_output = hex`)
    const text = encoding === 'boolean' ? 'left(key::text, 1)' : 'key::text'
    return database.rows(`SELECT ${text} FROM ${name} WHERE key IS NOT NULL`)
  }

  it('composite, as the columns of the key are', async () => {
    await database.run(`CREATE TABLE pairs (a int, b text, note text, PRIMARY KEY (b, a));
      INSERT INTO pairs VALUES (10, 'a'), (9, 'b'), (9, 'a'), (9, 'aa'), (9, '')`)
    const { sorted, keys } = await listOf('pairs', ['integer', 'text'], ['a', 'b'])
    assert.equal(sorted, true)
    assert.deepEqual(keys, ['9 ', '9 a', '9 aa', '9 b', '10 a'])
  })

  it('an empty table has a proven end', async () => {
    await database.run('CREATE TABLE nobody (key int PRIMARY KEY)')
    const { keys, end } = await listOf('nobody', ['integer'])
    assert.deepEqual(keys, [])
    assert.equal(end?.proven, true)
  })
})

describe('keys of another type than the column', () => {
  it('are listed unsorted where every value can be read as a key', async () => {
    await database.run("CREATE TABLE numbers (key text UNIQUE); INSERT INTO numbers VALUES ('10'), ('9'), ('-1')")
    const { sorted, keys } = await listOf('numbers', ['integer'])
    assert.equal(sorted, false)
    assert.deepEqual(keys.sort(), ['-1', '10', '9'])
  })

  for (const [value, encoding] of [
    ['abc', 'integer'],
    ['01', 'integer'],
    ['0A000000-0000-0000-0000-000000000000', 'uuid'],
    ['2024-01-01', 'timestamp'],
  ] as const) {
    it(`stop at ${value}, which is no ${encoding} as the model would write it`, async () => {
      await database.run(
        `DROP TABLE IF EXISTS texts; CREATE TABLE texts (key text UNIQUE); INSERT INTO texts VALUES ('${value}')`,
      )
      await assert.rejects(listOf('texts', [encoding]), {
        name: 'FatalError',
        code: 'key_unreadable',
        message: new RegExp(`column "key" of texts holds "${value}".*bootstrap: empty`),
      })
    })
  }
})

describe('a list that is cut short', () => {
  it('by the end of its connection is no list', async () => {
    await database.run('CREATE TABLE large (key int PRIMARY KEY); INSERT INTO large SELECT generate_series(1, 300000)')
    await using destination = await database.open('large', {
      fields: [field('key')],
      match: ['key'],
      keyEncodings: ['integer'],
    })
    const rows = destination.list?.(never).rows
    assert.ok(rows !== undefined)
    await assert.rejects(
      async () => {
        for await (const _ of rows) {
          await database.run(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'rowferry'`,
          )
        }
      },
      { name: 'FatalError', code: 'list_failed' },
    )
  })

  it('by the signal ends with its reason', async () => {
    await using destination = await database.open('large', {
      fields: [field('key')],
      match: ['key'],
      keyEncodings: ['integer'],
    })
    const stop = new AbortController()
    const reason = new Error('enough')
    const rows = destination.list?.(stop.signal).rows
    assert.ok(rows !== undefined)
    await assert.rejects(
      async () => {
        for await (const _ of rows) stop.abort(reason)
      },
      (error) => error === reason,
    )
  })

  it('by whoever reads it leaves no connection behind', async () => {
    await using destination = await database.open('large', {
      fields: [field('key')],
      match: ['key'],
      keyEncodings: ['integer'],
    })
    for await (const _ of destination.list?.(never).rows ?? []) break
    const ours = `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rowferry'`
    while ((await database.rows(ours))[0] !== '0');
  })
})

describe('a list whose connection breaks says so', () => {
  for (const kind of ['fin', 'rst'] as const) {
    for (const at of [
      /DateStyle/,
      /SET xmloption/,
      /client_connection_check_interval/,
      /BEGIN ISOLATION/,
      /COPY \(SELECT/,
    ]) {
      it(`by ${kind} at ${at.source}`, async () => {
        await using proxy = await startProxy(database.server.port)
        const request = { fields: [field('key')], match: ['key'], keyEncodings: ['integer'] as const, port: proxy.port }
        await using destination = await database.open('large', request)
        proxy.faults.plan({ kind, at })
        await assert.rejects(list(destination, ['integer']), { code: 'list_failed' })
      })
    }
  }
})

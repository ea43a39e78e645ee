import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { KeyEncoding } from '../../src/core/column.ts'
import { encodeRow } from '../../src/core/copy-text.ts'
import { compareKeys, KeyEncoder, keySpace } from '../../src/core/key.ts'
import { KEY_MISSING, KEY_TOO_LONG, KEY_UNREADABLE } from '../../src/core/key-parts.ts'
import { decodeKey } from '../../src/core/key-text.ts'

function encode(encodings: readonly KeyEncoding[], values: readonly (string | null)[]): Buffer | number {
  const encoder = new KeyEncoder(encodings.map((encoding, field) => ({ field, encoding })))
  const line = Buffer.from(encodeRow(values))
  const out = Buffer.alloc(keySpace(line.length))
  const end = encoder.encode(line, 0, line.length, out, 0)
  return end < 0 ? end : Buffer.from(out.subarray(0, end))
}

function key(encodings: readonly KeyEncoding[], ...values: string[]): Buffer {
  const encoded = encode(encodings, values)
  assert.ok(Buffer.isBuffer(encoded), `${values.join()} is readable`)
  return encoded
}

const order = (a: Buffer, b: Buffer) => Math.sign(compareKeys(a, 0, a.length, b, 0, b.length))

describe('key encoding', () => {
  it('keeps the order of 64-bit integers and gives them back', () => {
    const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    fc.assert(
      fc.property(int64, int64, (a, b) => {
        const [x, y] = [key(['integer'], String(a)), key(['integer'], String(b))]
        assert.equal(order(x, y), a < b ? -1 : a > b ? 1 : 0)
        assert.deepEqual(decodeKey(['integer'], x), [String(a)])
      }),
      { numRuns: 20_000 },
    )
  })

  it('encodes the ends of the integer range and the borders between its halves', () => {
    for (const text of [
      '-9223372036854775808',
      '-4294967296',
      '-4294967297',
      '-1',
      '0',
      '4294967295',
      '4294967296',
      '999999999',
      '1000000000',
      '9223372036854775807',
    ]) {
      assert.deepEqual(decodeKey(['integer'], key(['integer'], text)), [text])
    }
  })

  it('refuses what is no 64-bit integer', () => {
    for (const text of [
      '9223372036854775808',
      '-9223372036854775809',
      '18446744073709551616',
      '99999999999999999999',
      '1.0',
      '1e3',
      '',
      '-',
      'abc',
      '0x10',
    ]) {
      assert.equal(encode(['integer'], [text]), KEY_UNREADABLE, text)
    }
  })

  it('orders text by its UTF-8 bytes, also where UTF-16 disagrees', () => {
    assert.equal(order(key(['text'], '\uff5e'), key(['text'], '😀')), -1)
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        const expected = Buffer.compare(Buffer.from(a), Buffer.from(b))
        assert.equal(order(key(['text'], a), key(['text'], b)), expected)
        assert.deepEqual(decodeKey(['text'], key(['text'], a)), [Buffer.from(a).toString()])
      }),
      { numRuns: 20_000 },
    )
  })

  it('never confuses the parts of composite keys, and orders them part by part', () => {
    const part = fc.string({ unit: fc.constantFrom('a', 'b', '|', '\u0000', '\u0001', '\t', '\\', 'é') })
    fc.assert(
      fc.property(fc.tuple(part, part, part), fc.tuple(part, part, part), (a, b) => {
        const encodings: KeyEncoding[] = ['text', 'text', 'text']
        const expected =
          a.map((text, at) => Buffer.compare(Buffer.from(text), Buffer.from(b[at] as string))).find((n) => n !== 0) ?? 0
        assert.equal(order(key(encodings, ...a), key(encodings, ...b)), expected)
        assert.deepEqual(decodeKey(encodings, key(encodings, ...a)), a)
      }),
      { numRuns: 20_000 },
    )
  })

  it('reads uuids with and without capitals as the same key', () => {
    const lower = '0f8fad5b-d9cb-469f-a165-70867728950e'
    assert.deepEqual(key(['uuid'], lower.toUpperCase()), key(['uuid'], lower))
    assert.deepEqual(decodeKey(['uuid'], key(['uuid'], lower)), [lower])
    assert.equal(encode(['uuid'], ['0f8fad5b-d9cb-469f-a165-70867728950']), KEY_UNREADABLE)
  })

  it('keeps bytes as bytes', () => {
    assert.deepEqual(key(['bytes'], '\\x00ff'), Buffer.from([0, 255]))
    assert.deepEqual(decodeKey(['bytes', 'integer'], key(['bytes', 'integer'], '\\x00ff00', '7')), ['\\x00ff00', '7'])
    assert.deepEqual(key(['bytes'], '\\x'), Buffer.alloc(0))
    assert.equal(encode(['bytes'], ['00ff']), KEY_UNREADABLE)
    assert.equal(encode(['bytes'], ['\\x0']), KEY_UNREADABLE)
  })

  it('orders dates and timestamps by time and gives their text back', () => {
    const dates = [
      '-infinity',
      '4713-01-01 BC',
      '0044-03-15 BC',
      '0001-12-31 BC',
      '0001-01-01',
      '1582-10-15',
      '1969-12-31',
      '1970-01-01',
      '2000-02-29',
      '9999-12-31',
      '10000-01-01',
      '5874897-12-31',
      'infinity',
    ]
    const times = [
      '-infinity',
      '0044-03-15 12:00:00 BC',
      '1969-12-31 23:59:59.999999',
      '1970-01-01 00:00:00',
      '2024-02-29 23:59:59.5',
      '2024-03-01 00:00:00',
      '294276-12-31 23:59:59.999999',
      'infinity',
    ]
    const zoned = times.map((text) => (text.includes(':') ? text.replace(/(:\d\d(?:\.\d+)?)( BC)?$/, '$1+00$2') : text))
    for (const [encoding, texts] of [
      ['date', dates],
      ['timestamp', times],
      ['timestamptz', zoned],
    ] as const) {
      for (const [at, text] of texts.entries()) {
        assert.deepEqual(decodeKey([encoding], key([encoding], text)), [text])
        if (at > 0) assert.equal(order(key([encoding], texts[at - 1] as string), key([encoding], text)), -1, text)
      }
    }
    assert.equal(encode(['timestamptz'], ['2024-01-01 00:00:00']), KEY_UNREADABLE)
    assert.equal(encode(['date'], ['2024-01-01 00:00:00']), KEY_UNREADABLE)
  })

  it('says which keys are missing, unreadable or too long', () => {
    assert.equal(encode(['integer'], [null]), KEY_MISSING)
    assert.equal(encode(['text', 'integer'], ['a', null]), KEY_MISSING)
    assert.equal(encode(['boolean'], ['yes']), KEY_UNREADABLE)
    assert.equal(encode(['text'], ['x'.repeat(8192)]), KEY_TOO_LONG)
    assert.ok(Buffer.isBuffer(encode(['text'], ['x'.repeat(8191)])))
    assert.deepEqual(encode(['text'], ['']), Buffer.alloc(0))
    assert.deepEqual(encode(['text'], ['\\N']), Buffer.from('\\N'))
  })

  it('finds key columns anywhere in the line and in any order', () => {
    const encoder = new KeyEncoder([
      { field: 3, encoding: 'text' },
      { field: 1, encoding: 'integer' },
    ])
    const line = Buffer.from(encodeRow(['a', '7', null, 'tab\there', 'z']))
    const out = Buffer.alloc(keySpace(line.length))
    const end = encoder.encode(line, 0, line.length, out, 0)
    assert.deepEqual(decodeKey(['text', 'integer'], out.subarray(0, end)), ['tab\there', '7'])
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fingerprint, fingerprintRows } from '../../src/core/fingerprint.ts'

const out = new Uint32Array(2)
function print(text: string, high = 0, low = 0): string {
  const bytes = Buffer.from(`..${text}..`)
  fingerprint(bytes, 2, bytes.length - 2, high, low, out, 0)
  return [...out].map((word) => word.toString(16).padStart(8, '0')).join('')
}

const words = ([high = 0, low = 0]: Uint32Array) => BigInt(high) * 2n ** 32n + BigInt(low)

/** Murmur3 x64 128, from its description and with BigInt: the first half. */
function reference(bytes: Buffer, seed: bigint): bigint {
  const u64 = (value: bigint) => BigInt.asUintN(64, value)
  const rotate = (value: bigint, by: bigint) => u64((value << by) | (value >> (64n - by)))
  const [c1, c2] = [0x87c37b91114253d5n, 0x4cf5ad432745937fn]
  const mix1 = (k: bigint) => u64(rotate(u64(k * c1), 31n) * c2)
  const mix2 = (k: bigint) => u64(rotate(u64(k * c2), 33n) * c1)
  const finish = (value: bigint) => {
    const first = u64((value ^ (value >> 33n)) * 0xff51afd7ed558ccdn)
    const second = u64((first ^ (first >> 33n)) * 0xc4ceb9fe1a85ec53n)
    return second ^ (second >> 33n)
  }
  let [h1, h2] = [seed, seed]
  const whole = bytes.length - (bytes.length % 16)
  for (let at = 0; at < whole; at += 16) {
    h1 = u64((rotate(h1 ^ mix1(bytes.readBigUInt64LE(at)), 27n) + h2) * 5n + 0x52dce729n)
    h2 = u64((rotate(h2 ^ mix2(bytes.readBigUInt64LE(at + 8)), 31n) + h1) * 5n + 0x38495ab5n)
  }
  const tail = Buffer.concat([bytes.subarray(whole), Buffer.alloc(16)])
  const length = BigInt(bytes.length)
  h1 = h1 ^ mix1(tail.readBigUInt64LE(0)) ^ length
  h2 = h2 ^ mix2(tail.readBigUInt64LE(8)) ^ length
  h1 = u64(h1 + h2)
  h2 = u64(h2 + h1)
  return u64(finish(h1) + finish(h2))
}

describe('fingerprint', () => {
  it('is the first half of murmur3 x64 128', () => {
    // Reference values: murmurhash3js 3.0.1, x64.hash128, seed 0, and the hash of the reference's own self-test.
    assert.equal(print('The quick brown fox jumps over the lazy dog'), 'e34bbc7bbc071b6c')
    assert.equal(print('I will not buy this record, it is scratched.'), 'c382657f9a06c49d')
  })

  it('is that for every length, in windows or not', () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919 + (at >> 8)) & 255))
    const window = 128 * 1024
    const lengths = [
      0,
      1,
      7,
      8,
      9,
      15,
      16,
      17,
      31,
      32,
      33,
      100,
      window - 1,
      window,
      window + 5,
      window + 16,
      2 * window,
    ]
    for (const length of lengths) {
      fingerprint(bytes, 3, 3 + length, 0xdeadbeef, 42, out, 0)
      assert.deepEqual(words(out), reference(bytes.subarray(3, 3 + length), 0xdeadbeefn * 2n ** 32n + 42n), `${length}`)
    }
  })

  it('hashes the rows of a batch as it hashes each of them', () => {
    for (const [count, size] of [
      [1, 300_000],
      [5, 60_000],
      [1000, 130],
      [40_000, 4],
      [20_000, 0],
    ] as const) {
      const offsets = Uint32Array.from({ length: count + 1 }, (_, row) => 11 + row * size)
      const bytes = Buffer.alloc((offsets[count] as number) + 1, 'some bytes that differ from row to row')
      const prints = new Uint32Array(count * 2)
      fingerprintRows(bytes, offsets, count, 1, 2, prints)
      for (let row = 0; row < count; row += count > 5000 ? 97 : 1) {
        fingerprint(bytes, offsets[row] as number, offsets[row + 1] as number, 1, 2, out, 0)
        assert.deepEqual([...prints.subarray(row * 2, row * 2 + 2)], [...out], `row ${row} of ${count}`)
      }
    }
  })

  it('differs for every length, seed and changed byte', () => {
    const seen = new Set<string>()
    for (let length = 1; length < 200; length++) {
      seen.add(print('x'.repeat(length)))
      seen.add(print('x'.repeat(length), 1, 0))
      seen.add(print('x'.repeat(length), 0, 1))
      for (let at = 0; at < length; at++) seen.add(print(`${'x'.repeat(at)}y${'x'.repeat(length - at - 1)}`))
    }
    assert.equal(seen.size, 199 * 3 + (199 * 200) / 2)
  })

  it('never says "unknown"', () => {
    fingerprint(Buffer.alloc(0), 0, 0, 0, 0, out, 0)
    assert.deepEqual([...out], [0, 1])
  })
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fingerprint } from '../../src/core/fingerprint.ts'

const out = new Uint32Array(2)
function print(text: string, high = 0, low = 0): string {
  const bytes = Buffer.from(`..${text}..`)
  fingerprint(bytes, 2, bytes.length - 2, high, low, out, 0)
  return [...out].map((word) => word.toString(16).padStart(8, '0')).join('')
}

describe('fingerprint', () => {
  it('is the first half of murmur3 x86 128', () => {
    // Reference values: murmurhash3js 3.0.1, x86.hash128, seed 0.
    assert.equal(print('The quick brown fox jumps over the lazy dog'), '2f1583c3ecee2c67')
    assert.equal(print('hello'), '2b2444a0db91def7')
    assert.equal(print('0123456789abcdef'), 'fb7d440936aed30a')
    assert.equal(print('0123456789abcdefXYZ'), '639b7bcf4aa7a92e')
    assert.equal(print('abcdefghijklmno'), 'ee6d1d694a1ad5ae')
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

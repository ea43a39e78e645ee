import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readDigests } from '../../src/core/digest-field.ts'
import { rowBatch } from '../support/row-batches.ts'
import { seeds, withSeed } from '../support/seeded-random.ts'

function read(digests: readonly bigint[], field: number): bigint[] {
  const rows = digests.map((digest) => [...Array(field).fill('k\ty'), String(digest), 'last'])
  const lines = [...rows, ...rows.map((row) => row.slice(0, -1))]
  const out = new Uint32Array(lines.length * 2)
  readDigests(rowBatch(lines), field, out)
  return lines.map((_, row) =>
    BigInt.asIntN(64, (BigInt(out[row * 2] as number) << 32n) | BigInt(out[row * 2 + 1] as number)),
  )
}

test('reads every signed integer of 64 bits, wherever it is in the line', async () => {
  const edges = [
    1n,
    -1n,
    9n,
    10n,
    2n ** 31n,
    2n ** 32n - 1n,
    2n ** 32n,
    -(2n ** 32n),
    -(2n ** 32n) - 1n,
    2n ** 63n - 1n,
    -(2n ** 63n),
  ]
  for (const field of [0, 1, 3]) assert.deepEqual(read(edges, field), [...edges, ...edges])
  for (const seed of seeds(3)) {
    await withSeed(seed, 'test/core/digest-field', async (random) => {
      const some = Array.from({ length: 500 }, () => {
        const bits = BigInt(1 + random.below(63))
        const word = (BigInt(random.below(2 ** 31)) << 33n) | (BigInt(random.below(2 ** 31)) << 2n) | 1n
        return BigInt.asIntN(64, random.chance(0.5) ? word >> (64n - bits) || 1n : -word || 1n)
      })
      assert.deepEqual(read(some, 2), [...some, ...some])
    })
  }
})

test('no fingerprint is the one that stands for unknown content', () => {
  assert.deepEqual(read([0n], 1), [1n, 1n])
})

test('what is no integer is an error, and not a fingerprint', () => {
  for (const text of ['x', '1.5', '12a', null]) {
    const out = new Uint32Array(2)
    assert.throws(() => readDigests(rowBatch([['1', text]]), 1, out), TypeError)
  }
})

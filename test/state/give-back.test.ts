import assert from 'node:assert/strict'
import { test } from 'node:test'
import { giveBack } from '../../src/state/give-back.ts'

const SIZE = 1024 * 1024

test('memory that is given back is free at once, without a collection', () => {
  const before = process.memoryUsage().arrayBuffers
  for (let round = 0; round < 64; round++) {
    const bytes = Buffer.alloc(SIZE, 1)
    giveBack(bytes)
    assert.equal(bytes.length, 0)
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 8 * SIZE)
})

test('a part of a larger memory is not given back', () => {
  const whole = Buffer.alloc(SIZE, 7)
  giveBack(whole.subarray(0, SIZE / 2))
  giveBack(whole.subarray(1))
  assert.equal(whole.length, SIZE)
  assert.equal(whole.at(-1), 7)
})

test('what is small, given back already, or from the pool that Node shares, is left alone', () => {
  const small = Buffer.from('a key')
  giveBack(small)
  assert.equal(small.toString(), 'a key')
  const bytes = Buffer.alloc(SIZE)
  giveBack(bytes)
  giveBack(bytes)
  assert.equal(bytes.length, 0)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KeyEncoding } from '../../src/core/column.ts'
import { KeyEncoder, keySpace } from '../../src/core/key.ts'
import { DeleteLines } from '../../src/pipeline/delete-lines.ts'
import { RowMapping } from '../../src/pipeline/row-mapping.ts'
import { seeds, withSeed } from '../support/seeded-random.ts'

const FIELD = { name: 'id', kind: 'other', type: 'text', nulls: 'write', on: 'always' } as const

/** What becomes of keys, given and returned as lines of COPY text. */
function linesOf(encodings: readonly KeyEncoding[], keys: readonly string[], deleteValues: readonly string[] = []) {
  const mapping = new RowMapping({
    fields: [],
    producers: [],
    deleteFields: [...encodings, ...deleteValues].map(() => FIELD),
    deleteValues,
    passes: -1,
    encodings,
  })
  const encoder = new KeyEncoder(encodings.map((encoding, field) => ({ field, encoding })))
  const lines = new DeleteLines(mapping, encodings)
  return keys.map((key) => {
    const line = Buffer.from(`${key}\n`)
    const bytes = Buffer.alloc(keySpace(line.length) + 7)
    const end = encoder.encode(line, 0, line.length, bytes, 7)
    lines.write(bytes, 7, end)
    return lines.bytes.toString('utf8', lines.start, lines.end)
  })
}

const INTEGERS = [0n, 1n, 9n, 10n, 4294967295n, 4294967296n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n]

test('an integer key comes back digit by digit, however large', () => {
  const texts = [...INTEGERS, ...INTEGERS.map((value) => -value), -(2n ** 63n)].map((value) => String(value))
  assert.deepEqual(
    linesOf(['integer'], texts),
    texts.map((text) => `${text}\n`),
  )
})

test('random integers come back, too', async () => {
  for (const seed of seeds(20)) {
    await withSeed(seed, 'test/pipeline/delete-lines', async (random) => {
      const texts = Array.from({ length: 500 }, () => {
        const value = BigInt.asIntN(
          random.below(65),
          BigInt(random.below(2 ** 32)) * 2n ** 32n + BigInt(random.below(2 ** 32)),
        )
        return String(value)
      })
      assert.deepEqual(
        linesOf(['integer'], texts),
        texts.map((text) => `${text}\n`),
      )
    })
  }
})

test('keys of other types, of several columns, and deletes that set fields', () => {
  assert.deepEqual(linesOf(['text'], ['a\\tb', 'é']), ['a\\tb\n', 'é\n'])
  assert.deepEqual(linesOf(['integer', 'text'], ['7\tx']), ['7\tx\n'])
  assert.deepEqual(linesOf(['integer'], ['7', '-8'], ['gone']), ['7\tgone\n', '-8\tgone\n'])
})

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodeRow, encodeRow, skipFields } from '../../src/core/copy-text.ts'

describe('COPY text', () => {
  it('gives back any row', () => {
    const value = fc.option(
      fc.string({ unit: fc.constantFrom('\\', 'N', '\t', '\n', '\r', '\b', '\f', '\v', 'a', '😀', '.') }),
    )
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 6 }), (row) => {
        const line = Buffer.from(encodeRow(row))
        assert.deepEqual(decodeRow(line, 0, line.length), row)
        assert.equal(line.indexOf(10), line.length - 1)
      }),
      { numRuns: 5_000 },
    )
  })

  it('skips leading fields', () => {
    const line = Buffer.from(encodeRow(['a\tb', null, 'c']))
    assert.equal(line.toString('utf8', skipFields(line, 0, 2)), 'c\n')
    assert.equal(skipFields(line, 0, 0), 0)
  })
})

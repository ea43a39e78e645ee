import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RowFrames } from '../../src/connectors/postgres-row-frames.ts'
import { encodeRow } from '../../src/core/copy-text.ts'

const message = (type: string, content: Buffer) => {
  const header = Buffer.alloc(5)
  header.write(type, 'latin1')
  header.writeInt32BE(content.length + 4, 1)
  return Buffer.concat([header, content])
}

function dataRow(values: readonly (string | null)[]): Buffer {
  const count = Buffer.alloc(2)
  count.writeInt16BE(values.length)
  const fields = values.flatMap((value) => {
    const size = Buffer.alloc(4)
    size.writeInt32BE(value === null ? -1 : Buffer.byteLength(value))
    return value === null ? [size] : [size, Buffer.from(value)]
  })
  return message('D', Buffer.concat([count, ...fields]))
}

/** Walks over `bytes` in chunks of these sizes, again and again. */
function walk(bytes: Buffer, sizes: readonly number[], mostBytes = 1_000_000) {
  const seen = { lines: [] as string[], aside: [] as Buffer[], tooLarge: 0 }
  const walker = new RowFrames(
    {
      lines: (lines) => void seen.lines.push(lines.toString('utf8')),
      aside: (part) => void seen.aside.push(Buffer.from(part)),
      tooLarge: () => void seen.tooLarge++,
    },
    mostBytes,
  )
  for (let at = 0, chunk = 0; at < bytes.length && seen.tooLarge === 0; chunk++) {
    const to = at + (sizes[chunk % sizes.length] as number)
    walker.walk(Buffer.from(bytes.subarray(at, to)))
    at = to
  }
  walker.flush()
  return { lines: seen.lines.join(''), aside: Buffer.concat(seen.aside), tooLarge: seen.tooLarge, rows: walker.rows }
}

const value = fc.option(
  fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('\b', '\t', '\n', '\v', '\f', '\r', '\\', 'N', '.', '\x01') }),
  ),
)
const rows = fc.array(fc.array(value, { maxLength: 6 }), { maxLength: 40 })
const sizes = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 })

test('rows become the lines of COPY, however they are cut, and everything else goes on to pg', () => {
  const other = message('s', Buffer.from('portal suspended'))
  const property = fc.property(rows, sizes, fc.nat(40), (list, cuts, at) => {
    const messages = list.map(dataRow)
    messages.splice(Math.min(at, messages.length), 0, other)
    const seen = walk(Buffer.concat([other, ...messages, other]), cuts)
    assert.equal(seen.lines, list.map((row) => encodeRow(row)).join(''))
    assert.deepEqual(seen.aside, Buffer.concat([other, other, other]))
    assert.equal(seen.rows, list.length)
  })
  fc.assert(property, { numRuns: 300 })
})

test('a row that is larger than any batch is one line', () => {
  const large = 'a\\b\n'.repeat(100_000)
  const seen = walk(Buffer.concat([dataRow(['1', large]), dataRow(['2', null])]), [65_536])
  assert.equal(seen.lines, encodeRow(['1', large]) + encodeRow(['2', null]))
})

test('a row beyond the limit is told before all of it has come', () => {
  const bytes = Buffer.concat([dataRow(['1']), dataRow(['2', 'x'.repeat(5000)])])
  const seen = walk(bytes.subarray(0, 100), [10], 1000)
  assert.deepEqual([seen.lines, seen.tooLarge], ['1\n', 1])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { JsonScanner } from '../../src/connectors/json-scan.ts'
import { nameOf } from '../../src/connectors/ndjson-columns.ts'
import { readText } from '../support/text-rows.ts'

/** JSON, and what is nearly JSON: a valid text with a few characters changed. */
const nearlyJson = fc
  .tuple(
    fc.jsonValue({ maxDepth: 4 }),
    fc.array(fc.tuple(fc.nat(), fc.constantFrom(...'{}[]",:\\u0e-+. \t1nt')), { maxLength: 2 }),
  )
  .map(([value, edits]) => {
    let text = `{"a":${JSON.stringify(value)},"b":1}`
    for (const [at, character] of edits) {
      const index = at % text.length
      text = text.slice(0, index) + character + text.slice(index + (at % 3))
    }
    return text
  })

test('takes exactly what JSON.parse takes, and finds the same names and values', () => {
  const scanner = new JsonScanner()
  let accepted = 0
  fc.assert(
    fc.property(nearlyJson, (text) => {
      const bytes = Buffer.from(`xx${text}yy`)
      const isObject = scanner.scan(bytes, 2, bytes.length - 2)
      let value: unknown
      try {
        value = JSON.parse(text)
      } catch {
        value = undefined
      }
      const expected =
        typeof value === 'object' && value !== null && !Array.isArray(value) && text.trimStart().startsWith('{')
      assert.equal(isObject, expected, text)
      if (!isObject) return
      accepted++
      // By the last of equal names, as JSON.parse does.
      const found = new Map<string, unknown>()
      for (let index = 0; index < scanner.count; index++) {
        const isText = scanner.kinds[index] === 5 || scanner.kinds[index] === 6
        const [start, end] = [scanner.starts[index] as number, scanner.ends[index] as number]
        const raw = bytes.toString('utf8', isText ? start - 1 : start, isText ? end + 1 : end)
        found.set(nameOf(scanner, bytes, index), JSON.parse(raw))
      }
      assert.deepEqual(found, new Map(Object.entries(value as object)))
    }),
    { numRuns: 5000 },
  )
  assert.ok(accepted > 500, `${accepted} of 5000 were JSON`)
})

test('every text comes out as JSON.parse reads it', () => {
  const text = fc.string({
    unit: fc.oneof(
      fc.constantFrom('\\', '"', '\n', '\t', '\u0000', '\u0008', '\u000b', '\u007f', '/', 'é', '🚢'),
      fc.string({ unit: 'binary', maxLength: 1 }),
    ),
    maxLength: 12,
  })
  const escaped = (value: string) =>
    JSON.stringify(value).replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return fc.assert(
    fc.asyncProperty(
      fc.array(text, { minLength: 1, maxLength: 5 }),
      fc.integer({ min: 1, max: 50 }),
      async (values, chunk) => {
        const plain = values.map((value) => `{"x":${JSON.stringify(value)}}\n`).join('')
        const ascii = values.map((value) => `{"x":${escaped(value)}}\n`).join('')
        const expected = values.map((value) => [value])
        assert.deepEqual((await readText(plain, { format: 'ndjson' }, { chunk })).rows, expected)
        assert.deepEqual((await readText(ascii, { format: 'ndjson' }, { chunk })).rows, expected)
      },
    ),
    { numRuns: 300 },
  )
})

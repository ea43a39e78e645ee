import assert from 'node:assert/strict'
import { test } from 'node:test'
import { binderFor } from '../../src/connectors/sqlite-values.ts'
import { normalizerOf, TYPE_NAMES } from '../../src/connectors/text-types.ts'
import type { ValueKind } from '../../src/core/column.ts'
import { READ_AS } from '../../src/pipeline/field-value.ts'
import { field } from '../support/batch-field.ts'

/**
 * Values that a pattern would look at again and again if two of its parts took the same characters. A row may have 16 MiB:
 * a time that grows with the square of that would be a run that never ends.
 */
const SIZE = 400_000
const long = (character: string) => character.repeat(SIZE)
const VALUES = [
  `${long('0')}x`,
  `${long('1')}x`,
  `-${long('0')}1${long('0')}x`,
  `1.${long('0')}x`,
  `1.${long('0')}1`,
  `1${long('0')}1`,
  `1e${long('1')}`,
  `.${long('1')}.`,
  `${long(' ')}x`,
  `1${long(' ')}x`,
  `t${long(' ')}x`,
  `${long('1')}-01-01x`,
  `2024-01-01 10:00${long(' ')}x`,
  `2024-01-01 ${long(' ')}B`,
  `2024-01-01T10:00:00.${long('0')}1Z`,
  `2024-01-01T10:00:00.${long('1')}x`,
  `${long('-')}x`,
  `{${long('a')}`,
]

/** Fails where the work takes as long as only a square does. */
function soon(what: string, work: () => void): void {
  const began = performance.now()
  work()
  const took = performance.now() - began
  assert.ok(took < 2000, `${what}: ${Math.round(took)} ms`)
}

test('whatever is in a value, bringing it into the form of its type takes time in proportion to its length', (t) => {
  let tried = 0
  for (const [index, value] of VALUES.entries()) {
    for (const type of TYPE_NAMES) {
      soon(`value ${index} as ${type}`, () => normalizerOf(type)?.(value))
      tried++
    }
    for (const [type, read] of Object.entries(READ_AS)) {
      soon(`value ${index} read as ${type}`, () => read(value))
      tried++
    }
    for (const kind of ['text', 'decimal', 'float', 'integer', 'boolean', 'bytes'] satisfies ValueKind[]) {
      for (const affinity of ['numeric', 'integer', 'real', 'text', 'none'] as const) {
        const column = { name: 'x', type: '', affinity, notNull: false, hasDefault: false, generated: false }
        for (const match of [true, false]) {
          soon(`value ${index}, ${kind} into ${affinity}`, () => binderFor(field('x', kind), column, match)?.(value))
          tried++
        }
      }
    }
  }
  t.diagnostic(`${tried} conversions of values of ${SIZE} characters and more`)
})

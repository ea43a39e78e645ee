import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LineNumbers } from '../../src/connectors/postgres-line-numbers.ts'
import { changeBatch } from '../../src/testing/contract-record.ts'
import { field } from '../support/batch-field.ts'

const FIELDS = [field('id'), field('name')]

test('each batch is numbered from 0, whatever was numbered before it in the same memory', () => {
  const numbers = new LineNumbers()
  for (const count of [1, 1001, 10, 0, 101, 11]) {
    // Longer and shorter than what is copied byte by byte.
    const rows = Array.from({ length: count }, (_, line) => [String(line * 7), 'x'.repeat(line % 90)])
    const expected = rows.map((row, line) => `${line}\t${row.join('\t')}\n`).join('')
    assert.equal(numbers.number(changeBatch('update', FIELDS, rows)).toString(), expected)
  }
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differences } from '../../src/testing/record-differences.ts'
import { field } from '../support/batch-field.ts'

const shape = { fields: [field('id'), field('name'), field('extra', 'json')], match: ['id'] }
const record = (id: string, name: string | null = 'a', extra: string | null = null) => ({ id, name, extra })

test('finds nothing where records are the same, in any order, with JSON written in another way', () => {
  const expected = [record('1', 'a', '{"x": 1, "y": 2}'), record('2')]
  assert.deepEqual(differences(expected, [record('2'), record('1', 'a', '{"y":2,"x":1}')], shape), [])
})

test('says in a few words what is missing, what is different, and what should not be there', () => {
  const expected = [record('1'), record('2', 'x'.repeat(1_000)), record('3', null)]
  assert.deepEqual(differences(expected, [record('2', ''), record('3', ''), record('3', null), record('4')], shape), [
    'of 3 records, 4 are there',
    '"1" is missing',
    `"2" has name "" and not "${'x'.repeat(99)}… (1002 characters)`,
    '"3" has name "" and not null',
    '"3" is there and should not be',
    '"4" is there and should not be',
  ])
  assert.equal(
    differences(
      Array.from({ length: 900 }, (_, n) => record(String(n))),
      [],
      shape,
    ).length,
    7,
  )
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { didYouMean, suggestion } from '../../src/core/did-you-mean.ts'

const MODES = ['mirror', 'upsert', 'update-only', 'delete-only', 'insert-only']

for (const [word, candidates, expected] of [
  ['miror', MODES, 'mirror'],
  ['imrror', MODES, 'mirror'],
  ['MIRROR', MODES, 'mirror'],
  ['update_only', MODES, 'update-only'],
  ['updateonly', MODES, 'update-only'],
  ['insrt-only', MODES, 'insert-only'],
  ['tokn', ['type', 'token', 'url'], 'token'],
  ['first_nmae', ['last_name', 'first_name'], 'first_name'],
  ['replace', MODES, undefined],
  ['dbb', ['db', 'app'], 'db'],
  ['al', ['all', 'seen'], 'all'],

  ['xyz', MODES, undefined],
  ['', MODES, undefined],
  ['ab', ['id', 'as'], undefined],
  ['mirror', [], undefined],
  ['x'.repeat(100_000), MODES, undefined],
] as const)
  test(`${word.slice(0, 20) || 'nothing'} suggests ${expected ?? 'nothing'}`, () => {
    assert.equal(didYouMean(word, candidates), expected)
  })

test('the nearest of several is suggested, and the first of equals', () => {
  assert.equal(didYouMean('contcts', ['contracts', 'contacts']), 'contacts')
  assert.equal(didYouMean('user_c', ['user_a', 'user_b']), 'user_a')
})

test('a suggestion is the end of a sentence, or nothing', () => {
  assert.equal(suggestion('miror', MODES), ' — did you mean "mirror"?')
  assert.equal(suggestion('xyz', MODES), '')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatCount, formatDuration, oneLine, printable } from '../../src/cli/printable.ts'

test('no control character reaches a terminal', () => {
  assert.equal(printable('a\x1b[31mb\rc\x9bd\u202ee'), 'a\\x1b[31mb\\x0dc\\x9bd\\u202ee')
  assert.equal(printable('two\nlines\tand a tab'), 'two\nlines\tand a tab')
})

test('one line is one line, and no longer than there is room for', () => {
  assert.equal(oneLine('  a\r\n   b\tc  '), 'a b c')
  assert.equal(oneLine('abcdef', 4), 'abc…')
  assert.equal(oneLine('😀😀😀', 3), '😀😀😀')
  assert.equal(oneLine('😀😀😀😀', 3), '😀😀…')
})

test('numbers are grouped and durations have the unit that people use', () => {
  assert.equal(formatCount(1234567), '1,234,567')
  assert.deepEqual([3, 99, 512, 9_949, 9_999, 41_400, 59_700, 192_000, 3_840_000].map(formatDuration), [
    '3 ms',
    '99 ms',
    '0.5 s',
    '9.9 s',
    '10 s',
    '41 s',
    '1 min 0 s',
    '3 min 12 s',
    '1 h 4 min',
  ])
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FAULT_POINTS, plannedFault } from '../../src/cli/fault-points.ts'

const PARENT = 4711

test('a fault is planned by whoever starts the process, and by nobody else', () => {
  for (const text of [
    '',
    '1',
    'before-write',
    'before-write:1',
    'before-write:1:',
    'before-write:1:4712',
    'a:1:4711:b',
  ]) {
    assert.equal(plannedFault(text, PARENT), undefined, text)
  }
  for (const point of FAULT_POINTS) assert.equal(typeof plannedFault(`${point}:1:${PARENT}`, PARENT), 'function')
})

test('a fault that is meant, and none that there is, is an error', () => {
  for (const text of [
    'nowhere:1',
    'constructor:1',
    ':1',
    'before-write:',
    'before-write:0',
    'before-write:-1',
    'end:1.5',
  ]) {
    assert.throws(
      () => plannedFault(`${text}:${PARENT}`, PARENT),
      { exitCode: 64, message: /names no fault point/ },
      text,
    )
  }
})

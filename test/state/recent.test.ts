import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Recent } from '../../src/state/recent.ts'

test('what was used last is kept, the rest is dropped, and nothing old comes back', () => {
  const recent = new Recent<number>(10, () => 1)
  recent.set('stays', 0)
  recent.set('goes', 0)
  recent.set('changes', 1)
  for (let number = 0; number < 100; number++) {
    recent.set(`x${number}`, number)
    assert.equal(recent.get('stays'), 0)
    if (number === 12) recent.set('changes', 2)
    if (number > 12) assert.notEqual(recent.get('changes'), 1)
  }
  assert.equal(recent.get('goes'), undefined)
  assert.equal(recent.get('x0'), undefined)
  assert.equal(recent.get('x99'), 99)
})

test('the weight of what is kept is bounded, and null is a value', () => {
  const recent = new Recent<string | null>(1000, (key, value) => key.length + (value?.length ?? 0))
  for (let number = 0; number < 50; number++) recent.set(String(number), 'x'.repeat(400))
  const kept = Array.from({ length: 50 }, (_, number) => recent.get(String(number))).filter((value) => value)
  assert.ok(kept.length >= 2 && kept.length <= 8, String(kept.length))
  recent.set('none', null)
  assert.equal(recent.get('none'), null)
})

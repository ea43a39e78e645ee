import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseDuration, parseRate, parseThreshold } from '../../src/config/durations.ts'
import { parseTemplate } from '../../src/config/templates.ts'

test('durations are whole numbers of a unit', () => {
  const read = ['500ms', '10s', '5m', '2h', '1d'].map(parseDuration)
  assert.deepEqual(read, [500, 10_000, 300_000, 7_200_000, 86_400_000])
  for (const text of ['', '10', 's', '0s', '-1s', '1.5h', '10 s', '1h30m', '10S', '10w', '99999999999s'])
    assert.equal(parseDuration(text), undefined, text)
})

test('rates are requests in a time', () => {
  assert.deepEqual(parseRate('100/10s'), { requests: 100, perMs: 10_000 })
  assert.deepEqual(parseRate('5/m'), { requests: 5, perMs: 60_000 })
  for (const text of ['100', '100/', '/s', '0/s', '100/0s', '1/10', '1.5/s', '100 / 10s', '-1/s'])
    assert.equal(parseRate(text), undefined, text)
})

test('thresholds are a number or a share', () => {
  assert.deepEqual([500, 0, '500'].map(parseThreshold), [{ count: 500 }, { count: 0 }, { count: 500 }])
  assert.deepEqual(['5%', '0.5%', '0%', '100%'].map(parseThreshold), [
    { percent: 5 },
    { percent: 0.5 },
    { percent: 0 },
    { percent: 100 },
  ])
  for (const value of [-1, 1.5, Number.NaN, 2 ** 53, '', '%', '5 %', '100.1%', '120%', '-5%', '1e2', '.5%'])
    assert.equal(parseThreshold(value), undefined, String(value))
})

for (const [template, parts] of [
  ['{first_name} {last_name}', ['', 'first_name', ' ', 'last_name', '']],
  ['{a}{b}', ['', 'a', '', 'b', '']],
  ['{{{a}}}', ['{', 'a', '}']],
  ['{{"id": {id}}}', ['{"id": ', 'id', '}']],
  ['{{"id": {id} }}', ['{"id": ', 'id', ' }']],
  ['{ Full Name }', ['', 'Full Name', '']],
  ['Ünïcode 🚢 {x}', ['Ünïcode 🚢 ', 'x', '']],
] as const)
  test(`the template ${template} is split`, () => {
    assert.deepEqual(parseTemplate(template), { parts })
  })

for (const [template, problem] of [
  ['{oops', /not closed/],
  ['oops}', /not opened/],
  ['{}', /no column name/],
  ['{ }', /no column name/],
  ['{a{b}', /no column name/],
  ['constant', /value/],
  ['{{x}}', /value/],
  ['', /value/],
] as const)
  test(`the template ${JSON.stringify(template)} is refused`, () => {
    const result = parseTemplate(template)
    assert.match('problem' in result ? result.problem : '', problem)
  })

test('any literal survives when its braces are doubled', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (before, after) => {
      const double = (text: string) => text.replace(/[{}]/g, '$&$&')
      assert.deepEqual(parseTemplate(`${double(before)}{x}${double(after).replace(/^\}+/, '')}`), {
        parts: [before, 'x', after.replace(/^\}+/, '')],
      })
    }),
  )
})

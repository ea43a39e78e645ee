// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax of references is what is tested
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expandEnvironment } from '../../src/config/environment.ts'

const ENVIRONMENT = { NAME: 'value', EMPTY: '', DOLLAR: '${NAME}$$', OTHER: 'other' }

for (const [text, expected] of [
  ['plain', 'plain'],
  ['${NAME}', 'value'],
  ['a ${NAME} b ${OTHER}', 'a value b other'],
  ['${EMPTY}', ''],
  ['${NAME:-default}', 'value'],
  ['${EMPTY:-default}', 'default'],
  ['${UNSET:-default}', 'default'],
  ['${UNSET:-}', ''],
  ['${UNSET:-a:-b?c}', 'a:-b?c'],
  ['${UNSET:-${NAME}}!', 'value!'],
  ['${UNSET:-${ALSO_UNSET:-deep}}', 'deep'],
  ['${NAME:-${UNSET}}', 'value'],
  ['${NAME:?needed}', 'value'],
  ['$$', '$'],
  ['$${NAME}', '${NAME}'],
  ['$$${NAME}', '$value'],
  ['${UNSET:-$$5}', '$5'],
  ['costs $5, ends in $', 'costs $5, ends in $'],
  ['$NAME', '$NAME'],
  ['${DOLLAR}', '${NAME}$$'],
  ['}', '}'],
] as const)
  test(`${JSON.stringify(text)} becomes ${JSON.stringify(expected)}`, () => {
    const expansion = expandEnvironment(text, ENVIRONMENT)
    assert.deepEqual([expansion.text, expansion.problems], [expected, []])
  })

for (const [text, reference, message] of [
  ['x ${UNSET}', '${UNSET}', 'environment variable UNSET is not set; set it, or give a default: ${UNSET:-value}'],
  ['${UNSET:?ask Ann}', '${UNSET:?', 'environment variable UNSET is not set; ask Ann'],
  ['${EMPTY:?ask ${NAME}}', '${EMPTY:?', 'environment variable EMPTY is not set; ask value'],
  ['${UNSET:?}', '${UNSET:?', 'environment variable UNSET is not set; set it, or give a default: ${UNSET:-value}'],
  ['${constructor}', '${constructor}', /^environment variable constructor is not set/],
  ['${UNSET:-${DEEP}}', '${DEEP}', /^environment variable DEEP is not set/],
  ['a ${1X}', '${1X}', /starts no reference; write \$\{NAME\}/],
  ['${', '${', /starts no reference/],
  ['${NAME', '${NAME', /starts no reference/],
  ['${NAME-default}', '${NAME-default}', /starts no reference/],
  ['${UNSET:-open', '${UNSET:-open', /starts no reference/],
] as const)
  test(`${JSON.stringify(text)} is a problem`, () => {
    const { problems } = expandEnvironment(text, ENVIRONMENT)
    assert.equal(problems.length, 1)
    assert.equal(problems[0]?.reference, reference)
    if (typeof message === 'string') assert.equal(problems[0]?.message, message)
    else assert.match(problems[0]?.message ?? '', message)
  })

test('the values that were used are told, those of unused defaults are not', () => {
  assert.deepEqual(expandEnvironment('${NAME:-${OTHER}} ${UNSET:-${OTHER}} ${EMPTY}', ENVIRONMENT).values, [
    'value',
    'other',
  ])
})

test('a variable of a similar name is suggested', () => {
  assert.equal(expandEnvironment('${DATABSE_URL}', { DATABASE_URL: 'x' }).problems[0]?.suggestion, 'DATABASE_URL')
})

test('names that objects have by themselves are not set, unless they are', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const { problems, text } = expandEnvironment(`a\${${name}}`, { PATH: 'x' })
    assert.equal(text, 'a')
    assert.match(problems[0]?.message ?? '', new RegExp(`^environment variable ${name} is not set`))
    const set = Object.fromEntries([[name, 'v']]) as Record<string, string>
    assert.equal(expandEnvironment(`\${${name}}`, set).text, 'v')
  }
})

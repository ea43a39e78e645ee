import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { readPage } from '../support/markdown.ts'

const { prose } = readPage('docs/guarantees.md')
/** The rows of its table of tests: a sentence, and where it is held. */
const ROWS = [...prose.matchAll(/^\| (?!---|sentence)([^|]+) \| ([^|]+) \|$/gm)].map(
  ([, sentence = '', tests = '']) => ({
    sentence,
    files: [...tests.matchAll(/`(test\/[^`]+)`/g)].map(([, file = '']) => file),
    texts: [...tests.matchAll(/“([^”]+)”/g)].map(([, text = '']) => text),
  }),
)

test('each sentence of the guarantee names tests, and they are there', () => {
  assert.ok(ROWS.length > 15, `${ROWS.length} rows`)
  for (const { sentence, files, texts } of ROWS) {
    assert.ok(files.length > 0, `no test is named for: ${sentence}`)
    const missing = files.filter((file) => !file.endsWith('.test.ts') || !existsSync(file))
    assert.deepEqual(missing, [], sentence)
    const sources = files.map((file) => readFileSync(file, 'utf8'))
    for (const source of sources) assert.match(source, /\b(?:test|it|describe|each\w+|testDestination)\(/, sentence)
    for (const text of texts)
      assert.ok(
        sources.some((source) => source.includes(text)),
        `no test of ${files.join(', ')} is called “${text}”`,
      )
  }
})

test('each command that the page names for a long run is one', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }
  const named = [...prose.matchAll(/`npm run ([a-z]+)/g)].map(([, name = '']) => name)
  assert.ok(named.length > 3)
  assert.deepEqual(
    named.filter((name) => !(name in scripts)),
    [],
  )
})

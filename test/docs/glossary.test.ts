import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { SYNC_MODE_NAMES } from '../../src/core/sync-mode.ts'
import { Tally } from '../../src/core/tally.ts'
import { readPage } from '../support/markdown.ts'

const { prose } = readPage('docs/glossary.md')
const words = [...prose.matchAll(/^- \*\*`?([^*`]+)`?\*\* — /gm)].map(([, word = '']) => word)

/** The texts of a union in the source: what stands in quotes behind its name, up to the next empty line or brace. */
function unionOf(file: string, name: string): string[] {
  const [, rest = ''] = readFileSync(file, 'utf8').split(name)
  const [union = ''] = rest.split(/\n\n|\n {2}readonly |\n\}/)
  return [...union.matchAll(/'([a-z_-]+)'/g)].map(([, text = '']) => text)
}

function defines(expected: readonly string[], atLeast: number): void {
  assert.ok(expected.length >= atLeast, expected.join())
  assert.deepEqual(
    expected.filter((word) => !words.includes(word)),
    [],
  )
}

test('the glossary defines every mode and scope', () => {
  defines([...SYNC_MODE_NAMES, ...unionOf('src/core/sync-mode.ts', 'type DeleteScope =')], 7)
})

test('the glossary defines every count', () => {
  const { counts, requests } = new Tally()
  defines([...Object.keys(counts), ...Object.keys(requests)], 15)
})

test('the glossary defines every status, guard and kind of error', () => {
  const report = 'src/core/report.ts'
  defines(unionOf(report, 'type RunStatus ='), 5)
  defines(unionOf(report, 'readonly guard:'), 7)
  defines(unionOf(report, 'readonly kind:'), 4)
})

test('the glossary defines every state of an entry', () => {
  defines(unionOf('src/engine/index-admin.ts', 'const STATE_NAMES = {'), 6)
})

test('no word is defined twice, and each in one to three sentences', () => {
  assert.deepEqual(
    words.filter((word, at) => words.indexOf(word) !== at),
    [],
  )
  for (const [, word = '', definition = ''] of prose.matchAll(/^- \*\*([^*]+)\*\* — ([\s\S]*?)(?=\n- |\n\n)/gm)) {
    const sentences = definition.replace(/`[^`]*`|\([^()]*\)/g, '').match(/[.](?=\s|$)/g) ?? []
    assert.ok(sentences.length >= 1 && sentences.length <= 3, `${word}: ${definition}`)
  }
})

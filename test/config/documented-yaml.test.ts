import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { loadConfig } from '../../src/config/load.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { checkConnections } from '../../src/engine/check-connections.ts'
import { allPages } from '../support/markdown.ts'
import { ENVIRONMENT, FILES, fileOf, yamlExamplesOf } from '../support/yaml-examples.ts'
import { folderWith, problemsOf } from './config-folder.ts'

const PROJECT = join(import.meta.dirname, '../..')
const examples = allPages().flatMap(yamlExamplesOf)

test('there are examples on every page that is about configurations, and each is known for what it is', () => {
  const pages = new Set(examples.map(({ place }) => place.replace(/:\d+$/, '')))
  for (const page of [
    'README.md',
    'docs/configuration.md',
    'docs/files-and-stdout.md',
    'docs/sqlite.md',
    'docs/pipes.md',
  ])
    assert.ok(pages.has(page), page)
  const others = examples.filter(({ part }) => part === 'other').map(({ place }) => place.replace(/:\d+$/, ''))
  assert.deepEqual([...new Set(others)], ['docs/operations.md'], 'manifests and workflows are there alone')
})

for (const example of examples) {
  const { place, text, part, refusal } = example
  const load = async (t: TestContext) => {
    const directory = folderWith(t, { ...FILES, 'rowferry.yaml': fileOf(example) })
    await checkConnections(await loadConfig({ directory, environment: ENVIRONMENT }))
  }
  if (refusal === undefined) {
    test(`the YAML in ${place} can be read`, () => {
      const problems = parseAllDocuments(text).flatMap(({ errors, warnings }) => [...errors, ...warnings])
      assert.deepEqual(
        problems.map(({ message }) => message),
        [],
      )
    })
    if (part === 'other') continue
    test(`the example in ${place} loads, and connectors know its options`, load)
    continue
  }
  test(`the example in ${place} is refused with what stands below it`, async (t) => {
    const { problems } = await problemsOf(load(t))
    // Of a part it is told what is wrong, and not where: the lines are those of a file that the reader does not see.
    const isWhole = refusal.startsWith('rowferry.yaml:')
    const told = problems.map((problem) =>
      formatProblem(isWhole ? problem : { ...problem, file: undefined, frame: undefined }),
    )
    assert.deepEqual(told.join('\n').split('\n'), refusal.split('\n'))
  })
}

for (const name of readdirSync(join(PROJECT, 'examples'), { recursive: true, encoding: 'utf8' })) {
  if (!/(^|[\\/])rowferry\.ya?ml$/.test(name) || name.includes('node_modules')) continue
  test(`examples/${name} loads, and connectors know its options`, async () => {
    const file = join('examples', name)
    await checkConnections(await loadConfig({ directory: PROJECT, file, environment: ENVIRONMENT }))
  })
}

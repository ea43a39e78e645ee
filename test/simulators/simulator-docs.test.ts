import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { HUBSPOT_BEHAVIOURS } from '../../src/simulators/hubspot-behaviours.ts'
import { readBehaviours } from '../../src/simulators/simulator-behaviours.ts'

const PROJECT = join(import.meta.dirname, '../..')

test('docs/simulators.md is what the simulators say', () => {
  const argv = ['--import', 'tsx', 'scripts/simulator-docs.mjs', '--check']
  const { status, stderr } = spawnSync(process.execPath, argv, { cwd: PROJECT, encoding: 'utf8' })
  assert.equal(status, 0, stderr)
})

test('the page names every fault of HubSpot alone', () => {
  const page = readFileSync(join(PROJECT, 'docs/simulators.md'), 'utf8')
  const source = readFileSync(join(PROJECT, 'src/simulators/hubspot-simulator.ts'), 'utf8')
  const [, faults = ''] = /faults: \{([\s\S]*?)\n {6}\},/.exec(source) ?? []
  const names = [...faults.matchAll(/^ {8}'([a-z-]+)':/gm)].map(([, name = '']) => name)
  assert.equal(names.length, 5)
  for (const name of names) assert.ok(page.includes(`\`${name}\``), name)
})

test('every behaviour of HubSpot has its id once, and a test', () => {
  const tests = readdirSync(import.meta.dirname)
    .filter((name) => name.startsWith('hubspot-simulator-'))
    .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
    .join('\n')
  const ids = HUBSPOT_BEHAVIOURS.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  const named = new Set([...tests.matchAll(/^(?:on|behaviour)\(\s*'([a-z.-]+)'/gm)].map(([, id]) => id))
  assert.deepEqual(
    ids.filter((id) => !named.has(id)),
    [],
  )
})

test('a line of a table of behaviours goes on where the next one is indented, and has to have its tag', () => {
  assert.deepEqual(readBehaviours('\na.b | assumed | - | it does\n  this\n'), [
    { id: 'a.b', what: 'it does this', tag: 'assumed', source: '-' },
  ])
  assert.throws(() => readBehaviours('a.b | guessed | - | it does'), /no line of a table of behaviours: a\.b/)
})

// Are the tests worth anything? Plants one mistake after the other in a copy of the tree, each of which breaks a sentence of
// docs/guarantees.md or makes a connector take something for an answer that is none, and runs the tests that hold what is
// broken: one of them has to fail.
//   npm run mutants [-- NAME …]
// Ends with 1 where a mistake is not noticed, where its place is not in the code any more, or where a test fails without one.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ENGINE_MUTANTS } from './mutants-engine.mjs'
import { HTTP_MUTANTS } from './mutants-http.mjs'
import { HUBSPOT_MUTANTS } from './mutants-hubspot.mjs'
import { REQUEST_MUTANTS } from './mutants-requests.mjs'
import { SALESFORCE_MUTANTS } from './mutants-salesforce.mjs'

/**
 * What is planted, where, and which tests have to notice, `PATH` or `PATH # NAME OF A TEST`: one file of them for each part
 * of the code.
 */
const MUTANTS = {
  ...ENGINE_MUTANTS,
  ...REQUEST_MUTANTS,
  ...HUBSPOT_MUTANTS,
  ...SALESFORCE_MUTANTS,
  ...HTTP_MUTANTS,
}

const root = join(import.meta.dirname, '..')
const wanted = process.argv.slice(2)
const chosen = Object.entries(MUTANTS).filter(
  ([name]) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
)
if (chosen.length === 0) throw new Error(`no mutant is called ${wanted.join(', ')}`)

const folder = mkdtempSync(join(tmpdir(), 'rowferry-mutants-'))
const inCopy = (file) => join(folder, file)
let missed = 0
try {
  for (const entry of [
    'src',
    'test',
    'scripts',
    'docs',
    'examples',
    'schema',
    'package.json',
    'tsconfig.json',
    'README.md',
  ])
    cpSync(join(root, entry), inCopy(entry), { recursive: true })
  symlinkSync(join(root, 'node_modules'), inCopy('node_modules'))
  // A mistake may make a test wait for ever.
  const passes = (test) => {
    const [path, name] = test.split(' # ')
    const argv = ['scripts/test.mjs', '--test-timeout=120000', path]
    if (name !== undefined) argv.push(`--test-name-pattern=${name}`)
    return spawnSync(process.execPath, argv, { cwd: folder, stdio: 'ignore' }).status === 0
  }
  const passing = new Map()
  const passesWithout = (test) => {
    if (!passing.has(test)) passing.set(test, passes(test))
    return passing.get(test)
  }
  for (const [name, { file, find, put, tests }] of chosen) {
    const source = readFileSync(inCopy(file), 'utf8')
    if (source.split(find).length !== 2) {
      console.log(`MISSING  ${name}: ${file} does not have its place once`)
      missed++
      continue
    }
    writeFileSync(
      inCopy(file),
      source.replace(find, () => put),
    )
    const begun = performance.now()
    const found = tests.find((test) => !passes(test))
    const seconds = Math.round((performance.now() - begun) / 1000)
    writeFileSync(inCopy(file), source)
    // A test that fails anyway notices nothing.
    const sound = found === undefined || passesWithout(found)
    if (found === undefined || !sound) missed++
    const verdict = found === undefined ? 'MISSED ' : sound ? 'caught ' : 'BROKEN '
    console.log(`${verdict}  ${name}: ${found ?? tests.join(', ')} (${seconds} s)`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${chosen.length - missed} of ${chosen.length} planted mistakes were noticed`)
process.exit(missed === 0 ? 0 : 1)

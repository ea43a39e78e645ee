// Runs the tests by explicit file names: on Node 20 a folder or a glob finds no TypeScript test and exits 0.
//   npm test                      all tests
//   npm test -- test/core         the tests below a path
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

const paths = process.argv.slice(2).filter((argument) => !argument.startsWith('-'))
const options = process.argv.slice(2).filter((argument) => argument.startsWith('-'))
const files = readdirSync('test', { recursive: true })
  .map((file) => join('test', file))
  .filter(
    (file) => file.endsWith('.test.ts') && (paths.length === 0 || paths.some((path) => file.startsWith(join(path)))),
  )
  .sort()
if (files.length === 0) {
  console.error(`no test file below ${paths.join(', ') || 'test'}`)
  process.exit(1)
}
// One asserts a rate, which neighbours would take the CPU of; one keeps every core busy by itself, for minutes.
const ALONE = [join('test', 'sync', 'crm-rate.test.ts'), join('test', 'simulation', 'simulation.test.ts')]

// Failures once more at the end, and which files to look at where the suite has become slow.
const REPORTERS = ['spec', './scripts/slowest-tests.mjs'].flatMap((reporter) => [
  `--test-reporter=${reporter}`,
  '--test-reporter-destination=stdout',
])
const reporters = options.some((option) => option.startsWith('--test-reporter')) ? [] : REPORTERS

/** Whether all of them passed. */
function pass(some, concurrency) {
  if (some.length === 0) return true
  // A test that hangs fails after ten minutes instead of holding the gate.
  const argv = ['--import', 'tsx', '--test', '--test-timeout=600000', `--test-concurrency=${concurrency}`, ...reporters]
  return spawnSync(process.execPath, [...argv, ...options, ...some], { stdio: 'inherit' }).status === 0
}

// Much of a test is waiting: for a server to start, for a process to end, for the disk.
const together = pass(
  files.filter((file) => !ALONE.includes(file)),
  availableParallelism() + 1,
)
const alone = pass(
  files.filter((file) => ALONE.includes(file)),
  1,
)
process.exit(together && alone ? 0 : 1)

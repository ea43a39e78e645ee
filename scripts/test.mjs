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
// Much of a test is waiting: for a server to start, for a process to end, for the disk.
const concurrency = availableParallelism() + 1
// A test that hangs fails after ten minutes instead of holding the gate.
const argv = [
  '--import',
  'tsx',
  '--test',
  '--test-timeout=600000',
  `--test-concurrency=${concurrency}`,
  ...options,
  ...files,
]
const run = spawnSync(process.execPath, argv, { stdio: 'inherit' })
process.exit(run.status ?? 1)

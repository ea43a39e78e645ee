// Which tests would notice if a condition, a number or an operator of the parts that the guarantee rests on were another?
// Stryker changes one after the other in a copy of the tree, and runs the tests that reach it. What survives has to be one
// of ACCEPTED, where it changes nothing that anybody can see.
//   npm run mutate [-- GROUP …]     minutes for each group; Stryker itself is fetched by npm, and stays in the copy
// Ends with 1 where another mutant survives, or one of ACCEPTED does not any more.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const STRYKER = ['@stryker-mutator/core@9.6.1', '@stryker-mutator/tap-runner@9.6.1']

const GROUPS = {
  guards: { mutate: ['src/pipeline/guards.ts'], tests: ['test/pipeline/guards.test.ts'] },
  diff: { mutate: ['src/pipeline/merge-diff.ts'], tests: ['test/pipeline/merge-diff.test.ts'] },
  filter: { mutate: ['src/pipeline/mode-filter.ts'], tests: ['test/pipeline/mode-filter.test.ts'] },
  keys: {
    mutate: ['key', 'key-parts', 'key-temporal', 'key-text', 'key-entry'].map((name) => `src/core/${name}.ts`),
    tests: ['test/core/key.test.ts'],
  },
  index: {
    mutate: ['layer', 'layer-merge', 'layer-store', 'key-index-file'].map((name) => `src/state/${name}.ts`),
    tests: [
      'test/state/key-index-file.test.ts',
      'test/state/layer-store.test.ts',
      'test/contract/key-index-file.test.ts',
    ],
  },
}

/** Mutants that change nothing: their line, what Stryker puts there, and why that is the same. */
const ACCEPTED = JSON.parse(readFileSync(new URL('./mutate-accepted.json', import.meta.url), 'utf8'))

const root = join(import.meta.dirname, '..')
const names = process.argv.slice(2)
const chosen = Object.entries(GROUPS).filter(([name]) => names.length === 0 || names.includes(name))
if (chosen.length === 0) throw new Error(`usage: npm run mutate [-- ${Object.keys(GROUPS).join(' ')}]`)

const folder = mkdtempSync(join(tmpdir(), 'rowferry-mutate-'))
let problems = 0
try {
  for (const entry of ['src', 'test', 'package.json', 'node_modules'])
    cpSync(join(root, entry), join(folder, entry), { recursive: true, verbatimSymlinks: true })
  execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', ...STRYKER], {
    cwd: folder,
    stdio: 'inherit',
  })
  for (const [name, { mutate, tests }] of chosen) {
    const config = {
      testRunner: 'tap',
      tap: { testFiles: tests, nodeArgs: ['--import', 'tsx'] },
      mutate,
      // Texts are messages; what they have to say is tested where users read them.
      mutator: { excludedMutations: ['StringLiteral'] },
      coverageAnalysis: 'perTest',
      reporters: ['json'],
      jsonReporter: { fileName: 'mutants.json' },
      concurrency: 1,
      timeoutMS: 30_000,
      // Stryker wants to rewrite it with the API of TypeScript, which TypeScript 7 does not have.
      tsconfigFile: 'none.json',
      tempDirName: join(folder, 'sandbox'),
    }
    writeFileSync(join(folder, 'stryker.config.json'), JSON.stringify(config))
    const { status } = spawnSync('npx', ['stryker', 'run'], { cwd: folder, stdio: 'inherit' })
    if (status !== 0) throw new Error(`Stryker ended with ${status}`)
    problems += report(name, JSON.parse(readFileSync(join(folder, 'mutants.json'), 'utf8')))
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit(problems === 0 ? 0 : 1)

/** Prints what survived, and answers how much of it nobody has accepted. */
function report(group, { files }) {
  let killed = 0
  const open = []
  const used = new Set()
  for (const [file, { source, mutants }] of Object.entries(files)) {
    const lines = source.split('\n')
    for (const { status, location, replacement, mutatorName } of mutants) {
      if (status !== 'Survived' && status !== 'NoCoverage') {
        killed++
        continue
      }
      const line = lines[location.start.line - 1].trim()
      const accepted = ACCEPTED.find((one) => one.file === file && one.line === line && one.put === replacement)
      if (accepted === undefined)
        open.push(`${file}:${location.start.line} ${mutatorName}\n    ${line}\n    => ${replacement}`)
      else used.add(accepted)
    }
  }
  const stale = ACCEPTED.filter((one) => one.file in files && !used.has(one))
  for (const mutant of open) console.log(`SURVIVED  ${mutant}`)
  for (const { file, line, put } of stale) console.log(`ACCEPTED, AND YET CAUGHT  ${file}\n    ${line}\n    => ${put}`)
  console.log(`${group}: ${killed} killed, ${used.size} that change nothing, ${open.length} that survived`)
  return open.length + stale.length
}

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { DESTINATION_CASES } from '../../src/testing/destination-contract.ts'
import { packedProject } from '../support/packed-project.ts'
import type { TemporaryFolder } from '../support/temporary-folder.ts'

interface Block {
  readonly language: string
  /** File that the block is the content of. */
  readonly file: string | undefined
  readonly text: string
}

const blocks: Block[] = [
  ...readFileSync('docs/writing-a-destination.md', 'utf8').matchAll(/^```(\w+)(?: (\S+))?\n([\s\S]*?)^```$/gm),
].map(([, language = '', file, text = '']) => ({ language, file, text }))

let project: TemporaryFolder

before(() => {
  project = packedProject()
  writeFileSync(project.file('package.json'), '{ "type": "module" }')
})
after(() => project[Symbol.dispose]())

/** Runs `npx tsx …` with the copy that is here: installing is for people. */
function run(command: string): { readonly status: number | null; readonly output: string } {
  const [npx, tsx, ...argv] = command.split(' ')
  assert.deepEqual([npx, tsx], ['npx', 'tsx'])
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env
  const options = [
    '--import',
    'tsx',
    ...argv.map((argument) => (argument === '--test' ? '--test-reporter=tap' : argument)),
  ]
  const { status, stdout, stderr } = spawnSync(process.execPath, options, {
    cwd: project.path,
    encoding: 'utf8',
    env: environment,
    timeout: 120_000,
  })
  return { status, output: stdout + stderr }
}

const linesOf = (text: string) => text.trim().split('\n')

test('the page leads from an empty folder to a destination that passes its contract', () => {
  const [install, skeleton, contract, first, red, whole, second, example, third, printed] = blocks
  assert.match(install?.text ?? '', /npm install rowferry zod/)
  for (const block of [skeleton, contract]) writeFileSync(project.file(block?.file ?? ''), block?.text ?? '')
  const before = run(linesOf(first?.text ?? '')[0] ?? '')
  const failed = linesOf(before.output).flatMap((line) => /^ {4}not ok \d+ - (.*)$/.exec(line)?.[1] ?? [])
  assert.deepEqual(failed, linesOf(red?.text ?? ''))
  assert.notEqual(before.status, 0)

  writeFileSync(project.file(whole?.file ?? ''), whole?.text ?? '')
  const now = run(linesOf(second?.text ?? '')[0] ?? '')
  assert.equal(now.status, 0, now.output)
  assert.match(now.output, /keeps dates # SKIP the contract has no field of kind date/)

  writeFileSync(project.file(example?.file ?? ''), example?.text ?? '')
  const used = run(linesOf(third?.text ?? '')[0] ?? '')
  assert.equal(used.output.trim(), printed?.text.trim())
})

test('its code is right by the types that are published', () => {
  for (const { file, text } of blocks) if (file !== undefined) writeFileSync(project.file(file), text)
  const options =
    '--noEmit --strict --exactOptionalPropertyTypes --skipLibCheck --target es2023 --lib es2023,esnext.disposable'
  const modules = '--module nodenext --allowImportingTsExtensions --types node json-folder.test.ts sync.ts'
  const argv = [join('node_modules', 'typescript/bin/tsc'), ...options.split(' '), ...modules.split(' ')]
  const { stdout } = spawnSync(process.execPath, argv, { cwd: project.path, encoding: 'utf8' })
  assert.equal(stdout, '')
})

test('it names every case of the contract', () => {
  assert.deepEqual(linesOf(blocks.at(-1)?.text ?? ''), DESTINATION_CASES)
})

test('the suites run from the package in plain Node, child processes included', () => {
  writeFileSync(
    project.file('key-index.js'),
    `import { join } from 'node:path'
    import { KeyIndexFile } from 'rowferry'
    export const openIndex = (folder) => KeyIndexFile.open(join(folder, 'index.sqlite'), 'people', { keep: true })`,
  )
  writeFileSync(
    project.file('key-index.test.js'),
    `import { testKeyIndex } from 'rowferry/testing'
    testKeyIndex({ module: new URL('./key-index.js', import.meta.url).href })`,
  )
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env
  const { status, stdout } = spawnSync(process.execPath, ['--test', 'key-index.test.js'], {
    cwd: project.path,
    encoding: 'utf8',
    env: environment,
  })
  assert.equal(status, 0, stdout)
  assert.match(stdout, /tests 13/)
})

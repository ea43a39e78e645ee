import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import * as rowferry from '../../src/index.ts'
import { readPage } from '../support/markdown.ts'
import { packedProject } from '../support/packed-project.ts'
import type { TemporaryFolder } from '../support/temporary-folder.ts'

const { blocks, prose } = readPage('docs/library.md')
const files = blocks.filter(({ file }) => file !== undefined)

let project: TemporaryFolder

before(() => {
  project = packedProject()
  writeFileSync(project.file('package.json'), '{ "type": "module" }')
  for (const { file = '', text } of files) writeFileSync(project.file(file), text)
})
after(() => project[Symbol.dispose]())

/** Runs a script of the page, and answers what it prints. */
function run(script: string): string {
  const { NODE_TEST_CONTEXT: _, ...environment } = process.env
  const loader = script.endsWith('.ts') ? ['--import', 'tsx'] : []
  const { stdout, stderr } = spawnSync(process.execPath, [...loader, script], {
    cwd: project.path,
    encoding: 'utf8',
    env: environment,
    timeout: 60_000,
  })
  return stdout + stderr
}

test('every program of the page prints what stands below it, one after the other', () => {
  let programs = 0
  for (const [at, { file, text, language }] of blocks.entries()) {
    if (language !== 'text') continue
    const script = blocks[at - 1]?.file ?? assert.fail(`no program above line ${file}`)
    assert.equal(run(script), text, script)
    programs++
  }
  const scripts = files.filter(({ language }) => language === 'ts' || language === 'js')
  assert.deepEqual([scripts.length - programs, programs > 5], [1, true], 'only a module may stand alone')
})

test('its programs are right by the types that are published', () => {
  const scripts = files.flatMap(({ language, file = '' }) => (language === 'ts' ? [file] : []))
  const options =
    '--noEmit --strict --noUncheckedIndexedAccess --exactOptionalPropertyTypes --noPropertyAccessFromIndexSignature ' +
    '--skipLibCheck --target es2023 --lib es2023,esnext.disposable --module nodenext --allowImportingTsExtensions --types node'
  const compiler = join('node_modules', 'typescript/bin/tsc')
  const argv = [compiler, ...options.split(' '), ...scripts]
  const { stdout } = spawnSync(process.execPath, argv, { cwd: project.path, encoding: 'utf8' })
  assert.equal(stdout, '')
})

/** The names of `export` clauses, values and types. */
function exportsOf(source: string): { readonly values: Set<string>; readonly types: Set<string> } {
  const values = new Set<string>()
  const types = new Set<string>()
  for (const [, all, names = ''] of source.matchAll(/^export (type )?\{([^}]*)\}/gm)) {
    for (const name of names.split(',').map((one) => one.trim())) {
      if (name === '') continue
      if (all !== undefined || name.startsWith('type ')) types.add(name.replace(/^type /, ''))
      else values.add(name)
    }
  }
  return { values, types }
}

/** The code spans in the second column of the table behind a line. */
function listedBehind(line: string): string[] {
  const [, rest = ''] = prose.split(`\n${line}\n`)
  const [table = ''] = rest.split(/\n\n(?!\|)/)
  return [...table.matchAll(/^\|[^|]*\|([^|]*)\|$/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
  )
}

test('it lists every export once, and nothing else', () => {
  const { values, types } = exportsOf(readFileSync('src/index.ts', 'utf8'))
  assert.deepEqual([...values].sort(), Object.keys(rowferry).sort())
  assert.deepEqual(listedBehind('Values:').sort(), [...values].sort())
  assert.deepEqual(listedBehind('Types:').sort(), [...types].sort())
})

test('it names every option of a run', () => {
  const own = [
    ...(readFileSync('src/engine/sync-options.ts', 'utf8').split('interface SyncOptions')[1] ?? '').matchAll(
      /^ {2}readonly (\w+)\?:/gm,
    ),
  ]
  const options = [...own.map(([, name]) => name), 'sources', 'destinations']
  const section = prose.split('\n## Options of a run\n')[1]?.split('\n## ')[0] ?? ''
  const named = [...section.matchAll(/^\|([^|]*)\|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name),
  )
  assert.ok(options.length > 15)
  assert.deepEqual(named.sort(), options.sort())
})

import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { temporaryFolder } from '../support/temporary-folder.ts'

const CLI = join(import.meta.dirname, '../../src/cli')

const rowferry = (...argv: string[]) =>
  spawnSync(process.execPath, ['--import', 'tsx', join(CLI, 'main.ts'), ...argv], { encoding: 'utf8' })

test('help and version are data, and wrong usage exits 64', () => {
  const help = rowferry('--help')
  assert.equal(help.status, 0)
  assert.match(help.stdout, /^Usage: rowferry/)
  assert.equal(help.stderr, '')

  const { version } = JSON.parse(readFileSync(join(CLI, '../../package.json'), 'utf8')) as { version: string }
  assert.equal(rowferry('--version').stdout, `${version}\n`)

  const unknown = rowferry('rnu')
  assert.equal(unknown.status, 64)
  assert.equal(unknown.stdout, '')
  assert.equal(unknown.stderr, "rowferry: unknown command 'rnu' — did you mean run?\nsee rowferry --help\n")

  const nothing = rowferry()
  assert.equal(nothing.status, 64)
  assert.equal(nothing.stdout, '')
  assert.match(nothing.stderr, /^Usage: rowferry/)
})

test('an option of a command that stands before it is said to belong behind it', () => {
  const early = rowferry('-f', 'x.yaml', 'run')
  assert.equal(early.status, 64)
  assert.equal(
    early.stderr,
    "rowferry: option '-f, --file <file>' belongs behind the command: rowferry run --file\nsee rowferry run --help\n",
  )
})

test('a command that waits for what never comes is no success', () => {
  using folder = temporaryFolder()
  const commander = createRequire(import.meta.url).resolve('commander')
  writeFileSync(
    folder.file('never.mjs'),
    `import commander from ${JSON.stringify(pathToFileURL(commander).href)}
     commander.Command.prototype.parseAsync = () => new Promise(() => {})`,
  )
  const argv = [
    '--import',
    'tsx',
    '--import',
    pathToFileURL(folder.file('never.mjs')).href,
    join(CLI, 'main.ts'),
    'run',
  ]
  const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8' })
  assert.equal(stderr, 'rowferry: this is a mistake in rowferry, please report it\nit waited for what never came\n')
  assert.equal(status, 1)
})

test('who works in a subfolder is told where the configuration is', () => {
  using folder = temporaryFolder()
  mkdirSync(folder.file('a/b'), { recursive: true })
  writeFileSync(folder.file('rowferry.yaml'), 'version: 1')
  const run = rowferry('run', '--chdir', folder.file('a/b'))
  assert.equal(run.status, 78)
  assert.match(
    run.stderr,
    /^rowferry: there is no rowferry\.yaml in .*\nthere is \.\.\/\.\.\/rowferry\.yaml: add --chdir \.\.\/\.\.\n$/,
  )
})

test('help loads the parser of command lines and nothing else', () => {
  const packages = new Set<string>()
  const files = new Set<string>()
  const follow = (file: string) => {
    if (files.has(file)) return
    files.add(file)
    for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type)[^'\n]*'([^']+)'/gm)) {
      if (name.startsWith('.')) follow(join(dirname(file), name))
      else if (!name.startsWith('node:')) packages.add(name)
    }
  }
  follow(join(CLI, 'main.ts'))
  assert.deepEqual([...packages], ['commander'])
  assert.ok([...files].every((file) => dirname(file) === CLI))
})

test('the first signal asks to stop and the second ends the process', async () => {
  const module = pathToFileURL(join(CLI, 'signals.ts')).href
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      '--input-type=module',
      '--eval',
      `const { listenForSignals } = await import(${JSON.stringify(module)})
       const interruption = listenForSignals((name) => console.log('first ' + name))
       interruption.signal.addEventListener('abort', () => console.log('aborted ' + interruption.signal.reason))
       setInterval(() => {}, 1000)
       console.log('listening')`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let printed = ''
  const until = async (text: string) => {
    while (!printed.includes(text)) printed += String((await once(child.stdout, 'data'))[0])
  }
  const exit = once(child, 'exit')
  await until('listening')
  child.kill('SIGINT')
  await until('aborted')
  assert.equal(printed, 'listening\nfirst SIGINT\naborted SIGINT\n')
  assert.equal(child.exitCode, null)
  child.kill('SIGTERM')
  assert.deepEqual(await exit, [143, null])
})

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { delimiter } from 'node:path'
import { test } from 'node:test'
import { COMPLETION_SCRIPTS } from '../../src/cli/completion-scripts.ts'
import { completions, readSyncs } from '../../src/cli/completions.ts'
import { createProgram } from '../../src/cli/program.ts'
import { commandLine } from '../support/command-line.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SYNCS = [
  { name: 'contacts', description: 'Paying customers', tags: ['crm', 'hourly'] },
  { name: 'companies', description: '', tags: ['crm'] },
  { name: 'orders', description: '', tags: [] },
]

const found = (...words: string[]) => completions(createProgram(), words, async () => SYNCS)

async function values(...words: string[]): Promise<string[] | 'files'> {
  const all = await found(...words)
  return all === 'files' ? all : all.map(({ value }) => value)
}

test('commands are completed with what they do, and hidden ones are not', async () => {
  const commands = await values('')
  assert.ok(commands.includes('run') && commands.includes('index') && !commands.includes('complete'))
  assert.deepEqual(await found('ru'), [{ value: 'run', meaning: 'bring destinations to the state of their models' }])
  assert.deepEqual(await values('index', ''), ['show', 'rebuild', 'forget'])
  assert.deepEqual(await values('-q', '--chdir', 'x', 'pre'), ['preview'])
})

test('names of syncs are completed, each once, and only as many as a command takes', async () => {
  assert.deepEqual(await found('run', 'con'), [{ value: 'contacts', meaning: 'Paying customers' }])
  assert.deepEqual(await values('plan', 'contacts', 'orders', ''), ['companies'])
  assert.deepEqual(await values('index', 'show', ''), ['contacts', 'companies', 'orders'])
  assert.deepEqual(await values('index', 'show', 'orders', ''), [])
  assert.deepEqual(await values('rejected', '--sync', 'or'), ['orders'])
  assert.deepEqual(await values('show', ''), [])
})

test('options of a command and those of every command are completed, and their values', async () => {
  const options = await values('run', '--')
  for (const option of ['--keys', '--full', '--chdir', '--quiet', '--help']) assert.ok(options.includes(option), option)
  assert.deepEqual(await values('run', '--allow-r'), ['--allow-rejected'])
  assert.deepEqual(await values('run', '--log-format', ''), ['text', 'json'])
  assert.deepEqual(await values('run', '--select', 'tag:h'), ['tag:hourly'])
  assert.deepEqual(await values('completion', ''), ['bash', 'zsh', 'fish'])
  assert.deepEqual(await values('init', '--mode', 'up'), ['upsert', 'update-only'])
  for (const words of [
    ['run', '-f', ''],
    ['--chdir', ''],
    ['run', '--report', 'r'],
  ]) {
    assert.equal(await values(...words), 'files')
  }
})

test('the value of an option is no sync, and neither is what follows one that takes many', async () => {
  assert.deepEqual(await values('run', '--limit', '5', 'ord'), ['orders'])
  assert.deepEqual(await values('run', '--keys', '1', '2', ''), [])
  assert.deepEqual(await values('run', '--keys', '1', '--ful'), ['--full'])
  assert.deepEqual(await values('run', '--limit=5', 'ord'), ['orders'])
})

test('syncs are read from a configuration whose variables are not set, and none from one that is not there', async () => {
  using folder = temporaryFolder()
  const read = () => readSyncs({ chdir: folder.path })
  assert.deepEqual(await read(), [])
  writeFileSync(
    folder.file('rowferry.yaml'),
    `connections: { a: "\${NOT_SET:?set it}" }\nsyncs: { b: { tags: [x] }, c: }`,
  )
  assert.deepEqual(await read(), [
    { name: 'b', description: '', tags: ['x'] },
    { name: 'c', description: '', tags: [] },
  ])
  writeFileSync(folder.file('rowferry.yaml'), 'syncs: [')
  assert.deepEqual(await read(), [])
})

test('bash completes with the script, and evaluates nothing of the line', () => {
  using folder = temporaryFolder()
  // A stand-in for the command, which tells what it was asked.
  mkdirSync(folder.file('bin'))
  writeFileSync(
    folder.file('bin/rowferry'),
    `#!/bin/bash
printf '%s|' "$@" >> ${folder.file('asked')}; echo >> ${folder.file('asked')}
case "\${*: -1}" in tag:*) printf 'tag:crm\\t\\ntag:hourly\\t\\n';; f*) echo :files;; *) printf 'contacts\\tPaying customers\\norders\\t\\n';; esac
`,
  )
  chmodSync(folder.file('bin/rowferry'), 0o755)
  writeFileSync(folder.file('script'), COMPLETION_SCRIPTS.bash)
  const reply = (line: string) =>
    execFileSync(
      'bash',
      [
        '--norc',
        '-c',
        `set -u; source ${folder.file('script')}; source ${folder.file('script')}
         COMP_LINE=$1 COMP_POINT=\${#1}; _rowferry; printf '%s\\n' "\${COMPREPLY[@]-}"`,
        'bash',
        line,
      ],
      { encoding: 'utf8', env: { ...process.env, PATH: `${folder.file('bin')}${delimiter}${process.env['PATH']}` } },
    )
  assert.equal(reply('rowferry run con'), 'contacts\norders\n')
  assert.equal(reply('rowferry run '), 'contacts\norders\n')
  assert.equal(reply('rowferry run --select tag:c'), 'crm\nhourly\n')
  assert.equal(reply('rowferry run -f f'), '\n')
  reply(`rowferry run $(touch ${folder.file('evaluated')}) x`)
  const asked = execFileSync('cat', [folder.file('asked')], { encoding: 'utf8' }).split('\n')
  assert.deepEqual(asked.slice(0, 3), ['complete|--|run|con|', 'complete|--|run||', 'complete|--|run|--select|tag:c|'])
  assert.equal(asked[4], `complete|--|run|$(touch|${folder.file('evaluated')})|x|`)
  assert.throws(() => execFileSync('ls', [folder.file('evaluated')], { stdio: 'pipe' }))
})

test('the command prints the scripts, and answers them', () => {
  using cli = commandLine('version: 1\nconnections: {}\nsyncs: { contacts: {}, orders: {} }\n')
  const script = cli.run('completion', 'bash')
  assert.equal(script.status, 0)
  assert.equal(script.stdout, `${COMPLETION_SCRIPTS.bash}\n`)
  assert.equal(cli.run('complete', '--', 'run', 'o').stdout, 'orders\t\n')
  const wrong = cli.run('completion', 'tcsh')
  assert.equal(wrong.status, 64)
  assert.match(wrong.stderr, /Allowed choices are bash, zsh, fish/)
})

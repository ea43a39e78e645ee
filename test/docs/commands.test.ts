import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Command, CommanderError } from 'commander'
import { createProgram } from '../../src/cli/program.ts'
import { argvOf, commandsOf } from '../support/documented-commands.ts'
import { allPages, type Page } from '../support/markdown.ts'

/** What is wrong with a command line; undefined where the program would have begun to do it. */
function problem(argv: readonly string[], isName = false): string | undefined {
  const program = createProgram()
  const still = (command: Command) => {
    command.configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} })
    if (command.commands.length === 0) command.action(() => {})
    for (const one of command.commands) still(one)
  }
  still(program)
  try {
    program.parse(argv, { from: 'user' })
    return undefined
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0 || error.code === 'commander.help') return undefined
    return isName && error.code === 'commander.missingArgument' ? undefined : error.message
  }
}

/** Scripts of the examples, as if each were one block of a page. */
function scripts(): Page[] {
  return readdirSync('examples', { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.sh'))
    .map((name) => {
      const path = join('examples', name)
      const text = readFileSync(path, 'utf8')
      return { path, text, prose: '', blocks: [{ language: 'sh', file: undefined, text, line: 1 }] }
    })
}

const commands = [...allPages(), ...scripts()].flatMap(commandsOf)

test('every command line in the documentation is one that rowferry takes', () => {
  const wrong = commands.flatMap(({ place, text, isName, argv }) => {
    const message = problem(argv, isName)
    return message === undefined ? [] : [`${place}  ${text}\n    ${message}`]
  })
  assert.deepEqual(wrong, [])
})

test('every command is shown on some page besides the reference', () => {
  const shown = new Set(commands.filter(({ place }) => !place.startsWith('docs/cli.md')).map(({ argv }) => argv[0]))
  const hidden = createProgram().commands.filter((command) => !shown.has(command.name()))
  assert.deepEqual(
    hidden.map((command) => command.name()),
    ['complete'],
  )
})

test('command lines are found where people look for them', () => {
  const page: Page = {
    path: 'page.md',
    text: '',
    prose: 'Say `rowferry plan contacts --rows 5`, and `rowferry index` or `rowferry.yaml`.',
    blocks: [
      {
        language: '',
        file: undefined,
        line: 10,
        text: [
          'psql --csv -c "table a" | rowferry run --from - \\',
          '  --to "sqlite:./a b.db#a" --key id --rows "$n" > log   # and so on',
          '*/5 * * * *  cd /srv && node_modules/.bin/rowferry run -q || [ $? -eq 75 ]',
          'ExecStart=/srv/bin/rowferry status --json',
          '  rowferry run contacts --dry-run         what would be done',
          '# rowferry is a word here',
          'npm install rowferry zod',
        ].join('\n'),
      },
      { language: 'yaml', file: undefined, line: 30, text: '- name: rowferry\n  args: [run, --json]\n' },
    ],
  }
  assert.deepEqual(
    commandsOf(page).map(({ argv }) => argv.join(' ')),
    [
      'run --from - --to sqlite:./a b.db#a --key id --rows 1',
      'run -q',
      'status --json',
      'run contacts --dry-run',
      'run --json',
      'plan contacts --rows 5',
      'index',
    ],
  )
  assert.ok(commands.length > 100, `${commands.length} command lines`)
})

test('an option, a command or a value that does not exist is noticed', () => {
  assert.match(problem(argvOf('run contacts --ful')) ?? '', /unknown option '--ful'/)
  assert.match(problem(argvOf('rum contacts')) ?? '', /unknown command 'rum'/)
  assert.match(problem(argvOf('run --format xml')) ?? '', /xml/)
  assert.match(problem(argvOf('index shw contacts')) ?? '', /shw/)
  assert.match(problem(argvOf('preview')) ?? '', /missing required argument/)
})

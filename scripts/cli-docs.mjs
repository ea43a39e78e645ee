// Writes docs/cli.md from the commands as commander knows them, or, with --check, says whether it is up to date.
//   node --import tsx scripts/cli-docs.mjs [--check]
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createProgram } from '../src/cli/program.ts'

const FILE = join(import.meta.dirname, '../docs/cli.md')

/** The help of a command, wrapped as on a terminal of this width, whoever runs this. */
function helpOf(command) {
  let text = ''
  command.configureHelp({ ...command.configureHelp(), helpWidth: 110, showGlobalOptions: false })
  command.configureOutput({
    writeOut: (part) => (text += part),
    getOutHelpWidth: () => 110,
    getOutHasColors: () => false,
  })
  command.outputHelp()
  return text.trim()
}

function sectionOf(command, path) {
  const name = [...path, command.name()].join(' ')
  const visible = command.createHelp().visibleCommands(command)
  const summary = command.summary() || command.description()
  const own = `## rowferry ${name}\n\n${summary[0].toUpperCase()}${summary.slice(1)}.\n\n\`\`\`\n${helpOf(command)}\n\`\`\`\n`
  return [own, ...visible.map((inner) => sectionOf(inner, [...path, command.name()]))].join('\n')
}

const program = createProgram()
const commands = program
  .createHelp()
  .visibleCommands(program)
  .filter((command) => command.name() !== 'help')
const list = commands.map((command) => `| [${command.name()}](#rowferry-${command.name()}) | ${command.summary()} |`)

const text = `<!-- Written by scripts/cli-docs.mjs from the commands themselves. -->

# Command line

\`rowferry COMMAND --help\` prints what stands here.

| command | |
|---|---|
${list.join('\n')}

**Streams.** What a command is asked for goes to stdout: tables and texts for people, a line of JSON a result with \`--json\`.
Messages, progress and the summaries of \`run\` and \`plan\` go to stderr. \`preview\` and \`rejected\` print a line of JSON a row as
soon as stdout is no terminal. A reader that goes away early is no error.

**Exit codes.** 0 done · 1 failed, a retry may help · 2 \`plan --detailed-exitcode\` found changes · 3 done, but rows were
rejected or invalid · 4 deletes held by a guard · 64 the command line is wrong · 75 another run holds the sync · 78 the
configuration is wrong · 130/143 stopped by SIGINT or SIGTERM. A second signal ends the process at once.

**Keys** (\`--keys\`, \`--key\`) are written as they are printed: \`42\`; the parts of a composite key joined by \` / \`, as in
\`'eu / 1001'\`, or as a JSON array, \`'["eu", 1001]'\`.

**Partial runs.** With \`--limit\` or \`--keys\` a run compares and sends only these rows. It deletes nothing, says so in the guard
\`partial_run\`, and leaves the rest to the next run.

## Options of every command

\`\`\`
${helpOf(program)
  .split('\n\n')
  .find((part) => part.startsWith('Options:'))}
\`\`\`

${commands.map((command) => sectionOf(command, [])).join('\n')}`

if (!process.argv.includes('--check')) writeFileSync(FILE, text)
else if (readFileSync(FILE, 'utf8') !== text) {
  console.error(
    'docs/cli.md is not what the commands say: write it again with `node --import tsx scripts/cli-docs.mjs`',
  )
  process.exitCode = 1
}

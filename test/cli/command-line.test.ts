import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommanderError } from 'commander'
import { addPlanCommand, type PlanCommandOptions } from '../../src/cli/plan-command.ts'
import { createProgram, usageLine } from '../../src/cli/program.ts'
import { addRunCommand, type RunOptions } from '../../src/cli/run-command.ts'
import { addValidateCommand, type ValidateOptions } from '../../src/cli/validate-command.ts'

/** Parses a command line and hands back what the command would have been given. */
async function parse(...argv: string[]) {
  const given: { names?: string[]; options?: Partial<RunOptions & PlanCommandOptions & ValidateOptions> } = {}
  const action = async (names: string[], options: object) => {
    Object.assign(given, { names, options })
    return 0 as const
  }
  const program = createProgram([
    (parent) => addRunCommand(parent, action),
    (parent) => addPlanCommand(parent, action),
    (parent) => addValidateCommand(parent, action),
  ])
  await program.parseAsync(argv, { from: 'user' })
  return given
}

async function refusal(...argv: string[]): Promise<string> {
  try {
    await parse(...argv)
  } catch (error) {
    assert.ok(error instanceof CommanderError)
    return usageLine(error.message, argv[0])
  }
  assert.fail(`${argv.join(' ')} was accepted`)
}

test('run takes all its options', async () => {
  const { names, options } = await parse(
    ...'run a b -f x.yaml --select tag:crm --select tag:ops --dry-run --full --allow-deletes 5%'.split(' '),
    ...'--allow-empty --allow-deletes-with-invalid --allow-rejected --fail-fast --json --report r.json'.split(' '),
  )
  assert.deepEqual(names, ['a', 'b'])
  assert.deepEqual(options, {
    file: 'x.yaml',
    select: ['crm', 'ops'],
    dryRun: true,
    full: true,
    allowDeletes: { percent: 5 },
    allowEmpty: true,
    allowDeletesWithInvalid: true,
    allowRejected: true,
    failFast: true,
    json: true,
    report: 'r.json',
    logFormat: 'text',
    color: true,
  })
})

test('what every command knows may stand before or behind its name', async () => {
  for (const argv of [
    ['-q', '-v', '--log-format', 'json', '--no-color', '--env-file', 'e', '--chdir', 'd', 'plan'],
    ['plan', '-q', '-v', '--log-format', 'json', '--no-color', '--env-file', 'e', '--chdir', 'd'],
  ]) {
    const { options } = await parse(...argv)
    assert.deepEqual(options, {
      quiet: true,
      verbose: true,
      logFormat: 'json',
      color: false,
      envFile: 'e',
      chdir: 'd',
      rows: 20,
    })
  }
})

test('plan and validate take theirs', async () => {
  const plan = await parse('plan', 'a', '--rows', '5', '--json', '--detailed-exitcode')
  assert.equal(plan.options?.rows, 5)
  assert.equal(plan.options?.detailedExitcode, true)
  assert.equal((await parse('validate')).options?.connect, true)
  assert.equal((await parse('validate', '--no-connect')).options?.connect, false)
})

test('deletes are allowed by number or by share', async () => {
  const allowance = async (text: string) => (await parse('run', '--allow-deletes', text)).options?.allowDeletes
  assert.deepEqual(await allowance('500'), { count: 500 })
  assert.deepEqual(await allowance('50,075'), { count: 50_075 })
  assert.deepEqual(await allowance('0'), { count: 0 })
  assert.deepEqual(await allowance('12.5%'), { percent: 12.5 })
  assert.deepEqual(await allowance('100%'), { percent: 100 })
  for (const text of ['x', '-1', '1.5', '101%', '%', '', '5 %%', '1e3', '99999999999999999999']) {
    assert.match(await refusal('run', `--allow-deletes=${text}`), /give a number of records \(500\) or a share/)
  }
})

test('a wrong usage is one line and where to look', async () => {
  assert.equal(
    await refusal('run', '--ful'),
    "rowferry: unknown option '--ful' — did you mean --full?\nsee rowferry run --help",
  )
  assert.equal(
    usageLine("error: unknown command 'rnu'\n(Did you mean run?)", undefined),
    "rowferry: unknown command 'rnu' — did you mean run?\nsee rowferry --help",
  )
  assert.equal(
    await refusal('plan', '--rows', '-1'),
    "rowferry: option '--rows <count>' argument '-1' is invalid: give a whole number, 0 or more\nsee rowferry plan --help",
  )
  assert.match(await refusal('run', '--select', 'crm'), /give a tag \(tag:crm\)/)
  assert.match(await refusal('run', '--log-format', 'xml'), /Allowed choices are text, json/)
  assert.match(await refusal('run', '--out', 'p'), /unknown option '--out'/)
})

test('every command has an example in its help', () => {
  for (const command of createProgram().commands) {
    let text = ''
    command.configureOutput({
      writeOut: (part) => {
        text += part
      },
    })
    command.outputHelp()
    assert.match(text, new RegExp(`Examples?:\\n  rowferry ${command.name()}`))
  }
})

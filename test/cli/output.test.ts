import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { createOutput, type OutputOptions } from '../../src/cli/output.ts'

function open(changes: Partial<OutputOptions> & { terminal?: boolean; columns?: number } = {}) {
  const { terminal = false, columns = 80, ...rest } = changes
  const stdout = new PassThrough()
  const stderr = Object.assign(new PassThrough(), { isTTY: terminal, columns })
  const output = createOutput({
    quiet: false,
    verbose: false,
    logFormat: 'text',
    color: true,
    stdout,
    stderr,
    environment: {},
    ...rest,
  })
  const read = (stream: PassThrough) => String(stream.read() ?? '')
  return { output, stdout, stderr, out: () => read(stdout), err: () => read(stderr) }
}

const note = (level: 'info' | 'warn' | 'error') => ({ level, text: `an ${level}`, record: { msg: `a ${level}`, n: 1 } })

test('data goes to stdout and everything else to stderr', () => {
  const { output, out, err } = open()
  output.json({ a: 1 })
  output.tell(note('info'))
  output.logger.warn({ rows: 4, note: 'a b', code: '42' }, 'careful')
  assert.equal(out(), '{"a":1}\n')
  assert.match(err(), /^an info\n\d\d:\d\d:\d\d warn {2}careful {2}rows=4 {2}note="a b" {2}code=42\n$/)
})

test('with JSON logs everything on stderr is JSON', () => {
  const { output, err } = open({ logFormat: 'json', terminal: true })
  output.status('half way')
  output.tell(note('warn'))
  output.logger.info({}, 'hello')
  const [first, second, end] = err().split('\n')
  const { time, ...record } = JSON.parse(first ?? '') as { time: string }
  assert.deepEqual(record, { level: 'warn', msg: 'a warn', n: 1 })
  assert.match(time, /^\d{4}-\d\d-\d\dT.*Z$/)
  assert.equal((JSON.parse(second ?? '') as { msg: string }).msg, 'hello')
  assert.equal(end, '')
})

test('--quiet leaves warnings and errors, -v adds the fine print', () => {
  const quiet = open({ quiet: true })
  for (const level of ['info', 'warn', 'error'] as const) quiet.output.tell(note(level))
  quiet.output.logger.info({}, 'hidden')
  assert.equal(quiet.err(), 'an warn\nan error\n')

  const usual = open()
  usual.output.logger.debug({}, 'hidden')
  assert.equal(usual.err(), '')
  const verbose = open({ verbose: true })
  verbose.output.logger.debug({}, 'shown')
  verbose.output.logger.error({ err: new Error('inner') }, 'outer')
  assert.match(verbose.err(), /debug shown\n.*error outer {2}inner\nError: inner\n {4}at /)
})

test('no secret is written anywhere', () => {
  const { output, out, err } = open()
  output.hide(['hunter2 &'])
  output.json({ url: 'x://u:hunter2%20%26@h', n: 2 })
  output.data('hunter2 &')
  output.tell({ level: 'info', text: 'with hunter2 &', record: { msg: '' } })
  output.logger.error({ err: new Error('hunter2 & refused'), url: 'u:hunter2%20&@h' }, 'hunter2 &')
  assert.equal(out(), '{"url":"x://u:***@h","n":2}\n***\n')
  assert.match(err(), /with \*\*\*\n.* \*\*\* {2}\*\*\* refused/)
  const json = open({ logFormat: 'json' })
  json.output.hide(['20', '"}, {"', '2026'])
  json.output.logger.info({ year: 2026, at: 'in 2026' }, 'x "}, {" y')
  const { year, at, msg } = JSON.parse(json.err()) as Record<string, unknown>
  assert.deepEqual({ year, at, msg }, { year: 2026, at: 'in ***', msg: 'x *** y' })
})

test('a terminal gets one line that is repainted below the messages', () => {
  const { output, err } = open({ terminal: true, color: false })
  assert.equal(output.live, true)
  output.status('1 row')
  output.status('1 row')
  output.tell(note('info'))
  output.status(undefined)
  assert.equal(err(), '\r\x1b[K1 row\r\x1b[Kan info\n1 row\r\x1b[K')
})

test('nothing is repainted in CI, in a dumb terminal, in a pipe or with --quiet', () => {
  for (const options of [
    { terminal: true, environment: { CI: 'true' } },
    { terminal: true, environment: { TERM: 'dumb' } },
    { terminal: true, quiet: true },
    { terminal: false },
  ]) {
    const { output, err } = open(options)
    assert.equal(output.live, false)
    output.status('1 row')
    assert.equal(err(), '')
  }
})

test('colours are for terminals, and for those who want them', () => {
  const coloured = (options: Parameters<typeof open>[0]) => open(options).output.style('red', 'x') !== 'x'
  assert.equal(coloured({ terminal: true }), true)
  assert.equal(coloured({ terminal: false }), false)
  assert.equal(coloured({ terminal: true, color: false }), false)
  assert.equal(coloured({ terminal: true, environment: { NO_COLOR: '1' } }), false)
  assert.equal(coloured({ terminal: true, environment: { NO_COLOR: '' } }), true)
})

test('a reader that goes away is not an error', async () => {
  const { output, stdout, err } = open()
  stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  await new Promise((resolve) => setImmediate(resolve))
  output.json({ a: 1 })
  output.tell(note('info'))
  assert.equal(err(), 'an info\n')
})

test('a terminal that does not know its width has one all the same', () => {
  assert.equal(open({ terminal: true, columns: 0 }).output.width, 160)
  assert.equal(open({ terminal: true, columns: 100 }).output.width, 100)
})

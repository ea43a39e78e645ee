import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { createProgram } from '../../src/cli/program.ts'
import { SIMULATOR_KINDS } from '../../src/simulators/simulator-kinds.ts'
import { type BuiltCli, buildCli, type CliProcess } from '../support/cli-process.ts'
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.ts'

let cli: BuiltCli
let folder: TemporaryFolder

before(() => {
  cli = buildCli()
  folder = temporaryFolder()
})
after(() => {
  cli[Symbol.dispose]()
  folder[Symbol.dispose]()
})

const simulator = (...argv: string[]) => cli.start(folder.path, 'simulator', ...argv)

/** What it says first. */
async function firstLine({ child, exit }: CliProcess): Promise<string> {
  const stdout = child.stdout ?? assert.fail('no stdout')
  let text = ''
  while (!text.includes('\n')) {
    const ended = exit.then(({ stderr }) => assert.fail(stderr))
    text += String((await Promise.race([once(stdout, 'data'), ended]))[0])
  }
  return text.split('\n', 1)[0] as string
}

test('every simulator prints its address, answers there, and ends with SIGTERM', async () => {
  await Promise.all(
    SIMULATOR_KINDS.map(async (kind) => {
      const running = simulator(kind, '--seed', '7', '--faults', 'reset:after:0.5')
      const { url } = JSON.parse(await firstLine(running))
      assert.match(url, /^http:\/\/127\.0\.0\.1:\d+$/)
      const plan = await (await fetch(`${url}/__faults`)).json()
      assert.deepEqual(plan, { seed: 7, rules: [{ fault: 'reset', when: 'after', rate: 0.5, hit: 0 }] })
      running.child.kill('SIGTERM')
      const { code, stderr } = await running.exit
      assert.deepEqual([code, stderr], [143, ''])
    }),
  )
})

test('its own options and a port can be given, and Ctrl-C ends it', async () => {
  const running = simulator('hubspot', '--with', '{"plan":"free"}', '--port', '0')
  const { url } = JSON.parse(await firstLine(running))
  const reply = await fetch(`${url}/crm/v3/objects/contacts`, { headers: { authorization: 'Bearer x' } })
  assert.equal(reply.headers.get('x-hubspot-ratelimit-max'), '100')
  running.child.kill('SIGINT')
  assert.equal((await running.exit).code, 130)
})

test('what it cannot do anything with is usage', async () => {
  const refusals: readonly (readonly [argv: string[], message: RegExp])[] = [
    [['cows'], /'cows' is invalid for argument 'kind'.*hubspot, salesforce, http/],
    [[], /missing required argument 'kind'/],
    [['hubspot', '--port', '70000'], /give a port, 65535 at most/],
    [['hubspot', '--faults', 'fire'], /faults: there is no fault fire; there are reset/],
    [['hubspot', '--with', '{'], /--with is no JSON object/],
    [['hubspot', '--with', '{"plan":"gratis"}'], /option plan has to be one of free/],
  ]
  await Promise.all(
    refusals.map(async ([argv, message]) => {
      const { code, stdout, stderr } = await simulator(...argv).exit
      assert.deepEqual([code, stdout], [64, ''], argv.join(' '))
      assert.match(stderr, message)
    }),
  )
})

test('a port that is taken fails with what to do', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const { code, stderr } = await simulator('http', '--port', `${port}`).exit
  server.close()
  assert.equal(code, 1)
  assert.equal(stderr, `rowferry: port ${port} of 127.0.0.1 is taken: choose another --port, or leave it out\n`)
})

test('the command offers every simulator there is', () => {
  const command = createProgram().commands.find((one) => one.name() === 'simulator')
  assert.deepEqual(command?.registeredArguments[0]?.argChoices, [...SIMULATOR_KINDS])
})

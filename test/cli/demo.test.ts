import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pathToFileURL } from 'node:url'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const DEMO = ['--import', TSX, MAIN, 'demo']

let temporary: string
let environment: NodeJS.ProcessEnv

before(() => {
  temporary = mkdtempSync(join(tmpdir(), 'rowferry-test-'))
  // A folder of its own for whatever the demo leaves behind; Postgres is not root's, and has to get there.
  environment = { ...process.env, TMPDIR: temporary }
  chmodSync(temporary, 0o755)
})

after(() => rmSync(temporary, { recursive: true, force: true }))

const leftovers = () => readdirSync(temporary).filter((name) => name.startsWith('rowferry-'))

test('the demo shows the main job with what it measured, checks it, and leaves nothing behind', () => {
  const demo = spawnSync(process.execPath, DEMO, { encoding: 'utf8', env: environment, timeout: 60_000 })
  assert.equal(demo.status, 0, demo.stdout + demo.stderr)
  assert.equal(demo.stderr, '')
  for (const line of [
    /^demo {4}Postgres \d+\.\d+ \((embedded|installed), port \d+\)/m,
    /^run 1 .*\n +contacts {2}mirror {2}50,000 inserted {3}/m,
    /^run 2 .*\n +contacts {2}mirror {2}50,000 unchanged · nothing to write .*\n +0 batches sent$/m,
    /^change {2}in Postgres: 120 rows added, 300 updated, 45 removed$/m,
    /^ +\+ 120 {3}~ 300 {3}- 45 {3}= 49,655 unchanged/m,
    /^run 3 .*\n +contacts {2}mirror {2}120 inserted · 300 updated · 45 deleted · 49,655 unchanged/m,
    /^run 4 .*\n +contacts {2}mirror {2}50,075 deletes held .*\n +empty_model .*--allow-empty\n +exit code 4; /m,
    /^result {2}all counts and digests are as they have to be/m,
    /^next: {3}/m,
  ]) {
    assert.match(demo.stdout, line)
  }
  const digests = demo.stdout.match(/50,075 rows {2}sha256 [0-9a-f]{64}/g)
  assert.equal(digests?.length, 2)
  assert.equal(digests[0], digests[1])
  assert.deepEqual(leftovers(), [])
})

test('with --keep everything stays until the user is done with it', async () => {
  const demo = spawn(process.execPath, [...DEMO, '--keep'], { env: environment, stdio: 'pipe' })
  const exit = once(demo, 'close')
  let stdout = ''
  for await (const chunk of demo.stdout) {
    stdout += chunk
    if (/Ctrl-C/.test(stdout)) break
  }
  const [, file = ''] = /plan -f (.+)$/m.exec(stdout) ?? []
  const plan = spawnSync(process.execPath, ['--import', TSX, MAIN, 'plan', '-f', file, '--json', '-q'], {
    encoding: 'utf8',
  })
  assert.equal(plan.status, 0, plan.stderr)
  assert.equal(JSON.parse(plan.stdout).counts.unchanged, 50_075)
  demo.kill('SIGINT')
  assert.deepEqual(await exit, [130, null])
  assert.equal(existsSync(file), true)
})

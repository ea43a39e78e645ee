import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { startPostgres } from '../../src/testing/index.ts'

const urlOf = (path: string) => JSON.stringify(pathToFileURL(path).href)

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a server answers, knows UTF-8 and UTC, and is gone with its folder when it is disposed', async () => {
  const postgres = await startPostgres({ settings: ['work_mem=5MB'] })
  const client = new pg.Client(postgres.url)
  await client.connect()
  const { rows } = await client.query({
    text: `SELECT current_setting('server_encoding'), current_setting('TimeZone'), current_setting('work_mem')`,
    rowMode: 'array',
  })
  await client.end()
  assert.match(rows.join(), /^UTF8,(Etc\/)?UTC,5MB$/)
  await postgres[Symbol.asyncDispose]()
  assert.equal(isRunning(postgres.pid), false)
  assert.equal(existsSync(dirname(postgres.dataDirectory)), false)
})

test('a server does not outlive the process that started it, even if that is killed', async () => {
  const module = join(import.meta.dirname, '../../src/testing/index.ts')
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
  const script = `
    const { startPostgres } = await import(${urlOf(module)})
    const { pid, dataDirectory } = await startPostgres()
    console.log(JSON.stringify({ pid, dataDirectory }))
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--import', tsx, '--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [printed] = await once(child.stdout, 'data')
  const { pid, dataDirectory } = JSON.parse(String(printed)) as { pid: number; dataDirectory: string }
  assert.equal(isRunning(pid), true)
  child.kill('SIGKILL')
  const folder = dirname(dataDirectory)
  for (let tries = 200; tries > 0 && existsSync(folder); tries--) await setTimeout(50)
  assert.equal(existsSync(folder), false)
  assert.equal(isRunning(pid), false)
})

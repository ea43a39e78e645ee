import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commandLine } from '../support/command-line.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const PROJECT = join(import.meta.dirname, '../..')

const UNREACHABLE = `
version: 1
connections: { warehouse: 'postgres://nobody@127.0.0.1:1/none', nowhere: 'blackhole:' }
syncs:
  one:
    source: { connection: warehouse, sql: select 1 as id }
    key: id
    mode: upsert
    destination: { connection: nowhere, table: some }
`

/** What of Node itself a command line has loaded when it ends. */
function modulesOf(configuration: string, ...argv: string[]): ReadonlySet<string> {
  const tell = `process.on('exit', () => process._rawDebug('modules ' + JSON.stringify(process.moduleLoadList)))`
  const preload = `data:text/javascript,${encodeURIComponent(tell).replaceAll("'", '%27')}`
  using line = commandLine(configuration, { NODE_OPTIONS: `--import=${preload}` })
  const { stderr } = line.run(...argv)
  const list = /^modules (.*)$/m.exec(stderr)?.[1]
  assert.ok(list !== undefined, stderr)
  return new Set((JSON.parse(list) as string[]).map((name) => name.replace('NativeModule ', '')))
}

test('a run loads neither fetch nor child processes of Node to reach for Postgres', () => {
  const loaded = modulesOf(UNREACHABLE, 'run', 'one')
  assert.ok(loaded.has('net') && loaded.has('dns'), 'it did not come as far as the driver')
  assert.ok(!loaded.has('internal/deps/undici/undici'))
  assert.ok(!loaded.has('child_process'))
})

test('the bundle has what is used of zod, and none of its translations', () => {
  using folder = temporaryFolder()
  const bundler = spawnSync(process.execPath, [join(PROJECT, 'scripts/bundle-cli.mjs'), folder.path])
  assert.equal(bundler.status, 0, String(bundler.stderr))
  const shipped = readdirSync(folder.path).map((name) => readFileSync(folder.file(name), 'utf8'))
  assert.ok(shipped.some((text) => text.includes('ZodNumber')))
  const dutch = 'Ongeldige invoer'
  assert.ok(readFileSync(join(PROJECT, 'node_modules/zod/v4/locales/nl.js'), 'utf8').includes(dutch))
  assert.ok(shipped.every((text) => !text.includes(dutch)))
})

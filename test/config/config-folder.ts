import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { loadConfig } from '../../src/config/load.ts'
import { ConfigurationProblems } from '../../src/config/problem.ts'
import type { Config } from '../../src/config/resolved.ts'

/** A folder with these files, gone when the test ends. Its path has no links in it. */
export function folderWith(t: TestContext, files: Readonly<Record<string, string | Buffer>>): string {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), 'rowferry-config-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true })
    writeFileSync(join(directory, name), content)
  }
  return directory
}

/** Loads a text as rowferry.yaml of a folder of its own. */
export function loadText(t: TestContext, text: string, environment: Record<string, string> = {}): Promise<Config> {
  return loadConfig({ directory: folderWith(t, { 'rowferry.yaml': text }), environment })
}

/** What is wrong with a configuration that has to be refused. */
export async function problemsOf(loading: Promise<unknown>): Promise<ConfigurationProblems> {
  try {
    await loading
  } catch (error) {
    if (error instanceof ConfigurationProblems) return error
    throw error
  }
  throw new Error('the configuration was accepted')
}

/** A configuration with one sync, `users`, whose lines below `source` to `destination` can be replaced. */
export function syncYaml(lines: Readonly<Record<string, string | null>> = {}): string {
  const all = {
    source: '{ connection: db, table: users }',
    key: 'id',
    mode: 'mirror',
    destination: '{ connection: db, table: copies }',
    ...lines,
  }
  const sync = Object.entries(all).flatMap(([key, value]) => (value === null ? [] : [`    ${key}: ${value}`]))
  return `version: 1\nconnections:\n  db: sqlite:./app.db\nsyncs:\n  users:\n${sync.join('\n')}\n`
}

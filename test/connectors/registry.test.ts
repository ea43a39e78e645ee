import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { blackholeDestination } from '../../src/connectors/blackhole-destination.ts'
import { CONNECTORS, findDestination, findSource } from '../../src/connectors/registry.ts'
import { FatalError } from '../../src/core/errors.ts'

test('every built-in connector is what its line says', async () => {
  for (const { type, schemes, source, destination } of CONNECTORS) {
    assert(source !== undefined || destination !== undefined, `${type} is neither end`)
    for (const definition of [await source?.(), await destination?.()]) {
      if (definition === undefined) continue
      assert.equal(definition.type, type)
      assert.deepEqual(definition.schemes, schemes)
    }
  }
})

test('no two connectors answer to the same name', () => {
  const names = CONNECTORS.flatMap(({ type, schemes }) => [...new Set([type, ...schemes])])
  assert.equal(new Set(names).size, names.length)
})

test('finds connectors by type and by URL scheme', async () => {
  assert.equal((await findDestination('sqlite')).type, 'sqlite')
  assert.equal((await findDestination('postgresql')).type, 'postgres')
  assert.equal((await findSource('postgres')).type, 'postgres')
})

test('prefers definitions that the caller brings along', async () => {
  const acme = { ...blackholeDestination, type: 'acme', schemes: ['acme'] }
  const mine = { ...blackholeDestination, type: 'sqlite', schemes: [] }
  assert.equal(await findDestination('acme', { destinations: [acme] }), acme)
  assert.equal(await findDestination('sqlite', { destinations: [mine] }), mine)
})

test('names the connector that was probably meant', async () => {
  const wrong = (message: RegExp) => (error: unknown) => {
    assert(error instanceof FatalError)
    assert.equal(error.code, 'unknown_connector')
    assert.equal(error.kind, 'configuration')
    assert.match(error.message, message)
    return true
  }
  await assert.rejects(findDestination('sqllite'), wrong(/no destination "sqllite": did you mean "sqlite"\?/))
  await assert.rejects(findSource('postgress'), wrong(/no source "postgress": did you mean "postgres"\?/))
  await assert.rejects(findDestination('mainframe'), wrong(/use one of postgres, sqlite, file, stdout, blackhole/))
  await assert.rejects(findSource('stdout'), wrong(/stdout cannot be a source: use one of postgres, sqlite, generate$/))
})

/** CommonJS modules, as drivers are, that a process has loaded after that script. */
function loadedBy(script: string): string {
  const print = `console.log(Object.keys((await import('node:module')).createRequire(import.meta.url).cache).join())`
  const registry = new URL('../../src/connectors/registry.ts', import.meta.url).href
  const code = `const registry = await import('${registry}'); ${script}; ${print}`
  return execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], { encoding: 'utf8' })
}

test('loads no driver until a connector is opened that needs it', () => {
  const drivers = /better-sqlite3|node_modules.pg.lib/
  assert.doesNotMatch(loadedBy(''), drivers)
  assert.doesNotMatch(loadedBy(`await registry.findDestination('sqlite')`), drivers)
  assert.match(loadedBy(`await registry.findSource('postgres')`), drivers)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explainFailure, loadSqlite, refuseVersion } from '../../src/core/sqlite-driver.ts'

test('loads a driver that opens databases, once', async () => {
  const driver = await loadSqlite()
  const database = new driver(':memory:')
  assert.equal(database.prepare('select 1').pluck().get(), 1)
  database.close()
  assert.equal(await loadSqlite(), driver)
})

test('refuses version 13 below Node-API 10, where it would end the process', () => {
  const refused = refuseVersion('13.2.0', { node: '20.20.2', napi: '9' })
  assert.equal(refused?.code, 'sqlite_unavailable')
  assert.match(refused?.message ?? '', /Node 22\.14 or newer.*npm install better-sqlite3@12/)
})

test('accepts version 12 everywhere and version 13 from Node-API 10 on', () => {
  assert.equal(refuseVersion('12.11.1', { node: '20.20.2', napi: '9' }), undefined)
  assert.equal(refuseVersion('13.2.0', { node: '22.14.0', napi: '10' }), undefined)
  assert.equal(refuseVersion('13.2.0', { node: '26.0.0', napi: '12' }), undefined)
})

test('says how to build the addon that install scripts did not build', () => {
  const error = explainFailure(new Error('Could not locate the bindings file. Tried:\n → /x/better_sqlite3.node'))
  assert.equal((error as NodeJS.ErrnoException).code, 'sqlite_unavailable')
  assert.match(error.message, /never built.*npm rebuild better-sqlite3/)
  assert.match(error.message, /npm install-scripts approve better-sqlite3.*npx --allow-scripts=better-sqlite3/)
})

test('tells a missing package from a missing addon', () => {
  const missing = (message: string) => Object.assign(new Error(message), { code: 'MODULE_NOT_FOUND' })
  assert.match(
    explainFailure(missing("Cannot find module 'better-sqlite3/package.json'")).message,
    /npm install better-sqlite3`/,
  )
  assert.match(
    explainFailure(missing("Cannot find module '/x/build/Release/better_sqlite3.node'")).message,
    /never built/,
  )
})

test('recognizes an addon that was built for another Node', () => {
  const error = explainFailure(
    Object.assign(
      new Error(
        "The module '/x/better_sqlite3.node'\nwas compiled against a different Node.js version using\nNODE_MODULE_VERSION 127.",
      ),
      { code: 'ERR_DLOPEN_FAILED' },
    ),
  )
  assert.match(error.message, /another version of Node.*npm rebuild/)
})

test('keeps the reason of any other failure', () => {
  const error = explainFailure(
    Object.assign(new Error("/lib/libc.so.6: version `GLIBC_2.38' not found (required by better_sqlite3.node)"), {
      code: 'ERR_DLOPEN_FAILED',
    }),
  )
  assert.match(error.message, /GLIBC_2\.38.*npm rebuild/)
})

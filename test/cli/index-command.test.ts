import assert from 'node:assert/strict'
import { existsSync, readFileSync, truncateSync } from 'node:fs'
import { test } from 'node:test'
import type { IndexDetails, RebuiltIndex, Report } from '../../src/index.ts'
import { KeyIndexFile } from '../../src/state/key-index-file.ts'
import { contactsForTests } from '../support/contacts-cli.ts'

const world = contactsForTests()
const indexFile = () => world.cli.file('.rowferry/contacts.sqlite')

// The tests of this file are one story: they build on one another.

test('before the first run there is no index to show or to forget', () => {
  const { cli } = world
  const shown = cli.run('index', 'show', 'contacts')
  assert.deepEqual([shown.status, shown.stdout], [0, ''])
  assert.equal(shown.stderr, 'contacts has no key index yet; its first run makes it\n')
  assert.deepEqual(cli.run('index', 'show', 'contacts', '--json').json(), { sync: 'contacts', state: 'none' })
  const forgotten = cli.run('index', 'forget', 'contacts', '--json')
  assert.deepEqual(forgotten.json(), { sync: 'contacts', forgotten: false })
  assert.equal(existsSync(cli.file('.rowferry')), false)
})

test('an index is shown after it was read as a whole', () => {
  const { cli } = world
  cli.run('run', 'contacts')
  const shown = cli.run('index', 'show', 'contacts', '--json')
  assert.equal(shown.status, 0, shown.stderr)
  const { entries, by_state, key, state, path } = shown.json<IndexDetails & { state: string }>()
  assert.deepEqual([state, entries, by_state.acknowledged], ['sound', 100, 100])
  assert.deepEqual(key, [{ column: 'id', encoding: 'integer' }])
  assert.equal(path, indexFile())
  const text = cli.run('index', 'show', 'contacts').stdout
  assert.match(
    text,
    /^contacts {2}100 keys {2}\d+ KiB {2}sound\n {2}acknowledged {2}100 {2}written, and the content is known$/m,
  )
  assert.match(text, /^ {2}key {11}id \(integer\)$/m)
})

test('a damaged index exits 1 and says what to type, which then works', () => {
  const { cli } = world
  truncateSync(indexFile(), 20_000)
  const shown = cli.run('index', 'show', 'contacts')
  assert.deepEqual([shown.status, shown.stdout], [1, ''])
  assert.match(shown.stderr, /rebuild it with `rowferry index rebuild contacts`/)
  const rebuilt = cli.run('index', 'rebuild', 'contacts', '--json')
  assert.equal(rebuilt.status, 0, rebuilt.stderr)
  assert.deepEqual(rebuilt.json<RebuiltIndex>(), { sync: 'contacts', path: indexFile(), listed: 100 })
  assert.match(rebuilt.stderr, /holds the keys of 100 records of the destination\n {2}what they contain is not known/)
  assert.equal(cli.run('run', 'contacts', '--json').json<Report>().counts.updated, 100)
})

test('an index is rebuilt empty where the destination cannot list its keys', () => {
  const { cli } = world
  const rebuilt = cli.run('index', 'rebuild', 'rejecting')
  assert.equal(rebuilt.status, 0, rebuilt.stderr)
  assert.match(rebuilt.stderr, /new and empty, because the destination cannot list its keys/)
})

test('a forgotten index is gone, and what that means is said', () => {
  const { cli } = world
  const forgotten = cli.run('index', 'forget', 'contacts')
  assert.equal(forgotten.status, 0)
  assert.match(forgotten.stderr, /with deletes\.scope seen, none of the records that are there now counts as its own/)
  assert.equal(existsSync(indexFile()), false)
})

test('while a run holds the sync every verb exits 75 and changes nothing', async () => {
  const { cli } = world
  cli.run('run', 'contacts')
  const held = await KeyIndexFile.open(indexFile(), 'contacts', { keep: true })
  const verbs = ['show', 'rebuild', 'forget'].map((verb) => cli.run('index', verb, 'contacts'))
  held.close()
  for (const { status, stderr } of verbs) {
    assert.equal(status, 75)
    assert.match(stderr, /another run of contacts is going on; wait until it ends/)
  }
  assert.ok(readFileSync(indexFile()).length > 0)
  assert.equal(cli.run('run', 'contacts', '--json').json<Report>().counts.unchanged, 100)
})

test('a sync that is not there, a verb that is none, and a destination that cannot be reached', () => {
  const { cli } = world
  const unknown = cli.run('index', 'forget', 'contact')
  assert.equal(unknown.status, 64)
  assert.match(unknown.stderr, /no sync named "contact" — did you mean "contacts"\?/)
  const verb = cli.run('index', 'shwo', 'contacts')
  assert.equal(verb.status, 64)
  assert.match(verb.stderr, /unknown command 'shwo' — did you mean show\?\nsee rowferry index --help/)
  const model = cli.run('index', 'rebuild', 'missing')
  assert.equal(model.status, 78)
  assert.equal(existsSync(cli.file('.rowferry/missing.sqlite')), false)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CliError } from '../../src/cli/cli-error.ts'
import { selectSyncs } from '../../src/cli/select-syncs.ts'
import { suggestion } from '../../src/core/did-you-mean.ts'

const SYNCS = new Map([
  ['contacts', { tags: ['crm', 'hourly'] }],
  ['orders', { tags: ['ops'] }],
  ['deals', { tags: ['crm'] }],
])

const select = (names: string[], tags: string[] = []) => selectSyncs(SYNCS, { names, tags }, suggestion)

test('nothing asked for means everything, in the order of the file', () => {
  assert.deepEqual(select([]), ['contacts', 'orders', 'deals'])
})

test('names keep their order, tags add to them, and nothing runs twice', () => {
  assert.deepEqual(select(['orders', 'contacts', 'orders']), ['orders', 'contacts'])
  assert.deepEqual(select([], ['crm']), ['contacts', 'deals'])
  assert.deepEqual(select(['deals'], ['hourly', 'crm']), ['deals', 'contacts'])
})

test('a name or a tag that is not there is a usage error with a suggestion', () => {
  assert.throws(
    () => select(['contcts']),
    (error: unknown) => {
      assert.ok(error instanceof CliError)
      assert.equal(error.exitCode, 64)
      assert.match(error.message, /no sync named "contcts" — did you mean "contacts"\?/)
      assert.equal(error.hint, 'syncs: contacts, orders, deals')
      return true
    },
  )
  assert.throws(
    () => select([], ['hourl']),
    (error: unknown) => {
      assert.ok(error instanceof CliError)
      assert.match(error.message, /no sync has the tag "hourl" — did you mean "hourly"\?/)
      assert.equal(error.hint, 'tags: crm, hourly, ops')
      return true
    },
  )
})

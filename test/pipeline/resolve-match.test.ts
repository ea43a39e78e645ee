import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ObjectDeclaration } from '../../src/core/destination.ts'
import type { FieldMapping } from '../../src/core/field-mapping.ts'
import { SYNC_MODE_NAMES } from '../../src/core/sync-mode.ts'
import { resolveSync, type SyncRequest } from '../../src/pipeline/resolve-sync.ts'
import { map } from '../support/mappings.ts'
import { column } from '../support/row-batches.ts'

const COLUMNS = [column('id', 'integer'), column('email'), column('name')]
const FIELDS = [map('name'), map('email')]

function resolve(given: Partial<SyncRequest> = {}, declared: Partial<ObjectDeclaration> = {}) {
  const request: SyncRequest = {
    name: 'people',
    key: ['id'],
    mode: 'mirror',
    destination: { object: 'contacts', match: ['email'], create: false },
    deletes: { scope: undefined, as: { kind: 'delete' } },
    fields: FIELDS,
    exclude: [],
    index: { bootstrap: undefined, refresh: undefined },
    ...given,
  }
  return resolveSync(request, COLUMNS, {
    syncModes: SYNC_MODE_NAMES,
    limits: { rows: 1, bytes: 1, inFlight: 1 },
    shared: false,
    lists: 'cheap',
    match: 'any',
    deletesAs: ['delete'],
    creates: false,
    links: true,
    ...declared,
  })
}

test('match may be another field than the key, which then need not be mapped, and nothing is listed', () => {
  const resolved = resolve()
  assert.equal(resolved.matchIsKey, false)
  assert.deepEqual(resolved.match, ['email'])
  assert.deepEqual(
    resolved.fields.map(({ field }) => field),
    ['email', 'name'],
  )
  assert.deepEqual(
    resolved.columns.map(({ name }) => name),
    ['email', 'name'],
  )
  assert.deepEqual([resolved.scope, resolved.bootstrap, resolved.refresh], ['seen', 'empty', 'never'])
})

test('what that means is said in words, deletes only where there are any', () => {
  assert.deepEqual(resolve().notes, [
    'records are found by email, which is not the key id: the first time a row is sent it goes to the record with its ' +
      'email, from then on to that same record, whatever its email becomes; rows that have the same email would be one ' +
      'record, so all but the first are invalid; only records that were sent or found for a row are ever deleted',
  ])
  assert.doesNotMatch(resolve({ mode: 'upsert' }).notes.join(), /deleted/)
  assert.deepEqual(
    resolve({ fields: [map('id'), ...FIELDS], destination: { object: 'c', match: ['id'], create: false } }).notes,
    [],
  )
})

test('a match that names what the key maps to, in any order, is the key', () => {
  const fields = [map('name'), map('id'), map('email')]
  const destination = { object: 'contacts', match: ['email', 'id'], create: false }
  const resolved = resolve({ key: ['id', 'email'], fields, destination })
  assert.deepEqual([resolved.matchIsKey, resolved.match, resolved.scope], [true, ['id', 'email'], 'all'])
  const twoOfThree = resolve({ fields, destination })
  assert.deepEqual([twoOfThree.matchIsKey, twoOfThree.match], [false, ['email', 'id']])
})

test('a destination without ids of its own is still matched by the key alone', () => {
  const fields = [map('id'), ...FIELDS]
  assert.throws(() => resolve({ fields }, { links: false }), { code: 'match_is_not_key' })
})

test('whatever needs the keys of the destination is refused, and the reason given', () => {
  for (const [given, what] of [
    [{ mode: 'delete-only' as const }, 'mode delete-only'],
    [{ deletes: { scope: 'all' as const, as: { kind: 'delete' as const } } }, 'deletes.scope all'],
    [{ index: { bootstrap: 'list' as const, refresh: undefined } }, 'index.bootstrap list'],
    [{ index: { bootstrap: undefined, refresh: 'always' as const } }, 'index.refresh'],
    [{ index: { bootstrap: undefined, refresh: 60_000 } }, 'index.refresh'],
  ] as const) {
    const message =
      `${what} needs the keys of the records at the destination, and their email is not the key id; ` +
      'leave it out, or make the key the column that the match field gets'
    assert.throws(() => resolve(given), { code: 'cannot_list', message })
  }
  assert.equal(resolve({ index: { bootstrap: 'empty', refresh: 'never' } }).refresh, 'never')
})

test('a match field has to be mapped, and to say something of its own for every row', () => {
  const constant: FieldMapping = { ...map('email'), from: { kind: 'constant', value: 'x' } }
  const once: FieldMapping = { ...map('email'), on: 'insert' }
  for (const [fields, message] of [
    [[map('name')], /match names email, which no field maps; map it, or match by one of name$/],
    [[constant], /the same for every row; match by a field that each row has a value of its own for/],
    [[once], /sent with inserts only/],
  ] as const)
    assert.throws(() => resolve({ fields }), { code: 'match_not_mapped', message })
  assert.throws(() => resolve({}, { match: ['id'] }), { code: 'unusable_match' })
  const template: FieldMapping = { ...map('email'), from: { kind: 'template', parts: ['', 'name', '@x'] } }
  assert.deepEqual(resolve({ fields: [template] }).match, ['email'])
  assert.throws(() => resolve({ destination: { object: 'contacts', match: undefined, create: false } }), {
    code: 'key_not_mapped',
    message: /or name the field that finds it: destination: \{ match: FIELD \}/,
  })
})

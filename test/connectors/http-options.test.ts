import assert from 'node:assert/strict'
import { test } from 'node:test'
import { httpDestination } from '../../src/connectors/http-destination.ts'
import { fatal, type HttpRequested, openHttp, problemsOf } from '../support/http-connection.ts'

const base_url = 'https://api.example.com/v1'
const upsert = { method: 'PUT', path: '/people/{id}', body: '$record' }
const declared = (people: unknown) => {
  const options = httpDestination.options.parse({ base_url, objects: { people } })
  return httpDestination.object('people', options)
}

test('names everything that is wrong with a connection at once', () => {
  const people = {
    upsert: { method: 'PUT', path: '/people/{$kez}', body: { id: '$kee', all: { $eech: '$record' } } },
    insert: { method: 'POST', mode: 'batch', batch: { max_record: 7 }, body: { records: '$record' } },
    lokup: {},
    delete: { method: 'POST', mode: 'batch', path: '/people/{id}', body: { ids: { $each: '$key' } } },
  }
  const problems = problemsOf({
    base_url: 'ftp://example.com',
    retries: 3,
    rate: 'fast',
    timeout: 'soon',
    objects: { people },
  })
  const expected = [
    /^base_url: expected an http or https URL/,
    /^rate: .*expected a rate such as 100\/10s/,
    /^timeout: .*duration such as/,
    /^objects\.people\.lokup: unknown key — did you mean "lookup"\?/,
    /^objects\.people\.insert\.batch\.max_record: unknown key — did you mean "max_records"\?/,
    /^objects\.people\.upsert\.path: there is no \{\$kez\} — did you mean "\$key"\?/,
  ]
  for (const wanted of expected) {
    assert.ok(
      problems.some((problem) => wanted.test(problem)),
      `${wanted} in ${problems.join('\n')}`,
    )
  }
  assert.ok(problems.some((problem) => problem.includes('retries')))
})

test('refuses references that there are not, with what was probably meant', () => {
  const problems = (operation: object) =>
    problemsOf({ base_url, objects: { people: { upsert: operation } } }).join('\n')
  assert.match(
    problems({ ...upsert, body: '$recrod' }),
    /body: there is no reference \$recrod — did you mean "\$record"\?/,
  )
  assert.match(
    problems({ ...upsert, body: { a: { $feild: 'x' } } }),
    /body\.a\.\$feild: there is no \$feild — did you mean "\$field"/,
  )
  assert.match(
    problems({ ...upsert, body: { a: { $field: 'x', as: 'unixx' } } }),
    /body\.a\.as: expected .* — did you mean "unix"/,
  )
  assert.match(
    problems({ ...upsert, body: { a: { $field: 'x', of: 1 } } }),
    /\$field stands alone in its map; move of away/,
  )
  assert.match(problems({ ...upsert, body: { a: { $record: { onlly: [] } } } }), /expected \{ only: /)
  assert.match(problems({ ...upsert, body: { $merge: '$record' } }), /\$merge takes a list/)
})

test('says where the records of a batch go, and where they cannot', () => {
  const batch = { method: 'POST', mode: 'batch', path: '/b', response: { all_or_nothing: true } }
  const problems = (operation: object) =>
    problemsOf({ base_url, objects: { people: { upsert: operation } } }).join('\n')
  assert.equal(problems({ ...batch, body: { all: { $each: '$record' } } }), '')
  assert.match(problems({ ...batch, body: { all: [] } }), /a batch needs \{ \$each: … \} where its records go/)
  assert.match(
    problems({ ...batch, body: { key: '$key', all: { $each: '$record' } } }),
    /body\.key: \$key belongs to one record/,
  )
  assert.match(problems({ ...batch, body: { $each: { $each: '$key' } } }), /\$each stands inside of \$each/)
  assert.match(problems({ ...batch, body: [{ $each: '$key' }, { $each: '$key' }] }), /more than once/)
  assert.match(problems({ ...upsert, body: { $each: '$record' } }), /\$each is for mode: batch/)
  assert.match(problems({ ...batch, path: '/b/{id}', body: { $each: '$record' } }), /a batch has one URL/)
  assert.match(
    problems({ ...batch, response: {}, body: { $each: '$record' } }),
    /needs `rows`.* or `all_or_nothing: true`/,
  )
  assert.match(problems({ ...batch, body: undefined }), /a batch needs a body/)
  const rows = { items: '/r', match: { by: 'key' }, ok: 'always' }
  assert.match(
    problems({ ...batch, body: { $each: '$record' }, response: { rows } }),
    /match\.path: match by key needs a path/,
  )
})

test('refuses what would be lost, or could never be found: parts of a merge, echoes, lookups', () => {
  const problems = (people: object) => problemsOf({ base_url, objects: { people } }).join('\n')
  const body = (part: unknown) => problems({ upsert: { ...upsert, body: { $merge: ['$record', part] } } })
  assert.equal(body({ type: 'person' }) + body('$fields') + body({ $literal: { a: 1 } }) + body('$key'), '')
  for (const part of ['$id', 'text', ['$key'], { $field: 'name' }, null]) {
    assert.match(body(part), /body\.\$merge\.1: \$merge takes maps, and this is none/, JSON.stringify(part))
  }
  const batch = (match: object, each: unknown) => {
    const response = { rows: { items: '/r', match, ok: 'always' } }
    return problems({ upsert: { method: 'POST', mode: 'batch', body: { $each: each }, response } })
  }
  assert.equal(batch({ by: 'echo', path: '/ref' }, { ref: '$row', set: '$record' }), '')
  assert.match(batch({ by: 'echo', path: '/ref' }, '$record'), /match\.by: match by echo wants \$row in the body/)
  assert.match(batch({ by: 'echo', path: { id: '/ref' } }, { r: '$row' }), /match\.path: match by echo takes one path/)
  const lookup = (extra: object) =>
    problems({ upsert, lookup: { path: '/search', keys: { id: '/id' }, record_id: '/_id', ...extra } })
  assert.equal(lookup({ query: { q: '{$key}' } }), '')
  assert.match(lookup({ path: '/people/{$id}' }), /lookup\.path: the id is what a lookup finds/)
  assert.match(lookup({ method: 'POST', body: { q: '$kee' } }), /lookup\.body\.q: there is no reference \$kee/)
  assert.match(lookup({ method: 'POST', body: { q: '$id' } }), /lookup\.body: the id is what a lookup finds/)
  assert.match(lookup({ body: { q: '$key' } }), /lookup\.body: a GET has no body/)
})

test('refuses addresses that are not those of an API, and paths that climb', () => {
  const problems = (url: string) => problemsOf({ base_url: url, objects: { people: { upsert } } }).join('\n')
  assert.equal(problems('http://localhost:8080'), '')
  assert.match(problems('file:///etc/passwd'), /expected an http or https URL/)
  assert.match(problems('api.example.com'), /expected an http or https URL/)
  assert.match(problems('https://ann:secret@example.com'), /use auth: \{ type: basic/)
  assert.match(problems('https://example.com/?a=b'), /without \? and #/)
  const path = (text: string) => problemsOf({ base_url, objects: { people: { upsert: { ...upsert, path: text } } } })
  for (const text of ['people', '/a/../b', '/a?b=c', '/a b', '/a\\b', '/./a']) assert.equal(path(text).length, 1, text)
})

test('says which parts of the credentials are missing or not known', () => {
  const problems = (auth: unknown) => problemsOf({ base_url, objects: { people: { upsert } }, auth }).join('\n')
  assert.equal(problems({ type: 'bearer', token: 'abcd' }), '')
  assert.match(problems({ type: 'bearer' }), /^auth\.token: /)
  assert.match(problems({ type: 'bearer', token: 'abcd', username: 'ann' }), /username/)
  assert.match(problems({ type: 'basik' }), /^auth\.type: /)
  assert.match(
    problems({ type: 'oauth_client_credentials', token_url: 'x' }),
    /^auth\.token_url: .*\nauth\.client_id: /,
  )
})

test('supports the modes that its operations come to, and no others', () => {
  const insert = { method: 'POST', path: '/people', body: '$record' }
  const exists = { ...insert, response: { exists: [409] } }
  const update = { method: 'PATCH', path: '/people/{id}', body: '$record' }
  const answers = { ...update, response: { not_found: [404] } }
  const remove = { method: 'DELETE', path: '/people/{id}' }
  const list = { path: '/people', items: '/items', keys: { id: '/id' } }
  const modes = (people: unknown) => declared(people).syncModes
  assert.deepEqual(modes({ upsert }), ['upsert'])
  assert.deepEqual(modes({ upsert, delete: remove }), ['mirror', 'upsert'])
  assert.deepEqual(modes({ upsert, delete: remove, list }), ['mirror', 'upsert', 'delete-only'])
  assert.deepEqual(modes({ insert }), ['insert-only'])
  assert.deepEqual(modes({ insert, update: answers }), ['update-only', 'insert-only'])
  assert.deepEqual(modes({ insert: exists, update }), ['upsert', 'insert-only'])
  assert.deepEqual(modes({ upsert, update }), ['upsert'])
  assert.deepEqual(modes({ upsert, update, list }), ['upsert', 'update-only'])
  assert.deepEqual(modes({ insert: exists, update: answers, delete: remove, list }), [
    'mirror',
    'upsert',
    'update-only',
    'delete-only',
    'insert-only',
  ])
})

test('gives the reasons where an object supports no mode at all', () => {
  const update = { method: 'PATCH', path: '/people/{$id}', body: '$record' }
  assert.throws(
    () => declared({ update }),
    fatal('unsupported_mode', /update-only: .*`not_found`.*, and there is no `list`/),
  )
  assert.throws(
    () => declared({ update: { ...update, response: { not_found: [404] } } }),
    fatal('unsupported_mode', /update-only: `update` needs \{\$id\}, and nothing says what the id of a record is/),
  )
})

test('keeps ids where all that changes or deletes a record names it by its id', () => {
  const insert = { method: 'POST', path: '/people', body: '$record', response: { exists: [409], record_id: '/id' } }
  const update = { method: 'PATCH', path: '/people/{$id}', body: '$record' }
  const byKey = { method: 'DELETE', path: '/people/{id}' }
  assert.equal(declared({ insert, update, delete: { ...byKey, path: '/people/{$id}' } }).links, true)
  assert.equal(declared({ upsert: { ...upsert, response: { record_id: '/id' } }, delete: byKey }).links, false)
  const mixed = declared({ insert, update, delete: byKey })
  assert.deepEqual(mixed.syncModes, ['insert-only'])
})

test('knows what makes two records of an insert that is sent twice', () => {
  const insert = { method: 'POST', path: '/people', body: '$record' }
  const again = (people: unknown) => declared(people).insertsAgain
  assert.equal(again({ insert }), 'twice')
  assert.equal(again({ insert: { ...insert, idempotent: true } }), 'once')
  assert.equal(again({ insert: { ...insert, idempotency_key: { header: 'Idempotency-Key' } } }), 'once')
  assert.equal(again({ insert: { ...insert, body: { k: '$idempotency_key', r: '$record' } } }), 'once')
  assert.equal(again({ insert: { ...insert, response: { exists: [409] } } }), 'once')
  const batch = { ...insert, mode: 'batch', body: { $each: '$record' }, response: { all_or_nothing: true } }
  assert.equal(again({ insert: { ...batch, idempotency_key: { header: 'Idempotency-Key' } } }), 'twice')
  assert.deepEqual(declared({ insert }).limits.rows, 1)
  assert.deepEqual(declared({ insert: batch }).limits.rows, 100)
})

test('names the objects that there are where a sync asks for another', () => {
  const options = httpDestination.options.parse({ base_url, objects: { people: { upsert }, orders: { upsert } } })
  assert.throws(
    () => httpDestination.object('peolpe', options),
    fatal('unknown_object', /did you mean "people"\?.*people, orders/),
  )
})

test('finds templates that do not fit the fields of the sync, all at once and before anything is sent', async () => {
  const people = {
    upsert: { method: 'PUT', path: '/people/{idd}', body: { n: { $field: 'nmae' } } },
    delete: { method: 'DELETE', path: '/people', query: { name: '{name}' } },
  }
  await using opened = await openHttp({ base_url, objects: { people } }, { mode: 'mirror' })
  await assert.rejects(
    opened.destination.check(),
    fatal(
      'template_mismatch',
      /upsert\.path: the sync has no field idd — did you mean "id"\?; upsert\.body: the sync has no field nmae — did you mean "name"\?; upsert: neither path nor body says which record is meant.*; delete\.path: name is no match field, and a delete has only those; delete: neither/,
    ),
  )
  assert.equal(opened.context.requests, 0)
})

test('finds lookups, matches and formats that do not fit the fields of the sync', async () => {
  const problem = async (people: object, requested: HttpRequested = {}) => {
    await using opened = await openHttp({ base_url, objects: { people } }, requested)
    return await opened.destination.check().then(
      () => '',
      (thrown: unknown) => String(thrown),
    )
  }
  const lookup = { path: '/search', keys: { id: '/id', name: '/name' }, record_id: '/_id' }
  const looking = (extra: object) => ({
    upsert,
    delete: { method: 'DELETE', path: '/people/{id}' },
    lookup: { ...lookup, ...extra },
  })
  assert.equal(await problem(looking({ query: { q: '{id}' } }), { mode: 'mirror' }), '')
  assert.match(
    await problem(looking({ query: { q: '{idd}' } })),
    /lookup: there is no field idd .* did you mean "id"\?/,
  )
  assert.match(
    await problem(looking({ method: 'POST', body: { q: { $field: 'name' } } }), { mode: 'mirror' }),
    /lookup: there is no field name to look by; there are id/,
  )
  const two = { match: ['id', 'name'], fields: { id: 'integer', name: 'text', plan: 'text' } } as const
  assert.match(await problem(looking({ query: { q: '{$key}' } }), two), /lookup\.path: \{\$key\} is one value/)
  const batch = (match: object) => {
    const response = { rows: { items: '/r', match, ok: 'always' } }
    return { upsert: { method: 'POST', mode: 'batch', body: { $each: '$record' }, response } }
  }
  assert.match(
    await problem(batch({ by: 'key', path: '/id' }), two),
    /upsert\.response\.rows\.match\.path: .* where name is/,
  )
  assert.match(await problem(batch({ by: 'key', path: { name: '/n' } }), two), /match\.path: .* where id is/)
  assert.equal(await problem(batch({ by: 'key', path: { id: '/i', name: '/n' } }), two), '')
  const merged = { upsert: { ...upsert, body: { $merge: ['$key', '$fields'] } } }
  assert.match(await problem(merged), /upsert\.body: \$key is one value here, and \$merge takes maps/)
  const csv = { upsert: { method: 'POST', mode: 'batch', format: 'csv', response: { all_or_nothing: true } } }
  assert.match(await problem(csv, { rules: { name: { nulls: 'skip' } } }), /CSV has no place .* `nulls: skip` of name/)
  assert.equal(await problem(csv), '')
})

test('refuses a field for inserts only where an upsert has no place for it', async () => {
  const requested = { rules: { name: { on: 'insert' as const } } }
  await using opened = await openHttp({ base_url, objects: { people: { upsert } } }, requested)
  await assert.rejects(opened.destination.check(), fatal('template_mismatch', /name is for inserts only.*\$on_insert/))
  const people = { upsert: { ...upsert, body: { set: '$record', first: '$on_insert' } } }
  await using other = await openHttp({ base_url, objects: { people } }, requested)
  await other.destination.check()
})

test('prints the requests that a sync will send', async () => {
  const people = { upsert, delete: { method: 'DELETE', path: '/people/{id}' } }
  await using opened = await openHttp({ base_url, objects: { people } }, { mode: 'mirror' })
  assert.deepEqual(await opened.destination.check(), [
    'upsert: PUT https://api.example.com/v1/people/<id> {"id":"<id>","name":"<name>"}',
    'delete: DELETE https://api.example.com/v1/people/<id>',
  ])
})

test('is the same place whoever asks, and shares its limits by origin or by name', () => {
  const read = (extra: object) =>
    httpDestination.options.parse({ base_url: `${base_url}/`, objects: { people: { upsert } }, ...extra })
  const first = read({ auth: { type: 'bearer', token: 'one secret' }, rate: ['100/10s', '5/s'] })
  const second = read({ auth: { type: 'bearer', token: 'other secret' }, share_as: 'mine' })
  assert.equal(httpDestination.identity(first), httpDestination.identity(second))
  assert.deepEqual(httpDestination.pacing?.(first), {
    credential: 'https://api.example.com',
    rates: [
      { requests: 100, perMs: 10_000 },
      { requests: 5, perMs: 1000 },
    ],
  })
  assert.equal(httpDestination.pacing?.(second).credential, 'mine')
})

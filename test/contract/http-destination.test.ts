import { httpDestination } from '../../src/connectors/http-destination.ts'
import type { ValueKind } from '../../src/core/column.ts'
import { type ContractRecord, testDestination } from '../../src/testing/index.ts'
import { httpSimulator } from '../support/http-simulator.ts'

const FIELDS: Readonly<Record<string, ValueKind>> = {
  id: 'integer',
  name: 'text',
  amount: 'decimal',
  ratio: 'float',
  active: 'boolean',
  photo: 'bytes',
  born: 'date',
  seen: 'timestamp',
  extra: 'json',
  big: 'integer',
}

const row = (n: number): ContractRecord => ({
  id: String(n),
  name: `name ${n}`,
  amount: `${n}.50`,
  ratio: String(n / 8),
  active: n % 2 === 0 ? 't' : 'f',
  photo: null,
  born: '2024-02-29',
  seen: null,
  extra: null,
  big: String(n),
})

/** The text of a field's JSON as canonical text. */
function canonical(name: string, text: string): string | null {
  if (text === 'null') return null
  if (FIELDS[name] === 'json') return text
  if (text === 'true' || text === 'false') return text === 'true' ? 't' : 'f'
  const value = text.startsWith('"') ? (JSON.parse(text) as string) : text
  return FIELDS[name] === 'timestamp' ? value.replace('T', ' ').replace('+00:00', '+00') : value
}

const simulator = await httpSimulator({ keys: { people: ['id'] }, auth: { type: 'bearer', token: 'right token' } })

const records = async (object: string) =>
  (await simulator.records(object)).map(({ fields }) =>
    Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, canonical(name, text)])),
  )

const connection = (people: unknown) => ({
  base_url: `${simulator.url}/v1`,
  auth: { type: 'bearer', token: 'right token' },
  allow_private_hosts: true,
  check: '/people',
  objects: { people },
})

const faults = (...rules: unknown[]) => simulator.door('faults', { rules })
const fault = (name: string, rule: unknown, expect: 'RetryableError' | 'FatalError') => ({
  name,
  expect,
  async begin() {
    await faults(rule)
    return { [Symbol.asyncDispose]: async () => void (await faults()) }
  },
})

const common = {
  destination: httpDestination,
  object: 'people',
  fields: FIELDS,
  row,
  refusedRow: (n: number) => ({ ...row(n), name: '!refuse me' }),
  empty: () => simulator.reset(),
  records,
  // A JSON null within JSON is the null of the field.
  values: { json: ['{"a": [1, 2.5, "x\\ny"], "b": {"c": null}}', '[]', '"text"', 'true'] },
  unknownObject: 'persons',
  stall: async () => {
    await faults({ fault: 'hang' })
    return { [Symbol.asyncDispose]: async () => void (await faults()) }
  },
  faults: [
    fault('a 503', { fault: 'status-503' }, 'RetryableError'),
    fault('a 429', { fault: 'status-429' }, 'RetryableError'),
    fault('a reset before anything is done', { fault: 'reset' }, 'RetryableError'),
    fault('a reset after it was done', { fault: 'reset', when: 'after' }, 'RetryableError'),
    fault("a proxy's page with status 200", { fault: 'html-200' }, 'RetryableError'),
    fault('half a reply', { fault: 'truncate', when: 'after' }, 'RetryableError'),
    fault('a reply that ends in the middle', { fault: 'cut', when: 'after' }, 'RetryableError'),
    fault('a token that is not good any more', { fault: 'status-401' }, 'FatalError'),
    fault('rights that are gone', { fault: 'status-403' }, 'FatalError'),
  ],
} as const

const list = {
  path: '/people',
  query: { limit: 7 },
  items: '/items',
  keys: { id: '/_key' },
  next: { cursor: '/next', query: 'after' },
  total: '/total',
}
const error = { code: '/error/code', message: '/error/message' }

const single = {
  insert: { method: 'POST', path: '/people', body: '$record', response: { exists: [409], error } },
  update: { method: 'PATCH', path: '/people/{id}', body: '$record', response: { not_found: [404], error } },
  delete: { method: 'DELETE', path: '/people/{$key}' },
  list,
}

testDestination({
  ...common,
  name: 'http with one record a request',
  options: connection(single),
  badOptions: { ...connection(single), auth: { type: 'bearer', token: 'wrong token' } },
})

testDestination({
  ...common,
  name: 'http with a PUT for an upsert',
  options: connection({
    ...single,
    upsert: {
      method: 'PUT',
      path: '/people/{id}',
      body: '$record',
      response: { error, record_id: '/id', created: [201] },
    },
  }),
  waive: {
    'writes a field that is for inserts only when it makes the record, and then no more':
      'a PUT has no place for such a field, and the check refuses the sync',
  },
})

testDestination({
  ...common,
  name: 'http by the ids of the service',
  options: connection({
    insert: { ...single.insert, response: { ...single.insert.response, record_id: '/id' } },
    update: { ...single.update, path: '/people/ids/{$id}' },
    delete: { method: 'DELETE', path: '/people/ids/{$id}' },
    lookup: {
      path: '/people/search',
      query: { id: '{id}' },
      items: '/found',
      keys: { id: '/id' },
      record_id: '/_id',
    },
    list,
  }),
})

const rows = {
  items: '/results',
  ok: { path: '/error', exists: false },
  error,
  not_found: ['not_found'],
  exists: ['exists'],
  record_id: '/id',
  created: { path: '/status', equals: 'created' },
}
const batch = (operation: string, match: unknown, record: unknown) => ({
  method: 'POST',
  path: '/people/batch',
  mode: 'batch',
  batch: { max_records: 50, max_bytes: '400kB' },
  idempotent: true,
  body: { operation, records: { $each: record } },
  response: { success: { status: ['2xx'] }, rows: { ...rows, match } },
})
const set = { key: '$key', set: '$record' }
const batched = (match: unknown, extra: object = {}) => ({
  insert: batch('insert', match, { ...set, ...extra, set_on_insert: '$on_insert' }),
  upsert: batch('upsert', match, { ...set, ...extra, set_on_insert: '$on_insert' }),
  update: batch('update', match, { ...set, ...extra }),
  delete: batch('delete', match, { key: '$key', ...extra }),
  list: { ...list, next: { link: 'header' } },
})

const shuffling = await httpSimulator({ keys: { people: ['name'] }, shuffle: true, seed: 7 })
testDestination({
  ...common,
  name: 'http with batches, results by key in any order, and a text as key',
  options: {
    base_url: `${shuffling.url}/v1`,
    allow_private_hosts: true,
    objects: { people: { ...batched({ by: 'key', path: '/key' }), list: { ...list, keys: { name: '/_key' } } } },
  },
  match: ['name'],
  row: (n) => ({ ...row(n), name: `key ${n}` }),
  refusedRow: (n) => ({ ...row(n), name: `!refuse ${n}` }),
  empty: () => shuffling.reset(),
  records: async (object) =>
    (await shuffling.records(object)).map(({ fields }) =>
      Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, canonical(name, text)])),
    ),
  stall: async () => {
    await shuffling.door('faults', { rules: [{ fault: 'hang' }] })
    return { [Symbol.asyncDispose]: async () => void (await shuffling.door('faults', { rules: [] })) }
  },
  faults: [],
})

testDestination({
  ...common,
  name: 'http with batches, results by what they say back',
  options: connection(batched({ by: 'echo', path: '/ref' }, { ref: '$row' })),
})

const UPDATES_CREATE = 'it has no update: an upsert is sent in its place, which makes what is not there'

testDestination({
  ...common,
  name: 'http with batches that are taken whole or not at all',
  options: connection({
    upsert: {
      method: 'POST',
      path: '/people/bulk',
      mode: 'batch',
      body: { operation: 'upsert', records: { $each: { ...set, set_on_insert: '$on_insert' } } },
      response: { all_or_nothing: true, success: { body_matches: { path: '/ok', equals: true } }, error },
    },
  }),
  waive: {
    'answers one outcome per change, in order': UPDATES_CREATE,
    'answers not_found to the update of a record that is not there, and makes none': UPDATES_CREATE,
    'takes several batches at once without mixing their outcomes': UPDATES_CREATE,
  },
})

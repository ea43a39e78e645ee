const ERROR = { code: '/error/code', message: '/error/message' }
const CREATED = { path: '/status', equals: 'created' }

/** A status of 200 that says nothing proves nothing. */
const DONE = { status: ['2xx'], body_matches: { path: '/status', in: ['created', 'updated', 'deleted'] } }
const AGAIN = [408, 423, 425, 429, '5xx']

const HTTP_LIST = {
  path: '/people',
  query: { limit: 50 },
  items: '/items',
  keys: { id: '/_key' },
  next: { cursor: '/next', query: 'after' },
  total: '/total',
}

function httpBatch(operation: string): object {
  const results = { items: '/results', match: { by: 'echo', path: '/ref' }, ok: { path: '/error', exists: false } }
  return {
    method: 'POST',
    path: '/people/batch',
    mode: 'batch',
    batch: { max_records: 40 },
    body: { operation, records: { $each: { ref: '$row', key: '$key', set: '$record' } } },
    ...(operation === 'insert' && { idempotent: true }),
    response: {
      rows: {
        ...results,
        error: ERROR,
        created: CREATED,
        not_found: ['not_found'],
        exists: ['exists'],
        retryable: ['locked'],
      },
    },
  }
}

/** The configuration of the object `people`, in the ways in which such an API may be spoken to. */
export const HTTP_PEOPLE = {
  single: {
    insert: {
      method: 'POST',
      path: '/people',
      body: '$record',
      response: { exists: [409], success: DONE, retryable: AGAIN, error: ERROR },
    },
    upsert: {
      method: 'PUT',
      path: '/people/{id}',
      body: '$record',
      response: { created: [201], success: DONE, retryable: AGAIN, error: ERROR },
    },
    update: {
      method: 'PATCH',
      path: '/people/{id}',
      body: '$record',
      response: { not_found: [404], success: DONE, retryable: AGAIN, error: ERROR },
    },
    delete: {
      method: 'DELETE',
      path: '/people/{$key}',
      response: { success: DONE, treat_as_success: [404], error: ERROR },
    },
    list: HTTP_LIST,
  },
  batch: {
    insert: httpBatch('insert'),
    upsert: httpBatch('upsert'),
    update: httpBatch('update'),
    delete: httpBatch('delete'),
    list: HTTP_LIST,
  },
  'by email': {
    match: ['email'],
    ignore_case: true,
    insert: {
      method: 'POST',
      path: '/people',
      body: '$record',
      response: { exists: [409], record_id: '/id', success: DONE, retryable: AGAIN, error: ERROR },
    },
    update: {
      method: 'PATCH',
      path: '/people/ids/{$id}',
      body: '$record',
      response: { not_found: [404], success: DONE, retryable: AGAIN, error: ERROR },
    },
    delete: {
      method: 'DELETE',
      path: '/people/ids/{$id}',
      response: { success: DONE, treat_as_success: [404], error: ERROR },
    },
    lookup: { path: '/people', query: { limit: 1000 }, items: '/items', keys: { email: '/email' }, record_id: '/_id' },
  },
} as const

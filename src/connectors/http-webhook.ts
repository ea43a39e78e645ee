import { type HttpObject, httpObject } from './http-operation-options.ts'

/**
 * What a connection without `objects` does: each change is an event that is posted to the URL. A receiver sees some of them
 * twice, with the same Idempotency-Key, and has the key of the record to put them together.
 */
const event = {
  method: 'POST',
  body: { operation: '$operation', key: '$key', record: '$record' },
  idempotency_key: { header: 'Idempotency-Key' },
  idempotent: true,
  response: { body: 'ignore' },
}

export const WEBHOOK: HttpObject = httpObject.parse({
  shared: false,
  insert: event,
  upsert: event,
  update: event,
  delete: { ...event, body: { operation: '$operation', key: '$key' } },
})

import { after, before } from 'node:test'
import { testDestination } from 'rowferry/testing'
import { keyValueDestination } from './key-value-destination.ts'
import { type KeyValueService, startKeyValueService } from './key-value-service.ts'

// Run it with: npx tsx --test examples/custom-destination/contract.ts

let service: KeyValueService

before(async () => {
  service = await startKeyValueService('contacts')
})
after(() => service[Symbol.asyncDispose]())

const trouble = (kind: KeyValueService['trouble']) => async () => {
  service.trouble = kind
  return {
    async [Symbol.asyncDispose]() {
      service.trouble = undefined
    },
  }
}

testDestination({
  destination: keyValueDestination,
  options: () => ({ url: service.url, token: service.token }),
  object: 'contacts',
  fields: { id: 'text', email: 'text', name: 'text', visits: 'integer', balance: 'decimal', active: 'boolean' },
  row: (n) => ({
    id: `contact ${n}`,
    email: `contact${n}@example.com`,
    name: `Contact ${n}`,
    visits: String(n),
    balance: `${n}.50`,
    active: n % 2 === 0 ? 't' : 'f',
  }),
  refusedRow: (n) => ({ id: `contact ${n}`, email: 'nowhere', name: null, visits: null, balance: null, active: null }),
  empty: async () => service.buckets.get('contacts')?.clear(),
  // The memory of the service itself: not a line of the destination is involved.
  records: async () =>
    [...(service.buckets.get('contacts')?.values() ?? [])].map(({ key, fields }) => ({
      id: key[0] ?? null,
      ...fields,
    })),
  badOptions: () => ({ url: service.url, token: 'wrong' }),
  unknownObject: 'nobody',
  stall: trouble('silent'),
  // Not every text is an e-mail address.
  values: {
    text: [
      'a@b',
      'Zoë@example.com',
      '👩‍👩‍👧@example.com',
      'line\n\r\ttab@x',
      'back\\slash@x',
      `${'x'.repeat(10_240)}@x`,
    ],
  },
  waive: { 'keeps null apart from an empty text': 'an empty e-mail address is refused' },
  faults: [
    { name: 'a 429', begin: trouble('too many requests'), expect: 'RetryableError', retryAfterMs: 2_000 },
    { name: 'a 503', begin: trouble('down'), expect: 'RetryableError' },
    { name: 'a connection that is reset', begin: trouble('resets'), expect: 'UnansweredError' },
    { name: 'a token that was revoked', begin: trouble('token revoked'), expect: 'FatalError' },
  ],
})

import { after, before } from 'node:test'
import { salesforceDestination } from '../../src/connectors/salesforce-destination.ts'
import type { SalesforceOptions } from '../../src/connectors/salesforce-options.ts'
import type { ValueKind } from '../../src/core/column.ts'
import type { DestinationDefinition } from '../../src/core/destination.ts'
import type { SyncMode } from '../../src/core/sync-mode.ts'
import { type ContractRecord, type DestinationContract, testDestination } from '../../src/testing/index.ts'
import { startOrg, type TestOrg } from '../connectors/salesforce-org.ts'

/** An object with a field of each kind. */
const PERSON = {
  name: 'Person__c',
  keyPrefix: 'a01',
  fields: [
    { name: 'Key__c', type: 'string', externalId: true, unique: true, required: true },
    { name: 'Text__c', type: 'textarea', length: 32_000 },
    { name: 'Size__c', type: 'int' },
    { name: 'Price__c', type: 'currency', precision: 18, scale: 4 },
    { name: 'Weight__c', type: 'double' },
    { name: 'Active__c', type: 'boolean', default: false },
    { name: 'Born__c', type: 'date' },
    { name: 'Seen__c', type: 'datetime' },
    { name: 'Mail__c', type: 'email', length: 80 },
  ],
} as const

const FIELDS = {
  Key__c: 'text',
  Text__c: 'text',
  Size__c: 'integer',
  Price__c: 'decimal',
  Weight__c: 'float',
  Active__c: 'boolean',
  Born__c: 'date',
  Seen__c: 'timestamp',
  Mail__c: 'text',
} as const satisfies Record<string, ValueKind>

let org: TestOrg
before(async () => {
  org = await startOrg({ objects: [PERSON] })
})
after(() => org[Symbol.asyncDispose]())

/** Only these modes are declared, and whoever writes waits for the answer: what stops a write has to stop a call. */
function declaring(syncModes: readonly SyncMode[]): DestinationDefinition<SalesforceOptions> {
  return {
    ...salesforceDestination,
    object: (name, options) => ({ ...salesforceDestination.object(name, options), syncModes }),
    async open(options, object, context) {
      const destination = await salesforceDestination.open(options, object, context)
      const write = destination.write.bind(destination)
      destination.write = (batch, signal) => {
        const answers = write(batch, signal)
        destination.flush?.()
        return answers
      }
      return destination
    },
  }
}

/** A value as the canonical text that the connector was given. */
function canonical(name: string, value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (name === 'Active__c') return value === true ? 't' : 'f'
  if (name !== 'Seen__c') return String(value)
  return String(value)
    .replace('T', ' ')
    .replace(/\.000\+0000$/, '+00')
    .replace('+0000', '+00')
}

async function records(object: string): Promise<ContractRecord[]> {
  const found = await org.records(object)
  return found.map((record) =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [name, canonical(name, value)])),
  )
}

const row = (n: number): ContractRecord => ({
  Key__c: `key ${n}`,
  Text__c: `text ${n}`,
  Size__c: String(n),
  Price__c: `${n}.5`,
  Weight__c: String(n / 4),
  Active__c: n % 2 === 0 ? 't' : 'f',
  Born__c: '2024-02-29',
  Seen__c: '2024-02-29 12:00:00+00',
  Mail__c: `a${n}@example.com`,
})

const COMMON: Omit<DestinationContract, 'name' | 'destination' | 'options'> = {
  object: 'Person__c',
  fields: FIELDS,
  row,
  alias: (n) => ({ ...row(n), Key__c: `KEY ${n}` }),
  refusedRow: (n) => ({ ...row(n), Mail__c: 'no address' }),
  empty: () => org.reset(),
  records,
  badOptions: () => ({ ...org.options, client_secret: 'wrong' }),
  unknownObject: 'Nobody__c',
  stall: async () => {
    await org.faults({ rules: [{ fault: 'hang', match: { path: '/services/data' } }] })
    return { [Symbol.asyncDispose]: () => org.faults({ rules: [] }) }
  },
  faults: [
    {
      name: 'a day whose calls are used up',
      begin: async () => {
        await org.spend(200_000)
        return { [Symbol.asyncDispose]: async () => {} }
      },
      expect: 'FatalError',
    },
    {
      name: 'credentials that were revoked',
      begin: async () => {
        await org.post('/__revoke', {})
        await org.faults({ rules: [{ fault: 'status-400', match: { path: '/services/oauth2/token' } }] })
        return { [Symbol.asyncDispose]: () => org.faults({ rules: [] }) }
      },
      expect: 'FatalError',
    },
  ],
  values: {
    // No field of Salesforce holds an empty text, nor white space at its ends.
    text: [
      'Zoë',
      'caf\u00e9',
      'cafe\u0301',
      '👩‍👩‍👧 and 𝒳',
      'a\ttab',
      'a\nline',
      'DOS\r\nlines',
      '\\N',
      `'a' "b"`,
      'a, b',
      '=1+1',
      'null',
      'x'.repeat(10_240),
    ],
    integer: ['0', '-1', '42', '999999999'],
    decimal: ['0', '-0.5', '1.1', '12345678901.25'],
    float: ['0', '0.1', '-1.5', '123456.789'],
    date: ['2024-02-29', '1970-01-01', '1700-01-01', '4000-12-31'],
    timestamp: ['2024-02-29 23:59:59+00', '1970-01-01 00:00:00+00'],
  },
  waive: {
    'keeps null apart from an empty text': 'an empty text is null in Salesforce',
    'tells keys apart by their bytes': 'Salesforce compares texts by its own rules: see identity',
  },
}

const CREATES = 'where the mode may create records, an update of one that is not known is an upsert'

for (const load of ['collections', 'bulk'] as const) {
  testDestination({
    ...COMMON,
    name: `Salesforce by ${load}`,
    destination: declaring(['mirror', 'upsert', 'insert-only', 'delete-only']),
    options: () => ({ ...org.options, load }),
    waive: {
      ...COMMON.waive,
      'answers one outcome per change, in order': `${CREATES}: see the other suite`,
      'takes several batches at once without mixing their outcomes': `${CREATES}: see the other suite`,
      'answers not_found to the update of a record that is not there, and makes none': CREATES,
    },
    faults: [
      ...(COMMON.faults ?? []),
      {
        name: 'an upload or a call that is refused for now',
        begin: async () => {
          await org.faults({
            rules: [{ fault: 'status-503', match: { path: load === 'bulk' ? '/batches' : '/composite' } }],
          })
          return { [Symbol.asyncDispose]: () => org.faults({ rules: [] }) }
        },
        expect: 'RetryableError',
      },
    ],
  })

  testDestination({
    ...COMMON,
    name: `Salesforce by ${load}, without creating`,
    destination: declaring(['update-only', 'insert-only', 'delete-only']),
    options: () => ({ ...org.options, load }),
    faults: [],
  })
}

import { after, before } from 'node:test'
import { hubspotDestination } from '../../src/connectors/hubspot-destination.ts'
import type { ValueKind } from '../../src/core/column.ts'
import type { HubspotPropertyOption } from '../../src/simulators/hubspot-options.ts'
import type { FaultRule } from '../../src/simulators/simulator-faults.ts'
import { type ContractRecord, type DestinationFault, testDestination } from '../../src/testing/index.ts'
import { type HubspotAccount, hubspotAccount } from '../support/hubspot-account.ts'

const THING: readonly HubspotPropertyOption[] = [
  { name: 'code', unique: true, rules: [{ type: 'REGEX', arguments: ['(?!refused).*'] }] },
  { name: 'title' },
  { name: 'size', type: 'number' },
  { name: 'price', type: 'number' },
  { name: 'weight', type: 'number' },
  { name: 'active', type: 'bool' },
  { name: 'born', type: 'date' },
  { name: 'seen', type: 'datetime' },
  { name: 'extra' },
  { name: 'grade', rules: [{ type: 'REGEX', arguments: ['[a-z]+'] }] },
]
const KINDS = {
  title: 'text',
  size: 'integer',
  price: 'decimal',
  weight: 'float',
  active: 'boolean',
  born: 'date',
  seen: 'timestamp',
  extra: 'json',
  grade: 'text',
} satisfies Record<string, ValueKind>

let account: HubspotAccount
before(async () => {
  account = await hubspotAccount({
    burst_limit: 100_000,
    objects: { thing: { properties: THING } },
    tokens: { good: {} },
  })
})
after(() => account[Symbol.asyncDispose]())

const options = () => ({ token: 'good', base_url: account.url })

/** A value as the canonical text that the connector was given. */
function canonical(name: string, value: string | undefined): string | null {
  if (value === undefined) return null
  if (name === 'active') return value === 'true' ? 't' : 'f'
  return name === 'seen'
    ? value
        .replace('T', ' ')
        .replace(/\.000Z$/, '+00')
        .replace(/Z$/, '+00')
    : value
}

async function records(object: string): Promise<ContractRecord[]> {
  const found = await account.records(object)
  return found.map(({ properties }) => {
    return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, canonical(name, value)]))
  })
}

const fault = (name: string, rule: FaultRule, more: Partial<DestinationFault> = {}) => ({
  name,
  expect: 'RetryableError' as const,
  async begin() {
    await account.faults(rule)
    return { [Symbol.asyncDispose]: () => account.faults() }
  },
  ...more,
})

testDestination({
  name: 'a custom object of HubSpot by a unique property',
  destination: hubspotDestination,
  options,
  object: 'thing',
  fields: { code: 'text', ...KINDS },
  row: (n) => ({
    code: `code ${n}`,
    title: `title ${n}`,
    size: String(n),
    price: `${n}.50`,
    weight: String(n / 4),
    active: n % 2 === 0 ? 't' : 'f',
    born: '2024-02-29',
    seen: '2024-02-29 12:00:00+00',
    extra: '{"a": 1}',
    grade: 'abc'.slice(n % 3),
  }),
  refusedRow: (n) => ({
    code: `code ${n}`,
    title: `title ${n}`,
    size: '1',
    price: '1',
    weight: '1',
    active: 't',
    born: '2024-02-29',
    seen: '2024-02-29 12:00:00+00',
    extra: '1',
    grade: 'not lower-case letters: 1',
  }),
  empty: () => account.reset(),
  records,
  badOptions: () => ({ ...options(), token: 'wrong' }),
  unknownObject: 'nothing',
  async stall() {
    await account.faults({ fault: 'hang' })
    return { [Symbol.asyncDispose]: () => account.faults() }
  },
  faults: [
    fault('a rolling limit', { fault: 'rate-limit-rolling' }, { retryAfterMs: 10_000 }),
    fault('a limit that only its message tells', { fault: 'rate-limit-message' }, { retryAfterMs: 10_000 }),
    fault('the daily limit', { fault: 'rate-limit-daily' }, { expect: 'FatalError' }),
    fault('a locked record', { fault: 'status-423' }, { retryAfterMs: 2_000 }),
    fault('an account that is being moved', { fault: 'status-477' }, { expect: 'FatalError' }),
    fault('a proxy without a server', { fault: 'status-502' }),
    fault('a time-out behind a proxy', { fault: 'status-524', when: 'after' }),
    fault('a reset connection', { fault: 'reset' }),
    fault('a reset connection after the commit', { fault: 'reset', when: 'after' }),
    fault('an answer that is cut', { fault: 'cut', when: 'after' }),
    fault('JSON that ends in the middle', { fault: 'truncate', when: 'after' }),
    fault('a page in HTML', { fault: 'html-200' }),
    fault('a success with no body', { fault: 'empty' }),
    fault('a success with no results', { fault: 'empty-results' }),
    fault('a token that is refused', { fault: 'status-401' }, { expect: 'FatalError' }),
    fault('a missing scope', { fault: 'status-403' }, { expect: 'FatalError' }),
  ],
  // HubSpot has milliseconds, and an empty text is no value.
  values: {
    timestamp: ['2024-02-29 23:59:59.123+00', '1970-01-01 00:00:00+00', '2038-01-19 03:14:08+00'],
    text: [
      ' ',
      ' leading and trailing ',
      'Zoë',
      'caf\u00e9',
      'cafe\u0301',
      '👩‍👩‍👧 and 𝒳',
      'a\ttab',
      'DOS\r\nlines\r\n',
      'back\\slash \\N',
      `'single' "double"`,
      'a;b',
      'null',
      'x'.repeat(10 * 1024),
    ],
  },
  waive: { 'keeps null apart from an empty text': 'to HubSpot an empty text is no value' },
})

testDestination({
  name: 'contacts of HubSpot by their address',
  destination: hubspotDestination,
  options,
  object: 'contacts',
  fields: { email: 'text', firstname: 'text', annualrevenue: 'decimal' },
  row: (n) => ({ email: `n${n}@example.com`, firstname: `name ${n}`, annualrevenue: String(n) }),
  refusedRow: (n) => ({ email: `n${n} at example.com`, firstname: `name ${n}`, annualrevenue: '1' }),
  empty: () => account.reset(),
  records,
  values: { text: ['Zoë'] },
  waive: {
    'keeps null apart from an empty text': 'to HubSpot an empty text is no value',
    'tells keys apart by their bytes': 'to HubSpot an address is the same in any case',
  },
})

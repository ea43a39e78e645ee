import { openSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import type { DestinationDefinition } from '../../src/core/destination.ts'
import { FatalError, RetryableError } from '../../src/core/errors.ts'
import { DONE } from '../../src/core/outcome.ts'
import { DESTINATION_CASES } from '../../src/testing/destination-contract.ts'
import { type DestinationContract, testDestination } from '../../src/testing/index.ts'
import { SYSTEM_MUTANTS } from './broken-systems.ts'
import { type DestinationMutant, put, WRITE_MUTANTS } from './broken-writes.ts'
import { mapDestination, type Values } from './map-destination.ts'
import { rowBatch } from './row-batches.ts'
import { waiveAllBut } from './suite-results.ts'

let stalled = false
let down = false

const stall = async () => {
  stalled = true
  return {
    async [Symbol.asyncDispose]() {
      stalled = false
    },
  }
}

const fault = {
  name: 'a 429',
  expect: 'RetryableError',
  begin: async () => {
    down = true
    return {
      async [Symbol.asyncDispose]() {
        down = false
      },
    }
  },
} as const

export const MUTANTS: Readonly<Record<string, DestinationMutant>> = {
  ...WRITE_MUTANTS,
  ...SYSTEM_MUTANTS,
  'makes null of an empty text': {
    caughtBy: 'keeps null apart from an empty text',
    stores: (values) => ({ ...values, name: values['name'] === '' ? null : (values['name'] ?? null) }),
  },
  'trims texts': {
    caughtBy: 'keeps texts to the byte: empty, emoji, line ends, tabs, backslashes, 10 kB',
    stores: (values) => ({ ...values, name: values['name']?.trim() ?? null }),
  },
  'takes integers for numbers of JavaScript': {
    caughtBy: 'keeps 64-bit integers',
    stores: (values) => ({ ...values, size: values['size'] == null ? null : String(Number(values['size'])) }),
  },
  'cuts decimals': {
    caughtBy: 'keeps every digit of a decimal',
    stores: (values) => ({ ...values, price: values['price'] == null ? null : Number(values['price']).toFixed(2) }),
  },
  'swaps booleans': {
    caughtBy: 'keeps booleans',
    stores: (values) => ({ ...values, active: values['active'] == null ? null : 't' }),
  },
  'takes bytes for text': {
    caughtBy: 'keeps bytes',
    stores: (values) => ({
      ...values,
      digest:
        values['digest'] == null
          ? null
          : `\\x${Buffer.from(Buffer.from(values['digest'].slice(2), 'hex').toString('utf8')).toString('hex')}`,
    }),
  },
  'counts days from the wrong end': {
    caughtBy: 'keeps dates',
    stores: (values) => ({ ...values, born: values['born']?.replace(/^0001/, '1901') ?? null }),
  },
  'cuts microseconds': {
    caughtBy: 'keeps timestamps',
    stores: (values) => ({ ...values, seen: values['seen']?.replace(/\.\d+/, '') ?? null }),
  },
  'makes null of JSON null': {
    caughtBy: 'keeps JSON',
    stores: (values) => ({ ...values, extra: values['extra'] === 'null' ? null : (values['extra'] ?? null) }),
  },
  'rounds floats': {
    caughtBy: 'keeps floating-point numbers',
    stores: (values) => ({ ...values, weight: values['weight'] == null ? null : Number(values['weight']).toFixed(3) }),
  },
  'takes capitals for small letters in keys': {
    caughtBy: 'tells keys apart by their bytes',
    script: async (write, records) =>
      write.keys.map((key, index) => {
        if (!/[a-z]/i.test(key)) return write.apply(index, index + 1)[0]
        put(records, write, index, key.toLowerCase())
        return DONE
      }),
    contract: { match: ['name'], row: (n) => ({ ...contents(n), name: `name ${n}` }) },
  },
  'does not hear the signal': {
    caughtBy: 'stops within a second when the signal aborts while the system says nothing',
    script: async ({ apply }) => {
      while (stalled) await nextTurn()
      return apply()
    },
    contract: { stall },
  },
  'works on when it is cancelled': {
    caughtBy: 'stops within a second when the signal aborts',
    script: async ({ apply, keys }) => {
      if (keys.length >= 100) await new Promise((resolve) => setTimeout(resolve, 1_500))
      return apply()
    },
  },
  'leaves a file open': {
    caughtBy: 'leaves nothing open behind it',
    opened: () => {
      openSync(import.meta.filename, 'r')
      return {}
    },
  },
  'leaves a record out of its list': {
    caughtBy: 'lists exactly the keys that were written, to a proven end',
    opened: ({ records }) => ({ list: () => ({ sorted: true, rows: listOf([...records.keys()].slice(1), true) }) }),
  },
  'proves nothing by its list': {
    caughtBy: 'lists exactly the keys that were written, to a proven end',
    opened: ({ records }) => ({
      list: () => ({ sorted: true, rows: listOf([...records.keys()].sort(byNumber), false) }),
    }),
  },
  'lists in the order of text': {
    caughtBy: 'lists in the byte order of the keys where it says so',
    opened: ({ records }) => ({ list: () => ({ sorted: true, rows: listOf([...records.keys()].sort(), true) }) }),
  },
  'lists something where nothing is': {
    caughtBy: 'lists nothing, to a proven end, where nothing is',
    opened: ({ records }) => ({
      list: () => ({ sorted: true, rows: listOf([...records.keys(), '0'].sort(byNumber), true) }),
    }),
  },
  'lists on when it is cancelled': {
    caughtBy: 'ends a list within a second when the signal aborts',
    opened: ({ records }) => ({ list: () => ({ sorted: false, rows: slowListOf([...records.keys()]) }) }),
  },
  'declares a list that it does not have': {
    caughtBy: 'has a list where it declares one, and only there',
    opened: () => ({ list: undefined as never }),
  },
  'declares no room': {
    caughtBy: 'declares at least one sync mode, a match and limits above zero',
    declares: { limits: { rows: 100, bytes: 0, inFlight: 1 } },
  },
  'does not pass its own check': {
    caughtBy: 'passes its own check',
    opened: () => ({
      check: async () => {
        throw new FatalError('always', 'there is always something')
      },
    }),
  },
  'takes any password': {
    caughtBy: 'ends in a FatalError with a code when the credentials are bad',
    contract: { badOptions: { url: 'map:wrong' } },
  },
  'throws a plain error for an object that is not there': {
    caughtBy: 'ends in a FatalError with a code when there is no such object',
    opened: () => ({
      check: async () => {
        throw new Error('404')
      },
    }),
    contract: { unknownObject: 'nobody' },
  },
  'makes no object': {
    caughtBy: 'makes a missing object when it is asked to, and not before it is prepared',
    opened: (_destination, create) => (create ? { write: async () => [] } : {}),
    contract: { newObject: 'created' },
  },
  'gives up at a 429': {
    caughtBy: 'makes a RetryableError of a 429',
    script: async ({ apply }) => {
      if (down) throw new FatalError('too_many_requests', '429')
      return apply()
    },
    contract: { faults: [fault] },
  },
  'does not say how long to wait': {
    caughtBy: 'makes a RetryableError of a 429',
    script: async ({ apply }) => {
      if (down) throw new RetryableError('429')
      return apply()
    },
    contract: { faults: [{ ...fault, retryAfterMs: 2_000 }] },
  },
}

const contents = (n: number): Values => ({
  id: String(n),
  name: `name ${n}`,
  size: String(n),
  price: `${n}.50`,
  weight: String(n / 4),
  active: n % 2 === 0 ? 't' : 'f',
  digest: '\\x0aff',
  born: '2024-02-29',
  seen: '2024-02-29 12:00:00+00',
  extra: '{"a": 1}',
})

/** The contract of a destination over a map; without a mutant it is in order. */
function contractOf(name: string, mutant: Partial<DestinationMutant>): DestinationContract {
  const { script, stores, opened, declares, pacing } = mutant
  const map = mapDestination({
    limits: { rows: 200, inFlight: 2 },
    refuses: (values) => (values['name'] === 'refuse me' ? 'no_such_name' : undefined),
    ...(mutant.contract?.match === undefined ? {} : { match: mutant.contract.match, keyEncodings: ['text'] }),
    ...(script === undefined ? {} : { script: (write) => script(write, map.records) }),
  })
  const definition: DestinationDefinition<{ url?: string | undefined }> = {
    ...map.definition,
    ...(pacing === undefined ? {} : { pacing }),
    object: (object, options) => ({ ...map.definition.object(object, options), ...declares }),
    async open(options, request, context) {
      const destination = await map.definition.open(options, request, context)
      // By assignment: the records and counters of the original are read through it.
      return { ...destination, ...opened?.(map, request.create, context) }
    },
  }
  return {
    name,
    destination: definition,
    options: {},
    object: 'users',
    fields: {
      id: 'integer',
      name: 'text',
      size: 'integer',
      price: 'decimal',
      weight: 'float',
      active: 'boolean',
      digest: 'bytes',
      born: 'date',
      seen: 'timestamp',
      extra: 'json',
    },
    row: contents,
    refusedRow: (n) => ({ ...contents(n), name: 'refuse me' }),
    empty: async () => map.records.clear(),
    records: async () => [...map.records.values()].map((values) => stores?.(values) ?? values),
    waive: mutant.caughtBy === undefined ? {} : waiveAllBut(DESTINATION_CASES, mutant.caughtBy),
    ...mutant.contract,
  }
}

async function* listOf(keys: readonly string[], proven: boolean) {
  yield rowBatch(keys.map((key) => [key]))
  yield rowBatch([], { rows: keys.length, proven, evidence: 'it says so' })
}

async function* slowListOf(keys: readonly string[]) {
  yield* listOf(keys, true)
  await new Promise((resolve) => setTimeout(resolve, 1_500))
}

function byNumber(a: string, b: string): number {
  return Number(a) - Number(b)
}

/** The suites, where this file is run and not read. */
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  testDestination(contractOf('in order', {}))
  for (const [name, mutant] of Object.entries(MUTANTS)) testDestination(contractOf(name, mutant))
}

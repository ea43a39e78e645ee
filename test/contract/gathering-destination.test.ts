import { testDestination } from '../../src/testing/index.ts'
import { gatheringDestination } from '../support/gathering-destination.ts'

let locked: string | undefined
let recognises = true

const destination = gatheringDestination({
  limits: { rows: 500, inFlight: 3 },
  refuses: (values) => (values['name'] === 'refuse me' ? 'no_such_name' : undefined),
  script: async ({ keys, apply }) =>
    keys.flatMap((key, at) =>
      key === locked ? [{ status: 'deferred', code: 'row_locked', message: `${key} is locked` }] : apply(at, at + 1),
    ),
})

const contract = {
  object: 'users',
  fields: { id: 'integer', name: 'text' },
  row: (n: number) => ({ id: String(n), name: `name ${n}` }),
  refusedRow: (n: number) => ({ id: String(n), name: 'refuse me' }),
  empty: async () => destination.records.clear(),
  records: async () => [...destination.records.values()],
} as const

const { definition } = destination
const paced: typeof definition = {
  ...definition,
  object: (...given) => ({ ...definition.object(...given), ...(recognises ? {} : { insertsAgain: 'twice' as const }) }),
  pacing: () => ({ credential: 'account 1', rates: [{ requests: 100, perMs: 10_000 }] }),
  async open(options, request, context) {
    const opened = await definition.open(options, request, context)
    return Object.assign(Object.create(opened) as typeof opened, {
      async check() {
        const pass = await context.gate.enter(new AbortController().signal)
        pass.leave()
        return []
      },
      write: async (...given: Parameters<typeof opened.write>) => {
        // What is gathered is gathered before anything is waited for.
        const answer = opened.write(...given)
        const pass = await context.gate.enter(given[1])
        try {
          return await answer
        } finally {
          pass.leave()
        }
      },
    })
  },
}

testDestination({
  ...contract,
  name: 'a destination that gathers, has limits and locks records',
  destination: paced,
  options: {},
  lock: async (n) => {
    locked = String(n)
    return {
      async [Symbol.asyncDispose]() {
        locked = undefined
      },
    }
  },
})

testDestination({
  ...contract,
  name: 'a destination that makes two records of an insert that is sent twice',
  destination: paced,
  options: () => {
    recognises = false
    return {}
  },
})

// A program of its own: syncs CSV from stdin into a destination that takes its time, and tells its parent about it.
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { DONE, defineDestination, sync } from '../../src/index.ts'

const [state, latency] = process.argv.slice(2)

const slow = defineDestination({
  type: 'slow',
  schemes: ['slow'],
  options: z.object({ url: z.string() }),
  object: () => ({
    syncModes: ['upsert'],
    limits: { rows: 1000, bytes: 1_000_000, inFlight: 2 },
    shared: false,
    lists: 'never',
    match: 'any',
    deletesAs: ['delete'],
    creates: false,
  }),
  identity: () => 'slow:',
  async open() {
    return {
      check: async () => [],
      prepare: async () => {},
      async write({ count }) {
        await delay(Number(latency))
        process.send?.({ answered: count })
        return Array.from({ length: count }, () => DONE)
      },
      [Symbol.asyncDispose]: async () => {},
    }
  },
})

const report = await sync(
  {
    version: 1,
    state: state ?? '',
    connections: { slow: 'slow:' },
    syncs: {
      users: {
        source: { stdin: 'csv', sorted: true },
        key: 'id',
        mode: 'upsert',
        destination: { connection: 'slow', object: 'users' },
      },
    },
  },
  { destinations: [slow] },
)
process.send?.({ report })
process.disconnect?.()

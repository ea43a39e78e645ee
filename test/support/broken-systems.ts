import { setImmediate as nextTurn } from 'node:timers/promises'
import { DONE, type Outcome } from '../../src/core/outcome.ts'
import type { DestinationMutant } from './broken-writes.ts'

let locked = false

const lock = async () => {
  locked = true
  return {
    async [Symbol.asyncDispose]() {
      locked = false
    },
  }
}
const PACING = () => ({ credential: 'account 1', rates: [{ requests: 10, perMs: 1_000 }] })

/** The key as an id, which nobody looks at. */
const withIds: NonNullable<DestinationMutant['script']> = async ({ keys, apply }) =>
  apply().map((outcome, at): Outcome => (outcome.status === 'done' ? { ...outcome, id: String(keys[at]) } : outcome))

/** Mistakes of destinations that are reached over requests, gather, lock records or know them by ids. */
export const SYSTEM_MUTANTS: Readonly<Record<string, DestinationMutant>> = {
  'passes no gate although it has limits': {
    caughtBy: 'enters its gate for each request, and leaves it',
    pacing: PACING,
  },
  'never leaves the gate': {
    caughtBy: 'enters its gate for each request, and leaves it',
    pacing: PACING,
    opened: ({ write }, _create, { gate }) => ({
      async write(batch, signal) {
        await gate.enter(signal)
        return await write(batch, signal)
      },
    }),
  },
  'declares a limit that lets nothing through': {
    caughtBy: 'enters its gate for each request, and leaves it',
    pacing: () => ({ credential: 'account 1', rates: [{ requests: 0, perMs: 1_000 }] }),
  },
  'gathers a batch after the flush that it was written before': {
    caughtBy: 'answers every batch that was written before a flush',
    opened: ({ write }) => {
      let gathered: (() => void)[] = []
      return {
        async write(batch, signal) {
          await nextTurn()
          return await new Promise<readonly Outcome[]>((resolve, reject) => {
            gathered.push(() => void write(batch, signal).then(resolve, reject))
          })
        },
        flush() {
          for (const send of gathered) send()
          gathered = []
        },
      }
    },
  },
  'rejects what is only locked': {
    caughtBy: 'defers a change that is locked, and no other',
    script: async ({ keys, apply }) =>
      keys.map((key, at) =>
        locked && key === '1'
          ? { status: 'rejected', code: 'locked', message: 'locked' }
          : (apply(at, at + 1)[0] as Outcome),
      ),
    contract: { lock },
  },
  'answers no ids although it has them': {
    caughtBy: 'answers the id of each record that it makes or changes',
    declares: { links: true },
  },
  'answers the same id for every record': {
    caughtBy: 'answers the id of each record that it makes or changes',
    declares: { links: true },
    script: async ({ apply }) => apply().map(() => ({ status: 'done', id: '1' })),
  },
  'says of every upsert that it made the record': {
    caughtBy: 'answers the id of each record that it makes or changes',
    declares: { links: true },
    script: async ({ keys, apply }) =>
      apply().map((_, at) => ({ status: 'done', id: String(keys[at]), created: true })),
  },
  'changes records by their match although it gets their ids': {
    caughtBy: 'changes the record with an id, whatever its match is now',
    declares: { links: true },
    script: withIds,
  },
  'deletes records by their match although it gets their ids': {
    caughtBy: 'deletes the record with an id, whatever its match is now',
    declares: { links: true },
    script: withIds,
  },
  'takes all records for one': {
    caughtBy: 'gives each record an identity of its own',
    declares: { links: true },
    opened: () => ({ identity: () => 'all of them' }),
  },
  'does not say that it takes two texts for one record': {
    caughtBy: 'gives one identity to what it takes for one record',
    declares: { links: true },
    script: async ({ batch }) => new Array<Outcome>(batch.count).fill({ ...DONE, id: '1' } as Outcome),
    contract: { alias: (n) => ({ id: `0${n}` }) },
  },
}

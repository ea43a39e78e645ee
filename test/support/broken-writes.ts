import { setImmediate as nextTurn } from 'node:timers/promises'
import type {
  Destination,
  DestinationContext,
  DestinationDefinition,
  ObjectDeclaration,
} from '../../src/core/destination.ts'
import { BatchRefusedError } from '../../src/core/errors.ts'
import { DONE, NOT_FOUND, type Outcome } from '../../src/core/outcome.ts'
import type { DestinationCase, DestinationContract } from '../../src/testing/index.ts'
import type { MapDestination, MapWrite, Values } from './map-destination.ts'

/** A destination with one mistake in it, and the case that has to find it. */
export interface DestinationMutant {
  readonly caughtBy: DestinationCase | `makes a ${string}`
  /** Answers in place of the destination. */
  readonly script?: (write: MapWrite, records: Map<string, Values>) => Promise<readonly (Outcome | undefined)[]>
  /** What becomes of a record on its way in. */
  readonly stores?: (values: Values) => Values
  readonly opened?: (destination: MapDestination, create: boolean, context: DestinationContext) => Partial<Destination>
  readonly pacing?: NonNullable<DestinationDefinition['pacing']>
  readonly declares?: Partial<ObjectDeclaration>
  readonly contract?: Partial<DestinationContract>
}

/** What the batch before was answered with. */
const state: { outcomes: readonly Outcome[] } = { outcomes: [] }

export const put = (records: Map<string, Values>, { keys, batch }: MapWrite, index: number, key = keys[index]) => {
  const values = batch.values(index)
  records.set(String(key), Object.fromEntries(batch.fields.map(({ name }, at) => [name, values[at] ?? null])))
}

/** Mistakes in what is written and in what is answered. */
export const WRITE_MUTANTS: Readonly<Record<string, DestinationMutant>> = {
  'counts and answers done': {
    caughtBy: 'answers not_found to the update of a record that is not there, and makes none',
    script: async ({ apply }) => apply().map(() => DONE),
  },
  'answers in another order': {
    caughtBy: 'answers one outcome per change, in order',
    script: async ({ apply }) => apply().reverse(),
  },
  'answers one too few': {
    caughtBy: 'answers one outcome per change, in order',
    script: async ({ apply }) => apply().slice(1),
  },
  'drops the last row of a full batch': {
    caughtBy: 'takes a batch as large as it declares',
    script: async ({ apply, keys }) => (keys.length < 100 ? apply() : [...apply(0, keys.length - 1), DONE]),
  },
  'drops what is beyond a hundred kilobytes': {
    caughtBy: 'takes a batch of as many bytes as it declares',
    script: async ({ apply, batch, keys }) => {
      const fitting = batch.ends.filter((end) => end < 100_000).length
      return [...apply(0, fitting), ...keys.slice(fitting).map(() => DONE)]
    },
  },
  'takes no batch of one': {
    caughtBy: 'takes a batch of one row',
    script: async ({ apply, keys }) => (keys.length === 1 ? [DONE] : apply()),
  },
  'finds records by their position': {
    caughtBy: 'changes only the record with that match',
    script: async (write, records) => {
      if (write.batch.operation !== 'update') return write.apply()
      const places = [...records.keys()]
      return write.keys.map((_, index) => {
        if (places[index] === undefined) return NOT_FOUND
        put(records, write, index, places[index])
        return DONE
      })
    },
  },
  'appends in place of upserting': {
    caughtBy: 'leaves one record when the same upsert is sent twice',
    script: async (write, records) => {
      if (write.batch.operation !== 'upsert') return write.apply()
      return write.keys.map((key, index) => {
        put(records, write, index, records.has(key) ? `${key} again` : key)
        return DONE
      })
    },
  },
  'leaves what is there as it is when it upserts': {
    caughtBy: 'makes and changes records in one batch of upserts',
    script: async (write, records) =>
      write.keys.map((key, index) => {
        if (write.batch.operation === 'upsert' && records.has(key)) return DONE
        return write.apply(index, index + 1)[0]
      }),
  },
  'makes a record of an update': {
    caughtBy: 'answers not_found to the update of a record that is not there, and makes none',
    script: async (write, records) => {
      if (write.batch.operation !== 'update') return write.apply()
      return write.keys.map((key, index) => {
        const known = records.has(key)
        put(records, write, index)
        return known ? DONE : NOT_FOUND
      })
    },
  },
  'overwrites what is there when it inserts': {
    caughtBy: 'answers exists to the insert of a record that is there, and leaves it as it is',
    script: async (write, records) => {
      const outcomes = write.apply()
      if (write.batch.operation === 'insert') for (const index of write.keys.keys()) put(records, write, index)
      return outcomes
    },
  },
  'inserts the same record twice': {
    caughtBy: 'answers exists when the same insert is sent twice',
    script: async (write, records) => {
      if (write.batch.operation !== 'insert') return write.apply()
      return write.keys.map((key, index) => {
        put(records, write, index, records.has(key) ? `${key} again` : key)
        return DONE
      })
    },
  },
  'loses the neighbours of a bad row': {
    caughtBy: 'rejects a bad row without losing its neighbours',
    script: async ({ apply }, records) => {
      const before = new Map(records)
      const outcomes = apply()
      if (outcomes.some(({ status }) => status === 'rejected')) {
        records.clear()
        for (const [key, values] of before) records.set(key, values)
      }
      return outcomes
    },
  },
  'refuses a batch after half of it': {
    caughtBy: 'rejects a bad row without losing its neighbours',
    script: async ({ apply }) => {
      const outcomes = apply()
      if (outcomes.some(({ status }) => status === 'rejected')) throw new BatchRefusedError('23514', 'a bad row')
      return outcomes
    },
  },
  'throws a plain error for a bad row': {
    caughtBy: 'rejects a bad row without losing its neighbours',
    script: async ({ apply }, records) => {
      const before = new Map(records)
      const outcomes = apply()
      if (!outcomes.some(({ status }) => status === 'rejected')) return outcomes
      records.clear()
      for (const [key, values] of before) records.set(key, values)
      throw new Error('400 Bad Request')
    },
  },
  'deletes by position': {
    caughtBy: 'deletes the record with that match and no other, and accepts deleting it again',
    script: async (write, records) => {
      if (write.batch.operation !== 'delete') return write.apply()
      for (const key of [...records.keys()].slice(0, write.keys.length)) records.delete(key)
      return write.keys.map(() => DONE)
    },
  },
  'does not find what it deleted already': {
    caughtBy: 'deletes the record with that match and no other, and accepts deleting it again',
    script: async (write, records) =>
      write.keys.map((key, index) => {
        if (write.batch.operation === 'delete' && !records.has(key)) return NOT_FOUND
        return write.apply(index, index + 1)[0]
      }),
  },
  'archives by position': {
    caughtBy: 'archives the record with that match and no other where it is asked to',
    script: async (write, records) => {
      if (write.batch.operation !== 'delete') return write.apply()
      for (const key of [...records.keys()].slice(0, write.keys.length)) records.delete(key)
      return write.keys.map(() => DONE)
    },
  },
  'mixes the answers of two batches': {
    caughtBy: 'takes several batches at once without mixing their outcomes',
    script: async ({ apply }) => {
      state.outcomes = apply()
      await nextTurn()
      return state.outcomes
    },
  },
  'writes a null that is to be skipped': {
    caughtBy: 'leaves a field as it is where a null is to be skipped',
    script: async (write, records) => {
      const outcomes = write.apply()
      if (write.batch.operation === 'update') for (const index of write.keys.keys()) put(records, write, index)
      return outcomes
    },
  },
  'writes fields for inserts always': {
    caughtBy: 'writes a field that is for inserts only when it makes the record, and then no more',
    script: async (write, records) => {
      const outcomes = write.apply()
      if (write.batch.operation === 'upsert') for (const index of write.keys.keys()) put(records, write, index)
      return outcomes
    },
  },
}

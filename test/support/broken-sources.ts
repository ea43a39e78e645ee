import { closeSync, openSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import type { ValueKind } from '../../src/core/column.ts'
import { FatalError } from '../../src/core/errors.ts'
import type { EndOfModel, RowBatch } from '../../src/core/row-batch.ts'
import type { Reading, ReadRequest, Source, SourceDefinition } from '../../src/core/source.ts'
import { type ContractRecord, type SourceCase, type SourceContract, testSource } from '../../src/testing/index.ts'
import { SOURCE_CASES } from '../../src/testing/source-contract.ts'
import { VALUE_MUTANTS } from './broken-source-values.ts'
import { type MapSource, mapSource } from './map-source.ts'
import { column, rowBatch } from './row-batches.ts'
import { waiveAllBut } from './suite-results.ts'

/** A source with one mistake in it, and the case that has to find it. */
export interface SourceMutant {
  readonly caughtBy: SourceCase
  readonly rows?: (rows: readonly ContractRecord[]) => readonly ContractRecord[]
  readonly batches?: (batches: readonly RowBatch[], reading: Reading) => readonly RowBatch[]
  /** In place of the stream that hands out those batches. */
  readonly stream?: (reading: Reading, request: ReadRequest, map: MapSource) => Readable | Promise<Readable>
  readonly opened?: (source: Source) => Partial<Source>
  readonly contract?: Partial<SourceContract>
}

const COLUMNS = {
  id: 'integer',
  name: 'text',
  note: 'text',
  size: 'integer',
  price: 'decimal',
  weight: 'float',
  active: 'boolean',
  digest: 'bytes',
  born: 'date',
  seen: 'timestamp',
  extra: 'json',
} as const satisfies Record<string, ValueKind>

/** The last batch with another end. */
const endingIn = (change: (end: EndOfModel) => EndOfModel | undefined) => (batches: readonly RowBatch[]) =>
  batches.map(({ end, ...batch }): RowBatch => {
    const changed = end === undefined ? undefined : change(end)
    return changed === undefined ? batch : { ...batch, end: changed }
  })

/** Set by `breakOff`. */
let cut = false

export const SOURCE_MUTANTS: Readonly<Record<string, SourceMutant>> = {
  'loses its last row': {
    caughtBy: 'reads every row once, to a proven end that counts them',
    batches: (batches) => batches.filter((_, index) => index !== batches.length - 2),
  },
  'counts one row too many': {
    caughtBy: 'reads every row once, to a proven end that counts them',
    batches: endingIn((end) => ({ ...end, rows: end.rows + 1 })),
  },
  'proves nothing': {
    caughtBy: 'reads every row once, to a proven end that counts them',
    batches: endingIn((end) => ({ ...end, proven: false })),
  },
  'just stops': {
    caughtBy: 'reads every row once, to a proven end that counts them',
    batches: endingIn(() => undefined),
  },
  'does not end where there is nothing': {
    caughtBy: 'reads a model without rows to a proven end',
    batches: (batches) => (batches.length === 1 ? [] : batches),
  },
  'says that it is at its end all the time': {
    caughtBy: 'says nothing about the end before the last batch',
    batches: (batches) => batches.map((batch) => ({ ...batch, end: batches.at(-1)?.end as EndOfModel })),
  },
  'calls everything a text': {
    caughtBy: 'describes its columns by name and kind',
    opened: (source) => ({
      describe: async () => (await source.describe()).map(({ name }) => column(name)),
    }),
  },
  'always hands out all columns': {
    caughtBy: 'reads the columns that were asked for, in that order',
    opened: (source) => ({
      read: async (request) => source.read({ ...request, columns: Object.keys(COLUMNS) }),
    }),
  },
  'sorts as people do': {
    caughtBy: 'reads in the byte order of its keys, or says that it does not',
    batches: (batches, { layout }) => {
      const texts = layout.key.some(({ encoding }) => encoding === 'text')
      return texts ? [...batches.slice(0, -1)].reverse().concat(batches.slice(-1)) : batches
    },
  },
  'leaves out what has no key': {
    caughtBy: 'hands on a row whose key is null',
    rows: (rows) => rows.filter((row) => row['name'] !== null),
  },
  'takes the wrong rows for the first': {
    caughtBy: 'sends at least the rows that a part asks for',
    stream: async (reading, { part }) => Readable.from((await all(reading)).slice(part === undefined ? 0 : 1)),
  },
  'always has enough': {
    caughtBy: 'says whether it has at least so many rows',
    opened: () => ({ hasAtLeast: async (rows) => ({ enough: true, rows }) }),
  },
  'takes any password': {
    caughtBy: 'ends in a FatalError with a code when the credentials are bad',
    contract: { badOptions: { url: 'rows:wrong' } },
  },
  'does not look whether the model exists': {
    caughtBy: 'ends in a FatalError with a code when there is no such model',
    contract: { unknownModel: { table: 'nothing' } },
  },
  'reads everything at once': {
    caughtBy: 'reads no further ahead than a few batches',
    stream: async (reading) => Readable.from(await all(reading), { highWaterMark: 1_000_000 }).on('readable', () => {}),
  },
  'does not hear the signal': {
    caughtBy: 'ends with the reason of the signal when that aborts',
    stream: async (_reading, request, map) => map.read(request.key, request.columns).rows,
  },
  'takes a cancelled read for the end': {
    caughtBy: 'ends with the reason of the signal when that aborts',
    stream: (reading, { signal }) =>
      Readable.from(
        (async function* () {
          try {
            yield* reading.rows
          } catch {
            if (signal.aborted) yield rowBatch([], { rows: 0, proven: true, evidence: 'nothing came' })
          }
        })(),
        { highWaterMark: 1 },
      ),
  },
  'reads although it was cancelled before': {
    caughtBy: 'does not read when the signal is aborted already',
    opened: (source) => ({
      read: async (request) => source.read({ ...request, signal: new AbortController().signal }),
    }),
  },
  'leaves a file open': {
    caughtBy: 'leaves nothing open behind it',
    stream: (reading) => {
      openSync(import.meta.filename, 'r')
      return reading.rows
    },
  },
  'keeps a file when nobody wants more rows': {
    caughtBy: 'lets go when nobody wants more rows',
    stream: (reading) => {
      const file = openSync(import.meta.filename, 'r')
      return reading.rows.on('end', () => closeSync(file))
    },
  },
  'does not close before it was read': {
    caughtBy: 'closes without having been read',
    opened: (source) => {
      let read = false
      return {
        read: async (request) => {
          read = true
          return source.read(request)
        },
        [Symbol.asyncDispose]: async () => {
          if (!read) await new Promise((resolve) => setTimeout(resolve, 1_500))
        },
      }
    },
  },
  'takes a lost connection for the end': {
    caughtBy: 'ends with an error, and not with an early end, when it is broken off',
    stream: (reading) =>
      Readable.from(
        (async function* () {
          let rows = 0
          for await (const batch of reading.rows as AsyncIterable<RowBatch>) {
            if (cut) yield rowBatch([], { rows, proven: true, evidence: 'the socket ended' })
            if (cut) return
            rows += batch.count
            yield batch
          }
        })(),
        { highWaterMark: 1 },
      ),
  },
  ...VALUE_MUTANTS,
}

/** The stream as it is, with an error as soon as the connection is cut. */
function untilCut(reading: Reading): Readable {
  async function* batches() {
    for await (const batch of reading.rows) {
      if (cut) throw new FatalError('connection_lost', 'the connection was lost: run again')
      yield batch
    }
  }
  return Readable.from(batches(), { highWaterMark: 1 })
}

async function all(reading: Reading): Promise<RowBatch[]> {
  const batches: RowBatch[] = []
  for await (const batch of reading.rows) batches.push(batch as RowBatch)
  return batches
}

const contents = (n: number): ContractRecord => ({
  id: String(n),
  name: `name ${n}`,
  note: `note ${n}`,
  size: String(n),
  price: `${n}.50`,
  weight: String(n / 4),
  active: n % 2 === 0 ? 't' : 'f',
  digest: '\\x0aff',
  born: '2024-02-29',
  seen: '2024-02-29 12:00:00+00',
  extra: '{"a": 1}',
})

/** The contract of a source over an array; without a mutant it is in order. */
function contractOf(name: string, mutant: Partial<SourceMutant>): SourceContract {
  const map = mapSource(Object.entries(COLUMNS).map(([column_, kind]) => column(column_, kind)))
  map.batchRows =
    mutant.batches === undefined && mutant.caughtBy !== 'sends at least the rows that a part asks for' ? 100 : 1
  const definition: SourceDefinition<{ url?: string | undefined }> = {
    ...map.definition,
    async open(options, model) {
      const source = await map.definition.open(options, model)
      const read = async (request: ReadRequest): Promise<Reading> => {
        const reading = await source.read(request)
        if (mutant.batches !== undefined) {
          return { ...reading, rows: Readable.from(mutant.batches(await all(reading), reading), { highWaterMark: 1 }) }
        }
        const rows = mutant.stream === undefined ? untilCut(reading) : await mutant.stream(reading, request, map)
        return { ...reading, rows }
      }
      return { ...source, read, ...mutant.opened?.({ ...source, read }) }
    },
  }
  return {
    name,
    source: definition,
    options: {},
    model: { table: 'model' },
    columns: COLUMNS,
    row: contents,
    fill: async (rows) => {
      cut = false
      map.rows = (mutant.rows?.(rows) ?? rows).map((row) => Object.keys(COLUMNS).map((field) => row[field] ?? null))
    },
    breakOff: async () => {
      cut = true
    },
    waive: mutant.caughtBy === undefined ? {} : waiveAllBut(SOURCE_CASES, mutant.caughtBy),
    ...mutant.contract,
  }
}

/** The suites, where this file is run and not read. */
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  testSource(contractOf('in order', {}))
  for (const [name, mutant] of Object.entries(SOURCE_MUTANTS)) testSource(contractOf(name, mutant))
}

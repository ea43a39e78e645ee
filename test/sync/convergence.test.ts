import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { sync } from '../../src/index.ts'
import { startPostgres, type TestPostgres } from '../../src/testing/postgres.ts'
import { memoryFolder } from '../support/memory-folder.ts'
import { BLANK, type RandomSync, randomColumns, randomKeys, randomModel, randomSync } from '../support/random-sync.ts'
import { type Random, seeds, withSeed } from '../support/seeded-random.ts'
import { keyOf, type Oracle, type OracleRun, oracle, type Values } from '../support/sync-oracle.ts'
import { postgresPlace, type SyncPlace, sqlitePlace } from '../support/sync-places.ts'

const FILE = 'test/sync/convergence'
const HISTORIES = { sqlite: 60, postgres: 16, 'postgres by digests': 10 }
const RUNS = 6

let postgres: TestPostgres

before(async () => {
  postgres = await startPostgres()
})

after(async () => {
  await postgres[Symbol.asyncDispose]()
})

/** What other people do to the table between two runs; the oracle's records are changed alike. */
async function editsByOthers(
  random: Random,
  place: SyncPlace,
  expected: Oracle,
  keys: readonly Values[],
): Promise<void> {
  const columns = Object.keys(keys[0] as Values)
  for (const key of random.some(keys, 0.1)) {
    const id = keyOf(columns, key)
    const existing = expected.records.get(id)
    if (existing === undefined) {
      const record = { ...key, f1: 'theirs', note: 'theirs' }
      await place.insert(record)
      expected.records.set(id, { ...BLANK, ...record })
    } else if (random.chance(0.4)) {
      await place.edit(key, 'delete')
      expected.records.delete(id)
    } else {
      const change = random.pick([{ note: 'edited' }, { f1: 'edited', f2: null }])
      await place.edit(key, change)
      expected.records.set(id, { ...existing, ...change })
    }
  }
}

interface Totals {
  runs: number
  changes: number
  held: number
}

/** A history: many runs of one sync, whose model, destination, mapping and mode change on the way. */
async function history(
  random: Random,
  folder: string,
  open: (columns: ReturnType<typeof randomColumns>) => Promise<SyncPlace>,
  { totals, digest }: { readonly totals: Totals; readonly digest: boolean },
): Promise<void> {
  const columns = randomColumns(random)
  const keys = randomKeys(random, columns)
  await using place = await open(columns)
  const expected = oracle(BLANK)
  let models: Values[][] = [randomModel(random, keys, [])]
  let chosen: RandomSync = randomSync(random, columns)
  for (let run = 1; run <= RUNS; run++) {
    await editsByOthers(random, place, expected, keys)
    if (random.chance(0.25)) chosen = randomSync(random, columns)
    const last = models.at(-1) as Values[]
    const model = random.chance(0.2) ? random.pick(models) : randomModel(random, keys, last)
    models = [...models, model]
    await place.load(random.shuffled(model))
    const allowed: OracleRun = {
      full: random.chance(0.1),
      allowEmpty: random.chance(0.5),
      allowInvalid: random.chance(0.3),
      allowDeletes: random.chance(0.5),
    }
    const { counts, guards } = expected.run(chosen.oracle, model, allowed)
    const report = await sync(
      {
        version: 1,
        state: `${folder}/state`,
        connections: place.connections,
        syncs: {
          test: {
            source: { connection: 'from', table: place.sourceTable, ...(digest && { read: { digest } }) },
            key: [...columns.key],
            destination: { connection: 'to', table: place.destinationTable },
            ...chosen.input,
          },
        },
      },
      {
        ...place.options,
        full: allowed.full,
        allowEmpty: allowed.allowEmpty,
        allowDeletesWithInvalid: allowed.allowInvalid,
        ...(allowed.allowDeletes ? { allowDeletes: { percent: 100 } } : {}),
      },
    )
    const about = `run ${run}, ${JSON.stringify(chosen.input)}`
    assert.equal(report.error, null, about)
    assert.deepEqual(report.counts, counts, about)
    assert.deepEqual(
      report.guards.map(({ guard }) => guard),
      guards,
      about,
    )
    assert.deepEqual(sorted(await place.read()), sorted(expected.records), about)
    assertIdentities(report.counts)
    const bad = counts.invalid + counts.rejected > 0
    const status = counts.held > 0 ? 'deletes_held' : bad ? 'completed_with_errors' : 'succeeded'
    assert.equal(report.status, status, about)
    totals.runs++
    totals.changes += counts.inserted + counts.updated + counts.deleted
    totals.held += counts.held
  }
}

function assertIdentities(c: Awaited<ReturnType<typeof sync>>['counts']): void {
  assert.equal(c.read, c.inserted + c.updated + c.unchanged + c.skipped + c.invalid + c.rejected)
  assert.equal(c.missing, c.deleted + c.kept + c.held + c.delete_rejected)
}

function sorted(records: ReadonlyMap<string, Values>): [string, [string, string | null][]][] {
  return [...records]
    .map(([key, values]): [string, [string, string | null][]] => [key, Object.entries(values).sort()])
    .sort()
}

for (const type of ['sqlite', 'postgres', 'postgres by digests'] as const) {
  test(`after every run of ${HISTORIES[type]} histories, ${type} holds what a map of the same rows holds`, async (context) => {
    const totals: Totals = { runs: 0, changes: 0, held: 0 }
    const digest = type === 'postgres by digests'
    for (const seed of seeds(HISTORIES[type])) {
      await withSeed(seed, FILE, async (random) => {
        using folder = memoryFolder()
        await history(
          random,
          folder.path,
          async (columns) => {
            if (type === 'sqlite') return sqlitePlace(folder.path, columns)
            return postgresPlace(postgres, `${digest ? 'digest' : 'seed'}_${seed}`, columns)
          },
          { totals, digest },
        )
      })
    }
    const { runs, changes, held } = totals
    context.diagnostic(`${runs} runs, ${changes} changes made, ${held} deletes held`)
  })
}

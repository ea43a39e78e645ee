import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { z } from 'zod'
import {
  type BenchRun,
  benchModel,
  benchSync,
  type Column,
  type ConfigInput,
  defineSource,
  rowBatchOf,
} from '../../src/index.ts'
import { startPostgres } from '../../src/testing/index.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const COLUMNS: readonly Column[] = [{ name: 'id', type: 'bigint', kind: 'integer', keyEncoding: 'integer' }]
const BATCHES = 10

/** Ten rows, of which each comes after `pause` milliseconds in which nothing happens and `work` in which it computes. */
const slowSource = defineSource({
  type: 'slow',
  schemes: [],
  options: z.object({ pause: z.number().default(0), work: z.number().default(0) }),
  async open({ pause, work }) {
    async function* batches() {
      for (let row = 1; row <= BATCHES; row++) {
        await delay(pause)
        for (const began = performance.now(); performance.now() - began < work; );
        const end = { rows: BATCHES, proven: true, evidence: 'counted' }
        yield rowBatchOf([[String(row)]], ...(row === BATCHES ? [end] : []))
      }
    }
    return {
      describe: async () => COLUMNS,
      hasAtLeast: async () => ({ enough: true, rows: BATCHES }),
      read: async () => ({
        layout: { key: [{ field: 0, encoding: 'integer' }], extra: 0, columns: COLUMNS },
        rows: Readable.from(batches(), { highWaterMark: 1 }),
      }),
      [Symbol.asyncDispose]: async () => {},
    }
  },
})

function configOf(from: ConfigInput['connections'][string], source: object = {}): ConfigInput {
  const destination = { connection: 'to', table: 'rows', create: true }
  return {
    version: 1,
    connections: { from, to: 'sqlite:/nowhere/at/all.db' },
    syncs: {
      rows: { source: { connection: 'from', table: 'rows', ...source }, key: 'id', mode: 'mirror', destination },
    },
  }
}

const msOf = ({ stages }: BenchRun, name: string) => stages.find(({ stage }) => stage === name)?.ms ?? 0

function assertSound(run: BenchRun): void {
  const shares = run.stages.reduce((sum, { share }) => sum + share, 0)
  assert.ok(Math.abs(shares - 1) < 0.01, `the shares of "${run.work}" add up to ${shares}`)
  const ms = run.stages.reduce((sum, stage) => sum + stage.ms, 0)
  assert.ok(Math.abs(ms - run.duration_ms) < 0.2, `${ms} of ${run.duration_ms} ms`)
  for (const { stage, ms, share } of run.stages) assert.ok(ms >= 0 && share <= 1, `${stage} takes ${ms} ms`)
  assert.ok(run.peak_rss_bytes > 10_000_000 && run.cpu_ms > 0 && run.rows_per_second > 0)
}

test('a source that lets the process wait is the limit, and its time is nobody else’s', async () => {
  const { runs } = await benchSync(configOf({ type: 'slow', pause: 60 }), { sources: [slowSource], runs: 1 })
  for (const run of runs) {
    assertSound(run)
    assert.ok(msOf(run, 'waiting') > 400, `${msOf(run, 'waiting')} ms of waiting`)
  }
  const unchanged = runs[1] as BenchRun
  assert.equal(unchanged.limit.stage, 'waiting')
  assert.match(unchanged.limit.message, /^slow is the limit: \d+ µs a row there, \d+ here$/)
})

test('what a source computes is the time of the source, wherever it is called from', async () => {
  const { runs } = await benchSync(configOf({ type: 'slow', work: 60 }), { sources: [slowSource], runs: 1 })
  for (const run of runs) {
    assertSound(run)
    assert.ok(msOf(run, 'source') >= 590, `${msOf(run, 'source')} ms of the source`)
    for (const stage of ['keying', 'diff', 'filter', 'writer']) assert.ok(msOf(run, stage) < 300, stage)
  }
  const unchanged = runs[1] as BenchRun
  assert.equal(unchanged.limit.stage, 'source')
  assert.match(unchanged.limit.message, /^this process is the limit; the largest part is reading slow: \d/)
})

test('Postgres is measured from its rows to the index, and nothing is looked for in the destination', async () => {
  await using postgres = await startPostgres()
  const client = new pg.Client(postgres.url)
  await client.connect()
  await client.query(
    "CREATE TABLE rows AS SELECT i::bigint AS id, 'name ' || i AS name FROM generate_series(1, 20000) i",
  )
  await client.end()
  const { runs, source, sync } = await benchSync(configOf(postgres.url), { runs: 2 })
  assert.deepEqual([source, sync], ['postgres', 'rows'])
  assert.deepEqual(
    runs.map(({ work, rows, counts }) => [work, rows, counts.inserted, counts.unchanged]),
    [
      ['first', 20_000, 20_000, 0],
      ['unchanged', 20_000, 0, 20_000],
    ],
  )
  for (const run of runs) {
    assertSound(run)
    for (const stage of ['source', 'keying', 'index']) assert.ok(msOf(run, stage) > 0, `${run.work}: ${stage}`)
  }
  assert.ok(msOf(runs[0] as BenchRun, 'writer') > 0)
})

test('rows that have to be sorted have a stage of their own for it', async () => {
  using folder = temporaryFolder()
  const path = folder.file('rows.csv')
  const ids = Array.from({ length: 5000 }, (_, row) => (row * 7919) % 5000)
  writeFileSync(path, `id,name\n${ids.map((id) => `${id},name ${id}\n`).join('')}`)
  const config = configOf('blackhole:')
  const rows = { ...config.syncs['rows'], source: { file: path, types: { id: 'integer' }, rows: 5000 } }
  const { runs, source } = await benchSync({ ...config, syncs: { rows } } as ConfigInput, { runs: 1 })
  assert.equal(source, 'file')
  for (const run of runs) {
    assertSound(run)
    assert.equal(run.counts.read, 5000)
    assert.ok(msOf(run, 'sorting') > 0)
  }
})

test('generated rows are measured with and without changes, and counted exactly', async () => {
  const { runs, peak_rss_bytes } = await benchModel({ rows: 20_000, runs: 3, changed: 10, key: 'text' })
  const [first, unchanged, changed] = runs as readonly [BenchRun, BenchRun, BenchRun]
  for (const run of runs) assertSound(run)
  assert.deepEqual([first.work, first.counts.inserted, first.counts.read], ['first', 20_000, 20_000])
  assert.deepEqual([unchanged.work, unchanged.counts.unchanged], ['unchanged', 20_000])
  const { counts, work } = changed
  assert.deepEqual([work, counts.updated, counts.inserted, counts.deleted], ['changed', 2000, 200, 200])
  assert.ok(peak_rss_bytes >= first.peak_rss_bytes)
})

test('a run that fails is told as it is, and one that is cancelled too', async () => {
  await assert.rejects(benchSync(configOf('sqlite:/nowhere/at/all.db')), {
    code: 'no_such_file',
    kind: 'configuration',
  })
  await assert.rejects(benchModel({ rows: 100, signal: AbortSignal.abort(new Error('enough')) }), /enough/)
  const config = configOf('blackhole:')
  const rows = { ...config.syncs['rows'], source: { stdin: 'csv' } }
  await assert.rejects(benchSync({ ...config, syncs: { rows } } as ConfigInput), { code: 'stdin_used_up' })
})

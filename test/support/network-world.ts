import assert from 'node:assert/strict'
import { exitCodeOf } from '../../src/cli/exit-code.ts'
import type { ConfigInput, SyncOptions } from '../../src/index.ts'
import { type Ends, type Run, runConfig, type Server, type SyncInput } from './ends.ts'
import { type Proxy as Relay, startProxy } from './postgres-proxy.ts'
import type { TcpFault } from './tcp-faults.ts'

/** What messages say that a broken network may be the reason of, and which exit code 1 means: run again. */
const CODES = /^(connection_lost|connection_failed|source_idle|retries_exhausted|list_failed|source_incomplete)$/
/** A run that takes longer than this beyond its time-outs hangs; generous, because machines are busy. */
const SLACK_MS = 15_000
const ROWS = 120
/** Records that the model does not hold any more when the network breaks. */
const GONE = 10
const TERMINATE_BYTES = 5

/** How a run fared on a broken network. */
export interface Passage {
  readonly run: Run
  readonly ms: number
}

/**
 * A sync whose source or destination is behind a relay that breaks as it is told. The model holds keys 1 to 120; the table
 * also holds ten that the model had once, which a complete run deletes, and one of somebody else, which no run does.
 */
export interface NetworkWorld extends AsyncDisposable {
  readonly proxy: Relay
  /** Bytes of a whole run, both ways, up to those that only say goodbye. */
  readonly bytes: number
  /** Another model: every tenth row changes, a row comes, one goes. */
  mutate(round: number): Promise<void>
  run(fault?: TcpFault): Promise<Passage>
  /** All records are there, also those that the model does not hold any more. */
  assertNothingDeleted(): Promise<void>
  /** None of the model's rows that the table had is gone, nor is the foreign record. */
  assertModelKept(): Promise<void>
  assertConverged(): Promise<void>
}

export interface NetworkOptions {
  /** Which end is behind the relay. */
  readonly side: 'source' | 'destination'
  /** Longest wait in all that the run is configured for, in milliseconds. */
  readonly patienceMs: number
  /** Of the URL that leads through the relay, and of the sync, while the network breaks. */
  readonly url?: Readonly<Record<string, string>>
  readonly sync?: Partial<SyncInput>
  readonly source?: Partial<SyncInput['source']>
  readonly options?: SyncOptions
  /** Over how many connections the model is read, where not over one: the planner is then told that it is large. */
  readonly connections?: number
}

export async function networkWorld(server: Server, options: NetworkOptions): Promise<NetworkWorld> {
  const { side, patienceMs } = options
  const ends: Ends = await server.ends(side === 'source' ? 'sqlite' : 'postgres')
  const proxy = await startProxy(server.postgres.port)
  const [hasty, patient] = [
    through(ends, proxy, options),
    through(ends, proxy, { ...options, url: {}, source: { ...options.source, idle_timeout: '1m' } }),
  ]
  const { source, destination } = ends
  await source.execute(`
    CREATE TABLE model (id bigint PRIMARY KEY, v int, name text);
    INSERT INTO model SELECT i, 0, 'name ' || i FROM generate_series(1, ${ROWS + GONE}) i`)
  // The planner multiplies the rows of a page by the pages that there are.
  const large = `UPDATE pg_class SET reltuples = 100000, relpages = 1 WHERE oid = 'model'::regclass`
  if (options.connections !== undefined) await source.execute(large)
  await destination.execute('CREATE TABLE users (id bigint PRIMARY KEY, v int, name text)')
  await destination.execute(`INSERT INTO users VALUES (-1, 0, 'foreign')`)

  const run = async (fault?: TcpFault, more: SyncOptions = {}): Promise<Passage> => {
    proxy.faults.plan(fault)
    const began = performance.now()
    const done = await (fault === undefined ? runConfig(patient, more) : runConfig(hasty, options.options))
    const ms = performance.now() - began
    const where = fault === undefined ? 'the sound network' : `${fault.kind} at ${fault.at}`
    const { report } = done
    assert.ok(ms < patienceMs + SLACK_MS, `${where}: the run took ${ms} ms`)
    if (report.status !== 'succeeded') {
      const { code = '', message = '' } = report.error ?? {}
      assert.match(code, CODES, `${where}: ${message}`)
      assert.equal(exitCodeOf(report), 1)
      assert.match(message, /run again|check host and port|raise idle_timeout/, where)
    }
    return { run: done, ms }
  }
  const text = 'SELECT id, v, name FROM'
  const world: NetworkWorld = {
    proxy,
    bytes: 0,
    mutate: (round) =>
      source.execute(`
        UPDATE model SET v = 1 - v WHERE id % 10 = ${round % 10};
        DELETE FROM model WHERE id = ${1000 + round - 1};
        INSERT INTO model VALUES (${1000 + round}, 0, 'new')`),
    run,
    async assertNothingDeleted() {
      const kept = await destination.rows(`SELECT count(*) FROM users WHERE id < 1000`)
      assert.deepEqual(kept, [[String(ROWS + GONE + 1)]])
    },
    async assertModelKept() {
      const kept = await destination.rows(`SELECT count(*) FROM users WHERE id <= ${ROWS}`)
      assert.deepEqual(kept, [[String(ROWS + 1)]])
    },
    async assertConverged() {
      const model = await source.rows(`${text} model ORDER BY id`)
      assert.deepEqual(await destination.rows(`${text} users ORDER BY id`), [['-1', '0', 'foreign'], ...model])
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await ends[Symbol.asyncDispose]()
    },
  }
  const first = await run()
  assert.equal(first.run.report.counts.inserted, ROWS + GONE, first.run.report.error?.message)
  await source.execute(`DELETE FROM model WHERE id > ${ROWS}`)
  await world.mutate(1)
  const second = await run(undefined, side === 'source' ? { dryRun: true } : {})
  assert.equal(second.run.report.counts.inserted, 1)
  return Object.assign(world, { bytes: proxy.faults.passed - TERMINATE_BYTES * (options.connections ?? 1) })
}

function through(ends: Ends, proxy: Relay, { side, url, sync, source }: NetworkOptions): ConfigInput {
  const config = ends.config({
    source: { connection: 'warehouse', table: 'model', ...source },
    deletes: { scope: 'seen' },
    guards: { max_deletes: '100%' },
    ...sync,
  })
  const name = side === 'source' ? 'warehouse' : 'target'
  const address = new URL(config.connections[name] as string)
  address.port = String(proxy.port)
  for (const [option, value] of Object.entries(url ?? {})) address.searchParams.set(option, value)
  return { ...config, connections: { ...config.connections, [name]: address.href } }
}

/** So many offsets: three quarters of them over all bytes, the others in the last ones, where the end is proven. */
export function offsets(bytes: number, count: number): number[] {
  const spread = Math.ceil((count * 3) / 4)
  return Array.from({ length: count }, (_, index) =>
    index < spread ? Math.floor((index * bytes) / spread) : bytes - 1 - (index - spread) * 5,
  )
}
